"""``penstock run``: events of files to the destination."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli import streaming
from pipeline.cli.running import (
    BEAM_OPTIONS,
    carry_out,
    dead_letters_option,
    input_option,
    job_of,
    processes_option,
    run_options,
    summary_option,
)


@click.command(name="run", context_settings=BEAM_OPTIONS)
@input_option
@run_options
@processes_option
@dead_letters_option
@summary_option
@streaming.streaming_options
@click.option("--dry-run", is_flag=True, help="Do everything but send.")
@click.option(
    "--destination",
    type=click.Choice(["null"]),
    help="null: take everything as delivered and do nothing, to measure the rest.",
)
@click.option("--plan", "plan_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Refuse to start unless everything is as it was for this plan.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    /,
    destination: str | None,
    plan_file: Path | None,
    summary_file: Path | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Send the identify, track, group and page events of files or a stream to the destination.

    The access token comes from the environment variable INTERCOM_ACCESS_TOKEN. Options that are
    not listed here go to Beam, such as --runner; by default the run stays on this machine.

    Exit codes: 0 everything is accounted for, 2 something is missing or wrong, 5 the credentials
    are refused, 6 the destination was down for too long, 7 a stream's source cannot be read any
    more, 130 interrupted.
    """
    if destination is not None:
        given |= {"dry_run": True, "discards": True}
    stream = streaming.of_stream(given, plan_file=plan_file)
    job = job_of(ctx, **given)
    from pipeline.run.outputs import usable_directory

    usable_directory(job.config.dead_letters)
    if plan_file is not None:
        from pipeline.run.planned import refuse_unless_planned

        refuse_unless_planned(job, plan_file)
    if stream is not None:
        config = streaming.stream_config(**stream)
        return streaming.carry_out(job, config, summary_file=summary_file, quiet=quiet)
    from pipeline.run import batch

    return carry_out(
        lambda: batch.run(job),
        places={"dead letters": job.config.dead_letters},
        summary_file=summary_file,
        quiet=quiet,
    )
