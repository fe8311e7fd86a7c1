"""What is made from the language is up to date, and says the same as the compiler."""

from __future__ import annotations

import json

import jsonschema
import pytest

from pipeline.mapping import language
from pipeline.mapping.codes import CODES
from pipeline.mapping.diagnostics import Findings
from pipeline.mapping.editor_schema import _KINDS, _json, editor_schema
from pipeline.mapping.generate import ROOT, files, main, stale, triggered
from pipeline.mapping.source import plain, read_yaml
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file, vocabulary
from tests.unit.mapping.conftest import VOCABULARY
from tests.unit.mapping.test_codes import CASES, GOOD

SCHEMA = json.loads((ROOT / "schemas" / "mapping.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def data(text):
    return _json(plain(read_yaml(text, file="m.yaml", findings=Findings())))


def test_nothing_generated_is_stale():
    assert stale(vocabulary()) == [], "run python -m pipeline.mapping.generate"


def test_check_says_what_is_stale(monkeypatch, tmp_path, capsys):
    assert main(["--check"]) == 0
    path = next(iter(files(vocabulary())))
    monkeypatch.setattr("pipeline.mapping.generate.stale", lambda known: [path])
    assert main(["--check"]) == 1
    assert capsys.readouterr().out == f"stale: {path.relative_to(ROOT)}\n"


def test_the_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_the_shipped_mapping_is_valid_and_points_at_the_schema():
    text = DEFAULT_MAPPING.read_text("utf-8")
    assert [error.message for error in VALIDATOR.iter_errors(data(text))] == []
    first = text.splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/mapping.schema.json"


def test_good_mappings_are_valid():
    schema = jsonschema.Draft7Validator(editor_schema({**vocabulary(), **VOCABULARY}))
    assert list(schema.iter_errors(data(GOOD))) == []


SEEN_BY_EDITORS = [
    "M101", "M102", "M103", "M104", "M105", "M201", "M207", "M211", "M401", "M402", "M404",
]  # fmt: skip


@pytest.mark.parametrize("code", SEEN_BY_EDITORS)
def test_wrong_mappings_are_refused_by_the_schema_as_well(code):
    schema = jsonschema.Draft7Validator(editor_schema({**vocabulary(), **VOCABULARY}))
    assert list(schema.iter_errors(data(CASES[code][0]))) != []


def test_every_key_of_the_schema_helps():
    for name, definition in {"mapping": SCHEMA, **SCHEMA["definitions"]}.items():
        for key, schema in definition.get("properties", {}).items():
            if "$ref" in schema or name == "setting_value":
                continue
            assert schema.get("description"), (name, key)
            if name != "fields":
                assert schema["examples"], (name, key)
                assert schema["title"] == key
                assert "```yaml" in schema["markdownDescription"]


def test_every_kind_of_argument_has_a_schema():
    kinds = set()

    def collect(arg):
        kinds.add(arg.kind)
        for member in arg.members.values():
            collect(member)

    words = [*language.SOURCES.values(), *language.MODIFIERS.values(), *language.STEPS.values(),
             *language.TESTS.values(), *language.CONDITIONS.values()]  # fmt: skip
    words += [word for table in language.TABLES for word in table.keys.values()]
    for word in words:
        collect(word.arg)
        for arg in word.modifiers.values():
            collect(arg)
    assert kinds == _KINDS.keys()


@pytest.mark.parametrize("code", [name for name, code in CODES.items() if code.example])
def test_the_example_of_a_code_has_that_mistake(code):
    assert triggered(code, CODES[code].example, vocabulary())


def test_every_code_has_a_section_with_an_anchor():
    page = (ROOT / "docs" / "reference" / "diagnostics.md").read_text("utf-8")
    for code in CODES:
        assert f'<a id="{code.lower()}"></a>' in page


def test_every_word_has_an_entry():
    page = (ROOT / "docs" / "reference" / "mapping-language.md").read_text("utf-8")
    for name in (*language.SOURCES, *language.STEPS, *language.TESTS, *language.CONDITIONS):
        assert f"#### `{name}`" in page


def test_every_setting_is_described():
    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    for name in compile_mapping_file(DEFAULT_MAPPING, {}).settings:
        assert f"| `{name}` |" in page
