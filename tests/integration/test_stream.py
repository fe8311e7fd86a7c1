"""`penstock run --streaming` on one machine, against the emulator: order, restarts, kills, ends."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as running:
        yield running


class Stream:
    """A stream over a watched directory, in a process of its own."""

    def __init__(self, work: Path, url: str) -> None:
        self.work = work
        self.inbox = work / "in"
        self.inbox.mkdir(parents=True)
        self.url = url
        self.process: subprocess.Popen[str] | None = None
        self.numbers = itertools.count()

    def arguments(self, *options: str) -> list[str]:
        return [
            "run", "--streaming", "--input", f"watch:{self.inbox}", "--endpoint", self.url,
            "--state", f"sqlite:///{self.work / 'state.db'}", "--hold-back", "1",
            "--dead-letters", str(self.work / "dead"), "--linger", "0.2",
            "--summary", str(self.work / "summary.json"), "--quiet", *options,
        ]  # fmt: skip

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipeline", *self.arguments(*options)]
        environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "t"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )
        return self.process

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        _, self.err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def write(self, *events: dict[str, Any], file: str = "events.jsonl") -> None:
        with (self.inbox / file).open("a") as target:
            target.writelines(json.dumps(event) + "\n" for event in events)

    def summary(self) -> Any:
        return json.loads((self.work / "summary.json").read_text())

    def letters(self) -> list[Any]:
        return [
            json.loads(line)
            for file in (self.work / "dead").glob("*.jsonl")
            for line in file.read_text().splitlines()
        ]


@pytest.fixture
def stream(tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")
    started = Stream(tmp_path / "work", emulator.url)
    yield started
    if started.process is not None:
        started.process.kill()
        if started.process.stderr is not None:
            started.process.stderr.close()
        started.process.wait()


def wait_until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


def identify(who: str, at: float, **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": who, "messageId": f"i-{who}-{at}", "timestamp": at,
            "traits": {"name": who, **traits}}  # fmt: skip


def track(who: str, number: int, at: float) -> dict[str, Any]:
    return {"type": "track", "event": "Order Completed", "userId": who, "timestamp": at,
            "messageId": f"t-{who}-{number}"}  # fmt: skip


def people(count: int, tracks: int, start: float = 1_700_000_000) -> list[dict[str, Any]]:
    return [
        event
        for number in range(tracks)
        for who in range(count)
        for event in (
            [identify(f"u{who}", start)] if number == 0 else []
        ) + [track(f"u{who}", number, start + 1 + number)]
    ]  # fmt: skip


def taken(emulator: Emulator) -> dict[str, list[int]]:
    """The events of every person, as the emulator took them in."""
    found: dict[str, list[int]] = {}
    for entry in emulator.requests:
        if (entry["path"], entry["status"]) == ("/events", 202):
            found.setdefault(entry["contact_id"], []).append(entry["body"]["created_at"])
    return found


@pytest.mark.integration
def test_events_of_a_growing_file_arrive_in_order_and_a_restart_goes_on(
    stream: Stream, emulator: Emulator
) -> None:
    process = stream.start()
    now = int(time.time())
    stream.write(track("ada", 1, now - 1), identify("ada", now - 2), track("ada", 3, now + 1))
    stream.write(track("ada", 2, now))
    wait_until(lambda: sum(map(len, taken(emulator).values())) == 3, process)
    assert stream.end() == 0, stream.err
    assert list(taken(emulator).values()) == [[now - 1, now, now + 1]]
    first = stream.summary()
    assert (first["received"], first["delivered"], first["returned"]) == (4, 4, 0)

    calls = len(emulator.requests)
    stream.write(track("ada", 4, now + 2))
    assert exit_code_of(stream.arguments("--until-idle", "1")) == 0
    assert stream.summary()["received"] == 1
    assert list(taken(emulator).values()) == [[now - 1, now, now + 1, now + 2]]
    assert len(emulator.requests) <= calls + 3  # who we are, perhaps the contact, the event


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_delivers_what_was_read_and_ends_well(
    stream: Stream, emulator: Emulator, number: int
) -> None:
    process = stream.start("--hold-back", "60")
    stream.write(*people(5, 4, time.time()))
    (stream.inbox / "more.jsonl").write_text("junk\n")
    wait_until(stream.letters, process)  # what is younger is read, the rest is held for a minute
    assert taken(emulator) == {}
    assert stream.end(number) == 0, stream.err
    summary = stream.summary()
    assert summary["received"] == 26
    assert summary["delivered"] == 25
    assert [letter["reason"] for letter in stream.letters()] == ["invalid_json"]
    assert sum(map(len, taken(emulator).values())) == 20
    assert "Traceback" not in stream.err


@pytest.mark.integration
def test_a_second_signal_stops_the_calls_and_the_rest_is_read_again(
    stream: Stream, emulator: Emulator
) -> None:
    emulator.change_settings(latency_ms=100)
    stream.write(*people(10, 8))
    process = stream.start("--concurrency", "2")
    wait_until(lambda: len(emulator.requests) >= 15, process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert stream.end() == 130, stream.err
    assert "read again at the next start" in stream.err
    assert stream.summary()["returned"] > 0
    assert stream.letters() == []

    emulator.change_settings(latency_ms=0)
    assert exit_code_of(stream.arguments("--until-idle", "1")) == 0
    assert {len(times) for times in taken(emulator).values()} == {8}
    assert all(times == sorted(times) for times in taken(emulator).values())


@pytest.mark.integration
def test_killed_at_any_moment_and_started_again_it_ends_as_an_undisturbed_one(
    stream: Stream, emulator: Emulator, tmp_path: Path
) -> None:
    events = people(20, 10)
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as undisturbed:
        calm = Stream(tmp_path / "calm", undisturbed.url)
        calm.write(*events)
        assert exit_code_of(calm.arguments("--until-idle", "1")) == 0
        expected = undisturbed.canonical_state

    emulator.change_settings(latency_ms=30)
    options = ("--batch-events", "20", "--concurrency", "4")
    for part, calls in enumerate((30, 90, 150)):
        stream.write(*events[part * 70 : (part + 1) * 70])
        process = stream.start(*options)
        wait_until(lambda calls=calls: len(emulator.requests) >= calls, process)
        process.kill()
        process.communicate()
    stream.write(*events[210:])
    assert exit_code_of(stream.arguments("--until-idle", "1")) == 0
    assert emulator.canonical_state == expected
    assert stream.letters() == []


@pytest.mark.integration
def test_an_outage_makes_no_dead_letters_and_what_was_not_sent_is_read_again(
    stream: Stream, emulator: Emulator, capfd: pytest.CaptureFixture[str]
) -> None:
    stream.write(*people(6, 5))
    emulator.add_fault("reset_before", match={"path": "/contacts"}, times=None)
    code = exit_code_of(stream.arguments("--max-outage", "0.03", "--until-idle", "5"))
    assert code == 6
    assert "read again at the next start" in capfd.readouterr().err
    summary = stream.summary()
    assert (summary["outage"], summary["dead"], stream.letters()) == (True, {}, [])
    assert summary["returned"] > 0

    emulator.clear_faults()
    assert exit_code_of(stream.arguments("--until-idle", "1")) == 0
    assert {len(times) for times in taken(emulator).values()} == {5}


@pytest.mark.integration
def test_an_outage_that_passes_is_waited_out(stream: Stream, emulator: Emulator) -> None:
    stream.write(*people(4, 3))
    emulator.add_fault("html", status=503, match={"path": "/contacts"}, times=8)
    assert exit_code_of(stream.arguments("--until-idle", "1")) == 0
    assert stream.summary()["delivered"] == 16
    assert stream.letters() == []


@pytest.mark.integration
def test_what_comes_through_standard_input_and_could_not_be_sent_is_in_the_dead_letters(
    stream: Stream, emulator: Emulator
) -> None:
    lines = "".join(json.dumps(event) + "\n" for event in people(6, 5))
    emulator.add_fault("reset_before", match={"path": "/contacts"}, times=None)
    arguments = [
        argument.replace(f"watch:{stream.inbox}", "-")
        for argument in stream.arguments("--max-outage", "0.03")
    ]
    environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "t"}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments], input=lines, cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert stream.summary()["received"] == 36
    assert len(stream.letters()) == 36 - stream.summary()["delivered"]


@pytest.mark.integration
def test_a_stream_and_a_batch_of_the_same_events_leave_the_same(
    stream: Stream, emulator: Emulator, tmp_path: Path
) -> None:
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True)[:400]
    (stream.inbox / "events.jsonl").write_bytes(b"".join(lines))
    assert exit_code_of(stream.arguments("--until-idle", "1", "--hold-back", "0")) == 0
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as other:
        batch = [
            "run", "--input", str(stream.inbox / "events.jsonl"), "--endpoint", other.url,
            "--dead-letters", str(tmp_path / "d"), "--quiet", "--state",
            f"sqlite:///{tmp_path / 'b.db'}", "--summary", str(tmp_path / "b.json"),
        ]  # fmt: skip
        assert exit_code_of(batch) == 0
        assert emulator.canonical_state == other.canonical_state
    ended = json.loads((tmp_path / "b.json").read_text())
    streamed = stream.summary()
    assert streamed["received"] == ended["received"]
    assert streamed["dead"] == ended["dead"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--input", "kafka://k:9092/t"], "has no end: add --streaming"),
        (["--input", "e.jsonl", "--hold-back", "3"], "--hold-back is an option of a stream"),
        (["--streaming", "--input", "e.jsonl"], "write watch:e.jsonl"),
        (["--streaming", "--input", "watch:."], "needs --state sqlite:///FILE"),
        (["--streaming", "--input", "pubsub://my-project/sub"], "read on Dataflow or Flink"),
        (["--streaming", "--input", "watch:/not/there"], "there is no directory"),
        (["--streaming", "--input", "-", "--plan", "p.json"], "--plan is for runs that end"),
    ],
)
def test_what_cannot_be_streamed_is_refused_in_words(
    stream: Stream, arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = exit_code_of(["run", "--endpoint", stream.url, *arguments,
                         "--dead-letters", str(stream.work / "dead")])  # fmt: skip
    assert code == 2
    err = capfd.readouterr().err
    assert told in err
    assert "Traceback" not in err


@pytest.mark.integration
def test_memory_stays_flat_over_many_micro_batches(stream: Stream) -> None:
    stream.write(*(track(f"u{number}", number, 1_700_000_000 + number) for number in range(600)))
    process = stream.start("--hold-back", "0", "--batch-events", "5", "--until-idle", "1")
    sizes = []
    while process.poll() is None:
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            sizes.append(pages * 4096 / 1e6)
        time.sleep(0.2)
    assert process.wait() == 0
    assert stream.summary()["batches"] == 120
    half = len(sizes) // 2
    assert max(sizes[half:]) - max(sizes[:half]) < 25, sizes
