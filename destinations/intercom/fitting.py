"""Making a value what its custom attribute takes: types are fixed once the attribute exists."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from pipeline.model.times import parse_time, seconds

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_SWITCHES = {"true": True, "false": False}
_LONGEST = 255
_TOO_LARGE = 10**18


class Misfit(ValueError):
    """The value cannot be made one of the attribute's type."""


def data_type(name: str, value: Any) -> str | None:
    """The type with which to create the attribute ``name``; None where it has no possible one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "date" if name.endswith(("_at", "At")) else "integer"
    if isinstance(value, Decimal | float):
        return "float"
    return "string" if isinstance(value, str) else None


def fit(value: Any, data_type: str) -> Any:
    """``value`` as an attribute of ``data_type`` takes it; null, which clears, fits everywhere.

    A type that is not known here takes what it is given.

    Raises:
        Misfit: It means nothing in that type.

    >>> fit(7, "string"), fit("7.50", "float"), fit("2024-01-02", "date"), fit("true", "boolean")
    ('7', Decimal('7.50'), 1704153600, True)
    """
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise Misfit
    match data_type:
        case "string":
            return _text(value)
        case "integer":
            return _integer(value)
        case "float":
            return _number(value)
        case "boolean":
            return _switch(value)
        case "date" | "datetime":
            return _moment(value)
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if len(text) > _LONGEST:
        raise Misfit
    return text


def _integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if (
        isinstance(value, Decimal | float)
        and -_TOO_LARGE < value < _TOO_LARGE
        and value == int(value)
    ):
        return int(value)
    raise Misfit


def _number(value: Any) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    raise Misfit


def _switch(value: Any) -> bool:
    if isinstance(value, str):
        value = _SWITCHES.get(value.strip().lower())
    if isinstance(value, bool):
        return value
    raise Misfit


def _moment(value: Any) -> int:
    moment = parse_time(value)
    if moment is None:
        raise Misfit
    return seconds(moment)
