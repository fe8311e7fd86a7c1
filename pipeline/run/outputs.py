"""Where a run writes: checked before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apache_beam.io.filesystems import FileSystems

from pipeline.errors import UsageError
from pipeline.sinks.topic import is_topic, topic_of, with_properties

if TYPE_CHECKING:
    from pipeline.run.job import Job


def with_usable_outputs(job: Job, properties: Path | None) -> Job:
    """The run, with ``properties`` for topics that have none of their own.

    Raises:
        UsageError: Something cannot be written where it is to be.
    """
    config = job.config
    letters = with_properties(config.dead_letters, properties)
    usable_directory(letters)
    receipts = config.receipts
    if receipts is not None:
        receipts = with_properties(receipts, properties)
        usable_directory(receipts, what="receipts")
    return replace(job, config=replace(config, dead_letters=letters, receipts=receipts))


def usable_directory(path: str, *, what: str = "dead letters") -> None:
    """Raise UsageError where nothing can be written; makes a local directory.

    Args:
        path: A directory of any Beam file system, or a topic, which is looked for.
        what: What is to be kept there.
    """
    if not path.strip():
        message = f"--{what.replace(' ', '-')} takes a directory or a topic, received nothing"
        raise UsageError(message)
    if is_topic(path):
        _usable_topic(path, what)
        return
    try:
        if "://" in path:
            FileSystems.get_filesystem(path)
        else:
            Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        message = f"{what} cannot be kept in {path}: {reason}"
        raise UsageError(message) from error


def _usable_topic(path: str, what: str) -> None:
    from pipeline.sinks.kafka import KafkaSink

    try:
        KafkaSink(topic_of(path))
    except UsageError as error:
        message = f"{what} cannot be kept there: {error}"
        raise UsageError(message) from None
