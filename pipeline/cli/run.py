"""``penstock run``: events of files to the destination."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from pipeline.cli import jobs, streaming
from pipeline.cli.running import (
    BEAM_OPTIONS,
    carry_out,
    dead_letters_option,
    input_option,
    job_of,
    processes_option,
    receipts_option,
    run_options,
    summary_option,
)
from pipeline.run.letters import kept_in


@click.command(name="run", context_settings=BEAM_OPTIONS)
@input_option
@run_options
@processes_option
@dead_letters_option
@receipts_option
@summary_option
@streaming.streaming_options
@click.option(
    "--dry-run", is_flag=True, help="Do everything but send; dead letters go to DIR/dry-run."
)
@jobs.job_option
@jobs.destination_option
@click.option("--plan", "plan_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Refuse to start unless everything is as it was for this plan.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    /,
    job_file: Path | None,
    chosen: tuple[str, ...],
    plan_file: Path | None,
    summary_file: Path | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Send the identify, track, group and page events of files or a stream to the destination.

    The access token comes from the environment variable INTERCOM_ACCESS_TOKEN, or the one that
    --token names. A job file (--job) can name several destinations. Options that are not listed
    here go to Beam, such as --runner; by default the run stays on this machine.

    Exit codes: 0 everything is accounted for, 2 something is missing or wrong, 5 the credentials
    are refused, 6 the destination or the state was away for too long, 7 a stream's source cannot be
    read or dead letters and receipts cannot be written any more, 70 a process of the run failed,
    130 interrupted.
    """
    discards = jobs.NULL in chosen
    given |= {"dry_run": given["dry_run"] or discards, "discards": discards}
    if job_file is None:
        jobs.refuse_names(chosen)
        stream = streaming.of_stream(given, plan_file=plan_file)
        given["dead_letters"] = kept_in(given["dead_letters"], dry_run=given["dry_run"])
        job = job_of(ctx, **given)
    else:
        file = jobs.job_file_of(
            ctx, job_file, chosen=chosen, dry_run=given["dry_run"], discards=discards
        )
        if given["dry_run"]:
            file = file.with_letters_in(partial(kept_in, dry_run=True))
        stream = streaming.of_stream(jobs.stream_options(file), plan_file=plan_file)
        if len(file.destinations) > 1:
            jobs.refuse_for_several(plan_file, stream)
            return jobs.carry_out_job(file, summary_file=summary_file, quiet=quiet)
        job = jobs.only_run(file)
    from pipeline.run.outputs import with_usable_outputs

    job = with_usable_outputs(job, stream["kafka_config"] if stream is not None else None)
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
