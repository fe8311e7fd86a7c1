"""Delivering one person's work: in order, merged, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from pipeline.flow.deliver import Delivery, DeliveryPolicy, combine
from pipeline.flow.shared import SharedWrites, cells_of
from pipeline.flow.work import Task, Work
from pipeline.model.operation import DELIVERED, Operation, Outcome, Person

DEAD = Outcome("dead", "rejected", "parameter_invalid: no", http_status=400)
MERGED = Outcome("merged", "unchanged")
COALESCED = Outcome("merged", "coalesced")
PERSON = Person("u")


class FakeMemory(dict[tuple[str, str], str]):
    """A memory that is a dictionary."""

    def get(self, kind: str, key: str) -> str | None:  # type: ignore[override]
        return super().get((kind, key))

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        return {key: self[kind, key] for key in keys if (kind, key) in self}

    def put(self, kind: str, key: str, value: str) -> None:
        self[kind, key] = value

    def forget(self, kind: str, key: str) -> None:
        self.pop((kind, key), None)


class Runner:
    """Notes what it is asked to do; answers by kind, or by a function of the operation."""

    def __init__(self, answer: Any = None, **outcomes: Outcome) -> None:
        self.answer = answer
        self.outcomes = outcomes
        self.made: list[Operation] = []

    def run(self, operation: Operation, memory: Any) -> Outcome:
        self.made.append(operation)
        if self.answer is not None:
            outcome: Outcome = self.answer(operation, memory)
            return outcome
        return self.outcomes.get(operation.kind, DELIVERED)

    @property
    def ran(self) -> list[str]:
        return [operation.kind for operation in self.made]


def deletion(time: int) -> Task:
    return Task(f"d{time}", time, "delete", (Operation("delete_contact", PERSON, time, {}),))


def attach(time: int, company: str) -> Task:
    fields = {"company_id": company}
    return Task(f"a{time}", time, "group", (Operation("attach_company", PERSON, time, fields),))


LOST = Outcome("dead", "retries_exhausted", "no answer")


def operation(kind: str) -> Operation:
    return Operation(kind, PERSON, 1, {})


def contact(time: int, **fields: Any) -> Task:
    operation = Operation("upsert_contact", PERSON, time, fields)
    return Task(f"i{time}", time, "identify", (operation,))


def track(time: int) -> Task:
    return Task(f"t{time}", time, "track", (Operation("submit_event", PERSON, time, {"at": time}),))


def group(time: int, company: str, kind: str = "attach_company") -> Task:
    fields = {"company_id": company}
    write = Operation("upsert_company", PERSON, time, {**fields, "name": f"N{time}"})
    return Task(f"g{time}", time, "group", (write, Operation(kind, PERSON, time, fields)))


def deliver(
    *tasks: Task, runner: Runner | None = None, memory: FakeMemory | None = None, **policy: Any
) -> list[Outcome]:
    """What came of each of the tasks."""
    delivery = Delivery(
        runner or Runner(),
        memory if memory is not None else FakeMemory(),
        policy=DeliveryPolicy(merge_by={"upsert_company": "company_id"}, **policy),
        clock=lambda: 1_000_000.0,
    )
    return [outcome for _, outcome in delivery.deliver(Work("u:u", tasks))]


def test_what_is_known_of_a_person_is_sent_once_and_before_the_tracks() -> None:
    runner = Runner()
    outcomes = deliver(
        track(1), contact(2, name="A"), track(3), contact(4, name="B"), runner=runner
    )
    assert runner.ran == ["upsert_contact", "submit_event", "submit_event"]
    assert runner.made[0].fields == {"name": "B"}
    assert outcomes == [DELIVERED, COALESCED, DELIVERED, DELIVERED]


def test_between_tracks_every_track_finds_the_contact_as_it_was() -> None:
    runner = Runner()
    tasks = (contact(1, n=1), contact(2, n=2), track(3), contact(4, n=3))
    deliver(*tasks, runner=runner, coalesce="between_tracks")
    assert [dict(made.fields) for made in runner.made] == [{"n": 2}, {"at": 3}, {"n": 3}]


def test_of_each_field_the_value_with_the_latest_time_wins_and_null_is_a_value() -> None:
    runner = Runner()
    deliver(contact(1, name="A", phone="1"), contact(2, phone=None, plan="x"), runner=runner)
    assert runner.made[0].fields == {"name": "A", "phone": None, "plan": "x"}


def test_the_company_comes_first_then_the_contact_then_the_two_together() -> None:
    runner = Runner()
    deliver(group(1, "c"), contact(2, name="A"), runner=runner)
    assert runner.ran == ["upsert_company", "upsert_contact", "attach_company"]


def test_only_the_last_word_on_a_membership_is_sent() -> None:
    runner = Runner()
    outcomes = deliver(group(1, "c"), group(2, "c", "detach_company"), runner=runner)
    assert runner.ran == ["upsert_company", "detach_company"]
    assert [outcome.status for outcome in outcomes] == ["merged", "delivered"]


def test_nothing_is_carried_across_a_deletion() -> None:
    runner = Runner()
    gone = Task("d", 2, "delete", (Operation("delete_contact", PERSON, 2, {}),))
    deliver(contact(1, name="A"), gone, contact(3, name="B"), runner=runner)
    assert runner.ran == ["upsert_contact", "delete_contact", "upsert_contact"]


def test_a_write_that_changes_nothing_is_not_sent() -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(contact(1, name="A", plan="x"), memory=memory)
    outcomes = deliver(contact(2, name="A"), runner=runner, memory=memory)
    assert (runner.ran, outcomes) == ([], [MERGED])


def test_a_late_identify_never_overwrites_a_newer_one() -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(contact(5, name="New"), memory=memory)
    deliver(contact(3, name="Old", phone="1"), runner=runner, memory=memory)
    assert [dict(made.fields) for made in runner.made] == [{"phone": "1"}]


def test_a_write_that_was_refused_is_not_remembered() -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(contact(1, name="A"), runner=Runner(upsert_contact=DEAD), memory=memory)
    deliver(contact(2, name="A"), runner=runner, memory=memory)
    assert runner.ran == ["upsert_contact"]


@pytest.mark.parametrize(("later_by", "calls"), [(299, 0), (300, 1)])
def test_last_seen_alone_is_sent_when_it_moved_far_enough(later_by: int, calls: int) -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(contact(0, name="A", last_seen_at=0), memory=memory)
    later = contact(later_by * 1_000_000, name="A", last_seen_at=later_by)
    deliver(later, runner=runner, memory=memory)
    assert len(runner.made) == calls


def test_a_contact_that_is_forgotten_is_written_anew() -> None:
    memory = FakeMemory()
    deliver(contact(1, name="A"), memory=memory)

    def gone(operation: Operation, seen: Any) -> Outcome:
        seen.forget("contact", "u:u")
        return DEAD

    deliver(contact(2, plan="x"), runner=Runner(gone), memory=memory)
    runner = Runner()
    deliver(contact(3, name="A"), runner=runner, memory=memory)
    assert runner.ran == ["upsert_contact"]


def test_a_contact_that_vanished_is_written_again_for_its_events() -> None:
    memory = FakeMemory()
    deliver(contact(1, name="A"), memory=memory)
    there: list[str] = []

    def emptied_workspace(operation: Operation, seen: Any) -> Outcome:
        if operation.kind == "upsert_contact":
            there.append("u")
        elif not there:
            seen.forget("contact", "u:u")
            return Outcome("dead", "contact_not_found")
        return DELIVERED

    tasks = (contact(2, name="A"), track(3), track(4))
    outcomes = deliver(*tasks, runner=Runner(emptied_workspace), memory=memory)
    assert [outcome.status for outcome in outcomes[1:]] == ["delivered", "delivered"]


def test_a_track_before_its_identify_waits_for_it_and_keeps_its_place() -> None:
    there: list[int] = []

    def unknown_at_first(operation: Operation, memory: Any) -> Outcome:
        if operation.kind == "upsert_contact":
            there.append(operation.time)
        return DELIVERED if there else Outcome("dead", "contact_not_found")

    runner = Runner(unknown_at_first)
    tasks = (track(1), track(2), contact(3, name="A"), track(4))
    outcomes = deliver(*tasks, runner=runner, coalesce="between_tracks")
    assert [outcome.status for outcome in outcomes] == ["delivered"] * 4
    assert [made.time for made in runner.made] == [1, 3, 1, 2, 4]


def test_a_track_of_somebody_nobody_identifies_is_not_found() -> None:
    nobody = Runner(submit_event=Outcome("dead", "contact_not_found"))
    (outcome,) = deliver(track(1), runner=nobody)
    assert outcome.reason == "contact_not_found"


def test_the_same_event_again_costs_no_call() -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(track(1), memory=memory)
    outcomes = deliver(track(1), track(2), track(2), runner=runner, memory=memory)
    again = Outcome("merged", "already_delivered")
    assert outcomes == [again, DELIVERED, again]
    assert len(runner.made) == 1


def test_an_event_is_forgotten_after_its_time() -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(track(1), memory=memory)
    for slot in memory:
        memory[slot] = "999999"  # the clock says 1000000
    assert deliver(track(1), runner=runner, memory=memory) == [DELIVERED]


def test_a_dead_event_is_not_remembered_as_delivered() -> None:
    memory = FakeMemory()
    deliver(track(1), runner=Runner(submit_event=DEAD), memory=memory)
    assert deliver(track(1), memory=memory) == [DELIVERED]


def test_a_refused_operation_stops_nothing() -> None:
    outcomes = deliver(contact(1, name="A"), track(2), runner=Runner(upsert_contact=DEAD))
    assert [outcome.status for outcome in outcomes] == ["dead", "delivered"]


def test_one_bad_value_does_not_cost_what_the_others_said() -> None:
    def refuse_bad(operation: Operation, memory: Any) -> Outcome:
        return DEAD if operation.fields.get("owner_id") == "bad" else DELIVERED

    tasks = (contact(1, name="A", owner_id="bad"), contact(2, plan="x"))
    outcomes = deliver(*tasks, runner=Runner(refuse_bad))
    assert [outcome.status for outcome in outcomes] == ["dead", "delivered"]


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([DELIVERED, MERGED], "delivered"),
        ([MERGED, DELIVERED], "delivered"),
        ([MERGED, MERGED], "merged"),
        ([DELIVERED, DEAD, MERGED], "dead"),
        ([], "merged"),
    ],
)
def test_an_events_outcome_is_dead_else_delivered_else_merged(
    outcomes: list[Outcome], status: str
) -> None:
    assert combine([(operation("a"), outcome) for outcome in outcomes]).status == status


def test_the_first_dead_operation_decides_and_is_named() -> None:
    later = Outcome("dead", "contact_not_found", "later")
    outcome = combine(
        [(operation("a"), DELIVERED), (operation("b"), DEAD), (operation("c"), later)]
    )
    assert (outcome.reason, outcome.operation) == ("rejected", "b")
    assert outcome.message == "b: parameter_invalid: no"


def test_warnings_of_all_operations_are_kept_once() -> None:
    first = Outcome("delivered", warnings=("x", "y"))
    second = Outcome("merged", "unchanged", warnings=("y", "z"))
    assert combine([(operation("a"), first), (operation("b"), second)]).warnings == ("x", "y", "z")


def test_o3_what_follows_a_deletion_is_skipped_in_this_run_and_the_next() -> None:
    memory, runner = FakeMemory(), Runner()
    gone = Task("d", 2, "delete", (operation("delete_contact"),))
    outcomes = deliver(
        track(1), gone, track(3), runner=runner, memory=memory, suppress_deleted=True
    )
    suppressed = Outcome("skipped", "suppressed")
    assert outcomes == [DELIVERED, DELIVERED, suppressed]
    assert runner.ran == ["submit_event", "delete_contact"]
    assert deliver(track(4), memory=memory, suppress_deleted=True) == [suppressed]
    assert deliver(track(4), memory=memory) == [DELIVERED]


def test_t11_an_event_in_a_taken_second_is_counted_and_by_setting_moved() -> None:
    def tracks() -> list[Task]:
        fields = {"event_name": "A", "created_at": 5}
        made = (Operation("submit_event", PERSON, 5, fields),)
        return [Task(name, 5, "track", made) for name in ("a", "b")]

    assert [outcome.warnings for outcome in deliver(*tracks())] == [(), ("same_second",)]
    runner = Runner()
    deliver(*tracks(), runner=runner, same_second="shift")
    assert [made.fields["created_at"] for made in runner.made] == [5, 6]


def test_a_deletion_is_not_undone_by_what_was_known_before_it() -> None:
    memory = FakeMemory()
    deliver(contact(1, name="A"), memory=memory)
    runner = Runner(submit_event=Outcome("dead", "contact_not_found"))
    outcomes = deliver(contact(2, name="A"), deletion(3), track(4), runner=runner, memory=memory)
    assert runner.ran == ["delete_contact", "submit_event"]
    assert outcomes[-1].reason == "contact_not_found"


def test_after_a_lost_answer_the_old_value_is_sent_again() -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(contact(1, name="A"), memory=memory)
    deliver(contact(2, name="B"), runner=Runner(upsert_contact=LOST), memory=memory)
    deliver(contact(3, name="A"), runner=runner, memory=memory)
    assert [made.fields["name"] for made in runner.made] == ["A"]


def test_single_writes_after_a_refusal_keep_the_guard_and_are_remembered() -> None:
    memory = FakeMemory()
    deliver(contact(1000, name="New"), memory=memory)

    def refuse_merged(operation: Operation, seen: Any) -> Outcome:
        return DEAD if len(operation.fields) > 1 else DELIVERED

    runner = Runner(refuse_merged)
    deliver(
        contact(100, name="Old", plan="x"), contact(200, phone="1"), runner=runner, memory=memory
    )
    assert "Old" not in [made.fields.get("name") for made in runner.made]
    again = Runner()
    deliver(contact(300, phone="1"), runner=again, memory=memory)
    assert again.made == []


def test_several_writes_of_one_event_stay_with_their_event() -> None:
    def refuse_merged(operation: Operation, seen: Any) -> Outcome:
        return DEAD if len(operation.fields) > 2 else DELIVERED

    writes = tuple(
        Operation("upsert_company", PERSON, 1, {"company_id": "c", field: field})
        for field in ("name", "website")
    )
    both = Task("i1", 1, "identify", writes)
    other = Task(
        "g2", 2, "group",
        (Operation("upsert_company", PERSON, 2, {"company_id": "c", "industry": "i"}),),
    )  # fmt: skip
    runner = Runner(refuse_merged)
    deliver(both, other, runner=runner)
    assert [sorted(made.fields) for made in runner.made[1:]] == [
        ["company_id", "name"], ["company_id", "website"], ["company_id", "industry"]
    ]  # fmt: skip


def test_a_value_said_again_later_is_not_overwritten_by_one_in_between() -> None:
    memory, runner = FakeMemory(), Runner()
    deliver(contact(0, name="A"), memory=memory)
    deliver(contact(200, name="A"), memory=memory)
    outcomes = deliver(contact(100, name="B"), runner=runner, memory=memory)
    assert (runner.made, outcomes) == ([], [MERGED])


def test_a_field_that_was_dropped_is_not_remembered_as_taken() -> None:
    memory, runner = FakeMemory(), Runner()
    dropped = Outcome("delivered", dropped=(("custom_attributes", "plan"),))
    fields = {"name": "A", "custom_attributes": {"plan": "x"}}
    deliver(contact(1, **fields), runner=Runner(upsert_contact=dropped), memory=memory)
    deliver(contact(2, **fields), runner=runner, memory=memory)
    assert runner.ran == ["upsert_contact"]


def test_a_contact_that_was_made_anew_gets_everything_again() -> None:
    memory = FakeMemory()
    deliver(contact(1, name="A"), memory=memory)
    anew = Outcome("delivered", recreated=("contact",))
    runner = Runner(attach_company=anew)
    deliver(contact(2, name="A"), attach(3, "c"), runner=runner, memory=memory)
    assert runner.ran == ["attach_company", "upsert_contact"]
    assert runner.made[-1].fields == {"name": "A"}


def test_a_company_that_was_made_anew_gets_everything_again() -> None:
    memory = FakeMemory()
    deliver(group(1, "c"), memory=memory)
    anew = Outcome("delivered", recreated=("company",))
    runner = Runner(attach_company=anew)
    same = Task("g9", 2, "group", (
        Operation("upsert_company", PERSON, 2, {"company_id": "c", "name": "N1"}),
        Operation("attach_company", PERSON, 2, {"company_id": "c"}),
    ))  # fmt: skip
    deliver(same, runner=runner, memory=memory)
    assert runner.ran == ["attach_company", "upsert_company"]


def test_a_touch_neither_releases_waiting_tracks_nor_stands_for_the_contact() -> None:
    there: list[int] = []

    def unknown_at_first(operation: Operation, memory: Any) -> Outcome:
        if operation.kind == "upsert_contact":
            there.append(operation.time)
        return DELIVERED if there else Outcome("dead", "contact_not_found")

    touch = Operation("touch_contact", PERSON, 2, {"last_seen_at": 2})
    tasks = (track(1), Task("p2", 2, "page", (touch,)), track(3), contact(4, name="A"))
    outcomes = deliver(*tasks, runner=Runner(unknown_at_first), coalesce="between_tracks")
    assert [outcome.status for outcome in outcomes] == ["delivered"] * 4


def test_one_persons_bad_value_for_a_company_costs_nobody_else() -> None:
    def refuse_size(operation: Operation, memory: Any) -> Outcome:
        return DEAD if operation.fields.get("size") == 2**40 else DELIVERED

    thing = ("upsert_company", "c")
    merged = cells_of({"company_id": "c", "name": "N", "size": 2**40}, time=2, message_id="b")
    shared = SharedWrites({thing: merged})
    memory = FakeMemory()
    policy = DeliveryPolicy(merge_by={"upsert_company": "company_id"})

    def outcome_of(fields: dict[str, Any], time: int) -> str:
        write = Operation("upsert_company", PERSON, time, {"company_id": "c", **fields})
        delivery = Delivery(Runner(refuse_size), memory, policy=policy, shared=shared)
        ((_, outcome),) = delivery.deliver(
            Work("u:u", (Task(f"g{time}", time, "group", (write,)),))
        )
        return outcome.status

    assert outcome_of({"name": "N"}, 1) == "delivered"
    assert outcome_of({"size": 2**40}, 2) == "dead"
