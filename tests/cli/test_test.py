"""``penstock test`` runs the tests that stand beside a mapping, and writes them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pipeline.run.mappings import HOME

CASES = """\
# What we promise
mapping: small.yaml
tests:
  - name: a plan is an attribute  # important
    event: {type: identify, userId: u1, traits: {plan: pro, seats: 3}}
    expect:
      operations:
        - upsert_contact:
            # whoever it is
            external_id: u1
            custom_attributes: {plan: pro}

  - name: nobody is dead
    event: {type: identify}
    expect: {dead: missing_identity}
"""


@pytest.fixture
def cases(mapping: Path) -> Path:
    path = mapping.parent / "cases.yaml"
    path.write_text(CASES, "utf-8")
    return path


def change(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path


def test_the_shipped_mapping_passes_its_own_tests(penstock) -> None:
    ran = penstock("test", HOME / "mappings")
    assert ran.code == 0, ran.out
    assert int(ran.err.split()[0]) >= 40


def test_passing_tests_say_only_how_many(penstock, cases) -> None:
    ran = penstock("test", cases)
    assert (ran.code, ran.out, ran.err) == (0, "", "2 passed, 0 failed\n")
    assert "nobody is dead" in penstock("test", cases, "-v").out


def test_a_failure_shows_only_what_differs_with_its_line(penstock, cases) -> None:
    ran = penstock("test", change(cases, "{plan: pro}\n", "{plan: free}\n"))
    assert ran.code == 1
    assert ran.out.splitlines() == [
        f"FAILED {cases}:4: a plan is an attribute",
        f"  {cases}:11: upsert_contact.custom_attributes.plan",
        '    - "free"',
        '    + "pro"',
    ]


def test_exact_forbids_what_is_not_expected(penstock, cases) -> None:
    change(cases, "    expect:\n      operations", "    exact: true\n    expect:\n      operations")
    ran = penstock("test", cases)
    assert "upsert_contact.custom_attributes.seats" in ran.out
    assert "    - absent\n    + 3" in ran.out


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("{skipped: not_mapped}", '+ "dead: missing_identity"'),
        ("{dead: schema_violation}", '+ "dead: missing_identity"'),
        ("{operations: []}", '+ "dead: missing_identity"'),
    ],
)
def test_an_event_that_goes_elsewhere_fails(penstock, cases, expect, told) -> None:
    ran = penstock("test", change(cases, "{dead: missing_identity}", expect))
    assert ran.code == 1
    assert told in ran.out


@pytest.mark.parametrize(
    ("expect", "passes"),
    [
        ("operations: [{upsert_contact: {}}]", True),
        ("operations: []", False),
        ("operations: [{upsert_contact: {}}, {upsert_contact: {}}]", False),
        ('calls: [{"POST /contacts": {external_id: u1}}]', True),
        ('calls: [{"POST /contacts": {external_id: u2}}]', False),
        ("warnings: [timestamp_missing]", True),
        ("warnings: []", False),
        ("without: [upsert_contact.email]", True),
        ("without: [upsert_contact.custom_attributes.plan]", False),
        ("without: [upsert_contact]", False),
        ("rule: identify", True),
        ("rule: track", False),
    ],
)
def test_every_kind_of_expectation(penstock, mapping, expect, passes) -> None:
    event = "event: {type: identify, userId: u1, traits: {plan: pro}}"
    text = f"mapping: small.yaml\ntests:\n  - {{name: a, {event}, expect: {{{expect}}}}}\n"
    path = mapping.parent / "t.yaml"
    path.write_text(text, "utf-8")
    assert penstock("test", path).code == (0 if passes else 1)


def test_tests_may_stand_inside_the_mapping(penstock, mapping) -> None:
    inside = CASES.partition("mapping: small.yaml\n")[2]
    mapping.write_text(mapping.read_text("utf-8") + inside, "utf-8")
    assert penstock("test", mapping).err == "2 passed, 0 failed\n"
    assert penstock("validate", mapping).code == 0


def test_settings_clock_and_environment_belong_to_the_test(penstock, mapping) -> None:
    change(mapping, "external_id: userId", "external_id: {pick: userId, hmac: env:TEST_SECRET}")
    path = mapping.parent / "t.yaml"
    path.write_text(
        """\
mapping: small.yaml
now: "2024-01-02T03:04:05Z"
tests:
  - name: all three
    event: {type: track, event: A, userId: u}
    expect: {operations: [{submit_event: {created_at: 1704164645}}]}
  - name: a setting
    settings: {limit: 1}
    environment: {TEST_SECRET: secret}
    event: {type: identify, userId: user-1, traits: {a: 1, b: 2}}
    expect:
      operations:
        - upsert_contact:
            external_id: 1d16fd7e96e8a9681f283b8a251822ffdc71e2a5bda0c5267a044874fa21b82b
            custom_attributes: {a: 1}
      without: [upsert_contact.custom_attributes.b]
