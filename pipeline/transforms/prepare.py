"""The first fused step: lines in, packed tasks out; what is refused or unwanted leaves here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from pipeline.flow import aliases, event_names
from pipeline.flow.accounts import account_of
from pipeline.flow.aliases import Link
from pipeline.flow.dead_letters import Receipt
from pipeline.flow.event_names import EventNames, FirstUse
from pipeline.flow.packing import pack_event
from pipeline.flow.shared import Cells, cells_of, merge
from pipeline.mapping.interpreter import Mapped
from pipeline.mapping.plan import MappingPlan
from pipeline.model.event import Event, Rejected
from pipeline.model.operation import Operation
from pipeline.model.refusal import Refusal, Skip
from pipeline.preparation import Prepared, Preparer, Refused
from pipeline.transforms.aliases import BY_ALIAS, LINKS
from pipeline.transforms.counting import FLUSH_EVERY, Counts
from pipeline.transforms.dead_letters import DeadLetterFormat, Note
from pipeline.transforms.read import Line, Unreadable
from pipeline.validation.registry import SchemaSet
from pipeline.validation.tracking import TrackingPlan

PEOPLE = "people"
SHARED = "shared"
NAMES = "names"
DEAD = "dead"
SKIPPED = "skipped"

_FILTERED = Skip("filtered")
_HELD_THINGS = 10_000
"""So many companies, links and event names are held before they are handed on."""


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """Everything the step needs, picklable.

    Attributes:
        mapping: The compiled mapping.
        schemas: The schemas of the event types.
        tracking: The schemas of single events, with their policy.
        now: Time of the run, microseconds since 1970: of events that say none, in a file that
            says no time either.
        max_event_bytes: Longer lines are refused.
        merge_by: Operation kind -> the field that names a thing shared by people.
        names: Where operations carry event names, and which are denied.
        dead_letters: How refusals are written.
        note: Told at once of every event that nobody wants.
        accounts: Whether such events are handed on, as ``SKIPPED``.
    """

    mapping: MappingPlan
    schemas: SchemaSet
    tracking: TrackingPlan
    now: int
    max_event_bytes: int
    merge_by: Mapping[str, str]
    names: EventNames
    dead_letters: DeadLetterFormat
    note: Note | None = None
    accounts: bool = False


class Prepare(beam.DoFn):
    """``Line`` -> (person key, packed task), with six side outputs.

    ``BY_ALIAS``: (person key, packed task) of people without userId. ``LINKS``: (such a key,
    (time, userId)) that identifies stated. ``SHARED``: ((kind, thing), cells) of writes
    that people share. ``NAMES``: ("", first use) of event names. ``DEAD``: dead letters as bytes.
    ``SKIPPED``: the ``Account`` of each event that nobody wants, if they are asked for.
    """

    def __init__(self, settings: PrepareSettings, *, prefix: str = "") -> None:
        self._settings = settings
        self._prefix = prefix

    def setup(self) -> None:
        """Build validators and the mapping's functions, on the worker."""
        settings = self._settings
        self.preparer = Preparer(
            settings.mapping,
            settings.schemas,
            now=settings.now,
            tracking=settings.tracking,
            max_bytes=settings.max_event_bytes,
        )
        self._link_anonymous = ("anonymous", "lead") in settings.mapping.settings
        self._merge_by, self._name_in = settings.merge_by, settings.names.fields
        self._denies = settings.names.denies

    def start_bundle(self) -> None:
        """Begin with nothing held."""
        self._counts = Counts(self._prefix)
        self._received = 0
        self._warned: dict[str, int] = {}
        self._shared: dict[tuple[str, str], Cells] = {}
        self._links: set[tuple[str, Link]] = set()
        self._names: dict[str, int] = {}

    def process(self, element: Line | Unreadable) -> Iterable[Any]:
        """Prepare every event of one line."""
        if isinstance(element, Unreadable):
            return self.hand_on([unreadable(element)], 0)
        found = self.preparer.prepare(
            element.text,
            element.origin,
            first_seen=element.first_seen,
            length=element.length,
            now=element.written_at,
        )
        return self.hand_on(found, element.offset)

    def hand_on(self, found: Iterable[Prepared], offset: int) -> Sequence[Any]:
        """Count what was found in the line at ``offset``; what is to be handed on of it."""
        outputs: list[Any] = []
        for seq, prepared in enumerate(found, offset):
            outputs += self._take(prepared, seq)
        if len(self._shared) + len(self._links) + len(self._names) > _HELD_THINGS:
            outputs += self._held()
        return outputs

    def _take(self, prepared: Prepared, seq: int) -> Sequence[Any]:
        """Count one event; what is to be handed on of it."""
        self._received += 1
        if self._received >= FLUSH_EVERY:
            self._count()
        if isinstance(prepared, Refused):
            return (self._dead(prepared.event, prepared.refusal, prepared.stage),)
        event, result = prepared
        if isinstance(result, Mapped) and not self._denies(result.operations):
            return (self._task(event, result, seq),)
        skip = result if isinstance(result, Skip) else _FILTERED
        self._counts.add("skipped/" + skip.reason)
        if self._settings.note is not None:
            self._settings.note(Receipt.of(event), "skipped/" + skip.reason)
        if self._settings.accounts:
            account = account_of(Receipt.of(event), "skipped", skip.reason)
            return (TaggedOutput(SKIPPED, account),)
        return ()

    def finish_bundle(self) -> Iterator[Any]:
        """Hand on what was held."""
        for output in self._held():
            value = GlobalWindows.windowed_value(output.value)
            yield TaggedOutput(output.tag, value)
        self._count()
        self._counts.flush()

    def _count(self) -> None:
        """Hand on the counts that nearly every event changes."""
        self._counts.add("received", self._received)
        for warning, times in self._warned.items():
            self._counts.add("warnings/" + warning, times)
        self._received, self._warned = 0, {}

    def _task(self, event: Event, mapped: Mapped, seq: int) -> Any:
        """The packed task under its person's key; what it shares with others is noted."""
        operations, person = mapped.operations, mapped.person
        for warning in mapped.warnings:
            self._warned[warning] = self._warned.get(warning, 0) + 1
        for operation in operations:
            self._note(event, operation)
        packed = pack_event(event, operations, seq)
        if person.user_id is None:
            if person.key is not None:
                return TaggedOutput(BY_ALIAS, (person.key, packed))
            return (_key_of_nobody(mapped, self._merge_by), packed)
        if event.type in ("identify", "alias"):
            for alias in aliases.stated(person, anonymous=self._link_anonymous):
                # Every one: which of them matter depends on what others stated in between.
                self._links.add((alias, (event.time, person.user_id)))
        return (person.key, packed)

    def _note(self, event: Event, operation: Operation) -> None:
        """Note what the whole run must know of before anything is delivered."""
        kind, fields, time = operation.kind, operation.fields, event.time
        name_in, shared_by = self._name_in.get(kind), self._merge_by.get(kind)
        if name_in is not None:
            name = fields.get(name_in)
            if type(name) is str and time <= self._names.get(name, time):
                self._names[name] = time
        if shared_by is not None and shared_by in fields:
            cells = cells_of(fields, time=time, message_id=event.message_id)
            merge(self._shared.setdefault((kind, str(fields[shared_by])), {}), cells)

    def _held(self) -> Iterable[TaggedOutput]:
        for thing, cells in self._shared.items():
            yield TaggedOutput(SHARED, (thing, cells))
        for link in self._links:
            yield TaggedOutput(LINKS, link)
        uses: dict[str, FirstUse] = {}
        for name, time in self._names.items():
            event_names.note(uses, name, time)
        for use in uses.values():
            yield TaggedOutput(NAMES, ("", use))
        self._shared, self._links, self._names = {}, set(), {}

    def _dead(self, event: Event | Rejected, refusal: Refusal, stage: str) -> TaggedOutput:
        self._counts.add("dead/" + refusal.reason)
        letter = self._settings.dead_letters.of_event(event, refusal, stage=stage)
        return TaggedOutput(DEAD, letter)


def unreadable(element: Unreadable) -> Refused:
    """The refusal of the part of a file that is damaged."""
    refusal = Refusal.because("unreadable", element.message)
    rejected = Rejected(b"", element.origin, refusal, None, "", None)
    return Refused(rejected, refusal, "decode")


def _key_of_nobody(mapped: Mapped, merge_by: Mapping[str, str]) -> str:
    """The key of work that concerns no person, only a shared thing."""
    for operation in mapped.operations:
        field = merge_by.get(operation.kind)
        if field is not None and field in operation.fields:
            return f"c:{operation.fields[field]}"
    return "n:"
