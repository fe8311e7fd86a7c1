"""``penstock plan``: the whole run without a write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.cli.jobs import (
    destination_option,
    job_file_of,
    job_option,
    only_run,
    refuse_names,
)
from pipeline.cli.options import workspace_option
from pipeline.cli.running import BEAM_OPTIONS, input_option, job_of, run_options, write_json
from pipeline.model.refusal import DEAD_REASONS, MERGE_REASONS, SKIP_REASONS

_SHOWN = 20


@click.command(name="plan", context_settings=BEAM_OPTIONS)
@input_option
@run_options
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the plan to this file, for `penstock run --plan`.")  # fmt: skip
@click.option("--online", is_flag=True,
              help="Read from the API which attributes there are; nothing is written.")  # fmt: skip
@workspace_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text",
              show_default=True)  # fmt: skip
@job_option
@destination_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    job_file: Path | None,
    chosen: tuple[str, ...],
    out: Path | None,
    online: bool,
    workspace: str | None,
    style: str,
    quiet: bool,
    **given: Any,
) -> None:
    """Say what a run would do: events, calls, time, and what it would create. Nothing is written.

    What the state knows counts, so give the --state of the run. People whom the state does not
    know are counted as new; `penstock warm` tells it who is there already.
    """
    if job_file is None:
        refuse_names(chosen)
        job = job_of(ctx, dry_run=True, **given)
    else:
        job = only_run(job_file_of(ctx, job_file, chosen=chosen, dry_run=True))
    from pipeline.cli.progress import progress
    from pipeline.run.plan import plan
    from pipeline.transforms.counting import LIVE

    with progress(LIVE.snapshot, quiet=quiet or style == "json"):
        made = plan(
            job,
            online=online,
            keep="-" not in job.config.inputs or out is not None,
            workspace=workspace,
        )
    if out is not None:
        write_json(out, made, what="the plan")
    if style == "json":
        click.echo(json.dumps(made, indent=2))
    elif not quiet:
        click.echo("\n".join(_lines(made)))


def _lines(plan: dict[str, Any]) -> Iterator[str]:
    events, creates, names = plan["events"], plan["creates"], plan["event_names"]
    yield "plan, nothing was sent"
    yield ""
    yield _row("received", events["received"])
    yield _row("delivered", events["delivered"])
    yield from _group("skipped", events["skipped"], SKIP_REASONS)
    yield from _group("merged", events["merged"], MERGE_REASONS)
    yield from _group("dead", events["dead"], DEAD_REASONS)
    unknown = plan["events_of_unknown_people"]
    if unknown:
        yield f"  {unknown:,} of the delivered are of people whom neither the state nor the input"
        yield "  knows: dead letters, where Intercom does not know them either (see penstock warm)"
    yield ""
    yield _row("calls", plan["calls_total"])
    for call, count in sorted(plan["calls"].items(), key=lambda item: -item[1]):
        yield f"    {call:36} {count:>10,}"
    duration, rate = _duration(plan["seconds_at_the_limit"]), plan["calls_per_minute"]
    yield f"  {duration} at {rate:,.0f} calls a minute"
    yield ""
    yield _row("contacts to create", creates["contacts"])
    yield _row("companies to create", creates["companies"])
    at_most = "" if plan["online"] else "   at most; --online asks which there are"
    yield _row("attributes to create", len(creates["attributes"])) + (
        at_most if creates["attributes"] else ""
    )
    for each in creates["attributes"][:_SHOWN]:
        yield f"    {each['model']} {each['name']} ({each['data_type']})"
    yield from _more(creates["attributes"])
    yield _row("new event names", len(names["new"]))
    if names["taken"] is not None:
        yield f"    {names['taken']:,} of {names['limit']:,} places would be taken"
    if names["over"]:
        yield _row("event names without place", len(names["over"]))
        yield from (f"    {name}" for name in names["over"][:_SHOWN])
        yield from _more(names["over"])
    for kind, count in sorted(plan["warnings"].items()):
        yield f"  warning {kind}: {count:,}"


def _more(items: list[Any]) -> Iterator[str]:
    if len(items) > _SHOWN:
        yield f"    and {len(items) - _SHOWN:,} more"


def _group(name: str, reasons: dict[str, int], meanings: dict[str, str]) -> Iterator[str]:
    yield _row(name, sum(reasons.values()))
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        yield f"    {reason:24} {count:>10,}   {meanings.get(reason, '')}".rstrip()


def _row(name: str, count: int) -> str:
    return f"  {name:26} {count:>10,}"


def _duration(seconds: float) -> str:
    """``1 h 20 min``, ``12 min 5 s``, ``3 s``."""
    whole = max(1, round(seconds)) if seconds else 0
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
