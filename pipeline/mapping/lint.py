"""Looks for what is allowed in a mapping but hardly meant: L-codes, all of them warnings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.codes import CODES, Code
from pipeline.mapping.compiler import Compiled
from pipeline.mapping.diagnostics import Diagnostic, Span, did_you_mean
from pipeline.mapping.paths import Key, Path
from pipeline.mapping.source import Entry, Map, Node, Scalar, Sequence
from pipeline.model.text import normal_key

LINT_CODES: dict[str, Code] = {
    "L101": Code(
        "a property that no schema has",
        "The tracking plan describes every property of the event, and this is none of them, so "
        "the value would always be absent.",
        "Correct the name, or add the property to the schema.",
    ),
    "L102": Code(
        "an event that the tracking plan does not have",
        "The condition names an event that no schema describes, so it would never hold.",
        "Correct the name, or add a schema for the event.",
    ),
    "L103": Code(
        "a variable that nobody reads",
        "What is under `let:` is computed only where $name stands.",
        "Use it, or remove it.",
    ),
    "L104": Code(
        "a block that nobody includes",
        "What is under `blocks:` has an effect only where `include` names it.",
        "Use it, or remove it.",
    ),
    "L105": Code(
        "a setting that nobody reads",
        "Neither the mapping nor the destination looks at it, so overriding it changes nothing.",
        "Use it, or remove it.",
    ),
}
CODES.update(LINT_CODES)

_VARIABLE = re.compile(r"\$([A-Za-z_][\w-]*)")


def lint(
    compiled: Compiled,
    *,
    known_settings: Collection[str] = (),
    tracking: Mapping[str, Any] | None = None,
) -> tuple[Diagnostic, ...]:
    """Warnings about a mapping that compiles.

    Args:
        compiled: The mapping.
        known_settings: Settings that others than the mapping read.
        tracking: Event name -> schema of its properties, where there is a tracking plan.
    """
    if compiled.plan is None or compiled.root is None:
        return ()
    found = [*_unused(compiled.root, known_settings)]
    if tracking:
        found += _unplanned(compiled.plan, tracking)
    return tuple(sorted(dict.fromkeys(found), key=lambda item: (item.span, item.code)))


# --- what nobody uses ------------------------------------------------------------------------


def _unused(root: Map, known_settings: Collection[str]) -> Iterator[Diagnostic]:
    variables = set(_VARIABLE.findall("\n".join(_texts(root))))
    blocks = set(_named_by(root, "include"))
    settings = {*_named_by(root, "setting"), *known_settings}
    for section, used, code, what in (
        ("let", variables, "L103", "variable"),
        ("blocks", blocks, "L104", "block"),
        ("settings", settings, "L105", "setting"),
    ):
        entry = root.get(section)
        for one in entry.value.entries if entry and isinstance(entry.value, Map) else ():
            if one.key not in used:
                message = f"{what} {one.key!r} is not used"
                yield Diagnostic(code, one.key_span, message, severity="warning")


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        yield node.value
    for _, child in _children(node):
        yield from _texts(child)


def _named_by(node: Node, key: str) -> Iterator[str]:
    """Every text that stands behind ``key``, alone or in a list."""
    for entry, child in _children(node):
        if entry is not None and entry.key == key:
            yield from _texts(child)
        else:
            yield from _named_by(child, key)


def _children(node: Node) -> Iterator[tuple[Entry | None, Node]]:
    if isinstance(node, Map):
        for entry in node.entries:
            yield entry, entry.value
    elif isinstance(node, Sequence):
        for item in node.items:
            yield None, item


# --- what the tracking plan does not have ----------------------------------------------------


def _unplanned(mapping: plan.MappingPlan, tracking: Mapping[str, Any]) -> Iterator[Diagnostic]:
    yield from _reads(mapping.lets, mapping.file, tracking)
    for rule in mapping.rules:
        named = [name for name in _events_of(rule.when) if name in tracking]
        schemas = {name: tracking[name] for name in named} or tracking
        yield from _reads((rule.require, rule.operations), mapping.file, schemas)
        span = _span(mapping.file, rule.place)
        for name in _events_of(rule.when):
            if name not in tracking:
                message = f"rule {rule.name!r} waits for an event {name!r} that is not planned"
                help_ = did_you_mean(name, tracking)
                yield Diagnostic("L102", span, message, help_, "warning")


def _events_of(condition: plan.Condition) -> list[str]:
    return [
        name
        for part in plan.walk(condition)
        if isinstance(part, plan.EventIs)
        for name in part.names
    ]


def _reads(node: Any, file: str, schemas: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Properties that are read below ``node``, and that no schema allows."""
    if any(_is_open(schema) for schema in schemas.values()):
        return
    known = {name for schema in schemas.values() for name in schema.get("properties", {})}
    normal = {normal_key(name) for name in known}
    for part in plan.walk(node):
        if not isinstance(part, plan.Expr) or not isinstance(part.source, plan.Pick):
            continue
        name = _property(part.source.path)
        if name is not None and normal_key(name) not in normal:
            of = f"event {next(iter(schemas))!r}" if len(schemas) == 1 else "planned event"
            message = f"no {of} has a property {name!r}"
            if len(schemas) == 1:
                message = f"the {of} has no property {name!r}"
            help_ = did_you_mean(name, known)
            yield Diagnostic("L101", _span(file, part.place), message, help_, "warning")


def _property(path: Path) -> str | None:
    first = path.segments[0] if path.root == "properties" and path.segments else None
    return first.name if isinstance(first, Key) else None


def _is_open(schema: Any) -> bool:
    """Whether a schema takes properties by a rule that names them not one by one."""
    return not isinstance(schema, dict) or any(
        key in schema for key in ("$ref", "allOf", "anyOf", "oneOf", "patternProperties")
    )


def _span(file: str, place: plan.Place) -> Span:
    return Span(file, place.line, place.column, place.line, place.column + 1)
