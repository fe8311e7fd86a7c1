"""``penstock run --streaming``: its options, and how a stream begins, goes on and ends."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.flags import flags
from pipeline.errors import UsageError
from pipeline.run.options import STREAM

if TYPE_CHECKING:
    from pipeline.run.job import Job
    from pipeline.run.streaming import StreamConfig
    from pipeline.run.summary import Summary
    from pipeline.sources.kafka_settings import Start

LINE_EVERY_SECONDS = 60.0


streaming_options = flags(STREAM.values())
"""The options of a stream."""


def of_stream(given: dict[str, Any], *, plan_file: Path | None) -> dict[str, Any] | None:
    """Take the options of a stream out of ``given``; None for a run that ends.

    Raises:
        UsageError: An option or an input of a stream and no ``--streaming``, or one of a run that
            ends and ``--streaming``.
    """
    from pipeline.sources.addresses import refuse_streams

    options = {option.name: given.pop(option.name) for option in STREAM.values()}
    if options.pop("streaming"):
        if plan_file is not None or given.get("processes", 1) != 1:
            wrong = "--plan" if plan_file is not None else "--processes"
            message = f"{wrong} is for runs that end: leave it away, or leave --streaming away"
            raise UsageError(message)
        return options
    for option in STREAM.values():
        if options.get(option.name) is not None:
            message = f"{option.word} is an option of a stream: add --streaming"
            raise UsageError(message)
    refuse_streams(given["inputs"])
    return None


def stream_config(
    *,
    hold_back: float | None,
    batch_events: int | None,
    linger: float | None,
    group: str | None,
    start: Start | None,
    kafka_config: Path | None,
    max_events: int | None,
    until_idle: float | None,
) -> StreamConfig:
    """The options of a stream as one record; None stands for the default."""
    from pipeline.flow.hold_back import HoldBackPolicy
    from pipeline.run.micro_batches import BatchPolicy
    from pipeline.run.streaming import StreamConfig

    batches = BatchPolicy(max_events=max_events, until_idle=until_idle)
    if batch_events is not None:
        batches = replace(batches, events=batch_events)
    if linger is not None:
        batches = replace(batches, linger=linger)
    held = HoldBackPolicy()
    if hold_back is not None:
        held = replace(held, seconds=hold_back)
    return StreamConfig(
        hold_back=replace(held, most=max(held.most, 2 * batches.events)),
        batches=batches,
        group=group,
        start=start,
        kafka_config=kafka_config,
    )


def carry_out(job: Job, config: StreamConfig, *, summary_file: Path | None, quiet: bool) -> int:
    """Run a stream until it ends; show how far it is, and keep the account up to date."""
    from pipeline.cli.progress import progress
    from pipeline.cli.running import problem_of, writable
    from pipeline.cli.summary import render
    from pipeline.run import stream
    from pipeline.run.beam_options import is_local
    from pipeline.transforms.counting import LIVE

    if not is_local(job.options):
        from pipeline.run import cluster

        if summary_file is not None:
            message = (
                "--summary is not written for a stream on an engine: its counters are on the "
                "engine's dashboard, under the summary's names"
            )
            raise UsageError(message)
        ended = cluster.run(job, config)
        if not quiet:
            click.echo(f"penstock: the stream has ended on the engine: {ended}", err=True)
        return 0
    if summary_file is not None:
        writable(summary_file, what="the summary")

    def report(summary: Summary) -> None:
        if summary_file is not None:
            _replace(summary_file, json.dumps(summary.as_json(), indent=2) + "\n")

    drain = threading.Event()
    with (
        draining_in_order(drain),
        progress(LIVE.snapshot, quiet=quiet, line_every=LINE_EVERY_SECONDS),
    ):
        summary = stream.run(job, config, is_draining=drain.is_set, report=report)
    if summary.dead:
        summary = replace(summary, places={"dead letters": job.config.dead_letters})
    report(summary)
    if not quiet:
        click.echo(render(summary))
    summary.check()
    problem = problem_of(summary, read_again="-" not in job.config.inputs)
    if problem is not None:
        raise problem
    return 0


@contextmanager
def draining_in_order(drain: threading.Event) -> Iterator[None]:
    """While the body runs, a first signal sets ``drain``, a second stops the calls.

    A third ends the process at once. None of them loses anything where the source can be read
    again.
    """
    from pipeline.cli.signals import SIGNALS
    from pipeline.flow.stopping import STOP

    STOP.clear()
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if STOP.reason is not None:
            os._exit(128 + number)
        if not drain.is_set():
            drain.set()
            click.echo("penstock: delivering what was read (again to stop the calls)", err=True)
            return
        click.echo("penstock: stopping; what is not sent is read again", err=True)
        # Not here: the interrupted code may hold the lock that stopping needs.
        name = signal.Signals(number).name
        threading.Thread(target=STOP.stop, args=(f"interrupted by {name}",), daemon=True).start()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _replace(path: Path, text: str) -> None:
    """Write a file so that whoever reads it finds the old account or the new one, whole."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        message = f"cannot write the summary to {path}: {error.strerror or error}"
        raise UsageError(message) from error
