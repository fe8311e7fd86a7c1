"""The shipped mapping, driven as the pipeline drives it: from the bytes of an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from destinations.intercom.operations import OPERATIONS
from pipeline.mapping.compiler import compile_mapping
from pipeline.mapping.interpreter import Interpreter, Mapped
from pipeline.model.decode import decode_line
from pipeline.model.event import Event
from pipeline.model.refusal import Refusal, Skip
from pipeline.run.mappings import DEFAULT_MAPPING

WHEN = "2024-05-01T12:00:00.900Z"
SECONDS = 1714564800


class Shaped:
    """What became of an event, easy to ask."""

    def __init__(self, result: Mapped | Skip | Refusal) -> None:
        self.result = result

    def __repr__(self) -> str:
        return f"Shaped({self.result!r})"

    @property
    def skipped(self) -> str | None:
        return self.result.reason if isinstance(self.result, Skip) else None

    @property
    def refused(self) -> str | None:
        return self.result.reason if isinstance(self.result, Refusal) else None

    @property
    def mapped(self) -> Mapped:
        assert isinstance(self.result, Mapped), self.result
        return self.result

    @property
    def person(self) -> Any:
        return self.mapped.person

    @property
    def warnings(self) -> list[str]:
        return list(self.mapped.warnings)

    @property
    def kinds(self) -> list[str]:
        return [operation.kind for operation in self.mapped.operations]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [dict(one.fields) for one in self.mapped.operations if one.kind == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (fields,) = self.all(kind)
        return fields

    @property
    def contact(self) -> dict[str, Any]:
        return self.one("upsert_contact")

    @property
    def custom(self) -> dict[str, Any]:
        return self.contact.get("custom_attributes", {})

    @property
    def company(self) -> dict[str, Any]:
        return self.one("upsert_company")

    @property
    def event(self) -> dict[str, Any]:
        return self.one("submit_event")

    @property
    def metadata(self) -> dict[str, Any]:
        return self.event.get("metadata", {})


@cache
def interpreter(overrides: tuple[tuple[str, str], ...]) -> Interpreter:
    compiled = compile_mapping(
        DEFAULT_MAPPING.read_text("utf-8"),
        file="mappings/intercom.yaml",
        vocabulary={"intercom": OPERATIONS},
        overrides=dict(overrides),
    )
    assert compiled.plan is not None, compiled.diagnostics
    assert not compiled.diagnostics
    return Interpreter(compiled.plan)


def event_of(body: dict[str, Any]) -> Event:
    complete = {"messageId": "m-1", "timestamp": WHEN, **body}
    line = json.dumps(complete, default=_number).encode()
    (event,) = decode_line(line, origin="test:1", now=0)
    assert isinstance(event, Event), event
    return event


def _number(value: Any) -> Any:
    assert isinstance(value, Decimal)
    return float(value)


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


Shape = Callable[..., Shaped]


@pytest.fixture
def shape() -> Shape:
    """``shape(event, setting=value, ...)``: the event as the shipped mapping shapes it."""

    def run(body: dict[str, Any], /, **settings: Any) -> Shaped:
        overrides = tuple(sorted((name, _typed(value)) for name, value in settings.items()))
        return Shaped(interpreter(overrides).map(event_of(body)))

    return run


@pytest.fixture
def identify(shape: Shape) -> Shape:
    """``identify({traits}, setting=value, ...)`` of the user u1."""

    def run(traits: dict[str, Any] | None = None, /, **rest: Any) -> Shaped:
        parts = {key: rest.pop(key) for key in ("context", "integrations") if key in rest}
        event = {"type": "identify", "userId": "u1", "traits": traits or {}, **parts}
        return shape(event, **rest)

    return run


@pytest.fixture
def track(shape: Shape) -> Shape:
    """``track({properties}, setting=value, ...)`` of the user u1; ``event`` names it."""

    def run(properties: dict[str, Any] | None = None, /, **rest: Any) -> Shaped:
        name = rest.pop("event", "Item Bought")
        parts = {key: rest.pop(key) for key in ("context", "integrations") if key in rest}
        event = {"type": "track", "userId": "u1", "event": name, **parts}
        return shape({**event, "properties": properties or {}}, **rest)

    return run


@pytest.fixture
def group(shape: Shape) -> Shape:
    """``group({traits}, setting=value, ...)`` of the company c1 with the user u1."""

    def run(traits: dict[str, Any] | None = None, /, **rest: Any) -> Shaped:
        parts = {key: rest.pop(key) for key in ("context", "userId") if key in rest}
        event = {"type": "group", "userId": "u1", "groupId": "c1", "traits": traits or {}, **parts}
        return shape(event, **rest)

    return run
