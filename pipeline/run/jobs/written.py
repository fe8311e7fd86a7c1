"""A job file as it is written: every value with its place, nothing filled in yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.mapping.diagnostics import Span
from pipeline.mapping.plan import Condition


@dataclass(frozen=True, slots=True)
class Given:
    """A value and where it stands; None for what could not be read."""

    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class WrittenDestination:
    """One entry of ``destinations``.

    Attributes:
        name: Its key.
        span: Where that stands.
        type: The kind of destination, where it is stated.
        when: Which events it gets; None for all.
        options: Key of an option -> what it is given.
        settings: Where each setting of ``set`` stands.
    """

    name: str
    span: Span
    type: Given | None
    when: Condition | None
    options: Mapping[str, Given]
    settings: Mapping[str, Span]


@dataclass(frozen=True, slots=True)
class WrittenJob:
    """A job file.

    Attributes:
        file: Where it was read from.
        name: For reports; the file's own name by default.
        options: Key of an option -> what it is given.
        beam: Options for Beam, as on the command line.
        destinations: In the order written.
    """

    file: str
    name: str
    options: Mapping[str, Given]
    beam: tuple[str, ...]
    destinations: tuple[WrittenDestination, ...]
