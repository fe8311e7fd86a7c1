"""A stream on the cluster, and what is written to the topic that it reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.services.flink import FlinkCluster
from tests.services.kafka import KafkaBroker

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "events.jsonl"


class Stream:
    """``penstock run --streaming`` on the cluster, in a process of its own."""

    def __init__(
        self,
        cluster: FlinkCluster,
        broker: KafkaBroker,
        topic: str,
        endpoint: str,
        place: Path,
        *,
        hold_back: float,
    ) -> None:
        self._cluster = cluster
        self.log = place / "launcher.log"
        services = {"sdks:java:io:expansion-service:shadowJar": cluster.expansion}
        command = [
            sys.executable, "-m", "pipeline", "run", "--streaming",
            "--input", f"kafka://{broker.bootstrap}/{topic}", "--group", topic,
            "--endpoint", endpoint, "--state", f"sqlite:///{place / 'state.db'}",
            "--dead-letters", str(place / "dead"), "--hold-back", str(hold_back),
            *cluster.options, "--parallelism=2", "--checkpointing_interval=3000",
            f"--beam_services={json.dumps(services)}",
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "INTERCOM_ACCESS_TOKEN": "t"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.id = self._until(self._running, seconds=240)

    def _running(self) -> str | None:
        if self._process.poll() is not None:
            raise AssertionError(self.log.read_text()[-3000:])
        for job in (self._cluster.ask("/jobs/overview") or {"jobs": []})["jobs"]:
            if job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"]:
                return str(job["jid"])
        return None

    def task_manager(self) -> int:
        """The number of a task manager that works on it."""
        vertex = self._cluster.ask(f"/jobs/{self.id}")["vertices"][0]["id"]
        subtasks = self._cluster.ask(f"/jobs/{self.id}/vertices/{vertex}")["subtasks"]
        return int(subtasks[0]["taskmanager-id"])

    def checkpoints(self) -> dict[str, int]:
        """How many checkpoints were completed, failed, restored ..."""
        found: dict[str, int] = self._cluster.ask(f"/jobs/{self.id}/checkpoints")["counts"]
        return found

    def drain(self) -> str:
        """End it in order: no more input, everything that is held is delivered; its last state."""
        self._cluster.post(f"/jobs/{self.id}/stop", {"drain": True})
        state: str = self._until(self._ended, seconds=180)
        return state

    def _ended(self) -> str | None:
        state = str(self._cluster.ask(f"/jobs/{self.id}")["state"])
        return state if state in ("FINISHED", "FAILED", "CANCELED") else None

    def cancel(self) -> None:
        """End it anyhow."""
        if self._ended() is None:
            self._cluster.cancel(self.id)
            self._until(self._ended, seconds=60)
        self._process.kill()
        self._process.wait()

    @staticmethod
    def _until(found: Callable[[], Any], *, seconds: float) -> Any:
        return until(found, seconds=seconds)


def until(found: Callable[[], Any], *, seconds: float) -> Any:
    """What ``found`` says once it says something."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.5)
    return value


@contextmanager
def streaming(
    cluster: FlinkCluster,
    broker: KafkaBroker,
    topic: str,
    endpoint: str,
    place: Path,
    *,
    hold_back: float = 3,
) -> Iterator[Stream]:
    """A stream that runs on the cluster by the time it is given; cancelled at the end."""
    place.mkdir()
    stream = Stream(cluster, broker, topic, endpoint, place, hold_back=hold_back)
    try:
        yield stream
    finally:
        stream.cancel()


def produce(
    broker: KafkaBroker, topic: str, lines: list[bytes], *, a_second: int | None = None
) -> threading.Thread:
    """Write lines to a topic, those of a person to one partition; returns the thread that does."""

    def work() -> None:
        producer = Producer(
            {"bootstrap.servers": broker.bootstrap, "acks": "all", "message.max.bytes": 8 << 20}
        )
        for number, line in enumerate(lines):
            producer.produce(topic, line, key=key_of(line))
            producer.poll(0)
            if a_second is not None and number % (a_second // 10) == 0:
                time.sleep(0.1)
        producer.flush(60)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def key_of(line: bytes) -> bytes | None:
    """Whose line it is, as far as it can be read."""
    try:
        event = json.loads(line)
        return str(event.get("userId") or event.get("anonymousId")).encode()
    except (ValueError, AttributeError):
        return None


def committed(broker: KafkaBroker, topic: str, *, partitions: int) -> int:
    """How many messages the stream's consumer group says are done with."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": topic})
    try:
        asked = [TopicPartition(topic, number) for number in range(partitions)]
        return sum(max(0, found.offset) for found in consumer.committed(asked, timeout=10))
    finally:
        consumer.close()
