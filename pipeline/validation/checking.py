"""Checks schema files on their own: JSON, the metaschema, references, examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from pipeline.errors import ConfigurationError
from pipeline.model.jsontext import Malformed, read
from pipeline.validation.bundle import bundle
from pipeline.validation.places import Fault, Place, Places, Pointer, Rules

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME_BUDGET = 120
"""How many active event names a workspace has room for (rule T10)."""

RULES: Rules = {
    "S101": (
        "not readable as JSON",
        "The file could not be parsed, so nothing in it can be trusted.",
        "Correct the place that is named; a key that occurs twice is a mistake as well.",
    ),
    "S102": (
        "no valid JSON Schema",
        "A keyword has a value that the metaschema of JSON Schema 2020-12 does not allow.",
        "Correct the value that is named.",
    ),
    "S103": (
        "another dialect of JSON Schema",
        "Event schemas are written in JSON Schema 2020-12; other dialects mean other things.",
        "Write the $schema that the message names.",
    ),
    "S104": (
        "a reference that leads nowhere",
        "$ref must lead to a part of this file or of another one beside it.",
        "Correct the reference; references that lead back to themselves are not supported.",
    ),
    "S105": (
        "a valid example that is refused",
        "The example says what the schema should accept, and the schema does not.",
        "Correct the one that is wrong.",
    ),
    "S106": (
        "an invalid example that is accepted",
        "The example says what the schema should refuse, and the schema does not.",
        "Correct the one that is wrong.",
    ),
    "S107": (
        "a tracking schema without its event, or a second one for it",
        "A schema of the tracking plan says under x-event whose properties it describes.",
        "Name the event, or make one schema of the two.",
    ),
    "S108": (
        "more event names than a workspace has room for",
        "Intercom keeps 120 active event names; further names are refused.",
        "Remove events from the plan, or let the mapping give several of them one name.",
    ),
}


def decoded(text: str) -> tuple[Any, list[Fault]]:
    """The value of a JSON text, or None and why there is none."""
    try:
        return read(text.encode("utf-8", "surrogatepass")), []
    except Malformed as fault:
        before = text.encode("utf-8", "surrogatepass")[: fault.position or 0].decode(
            "utf-8", "replace"
        )
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        place = Place(line, column, line, column + 1)
        return None, [Fault("S101", place, str(fault.args[0]))]


def check_schema(text: str, path: Path) -> list[Fault]:
    """Everything wrong with one schema file."""
    schema, faults = decoded(text)
    if faults:
        return faults
    places = Places(text)
    if not isinstance(schema, dict):
        return [Fault("S102", places.of(()), "a schema file holds one object")]
    dialect = schema.get("$schema")
    if dialect != DIALECT and not _is_draft_07(dialect):
        found = "is missing" if dialect is None else f"is {dialect!r}"
        faults.append(
            Fault("S103", places.of(["$schema"]), f"$schema {found}", f'write "{DIALECT}"')
        )
        return faults
    wrong = list(_metaschema_faults(schema, places))
    return wrong or list(_reference_faults(schema, path, places))


def _is_draft_07(dialect: Any) -> bool:
    """The schema that editors use for mappings is in the oldest dialect that they all know."""
    return isinstance(dialect, str) and dialect.rstrip("#").endswith("draft-07/schema")


def _metaschema_faults(schema: Any, places: Places) -> Iterator[Fault]:
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        pointer = [*error.instance_path]
        named = ".".join(map(str, pointer)) or "the schema"
        yield Fault("S102", places.of(pointer), f"{named}: {error.message}")


def _reference_faults(schema: Any, path: Path, places: Places) -> Iterator[Fault]:
    files = {path.name: schema}

    def load(name: str) -> Any:
        if name not in files:
            beside = path.parent / name
            try:
                files[name] = read(beside.read_bytes())
            except (OSError, Malformed) as error:
                message = f"{name} cannot be read: {error}"
                raise ConfigurationError(message) from None
        return files[name]

    if _is_draft_07(schema.get("$schema")):
        return
    try:
        bundle(path.name, load)
    except ConfigurationError as error:
        yield Fault("S104", places.of(_first_ref(schema, str(error))), str(error))


def _first_ref(node: Any, said: str, path: Pointer = ()) -> Pointer:
    """Where the reference stands that an error quotes."""
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str) and node["$ref"] in said:
            return (*path, "$ref")
        members = node.items()
    elif isinstance(node, list):
        members = enumerate(node)
    for key, member in members:
        found = _first_ref(member, said, (*path, key))
        if found:
            return found
    return ()


def check_plan(texts: Mapping[Path, str]) -> dict[Path, list[Fault]]:
    """What is wrong with the files of a tracking plan taken together."""
    faults: dict[Path, list[Fault]] = {}
    owners: dict[str, Path] = {}
    budget: set[str] = set()
    for path, text in sorted(texts.items()):
        schema, unreadable = decoded(text)
        if unreadable or not isinstance(schema, dict):
            continue
        name, place = schema.get("x-event"), Places(text).of(["x-event"])
        if not isinstance(name, str) or not name:
            message = "x-event must name the event that the schema is for"
            faults.setdefault(path, []).append(Fault("S107", place, message))
            continue
        if name in owners:
            message = f"{owners[name]} describes the event {name!r} already"
            faults.setdefault(path, []).append(Fault("S107", place, message))
        owners.setdefault(name, path)
        budget.add(in_budget(name))
        if len(budget) == NAME_BUDGET + 1:
            message = f"this is event name {len(budget)}, a workspace has room for {NAME_BUDGET}"
            faults.setdefault(path, []).append(Fault("S108", place, message))
    return faults


def in_budget(name: str) -> str:
    """The form in which the API compares event names (rule T1)."""
    return name.translate(str.maketrans(".$", "--")).lower()
