"""``penstock replay``: dead letters on the road once more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.dead_letters import selection, selection_options
from pipeline.cli.running import (
    BEAM_OPTIONS,
    carry_out,
    job_of,
    processes_option,
    run_options,
    summary_option,
)


@click.command(name="replay", context_settings=BEAM_OPTIONS)
@click.option("--dead-letters", metavar="DIR", default="dead-letters", show_default=True,
              help="Where they are kept; a directory on this machine.")  # fmt: skip
@selection_options
@run_options
@processes_option
@summary_option
@click.option("--dry-run", is_flag=True, help="Say what would come of it; send and move nothing.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
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
    """
    chosen = selection(reasons=reasons, since=since, until=until, event=event, person=person)
    job = job_of(ctx, inputs=(), **given)
    from pipeline.run.replay import replay

    return carry_out(
        lambda: replay(job, chosen),
        places={"dead letters": job.config.dead_letters},
        summary_file=summary_file,
        quiet=quiet,
    )
