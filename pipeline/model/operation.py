"""What the mapping wants done, what is asked of the API for it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec


class Person(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Whom an event is about. ``email`` is as it was written; compare it in lower case."""

    user_id: str | None = None
    email: str | None = None
    anonymous_id: str | None = None

    @property
    def key(self) -> str | None:
        """The person's one key (design decision 6), or None for nobody.

        ``u:`` and the userId, else ``e:`` and the e-mail in lower case, else ``a:`` and the
        anonymousId. Everything of one key is delivered in event-time order.
        """
        if self.user_id is not None:
            return "u:" + self.user_id
        if self.email is not None:
            return "e:" + self.email.lower()
        if self.anonymous_id is not None:
            return "a:" + self.anonymous_id
        return None


class Operation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One thing the mapping wants of the destination.

    Attributes:
        kind: A name from the destination's own list, e.g. ``upsert_contact``.
        person: Whom it concerns; ``Person()`` for a company on its own.
        time: Event time, microseconds since 1970 UTC.
        fields: JSON values under the destination's field names; Decimals allowed.
    """

    kind: str
    person: Person
    time: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to be made.

    Attributes:
        method: HTTP method.
        path: Path below the API's root, query already encoded in it.
        body: JSON, if any.
        repeatable: Whether making the call twice is as good as once. Where it is not, the
            destination is given the answers that say nothing, and decides what to do.
        optional: Whether the operation can do without it: a token that may not make it (403) is
            then an answer, and no reason to stop the run.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    repeatable: bool = True
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer.

    Attributes:
        status: HTTP status; 0 where no answer came (refused, reset, timed out).
        headers: Names in lower case.
        body: Decoded JSON; None where the body is empty or no JSON (an HTML page, say).
        text: The first 500 characters of the body, or of the connection error.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """A request to wait before the next call, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one operation.

    Attributes:
        status: ``delivered``; ``merged`` (nothing had to be sent); ``skipped``; ``dead``.
        reason: Of ``MERGE_REASONS``, ``SKIP_REASONS`` or ``DEAD_REASONS``; None when delivered.
        message: For people: what the API said, with its code.
        http_status: Of the answer that decided, else None.
        api_code: The API's own error code, else None.
        warnings: Kinds of what was noticed on the way, e.g. ``duplicate_email``.
        operation: The kind of the operation that decided an event's fate, where one is dead.
        stage: The step of the road that decided.
        dropped: Paths of fields of this write that were left out on the way, and so are not
            acknowledged: ``("email",)``, ``("custom_attributes", "plan")``.
        recreated: What was remembered, is gone, and was made anew with no more than this operation
            says (``contact``, ``company``): the caller must send again what else it knows.
    """

    status: Literal["delivered", "merged", "skipped", "dead"]
    reason: str | None = None
    message: str = ""
    http_status: int | None = None
    api_code: str | None = None
    warnings: tuple[str, ...] = ()
    operation: str | None = None
    stage: str = "deliver"
    dropped: tuple[tuple[str, ...], ...] = ()
    recreated: tuple[str, ...] = ()


DELIVERED = Outcome("delivered")
