"""What run, replay and plan have in common: their options, and how they begin and end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli.flags import flags
from pipeline.cli.options import overrides, report
from pipeline.errors import (
    CredentialsRefused,
    DestinationDown,
    Interrupted,
    PenstockError,
    StateDown,
    UsageError,
)
from pipeline.run.mappings import compile_mapping_file
from pipeline.run.options import DESTINATION, RUN

if TYPE_CHECKING:
    from pipeline.run.job import Job
    from pipeline.run.summary import Summary

F = TypeVar("F", bound=Callable[..., Any])

BEAM_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Click settings of a command whose other options go to Beam."""

quiet_option = click.option(
    "--quiet", is_flag=True, help="No progress and no summary on the terminal."
)

input_option = flags([RUN["inputs"]])

dead_letters_option = flags([RUN["dead_letters"]])

receipts_option = flags([RUN["receipts"]])

processes_option = flags([RUN["processes"]])

summary_option = click.option(
    "--summary", "summary_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the account of the run to this file, as JSON.",
)  # fmt: skip


def run_options(function: F) -> F:
    """The options about the mapping, the destination, the state and the speed."""
    shared = [RUN["schemas"], RUN["max_event_bytes"], *DESTINATION.values()]
    return flags(shared)(quiet_option(function))


def job_of(ctx: click.Context, *, mapping: Path, settings: tuple[str, ...], **given: Any) -> Job:
    """The run that the options describe, checked. Only from here on Beam is loaded.

    Raises:
        UsageError: A file or an option cannot be used.
    """
    if ctx.params.get("inputs") == ():
        message = "nothing to read: give --input GLOB, or - for standard input"
        raise UsageError(message)
    changed = overrides(settings)
    compiled = compile_mapping_file(mapping, changed)
    report(compiled, mapping)
    assert compiled.plan is not None  # noqa: S101 - report raises otherwise

    from pipeline.cli import logs

    logs.configure()
    from pipeline.run.config import RunConfig
    from pipeline.run.job import check

    config = RunConfig(mapping=mapping, settings=changed, beam_args=tuple(ctx.args), **given)
    return check(config, compiled.plan)


def carry_out(
    run: Callable[[], Summary],
    *,
    places: Mapping[str, str],
    summary_file: Path | None,
    quiet: bool,
) -> int:
    """Run, show how far it is and what came of it.

    Args:
        run: Does it.
        places: What to say of where dead letters are, if there are any.
        summary_file: Where to write the account.
        quiet: Show nothing.
    """
    from pipeline.cli.progress import progress
    from pipeline.cli.signals import stopping_in_order
    from pipeline.cli.summary import render
    from pipeline.transforms.counting import LIVE

    if summary_file is not None:
        writable(summary_file, what="the summary")
    with stopping_in_order(), progress(LIVE.snapshot, quiet=quiet):
        summary = run()
    if summary.dead:
        summary = replace(summary, places=places)
    if summary_file is not None:
        write_json(summary_file, summary.as_json(), what="the summary")
    if not quiet:
        click.echo(render(summary))
    summary.check()
    problem = problem_of(summary)
    if problem is not None:
        raise problem
    return 0


def problem_of(summary: Summary, *, read_again: bool = False) -> PenstockError | None:
    """What a run that could not send everything ends with.

    Args:
        summary: Its account.
        read_again: Whether the source gives what was not sent once more, so that it is no dead
            letter.
    """
    from pipeline.flow.stopping import STOP

    kept = "what was not sent is in the dead letters"
    undelivered = f"{kept} as undelivered"
    if read_again:
        kept = undelivered = "what was not sent is read again at the next start"
    if summary.state_down:
        reason = STOP.reason or "the state store was away for too long"
        again = "When the store is back, run the same command again"
        return StateDown(f"{reason}; {undelivered}. {again}")
    if STOP.reason is not None and summary.halted:
        return Interrupted(f"{STOP.reason}; {undelivered}")
    if summary.outage:
        return DestinationDown(f"the destination was down for too long; {kept}")
    if summary.halted:
        return CredentialsRefused(f"the destination refused the access token; {kept}")
    return None


def writable(path: Path, *, what: str) -> None:
    """Raise UsageError, before any work is done, where a file cannot be written."""
    if path.is_dir() or not path.parent.is_dir():
        message = f"cannot write {what} to {path}: there is no such directory to put a file in"
        raise UsageError(message)


def write_json(path: Path, record: Mapping[str, Any], *, what: str) -> None:
    """Write a JSON file. Raises UsageError in words."""
    try:
        path.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    except OSError as error:
        message = f"cannot write {what} to {path}: {error.strerror or error}"
        raise UsageError(message) from error
