"""What several destinations have in common: each event is decoded and checked once, for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apache_beam.pvalue import TaggedOutput

from pipeline.model.event import Event, Rejected
from pipeline.preparation import Prepared, Refused
from pipeline.transforms.counting import Counts
from pipeline.transforms.dead_letters import DeadLetterFormat
from pipeline.transforms.prepare import unreadable
from pipeline.transforms.read import Line, Unreadable

if TYPE_CHECKING:
    from pipeline.transforms.spool import RoutePart

REFUSED = "refused"
"""The tag of the dead letters that are no single destination's."""


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """What is told of events that are refused before they are anybody's; picklable.

    Attributes:
        prefix: Stands before the names of the counts.
        dead_letters: How refusals are written.
    """

    prefix: str
    dead_letters: DeadLetterFormat


class Intake:
    """Hands every event that can be read, and fits its schema, to all routes.

    An event that no route wants need not fit its schema.

    Args:
        settings: For what is refused.
        parts: The routes; the first decodes and checks for all.
    """

    def __init__(self, settings: IntakeSettings, parts: Sequence[RoutePart]) -> None:
        self._letters = settings.dead_letters
        self._parts = parts
        self._preparers = [part.prepare.preparer for part in parts]
        self._counts = Counts(settings.prefix)

    def take(self, element: Line | Unreadable) -> list[TaggedOutput]:
        """Spool what a line holds; the dead letters of it, each tagged as whose it is."""
        if isinstance(element, Unreadable):
            return [self._refused(unreadable(element))]
        outputs: list[TaggedOutput] = []
        found: list[list[Prepared]] = [[] for _ in self._parts]
        for event in self._preparers[0].decode(
            element.text,
            element.origin,
            first_seen=element.first_seen,
            length=element.length,
            now=element.written_at,
        ):
            if isinstance(event, Rejected):
                outputs.append(self._refused(Refused(event, event.refusal, "decode")))
                continue
            prepared = self._prepared(event)
            if isinstance(prepared, Refused):
                outputs.append(self._refused(prepared))
                continue
            self._counts.add("received")
            for of_route, one in zip(found, prepared, strict=True):
                of_route.append(one)
        for part, of_route in zip(self._parts, found, strict=True):
            outputs += part.take(part.prepare.hand_on(of_route, element.offset))
        return outputs

    def _prepared(self, event: Event) -> list[Prepared] | Refused:
        """What becomes of an event at each route, or its refusal for all."""
        unwanted = [preparer.select(event) for preparer in self._preparers]
        if None in unwanted:
            refused = self._preparers[0].check(event)
            if refused is not None:
                return refused
        return [
            preparer.map(event) if skip is None else (event, skip)
            for preparer, skip in zip(self._preparers, unwanted, strict=True)
        ]

    def _refused(self, refused: Refused) -> TaggedOutput:
        self._counts.add("received")
        self._counts.add("dead/" + refused.refusal.reason)
        letter = self._letters.of_event(refused.event, refused.refusal, stage=refused.stage)
        return TaggedOutput(REFUSED, letter)

    def finish(self) -> None:
        """Hand on what was counted."""
        self._counts.flush()
