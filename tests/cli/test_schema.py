"""``penstock schema`` checks, compares and drafts schemas."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.run.mappings import HOME

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def put(root: Path, name: str, value: Any) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1), "utf-8")
    return path


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    root = tmp_path / "schemas"
    schema = {
        "$schema": DIALECT,
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "examples": [{"n": 1}],
    }
    put(root, "thing.schema.json", schema)
    put(root, "examples/valid/thing.json", {"n": 1})
    put(root, "examples/invalid/thing-text.json", {"n": "1"})
    return root


def test_what_is_shipped_is_sound(penstock) -> None:
    ran = penstock("schema", "check", HOME / "schemas")
    assert (ran.code, ran.out) == (0, "")


def test_sound_schemas_and_examples(penstock, schemas) -> None:
    assert penstock("schema", "check", schemas).code == 0


@pytest.mark.parametrize(
    ("name", "value", "code", "line"),
    [
        ("examples/valid/thing.json", {"n": "1"}, "S105", 2),
        ("examples/invalid/thing-text.json", {"n": 1}, "S106", 1),
        ("thing.schema.json", {"$schema": DIALECT, "type": "text"}, "S102", 3),
        (
            "thing.schema.json",
            {"$schema": DIALECT, "properties": {"n": {"type": "integer"}}, "examples": [{"n": ""}]},
            "S105",
            9,
        ),
        ("tracking/a.schema.json", {"$schema": DIALECT}, "S107", 1),
    ],
)
def test_check_finds_what_is_wrong_and_where(penstock, schemas, name, value, code, line) -> None:
    path = put(schemas, name, value)
    ran = penstock("schema", "check", schemas, "--format", "json")
    assert ran.code == 1
    assert (code, str(path), line) in [
        (item["code"], item["file"], item["line"]) for item in ran.lines
    ]


def test_breaking_against_a_directory(penstock, schemas, tmp_path) -> None:
    old = tmp_path / "old"
    schemas.rename(old)
    new = put(tmp_path / "new", "thing.schema.json", {"$schema": DIALECT, "type": "object"})
    ran = penstock("schema", "breaking", new.parent, "--against", old, "--format", "json")
    assert ran.code == 1
    assert [(item["code"], item["file"]) for item in ran.lines] == [
        ("S201", str(new)),
        ("S208", str(new)),
    ]


def test_breaking_against_a_commit(penstock, schemas, monkeypatch) -> None:
    monkeypatch.chdir(schemas.parent)
    name = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for args in (["init", "-q"], ["add", "."], [*name, "commit", "-qm", "first"]):
        subprocess.run(["git", *args], check=True)
    assert penstock("schema", "breaking", "--against", "HEAD").code == 0
    put(schemas, "thing.schema.json", {"$schema": DIALECT, "type": "array"})
    ran = penstock("schema", "breaking", "--against", "HEAD")
    assert ran.code == 1
    assert "schemas/thing.schema.json:3:2: error[S203]: no longer allowed: object" in ran.out


EVENTS = [
    {"type": "track", "event": "Order Completed", "properties": {"total": 5, "on": "2024-01-02"}},
    {
        "type": "track",
        "event": "Order Completed",
        "properties": {"total": 5.5, "items": [{"n": 1}]},
    },
    {"type": "track", "event": "order completed!", "properties": None},
    {"type": "identify", "userId": "u"},
]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, EVENTS)), "utf-8")
    return path


def test_infer_counts_and_never_tells_a_value(penstock, events) -> None:
    ran = penstock("schema", "infer", events)
    [schema, other] = ran.lines
    assert schema["x-event"] == "Order Completed"
    assert schema["required"] == ["total"]
    assert schema["properties"]["total"] == {
        "type": "number",
        "description": "Seen in 2 of 2 events.",
    }
    assert schema["properties"]["items"]["items"]["properties"]["n"]["type"] == "integer"
    assert "A date." in schema["properties"]["on"]["description"]
    assert other["x-event"] == "order completed!"
    assert "5.5" not in ran.out
    assert "2024" not in ran.out
    assert "Order Completed: 2 events, 3 properties" in ran.err


def test_what_is_inferred_is_a_sound_tracking_plan_that_takes_the_events(
    penstock, events, tmp_path
) -> None:
    out = tmp_path / "schemas" / "tracking"
    assert penstock("schema", "infer", events, "--out", out).code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "order-completed-2.schema.json",
        "order-completed.schema.json",
    ]
    assert penstock("schema", "check", out.parent).code == 0
    again = penstock("schema", "infer", events, "--out", out)
    assert again.code == 2
    assert "--force" in again.err
    assert penstock("schema", "infer", events, "--out", out, "--force").code == 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["check", "none"], "there is no file or directory none"),
        (["breaking", "--against", "no-such-thing"], "'no-such-thing' is neither"),
        (["breaking"], "Missing option '--against'"),
        (["infer", "none.jsonl"], "cannot read the event file none.jsonl"),
        (["infer", "-"], "- holds no track event"),
    ],
)
def test_wrong_use_is_exit_code_2(penstock, args, told) -> None:
    ran = penstock("schema", *args)
    assert ran.code == 2
    assert told in ran.err
