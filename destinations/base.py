"""What a destination is: the protocol that ``pipeline.flow`` drives.

A destination does no input or output. For one operation it is a generator that yields the calls
it wants made and is sent their answers, so the same code serves delivery, ``--dry-run``,
``explain`` and the tests. Pacing, retries and the transport belong to whoever drives it.
"""

from __future__ import annotations

import enum
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pipeline.model.operation import Call, Operation, Outcome, Response, Wait

Steps = Generator[Call | Wait, Response | None, Outcome]
"""Yields a Call and is sent its Response, or yields a Wait and is sent None; returns the Outcome.

A Response that reaches a destination is never one that its own ``judge`` calls RETRY, THROTTLED or
FATAL: the driver has dealt with those.
"""


class Verdict(enum.Enum):
    """How the driver must treat an answer (rules E1-E4)."""

    ANSWER = "answer"
    """The destination's own business: success, or a refusal that it understands."""
    RETRY = "retry"
    """Passing trouble: try the same call again, with back-off and jitter."""
    THROTTLED = "throttled"
    """Over the rate limit: everybody pauses until the window ends; never a failed attempt."""
    FATAL = "fatal"
    """The credentials are refused: the run must stop."""


class Memory(Protocol):
    """What a destination remembers between operations and runs. Losing it costs calls only.

    ``kind`` is one of the names the destination uses (``contact``, ``company``, ...); keys and
    values are text. Implementations are safe to share among threads.
    """

    def get(self, kind: str, key: str) -> str | None:
        """The value, or None where nothing is remembered."""
        ...

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember ``value``, over what was there."""
        ...

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered; no error where there was nothing."""
        ...


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """What the mapping may say of one kind of operation.

    Attributes:
        summary: One sentence for the reference page.
        fields: Field name -> one sentence. A mapping that sets another field is refused.
        required: Fields without which the operation cannot be made.
    """

    summary: str
    fields: Mapping[str, str]
    required: frozenset[str] = frozenset()


class Destination(Protocol):
    """One API, as data and pure functions."""

    name: str
    operations: Mapping[str, OperationSpec]

    def deliver(self, operation: Operation, memory: Memory) -> Steps:
        """The calls that carry out ``operation``, one after the other."""
        ...

    def judge(self, response: Response) -> Verdict:
        """How the driver must treat ``response``."""
        ...
