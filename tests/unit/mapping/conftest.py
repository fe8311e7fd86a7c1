"""A destination of one operation, to try out pieces of the language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline.mapping.compiler import Compiled, compile_mapping
from pipeline.mapping.interpreter import Interpreter, Mapped
from pipeline.model.event import Event
from pipeline.model.refusal import Refusal, Skip

ABSENT = "absent"


@dataclass(frozen=True)
class Shape:
    fields: Mapping[str, str]
    required: frozenset[str] = field(default_factory=frozenset)


VOCABULARY = {
    "demo": {
        "send": Shape({"out": "anything", "custom_attributes": "more"}),
        "need": Shape({"id": "an id", "name": "a name"}, frozenset({"id"})),
    }
}

SETTINGS = "settings: {limit: {default: 5}}\n"
RULE = "rules:\n- name: all\n  when: true\n  do:\n  - operation: send\n    fields:\n      out: "


def compiled(text: str | bytes, **overrides: str) -> Compiled:
    return compile_mapping(text, file="m.yaml", vocabulary=VOCABULARY, overrides=overrides)


def event_of(body: dict[str, Any]) -> Event:
    kind = body.get("type", "identify")
    return Event(kind, "m-1", 1714564800_900000, {"type": kind, **body}, b"{}", "test:1")


def run(text: str, body: dict[str, Any], **overrides: str) -> Mapped | Skip | Refusal:
    result = compiled(text, **overrides)
    assert result.plan is not None, result.diagnostics
    return Interpreter(result.plan).map(event_of(body))


class Evaluated:
    """The value of an expression; ``ABSENT`` where it has none."""

    def __init__(self, value: Any, warnings: tuple[str, ...]) -> None:
        self.value = value
        self.warnings = list(warnings)


def evaluate(value: str, body: dict[str, Any], *, top: str = "", **overrides: str) -> Evaluated:
    """What the value, as YAML on one line, makes of an event."""
    text = f"version: 1\ndestination: demo\n{SETTINGS}{top}{RULE}{value}\n"
    result = run(text, body, **overrides)
    assert isinstance(result, Mapped), result
    (operation,) = result.operations
    return Evaluated(operation.fields.get("out", ABSENT), result.warnings)


def holds(condition: str, body: dict[str, Any], *, top: str = "") -> bool:
    """Whether the condition, as YAML on one line, holds for an event."""
    found = evaluate(f"{{const: yes!, when: {condition}}}", body, top=top)
    return bool(found.value == "yes!")


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_SECRET", "secret")
