"""Delivering one person's work in order."""

import pytest

from pipeline.flow.deliver import combine, deliver
from pipeline.flow.work import Task, Work
from pipeline.model.operation import DELIVERED, Operation, Outcome, Person

DEAD = Outcome("dead", "rejected", "parameter_invalid: no", http_status=400)
MERGED = Outcome("merged", "unchanged")


def operation(kind):
    return Operation(kind, Person("u"), 1, {})


class Runner:
    def __init__(self, **outcomes):
        self.outcomes = outcomes
        self.ran = []

    def run(self, one, memory):
        self.ran.append(one.kind)
        return self.outcomes.get(one.kind, DELIVERED)


def work(*kinds_of_tasks):
    tasks = [
        Task(str(number), number, "track", tuple(operation(kind) for kind in kinds))
        for number, kinds in enumerate(kinds_of_tasks)
    ]
    return Work("u:u", tuple(tasks))


def test_operations_go_strictly_in_order():
    runner = Runner()
    deliver(work(["a", "b"], ["c"]), runner, None)
    assert runner.ran == ["a", "b", "c"]


def test_a_refused_operation_stops_nothing():
    runner = Runner(a=DEAD)
    outcomes = [outcome.status for _, outcome in deliver(work(["a", "b"], ["c"]), runner, None)]
    assert runner.ran == ["a", "b", "c"]
    assert outcomes == ["dead", "delivered"]


def test_each_task_comes_back_with_its_own_outcome():
    wanted = work(["a"], ["b"])
    assert [task for task, _ in deliver(wanted, Runner(), None)] == list(wanted.tasks)


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
def test_an_events_outcome_is_dead_else_delivered_else_merged(outcomes, status):
    assert combine([(operation("a"), outcome) for outcome in outcomes]).status == status


def test_the_first_dead_operation_decides_and_is_named():
    later = Outcome("dead", "contact_not_found", "later")
    outcome = combine(
        [(operation("a"), DELIVERED), (operation("b"), DEAD), (operation("c"), later)]
    )
    assert (outcome.reason, outcome.operation) == ("rejected", "b")
    assert outcome.message == "b: parameter_invalid: no"


def test_warnings_of_all_operations_are_kept_once():
    first = Outcome("delivered", warnings=("x", "y"))
    second = Outcome("merged", "unchanged", warnings=("y", "z"))
    assert combine([(operation("a"), first), (operation("b"), second)]).warnings == ("x", "y", "z")
