"""Faults on order: which requests they hit, how often, and what goes wrong."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from destinations.intercom.emulator.messages import Request
    from destinations.intercom.emulator.model import JsonObject

Kind = Literal[
    "status",
    "html",
    "rate_limited",
    "reset_before",
    "reset_after_commit",
    "half_body",
    "timeout",
    "latency",
]
KINDS: tuple[str, ...] = get_args(Kind)
PASSES_THROUGH = frozenset({"reset_after_commit", "half_body", "latency"})
"""Kinds where the request is carried out and only the answer suffers."""

_KEYS = frozenset(
    {
        "match",
        "kind",
        "status",
        "body",
        "headers",
        "times",
        "probability",
        "seed",
        "after",
        "seconds",
    }
)
_MATCH_KEYS = frozenset({"method", "path", "body_contains"})
_GLOB = {"**": ".*", "*": "[^/]*"}
_DEFAULT_SECONDS = {"timeout": 60.0, "latency": 1.0}
_DEFAULT_STATUS = {"status": 500, "html": 502, "rate_limited": 429}


class FaultError(ValueError):
    """A fault that makes no sense; the text says why."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One ordered fault, with its counters."""

    id: str
    kind: str
    method: str | None
    path: str | None
    body_contains: str | None
    status: int
    body: Any
    headers: dict[str, str]
    times: int | None
    after: int
    probability: float
    seconds: float
    random: random.Random
    source: JsonObject
    pattern: re.Pattern[str] = field(default=re.compile(""))
    seen: int = 0
    hits: int = 0

    def strikes(self, request: Request, path: str) -> bool:
        """Whether this request is hit; counts the request if it matches."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.method not in (None, request.method) or not self.pattern.search(path):
            return False
        if self.body_contains is not None and self.body_contains.encode() not in request.body:
            return False
        self.seen += 1
        if self.seen <= self.after or self.random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def view(self) -> JsonObject:
        """The order as it was given, with its id and how often it matched and struck."""
        left = None if self.times is None else self.times - self.hits
        return {"id": self.id, **self.source, "seen": self.seen, "hits": self.hits, "left": left}


class Faults:
    """All ordered faults; the first that strikes decides."""

    def __init__(self) -> None:
        self.ordered: dict[str, Fault] = {}
        self._count = 0

    def add(self, order: JsonObject) -> Fault:
        """Order a fault, or raise FaultError."""
        self._count += 1
        fault = _parsed(f"fault-{self._count}", order)
        self.ordered[fault.id] = fault
        return fault

    def struck(self, request: Request, path: str) -> Fault | None:
        """The fault that hits this request, if any."""
        for fault in self.ordered.values():
            if fault.strikes(request, path):
                return fault
        return None


def _parsed(key: str, order: Any) -> Fault:
    if not isinstance(order, dict):
        message = "a fault must be an object"
        raise FaultError(message)
    match = order.get("match") or {}
    _no_strangers(order, _KEYS, "fault")
    if not isinstance(match, dict):
        message = "match must be an object"
        raise FaultError(message)
    _no_strangers(match, _MATCH_KEYS, "match")
    kind = order.get("kind")
    if kind not in KINDS:
        message = f"kind must be one of {', '.join(KINDS)}"
        raise FaultError(message)
    method = _text(match, "method")
    headers = order.get("headers") or {}
    if not isinstance(headers, dict):
        message = "headers must be an object"
        raise FaultError(message)
    return Fault(
        id=key,
        kind=kind,
        method=None if method in (None, "*") else method.upper(),
        path=_text(match, "path"),
        body_contains=_text(match, "body_contains"),
        status=int(_number(order, "status", _DEFAULT_STATUS.get(kind, 200), 100, 599)),
        body=order.get("body"),
        headers={str(name): str(value) for name, value in headers.items()},
        times=_times(order),
        after=int(_number(order, "after", 0, 0, None)),
        probability=_number(order, "probability", 1.0, 0, 1),
        seconds=_number(order, "seconds", _DEFAULT_SECONDS.get(kind, 0.0), 0, None),
        random=random.Random(order.get("seed", 0)),  # noqa: S311 - repeatable, not secret
        source={name: order[name] for name in order},
        pattern=_pattern(_text(match, "path")),
    )


def _pattern(path: str | None) -> re.Pattern[str]:
    """``^...`` is a regular expression; else a glob: ``*`` is one segment, ``**`` is anything."""
    if path is None:
        return re.compile("")
    if path.startswith("^"):
        try:
            return re.compile(path)
        except re.error as problem:
            message = f"path is not a regular expression: {problem}"
            raise FaultError(message) from None
    parts = re.split(r"(\*\*|\*)", path)
    return re.compile("^" + "".join(_GLOB.get(part) or re.escape(part) for part in parts) + "$")


def _no_strangers(given: JsonObject, known: frozenset[str], what: str) -> None:
    for name in given:
        if name not in known:
            message = f"{what} has no '{name}'; it has {', '.join(sorted(known))}"
            raise FaultError(message)


def _text(given: JsonObject, name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        message = f"{name} must be text"
        raise FaultError(message)
    return value


def _times(order: JsonObject) -> int | None:
    if "times" in order and order["times"] is None:
        return None
    return int(_number(order, "times", 1, 0, None))


def _number(
    order: JsonObject, name: str, default: float, least: float, most: float | None
) -> float:
    value = order.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{name} must be a number"
        raise FaultError(message)
    if value < least or (most is not None and value > most):
        limit = f"at least {least}" if most is None else f"between {least} and {most}"
        message = f"{name} must be {limit}"
        raise FaultError(message)
    return value
