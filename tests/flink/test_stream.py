"""The stream from a real Kafka on a real Flink, undisturbed and with a task manager killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from tests.flink.streams import EXAMPLES, produce, streaming, until
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
        with streaming(cluster, broker, topic, emulator.url, place) as stream:
            produce(broker, topic, [line.rstrip(b"\n") for line in lines]).join()
            until(lambda: len(emulator.requests) > 2000, seconds=240)
            assert stream.drain() == "FINISHED"
            assert stream.checkpoints()["completed"] > 0
        found = emulator.canonical_state
    assert found == in_batch(lines, tmp_path)
