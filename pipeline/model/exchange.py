"""What a destination and whoever drives it agree on: calls out, answers back, and the rate."""

from __future__ import annotations

import enum
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pipeline.model.operation import Call, Outcome, Response, Wait

if TYPE_CHECKING:
    from pipeline.model.operation import Operation

Steps: TypeAlias = Generator[Call | Wait, Response | None, Outcome]
"""Yields a Call and is sent its Response, or yields a Wait and is sent None; returns the Outcome.

A Response that reaches a destination is never one that its own ``judge`` calls RETRY, THROTTLED or
FATAL: the driver has dealt with those. Only a call that must not be repeated blindly is answered
with what is to be retried.
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
    values are text. What is remembered under a kind that begins with ``run.`` is of this process
    and this hour only: it is never stored. Implementations are safe to share among threads.
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
class RateHeaders:
    """Where an API says how much of its rate is left. Header names are in lower case.

    Attributes:
        limit: Names the calls that one window takes.
        remaining: Names the calls left in the current window.
        reset: Names the end of the window, in absolute Unix seconds.
        window: The length of a window in seconds.
        retry_after: Names the seconds to wait after a refusal, where an API has such a header.
    """

    limit: str = "x-ratelimit-limit"
    remaining: str = "x-ratelimit-remaining"
    reset: str = "x-ratelimit-reset"
    window: float = 10.0
    retry_after: str = "retry-after"


class Deliverer(Protocol):
    """The part of a destination that a driver needs."""

    def deliver(self, operation: Operation, memory: Memory) -> Steps:
        """The calls that carry out ``operation``, one after the other."""
        ...

    def judge(self, response: Response) -> Verdict:
        """How the driver must treat ``response``."""
        ...

    def template(self, call: Call) -> str:
        """The path of ``call`` with every id replaced by ``{id}`` and no query, for counting."""
        ...
