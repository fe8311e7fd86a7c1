"""``penstock replay``: dead letters on the road once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.dead_letters import selection, selection_options
from pipeline.cli.jobs import (
    carry_out_job,
    destination_option,
    job_file_of,
    job_option,
    only_run,
    refuse_names,
)
from pipeline.cli.running import (
    BEAM_OPTIONS,
    carry_out,
    job_of,
    processes_option,
    run_options,
    summary_option,
)
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.flow.replay import Selection
    from pipeline.run.jobs.description import JobFile
    from pipeline.run.jobs.execution import CheckedJob
    from pipeline.run.jobs.outcome import JobSummary


@click.command(name="replay", context_settings=BEAM_OPTIONS)
@click.option("--dead-letters", metavar="DIR", default="dead-letters", show_default=True,
              help="Where they are kept; a directory on this machine.")  # fmt: skip
@selection_options
@run_options
@processes_option
@summary_option
@click.option("--dry-run", is_flag=True, help="Say what would come of it; send and move nothing.")
@job_option
@destination_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    job_file: Path | None,
    chosen: tuple[str, ...],
    reasons: tuple[str, ...],
    since: str | None,
    until: str | None,
    event: str | None,
    person: str | None,
    summary_file: Path | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Map the original bytes of dead letters with today's mapping, and deliver them.

    What succeeds moves to DIR/done; what fails again stays, with its new reason. A replay can be
    stopped at any moment and started again: what was delivered is not sent twice. Give it the
    --state of the run, so that it knows what the run knew.

    With a job file of several destinations: the letters of the one that --destination names, to
    it alone; without that, the letters that are nobody's, to all.
    """
    wanted = selection(reasons=reasons, since=since, until=until, event=event, person=person)
    if job_file is None:
        refuse_names(chosen)
        job = job_of(ctx, inputs=(), **given)
    else:
        file = job_file_of(ctx, job_file, chosen=chosen, dry_run=given["dry_run"])
        if len(file.destinations) > 1:
            if chosen:
                message = "replay takes the letters of one --destination, or of none"
                raise UsageError(message)
            return _replay_nobodys(file, wanted, summary_file=summary_file, quiet=quiet)
        job = only_run(file)
    from pipeline.run.replay import replay

    return carry_out(
        lambda: replay(job, wanted),
        places={"dead letters": job.config.dead_letters},
        summary_file=summary_file,
        quiet=quiet,
    )


def _replay_nobodys(
    file: JobFile, wanted: Selection, *, summary_file: Path | None, quiet: bool
) -> int:
    def replay(job: CheckedJob) -> JobSummary:
        from pipeline.run.jobs.replay import replay_job

        return replay_job(job, wanted)

    return carry_out_job(file, summary_file=summary_file, quiet=quiet, run=replay)
