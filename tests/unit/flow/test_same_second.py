"""Rule T11: two events of one person, name and second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.same_second import separate
from pipeline.flow.work import Task, Work, sequence
from pipeline.model.operation import Operation, Person

ADA = Person("u1")


def track(message_id, second, name="Ordered", micro=0):
    time = second * 1_000_000 + micro
    fields = {"event_name": name, "created_at": second}
    return Task(message_id, time, "track", (Operation("submit_event", ADA, time, fields),))


def seconds(work):
    return [task.operations[-1].fields["created_at"] for task in work.tasks]


def test_t11_by_default_both_are_sent_as_they_are_and_the_later_is_pointed_out():
    work = Work("u:u1", (track("a", 5), track("b", 5)))
    assert separate(work, "keep") == (work, {1})


def test_t11_the_later_one_moves_to_the_next_second_that_is_free():
    work = Work("u:u1", (track("a", 5), track("b", 5), track("c", 6), track("d", 5)))
    shifted, crowded = separate(work, "shift")
    assert seconds(shifted) == [5, 7, 6, 8]
    assert crowded == {1, 3}


def test_t11_other_names_and_other_seconds_are_left_alone():
    work = Work("u:u1", (track("a", 5), track("b", 5, "Viewed"), track("c", 6)))
    assert separate(work, "shift") == (work, frozenset())


def test_t11_names_are_compared_as_the_api_compares_them():
    work = Work("u:u1", (track("a", 5, "a.b"), track("b", 5, "A-B")))
    assert separate(work, "keep")[1] == {1}


def test_t11_the_same_event_twice_is_no_collision():
    work = Work("u:u1", (track("a", 5), track("a", 5)))
    assert separate(work, "shift") == (work, frozenset())


def test_t11_nothing_moves_further_than_a_minute():
    work = Work("u:u1", tuple(track(f"m{n}", 5) for n in range(70)))
    shifted = seconds(separate(work, "shift")[0])
    assert sorted(shifted[:60]) == list(range(5, 65))
    assert set(shifted[60:]) == {5}


def test_t11_what_else_an_event_wants_is_kept():
    contact = Operation("upsert_contact", ADA, 5, {"role": "user"})
    two = Task("b", 5, "track", (contact, *track("b", 5).operations))
    shifted, _ = separate(Work("u:u1", (track("a", 5), two)), "shift")
    assert shifted.tasks[1].operations[0] == contact
    assert seconds(shifted) == [5, 6]


@pytest.mark.parametrize("mode", ["keep", "shift"])
def test_events_of_nobody_and_other_work_pass(mode):
    task = Task("m", 1, "identify", (Operation("upsert_contact", ADA, 1, {}),))
    work = Work("u:u1", (task,))
    assert separate(work, mode) == (work, frozenset())


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=12, unique=True))
def test_t11_shifting_is_deterministic_and_leaves_no_collision(moments):
    tasks = [
        track(f"m{n}-{micro}", second, micro=micro) for n, (second, micro) in enumerate(moments)
    ]
    shifted, crowded = separate(sequence("u:u1", tasks), "shift")
    assert separate(sequence("u:u1", reversed(tasks)), "shift") == (shifted, crowded)
    assert len(set(seconds(shifted))) == len(tasks)
    assert separate(shifted, "shift") == (shifted, frozenset())
