"""A run in two halves, by one process or several: the same calls, letters and account."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.flow.stopping import STOP
from pipeline.run import batch
from tests.benchmarks.bench_calls import generated

ROOT = Path(__file__).resolve().parents[2]
LOOKED_UP = ("GET /me", "GET /data_attributes", "POST /data_attributes", "GET /companies")
"""What each process may ask for itself."""

Run = Callable[..., SimpleNamespace]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Some of everything: leads, links, shared companies, deletions, and lines that are refused."""
    path = tmp_path / "events.jsonl"
    lines = [line for line in generated(1500, 60, 7) if b"\n" not in line]
    visitors = [
        json.dumps({
            "type": "track", "anonymousId": f"a{number % 40}", "event": "Landed",
            "messageId": f"v{number}", "timestamp": f"2024-01-01T00:{number % 60:02}:00Z",
        }).encode()
        for number in range(200)
    ]  # fmt: skip
    signed_in = [
        json.dumps({
            "type": "identify", "anonymousId": f"a{number % 40}", "userId": f"w{number % 7}",
            "messageId": f"i{number}", "timestamp": f"2024-01-01T00:{number % 60:02}:30Z",
            "traits": {"company": {"id": f"c{number % 5}", "plan": number}},
        }).encode()
        for number in range(100)
    ]  # fmt: skip
    path.write_bytes(b"\n".join([*lines, *visitors, b"", *signed_in, b"{}", b"not json"]))
    return path


