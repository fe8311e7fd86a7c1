"""Examples of what a schema takes and refuses: ``examples/valid`` and ``examples/invalid``.

An example belongs to the schema whose name it begins with: ``track-order.json`` to
``track.schema.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from pipeline.errors import ConfigurationError
from pipeline.model.jsontext import Malformed, read
from pipeline.validation.bundle import bundle
from pipeline.validation.checking import DIALECT, decoded
from pipeline.validation.places import Fault, Places

_ENDING = ".schema.json"


def check_examples(path: Path, text: str) -> Iterator[tuple[Path, Fault]]:
    """What is wrong between a readable schema and its examples, as (file, what and where)."""
    schema, faults = decoded(text)
    if faults or not isinstance(schema, dict) or schema.get("$schema") != DIALECT:
        return
    try:
        validator = jsonschema_rs.Draft202012Validator(
            bundle(path.name, _loader(path, schema)), validate_formats=True
        )
    except (ConfigurationError, ValueError):
        return  # checking the schema itself says why
    places = Places(text)
    for number, example in enumerate(schema.get("examples", [])):
        for fault in validator.iter_errors(example):
            yield path, Fault("S105", places.of(["examples", number]), fault.message)
    for file in _examples(path, "valid"):
        yield from ((file, fault) for fault in _refused(file, validator, path))
    for file in _examples(path, "invalid"):
        value, unreadable = decoded(file.read_text("utf-8", "replace"))
        if not unreadable and validator.is_valid(value):
            message = f"{path.name} accepts this example, which it should refuse"
            yield file, Fault("S106", Places("{}").of(()), message)


def _loader(path: Path, schema: Mapping[str, Any]) -> Any:
    def load(name: str) -> Any:
        if name == path.name:
            return schema
        try:
            return read((path.parent / name).read_bytes())
        except (OSError, Malformed) as error:
            raise ConfigurationError(str(error)) from None

    return load


def _refused(file: Path, validator: Any, schema: Path) -> Iterator[Fault]:
    text = file.read_text("utf-8", "replace")
    value, unreadable = decoded(text)
    yield from unreadable
    for fault in () if unreadable else validator.iter_errors(value):
        message = f"{schema.name} refuses this example: {fault.message}"
        yield Fault("S105", Places(text).of(fault.instance_path), message)


def _examples(path: Path, kind: str) -> list[Path]:
    """The examples of a schema: of several names that fit, the longest one owns them."""
    stem = path.name.removesuffix(_ENDING)
    rivals = {
        other.name.removesuffix(_ENDING)
        for other in path.parent.glob("*" + _ENDING)
        if other.name.startswith(stem + "-")
    }
    return [
        file
        for file in sorted((path.parent / "examples" / kind).glob("*.json"))
        if (file.stem == stem or file.stem.startswith(stem + "-"))
        and not any(file.stem == rival or file.stem.startswith(rival + "-") for rival in rivals)
    ]
