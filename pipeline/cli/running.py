"""What run, replay and plan have in common: their options, and how they begin and end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli.options import overrides, report, set_option
from pipeline.errors import CredentialsRefused, DestinationDown, Interrupted, UsageError
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file

if TYPE_CHECKING:
    from pipeline.run.job import Job
    from pipeline.run.summary import Summary

F = TypeVar("F", bound=Callable[..., Any])

BEAM_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Click settings of a command whose other options go to Beam."""

_OPTIONS = (
    click.option("--mapping", type=click.Path(path_type=Path), default=DEFAULT_MAPPING,
                 help="The mapping file. [default: the shipped mappings/intercom.yaml]"),
    click.option("--schemas", type=click.Path(path_type=Path), default=HOME / "schemas",
                 help="Directory of the event schemas. [default: the shipped ones]"),
    click.option("--endpoint", metavar="URL", help="Root of the API, for an emulator or a proxy."),
    click.option("--region", type=click.Choice(["us", "eu", "au"]), default="us",
                 show_default=True, help="The workspace's region, where no --endpoint is given."),
    click.option("--insecure", is_flag=True, help="Allow plain http to another machine."),
    click.option("--state", metavar="URL", default="sqlite://",
                 help="What to remember between runs: sqlite:///FILE. [none]"),
    set_option,
    click.option("--concurrency", type=click.IntRange(1, 256), default=24, show_default=True,
                 help="So many people are delivered at the same time."),
    click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N",
                 help="At most so many calls a minute, below what the API allows."),
    click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0,
                 show_default=True, metavar="PART",
                 help="Use at most this part of the API's rate; 0.5 leaves half to other apps."),
    click.option("--max-outage", type=click.FloatRange(min=0), default=15.0, show_default=True,
                 metavar="MINUTES",
                 help="Wait so long for a destination that is down, then stop with exit code 6."),
    click.option("--max-event-bytes", type=click.IntRange(1), default=1_048_576,
                 show_default=True, help="Longer lines are refused."),
    click.option("--quiet", is_flag=True, help="No progress and no summary on the terminal."),
)  # fmt: skip

input_option = click.option(
    "--input", "inputs", multiple=True, required=True, metavar="GLOB",
    help="JSONL files, plain or compressed, on any Beam file system; - for standard input. "
         "May be repeated.",
)  # fmt: skip

summary_option = click.option(
    "--summary", "summary_file", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the account of the run to this file, as JSON.",
)  # fmt: skip


def run_options(function: F) -> F:
    """The options about the mapping, the destination, the state and the speed."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def job_of(ctx: click.Context, *, mapping: Path, settings: tuple[str, ...], **given: Any) -> Job:
    """The run that the options describe, checked. Only from here on Beam is loaded."""
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
    from pipeline.flow.stopping import STOP
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
    if STOP.reason is not None and summary.halted:
        message = f"{STOP.reason}; what was not sent is in the dead letters as undelivered"
        raise Interrupted(message)
    if summary.outage:
        message = "the destination was down for too long; what was not sent is in the dead letters"
        raise DestinationDown(message)
    if summary.halted:
        message = (
            "the destination refused the access token; what was not sent is in the dead letters"
        )
        raise CredentialsRefused(message)
    return 0


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
