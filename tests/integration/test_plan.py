"""``penstock plan`` against the emulator: it says what the run then does, and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of

ROOT = Path(__file__).resolve().parents[2]
EVENTS = [
    {"type": "identify", "userId": "u1", "timestamp": "2024-01-01T00:00:00Z",
     "traits": {"plan_level": 3, "company": {"id": "c1", "name": "Acme"}}},
    {"type": "identify", "userId": "u2", "timestamp": "2024-01-01T00:00:00Z", "traits": {}},
    {"type": "track", "userId": "u1", "event": "Signed", "timestamp": "2024-01-02T00:00:00Z"},
    {"type": "track", "userId": "u1", "event": "Left", "timestamp": "2024-01-03T00:00:00Z"},
    {"type": "track", "userId": "u1", "timestamp": "2024-01-03T00:00:00Z"},
]  # fmt: skip

Penstock = Callable[..., SimpleNamespace]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, EVENTS)), "utf-8")
    return path


@pytest.fixture
def penstock(
    emulator: Emulator, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> Penstock:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")
    monkeypatch.chdir(tmp_path)

    def penstock(name: str, *args: str) -> SimpleNamespace:
        given = ["--endpoint", emulator.url, "--state", f"sqlite:///{tmp_path / 'state.db'}"]
        code = exit_code_of([name, "--input", str(source), *given, *args])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return penstock


def planned(penstock: Penstock, *args: str) -> Any:
    result = penstock("plan", "--format", "json", *args)
    assert result.code == 0, result.err
    return json.loads(result.out)


def run(penstock: Penstock, tmp_path: Path) -> Any:
    assert penstock("run", "--quiet", "--summary", "summary.json").code == 0
    return json.loads((tmp_path / "summary.json").read_text())


def test_a_plan_writes_nothing_anywhere(
    penstock: Penstock, emulator: Emulator, tmp_path: Path, source: Path
) -> None:
    planned(penstock)
    assert emulator.requests == []
    assert list(tmp_path.iterdir()) == [source]


def test_a_plan_fits_its_schema(penstock: Penstock) -> None:
    schema = json.loads((ROOT / "schemas" / "plan.schema.json").read_text())
    jsonschema.validate(planned(penstock), schema)


def test_a_summary_fits_its_schema(penstock: Penstock, tmp_path: Path) -> None:
    schema = json.loads((ROOT / "schemas" / "summary.schema.json").read_text())
    jsonschema.validate(run(penstock, tmp_path), schema)


def test_the_run_does_what_the_plan_said(penstock: Penstock, tmp_path: Path) -> None:
    plan = planned(penstock, "--online")
    summary = run(penstock, tmp_path)
    for outcome, counts in plan["events"].items():
        assert counts == summary[outcome]
    done = {call: sum(statuses.values()) for call, statuses in summary["calls"].items()}
    del done["GET /me"]
    assert plan["calls"] == done


def test_what_would_be_created_is_named(penstock: Penstock) -> None:
    plan = planned(penstock)
    assert (plan["creates"]["contacts"], plan["creates"]["companies"]) == (2, 1)
    assert plan["creates"]["attributes"] == [
        {"model": "contact", "name": "plan_level", "data_type": "integer"}
    ]
    assert plan["event_names"]["new"] == ["Left", "Signed"]
    assert plan["events"]["dead"] == {"schema_violation": 1}


def test_what_the_state_knows_is_not_created_again(penstock: Penstock, tmp_path: Path) -> None:
    run(penstock, tmp_path)
    before = (tmp_path / "state.db").read_bytes()
    plan = planned(penstock)
    assert plan["creates"] == {"contacts": 0, "companies": 0, "attributes": []}
    assert plan["event_names"]["new"] == []
    assert plan["calls_total"] == 0
    assert (tmp_path / "state.db").read_bytes() == before


def test_online_knows_the_attributes_of_the_workspace_and_writes_nothing(
    penstock: Penstock, emulator: Emulator
) -> None:
    emulator.seed(data_attributes=[{"name": "plan_level", "model": "contact",
                                    "data_type": "integer"}])  # fmt: skip
    assert planned(penstock, "--online")["creates"]["attributes"] == []
    assert {each["method"] for each in emulator.requests} == {"GET"}


def test_names_beyond_the_budget_are_said(penstock: Penstock) -> None:
    plan = planned(penstock, "--set", "event_name_limit=1")
    assert (plan["event_names"]["new"], plan["event_names"]["over"]) == (["Signed"], ["Left"])
    assert plan["events"]["dead"]["event_name_cap"] == 1


def test_events_of_people_whom_nobody_knows_are_counted(penstock: Penstock, source: Path) -> None:
    ghost = {**EVENTS[2], "userId": "ghost"}
    source.write_text(source.read_text() + "\n" + json.dumps(ghost), "utf-8")
    assert planned(penstock)["events_of_unknown_people"] == 1


def test_the_time_is_the_calls_at_the_rate(penstock: Penstock) -> None:
    plan = planned(penstock, "--rate", "60")
    assert plan["seconds_at_the_limit"] == plan["calls_total"]


def test_the_text_says_the_same(penstock: Penstock) -> None:
    result = penstock("plan")
    assert result.code == 0
    for words in ("contacts to create", "POST /contacts", "calls a minute", "new event names"):
        assert words in result.out


# --- run --plan ------------------------------------------------------------------------------


@pytest.fixture
def plan_file(penstock: Penstock, tmp_path: Path) -> str:
    assert penstock("plan", "--quiet", "--out", "plan.json").code == 0
    return str(tmp_path / "plan.json")


def refused(result: SimpleNamespace, emulator: Emulator, *words: str) -> None:
    assert result.code == 2
    for word in words:
        assert word in result.err
    assert emulator.requests == []


def test_the_planned_run_starts(penstock: Penstock, plan_file: str) -> None:
    assert penstock("run", "--quiet", "--plan", plan_file).code == 0


def test_another_input_is_refused(
    penstock: Penstock, emulator: Emulator, plan_file: str, source: Path
) -> None:
    source.write_bytes(source.read_bytes().replace(b"Left", b"Gone"))
    refused(penstock("run", "--plan", plan_file), emulator, str(source), "has changed")


def test_one_input_more_is_refused(
    penstock: Penstock, emulator: Emulator, plan_file: str, tmp_path: Path
) -> None:
    (tmp_path / "more.jsonl").write_text("{}")
    result = penstock("run", "--plan", plan_file, "--input", str(tmp_path / "more.jsonl"))
    refused(result, emulator, "more.jsonl was not planned")


def test_another_setting_is_refused_by_its_name(
    penstock: Penstock, emulator: Emulator, plan_file: str
) -> None:
    result = penstock("run", "--plan", plan_file, "--set", "nested=flatten")
    refused(result, emulator, "'nested'")


def test_another_mapping_is_refused(
    penstock: Penstock, emulator: Emulator, plan_file: str, tmp_path: Path
) -> None:
    mapping = tmp_path / "other.yaml"
    text = (ROOT / "mappings" / "intercom.yaml").read_text()
    mapping.write_text(text.replace("to: unix_seconds", "to: text", 1))
    result = penstock("run", "--plan", plan_file, "--mapping", str(mapping))
    refused(result, emulator, "the mapping is another")


def test_another_destination_is_refused(
    penstock: Penstock, emulator: Emulator, plan_file: str
) -> None:
    result = penstock("run", "--plan", plan_file, "--endpoint", "http://127.0.0.1:9")
    refused(result, emulator, "the destination is another", "127.0.0.1:9")


def test_a_file_that_is_no_plan_is_refused(
    penstock: Penstock, emulator: Emulator, source: Path
) -> None:
    refused(penstock("run", "--plan", str(source)), emulator, "is no plan")


def test_a_plan_of_standard_input_cannot_be_kept(penstock: Penstock, emulator: Emulator) -> None:
    refused(penstock("plan", "--input", "-", "--out", "p.json"), emulator, "standard input")
