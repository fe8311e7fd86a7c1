"""Writes plain data as YAML that every tool reads the same way."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_/$][A-Za-z0-9_/.@$-]*(?: [A-Za-z0-9_/.@$-]+)*")
_WORDS = re.compile(r"(?i)(y|n|yes|no|on|off|true|false|null)")
_WIDTH = 88


def scalar(value: Any) -> str:
    """A text, number, boolean or null; texts that could be taken for another thing are quoted.

    >>> scalar("order placed"), scalar("no"), scalar("12"), scalar(None)
    ('order placed', '"no"', '"12"', 'null')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | Decimal):
        return _number(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and not _WORDS.fullmatch(text):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _number(value: int | Decimal) -> str:
    text = str(value)
    if "E" in text:  # the reader takes 1E+3, and so does everybody's
        text = text.replace("E+", "E") if "." in text else format(Decimal(value), "f")
    return text


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character) or (
        f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"
    )


def flow(value: Any) -> str:
    """A value in one line.

    >>> flow({"a": [1, "x, y"], "b": {}})
    '{a: [1, "x, y"], b: {}}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def block(value: Any, indent: int = 0) -> str:
    """A value over several lines, each indented; short parts stay in one line.

    >>> print(block({"a": [{"b": 1}], "c": "x"}))
    a:
      - b: 1
    c: x
    """
    margin = " " * indent
    if isinstance(value, dict) and value:
        return "\n".join(_entry(key, part, indent) for key, part in value.items())
    if isinstance(value, list | tuple) and value:
        items = (block(item, indent + 2) for item in value)
        return "\n".join(margin + "- " + item[indent + 2 :] for item in items)
    return margin + flow(value)


def _entry(key: str, value: Any, indent: int) -> str:
    start = " " * indent + scalar(key) + ":"
    is_deep = isinstance(value, dict | list) and any(
        isinstance(part, dict | list) and part
        for part in (value.values() if isinstance(value, dict) else value)
    )
    in_line = f"{start} {flow(value)}"
    if not isinstance(value, dict | list) or not value or (not is_deep and len(in_line) <= _WIDTH):
        return in_line
    return f"{start}\n{block(value, indent + 2)}"
