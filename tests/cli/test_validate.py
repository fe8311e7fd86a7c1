"""``penstock validate`` finds every mistake, and shows it in the format that is asked for."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import fields
from pathlib import Path

import pytest

from pipeline.cli.validate import RUN_SETTINGS
from pipeline.flow.event_names import NamePolicy
from pipeline.validation.tracking import Policy

GOOD = """\
version: 1
destination: intercom
rules:
  - name: identify
    when: {type: identify}
    do:
      - operation: upsert_contact
        fields: {external_id: userId}
"""
BAD = GOOD.replace("external_id", "extrenal_id").replace("when:", "wen:")
WASTEFUL = GOOD.replace(
    "rules:",
    """settings:
  unused: {default: 1}
  archived: {default: skip}
let:
  nobody: userId
blocks:
  spare: {name: traits.name}
rules:""",
)
TRACKING = """\
version: 1
destination: intercom
let:
  code: properties.cupon
rules:
  - name: orders
    when: {event: Order Completd}
    do:
      - operation: submit_event
        fields:
          event_name: event
          created_at: $time
          metadata: {object: {total: properties.total, code: $code}}
"""
PLAN = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "x-event": "Order Completed",
    "type": "object",
    "properties": {"total": {"type": "number"}, "coupon": {"type": "string"}},
}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return write(tmp_path / "bad.yaml", BAD)


def codes(ran) -> list[tuple[str, int]]:
    return [(line["code"], line["line"]) for line in ran.lines]


def test_what_is_shipped_has_no_finding(penstock, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    ran = penstock("validate", "--strict")
    assert (ran.code, ran.out) == (0, "")


def test_findings_mean_exit_code_1_and_all_are_shown(penstock, bad) -> None:
    ran = penstock("validate", bad, "--format", "json")
    assert ran.code == 1
    assert codes(ran) == [("M103", 4), ("M102", 5), ("M402", 8)]


def test_text_shows_place_line_caret_and_help(penstock, bad) -> None:
    ran = penstock("validate", bad)
    assert f"{bad}:5:5: error[M102]: unknown key 'wen' in a rule" in ran.out
    assert "    5 |     wen: {type: identify}\n      |     ^^^\n" in ran.out
    assert "= help: did you mean 'when'?" in ran.out
    assert "1 file checked: 3 errors, 0 warnings" in ran.err


def test_github_annotations_are_the_default_in_its_workflows(penstock, bad, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ran = penstock("validate", bad)
    assert f"::error title=M102,file={bad},line=5,endLine=5,col=5,endColumn=8::unknown" in ran.out
    assert "%0Ahelp: did you mean 'when'?" in ran.out
    assert f"| M102 | {bad}:5:5 |" in summary.read_text("utf-8")


def test_sarif_has_a_rule_for_each_code_and_places_from_1(penstock, bad) -> None:
    run = json.loads(penstock("validate", bad, "--format", "sarif").out)["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["M102", "M103", "M402"]
    result = run["results"][1]
    assert (result["ruleId"], result["ruleIndex"]) == ("M102", 0)
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 5, "startColumn": 5, "endLine": 5, "endColumn": 8}


def test_junit_has_a_case_for_each_file(penstock, bad, tmp_path) -> None:
    write(tmp_path / "good.yaml", GOOD)
    ran = penstock("validate", tmp_path, "--format", "junit")
    root = ET.fromstring(ran.out.encode())
    cases = {case.get("name"): case.find("failure") for case in root.iter("testcase")}
    assert cases[str(tmp_path / "good.yaml")] is None
    assert "M402" in cases[str(bad)].text


def test_what_nobody_uses_is_a_warning(penstock, tmp_path) -> None:
    path = write(tmp_path / "m.yaml", WASTEFUL)
    ran = penstock("validate", path, "--format", "json")
    assert codes(ran) == [("L105", 4), ("L103", 7), ("L104", 9)]
    assert ran.code == 0
    assert penstock("validate", path, "--strict").code == 1


def test_a_mapping_is_held_against_the_tracking_plan(penstock, tmp_path) -> None:
    write(tmp_path / "tracking" / "order.schema.json", json.dumps(PLAN))
    write(tmp_path / "m.yaml", TRACKING)
    ran = penstock("validate", tmp_path, "--format", "json")
    assert [(line["code"], line["line"], line["help"]) for line in ran.lines] == [
        ("L101", 4, "did you mean 'coupon'?"),
        ("L102", 6, "did you mean 'Order Completed'?"),
    ]


def test_event_names_are_counted_against_the_budget(penstock, tmp_path) -> None:
    for number in range(122):
        name = f"Event.{number:03d}" if number else "EVENT-001"  # one form for the API
        text = json.dumps({**PLAN, "x-event": name})
        write(tmp_path / "tracking" / f"{number:03d}.schema.json", text)
    [finding] = penstock("validate", tmp_path, "--format", "json").lines
    assert (finding["code"], Path(finding["file"]).name) == ("S108", "121.schema.json")


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ('{\n "a": }', "S101", 2),
        ('{\n "$schema": "https://json-schema.org/draft/2020-12/schema",\n "type": 5}', "S102", 3),
        ('{\n "$schema": "http://json-schema.org/draft-04/schema#"}', "S103", 2),
        (
            '{"$schema": "https://json-schema.org/draft/2020-12/schema",\n "properties":\n'
            '  {"a": {"$ref": "#/$defs/none"}}}',
            "S104",
            3,
        ),
    ],
)
def test_a_broken_schema_is_found_at_its_line(penstock, tmp_path, text, code, line) -> None:
    path = write(tmp_path / "a.schema.json", text)
    ran = penstock("validate", path, "--format", "json")
    assert (ran.code, codes(ran)) == (1, [(code, line)])


def test_tests_beside_a_mapping_are_checked_too(penstock, tmp_path) -> None:
    path = write(tmp_path / "t.yaml", "mapping: m.yaml\ntests:\n  - {name: a, evnt: {}}\n")
    ran = penstock("validate", path, "--format", "json")
    assert ("M102", 3) in codes(ran)


def test_settings_can_be_overridden(penstock, tmp_path) -> None:
    path = write(tmp_path / "m.yaml", WASTEFUL)
    assert penstock("validate", path, "--set", "unused=2").code == 0
    assert "M301" in penstock("validate", path, "--set", "none=2").out


def test_the_settings_of_a_run_are_known() -> None:
    known = {field.name for owner in (NamePolicy, Policy) for field in fields(owner)}
    assert known <= RUN_SETTINGS


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["no-such.yaml"], "there is no file or directory no-such.yaml"),
        (["--format", "xml"], "'xml' is not one of"),
        (["--set", "x"], "--set takes KEY=VALUE"),
    ],
)
def test_wrong_use_is_exit_code_2(penstock, args, told) -> None:
    ran = penstock("validate", *args)
    assert ran.code == 2
    assert told in ran.err


def test_a_file_that_is_not_utf8_is_one_sentence(penstock, tmp_path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"version: 1\nname: caf\xe9\n")
    ran = penstock("validate", path)
    assert ran.code == 2
    assert "m.yaml:2: not UTF-8: byte 0xe9" in ran.err
