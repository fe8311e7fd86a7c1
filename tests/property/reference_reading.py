"""Reading JSON as the rules say it, slow and obvious: what ``jsontext.read`` must agree with."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline.model.jsontext import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT


class Bad(ValueError):
    """No JSON that may be read."""


def read(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value, or ``Bad``."""
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_constant,
        )
    except (ValueError, RecursionError) as error:
        raise Bad(str(error)) from None
    _check(value, max_depth)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Bad("a key occurs twice")
    return dict(pairs)


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise Bad("too many digits")
    return int(text)


def _fraction(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Bad("no number") from None
    if len(text) > MAX_DIGITS or not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise Bad("beyond the limits")
    return number


def _constant(text: str) -> Any:
    raise Bad(text)


def _check(value: Any, room: int) -> None:
    """Nested no deeper than there is room, and no half characters."""
    if isinstance(value, str):
        value.encode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
    if isinstance(value, dict | list):
        if room == 0:
            raise Bad("too deep")
        for member in value.values() if isinstance(value, dict) else value:
            _check(member, room - 1)
    if isinstance(value, dict):
        for key in value:
            key.encode()
