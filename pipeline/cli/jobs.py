"""Job files on the command line: read, with the flags that are given beside them, and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.diagnostics import count_of, render_text
from pipeline.cli.files import nearby, read_text
from pipeline.cli.options import overrides
from pipeline.errors import UsageError
from pipeline.run.jobs.reader import read_job
from pipeline.run.options import STREAM

if TYPE_CHECKING:
    from pipeline.mapping.diagnostics import Diagnostic
    from pipeline.run.job import Job
    from pipeline.run.jobs.description import JobFile
    from pipeline.run.jobs.execution import CheckedJob
    from pipeline.run.jobs.outcome import JobSummary

NULL = "null"
"""What takes everything as delivered and does nothing, to measure the rest."""

job_option = click.option(
    "--job", "job_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="A job file: inputs, and one destination or several. Flags beside it win over it.",
)  # fmt: skip

destination_option = click.option(
    "--destination", "chosen", multiple=True, metavar="NAME",
    help="Of a job file, only this destination; may be repeated. null: take everything as "
         "delivered and do nothing, to measure the rest.",
)  # fmt: skip


def refuse_names(chosen: tuple[str, ...]) -> None:
    """Raise UsageError for names of destinations where there is no job file."""
    for name in chosen:
        if name != NULL:
            message = f"--destination {name}: only a job file has destinations by name; add --job"
            raise UsageError(message)


def refuse_for_several(plan_file: Path | None, stream: Mapping[str, Any] | None) -> None:
    """Raise UsageError for what only a run to one destination can do."""
    wrong = "--plan" if plan_file is not None else "--streaming" if stream is not None else None
    if wrong is not None:
        message = f"{wrong} is for one destination: choose it with --destination NAME"
        raise UsageError(message)


def job_file_of(
    ctx: click.Context, path: Path, *, chosen: tuple[str, ...] = (), **more: Any
) -> JobFile:
    """The job in a file, with the flags of the command line in force; shows what is wrong with it.

    Args:
        ctx: Of the command.
        path: The file.
        chosen: Names of destinations; none for all.
        more: Fields of ``RunConfig`` that are no options.

    Raises:
        UsageError: The file cannot be read, or it has errors, or no destination of that name.
    """
    path = nearby(path)
    job, found = check_job_file(path, flags=_typed(ctx), beam_args=tuple(ctx.args), **more)
    if found:
        click.echo(render_text(found), err=True)
    if job is None:
        message = f"{path} cannot be used: {count_of(found)}"
        raise UsageError(message)
    return job.only([name for name in chosen if name != NULL])


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


def _typed(ctx: click.Context) -> dict[str, Any]:
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


def stream_options(file: JobFile) -> dict[str, Any]:
    """What a job says of streaming, as the command line would."""
    stated = {option.name: option.default for option in STREAM.values()} | dict(file.stream)
    return {"inputs": file.config.inputs, "processes": file.config.processes, **stated}


def only_run(file: JobFile) -> Job:
    """The run of a job's only destination, checked.

    Raises:
        UsageError: There are several, or something cannot be used.
    """
    if len(file.destinations) > 1:
        names = ", ".join(one.name for one in file.destinations)
        message = f"say which one: --destination NAME, of {names}"
        raise UsageError(message)
    from pipeline.cli import logs

    logs.configure()
    from pipeline.run.job import check

    (one,) = file.destinations
    return check(one.config, one.mapping)


def carry_out_job(
    file: JobFile,
    *,
    summary_file: Path | None,
    quiet: bool,
    run: Callable[[CheckedJob], JobSummary] | None = None,
) -> int:
    """Run a job with several destinations; the exit code is that of the gravest end of one."""
    from pipeline.cli import logs

    logs.configure()
    from pipeline.cli.job_summary import ends_of, gravest, render_job
    from pipeline.cli.progress import progress
    from pipeline.cli.running import writable, write_json
    from pipeline.cli.signals import stopping_in_order
    from pipeline.run.jobs.execution import check_job, of_all, run_job
    from pipeline.transforms.counting import LIVE

    job = check_job(file)
    if summary_file is not None:
        writable(summary_file, what="the summary")
    with stopping_in_order(), progress(lambda: of_all(LIVE.snapshot()), quiet=quiet):
        summary = (run or run_job)(job)
    if summary_file is not None:
        write_json(summary_file, summary.as_json(), what="the summary")
    if not quiet:
        click.echo(render_job(summary, file))
    summary.check()
    ends = ends_of(summary)
    for name, error in ends.items():
        click.echo(f"penstock: {name}: {error}", err=True)
    return gravest(ends.values())
