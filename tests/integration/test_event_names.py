"""The event-name budget end to end: ``penstock run`` against the emulator, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of

Run = Callable[..., SimpleNamespace]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        emulator.seed(contacts=[{"external_id": f"u{number}"} for number in range(5)])
        yield emulator


@pytest.fixture
def penstock(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> Run:
    """Runs a command with the state and the endpoint of the test."""
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")

    def penstock(*args: str) -> SimpleNamespace:
        state = f"sqlite:///{tmp_path / 'state.db'}"
        code = exit_code_of([*args, "--state", state, "--endpoint", emulator.url])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return penstock


@pytest.fixture
def run(penstock: Run, tmp_path: Path) -> Run:
    """Runs events through; takes them and settings."""

    def run(*events: dict[str, Any], options: tuple[str, ...] = (), **settings: Any) -> Any:
        source, summary = tmp_path / "events.jsonl", tmp_path / "summary.json"
        source.write_text("".join(json.dumps(event) + "\n" for event in events))
        dead = tmp_path / "dead"
        before = set(dead.glob("*.jsonl"))
        args = ["run", "--input", str(source), "--dead-letters", str(dead)]
        args += ["--summary", str(summary), *options]
        for name, value in settings.items():
            args += ["--set", f"{name}={value}"]
        result = penstock(*args)
        result.summary = json.loads(summary.read_text())
        result.letters = [
            json.loads(line)
            for file in sorted(set(dead.glob("*.jsonl")) - before)
            for line in file.read_text().splitlines()
        ]
        return result

    return run


def track(name: str, at: int, user: str = "u0") -> dict[str, Any]:
    return {
        "type": "track",
        "userId": user,
        "event": name,
        "messageId": f"{name} {at} {user}",
        "timestamp": 1_700_000_000 + at,
        "properties": {},
    }


def sent(emulator: Emulator) -> list[str]:
    """The names of every event that was submitted, refused ones among them."""
    return [
        entry["body"]["event_name"] for entry in emulator.requests if entry["path"] == "/events"
    ]


def test_t10_the_first_names_by_event_time_get_the_places(run: Run, emulator: Emulator) -> None:
    events = [
        track("Later", 50, "u1"),
        track("Second", 20, "u2"),
        track("First", 10, "u3"),
        track("SECOND", 90, "u4"),
        track("Later", 5_000, "u0"),
    ]
    result = run(*events, event_name_limit=2)
    assert result.code == 0
    assert sorted(sent(emulator)) == ["First", "SECOND", "Second"]
    assert result.summary["delivered"] == 3
    assert result.summary["dead"] == {"event_name_cap": 2}
    for letter in result.letters:
        assert (letter["stage"], letter["reason"]) == ("admit", "event_name_cap")
        assert letter["event"]["name"] == "Later"
        ((detail,),) = [letter["details"]]
        for word in ("'Later'", "takes 2 active names", "event-names archive"):
            assert word in detail["message"]


def test_the_same_names_whatever_the_order_of_the_file(run: Run, tmp_path: Path) -> None:
    events = [track(f"n{at % 7}", at, f"u{at % 5}") for at in range(40)]
    dead = []
    for order in (events, events[::-1], events[20:] + events[:20]):
        (tmp_path / "state.db").unlink(missing_ok=True)
        result = run(*order, event_name_limit=3)
        dead.append(sorted(json.dumps(letter["raw"]) for letter in result.letters))
    assert dead[0] == dead[1] == dead[2]
    assert len(dead[0]) == sum(at % 7 >= 3 for at in range(40))


def test_names_keep_their_places_in_later_runs(run: Run, emulator: Emulator) -> None:
    run(track("Kept", 100), event_name_limit=1)
    result = run(track("Earlier", 1), track("kept", 200), event_name_limit=1)
    assert sent(emulator) == ["Kept", "kept"]
    assert [letter["reason"] for letter in result.letters] == ["event_name_cap"]


def test_skipped_and_refused_events_take_no_place(run: Run, emulator: Emulator) -> None:
    off = {**track("Off", 1), "integrations": {"Intercom": False}}
    nobody = {**track("Nobody", 2), "userId": None, "anonymousId": "a"}
    result = run(off, nobody, track("Wanted", 3), event_name_limit=1)
    assert sent(emulator) == ["Wanted"]
    assert result.summary["dead"] == {"missing_identity": 1}


def test_a_denied_name_is_skipped_and_takes_no_place(run: Run, emulator: Emulator) -> None:
    result = run(
        track("Noise.Made", 1),
        track("Wanted", 2),
        event_name_limit=1,
        deny_event_names="noise-MADE",
    )
    assert sent(emulator) == ["Wanted"]
    assert result.summary["skipped"] == {"filtered": 1}


def test_a_pinned_name_has_a_place_though_it_comes_last(run: Run, emulator: Emulator) -> None:
    events = [track("A", 1), track("B", 2), track("Important", 3)]
    run(*events, event_name_limit=2, pin_event_names="important")
    assert sent(emulator) == ["A", "Important"]


def test_overflow_can_be_dropped(run: Run, emulator: Emulator) -> None:
    result = run(track("A", 1), track("B", 2), event_name_limit=1, event_name_overflow="drop")
    assert result.summary["skipped"] == {"event_name_cap": 1}
    assert (result.summary["dead"], result.letters) == ({}, [])


def test_a_warning_comes_before_the_places_are_gone(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = run(*(track(f"n{at}", at) for at in range(8)), event_name_limit=10)
    assert "event_names_near_limit" not in quiet.summary["warnings"]
    near = run(*(track(f"n{at}", at) for at in range(9)), event_name_limit=10)
    assert near.summary["warnings"] == {"event_names_near_limit": 1}
    over = run(*(track(f"n{at}", at) for at in range(12)), event_name_limit=10)
    assert over.summary["warnings"] == {"event_names_near_limit": 1}
    assert over.summary["dead"] == {"event_name_cap": 2}
    assert caplog.messages == [
        "9 of 10 event names are taken",
        "10 of 10 event names are taken; no room for 'n10', 'n11'",
    ]


def test_settings_that_cannot_be_right_stop_the_run_before_it_starts(
    penstock: Run, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "e.jsonl").write_text("")
    result = penstock("run", "--input", str(tmp_path / "e.jsonl"), "--set", "event_name_limit=0")
    assert (result.code, emulator.requests) == (2, [])
    assert "event_name_limit" in result.err


def test_what_the_api_refuses_is_tried_once_and_holds_no_place(
    run: Run, penstock: Run, emulator: Emulator
) -> None:
    emulator.change_settings(event_name_limit=2)
    events = [track(name, at, "u0") for at, name in enumerate("ABCCCD")]
    result = run(*events, options=("--concurrency", "1"))
    assert sent(emulator) == ["A", "B", "C", "D"]
    assert result.summary["delivered"] == 2
    assert result.summary["dead"] == {"event_name_cap": 4}
    assert {letter["stage"] for letter in result.letters} == {"deliver"}
    listed = json.loads(penstock("event-names", "ls", "--format", "json").out)
    assert (listed["taken"], listed["limit"]) == (2, 120)
    states = {one["name"]: one["state"] for one in listed["names"]}
    assert states == {"A": "active", "B": "active", "C": "refused", "D": "refused"}


def test_the_next_run_tries_again_what_the_api_refused(run: Run, emulator: Emulator) -> None:
    emulator.change_settings(event_name_limit=1)
    run(track("A", 1), track("B", 2))
    emulator.change_settings(event_name_limit=2)
    assert run(track("A", 1), track("B", 2)).summary["delivered"] == 1
    assert sent(emulator) == ["A", "B", "B"]


def test_a_dry_run_writes_nothing_down(run: Run, emulator: Emulator, tmp_path: Path) -> None:
    result = run(track("A", 1), track("B", 2), options=("--dry-run",), event_name_limit=1)
    assert result.summary["dead"] == {"event_name_cap": 1}
    assert emulator.requests == []
    assert not (tmp_path / "state.db").exists()


def test_archiving_a_name_makes_room_for_another(
    run: Run, penstock: Run, emulator: Emulator
) -> None:
    run(track("Old", 1), event_name_limit=1)
    assert penstock("event-names", "archive", "OLD").code == 0
    result = run(track("Old", 2), track("New", 3), event_name_limit=1)
    assert sent(emulator) == ["Old", "New"]
    assert "was archived" in json.dumps(result.letters)
    table = penstock("event-names", "ls", "--set", "event_name_limit=1").out
    assert "archived  first 2023-11-14  last 2023-11-14  'Old'" in table
    assert "1 of 1 places are taken" in table


def test_the_command_pins_and_forgets(run: Run, penstock: Run, emulator: Emulator) -> None:
    limit = ("--set", "event_name_limit=1")
    assert penstock("event-names", "pin", "Kept.Free", *limit).code == 0
    assert penstock("event-names", "pin", "Another", *limit).code == 2
    run(track("A", 1), track("kept-free", 2), event_name_limit=1)
    assert sent(emulator) == ["kept-free"]
    assert penstock("event-names", "forget", "KEPT-free", *limit).code == 0
    assert json.loads(penstock("event-names", "ls", "--format", "json").out)["names"] == []
    run(track("A", 1), event_name_limit=1)
    assert sent(emulator) == ["kept-free", "A"]


def test_the_command_names_a_mistake_in_one_sentence(penstock: Run) -> None:
    penstock("event-names", "pin", "somebody")
    for args in (("forget", "nobody"), ("archive", "nobody")):
        result = penstock("event-names", *args)
        assert result.code == 2
        assert "no event name 'nobody' is known" in result.err


def test_the_command_loads_no_beam(tmp_path: Path) -> None:
    args = ["event-names", "pin", "A", "--state", f"sqlite:///{tmp_path / 'state.db'}"]
    program = (
        "import sys; from pipeline.cli.main import exit_code_of\n"
        f"sys.exit(exit_code_of({args!r}) or 'apache_beam' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
