"""``penstock run``: events of files to the destination."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import overrides, report, set_option
from pipeline.errors import CredentialsRefused, UsageError
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file


@click.command(
    name="run", context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
@click.option("--input", "inputs", multiple=True, required=True, metavar="GLOB",
              help="JSONL files, plain or compressed, on any Beam file system; - for standard "
                   "input. May be repeated.")  # fmt: skip
@click.option("--mapping", type=click.Path(path_type=Path), default=DEFAULT_MAPPING,
              help="The mapping file. [default: the shipped mappings/intercom.yaml]")  # fmt: skip
@click.option("--schemas", type=click.Path(path_type=Path), default=HOME / "schemas",
              help="Directory of the event schemas. [default: the shipped ones]")  # fmt: skip
@click.option("--endpoint", metavar="URL", help="Root of the API, for an emulator or a proxy.")
@click.option("--region", type=click.Choice(["us", "eu", "au"]), default="us", show_default=True,
              help="The workspace's region, where no --endpoint is given.")  # fmt: skip
@click.option("--insecure", is_flag=True, help="Allow plain http to another machine.")
@click.option("--state", metavar="URL", default="sqlite://",
              help="What to remember between runs: sqlite:///FILE. [none]")  # fmt: skip
@click.option("--dead-letters", metavar="DIR", default="dead-letters", show_default=True,
              help="Where refused events are kept, with their reasons.")  # fmt: skip
@click.option("--summary", "summary_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the account of the run to this file, as JSON.")  # fmt: skip
@set_option
@click.option("--dry-run", is_flag=True, help="Do everything but send.")
@click.option("--concurrency", type=click.IntRange(1, 256), default=16, show_default=True,
              help="So many people are delivered at the same time.")  # fmt: skip
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N",
              help="At most so many calls a minute, below what the API allows.")  # fmt: skip
@click.option("--max-event-bytes", type=click.IntRange(1), default=1_048_576, show_default=True,
              help="Longer lines are refused.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress and no summary on the terminal.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    inputs: tuple[str, ...],
    mapping: Path,
    settings: tuple[str, ...],
    summary_file: Path | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Send the identify, track, group and page events of files to the destination.

    The access token comes from the environment variable INTERCOM_ACCESS_TOKEN. Options that are
    not listed here go to Beam, such as --runner; by default the run stays on this machine.

    Exit codes: 0 everything is accounted for, 2 something is missing or wrong, 5 the credentials
    are refused.
    """
    compiled = compile_mapping_file(mapping, overrides(settings))
    report(compiled, mapping)
    assert compiled.plan is not None  # noqa: S101 - report raises otherwise

    from pipeline.cli import logs
    from pipeline.cli.progress import progress
    from pipeline.cli.summary import render

    logs.configure()
    from pipeline.run import batch
    from pipeline.run.config import RunConfig
    from pipeline.transforms.counting import LIVE

    config = RunConfig(
        inputs=inputs,
        mapping=mapping,
        settings=overrides(settings),
        beam_args=tuple(ctx.args),
        **given,
    )
    job = batch.check(config, compiled.plan)
    with progress(LIVE.snapshot, quiet=quiet):
        summary = batch.run(job)
    if summary.dead:
        summary = replace(summary, places={"dead letters": config.dead_letters})
    if summary_file is not None:
        _write(summary_file, summary.as_json())
    if not quiet:
        click.echo(render(summary))
    summary.check()
    if summary.halted:
        message = (
            "the destination refused the access token; what was not sent is in the dead letters"
        )
        raise CredentialsRefused(message)
    return 0


def _write(path: Path, summary: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    except OSError as error:
        message = f"cannot write the summary to {path}: {error.strerror or error}"
        raise UsageError(message) from error
