from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from pipeline.model.event import EVENT_TYPES
from pipeline.validation.registry import SchemaSet, default_directory


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    target = tmp_path / "events"
    shutil.copytree(default_directory() / "events", target)
    return target


def change(path: Path, **keywords: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **keywords}))


def text(value: Any) -> str:
    return json.dumps(value, default=str)


def test_every_event_type_has_a_schema() -> None:
    assert set(SchemaSet.load().schemas) == set(EVENT_TYPES)


def test_bundled_schemas_refer_to_nothing() -> None:
    assert '"$ref"' not in text(SchemaSet.load().schemas)


def test_a_schema_set_survives_pickling() -> None:
    schemas = SchemaSet.load()
    again = pickle.loads(pickle.dumps(schemas))
    assert (again, again.fingerprint) == (schemas, schemas.fingerprint)


def test_the_directory_may_be_the_outer_or_the_inner_one(directory: Path) -> None:
    assert SchemaSet.load(directory) == SchemaSet.load(directory.parent) == SchemaSet.load()


def test_the_default_directory_does_not_depend_on_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = SchemaSet.load()
    monkeypatch.chdir(tmp_path)
    assert SchemaSet.load() == before


def test_the_fingerprint_is_16_hex_digits_that_change_with_a_rule(directory: Path) -> None:
    before = SchemaSet.load(directory).fingerprint
    change(directory / "track.schema.json", maxProperties=50)
    after = SchemaSet.load(directory).fingerprint
    assert before != after
    assert len(before) == len(bytes.fromhex(before)) * 2 == 16


def test_the_fingerprint_does_not_depend_on_layout(directory: Path) -> None:
    path = directory / "track.schema.json"
    schema = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(schema.items())), indent=7))
    assert SchemaSet.load(directory).fingerprint == SchemaSet.load().fingerprint


def test_words_beside_a_reference_replace_those_of_its_target() -> None:
    schema = SchemaSet.load().schemas["identify"]["properties"]["userId"]
    assert schema["description"] == "The person's id in your own database."
    assert schema["minLength"] == 1


def test_rules_beside_a_reference_are_added_to_those_of_its_target(directory: Path) -> None:
    change(
        directory / "alias.schema.json",
        properties={
            "previousId": {"$ref": "common.schema.json#/$defs/id", "maxLength": 9},
        },
    )
    schema = SchemaSet.load(directory).schemas["alias"]["properties"]["previousId"]
    assert schema["maxLength"] == 9
    assert schema["allOf"][0]["minLength"] == 1


def test_a_property_may_be_called_like_a_keyword(directory: Path) -> None:
    change(directory / "alias.schema.json", properties={"$id": {"type": "string"}, "enum": True})
    assert SchemaSet.load(directory).schemas["alias"]["properties"] == {
        "$id": {"type": "string"},
        "enum": True,
    }


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere: there is no such directory"):
        SchemaSet.load(tmp_path / "nowhere")


def test_a_missing_file_is_named(directory: Path) -> None:
    (directory / "group.schema.json").unlink()
    with pytest.raises(ConfigurationError, match=r"group\.schema\.json: cannot read the schema"):
        SchemaSet.load(directory)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON: the text ends too early"),
        ('{"type":"object","type":"object"}', 'the key "type" occurs more than once'),
        ("[]", "a schema file holds one object"),
        ('{"type":"objekt"}', r"not a valid JSON Schema at \$\.type"),
        ('{"pattern":"("}', r"not a valid JSON Schema at \$\.pattern"),
        ('{"$schema":"http://json-schema.org/draft-07/schema#"}', r"\$schema must be"),
        ('{"$ref":"common.schema.json#/$defs/nothing"}', "leads nowhere"),
        ('{"$ref":"nothing.schema.json"}', "cannot read the schema"),
        ('{"$ref":"common.schema.json#id"}', "does not start with #/"),
        ('{"properties":{"a":{"$ref":"#/properties/a"}}}', "leads back to itself"),
        ('{"properties":{"a":{"$ref":"#"}}}', "leads back to itself"),
        ('{"$dynamicRef":"#a"}', "is not supported"),
    ],
)
def test_a_wrong_file_is_named_with_its_fault(directory: Path, content: str, message: str) -> None:
    (directory / "page.schema.json").write_text(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        SchemaSet.load(directory)
    assert ".schema.json" in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(directory: Path) -> None:
    (directory / "page.schema.json").chmod(0)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        SchemaSet.load(directory)


def test_every_property_of_every_schema_is_described() -> None:
    def undescribed(schema: Any, path: str) -> list[str]:
        found = [] if schema.get("description") else [path]
        for name, inner in schema.get("properties", {}).items():
            found += undescribed(inner, f"{path}.{name}")
        return found

    for kind, schema in SchemaSet.load().schemas.items():
        assert schema["title"]
        assert undescribed(schema, kind) == []
