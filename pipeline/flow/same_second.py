"""Two events of one person and name in one second, of which the destination keeps only one (T11).

Both are genuine where their messageIds differ. They are pointed out, and by setting the later one
is moved to the next second in which nothing of the same name happened.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from pipeline.flow.event_names import name_key
from pipeline.flow.work import Task, Work
from pipeline.model.operation import Operation

Mode = Literal["keep", "shift"]
WARNING = "same_second"

_EVENT = "submit_event"
_FURTHEST = 60

_Moment = tuple[str, int]


def separate(work: Work, mode: Mode) -> tuple[Work, frozenset[int]]:
    """The work with its events apart, and the positions of those that shared a second.

    Depends on nothing but the work: the same work is shifted in the same way every time.
    """
    first: dict[_Moment, str] = {}
    later: list[int] = []
    for place, task in enumerate(work.tasks):
        moment = _moment(task)
        if moment is not None and first.setdefault(moment, task.message_id) != task.message_id:
            later.append(place)
    if not later or mode == "keep":
        return work, frozenset(later)
    tasks, taken = list(work.tasks), set(first)
    for place in later:
        tasks[place] = _shifted(tasks[place], taken)
    return Work(work.key, tuple(tasks)), frozenset(later)


def _moment(task: Task) -> _Moment | None:
    """Which name at which second the task's event takes, if it has one."""
    for operation in task.operations:
        if operation.kind == _EVENT:
            name = operation.fields.get("event_name")
            second = operation.fields.get("created_at")
            if isinstance(name, str) and isinstance(second, int):
                return name_key(name), second
    return None


def _shifted(task: Task, taken: set[_Moment]) -> Task:
    """The task in the next free second, or as it is where a whole minute is full."""
    name, second = _moment(task) or ("", 0)
    for free in range(second + 1, second + _FURTHEST):
        if (name, free) not in taken:
            taken.add((name, free))
            return replace(task, operations=tuple(_at(each, free) for each in task.operations))
    return task


def _at(operation: Operation, second: int) -> Operation:
    if operation.kind != _EVENT:
        return operation
    return replace(operation, fields={**operation.fields, "created_at": second})
