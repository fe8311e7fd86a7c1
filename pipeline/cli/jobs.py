"""Job files on the command line: read, with the flags that are given beside them, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.diagnostics import count_of, render_text
from pipeline.cli.files import nearby, read_text
from pipeline.cli.options import overrides
from pipeline.errors import UsageError
from pipeline.run.jobs.reader import read_job

if TYPE_CHECKING:
    from pipeline.mapping.diagnostics import Diagnostic
    from pipeline.run.jobs.description import JobFile

job_option = click.option(
    "--job", "job_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="A job file: inputs, and one destination or several. Flags beside it win over it.",
)  # fmt: skip

destination_option = click.option(
    "--destination", "chosen", multiple=True, metavar="NAME",
    help="Of a job file, only this destination; may be repeated.",
)  # fmt: skip


def job_file_of(ctx: click.Context, path: Path, *, chosen: tuple[str, ...] = ()) -> JobFile:
    """The job in a file, with the flags of the command line in force; shows what is wrong with it.

    Raises:
        UsageError: The file cannot be read, or it has errors.
    """
    path = nearby(path)
    job, found = check_job_file(
        path,
        flags=_given(ctx),
        beam_args=tuple(ctx.args),
        dry_run=bool(ctx.params.get("dry_run")),
    )
    if found:
        click.echo(render_text(found), err=True)
    if job is None:
        message = f"{path} cannot be used: {count_of(found)}"
        raise UsageError(message)
    return job.only(chosen)


def check_job_file(
    path: Path, *, flags: Mapping[str, Any], **more: Any
) -> tuple[JobFile | None, tuple[Diagnostic, ...]]:
    """The job in a file, and everything wrong with the file and the mappings that it names."""
    from pipeline.run.jobs.description import describe_job

    written, found = read_job(read_text(path, what="the job file"), file=str(path))
    if written is None:
        return None, found
    job, more_found = describe_job(written, flags, **more)
    both = tuple(sorted({*found, *more_found}, key=lambda item: (item.span, item.code)))
    return (None if any(item.severity == "error" for item in found) else job), both


def _given(ctx: click.Context) -> dict[str, Any]:
    """The options that stand on the command line, by their field of a run."""
    from click.core import ParameterSource

    typed = {
        name: value
        for name, value in ctx.params.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    if "settings" in typed:
        typed["settings"] = overrides(typed["settings"])
    return typed
