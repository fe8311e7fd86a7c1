"""One state, several workspaces at one address: nothing of one is taken for the other's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.run.worker import scope_of
from pipeline.state.store import StateStore

IDENTIFY = {"type": "identify", "userId": "u1", "timestamp": "2024-01-01T00:00:00Z", "traits": {}}
TRACK = {"type": "track", "userId": "u1", "event": "Signed", "timestamp": "2024-01-02T00:00:00Z"}

Penstock = Callable[..., SimpleNamespace]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


@pytest.fixture
def penstock(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> Penstock:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.jsonl").write_text(f"{json.dumps(IDENTIFY)}\n{json.dumps(TRACK)}\n")

    def penstock(*args: str) -> SimpleNamespace:
        given = ["--endpoint", emulator.url, "--state", "sqlite:///state.db"]
        code = exit_code_of([*args, *given])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return penstock


@pytest.fixture
def run(penstock: Penstock) -> Callable[[], None]:
    def run() -> None:
        assert penstock("run", "--quiet", "--input", "events.jsonl").code == 0

    return run


def become(emulator: Emulator, workspace: str) -> None:
    """The token is now one of another, empty workspace."""
    emulator.reset()
    emulator.application.workspace.id_code = workspace


def test_a_run_into_another_workspace_knows_nothing_of_the_first(
    run: Callable[[], None], emulator: Emulator
) -> None:
    run()
    first = emulator.canonical_state
    become(emulator, "second")
    run()
    assert emulator.canonical_state == first


def test_offline_the_only_workspace_is_meant(penstock: Penstock, run: Callable[[], None]) -> None:
    run()
    assert "Signed" in penstock("event-names", "ls").out
    plan = json.loads(penstock("plan", "--input", "events.jsonl", "--format", "json").out)
    assert plan["calls_total"] == 0


@pytest.mark.parametrize(
    "args",
    [
        ("event-names", "ls"),
        ("suppressions", "check", "--user-id", "u1"),
        ("plan", "--input", "events.jsonl"),
    ],
)
def test_offline_one_of_several_must_be_named(
    penstock: Penstock, run: Callable[[], None], emulator: Emulator, args: tuple[str, ...]
) -> None:
    run()
    become(emulator, "second")
    run()
    asked = penstock(*args)
    assert asked.code == 2
    for word in ("emulated-workspace", "second", "--workspace ID"):
        assert word in asked.err
    assert penstock(*args, "--workspace", "second").code in (0, 1)


def test_online_a_plan_asks_which_workspace_it_is(
    penstock: Penstock, run: Callable[[], None], emulator: Emulator
) -> None:
    run()
    become(emulator, "second")
    plan = penstock("plan", "--input", "events.jsonl", "--format", "json", "--online")
    assert json.loads(plan.out)["creates"]["contacts"] == 1


def test_what_was_said_before_the_first_run_holds_in_it(
    penstock: Penstock, run: Callable[[], None]
) -> None:
    assert penstock("suppressions", "add", "--user-id", "u9").code == 0
    run()
    assert penstock("suppressions", "check", "--user-id", "u9").code == 0


def test_who_does_not_tell_is_known_by_the_address(
    penstock: Penstock, run: Callable[[], None], emulator: Emulator
) -> None:
    emulator.add_fault("status", match={"path": "/me"}, status=404, times=None)
    run()
    before = len(emulator.requests)
    run()
    assert {each["path"] for each in emulator.requests[before:]} == {"/me"}
    assert "Signed" in penstock("event-names", "ls").out


def test_without_an_answer_nothing_is_remembered_of_nobody(
    penstock: Penstock, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.run.workspaces._PAUSES", (0.0,))
    emulator.add_fault("status", match={"path": "/me"}, status=503, times=None)
    result = penstock("run", "--quiet", "--input", "events.jsonl")
    assert (result.code, "which workspace" in result.err) == (2, True)


def test_a_run_drops_the_ids_of_events_that_are_remembered_no_longer(
    run: Callable[[], None], emulator: Emulator
) -> None:
    scope = scope_of("intercom", emulator.url, "emulated-workspace")
    with StateStore.open("sqlite:///state.db") as store:
        store.put_many(scope, [("delivered", "old", "1")])
        run()
        assert store.get(scope, "delivered", "old") is None
        assert store.counts(scope)["delivered"] > 0
