"""The order of one person's events."""

import pickle

from pipeline.flow.work import Task, sequence
from pipeline.model.operation import Operation, Person

OPERATION = Operation("submit_event", Person("u"), 1, {"a": 1})


def task(name, time, kind, seq=0):
    return Task(name, time, kind, (OPERATION,), seq)


def names(work):
    return [one.message_id for one in work.tasks]


def test_events_go_in_the_order_in_which_they_happened():
    work = sequence("u:u", [task("b", 2, "identify"), task("a", 1, "track")])
    assert names(work) == ["a", "b"]


def test_at_the_same_moment_identify_goes_before_group_before_track_before_delete():
    kinds = ["delete", "track", "group", "identify"]
    work = sequence("u:u", [task(kind, 5, kind) for kind in kinds])
    assert names(work) == kinds[::-1]


def test_two_of_a_kind_at_the_same_moment_go_in_the_order_of_the_input():
    work = sequence("u:u", [task("a", 5, "track", seq=2), task("b", 5, "track", seq=1)])
    assert names(work) == ["b", "a"]


def test_without_an_input_order_the_message_id_decides():
    work = sequence("u:u", [task("b", 5, "track"), task("a", 5, "track")])
    assert names(work) == ["a", "b"]


def test_work_travels():
    work = sequence("u:u", [task("a", 1, "track")])
    assert pickle.loads(pickle.dumps(work)) == work