@pytest.fixture
def run(
    events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Runs everything into an emulator of its own, with more options."""
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")
    number = iter(range(100))

    def run(*options: str) -> SimpleNamespace:
        folder = tmp_path / str(next(number))
        folder.mkdir()
        with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
            code = exit_code_of([
                "run", "--input", str(events), "--endpoint", emulator.url, "--quiet",
                "--dead-letters", str(folder / "dead"), "--summary", str(folder / "s.json"),
                "--set", "anonymous=lead", "--set", "event_name_limit=20", *options,
            ])  # fmt: skip
            state, requests = emulator.canonical_state, emulator.requests
        _, err = capfd.readouterr()
        assert code == 0, err
        assert "Traceback" not in err
        return SimpleNamespace(
            summary=json.loads((folder / "s.json").read_text()),
            letters=letters(folder / "dead"),
            calls=Counter(f"{one['method']} {one['route']}" for one in requests),
            people=by_person(requests),
            state=state,
        )

    return run


def letters(folder: Path) -> list[tuple[str, str, str]]:
    found = [
        json.loads(line)
        for file in folder.glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    return sorted((letter["id"], letter["reason"], letter["origin"]) for letter in found)


def by_person(requests: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The calls about each person, in their order; the emulator's own ids differ."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in requests:
        who = (one["external_id"] or "", "" if one["external_id"] else one["contact_id"] or "")
        if any(who):
            found[who].append(f"{one['method']} {one['route']}")
    return sorted((name, calls) for (name, _), calls in found.items())


def account(summary: dict[str, Any]) -> dict[str, Any]:
    """What of a summary must be the same in every run."""
    parts = ("received", "delivered", "skipped", "merged", "dead")
    calls = {call: n for call, n in summary["calls"].items() if call not in LOOKED_UP}
    # Of two who find that an attribute is missing at the same moment only one creates it.
    warnings = {what: n for what, n in summary["warnings"].items() if what != "attribute_created"}
    return {**{part: summary[part] for part in parts}, "calls": calls, "warnings": warnings}


def same(one: SimpleNamespace, other: SimpleNamespace) -> None:
    assert account(one.summary) == account(other.summary)
    assert one.letters == other.letters
    assert one.people == other.people
    assert one.state == other.state


def test_the_halves_do_what_the_whole_graph_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    halves = run()
    monkeypatch.setattr(batch, "is_cut", lambda options: False)
    same(halves, run())
    assert halves.summary["dead"]["event_name_cap"] > 0
    assert halves.summary["merged"]["coalesced"] > 0


@pytest.mark.integration
@pytest.mark.parametrize("processes", ["2", "3"])
def test_several_processes_do_what_one_does(
    run: Run, processes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.run.inputs._SMALLEST_SLICE", 10_000)
    same(run(), run("--processes", processes))


def start(
    emulator: Emulator, source: Path, folder: Path, *options: str
) -> tuple[subprocess.Popen[bytes], Path]:
    """A run of two processes in one of its own, when they have begun to deliver."""
    command = [
        sys.executable, "-m", "pipeline", "run", "--endpoint", emulator.url, "--quiet",
        "--input", str(source), "--summary", str(folder / "s.json"), "--processes", "2",
        "--dead-letters", str(folder / "dead"), "--state", f"sqlite:///{folder / 's.db'}", *options,
    ]  # fmt: skip
    environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "t", "TMPDIR": str(folder)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    wait_for(lambda: len(emulator.requests) > 60)
    return process, folder / "dead"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in path.read_text().split()]


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def slow() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None, latency_ms=60)) as emulator:
        yield emulator


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_several_processes_that_are_interrupted_account_for_everything(
    slow: Emulator, events: Path, tmp_path: Path, number: int
) -> None:
    process, dead = start(slow, events, tmp_path)
    process.send_signal(number)
    _, err = process.communicate(timeout=90)
    summary = json.loads((tmp_path / "s.json").read_text())
    parts = [sum(summary[group].values()) for group in ("skipped", "merged", "dead")]
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert summary["received"] == summary["delivered"] + sum(parts)
    assert summary["dead"]["undelivered"] > 0
    assert len(letters(dead)) == sum(summary["dead"].values())


@pytest.mark.integration
def test_a_process_that_is_told_to_stop_stops_the_run_in_order(
    slow: Emulator, events: Path, tmp_path: Path
) -> None:
    process, dead = start(slow, events, tmp_path)
    os.kill(children_of(process)[0], signal.SIGTERM)
    _, err = process.communicate(timeout=90)
    summary = json.loads((tmp_path / "s.json").read_text())
    assert process.returncode == 130, err
    assert len(letters(dead)) == sum(summary["dead"].values())
    assert summary["dead"]["undelivered"] > 0


@pytest.mark.integration
def test_a_process_that_is_killed_fails_the_run_and_the_others_stop_in_order(
    slow: Emulator, events: Path, tmp_path: Path
) -> None:
    process, dead = start(slow, events, tmp_path)
    victim, other = children_of(process)
    os.kill(victim, signal.SIGKILL)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 70, err
    assert b"SIGKILL" in err
    assert b"Traceback" not in err
    assert not is_alive(other)
    assert "undelivered" in {reason for _, reason, _ in letters(dead)}
    assert list(tmp_path.glob("penstock-run-*")) == []


@pytest.mark.integration
def test_without_the_process_that_started_it_a_run_ends_in_order(
    slow: Emulator, events: Path, tmp_path: Path
) -> None:
    process, dead = start(slow, events, tmp_path)
    children = children_of(process)
    process.kill()
    process.communicate(timeout=90)
    wait_for(lambda: not any(map(is_alive, children)))
    assert "undelivered" in {reason for _, reason, _ in letters(dead)}
    # The next run tidies up.
    assert list(tmp_path.glob("penstock-run-*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path))
        patch.setattr("tempfile.tempdir", None)
        exit_code_of([
            "run", "--input", str(events), "--destination", "null", "--quiet",
            "--dead-letters", str(dead),
        ])  # fmt: skip
    assert list(tmp_path.glob("penstock-run-*")) == []


@pytest.mark.integration
def test_the_rate_of_a_run_is_shared_by_its_processes(events: Path, tmp_path: Path) -> None:
    with Emulator(settings=EmulatorSettings(token=None, limit=200)) as emulator:
        process, _ = start(emulator, events, tmp_path)
        process.communicate(timeout=120)
        refused = [one for one in emulator.requests if one["status"] == 429]
    assert process.returncode == 0
    assert len(refused) <= 2


@pytest.mark.parametrize("option", ["--runner=DirectRunner", "--runner=PortableRunner"])
def test_processes_are_of_this_machine(run: Run, option: str, events: Path) -> None:
    assert exit_code_of(["run", "--input", str(events), "--processes", "2", option]) == 2


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody stops the run before the first line is read."""
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")

    def stop(*args: object, **options: object) -> int:
        STOP.stop("interrupted by SIGINT")
        return 1

    monkeypatch.setattr("pipeline.run.local.partitions_for", stop)


@pytest.mark.usefixtures("stopped")
def test_a_run_that_is_stopped_while_it_reads_leaves_its_files_for_the_next(
    slow: Emulator, events: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    dead = tmp_path / "dead"
    code = exit_code_of([
        "run", "--input", str(events), "--endpoint", slow.url, "--quiet",
        "--dead-letters", str(dead),
    ])  # fmt: skip
    assert code == 130
    assert "nothing was sent yet" in capfd.readouterr().err
    assert letters(dead) == []
    assert [one["route"] for one in slow.requests] == ["/me"]


@pytest.mark.usefixtures("stopped")
def test_standard_input_is_kept_when_the_run_is_stopped_while_it_reads(
    slow: Emulator, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, summary = tmp_path / "dead", tmp_path / "s.json"
    with events.open("rb") as source:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=source))
        code = exit_code_of([
            "run", "--input", "-", "--endpoint", slow.url, "--quiet", "--dead-letters", str(dead),
            "--summary", str(summary),
        ])  # fmt: skip
    assert code == 130
    account = json.loads(summary.read_text())
    assert account["dead"]["undelivered"] > 1000
    assert len(letters(dead)) == sum(account["dead"].values())


def test_nothing_is_sent_to_the_null_destination(run: Run) -> None:
    result = run("--destination", "null")
    assert result.calls == {}
    assert result.summary["dry_run"] is True
    assert result.summary["delivered"] > 1000
    assert result.summary["dead"]["event_name_cap"] > 0
