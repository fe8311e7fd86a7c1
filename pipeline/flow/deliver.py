"""Delivering one person's work: strictly in order, with as few calls as its promises allow."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pipeline.flow import same_second, suppression
from pipeline.flow.coalesce import CONTACT_WRITES, Mode, Step, coalesce
from pipeline.flow.registers import Registers
from pipeline.flow.same_second import Mode as SameSecond
from pipeline.flow.shared import Cells, SharedWrites
from pipeline.flow.work import Work
from pipeline.model.exchange import Memory
from pipeline.model.operation import DELIVERED, Operation, Outcome

if TYPE_CHECKING:
    from pipeline.flow.work import Task

COALESCED = Outcome("merged", "coalesced")
ALREADY_DELIVERED = Outcome("merged", "already_delivered")
SUPPRESSED = Outcome("skipped", "suppressed")


class Runner(Protocol):
    """Something that carries out operations, such as a ``Driver``."""

    def run(self, operation: Operation, memory: Memory) -> Outcome:
        """Carry out ``operation``."""
        ...


class Remembering(Memory, Protocol):
    """A memory that can be asked for many things at once."""

    def get_many(self, kind: str, keys: Iterable[str]) -> Mapping[str, str]:
        """The values of those keys that are remembered."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """What a user may choose about merging and remembering.

    Attributes:
        merge_by: Operation kind -> the field that names a thing which many people's events write.
        coalesce: ``all`` sends what is known of a person before any of the tracks;
            ``between_tracks`` lets every track find the contact as it was then.
        last_seen_granularity: Seconds that last_seen_at must have moved to be worth a call.
        remember_delivered: Seconds for which an event's id is remembered, so that the same event
            read again costs no call; 0 for never.
        same_second: Whether two events of one name in one second are sent as they are, or the
            later one is moved to the next free second (rule T11).
        suppress_deleted: Whether what comes in about someone after their deletion is refused.
    """

    merge_by: Mapping[str, str] = field(default_factory=dict)
    coalesce: Mode = "all"
    last_seen_granularity: int = 300
    remember_delivered: int = 86_400
    same_second: SameSecond = "keep"
    suppress_deleted: bool = False


class Delivery:
    """Delivers people's work one after the other. Safe to share among threads.

    Args:
        runner: Carries out single operations.
        memory: What was delivered before.
        policy: What may be merged and left out.
        shared: The merged writes of things that many people's events write, in a batch.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        runner: Runner,
        memory: Remembering,
        *,
        policy: DeliveryPolicy,
        shared: SharedWrites | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._runner = runner
        self._memory = ForgetsTogether(memory)
        self._policy = policy
        self._shared = shared
        self._clock = clock
        self._registers = Registers(
            self._memory, last_seen_granularity=policy.last_seen_granularity
        )

    def deliver(self, work: Work) -> list[tuple[Task, Outcome]]:
        """What came of every event of ``work``, in its order.

        Each operation is acknowledged before the next is begun. One that is refused stops
        nothing: the person's other operations and events are still delivered.
        """
        work, crowded = same_second.separate(work, self._policy.same_second)
        settled = self._suppressed(work.tasks)
        settled |= dict.fromkeys(self._repeated(work.tasks), ALREADY_DELIVERED)
        fresh = [task for place, task in enumerate(work.tasks) if place not in settled]
        results: list[list[tuple[Operation, Outcome]]] = [[] for _ in fresh]
        steps = coalesce(
            Work(work.key, tuple(fresh)),
            merge_by=self._policy.merge_by,
            mode=self._policy.coalesce,
        )
        self._carry_out(steps, work.key, results)
        outcomes = iter([combine(result) for result in results])
        account = [
            (task, settled[place] if place in settled else next(outcomes))
            for place, task in enumerate(work.tasks)
        ]
        for place in crowded - settled.keys():
            task, outcome = account[place]
            account[place] = (task, warned(outcome, same_second.WARNING))
        self._remember(account)
        return account

    # --- steps -------------------------------------------------------------------------------

    def _carry_out(
        self, steps: Sequence[Step], key: str, results: list[list[tuple[Operation, Outcome]]]
    ) -> None:
        """Carry out one step after the other.

        Where the contact is not there yet and a later step writes it, what needs it waits for
        that write, and everything behind it too, so that the order stays.
        """
        writes = [
            place for place, step in enumerate(steps) if step.operation.kind in CONTACT_WRITES
        ]
        waiting: list[Step] = []
        unsent: Step | None = None
        for place, step in enumerate(steps):
            is_write = place in writes
            if waiting and not is_write:
                waiting.append(step)
                continue
            outcome = self._outcome(step, key)
            if is_write and outcome.reason == "unchanged":
                unsent = step
            elif outcome.reason == "contact_not_found" and unsent is not None:
                # What we remember is of a contact that is there no more: make it again, once.
                self._runner.run(unsent.operation, self._memory)
                unsent = None
                outcome = self._outcome(step, key)
            elif outcome.reason == "contact_not_found" and writes and place < writes[-1]:
                waiting.append(step)
                continue
            self._share_out(step, outcome, results)
            for held in waiting:
                self._share_out(held, self._outcome(held, key), results)
            waiting = []

    def _share_out(
        self, step: Step, outcome: Outcome, results: list[list[tuple[Operation, Outcome]]]
    ) -> None:
        """Give every event that had a share in the step its part of the outcome."""
        if outcome.reason == "rejected" and len(step.singles) > 1:
            # One bad value must not cost what the others said: each on its own, oldest first.
            for place, single in zip(step.tasks, step.singles, strict=False):
                results[place].append((single, self._runner.run(single, self._memory)))
            return
        *earlier, last = step.tasks
        results[last].append((step.operation, outcome))
        merged = outcome if outcome.status == "dead" else COALESCED
        for place in earlier:
            results[place].append((step.operation, merged))

    def _outcome(self, step: Step, key: str) -> Outcome:
        operation = step.operation
        if operation.kind in CONTACT_WRITES:
            key = operation.person.key or key
            return self._write("contact_fields", register_key(key), operation, step.cells)
        by = self._policy.merge_by.get(operation.kind)
        if by is None:
            return self._runner.run(operation, self._memory)
        thing = str(operation.fields.get(by))

        def write(cells: Cells) -> Outcome:
            return self._write("company_fields", thing, operation, cells)

        if self._shared is None:
            return write(step.cells)
        return self._shared.once((operation.kind, thing), step.cells, write)

    def _write(self, kind: str, key: str, operation: Operation, cells: Cells) -> Outcome:
        """Send what of a write is news."""
        admitted = self._registers.admit(kind, key, operation, cells)
        if isinstance(admitted, Outcome):
            return admitted
        outcome = self._runner.run(admitted.operation, self._memory)
        if outcome.status == "delivered":
            self._registers.acknowledged(kind, key, admitted)
        return outcome

    # --- who was deleted ----------------------------------------------------------------------

    def _suppressed(self, tasks: Sequence[Task]) -> dict[int, Outcome]:
        """The positions of events about someone who was deleted before them."""
        if not self._policy.suppress_deleted:
            return {}
        known = self._memory.get_many(suppression.KIND, suppression.asked_about(tasks))
        refused, learned = suppression.suppress(tasks, known)
        for mark, whom in learned.items():
            self._memory.put(suppression.KIND, mark, whom)
        return dict.fromkeys(refused, SUPPRESSED)

    # --- what was delivered before -----------------------------------------------------------

    def _repeated(self, tasks: Sequence[Task]) -> set[int]:
        """The positions of events that were delivered before, or stand in the work twice."""
        if not self._policy.remember_delivered:
            return set()
        digests = [_digest(task) for task in tasks]
        known = self._memory.get_many("delivered", digests)
        now = self._clock()
        seen = {digest for digest, until in known.items() if float(until) > now}
        repeated: set[int] = set()
        for place, digest in enumerate(digests):
            if digest in seen:
                repeated.add(place)
            seen.add(digest)
        return repeated

    def _remember(self, account: Iterable[tuple[Task, Outcome]]) -> None:
        if not self._policy.remember_delivered:
            return
        until = str(int(self._clock()) + self._policy.remember_delivered)
        for task, outcome in account:
            if outcome.status in ("delivered", "merged") and outcome is not ALREADY_DELIVERED:
                self._memory.put("delivered", _digest(task), until)


