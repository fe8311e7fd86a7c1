"""The destination goes away in the middle of a run, and comes back; or it does not."""

import itertools
import json
import threading
import time

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from destinations.intercom.emulator.server import Server
from pipeline.cli.main import exit_code_of
from pipeline.flow.breaker import OutagePolicy
from pipeline.flow.retrying import RetryPolicy
from pipeline.run import wiring

PEOPLE, TRACKS = 12, 12


@pytest.fixture
def emulator():
    settings = EmulatorSettings(token=None, limit=None, latency_ms=20)
    with Emulator(settings=settings) as emulator:
        yield emulator


@pytest.fixture
def quick(monkeypatch):
    """Probes that come in tenths of a second: a short outage tells what a long one would."""

    def policy(**options):
        return OutagePolicy(probes=RetryPolicy(first=0.1, cap=0.2), **options)

    monkeypatch.setattr(wiring, "OutagePolicy", policy)


@pytest.fixture
def run(emulator, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")
    events = []
    for who in range(PEOPLE):
        person = {"userId": f"u{who}", "messageId": f"i{who}", "timestamp": 1_700_000_000}
        events.append(person | {"type": "identify", "traits": {"name": f"Person {who}"}})
        for number in range(TRACKS):
            track = {"type": "track", "event": "Order Completed", "messageId": f"t{who}-{number}"}
            events.append(person | track | {"timestamp": 1_700_000_001 + number})
    source = tmp_path / "events.jsonl"
    source.write_text("".join(json.dumps(event) + "\n" for event in events))

    def run(*options):
        arguments = [
            "run", "--input", str(source), "--endpoint", emulator.url, "--concurrency", "6",
            "--dead-letters", str(tmp_path / "dead"), "--state", f"sqlite:///{tmp_path}/state.db",
            "--summary", str(tmp_path / "summary.json"), *options,
        ]  # fmt: skip
        code = exit_code_of(arguments)
        letters = [
            json.loads(line)["reason"]
            for file in (tmp_path / "dead").glob("*.jsonl")
            for line in file.read_text().splitlines()
        ]
        summary = json.loads((tmp_path / "summary.json").read_text())
        return code, summary, letters, capfd.readouterr().err

    return run


def stored(emulator):
    """The events of every person, as the emulator took them in; one sent again counts once."""
    taken = {}
    for entry in emulator.requests:
        if (entry["path"], entry["status"]) == ("/events", 202):
            taken.setdefault(entry["contact_id"], []).append(entry["body"]["created_at"])
    return {who: [time for time, _ in itertools.groupby(times)] for who, times in taken.items()}


def after_events(emulator, number, action):
    """Do something, once, when so many calls have come."""

    def wait():
        while len(emulator.application.log) < number:
            time.sleep(0.005)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def everything(emulator):
    wanted = [1_700_000_001 + number for number in range(TRACKS)]
    taken = stored(emulator)
    contacts = emulator.canonical_state["contacts"].values()
    once = all(len(contact["events"]) == TRACKS for contact in contacts)
    return once and len(taken) == PEOPLE and all(times == wanted for times in taken.values())


@pytest.mark.integration
def test_an_outage_loses_nothing_and_keeps_the_order(emulator, run, quick, caplog):
    """Nobody listens for two seconds; then a new listener with the same workspace does."""
    address = emulator._server.address

    def outage():
        emulator.stop()
        time.sleep(2)
        emulator._server = Server(address, emulator.application)
        emulator._thread = threading.Thread(target=emulator._server.serve, daemon=True)
        emulator._thread.start()

    thread = after_events(emulator, 60, outage)
    code, summary, letters, _ = run()
    thread.join()
    assert (code, letters) == (0, [])
    assert summary["delivered"] == summary["received"] == PEOPLE * (1 + TRACKS)
    assert everything(emulator)
    assert "most calls fail" in caplog.text
    assert "answers again" in caplog.text
    failed = sum(statuses.get("0", 0) for statuses in summary["calls"].values())
    assert failed <= 6 + 6 + 25  # those under way, their first retries, the probes


@pytest.mark.integration
def test_an_outage_with_answers_loses_nothing_either(emulator, run, quick):
    def outage():
        emulator.add_fault("html", status=503, times=None)
        time.sleep(2)
        emulator.clear_faults()

    thread = after_events(emulator, 60, outage)
    code, summary, letters, _ = run()
    thread.join()
    assert (code, letters) == (0, [])
    assert summary["delivered"] == PEOPLE * (1 + TRACKS)
    assert everything(emulator)


@pytest.mark.integration
def test_an_outage_that_is_too_long_stops_the_run_and_keeps_what_was_not_sent(emulator, run, quick):
    thread = after_events(emulator, 60, lambda: emulator.add_fault("reset_before", times=None))
    code, summary, letters, err = run("--max-outage", "0.02")
    thread.join()
    assert code == 6
    assert "the destination was down for too long; what was not sent is in the dead letters" in err
    assert (summary["halted"], summary["outage"]) == (True, True)
    assert set(letters) == {"undelivered"}
    assert summary["delivered"] + len(letters) == summary["received"] == PEOPLE * (1 + TRACKS)
    emulator.clear_faults()
    for times in stored(emulator).values():
        assert times == sorted(times)
    code, summary, _, _ = run()
    assert (code, summary["dead"]) == (0, {})
    assert everything(emulator)
