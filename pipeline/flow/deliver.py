"""Delivering one person's work: strictly in order, one operation at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pipeline.model.operation import DELIVERED, Operation, Outcome

if TYPE_CHECKING:
    from pipeline.flow.work import Task, Work
    from pipeline.model.exchange import Memory


class Runner(Protocol):
    """Something that carries out operations, such as a ``Driver``."""

    def run(self, operation: Operation, memory: Memory) -> Outcome:
        """Carry out ``operation``."""
        ...


def deliver(work: Work, driver: Runner, memory: Memory) -> list[tuple[Task, Outcome]]:
    """What came of every event of ``work``, in its order.

    Each operation is acknowledged before the next is begun. One that is refused stops nothing:
    the person's other operations and events are still delivered.
    """
    return [
        (task, combine([(op, driver.run(op, memory)) for op in task.operations]))
        for task in work.tasks
    ]


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
