"""What a stream on a cluster reads: Beam's own transforms for Kafka and Pub/Sub, or files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.errors import UsageError
from pipeline.model.decode import is_blank
from pipeline.run.job import Job
from pipeline.run.streaming import StreamConfig, kafka_settings
from pipeline.sources.addresses import KafkaAddress, PubSubAddress, address
from pipeline.sources.kafka_settings import KafkaSettings, read_properties
from pipeline.transforms.counting import Counts
from pipeline.transforms.read import EMPTY, Line, ReadLines, Slice, Unreadable

_JAAS = 'org.apache.kafka.common.security.{module} required username="{user}" password="{word}";'
_MODULES = {
    "PLAIN": "plain.PlainLoginModule",
    "SCRAM-SHA-256": "scram.ScramLoginModule",
    "SCRAM-SHA-512": "scram.ScramLoginModule",
}
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"password|passphrase|secret|keystore\.key$|key\.pem$|jaas")


def read(job: Job, config: StreamConfig, slices: Sequence[Slice]) -> beam.PTransform:
    """The transform that gives the lines of ``--input``.

    Raises:
        UsageError: An input is none that workers elsewhere can read, or there are several.
    """
    texts = list(dict.fromkeys(job.config.inputs))
    if slices:
        return ReadSlices(slices)
    if len(texts) > 1:
        message = f"a stream on a cluster has one --input; there are {len(texts)}"
        raise UsageError(message)
    found = address(texts[0])
    if isinstance(found, KafkaAddress):
        return ReadKafka(kafka_settings(found, job, config), commits=not job.config.dry_run)
    if isinstance(found, PubSubAddress):
        return ReadPubSub(found)
    message = (
        f"--input {texts[0]} is on this machine, where the workers of a cluster cannot read it: "
        "use kafka://, pubsub:// or files of a shared file system"
    )
    raise UsageError(message)


class ReadSlices(beam.PTransform):
    """The lines of files, which end, and the stream with them."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        super().__init__()
        self._slices = list(slices)

    def expand(self, begin: Any) -> beam.PCollection:
        """Read them."""
        return (
            begin
            | "Slices" >> beam.Create(self._slices, reshuffle=False)
            | "SpreadSlices" >> beam.Reshuffle()
            | "ReadLines" >> beam.ParDo(ReadLines())
        )


class ReadKafka(beam.PTransform):
    """The messages of a topic, by Beam's cross-language transform.

    Positions are committed to the consumer group when the engine has made what became of them
    durable (a checkpoint on Flink).

    Args:
        settings: What to read.
        commits: False to leave the group's positions as they are.
    """

    def __init__(self, settings: KafkaSettings, *, commits: bool = True) -> None:
        super().__init__()
        self._settings = settings
        self._commits = commits

    def expand(self, begin: Any) -> beam.PCollection:
        """Read them, each with where it stands."""
        from apache_beam.io.kafka import ReadFromKafka

        messages = begin | "Messages" >> ReadFromKafka(
            consumer_config(self._settings),
            [self._settings.topic],
            commit_offset_in_finalize=self._commits,
            with_metadata=True,
        )
        return messages | "Lines" >> beam.ParDo(LinesOfMessages())


class LinesOfMessages(beam.DoFn):
    """A message of Kafka with its metadata -> ``Line``; without a value it is skipped."""

    def setup(self) -> None:
        """Count from nothing."""
        self._counts = Counts()

    def process(self, element: Any) -> Iterator[Line | Unreadable]:
        """One line, or none."""
        if element.value is None:
            self._counts.add("received")
            self._counts.add("skipped/tombstone")
            return
        origin = f"kafka:{element.topic}/{element.partition}@{element.offset}"
        if is_blank(element.value):
            yield Unreadable(origin, EMPTY)
            return
        yield Line(
            element.value,
            origin,
            element.offset,
            written_at=element.timestamp * 1000,
        )

    def finish_bundle(self) -> None:
        """Hand on what was counted."""
        self._counts.flush()


class ReadPubSub(beam.PTransform):
    """The messages of a subscription. Needs the extra ``gcp`` of apache-beam.

    Pub/Sub gives the messages of one ordering key in order; what waits for what is decided by the
    events themselves, so the key is only asked for where the subscription has ordering turned on.

    Raises:
        UsageError: The client is not installed.
    """

    def __init__(self, found: PubSubAddress) -> None:
        super().__init__()
        self._path = f"projects/{found.project}/subscriptions/{found.subscription}"
        try:
            import google.cloud.pubsub  # type: ignore[import-untyped]  # noqa: F401 - what Beam's transform needs
        except ImportError:
            message = "--input pubsub:// needs the client: pip install 'apache-beam[gcp]'"
            raise UsageError(message) from None

    def expand(self, begin: Any) -> beam.PCollection:
        """Read them, each with its id."""
        from apache_beam.io.gcp.pubsub import ReadFromPubSub

        messages = begin | "Messages" >> ReadFromPubSub(
            subscription=self._path, with_attributes=True
        )
        return messages | "Lines" >> beam.ParDo(LinesOfPubSub(self._path))


class LinesOfPubSub(beam.DoFn):
    """A message of Pub/Sub -> ``Line``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, element: Any) -> Iterator[Line | Unreadable]:
        """One for one."""
        origin = f"pubsub:{self._path}#{element.message_id}"
        if is_blank(element.data):
            yield Unreadable(origin, EMPTY)
            return
        published = element.publish_time
        yield Line(
            element.data,
            origin,
            written_at=int(published.timestamp() * 1_000_000) if published is not None else None,
        )


def consumer_config(
    settings: KafkaSettings, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The settings as Java's consumer has them; secrets stay references, resolved on the worker.

    Raises:
        UsageError: A secret stands in the file itself: it would travel in the job's graph.
    """
    config = {
        "bootstrap.servers": settings.brokers,
        "group.id": settings.group,
        "auto.offset.reset": settings.start or "earliest",
    }
    if settings.properties is None:
        return config
    read_properties(settings.properties, environment)  # everything that may be wrong is said there
    given = dict(_lines(settings.properties))
    for name, value in given.items():
        if _SECRET.search(name) and not _REFERENCE.fullmatch(value):
            message = (
                f"{settings.properties}: write {name}=${{NAME}} with a variable of the workers' "
                "environment: on a cluster its value would travel in the job's description"
            )
            raise UsageError(message)
    given = {name: _REFERENCE.sub(r"${env:\1}", value) for name, value in given.items()}
    if any("${env:" in value for value in given.values()):
        provider = "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
        config |= {"config.providers": "env", "config.providers.env.class": provider}
    return config | _as_java(given)


def _as_java(given: dict[str, str]) -> dict[str, str]:
    mechanism = given.pop("sasl.mechanism", given.pop("sasl.mechanisms", None))
    user, word = given.pop("sasl.username", None), given.pop("sasl.password", None)
    java: dict[str, str] = {}
    if mechanism is not None:
        java["sasl.mechanism"] = mechanism
    if user is not None and word is not None:
        module = _MODULES.get(mechanism or "")
        if module is None:
            message = f"sasl.mechanism {mechanism!r} is none of {', '.join(_MODULES)}"
            raise UsageError(message)
        java["sasl.jaas.config"] = _JAAS.format(module=module, user=user, word=word)
    authority = given.pop("ssl.ca.location", None)
    if authority is not None:
        java |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": authority}
    return java | given


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text("utf-8").splitlines():
        text = line.strip()
        if text and text[0] not in "#!":
            name, _, value = text.partition("=")
            yield name.strip(), value.strip()
