from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.event import EVENT_TYPES, Event
from pipeline.validation.reference import ReferenceValidator
from pipeline.validation.registry import SchemaSet, default_directory
from pipeline.validation.validator import Validator

EXAMPLES = default_directory() / "events" / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.json"))
SCHEMAS = SchemaSet.load()
VALIDATORS = [Validator(SCHEMAS), ReferenceValidator(SCHEMAS)]

both = pytest.mark.parametrize("validator", VALIDATORS, ids=["fast", "reference"])


def load(path: Path) -> Any:
    return json.loads(path.read_bytes(), parse_float=Decimal)


def event(body: dict[str, Any]) -> Event:
    return Event(body["type"], "m", 0, body, b"", "test")


@both
@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_example(path: Path, validator: Validator | ReferenceValidator) -> None:
    assert validator.check(event(load(path))) == ()


@both
@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_example(path: Path, validator: Validator | ReferenceValidator) -> None:
    example = load(path)
    found = validator.check(event(example["event"]))
    assert [detail.path for detail in found] == [each["path"] for each in example["violations"]]
    for detail, expected in zip(found, example["violations"], strict=True):
        assert expected["contains"] in detail.message


@pytest.mark.parametrize("kind", EVENT_TYPES)
@pytest.mark.parametrize("files", [VALID, INVALID], ids=["valid", "invalid"])
def test_every_type_has_four_examples(files: list[Path], kind: str) -> None:
    assert len([path for path in files if path.name.startswith(f"{kind}-")]) >= 4


@pytest.mark.parametrize("path", VALID + INVALID, ids=lambda path: path.stem)
def test_an_example_is_named_after_its_type(path: Path) -> None:
    example = load(path)
    body = example["event"] if "violations" in example else example
    assert path.name.startswith(body["type"] + "-")
