"""One person's events in the order in which they must be delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from pipeline.model.operation import Operation

RANKS: Mapping[str, int] = MappingProxyType(
    {"identify": 0, "alias": 0, "group": 1, "track": 2, "page": 2, "screen": 2, "delete": 3}
)
"""Which of two events of the same moment goes first: who, where they belong, what they did."""


class Task(msgspec.Struct, frozen=True, gc=False):
    """One event's share of the work.

    Attributes:
        message_id: The event's id.
        time: When it happened, microseconds since 1970 UTC.
        type: The event's type; decides between two events of the same moment.
        operations: What is to be done, in this order.
        seq: Its place in the input, where the source has an order; decides next.
        receipt: What its dead letter will need, packed; nothing here looks into it.
    """

    message_id: str
    time: int
    type: str
    operations: tuple[Operation, ...]
    seq: int = 0
    receipt: bytes = b""

    @property
    def order(self) -> tuple[int, int, int, str, bytes, str]:
        """Sorts tasks; depends on nothing but the task."""
        rank = RANKS.get(self.type, 2)
        return (self.time, rank, self.seq, self.message_id, self.receipt, self.type)


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that is to be delivered for one key, in order."""

    key: str
    tasks: tuple[Task, ...]


def sequence(key: str, tasks: Iterable[Task]) -> Work:
    """The work of ``key``: whatever order the tasks come in, they leave in the same one."""
    return Work(key, tuple(sorted(tasks, key=lambda task: task.order)))
