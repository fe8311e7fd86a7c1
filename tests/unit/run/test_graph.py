"""The graph has the same steps, under the same names, as a batch and as a stream."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

from pipeline.errors import UsageError
from pipeline.run import cluster, graph
from pipeline.run.cluster_sources import (
    LinesOfMessages,
    LinesOfPubSub,
    ReadKafka,
    ReadSlices,
    consumer_config,
    read,
)
from pipeline.run.config import RunConfig
from pipeline.run.job import Job, check
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file
from pipeline.run.micro_batches import BatchPolicy
from pipeline.run.streaming import StreamConfig
from pipeline.run.wiring import Edges, settings
from pipeline.sources.kafka_settings import KafkaSettings
from pipeline.state.bounded import BoundedState
from pipeline.transforms.read import Line, Slice, Unreadable

SLICES = [Slice("events.jsonl", 0, None, "uncompressed", "events.jsonl")]


def job_of(*inputs: str, state: str = "sqlite://", dry_run: bool = True) -> Job:
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert plan is not None
    return check(RunConfig(inputs=inputs, dry_run=dry_run, state=state), plan)


@pytest.fixture
def job() -> Job:
    return job_of("events.jsonl")


def labels(p: beam.Pipeline) -> list[str]:
    """The names of the steps, as an engine shows them."""
    described = p.to_runner_api()
    (root,) = described.root_transform_ids
    steps = described.components.transforms
    return [steps[part].unique_name for part in steps[root].subtransforms]


def test_a_batch_and_a_stream_have_the_same_steps(job: Job) -> None:
    batch, stream = beam.Pipeline(), beam.Pipeline()
    prepare, admit, deliver = settings(job, Edges(), now=0, scope="")
    graph.build(
        batch, SLICES, prepare=prepare, admit=admit, deliver=deliver, dead_letters="d", run_id="r"
    )
    source = ReadSlices(SLICES)
    cluster.add(stream, source, job, StreamConfig(), now=0, scope="")
    assert labels(batch) == labels(stream)
    assert labels(stream) == [
        "Read", "Prepare", "ResolveAliases", "AdmitNames", "GroupByPerson", "Deliver",
        "WriteRefused", "WriteUndelivered",
    ]  # fmt: skip


def test_a_topic_is_read_by_beam_in_the_group_that_was_named() -> None:
    job = job_of("kafka://broker:9092/events", dry_run=True)
    found = read(job, StreamConfig(group="g"), [])
    assert isinstance(found, ReadKafka)


@pytest.mark.parametrize("text", ["-", "watch:."])
def test_what_only_this_machine_has_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="on this machine"):
        read(job_of(text), StreamConfig(), [])


def test_a_stream_on_a_cluster_without_a_shared_state_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")
    with pytest.raises(UsageError, match="needs a state that its workers share"):
        cluster.refuse_unshared(job_of("kafka://b:9092/t", dry_run=False))


def test_a_state_in_a_file_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")
    state = f"sqlite:///{tmp_path / 'state.db'}"
    cluster.refuse_unshared(job_of("kafka://b:9092/t", state=state, dry_run=False))
    assert "only while every worker runs on this machine" in caplog.text


def test_a_stream_on_an_engine_is_ended_there() -> None:
    config = StreamConfig(batches=BatchPolicy(until_idle=10))
    with pytest.raises(UsageError, match="--until-idle is for a stream on this machine"):
        cluster.refuse_ends(config)


def kafka(properties: Path | None) -> KafkaSettings:
    return KafkaSettings(brokers="b:9092", topic="t", group="g", properties=properties)


def test_credentials_of_a_topic_stay_references(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanisms=PLAIN\nsasl.username=ada\n"
        "sasl.password=${WORD}\nssl.ca.location=/etc/ca.pem\n"
    )
    config = consumer_config(kafka(file), {"WORD": "secret"})
    assert "secret" not in str(config)
    assert config == {
        "bootstrap.servers": "b:9092",
        "group.id": "g",
        "auto.offset.reset": "earliest",
        "config.providers": "env",
        "config.providers.env.class": (
            "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
        ),
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            'username="ada" password="${env:WORD}";'
        ),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/etc/ca.pem",
    }


def test_a_secret_in_the_file_itself_is_refused_on_a_cluster(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("sasl.mechanism=PLAIN\nsasl.username=ada\nsasl.password=secret\n")
    with pytest.raises(UsageError, match="would travel in the job's description") as caught:
        consumer_config(kafka(file), {})
    assert "=secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["ssl.keystore.key", "ssl.key.pem", "sasl.key.passphrase"])
def test_a_key_in_the_file_itself_is_refused_on_a_cluster(tmp_path: Path, name: str) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text(f"{name}=hunter2\n")
    with pytest.raises(UsageError, match="would travel in the job's description"):
        consumer_config(kafka(file), {})


def test_a_dry_run_that_does_not_end_remembers_a_bounded_number_of_things() -> None:
    with ExitStack() as stack:
        assert isinstance(cluster.OpenShared("sqlite://", "", 0)(stack), BoundedState)


def test_a_subscription_needs_its_client_and_the_refusal_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub", None)
    with pytest.raises(UsageError, match=r"pip install 'apache-beam\[gcp\]'"):
        read(job_of("pubsub://project/events"), StreamConfig(), [])


def test_a_subscription_is_read_by_beams_own_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub", ModuleType("pubsub"))
    p = beam.Pipeline(options=cluster.streaming(PipelineOptions([])))
    p | "Read" >> read(job_of("pubsub://project/events"), StreamConfig(), [])
    names: list[str] = []

    class Names(PipelineVisitor):  # type: ignore[misc]
        def visit_transform(self, node: AppliedPTransform) -> None:
            names.append(node.full_label)

    p.visit(Names())
    assert any(name.startswith("Read/Messages/") for name in names)
    assert "Read/Lines" in names


def test_a_message_of_a_subscription_is_a_line() -> None:
    published = datetime(2024, 5, 1, tzinfo=UTC)
    message = SimpleNamespace(data=b"{}", message_id="7", publish_time=published)
    (line,) = LinesOfPubSub("projects/p/subscriptions/s").process(message)
    assert (line.text, line.origin) == (b"{}", "pubsub:projects/p/subscriptions/s#7")
    assert line.written_at == int(published.timestamp() * 1_000_000)


def test_a_message_of_a_topic_is_a_line_and_a_tombstone_is_none() -> None:
    step = LinesOfMessages()
    step.setup()
    message = SimpleNamespace(topic="t", partition=1, offset=5, timestamp=9, value=b"{}")
    (line,) = step.process(message)
    assert isinstance(line, Line)
    assert (line.text, line.origin, line.offset, line.written_at) == (b"{}", "kafka:t/1@5", 5, 9000)
    message.value = None
    assert list(step.process(message)) == []


def test_a_message_with_nothing_in_it_is_refused_and_does_not_vanish() -> None:
    step = LinesOfMessages()
    step.setup()
    message = SimpleNamespace(topic="t", partition=1, offset=5, timestamp=9, value=b"")
    assert list(step.process(message)) == [Unreadable("kafka:t/1@5", "the message is empty")]
    published = SimpleNamespace(data=b" \n", message_id="7", publish_time=None)
    (refused,) = LinesOfPubSub("s").process(published)
    assert refused == Unreadable("pubsub:s#7", "the message is empty")
