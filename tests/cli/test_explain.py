"""``penstock explain`` says what becomes of events, and why."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline.cli.explain import watching
from pipeline.errors import UsageError
from pipeline.run.mappings import HOME

IDENTIFY: dict[str, Any] = {
    "type": "identify",
    "userId": "u1",
    "messageId": "m1",
    "timestamp": "2024-01-02T03:04:05Z",
    "traits": {
        "email": "nonsense",
        "first": "Ada",
        "created": "yesterday",
        "plan": "pro",
        "paid": "2024-01-02",
        "tags": ["a"],
        "seats": 3,
    },
}


def written(tmp_path: Path, *events: Any, name: str = "events.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(json.dumps(event) for event in events), "utf-8")
    return path


def fields(explained: Any, operation: int = 0) -> dict[str, Any]:
    return {
        field["field"]: field for field in explained["trace"]["operations"][operation]["fields"]
    }


@pytest.fixture
def explained(penstock, mapping, tmp_path) -> Any:
    ran = penstock(
        "explain", "--event", written(tmp_path, IDENTIFY), "--mapping", mapping, "--format", "json"
    )
    assert ran.code == 0, ran.err
    return ran.lines[0]


def test_the_rule_that_fired_is_named_with_its_line(explained) -> None:
    assert explained["trace"]["rule"] == {"name": "identify", "line": 14}


def test_operations_and_calls_are_listed(explained) -> None:
    assert [operation["operation"] for operation in explained["operations"]] == ["upsert_contact"]
    assert explained["operations"][0]["person"] == {"user_id": "u1"}
    assert [(call["method"], call["path"]) for call in explained["calls"]] == [
        ("POST", "/contacts")
    ]
    assert explained["calls"][0]["body"]["name"] == "Ada"


def test_a_field_says_where_it_comes_from(explained) -> None:
    assert fields(explained)["name"] == {
        "field": "name",
        "line": 24,
        "value": "Ada",
        "sources": [{"path": "traits.first", "value": "Ada"}],
        "steps": [],
    }


def test_a_member_of_an_object_says_which_member_it_comes_from(explained) -> None:
    assert fields(explained)["custom_attributes.paid_at"] == {
        "field": "custom_attributes.paid_at",
        "line": 29,
        "value": 1704153600,
        "sources": [{"path": "traits.paid", "value": "2024-01-02"}],
        "steps": [{"step": "dates: _at", "line": 31}],
    }


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("email", 'traits.email is "nonsense", which is no e-mail address (line 7)'),
        (
            "signed_up_at",
            'traits.created is "yesterday", which cannot be read as a time (line 27); '
            "traits.since is not in the event",
        ),
        ("custom_attributes.tags", "a list or an object, dropped by `nested` in line 30"),
        (
            "custom_attributes.seats",
            "over the limit of 2 keys (`limit_keys` in line 32)",
        ),
    ],
)
def test_an_absent_field_says_why(explained, field, why) -> None:
    assert fields(explained)[field]["absent"] == why


def test_an_operation_that_is_not_made_says_why(penstock, mapping, tmp_path) -> None:
    event = {"type": "track", "event": "A", "userId": "u", "properties": {"test": 1}}
    ran = penstock("explain", written(tmp_path, event), "--mapping", mapping, "--format", "json")
    assert ran.lines[0]["status"] == "skipped"
    [operation] = ran.lines[0]["trace"]["operations"]
    assert operation["why"] == (
        "the condition of line 37 does not hold: properties.test is not there"
    )


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (IDENTIFY, "mapped", None),
        ({**IDENTIFY, "userId": None}, "dead", "missing_identity"),
        ({**IDENTIFY, "integrations": {"Intercom": False}}, "skipped", "integrations_off"),
        ({"type": "page", "userId": "u"}, "skipped", "not_mapped"),
        ({"type": "identify", "userId": ["u"]}, "dead", "schema_violation"),
        ({"type": "page", "userId": ["u"]}, "skipped", "not_mapped"),
        ({"type": "nothing"}, "dead", "unknown_type"),
    ],
)
def test_every_event_has_a_status_and_a_reason(
    penstock, mapping, tmp_path, event, status, reason
) -> None:
    ran = penstock("explain", written(tmp_path, event), "--mapping", mapping, "--format", "json")
    assert (ran.lines[0]["status"], ran.lines[0]["reason"]) == (status, reason)


def test_the_json_fits_its_published_schema(penstock, mapping, tmp_path) -> None:
    schema = json.loads((HOME / "schemas" / "explain.schema.json").read_text("utf-8"))
    events = [
        IDENTIFY,
        {"type": "track", "event": "A", "userId": "u", "properties": {"test": 1}},
        {"type": "nothing"},
        {"type": "identify", "userId": ["u"]},
    ]
    file = written(tmp_path, *events)
    for style in (["--mapping", mapping], []):
        for line in penstock("explain", file, *style, "--format", "json").lines:
            jsonschema.Draft202012Validator(schema).validate(line)


def test_text_shows_fields_absences_calls_and_warnings(penstock, mapping, tmp_path) -> None:
    ran = penstock("explain", written(tmp_path, IDENTIFY), "--mapping", mapping)
    assert ran.code == 0
    assert "identify: mapped by rule 'identify'" in ran.out
    assert "line 29: traits.plan" in ran.out
    assert "is no e-mail address" in ran.out
    assert "POST /contacts {" in ran.out
    assert "warnings: " in ran.out


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(IDENTIFY, indent=2),
        json.dumps(IDENTIFY),
        "\ufeff" + json.dumps(IDENTIFY) + "\n\n",
        json.dumps([IDENTIFY]),
        json.dumps({"batch": [IDENTIFY]}, indent=1),
    ],
)
def test_events_are_read_in_every_usual_shape(penstock, mapping, text) -> None:
    ran = penstock("explain", "-", "--mapping", mapping, "--format", "json", stdin=text.encode())
    assert [line["message_id"] for line in ran.lines] == ["m1"]


def test_a_bad_line_among_good_ones_is_dead_with_its_line(penstock, mapping) -> None:
    data = json.dumps(IDENTIFY).encode() + b"\n{nonsense}\n" + json.dumps(IDENTIFY).encode()
    ran = penstock("explain", "-", "--mapping", mapping, "--format", "json", stdin=data)
    assert [(line["origin"], line["status"]) for line in ran.lines] == [
        ("stdin:1", "mapped"),
        ("stdin:2", "dead"),
        ("stdin:3", "mapped"),
    ]


@pytest.mark.parametrize("first", [b"garbage", b'{"type": "iden', b"\xff\xfe", b"", b"[1"])
def test_a_bad_first_line_hides_none_of_the_good_ones(penstock, mapping, first) -> None:
    line = json.dumps(IDENTIFY).encode()
    text = b"\n".join([first, line, b"{bad", line])
    ran = penstock("explain", "-", "--mapping", mapping, "--format", "json", stdin=text)
    told = [(one["origin"], one["status"]) for one in ran.lines]
    dead = [("stdin:1", "dead")] if first else []
    assert told == [*dead, ("stdin:2", "mapped"), ("stdin:3", "dead"), ("stdin:4", "mapped")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_is_read_as_run_reads_it(penstock, mapping, tmp_path, pack) -> None:
    path = tmp_path / "events.jsonl.packed"
    path.write_bytes(pack(json.dumps(IDENTIFY).encode()))
    ran = penstock("explain", path, "--mapping", mapping, "--format", "json")
    assert [one["status"] for one in ran.lines] == ["mapped"]


def test_a_compressed_file_that_breaks_off_says_so(penstock, mapping, tmp_path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(IDENTIFY).encode())[:-20])
    ran = penstock("explain", path, "--mapping", mapping)
    assert ran.code == 2
    assert f"cannot unpack {path}" in ran.err


def test_broken_json_over_several_lines_names_line_and_column(penstock, mapping) -> None:
    data = b'{\n  "type": "identify",\n  "userId": oops\n}'
    ran = penstock("explain", "-", "--mapping", mapping, "--format", "json", stdin=data)
    assert ran.lines[0]["origin"] == "stdin:3:13"
    assert ran.lines[0]["reason"] == "invalid_json"


def test_settings_can_be_overridden(penstock, mapping, tmp_path) -> None:
    file = written(tmp_path, IDENTIFY)
    ran = penstock("explain", file, "--mapping", mapping, "--set", "limit=9", "--format", "json")
    assert "seats" in ran.lines[0]["operations"][0]["fields"]["custom_attributes"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["explain"], "explain takes one file with events"),
        (["explain", "no-such-file.json"], "cannot read the event file no-such-file.json"),
        (["explain", "."], ". is a directory"),
        (["explain", "-"], "- holds no event"),
        (["explain", "-", "--mapping", "none.yaml"], "cannot read the mapping none.yaml"),
        (["explain", "-", "--watch"], "--watch needs a file"),
        (["explain", "-", "--set", "nonsense"], "--set takes KEY=VALUE"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(penstock, args, told) -> None:
    ran = penstock(*args)
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_watch_runs_again_when_a_file_is_saved(tmp_path, capsys) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("1")
    seen: list[str] = []
    changes = iter(["1", "22", "22", "333"])

    def once() -> None:
        seen.append(file.read_text())
        if seen[-1] == "22":
            message = "a mistake is shown and waited out"
            raise UsageError(message)

    watching([file], once, sleep=lambda _: file.write_text(next(changes)) and None,
             rounds=iter([1, 2, 3, 4]))  # fmt: skip
    assert seen[0] == "1"
    assert seen[-2:] == ["22", "333"]
    assert "a mistake is shown" in capsys.readouterr().err


@pytest.fixture
def planned(tmp_path) -> Path:
    """Schemas with a tracking plan of one event."""
    root = tmp_path / "schemas"
    shutil.copytree(HOME / "schemas" / "events", root / "events")
    (root / "tracking").mkdir()
    schema = {"x-event": "A", "properties": {"n": {"type": "integer"}}}
    (root / "tracking" / "a.schema.json").write_text(json.dumps(schema), "utf-8")
    return root


@pytest.mark.parametrize(
    ("policy", "event", "status", "reason", "warnings"),
    [
        ("unplanned=warn", {"event": "B"}, "mapped", None, ["unplanned_event"]),
        ("unplanned=drop", {"event": "B"}, "skipped", "filtered", []),
        ("unplanned=dead_letter", {"event": "B"}, "dead", "schema_violation", []),
        (
            "violations=drop_property",
            {"event": "A", "properties": {"n": "x"}},
            "mapped",
            None,
            ["property_dropped"],
        ),
    ],
)
def test_the_tracking_plan_is_honoured(
    penstock, tmp_path, planned, policy, event, status, reason, warnings
) -> None:
    whole = {"type": "track", "userId": "u", "timestamp": "2024-01-02T03:04:05Z", **event}
    ran = penstock(
        *("explain", written(tmp_path, whole), "--schemas", planned),
        *("--set", policy, "--format", "json"),
    )
    assert ran.code == 0, ran.err
    [line] = ran.lines
    assert (line["status"], line["reason"], line["warnings"]) == (status, reason, warnings)
    if warnings == ["property_dropped"]:
        assert "metadata" not in line["operations"][0]["fields"]
