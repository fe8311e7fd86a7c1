"""Reading JSON without losing anything: exact numbers, no duplicated keys, no surprises.

What the JSON grammar allows but no event should hold is refused as well: nesting beyond
``MAX_DEPTH``, keys that occur twice in one object, and numbers that would fill the memory as soon
as somebody computes with them.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import orjson

from pipeline.model.text import cut

MAX_DEPTH = 64
"""How deep objects and arrays may be nested; an event itself is the first level."""

MAX_EXPONENT = 400
"""The largest power of ten, up or down, that a number may have."""

MAX_DIGITS = 4300
"""How many characters a number may have: Python converts no longer integers either."""

_SHOWN = 80
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_CONSTANT = re.compile(rb"-?(?:NaN|Infinity|nan|inf|None|True|False|undefined)")
_LONG_NUMBER = re.compile(rb"[0-9]{%d,}" % MAX_DIGITS)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_POSITION = re.compile(r"(?P<what>.*) \(byte (?P<at>[0-9]+)\)")
_PLAIN_KEY = re.compile(r"[^\W\d]\w*", re.ASCII)


class Malformed(ValueError):
    """Bytes that are not the JSON that may be read; ``position`` counts bytes from 0."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position

    def told(self, *, offset: int = 0) -> str:
        """The message with its position, which lies ``offset`` bytes further on for the reader."""
        where = "" if self.position is None else f" at byte {self.position + offset}"
        return f"{self.args[0]}{where}"


class _Pairs(list[tuple[str, Any]]):
    """The members of one object, with the repeated ones."""


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        pass
    else:
        if -MAX_EXPONENT <= value.adjusted() <= MAX_EXPONENT and len(text) <= MAX_DIGITS:
            return value
    raise ValueError(text)


_DECODER = msgspec.json.Decoder(float_hook=_number)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def read(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of one JSON text, or ``Malformed`` is raised, and nothing else ever.

    Numbers with a fraction or an exponent become ``Decimal``, integers stay exact.

    >>> read(b'{"price": 19.90, "id": 123456789012345678901}')
    {'price': Decimal('19.90'), 'id': 123456789012345678901}
    """
    if data.count(b"{") + data.count(b"[") > max_depth:
        _refuse_depth(data, max_depth)
    try:
        value = _DECODER.decode(data)
    except RecursionError:
        raise _too_deep(max_depth) from None
    except ValueError as error:
        raise _explained(data, error) from None
    try:
        written = orjson.dumps(value, _digits)
    except TypeError:  # an integer beyond 64 bits
        written = _ENCODER.encode(value)
    # What comes out byte for byte as it went in has lost no key. Where it was written another way:
    # every member of an object costs one colon, so a key that replaced another one left fewer
    # colons than it found. Only an escaped colon could hide that.
    if written != data and (written.count(b":") != data.count(b":") or has_escaped_colon(data)):
        refuse_duplicates(data)
    return value


def _digits(number: Decimal) -> orjson.Fragment:
    return orjson.Fragment(str(number))


def has_escaped_colon(data: bytes) -> bool:
    """Whether counting colons does not tell how many keys there are."""
    return b"\\" in data and (b"\\u003a" in data or b"\\u003A" in data)


def refuse_duplicates(data: bytes, *, deep: bool = True) -> None:
    """Raise ``Malformed`` if a key occurs twice in one object; ``deep=False``: in the outermost.

    The bytes must be readable otherwise.
    """
    try:
        value = json.loads(data, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except RecursionError:
        raise _too_deep(MAX_DEPTH) from None
    todo = [("$", value)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, _Pairs):
            seen: set[str] = set()
            for key, _ in value:
                if key in seen:
                    message = f"the key {show(key)} occurs more than once in {path}"
                    raise Malformed(message)
                seen.add(key)
            if deep:
                todo += [(member_path(path, key), member) for key, member in reversed(value)]
        elif isinstance(value, list) and deep:
            todo += [(f"{path}[{place}]", member) for place, member in enumerate(value)][::-1]


def member_path(path: str, key: str) -> str:
    """The JSON path of a member of an object.

    >>> member_path("$.context", "ip"), member_path("$", "weird key")
    ('$.context.ip', '$["weird key"]')
    """
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}"
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"


def show(value: Any, *, limit: int = _SHOWN) -> str:
    """A value as JSON for people, cut to ``limit`` characters.

    >>> show({"id": 7, "tags": []}), show("abcdefghij", limit=8)
    ('{"id":7,"tags":[]}', '"abcdef…')
    """
    text = _ENCODER.encode(value).decode()
    return text if len(text) <= limit else cut(text, limit - 1) + "…"


def kind(value: Any) -> str:
    """What a value is in the words of JSON, with its article.

    >>> kind(None), kind([]), kind(Decimal("1.5"))
    ('null', 'an array', 'a number')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "a number"


def _refuse_depth(data: bytes, max_depth: int) -> None:
    depth = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > max_depth:
            raise _too_deep(max_depth)


def _too_deep(max_depth: int) -> Malformed:
    return Malformed(f"objects and arrays are nested deeper than {max_depth} levels")


def _explained(data: bytes, error: ValueError) -> Malformed:
    """Say in our words what the decoder found."""
    try:
        data.decode()
    except UnicodeDecodeError as fault:
        return Malformed(f"not UTF-8: byte 0x{data[fault.start]:02x}", fault.start)
    if isinstance(error, msgspec.ValidationError):
        return _explained_number(data, str(error))
    match = _POSITION.fullmatch(str(error).removeprefix("JSON is malformed: "))
    what, at = (match["what"], int(match["at"])) if match else (str(error), len(data))
    surrogate = _lone_surrogate(data) if "surrogate" in what or "truncated" in what else None
    if surrogate:
        escape = surrogate[0].decode()
        return Malformed(
            f"the escape {escape} is half of a character without the other half", surrogate.start()
        )
    if "truncated" in what:
        return Malformed("not JSON: the text ends too early", at)
    start = at - 1 if data[at - 1 : at] == b"-" else at
    constant = _CONSTANT.match(data, start)
    if constant:
        word = constant[0].decode()
        return Malformed(f"not JSON: {word} is no JSON value", constant.start())
    if data[at : at + 1] == b"'":
        return Malformed("not JSON: text and keys stand in double quotes", at)
    return Malformed(f"not JSON: {what}", at)


def _explained_number(data: bytes, error: str) -> Malformed:
    text = error.removesuffix(" - at `$[...]`").encode()
    at = data.find(text)
    if at < 0 or len(text) > MAX_DIGITS:
        match = _LONG_NUMBER.search(data)
        return Malformed(f"a number has more than {MAX_DIGITS} digits", match and match.start())
    shown = cut(text.decode(), _SHOWN)
    return Malformed(f"the number {shown} has an exponent beyond {MAX_EXPONENT}", at)


def _lone_surrogate(data: bytes) -> re.Match[bytes] | None:
    """The escape to blame, if half of a pair is all that is wrong with the text."""
    try:
        json.dumps(json.loads(data), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _SURROGATE.search(data)
    except (ValueError, RecursionError):
        return None
    return None
