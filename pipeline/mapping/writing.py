"""Writes lines of Python, and nothing into them that came from outside unchecked.

A name is made of ASCII letters, digits and a number of its own, so that it can be no keyword and no
name of somebody else. A text stands in the code only if it is plain; any other data of the
mapping is bound to a name of the namespace (``constants``) that the code runs in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.mapping.paths import ABSENT

_PLAIN = re.compile(r"[A-Za-z0-9_ .:@$+-]{0,80}", re.ASCII)
_NO_LETTER = re.compile(r"[^A-Za-z0-9_]+", re.ASCII)
_LARGEST = 10**18

Line = str | Callable[[], list[str]]
"""A line, or what gives lines once everything is written."""


class Writer:
    """Lines of one function, and the namespace that it needs."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.depth = 1
        self.number = 0
        self.constants: dict[str, Any] = {}
        self.certain: set[str] = set()
        self.done: set[str] = set()

    def emit(self, line: str) -> None:
        """One line at the current depth."""
        self.lines.append("    " * self.depth + line)

    def emit_later(self, lines: Callable[[], list[str]]) -> None:
        """Lines at the current depth that are known when everything is written."""
        indent = "    " * self.depth
        self.lines.append(lambda: [indent + line for line in lines()])

    def written(self) -> list[str]:
        """Every line."""
        return [one for line in self.lines for one in ([line] if isinstance(line, str) else line())]

    def comment(self, text: str) -> None:
        """A comment, on one line whatever the text is."""
        self.emit("# " + ascii(text)[1:-1])

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """An indented block; what is computed in it is not certain behind it."""
        self.emit(head)
        self.depth += 1
        done, certain = set(self.done), set(self.certain)
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.emit("pass")
        self.done, self.certain = done, certain
        self.depth -= 1

    def fresh(self, hint: str = "") -> str:
        """A new name that tells what it holds."""
        self.number += 1
        return f"{_NO_LETTER.sub('', hint)[:30].lstrip('_0123456789') or 'value'}_{self.number}"

    def constant(self, value: Any, hint: str = "K") -> str:
        """An expression for data of the mapping: a plain literal, or the name of a constant."""
        if value is ABSENT:
            return "ABSENT"
        if is_plain(value):
            literal = repr(value)
        else:
            literal = f"{hint}{len(self.constants)}"
            self.constants[literal] = value
        self.certain.add(literal)
        return literal

    def function(self, prefix: str, name: str, function: Any) -> str:
        """The name under which a function of the language is known to the code."""
        known = f"{prefix}_{name}"
        self.constants[known] = function
        return known


def is_plain(value: Any) -> bool:
    """Whether a value may stand in code as it is."""
    if value is None or type(value) is bool:
        return True
    if type(value) is int:
        return -_LARGEST < value < _LARGEST
    return type(value) is str and _PLAIN.fullmatch(value) is not None
