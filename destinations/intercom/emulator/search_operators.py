"""What each search operator means for each type of field."""

from __future__ import annotations

import datetime
import operator
import zoneinfo
from collections.abc import Callable
from typing import Any

from destinations.intercom.emulator.errors import invalid

Check = Callable[[Any], bool]

_ANY = frozenset({"=", "!=", "IN", "NIN"})
OPERATORS_OF: dict[str, frozenset[str]] = {
    "string": _ANY | {"~", "!~", "^", "$"},
    "integer": _ANY | {">", "<", ">=", "<="},
    "float": _ANY | {">", "<", ">=", "<="},
    "boolean": _ANY,
    "date": frozenset({"=", ">", "<"}),
}
"""The operators that a type of field takes; all others are refused."""

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "~": operator.contains,
    "!~": lambda text, part: part not in text,
    "^": str.startswith,
    "$": str.endswith,
}


def compare(kind: str, sign: str, value: Any, *, timezone: str) -> Check:
    """A check of one stored value, for an operator that ``OPERATORS_OF[kind]`` has.

    Dates are cut to the day in the workspace's time zone: ``>`` means from the next day on.
    Text compares without case.
    """
    if kind == "date":
        return _date_check(sign, value, timezone)
    if sign in {"IN", "NIN"}:
        if not isinstance(value, list):
            raise invalid(text=f"operator {sign} needs a list of values")
        wanted = [_normal(kind, one) for one in value]
        inside = sign == "IN"
        return lambda stored: (_normal(kind, stored) in wanted) is inside
    asked = _normal(kind, value)
    if sign in {"=", "!="}:
        equal = sign == "="
        return lambda stored: (_normal(kind, stored) == asked) is equal
    if sign in _TEXT:
        if not isinstance(asked, str):
            raise invalid(text=f"operator {sign} needs text")
        test = _TEXT[sign]
        return lambda stored: test(_normal(kind, stored) or "", asked)
    if asked is None:
        raise invalid(text=f"operator {sign} needs a number")
    order = _ORDER[sign]
    return lambda stored: stored is not None and order(stored, asked)


def _normal(kind: str, value: Any) -> Any:
    """The form in which two values of a type are compared; numbers may be sent as text."""
    if value is None or value == "":
        return None
    if kind == "string":
        return str(value).lower()
    if kind == "boolean":
        return {"true": True, "false": False}.get(str(value).lower())
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise invalid(text=f"'{value}' is not a number") from None
    if isinstance(value, int | float):
        return value
    raise invalid(text="a filter value must be a single value")


def _date_check(sign: str, value: Any, timezone: str) -> Check:
    if value is None and sign == "=":
        return lambda stored: stored is None
    asked = _normal("integer", value)
    if asked is None:
        raise invalid(text="a date filter needs a UNIX timestamp")
    zone = _zone(timezone)
    try:
        moment = datetime.datetime.fromtimestamp(asked, tz=zone)
        start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        first = start.timestamp()
        after = (start + datetime.timedelta(days=1)).timestamp()
    except (OverflowError, ValueError, OSError):
        raise invalid(text="a date filter needs a UNIX timestamp in seconds") from None
    if sign == "=":
        return lambda stored: stored is not None and first <= stored < after
    if sign == ">":
        return lambda stored: stored is not None and stored >= after
    return lambda stored: stored is not None and stored < first


def _zone(name: str) -> datetime.tzinfo:
    """A time zone; UTC needs no zone database, which small containers lack."""
    return datetime.UTC if name in {"UTC", "Etc/UTC"} else zoneinfo.ZoneInfo(name)
