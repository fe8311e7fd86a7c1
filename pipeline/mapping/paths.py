"""Paths into an event: ``traits.address.city``, ``products[0].sku``, ``traits."last.login"``.

A name is looked up exactly first and then ignoring case and separators, so ``createdAt`` also
finds ``created_at`` and ``Created At`` (segment-parity, header). A name in quotes, and the first
name of a path, are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.model.text import normal_key


class _Absent:
    """The value of what is not there; unlike None, which is an explicit JSON null."""

    _instance: _Absent | None = None

    def __new__(cls) -> _Absent:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Absent, ())


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Key:
    """A member of an object; ``exact`` names match only themselves."""

    name: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An element of a list; negative counts from the end."""

    at: int


@dataclass(frozen=True, slots=True)
class Every:
    """All elements of a list, or all values of an object; what is absent in one is left out."""


Segment = Key | Index | Every


@dataclass(frozen=True, slots=True)
class Path:
    """A root (``traits``, ``item``, ``$name``) and the segments below it."""

    root: str
    segments: tuple[Segment, ...] = ()
    quoted_root: bool = False

    def __str__(self) -> str:
        text = _quoted(self.root) if self.quoted_root else self.root
        for segment in self.segments:
            if isinstance(segment, Key):
                text += "." + (_quoted(segment.name) if segment.exact else segment.name)
            elif isinstance(segment, Index):
                text += f"[{segment.at}]"
            else:
                text += ".*"
        return text


class PathSyntaxError(ValueError):
    """The text is no path; ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


_TOKEN = re.compile(
    r"""(?P<dot>\.)?(?:
        \[(?P<index>-?[0-9]{1,6})\]
      | (?P<every>\*)
      | "(?P<quoted>(?:[^"\\]|\\["\\])+)"
      | (?P<name>\$?[^\s."'\[\]*$(){},|]+)
    )""",
    re.VERBOSE,
)


def parse_path(text: str) -> Path:
    """The path that ``text`` spells. Raises PathSyntaxError."""
    position = 0
    root: str | None = None
    quoted_root = False
    segments: list[Segment] = []
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position : position + 12]
            message = f"cannot read {rest!r}"
            raise PathSyntaxError(message, position)
        dotted = match["dot"] is not None
        if root is None:
            if dotted or match["index"] or match["every"]:
                message = "a path starts with a name"
                raise PathSyntaxError(message, position)
            quoted_root = match["quoted"] is not None
            root = _unquote(match["quoted"]) if quoted_root else match["name"]
        elif match["index"] is not None:
            if dotted:
                message = "no dot before ["
                raise PathSyntaxError(message, position)
            segments.append(Index(int(match["index"])))
        elif not dotted:
            message = "expected a dot"
            raise PathSyntaxError(message, position)
        elif match["every"]:
            segments.append(Every())
        elif match["quoted"] is not None:
            segments.append(Key(_unquote(match["quoted"]), exact=True))
        elif match["name"].startswith("$"):
            message = "$ belongs at the start of a path"
            raise PathSyntaxError(message, position)
        else:
            segments.append(Key(match["name"]))
        position = match.end()
    if root is None:
        message = "an empty path"
        raise PathSyntaxError(message, 0)
    return Path(root, tuple(segments), quoted_root)


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _unquote(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text)


def lookup(value: Any, segments: tuple[Segment, ...]) -> Any:
    """What ``segments`` lead to below ``value``; ABSENT where they lead nowhere."""
    for position, segment in enumerate(segments):
        if isinstance(segment, Key):
            value = member(value, segment)
        elif isinstance(segment, Index):
            in_range = isinstance(value, list) and -len(value) <= segment.at < len(value)
            value = value[segment.at] if in_range else ABSENT
        else:
            return _every(value, segments[position + 1 :])
        if value is ABSENT:
            return ABSENT
    return value


def _every(value: Any, rest: tuple[Segment, ...]) -> Any:
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return ABSENT
    found = (lookup(element, rest) for element in value)
    return [element for element in found if element is not ABSENT]


def member(value: Any, key: Key) -> Any:
    """The member of an object: the exact name, else the first that is the same normalised."""
    if not isinstance(value, dict):
        return ABSENT
    if key.name in value:
        return value[key.name]
    if not key.exact:
        wanted = normal_key(key.name)
        for name, found in value.items():
            if normal_key(name) == wanted:
                return found
    return ABSENT
