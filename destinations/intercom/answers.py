"""Reading what Intercom answers. Error bodies may be JSON, HTML or empty; none may surprise us."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from destinations.base import Verdict
from pipeline.model.operation import Outcome, Response

_CONFLICT_ID = re.compile(r"\bid=([0-9A-Za-z_-]+)")
_UNKNOWN_ATTRIBUTE = re.compile(r"Custom attribute '(.+)' does not exist", re.DOTALL)
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"|custom_attributes\.([^\s'\",]+)")
_NAME_CAP = re.compile(r"more than \d+ active event names", re.IGNORECASE)
_ID = re.compile(r"[0-9A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of an ``error.list``; every part may be missing."""

    code: str = ""
    message: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The contact that stands in the way of a create."""

    contact_id: str
    archived: bool


def ok(response: Response) -> bool:
    """Whether the call did what it should."""
    return 200 <= response.status < 300


def judge(response: Response) -> Verdict:
    """How a driver must treat ``response`` (rules E2 and E4)."""
    status = response.status
    if status == 429:
        return Verdict.THROTTLED
    if status in (401, 403):
        return Verdict.FATAL
    if status in (0, 408, 423) or (500 <= status <= 599 and status != 501):
        return Verdict.RETRY
    if ok(response) and response.body is None and response.text.strip():
        # A page of somebody in between (maintenance, a portal) must not count as delivered.
        return Verdict.RETRY
    return Verdict.ANSWER


def is_lost(response: Response) -> bool:
    """Whether nothing says what became of the call: it may have been carried out."""
    return judge(response) is Verdict.RETRY


def faults(response: Response) -> Iterator[Fault]:
    """The errors that a body lists; none where it is not an ``error.list``."""
    body = response.body
    errors = body.get("errors") if isinstance(body, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            yield Fault(_text(error, "code"), _text(error, "message"), _text(error, "field"))


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def code(response: Response) -> str | None:
    """The API's own code of the first error."""
    return next((fault.code for fault in faults(response) if fault.code), None)


def explanation(response: Response) -> str:
    """``code: text`` of every error; what is known of the answer where it lists none."""
    parts = [": ".join(filter(None, (fault.code, fault.message))) for fault in faults(response)]
    told = "; ".join(filter(None, parts))
    if told:
        return told
    text = " ".join(response.text.split())
    return f"HTTP {response.status}: {text[:200]}" if text else f"HTTP {response.status}"


def refused(
    response: Response, reason: str = "rejected", warnings: tuple[str, ...] = ()
) -> Outcome:
    """The outcome of an operation that ``response`` ended."""
    return Outcome(
        "dead",
        "retries_exhausted" if is_lost(response) else reason,
        explanation(response),
        http_status=response.status or None,
        api_code=code(response),
        warnings=warnings,
    )


def identifier(value: Any) -> str | None:
    """``value`` if it is an id that is safe in a path, else None."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def object_id(response: Response) -> str | None:
    """Intercom's id of the contact or company that a successful answer holds."""
    return identifier(response.body.get("id")) if isinstance(response.body, dict) else None


def listed(response: Response) -> list[dict[str, Any]]:
    """The objects of a list answer; ``[]`` where it has none (they do lack ``data`` at times)."""
    data = response.body.get("data") if isinstance(response.body, dict) else None
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def has_list(response: Response) -> bool:
    """Whether the answer is a list, be it an empty one."""
    return isinstance(response.body, dict) and isinstance(response.body.get("data"), list)


def conflict(response: Response) -> Conflict | None:
    """Whom a 409 names, if it does."""
    if response.status != 409:
        return None
    text = explanation(response)
    found = _CONFLICT_ID.search(text)
    return Conflict(found[1], archived="archived" in text.lower()) if found else None


def is_busy(response: Response) -> bool:
    """Whether it is a conflict with nobody in particular, which passes (rule E1)."""
    return response.status == 409 and conflict(response) is None


def unknown_attribute(response: Response) -> str | None:
    """The custom attribute that a 400 says does not exist."""
    for fault in faults(response):
        if found := _UNKNOWN_ATTRIBUTE.search(fault.message):
            return found[1]
    return None


def blamed(response: Response, names: Collection[str]) -> str | None:
    """The one of ``names`` that an error names, quoted in its text or as its field."""
    for fault in faults(response):
        field = fault.field.removeprefix("custom_attributes.")
        if field in names:
            return field
        for found in _QUOTED.finditer(fault.message):
            name = found[1] or found[2] or found[3]
            if name in names:
                return name
    return None


def is_name_cap(response: Response) -> bool:
    """Whether the workspace has no room for one more event name."""
    return response.status in (400, 422) and bool(_NAME_CAP.search(explanation(response)))
