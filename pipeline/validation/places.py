"""Where in a JSON text each part stands, by its pointer."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r'[ \t\r\n,:]*("(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s,:{}\[\]"]+)', re.DOTALL)

Pointer = tuple[str | int, ...]
"""The keys and indexes that lead to a part, from the outermost value."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a text: lines and columns count from 1, the end column is exclusive."""

    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 2


class Places:
    r"""The places of everything in a readable JSON text: of members their key, else the value.

    >>> Places('{"a": [1,\n 22]}').of(["a", 1])
    Place(line=2, column=2, end_line=2, end_column=4)
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._stretches: dict[Pointer, tuple[int, int]] = {}
        self._scan()

    def of(self, pointer: Iterable[str | int]) -> Place:
        """The place of a part, or of the nearest one that contains it."""
        path = tuple(pointer)
        while path and path not in self._stretches:
            path = path[:-1]
        start, end = self._stretches.get(path, (0, 1))
        return Place(*self._point(start), *self._point(end))

    def _point(self, position: int) -> tuple[int, int]:
        line = bisect_right(self._lines, position)
        return line, position - self._lines[line - 1] + 1

    def _scan(self) -> None:
        path: list[str | int] = []
        open_: list[str] = []
        wants_key: list[bool] = []
        for match in _TOKEN.finditer(self._text):
            mark, start, end = match[1], match.start(1), match.end(1)
            if mark in "}]":
                open_.pop()
                wants_key.pop()
                if mark == "]":
                    path.pop()
                self._next(path, open_, wants_key)
                continue
            if open_ and open_[-1] == "{" and wants_key[-1]:
                path.append(json.loads(mark))
                self._stretches[tuple(path)] = (start, end)
                wants_key[-1] = False
                continue
            self._stretches.setdefault(tuple(path), (start, end))
            if mark in "{[":
                open_.append(mark)
                wants_key.append(mark == "{")
                if mark == "[":
                    path.append(0)
                continue
            self._next(path, open_, wants_key)

    def _next(self, path: list[str | int], open_: list[str], wants_key: list[bool]) -> None:
        """A value has ended: step to where the next one will stand."""
        if not open_:
            return
        if open_[-1] == "[":
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else 0
        else:
            path.pop()
            wants_key[-1] = True


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a schema: a code, where in its file, a sentence, a way out."""

    code: str
    place: Place
    message: str
    help: str = ""


Rules = Mapping[str, tuple[str, str, str]]
"""Code -> what it is called, why it is a mistake, how to mend it."""
