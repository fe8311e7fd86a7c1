"""A real broker, an emulator in a process of its own, and streams that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.chaos.conftest import ROOT, EmulatorProcess
from tests.services.kafka import KafkaBroker

FULL = bool(os.environ.get("PENSTOCK_KAFKA"))
"""Whether the kills are carried out as well; they take minutes."""

long = pytest.mark.skipif(not FULL, reason="takes minutes: make kafka-test")


def event(person: int, number: int) -> dict[str, Any]:
    """What a person does: first who it is, then tracks; every one in a second of its own."""
    common = {
        "messageId": f"m-{person}-{number}",
        "userId": f"u{person}",
        "timestamp": 1_700_000_000 + number,
    }
    if number == 0:
        return common | {"type": "identify", "traits": {"name": f"Person {person}"}}
    return common | {"type": "track", "event": "Order Completed"}


def tracked(people: int, numbers: int) -> dict[str, list[int]]:
    """What Intercom must have of so many people with so many events each."""
    times = [1_700_000_000 + number for number in range(1, numbers)]
    return {f"u{person}": times for person in range(people)}


class Topic:
    """A new topic of the broker."""

    def __init__(self, broker: KafkaBroker, **settings: Any) -> None:
        self.broker = broker
        self.name = broker.create_topic(**settings)
        self.url = f"kafka://{broker.bootstrap}/{self.name}"
        self._producer = Producer({"bootstrap.servers": broker.bootstrap, "acks": "all",
                                   "message.max.bytes": 20 << 20, "log_level": 0})  # fmt: skip

    def send(self, values: Iterable[tuple[str | None, bytes | None]]) -> None:
        """Write messages, and wait until they are there."""
        for key, value in values:
            self._producer.produce(self.name, value, key=key)
        assert self._producer.flush(60) == 0

    def send_events(self, events: Iterable[dict[str, Any]]) -> None:
        """Write events, each person's into one partition."""
        self.send((one["userId"], json.dumps(one).encode()) for one in events)

    def records(self) -> list[Any]:
        """Every message there is now, as JSON."""
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": "reader",
                             "auto.offset.reset": "earliest", "log_level": 0})  # fmt: skip
        ends = {}
        for number in consumer.list_topics(self.name, timeout=20).topics[self.name].partitions:
            partition = TopicPartition(self.name, number, 0)
            first, end = consumer.get_watermark_offsets(partition, timeout=20)
            if end > first:
                ends[number] = end
        consumer.assign([TopicPartition(self.name, number, 0) for number in ends])
        found = []
        while ends:
            message = consumer.poll(20)
            assert message is not None
            assert message.error() is None
            found.append(json.loads(message.value()))
            if message.offset() + 1 >= ends[message.partition()]:
                del ends[message.partition()]
        consumer.close()
        return found

    def committed(self) -> int:
        """How far the group of its name is, all partitions together."""
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": self.name,
                             "log_level": 0})  # fmt: skip
        numbers = consumer.list_topics(self.name, timeout=20).topics[self.name].partitions
        found = consumer.committed([TopicPartition(self.name, number) for number in numbers], 20)
        consumer.close()
        return sum(max(0, one.offset) for one in found)


@pytest.fixture
def make_topic(kafka_broker: KafkaBroker) -> Callable[..., Topic]:
    """Makes topics."""
    return lambda **settings: Topic(kafka_broker, **settings)


@pytest.fixture
def emulator() -> Iterator[EmulatorProcess]:
    """An emulated Intercom."""
    running = EmulatorProcess()
    yield running
    running.close()


class Streams:
    """Starts ``penstock run --streaming`` in processes of their own."""

    def __init__(self, work: Path, emulator: EmulatorProcess) -> None:
        self._work = work
        self._emulator = emulator
        self._started: list[subprocess.Popen[str]] = []
        self.summary = work / "summary.json"

    def start(self, source: str, *options: str, state: str = "") -> subprocess.Popen[str]:
        """One that goes on."""
        state = state or f"sqlite:///{self._work / 'state.db'}"
        group = source.rpartition("/")[2]
        command = [
            sys.executable, "-m", "pipeline", "run", "--streaming", "--input", source,
            "--endpoint", self._emulator.url, "--state", state, "--group", group,
            "--hold-back", "0.5", "--quiet", "--summary", str(self.summary),
            *([] if "--dead-letters" in options else ["--dead-letters", str(self._work / "dead")]),
            *options,
        ]  # fmt: skip
        environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "kafka"}
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        self._started.append(process)
        return process

    def run(self, source: str, *options: str, idle: int = 8) -> tuple[int, Any, str]:
        """One that ends when nothing comes: exit code, summary, what it said."""
        self.summary.unlink(missing_ok=True)
        process = self.start(source, "--until-idle", str(idle), *options)
        _, said = process.communicate(timeout=240)
        found = json.loads(self.summary.read_text()) if self.summary.exists() else None
        return process.returncode, found, said

    def letters(self) -> list[Any]:
        """The dead letters of the directory."""
        return [
            json.loads(line)
            for file in sorted((self._work / "dead").glob("*.jsonl"))
            for line in file.read_text().splitlines()
        ]

    def close(self) -> None:
        """Kill what is left."""
        for process in self._started:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


@pytest.fixture
def streams(tmp_path: Path, emulator: EmulatorProcess) -> Iterator[Streams]:
    """Starts streams; kills what is left of them."""
    started = Streams(tmp_path, emulator)
    yield started
    started.close()


def stored(emulator: EmulatorProcess) -> dict[str, list[int]]:
    """Of every person the times of the events that Intercom has, as it counts them."""
    contacts = emulator.canonical_state()["contacts"]
    return {who: sorted(time for _, time, _ in one["events"]) for who, one in contacts.items()}


def sent(emulator: EmulatorProcess) -> dict[str, list[int]]:
    """Of every person the times of the events that were sent, in the order of the calls."""
    found: dict[str, list[int]] = {}
    for entry in emulator.control("GET", "/requests")["requests"]:
        if (entry["path"], entry["status"]) == ("/events", 202):
            found.setdefault(entry["external_id"], []).append(entry["body"]["created_at"])
    return found


def wait_for(what: Callable[[], object], seconds: float = 120.0) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.2)


def drain(process: subprocess.Popen[str]) -> int:
    """End a stream in order."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    return process.returncode
