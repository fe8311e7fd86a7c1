"""The stream from a real Kafka on a real Flink, undisturbed and with a task manager killed."""

from __future__ import annotations

import functools
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from tests.flink.streams import EXAMPLES, committed, produce, streaming, until
from tests.services.flink import FlinkCluster
from tests.services.kafka import KafkaBroker

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")


def in_batch(lines: list[bytes], place: Path) -> Any:
    """What a run on this machine leaves in the destination."""
    source = place / "events.jsonl"
    source.write_bytes(b"".join(lines))
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        args = ["run", "--input", str(source), "--endpoint", emulator.url, "--quiet",
                "--dead-letters", str(place / "dead-batch")]  # fmt: skip
        assert exit_code_of(args) == 0
        return emulator.canonical_state


def test_the_examples_through_kafka_leave_the_state_of_a_local_batch(
    cluster: FlinkCluster, broker: KafkaBroker, tmp_path: Path
) -> None:
    lines = EXAMPLES.read_bytes().splitlines(keepends=True)
    topic = broker.create_topic(partitions=2)
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        place = tmp_path / "stream"
        with streaming(cluster, broker, topic, emulator.url, place, hold_back=60) as stream:
            produce(broker, topic, [line.rstrip(b"\n") for line in lines]).join()
            read = functools.partial(committed, broker, topic, partitions=2)
            until(lambda: read() == len(lines), seconds=240)
            before = len(emulator.requests)
            assert stream.drain() == "FINISHED"
            assert len(emulator.requests) > before, "nothing was held when it was drained"
            assert stream.checkpoints()["completed"] > 0
        found = emulator.canonical_state
    assert found == in_batch(lines, tmp_path)


PEOPLE = 120
TRACKS = 8


def shop(*, people: int = PEOPLE, tracks: int = TRACKS) -> list[bytes]:
    """People who sign up, belong to a company, and then order; in the order of their times."""
    events: list[tuple[int, dict[str, Any]]] = []
    for number in range(people):
        user = f"user-{number}"
        company = f"company-{number % 10}"
        begin = 1_709_251_200 + number
        traits = {"email": f"{user}@example.com", "name": f"Person {number}"}
        events.append((begin, {"type": "identify", "userId": user, "traits": traits}))
        named = {"name": f"Company {number % 10}", "plan": f"plan {number}"}
        events.append(
            (begin + 1, {"type": "group", "userId": user, "groupId": company, "traits": named})
        )
        for track in range(tracks):
            event = {"type": "track", "userId": user, "event": "Order Completed"}
            events.append((begin + 200 * (track + 1), event))
    events.sort(key=lambda event: event[0])
    return [
        json.dumps({**event, "messageId": f"m{number}", "timestamp": stamp(time)}).encode()
        for number, (time, event) in enumerate(events)
    ]


def stamp(time: int) -> str:
    """A moment as the events write it."""
    return datetime.fromtimestamp(time, UTC).isoformat()


def stored(emulator: Emulator) -> Counter[tuple[str, int]]:
    """Whose events of which second the destination holds, counted without the pipeline's code."""
    contacts = emulator.canonical_state["contacts"]
    return Counter(
        (person, event[1]) for person, contact in contacts.items() for event in contact["events"]
    )


def expected(lines: list[bytes]) -> Counter[tuple[str, int]]:
    """The same of the input."""
    events = [json.loads(line) for line in lines]
    return Counter(
        (event["userId"], int(datetime.fromisoformat(event["timestamp"]).timestamp()))
        for event in events
        if event["type"] == "track"
    )


def test_a_task_manager_killed_in_the_middle_loses_and_doubles_nothing(
    cluster: FlinkCluster, broker: KafkaBroker, tmp_path: Path
) -> None:
    lines = shop()
    topic = broker.create_topic(partitions=2)
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        place = tmp_path / "stream"
        with streaming(cluster, broker, topic, emulator.url, place) as stream:
            produced = produce(broker, topic, lines, a_second=60)
            until(lambda: len(emulator.requests) > 200, seconds=240)
            assert produced.is_alive(), "the kill comes too late"
            victim = cluster.task_managers[stream.task_manager()]
            victim.kill()
            produced.join()
            until(lambda: stream.checkpoints()["restored"] > 0, seconds=240)
            until(lambda: len(stored(emulator)) == PEOPLE * TRACKS, seconds=240)
            assert stream.drain() == "FINISHED"
        victim.start()
        found, events = emulator.canonical_state, stored(emulator)
    assert not list((place / "dead").glob("*"))
    assert events == expected(lines)
    assert found == in_batch([line + b"\n" for line in lines], tmp_path)
