"""The steps that a stream on a cluster has in place of those of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam

from pipeline.flow import aliases, event_names
from pipeline.flow.aliases import Link
from pipeline.flow.deliver import Remembering
from pipeline.flow.event_names import Admission, EventNames, FirstUse
from pipeline.flow.exclusive import ExclusiveWrites, Thing
from pipeline.flow.name_registry import NameRegistry
from pipeline.flow.packing import Packed, unpack
from pipeline.flow.replay import NOT_TRIED
from pipeline.flow.work import Task, Work, sequence
from pipeline.model.operation import Outcome
from pipeline.transforms.admit import AdmitSettings
from pipeline.transforms.deliver import Deliver, DeliverSettings
from pipeline.transforms.hold import END, HELD, WAKE, WAKE_AT, Held, Hold, HoldSettings
from pipeline.transforms.settling import refresh, settle

Turn = Callable[[str], AbstractContextManager[object]]
"""Keeps everybody else from a thing for a block."""

_LINK = "\0link"
"""The type of what is no task, but says whose an alias is."""
_SHORT_OUTAGE = 10.0
"""Seconds: a bundle waits no longer for a destination that is down, or checkpoints would fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What the steps of a stream need beyond those of a batch, picklable.

    Attributes:
        hold: How long events are held.
        open_turns: Called on the worker with the stack that closes it.
    """

    hold: HoldSettings
    open_turns: Callable[[ExitStack], Turn]


class NoteNames(beam.DoFn):
    """("", first use of an event name) -> nothing: the registry gives it a place, first come.

    The step that delivers asks the registry itself. This one sees to it that names get their
    places in the order in which they are read, and not in that in which shards are woken.
    """

    def __init__(self, settings: AdmitSettings) -> None:
        self._settings = settings

    def setup(self) -> None:
        """Open the registry, on the worker."""
        self._stack = ExitStack()
        self._gate = NameGate(self._settings, self._stack)

    def start_bundle(self) -> None:
        """Begin with nothing seen."""
        self._seen: dict[str, FirstUse] = {}

    def process(self, element: tuple[str, FirstUse]) -> None:
        """Note it."""
        time, name = element[1]
        event_names.note(self._seen, name, time)

    def finish_bundle(self) -> None:
        """Give the names their places."""
        self._gate.admission(self._seen)

    def teardown(self) -> None:
        """Close the registry."""
        self._stack.close()


class NameGate:
    """Asks the registry for the names that it has not admitted before.

    Args:
        settings: How to open the registry.
        stack: Closes it.
    """

    def __init__(self, settings: AdmitSettings, stack: ExitStack) -> None:
        self._names: EventNames = settings.names
        self._registry: NameRegistry = settings.open_registry(stack)
        self._admitted: frozenset[str] = frozenset()

    def admission(self, seen: Mapping[str, FirstUse]) -> Admission:
        """Which of the names may be used, now and later."""
        asked = {key: use for key, use in seen.items() if key not in self._admitted}
        if not asked:
            return Admission(admitted=self._admitted)
        found = self._registry.admit(asked, self._names)
        self._admitted |= found.admitted
        return replace(found, admitted=self._admitted)


class AsLink(beam.DoFn):
    """(alias, (time, userId)) -> (alias, something packed like a task)."""

    def process(self, element: tuple[str, Link]) -> Iterator[tuple[str, Packed]]:
        """One for one."""
        alias, (time, user_id) = element
        yield (alias, (time, 0, _LINK, user_id, b"", b""))


class ResolveHeld(Hold):
    """(shard, (alias, packed task or link)) -> (person key, packed task).

    A link is stored at once. What somebody did under an alias alone is held, so that a link which
    comes a little later is known by then.
    """

    def __init__(self, open_memory: Callable[[ExitStack], Remembering], hold: HoldSettings) -> None:
        super().__init__(hold)
        self._open_memory = open_memory

    def setup(self) -> None:
        """Open the state, on the worker."""
        self._stack = ExitStack()
        self._memory = self._open_memory(self._stack)

    def start_bundle(self) -> None:
        """Begin with what other workers have stored meanwhile."""
        super().start_bundle()
        refresh(self._memory)

    def process(
        self,
        element: tuple[int, tuple[str, Packed]],
        held: Any = HELD,
        wake_at: Any = WAKE_AT,
        wake: Any = WAKE,
        end: Any = END,
    ) -> None:
        """Store a link, hold anything else."""
        _, (alias, packed) = element
        if packed[2] != _LINK:
            super().process(element, held, wake_at, wake, end)
            return
        link = (packed[0], packed[3])
        list(aliases.resolve(self._memory, [(alias, [link], [])]))

    def finish_bundle(self) -> None:
        """Store what was learned."""
        settle(self._memory)

    def teardown(self) -> None:
        """Close the state."""
        self._stack.close()

    def let_go(
        self, ready: list[Held], kept: list[Held], *, last: bool
    ) -> Iterator[tuple[str, Packed]]:
        """Give every task its person's key."""
        del kept, last
        by_alias: dict[str, list[Packed]] = {}
        for alias, _, packed in ready:
            by_alias.setdefault(alias, []).append(packed)
        refresh(self._memory)
        held: list[tuple[str, list[Link], list[Packed]]] = [
            (alias, [], tasks) for alias, tasks in by_alias.items()
        ]
        yield from aliases.resolve(self._memory, held)