""",
        "utf-8",
    )
    ran = penstock("test", path)
    assert ran.code == 0, ran.out


def test_an_event_may_lie_in_a_file(penstock, cases) -> None:
    (cases.parent / "event.json").write_text('{\n "type": "identify"\n}', "utf-8")
    change(cases, "event: {type: identify}", "event_file: event.json")
    assert penstock("test", cases).code == 0


def test_an_event_may_be_a_text_that_is_no_json(penstock, cases) -> None:
    change(cases, "event: {type: identify}", 'event: "{oops"')
    change(cases, "dead: missing_identity", "dead: invalid_json")
    assert penstock("test", cases).code == 0


@pytest.mark.parametrize(
    ("name", "count"), [("nobody is dead", 1), ("a*", 1), ("*", 2), ("none", 0)]
)
def test_tests_are_selected_by_name(penstock, cases, name, count) -> None:
    ran = penstock("test", f"{cases}::{name}")
    if count:
        assert ran.err == f"{count} passed, 0 failed\n"
    else:
        assert ran.code == 2
        assert "no test in" in ran.err


def test_json_has_one_object_for_each_test(penstock, cases) -> None:
    change(cases, "{plan: pro}\n", "{plan: free}\n")
    [failed, passed] = penstock("test", cases, "--format", "json").lines
    assert (failed["status"], passed["status"]) == ("failed", "passed")
    assert failed["differences"] == [
        {
            "path": "upsert_contact.custom_attributes.plan",
            "line": 11,
            "expected": "free",
            "actual": "pro",
        }
    ]


def test_junit_has_a_case_for_each_test(penstock, cases) -> None:
    change(cases, "{plan: pro}\n", "{plan: free}\n")
    root = ET.fromstring(penstock("test", cases, "--format", "junit").out.encode())
    [failed, passed] = root.iter("testcase")
    assert failed.find("failure").get("message") == (
        'upsert_contact.custom_attributes.plan: expected "free", got "pro"'
    )
    assert passed.find("failure") is None


def test_github_annotates_the_line_of_the_expectation(penstock, cases, monkeypatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    change(cases, "{plan: pro}\n", "{plan: free}\n")
    ran = penstock("test", cases)
    assert ran.out.startswith(f"::error title=test failed%3A a plan is an attribute,file={cases},")
    assert ",line=11::" in ran.out


def test_update_replaces_single_values_and_keeps_the_rest(penstock, cases) -> None:
    change(cases, "{plan: pro}\n", "{plan: free}\n")
    ran = penstock("test", cases, "--update")
    assert ran.code == 0
    assert cases.read_text("utf-8") == CASES


def test_update_rewrites_an_expectation_of_another_shape(penstock, cases) -> None:
    change(cases, "{type: identify}", "{type: page}")
    change(cases, "external_id: u1\n", 'external_id: u1\n            phone: "1"\n')
    penstock("test", cases, "--update")
    text = cases.read_text("utf-8")
    assert "# What we promise" in text
    assert "# important" in text
    assert "skipped: not_mapped" in text
    assert penstock("test", cases).code == 0


def test_create_prints_a_test_that_passes(penstock, mapping, tmp_path) -> None:
    event = {
        "type": "identify",
        "userId": "no",
        "timestamp": "2024-01-02T03:04:05Z",
        "traits": {"first": "Zo\u00eb \U0001f600\n", "big": 123456789012345678901, "n": 1.50},
    }
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event, indent=1), "utf-8")
    ran = penstock("test", "--create", file, "--mapping", mapping, "--name", "made")
    assert ran.code == 0
    path = mapping.parent / "made.yaml"
    path.write_text("mapping: small.yaml\n" + ran.out, "utf-8")
    checked = penstock("test", path)
    assert checked.err == "1 passed, 0 failed\n", checked.out + checked.err


def test_create_appends_to_a_file_of_tests(penstock, cases, mapping, tmp_path) -> None:
    file = tmp_path / "event.json"
    file.write_text('{"type": "page", "userId": "u"}', "utf-8")
    for target, count in ((cases, 3), (tmp_path / "deeper" / "new.yaml", 1)):
        target.parent.mkdir(exist_ok=True)
        penstock("test", "--create", file, "--mapping", mapping, "--into", target)
        assert penstock("test", target).err == f"{count} passed, 0 failed\n"
    assert cases.read_text("utf-8").startswith(CASES.rstrip())


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["no-such.yaml"], "there is no file or directory no-such.yaml"),
        (["--into", "x.yaml"], "--into and --name belong to --create"),
        (["--create", "none.json"], "cannot read the event file none.json"),
        (["--create", "none.json", "--update"], "it runs none"),
    ],
)
def test_wrong_use_is_exit_code_2(penstock, args, told) -> None:
    ran = penstock("test", *args)
    assert ran.code == 2
    assert told in ran.err


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("expect: {dead: missing_identity}", "expects: {}", "M102"),
        ("expect: {dead: missing_identity}", "expect: {}", "M101"),
        ("dead: missing_identity", "dead: misssing_identity", "M404"),
        ("event: {type: identify}", "about: nothing", "M103"),
        ("name: nobody is dead", "name: a plan is an attribute", "M406"),
        ("- upsert_contact:", "- submit:", None),
    ],
)
def test_a_mistake_in_a_test_is_a_diagnostic(penstock, cases, old, new, code) -> None:
    ran = penstock("test", change(cases, old, new))
    if code is None:
        assert ran.code == 1
    else:
        assert ran.code == 2
        assert f"error[{code}]" in ran.err
