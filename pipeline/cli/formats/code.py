"""The code that a mapping compiles to, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.mapping.codegen import Code

_OF_THE_MAPPING = re.compile(r"\b[A-Z]+[0-9]+\b")


def to_text(codes: Iterable[Code]) -> str:
    """Every function, with what the names of the mapping's data in it stand for."""
    return "\n\n".join(_one(code) for code in codes)


def _one(code: Code) -> str:
    called = "" if code.event is None else f" of the name {code.event!r}"
    lines = [f"# {code.type} events{called}", code.source.rstrip()]
    used = dict.fromkeys(_OF_THE_MAPPING.findall(code.source))
    lines += [_bound(name, code.constants[name]) for name in used if name in code.constants]
    return "\n".join(lines) + "\n"


def _bound(name: str, value: Any) -> str:
    return f"# {name} = " + ascii(value)
