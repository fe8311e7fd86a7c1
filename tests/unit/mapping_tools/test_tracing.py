"""A trace is the interpreter's own work: it says the same, and everything it says is so."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from pipeline.mapping.cases import read_cases
from pipeline.mapping.explain import fields_of, why_not_made
from pipeline.mapping.interpreter import Interpreter, Mapped
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.tracing import trace
from pipeline.mapping.yamltext import flow
from pipeline.model.decode import decode_line
from pipeline.model.event import Event
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file

FILE = HOME / "mappings" / "tests" / "intercom.yaml"
CASES = {case.name: case for case in read_cases(FILE.read_text("utf-8"), file=str(FILE)).cases}
RICH = {
    "nested": "flatten",
    "collect_context": "true",
    "page": "event",
    "metadata_limit": "3",
    "anonymous": "lead",
}


def events(case) -> Event:
    raw = msgspec.json.Encoder(decimal_format="number").encode(case.event)
    [event] = decode_line(raw, origin="x", now=0)
    assert isinstance(event, Event)
    return event


@pytest.fixture(scope="module", params=["as tested", "other settings"])
def plans(request) -> Any:
    known: dict[str, Any] = {}

    def plan(case) -> Any:
        typed = {
            name: value if isinstance(value, str) else flow(value)
            for name, value in case.settings.items()
        }
        settings = typed if request.param == "as tested" else RICH
        key = json.dumps(settings, sort_keys=True)
        if key not in known:
            known[key] = compile_mapping_file(DEFAULT_MAPPING, settings).plan
        return known[key]

    return plan


@pytest.mark.parametrize("name", CASES)
def test_a_trace_says_what_the_interpreter_says(plans, monkeypatch, name) -> None:
    case = CASES[name]
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value)
    plan, event = plans(case), events(case)
    traced = trace(plan, event)
    assert traced.result == Interpreter(plan).map(event)
    if isinstance(traced.result, Mapped):
        made = tuple(made.operation for made in traced.made if made.operation is not None)
        assert made == traced.result.operations


@pytest.mark.parametrize("name", CASES)
def test_every_value_is_told_and_every_absence_explained(plans, monkeypatch, name) -> None:
    case = CASES[name]
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value)
    for made in trace(plans(case), events(case)).made:
        told: dict[str, Any] = {}
        for field in fields_of(made):
            assert field.line > 0
            if field.value is ABSENT:
                assert field.why, field.name
            else:
                assert field.name not in told
                told[field.name] = field.value
        if made.operation is None:
            assert why_not_made(made)
        else:
            assert told == leaves(made.operation.fields, dict(told))


def leaves(fields: Any, told: dict[str, Any], path: str = "") -> dict[str, Any]:
    """The fields as the trace names them: members where it goes into an object."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        name = key if not path else f"{path}.{key}" if key.isidentifier() else f'{path}."{key}"'
        if isinstance(value, dict) and name not in told:
            found |= leaves(value, told, name)
        else:
            found[name] = value
    return found
