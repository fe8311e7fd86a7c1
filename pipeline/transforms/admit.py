"""The event-name budget in a graph: many bundles' first uses in, one decision out.

Each bundle hands on a few rows, one for each different name, so one key takes them all; the
decision reaches the last step as a side input.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import apache_beam as beam

from pipeline.flow.event_names import Admission, EventNames, FirstUse, note, shown
from pipeline.flow.name_registry import NameRegistry
from pipeline.transforms.counting import Counts

_LOG = logging.getLogger(__name__)
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AdmitSettings:
    """Everything the step needs, picklable.

    Attributes:
        names: The policy.
        open_registry: Called on the worker with the stack that closes it.
    """

    names: EventNames
    open_registry: Callable[[ExitStack], NameRegistry]


class AdmitNames(beam.DoFn):
    """(nothing, first uses of many bundles) -> the ``Admission``, the only element."""

    def __init__(self, settings: AdmitSettings) -> None:
        self._settings = settings

    def process(self, element: tuple[str, Iterable[FirstUse]]) -> Iterator[Admission]:
        """Decide, remember, and warn where places run short."""
        seen: dict[str, FirstUse] = {}
        for time, name in element[1]:
            note(seen, name, time)
        admission, warnings = admitted(self._settings, seen)
        counts = Counts()
        for name, number in warnings.items():
            counts.add(name, number)
        counts.flush()
        yield admission


def admitted(
    settings: AdmitSettings, seen: Mapping[str, FirstUse]
) -> tuple[Admission, Counter[str]]:
    """Which of the names that a whole run uses have a place, and what is to be counted.

    Nobody is asked where there are none.
    """
    counts: Counter[str] = Counter()
    if not seen:
        return Admission(), counts
    with ExitStack() as stack:
        admission = settings.open_registry(stack).admit(seen, settings.names)
    if admission.is_near_limit:
        counts["warnings/event_names_near_limit"] += 1
        _LOG.warning("%s", _told(admission))
    return admission, counts


def _told(admission: Admission) -> str:
    text = f"{admission.taken} of {admission.limit} event names are taken"
    if not admission.over:
        return text
    names = ", ".join(map(shown, admission.over[:_SHOWN]))
    more = len(admission.over) - _SHOWN
    return f"{text}; no room for {names}" + (f" and {more} more" if more > 0 else "")
