"""What a destination is: the protocol that ``pipeline.flow`` drives.

A destination does no input or output. For one operation it is a generator that yields the calls
it wants made and is sent their answers, so the same code serves delivery, ``--dry-run``,
``explain`` and the tests. Pacing, retries and the transport belong to whoever drives it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from pipeline.model.exchange import Memory, RateHeaders, Steps, Verdict
from pipeline.model.operation import Call, Operation, Response, Wait

__all__ = [
    "Destination",
    "Exchange",
    "Memory",
    "OperationSpec",
    "RateHeaders",
    "Steps",
    "Verdict",
    "ask",
    "pause",
]

Result = TypeVar("Result")
Exchange: TypeAlias = Generator[Call | Wait, Response | None, Result]
"""A part of ``Steps`` that returns something else than an Outcome; use it with ``yield from``."""


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """What the mapping may say of one kind of operation.

    Attributes:
        summary: One sentence for the reference page.
        fields: Field name -> one sentence. A mapping that sets another field is refused.
        required: Fields without which the operation cannot be made.
        merge_by: The field that names a thing which many people's events write (a company); the
            writes of a batch to one such thing are merged into one.
        event_name: The field that holds the name of an event; a workspace has room for only so
            many different ones.
    """

    summary: str
    fields: Mapping[str, str]
    required: frozenset[str] = frozenset()
    merge_by: str | None = None
    event_name: str | None = None


class Destination(Protocol):
    """One API, as data and pure functions. Instances are picklable."""

    @property
    def name(self) -> str:
        """The name that a mapping gives under ``destination:``."""
        ...

    @property
    def operations(self) -> Mapping[str, OperationSpec]:
        """Everything the mapping may ask for."""
        ...

    @property
    def rate_headers(self) -> RateHeaders:
        """Where this API says how much of its rate is left."""
        ...

    def deliver(self, operation: Operation, memory: Memory) -> Steps:
        """The calls that carry out ``operation``, one after the other."""
        ...

    def judge(self, response: Response) -> Verdict:
        """How the driver must treat ``response``."""
        ...

    def template(self, call: Call) -> str:
        """The path of ``call`` with every id replaced by ``{id}`` and no query, for counting."""
        ...


def ask(call: Call) -> Exchange[Response]:
    """Have ``call`` made and return its answer."""
    response = yield call
    if response is None:
        message = f"{call.method} {call.path} was not answered: a Call must be sent its Response"
        raise TypeError(message)
    return response


def pause(seconds: float) -> Exchange[None]:
    """Have the driver wait."""
    yield Wait(seconds)