class DeliverHeld(Hold):
    """(shard, (person key, packed task)) -> dead letters; side output as of ``Deliver``.

    What cannot be sent because the destination is down, or refuses the credentials, stays in the
    state and is tried again; when the stream is drained it becomes dead letters.
    """

    def __init__(
        self, deliver: DeliverSettings, admit: AdmitSettings, stream: StreamSettings
    ) -> None:
        super().__init__(stream.hold)
        short = min(deliver.outages.max_outage, _SHORT_OUTAGE)
        outages = replace(deliver.outages, max_outage=short)
        self._settings = replace(deliver, outages=outages)
        self._admit = admit
        self._stream = stream

    def setup(self) -> None:
        """Open connections and the state, on the worker."""
        self._stack = ExitStack()
        self._deliver = Deliver(self._settings)
        self._deliver.setup()
        self._gate = NameGate(self._admit, self._stack)
        self._turn = self._stream.open_turns(self._stack)

    def start_bundle(self) -> None:
        """Begin with what other workers have stored meanwhile."""
        super().start_bundle()
        self._deliver.start_bundle()

    def finish_bundle(self) -> Iterator[Any]:
        """Store what was learned."""
        yield from self._deliver.finish_bundle()

    def teardown(self) -> None:
        """Close connections and the state."""
        self._deliver.teardown()
        self._stack.close()

    def let_go(self, ready: list[Held], kept: list[Held], *, last: bool) -> Iterator[Any]:
        """Deliver everybody's work."""
        if not ready:
            return
        works = list(works_of(ready))
        entries: dict[tuple[str, int, bytes], list[Held]] = {}
        for entry in ready:
            packed = entry[2]
            entries.setdefault((packed[3], packed[1], packed[5]), []).append(entry)
        seen: dict[str, FirstUse] = {}
        for work in works:
            for task in work.tasks:
                for name in self._admit.names.among(task.operations):
                    event_names.note(seen, name, task.time)
        outcomes = self._deliver.carry_out(
            works, ExclusiveWrites(self._alone), self._gate.admission(seen)
        )
        done: list[tuple[Task, Outcome]] = []
        for task, outcome in outcomes:
            if not last and is_for_later(outcome):
                kept.append(entries[task.message_id, task.seq, task.receipt].pop())
            else:
                done.append((task, outcome))
        yield from self._deliver.account(done)

    @contextmanager
    def _alone(self, thing: Thing) -> Iterator[None]:
        """A turn at a company, with what is remembered of it read anew and stored at once."""
        with self._turn(" ".join(thing)):
            refresh(self._deliver.memory)
            try:
                yield
            finally:
                settle(self._deliver.memory)


def works_of(entries: Iterable[Held]) -> Iterator[Work]:
    """Everybody's work, in the order of their first events."""
    by_person: dict[str, list[Packed]] = {}
    for key, _, packed in entries:
        by_person.setdefault(key, []).append(packed)
    for key, tasks in by_person.items():
        user_id = key[2:] if key.startswith("u:") else None
        yield sequence(key, (unpack(each, user_id=user_id) for each in tasks))


def is_for_later(outcome: Outcome) -> bool:
    """Whether it was not the event's fault that it could not be delivered, but a passing one."""
    unanswered = outcome.reason == "retries_exhausted" and outcome.http_status is None
    return outcome.status == "dead" and (outcome.reason in NOT_TRIED or unanswered)
