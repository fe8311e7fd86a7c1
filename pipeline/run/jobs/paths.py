"""Paths of a job file, which are relative to the file."""

from __future__ import annotations

import re
from pathlib import Path

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/)(.+)", re.DOTALL)
_WATCH = "watch:"


def beside(base: Path, path: str) -> str:
    """A path as seen from where the command runs; URLs and ``-`` are what they are.

    >>> beside(Path("jobs"), "events/*.jsonl"), beside(Path("jobs"), "gs://bucket/x")
    ('jobs/events/*.jsonl', 'gs://bucket/x')
    >>> beside(Path("jobs"), "watch:in"), beside(Path("jobs"), "-")
    ('watch:jobs/in', '-')
    """
    if path == "-" or _SCHEME.match(path):
        return path
    if path.startswith(_WATCH):
        return _WATCH + beside(base, path.removeprefix(_WATCH))
    return str(base / path)


def state_beside(base: Path, url: str) -> str:
    """The URL of a state store, with the file of an SQLite one relative to ``base``.

    >>> state_beside(Path("jobs"), "sqlite:///state/eu.db")
    'sqlite:///jobs/state/eu.db'
    >>> state_beside(Path("jobs"), "sqlite:////var/eu.db")
    'sqlite:////var/eu.db'
    """
    found = _SQLITE.fullmatch(url)
    return found[1] + str(base / found[2]) if found else url
