"""Delivering one person's work: strictly in order, with as few calls as its promises allow."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pipeline.flow import same_second, suppression
from pipeline.flow.coalesce import BARRIER, CONTACT_WRITES, Mode, Step, coalesce
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

UNCERTAIN = frozenset(["retries_exhausted", "undelivered", "credentials_refused"])
"""Reasons of outcomes after which nobody knows whether the write was carried out."""

Results: TypeAlias = list[list[tuple[Operation, Outcome]]]
"""Of every event the outcomes of its operations so far."""


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
        digests = self._digests(work.tasks)
        settled = self._suppressed(work.tasks)
        settled |= dict.fromkeys(self._repeated(digests), ALREADY_DELIVERED)
        fresh = [task for place, task in enumerate(work.tasks) if place not in settled]
        results: Results = [[] for _ in fresh]
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
        self._remember(account, digests)
        return account

    # --- steps -------------------------------------------------------------------------------

    def _carry_out(self, steps: Sequence[Step], key: str, results: Results) -> None:
        """Carry out one step after the other.

        Where the contact is not there yet and a later step creates it, what needs it waits for
        that step, and everything behind it too, so that the order stays.
        """
        creating = [
            place for place, step in enumerate(steps) if step.operation.kind == "upsert_contact"
        ]
        waiting: list[Step] = []
        unsent: dict[str, Step] = {}
        for place, step in enumerate(steps):
            creates = place in creating
            if waiting and not creates:
                waiting.append(step)
                continue
            outcome = self._outcome(step, key)
            if (
                outcome.reason == "contact_not_found"
                and not unsent.get("contact")
                and (creating and place < creating[-1])
            ):
                waiting.append(step)
                continue
            outcome = self._send_again(step, outcome, unsent, key)
            self._note_unsent(step, outcome, unsent)
            self._share_out(step, outcome, key, results)
            for held in waiting:
                self._share_out(held, self._outcome(held, key), key, results)
            waiting = []

    def _note_unsent(self, step: Step, outcome: Outcome, unsent: dict[str, Step]) -> None:
        """Which writes were left out because nothing seemed to change; until a deletion."""
        name = self._thing(step.operation)
        if step.operation.kind == BARRIER:
            unsent.clear()
        elif name is not None and outcome.reason == "unchanged":
            unsent[name] = step
        elif name is not None:
            unsent.pop(name, None)

    def _thing(self, operation: Operation) -> str | None:
        """``contact``, or the company that a write writes."""
        if operation.kind == "upsert_contact":
            return "contact"
        by = self._policy.merge_by.get(operation.kind)
        return f"company {operation.fields.get(by)}" if by is not None else None

    def _send_again(
        self, step: Step, outcome: Outcome, unsent: dict[str, Step], key: str
    ) -> Outcome:
        """What we remember may be of something that is there no more: then write it again, once."""
        missing = outcome.reason == "contact_not_found"
        if missing or "contact" in outcome.recreated:
            left_out = unsent.pop("contact", None)
            if left_out is not None:
                self._memory.forget("contact_fields", self._contact_key(left_out.operation, key))
                self._outcome(left_out, key)
                if missing:
                    return self._outcome(step, key)
        if "company" in outcome.recreated:
            company = step.operation.fields.get("company_id")
            left_out = unsent.pop(f"company {company}", None)
            if left_out is not None:
                operation, cells = left_out.operation, left_out.cells
                if self._shared is not None:
                    cells = self._shared.cells((operation.kind, str(company)), cells)
                self._memory.forget("company_fields", str(company))
                self._write("company_fields", str(company), operation, cells)
        return outcome

    def _share_out(self, step: Step, outcome: Outcome, key: str, results: Results) -> None:
        """Give every event that had a share in the step its part of the outcome."""
        if outcome.reason == "rejected" and len(step.singles) > 1:
            # One bad value must not cost what the others said: each on its own, oldest first.
            for single in step.singles:
                alone = Step(single.operation, (single.task,), single.cells)
                made = self._alone(alone, key)
                results[single.task].append((single.operation, made))
            return
        *earlier, last = step.tasks
        results[last].append((step.operation, outcome))
        merged = outcome if outcome.status == "dead" else COALESCED
        for place in earlier:
            results[place].append((step.operation, merged))

    def _outcome(self, step: Step, key: str) -> Outcome:
        operation = step.operation
        if operation.kind in CONTACT_WRITES:
            register = self._contact_key(operation, key)
            return self._write("contact_fields", register, operation, step.cells)
        by = self._policy.merge_by.get(operation.kind)
        if by is None:
            return self._runner.run(operation, self._memory)
        thing = str(operation.fields.get(by))
        if self._shared is None:
            return self._write("company_fields", thing, operation, step.cells)

        def write(cells: Cells) -> Outcome:
            return self._write("company_fields", thing, operation, cells)

        outcome = self._shared.once((operation.kind, thing), step.cells, write)
        merged = self._shared.cells((operation.kind, thing), step.cells) != step.cells
        if outcome.reason == "rejected" and merged:
            # What another said of the company must not cost what this person's events say.
            return self._alone(step, key)
        return outcome

    def _alone(self, step: Step, key: str) -> Outcome:
        """A write of its own, with nobody else's fields in it."""
        operation = step.operation
        by = self._policy.merge_by.get(operation.kind)
        if by is None or self._shared is None:
            return self._outcome(step, key)
        thing = str(operation.fields.get(by))
        return self._shared.alone(
            (operation.kind, thing),
            lambda: self._write("company_fields", thing, operation, step.cells),
        )

    def _contact_key(self, operation: Operation, key: str) -> str:
        return register_key(operation.person.key or key)

    def _write(self, kind: str, key: str, operation: Operation, cells: Cells) -> Outcome:
        """Send what of a write is news."""
        admitted = self._registers.admit(kind, key, operation, cells)
        if isinstance(admitted, Outcome):
            return admitted
        outcome = self._runner.run(admitted.operation, self._memory)
        if outcome.status == "delivered":
            self._registers.acknowledged(kind, key, admitted, dropped=outcome.dropped)
        elif outcome.reason in UNCERTAIN:
            self._registers.doubt(kind, key, cells)
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

    def _digests(self, tasks: Sequence[Task]) -> list[str]:
        """What events are remembered by, where they are."""
        return [_digest(task) for task in tasks] if self._policy.remember_delivered else []

    def _repeated(self, digests: Sequence[str]) -> set[int]:
        """The positions of events that were delivered before, or stand in the work twice."""
        known = self._memory.get_many("delivered", digests)
        now = self._clock()
        seen = {digest for digest, until in known.items() if float(until) > now}
        repeated: set[int] = set()
        for place, digest in enumerate(digests):
            if digest in seen:
                repeated.add(place)
            seen.add(digest)
        return repeated

    def _remember(self, account: Iterable[tuple[Task, Outcome]], digests: Iterable[str]) -> None:
        until = str(int(self._clock()) + self._policy.remember_delivered)
        for (_, outcome), digest in zip(account, digests, strict=False):  # none where none is kept
            if outcome.status in ("delivered", "merged") and outcome is not ALREADY_DELIVERED:
                self._memory.put("delivered", digest, until)


def discard(work: Work) -> list[tuple[Task, Outcome]]:
    """Take every event of ``work`` as delivered, and do nothing: what the rest of a run costs."""
    return [(task, DELIVERED) for task in work.tasks]


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
        return replace(DELIVERED, warnings=warnings) if warnings else DELIVERED
    first = outcomes[0][1]
    return first if first.warnings == warnings else replace(first, warnings=warnings)


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
