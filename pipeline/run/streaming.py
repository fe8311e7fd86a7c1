"""What a stream is told, and where its events come from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.flow.hold_back import HoldBackPolicy
from pipeline.run.job import Job
from pipeline.run.micro_batches import BatchPolicy
from pipeline.run.worker import IN_MEMORY
from pipeline.sources import addresses
from pipeline.sources.addresses import KafkaAddress, PubSubAddress, WatchAddress
from pipeline.sources.kafka_settings import KafkaSettings, Start
from pipeline.sources.record import Source
from pipeline.sources.several import Several
from pipeline.sources.standard_input import StandardInput
from pipeline.sources.watched import WatchedFiles
from pipeline.state.store import StateStore

POSITION = "position"
"""Under which the positions of files are remembered, by group and file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """The options of ``penstock run --streaming``, besides those of every run.

    Attributes:
        hold_back: What waits for what, and for how long.
        batches: How large micro-batches are, and when to end.
        group: Under whose name positions are kept; by default the mapping's.
        start: Where to begin in a topic, see ``KafkaSettings``.
        kafka_config: A file of librdkafka's properties, or None.
    """

    hold_back: HoldBackPolicy = field(default_factory=HoldBackPolicy)
    batches: BatchPolicy = field(default_factory=BatchPolicy)
    group: str | None = None
    start: Start | None = None
    kafka_config: Path | None = None


def kafka_settings(found: KafkaAddress, job: Job, config: StreamConfig) -> KafkaSettings:
    """How a topic is read, on whatever engine."""
    return KafkaSettings(
        brokers=found.brokers,
        topic=found.topic,
        group=group_of(job, config),
        start=config.start,
        properties=config.kafka_config,
    )


def group_of(job: Job, config: StreamConfig) -> str:
    """Under whose name positions are kept; a dry run never takes the place of the real one."""
    group = config.group or f"penstock-{job.mapping.name}"
    return group + "-dry-run" if job.config.dry_run else group


def open_source(
    job: Job, config: StreamConfig, store: StateStore | None, scope: str, stack: ExitStack
) -> Source:
    """The source of everything that ``--input`` names; closed with the stack.

    Args:
        job: The run.
        config: Of the stream.
        store: Where positions of files are kept; None in a dry run.
        scope: Of the workspace in it.
        stack: Closes what is opened.

    Raises:
        UsageError: An input is none of a stream, or cannot be read.
    """
    sources: list[Source] = []
    for text in dict.fromkeys(job.config.inputs):
        source = _open(text, job, config, store, scope)
        stack.callback(source.close)
        sources.append(source)
    return sources[0] if len(sources) == 1 else Several(sources)


def _open(
    text: str, job: Job, config: StreamConfig, store: StateStore | None, scope: str
) -> Source:
    found = addresses.address(text)
    if isinstance(found, KafkaAddress):
        from pipeline.sources.kafka import KafkaTopic

        return KafkaTopic(kafka_settings(found, job, config), commits=not job.config.dry_run)
    if isinstance(found, WatchAddress):
        if store is None:
            return WatchedFiles(found.pattern, _NoPositions())
        if job.config.state == IN_MEMORY:
            message = (
                f"--input {text} needs --state sqlite:///FILE: without it nobody knows at the next "
                "start how far the files were read"
            )
            raise UsageError(message)
        return WatchedFiles(found.pattern, FilePositions(store, scope, group_of(job, config)))
    if isinstance(found, PubSubAddress):
        message = (
            f"--input {text}: Pub/Sub is read on Dataflow or Flink, by Beam's own transform; "
            "say --runner, or bring the events to Kafka or into a watched directory"
        )
        raise UsageError(message)
    if found is None:
        message = (
            f"--input {text} ends, so it is no stream: leave --streaming away, or write "
            f"watch:{text} to read what is added to it as well"
        )
        raise UsageError(message)
    return StandardInput()


class FilePositions:
    """Keeps the positions of watched files in the state store.

    Args:
        store: Where.
        scope: Of the workspace.
        group: Under whose name.
    """

    def __init__(self, store: StateStore, scope: str, group: str) -> None:
        self._store = store
        self._scope = scope
        self._group = group + " "

    def load(self) -> dict[str, str]:
        """The positions by file."""
        return {
            key.removeprefix(self._group): value
            for (_, key), value in self._store.entries(self._scope, [POSITION]).items()
            if key.startswith(self._group)
        }

    def save(self, changes: Mapping[str, str | None]) -> None:
        """Keep them; all of it or nothing."""
        self._store.change(
            self._scope, {(POSITION, self._group + name): text for name, text in changes.items()}
        )


class _NoPositions:
    """For a dry run, which leaves the state as it is."""

    def load(self) -> dict[str, str]:
        return {}

    def save(self, changes: Mapping[str, str | None]) -> None:
        pass
