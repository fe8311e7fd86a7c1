"""The JSON Schema of job files says the same as the reader."""

from __future__ import annotations

import json

import jsonschema
import pytest

from pipeline.mapping.diagnostics import Findings
from pipeline.mapping.editor_schema import _json
from pipeline.mapping.generate import ROOT
from pipeline.mapping.source import plain, read_yaml
from pipeline.run.jobs.reader import DESTINATION_KEYS, JOB_KEYS
from tests.unit.run.test_job_file import CASES, GOOD, SMALL

SCHEMA = json.loads((ROOT / "schemas" / "job.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def data(text: str):
    return _json(plain(read_yaml(text, file="job.yaml", findings=Findings())))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", [GOOD, SMALL])
def test_good_files_are_valid(text) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(data(text))] == []


@pytest.mark.parametrize("code", ["J101", "J102", "J103", "J104", "J106"])
def test_wrong_files_are_refused_by_the_schema_as_well(code) -> None:
    assert list(VALIDATOR.iter_errors(data(CASES[code][0]))) != []


@pytest.mark.parametrize(
    "change",
    ["{when: {type: trak}}", "{when: {pick: traits.x}}", "{rate: 0}", "{regin: eu}", "{region: x}"],
)
def test_a_mistake_in_a_destination_is_seen(change) -> None:
    assert list(VALIDATOR.iter_errors(data(SMALL.replace("{}", change)))) != []


def test_its_keys_are_those_of_the_reader() -> None:
    assert set(SCHEMA["properties"]) == set(JOB_KEYS)
    assert set(SCHEMA["definitions"]["destination"]["properties"]) == set(DESTINATION_KEYS)


def test_every_key_helps_and_its_example_is_valid() -> None:
    for part in (SCHEMA, SCHEMA["definitions"]["destination"]):
        for name, schema in part["properties"].items():
            assert schema["description"]
            for example in schema.get("examples", ()):
                one = {**schema, "definitions": SCHEMA["definitions"]}
                assert list(jsonschema.Draft7Validator(one).iter_errors(example)) == [], name
