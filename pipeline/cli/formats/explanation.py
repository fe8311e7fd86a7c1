"""Renders what became of an event: text for people, one JSON object a line for programs.

The JSON is a public interface, described by ``schemas/explain.schema.json``.
"""

from __future__ import annotations

from typing import Any

import click
import msgspec

from pipeline.cli.shaping import Shaped
from pipeline.mapping import plan
from pipeline.mapping.explain import Field, does_not_hold, fields_of, why_not_made
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.tracing import Made, Trace
from pipeline.mapping.wording import line_of, say_condition, say_step, shown
from pipeline.model.event import Event
from pipeline.model.operation import Operation
from pipeline.model.refusal import DEAD_REASONS, SKIP_REASONS, Skip

VERSION = 1
"""Of the JSON: it grows when a member is removed or changes its meaning."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_COLOURS = {"mapped": "green", "skipped": "yellow", "dead": "red"}
_NAME, _VALUE = 28, 30


# --- JSON ------------------------------------------------------------------------------------


def to_json(shaped: Shaped) -> str:
    """One line of JSON."""
    return _ENCODER.encode(as_data(shaped)).decode()


def as_data(shaped: Shaped) -> dict[str, Any]:
    """What became of an event as plain data."""
    event = shaped.event
    return {
        "version": VERSION,
        "origin": event.origin,
        "type": event.type,
        "message_id": event.message_id,
        "status": shaped.status,
        "reason": shaped.reason,
        "details": [{"path": fault.path, "message": fault.message} for fault in shaped.details],
        "operations": [operation_data(operation) for operation in shaped.operations],
        "calls": [
            {"method": call.method, "path": call.path, "body": call.body} for call in shaped.calls
        ],
        "trace": None if shaped.trace is None else _trace_data(shaped.trace),
        "warnings": list(shaped.warnings),
    }


def operation_data(operation: Operation) -> dict[str, Any]:
    """An operation as plain data: its kind, whom it is about, its fields."""
    person = operation.person
    ids = {
        "user_id": person.user_id,
        "email": person.email,
        "anonymous_id": person.anonymous_id,
    }
    return {
        "operation": operation.kind,
        "person": {name: value for name, value in ids.items() if value is not None},
        "fields": dict(operation.fields),
    }


def _trace_data(trace: Trace) -> dict[str, Any]:
    rule = trace.rule
    return {
        "rule": None if rule is None else {"name": rule.name, "line": rule.place.line},
        "operations": [
            {
                "operation": made.plan.kind,
                "line": made.plan.place.line,
                "made": made.operation is not None,
                **({} if made.item is ABSENT else {"item": made.item}),
                **({"why": why_not_made(made)} if made.operation is None else {}),
                "fields": [_field_data(field) for field in fields_of(made)],
            }
            for made in trace.made
        ],
    }


def _field_data(field: Field) -> dict[str, Any]:
    data: dict[str, Any] = {"field": field.name, "line": field.line}
    if field.value is ABSENT:
        return {**data, "absent": field.why}
    return {
        **data,
        "value": field.value,
        "sources": [
            {"path": path, **({} if value is ABSENT else {"value": value})}
            for path, value in field.sources
        ],
        "steps": [
            {"step": say_step(effect.step), "line": effect.step.place.line}
            for effect in field.effects
        ],
    }


# --- text ------------------------------------------------------------------------------------


def to_text(shaped: Shaped, mapping: plan.MappingPlan) -> str:
    """What became of an event, for people; lines are those of the mapping file."""
    event = shaped.event
    name = event.name if isinstance(event, Event) else None
    called = " ".join([event.type or "no event", *([shown(name)] if name else [])])
    status = click.style(shaped.status, fg=_COLOURS[shaped.status], bold=True)
    out = [f"{event.origin}: {called}: {status}{_because(shaped, mapping)}"]
    out += [f"  {fault.path}: {fault.message}" for fault in shaped.details]
    for made in shaped.trace.made if shaped.trace else ():
        out += ["", *_operation(made)]
    if shaped.calls:
        out += ["", click.style("calls for a person whom nobody has seen", bold=True)]
        for call in shaped.calls:
            body = "" if call.body is None else " " + shown(call.body, limit=10_000)
            out.append(f"  {call.method} {call.path}{body}")
    if shaped.warnings:
        out += ["", click.style("warnings", bold=True) + ": " + ", ".join(shaped.warnings)]
    return "\n".join(out)


def _because(shaped: Shaped, mapping: plan.MappingPlan) -> str:
    rule = shaped.trace.rule if shaped.trace else None
    by = f" by rule {rule.name!r} ({mapping.file}:{rule.place.line})" if rule else ""
    if shaped.reason is None:
        return by
    meaning = {**DEAD_REASONS, **SKIP_REASONS}.get(shaped.reason, "")
    return f"{by}: {shaped.reason} ({meaning}){_decided(shaped, mapping)}"


def _decided(shaped: Shaped, mapping: plan.MappingPlan) -> str:
    """The condition of the mapping that decided, where one did."""
    trace = shaped.trace
    if trace is None:
        return ""
    if trace.rule is None and isinstance(trace.result, Skip):
        condition = dict(mapping.skips).get(shaped.reason or "")
        if condition is None:
            asked = "; ".join(f"{rule.name}: {say_condition(rule.when)}" for rule in mapping.rules)
            return f"\n  the rules ask for other events: {asked}"
        return f"\n  line {line_of(condition) or '?'}: {say_condition(condition)}"
    if trace.rule is not None:
        required = dict(trace.rule.require).get(shaped.reason or "")
        if required is not None:
            return f"\n  {does_not_hold(required)}"
    return ""


def _operation(made: Made) -> list[str]:
    head = click.style(made.plan.kind, bold=True) + f"  line {made.plan.place.line}"
    if made.item is not ABSENT:
        head += f"  item {shown(made.item)}"
    if made.operation is None:
        return [f"{head}  not made: {why_not_made(made)}"]
    fields = fields_of(made)
    present = [field for field in fields if field.value is not ABSENT]
    absent = [field for field in fields if field.value is ABSENT]
    return [head, *map(_present, present), *map(_absent, absent)]


def _present(field: Field) -> str:
    told = ", ".join(path for path, _ in field.sources) or "written in the mapping"
    for effect in field.effects:
        told += f" | {say_step(effect.step)}"
    value = shown(field.value, limit=_VALUE)
    return f"  {field.name:{_NAME}} {value:{_VALUE}} line {field.line}: {told}"


def _absent(field: Field) -> str:
    text = f"  {field.name:{_NAME}} {'-':{_VALUE}} line {field.line}: {field.why}"
    return click.style(text, dim=True)
