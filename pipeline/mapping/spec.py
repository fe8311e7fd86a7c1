"""How the language is specified: words, their arguments and the tables of keys they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Arg:
    """What may stand behind a word.

    Attributes:
        kind: One of the readers of ``arguments.ArgumentReader`` or ``values.ValueCompiler``
            (value, values, members, condition, path, text, names, table, choice, record, ...), or
            of the parts that only the compiler reads (rules, fields, reasons, ...).
        choices: The texts allowed, for the kinds choice, choices and table.
        members: The keys of a ``record``.
        needed: Those of them that must be there.
        shorthand: The member that a bare value stands for.
        about: One sentence, where the word's own does not say it.
    """

    kind: str
    choices: tuple[str, ...] = ()
    members: Mapping[str, Arg] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    shorthand: str | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the language: its argument, what it promises, an example.

    Attributes:
        arg: What stands behind it.
        about: What it means, in one or two sentences.
        example: (the YAML, the input, the output); run as a test. In tables of keys, YAML alone.
        warnings: Kinds of warnings it may count when it loses a value.
        modifiers: Keys that may stand beside a source, with their arguments.
    """

    arg: Arg
    about: str
    example: tuple[Any, ...] = ()
    warnings: tuple[str, ...] = ()
    modifiers: Mapping[str, Arg] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """The keys that one part of a mapping may have; ``what`` names the part in messages."""

    what: str
    about: str
    keys: Mapping[str, Word]
    needed: tuple[str, ...] = ()


def record(needed: tuple[str, ...] = (), shorthand: str | None = None, **members: Arg) -> Arg:
    """An argument that is a mapping of further arguments."""
    return Arg("record", members=members, needed=frozenset(needed), shorthand=shorthand)


TYPES = Arg("types", about="one type, or a list of types")
FLAG = Arg("flag")
TEXT = Arg("text")
NUMBER = Arg("number")
