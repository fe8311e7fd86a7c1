"""The event-name budget in a graph: many bundles' first uses in, one decision out.

Each bundle hands on a few rows, one for each different name, so one key takes them all; the
decision reaches the last step as a side input.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
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
        with ExitStack() as stack:
            registry = self._settings.open_registry(stack)
            admission = registry.admit(seen, self._settings.names)
        if admission.is_near_limit:
            counts = Counts()
            counts.add("warnings/event_names_near_limit")
            counts.flush()
            _LOG.warning("%s", _told(admission))
        yield admission


def _told(admission: Admission) -> str:
    text = f"{admission.taken} of {admission.limit} event names are taken"
    if not admission.over:
        return text
    names = ", ".join(map(shown, admission.over[:_SHOWN]))
    more = len(admission.over) - _SHOWN
    return f"{text}; no room for {names}" + (f" and {more} more" if more > 0 else "")