class ForgetsTogether:
    """A memory in which a contact or company is forgotten together with its fields.

    A destination forgets an id that turned out to be of something deleted; what we knew of its
    fields is then wrong as well.
    """

    FIELDS_OF: Mapping[str, str] = {"contact": "contact_fields", "company": "company_fields"}

    def __init__(self, memory: Remembering) -> None:
        self._memory = memory

    def get(self, kind: str, key: str) -> str | None:
        """The value, or None where nothing is remembered."""
        return self._memory.get(kind, key)

    def get_many(self, kind: str, keys: Iterable[str]) -> Mapping[str, str]:
        """The values of those keys that are remembered."""
        return self._memory.get_many(kind, keys)

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember ``value``."""
        self._memory.put(kind, key, value)

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered, and what depends on it."""
        self._memory.forget(kind, key)
        fields = self.FIELDS_OF.get(kind)
        if fields is not None:
            self._memory.forget(fields, key)


def combine(outcomes: Sequence[tuple[Operation, Outcome]]) -> Outcome:
    """The outcome of an event from those of its operations.

    Dead if one is dead, by the first; else delivered if one was; else merged. Warnings add up.
    """
    warnings = tuple(
        dict.fromkeys(warning for _, outcome in outcomes for warning in outcome.warnings)
    )
    for operation, outcome in outcomes:
        if outcome.status == "dead":
            message = f"{operation.kind}: {outcome.message}"
            return replace(outcome, message=message, warnings=warnings, operation=operation.kind)
    if not outcomes:
        return Outcome("merged", "unchanged", warnings=warnings)
    if any(outcome.status == "delivered" for _, outcome in outcomes):
        return replace(DELIVERED, warnings=warnings)
    return replace(outcomes[0][1], warnings=warnings)


def warned(outcome: Outcome, warning: str) -> Outcome:
    """The outcome with one more warning."""
    return replace(outcome, warnings=tuple(dict.fromkeys([*outcome.warnings, warning])))


def register_key(person_key: str) -> str:
    """The key of a person's registers: as the destination names contacts, saying no address.

    >>> register_key("u:7")
    'u:7'
    """
    kind, _, name = person_key.partition(":")
    if kind == "e" or "@" in name:
        return f"{kind}:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return person_key


def _digest(task: Task) -> str:
    """What is remembered of a delivered event: nothing that could be read back."""
    text = f"{task.type}\0{task.message_id}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=12).hexdigest()
