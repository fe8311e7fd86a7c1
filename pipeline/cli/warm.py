"""``penstock warm``: what is there already, into the state."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from pipeline.cli.flags import flags
from pipeline.run.options import DESTINATION

EVERY_SECONDS = 10.0


@click.command(name="warm")
@flags([DESTINATION[key] for key in ("endpoint", "region", "insecure", "token")])
@click.option("--state", metavar="URL", required=True,
              help="What to fill: sqlite:///FILE or postgresql://HOST/NAME.")  # fmt: skip
@flags([DESTINATION[key] for key in ("rate", "share")])
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text",
              show_default=True)  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress and no summary on the terminal.")
def command(style: str, quiet: bool, **given: Any) -> None:
    """Learn the contacts and companies of the workspace, so that a backfill need not ask.

    Reads GET /contacts (150 a page) and GET /companies/scroll, and changes nothing there. The
    state then knows their ids, and digests of their fields, so a run over them creates nobody and
    sends nothing that is there already. Stopped, it goes on where it was.
    """
    from pipeline.run.warm import WarmConfig, warm

    found = warm(WarmConfig(**given), progress=_ignore if quiet else _told_now_and_then())
    if style == "json":
        click.echo(json.dumps(found, indent=2))
    elif not quiet:
        click.echo(f"warm, {found['seconds']:.1f} s")
        for name, count in found["found"].items():
            click.echo(f"  {name.replace('_', ' '):26} {count:>10,}")
        calls = sum(sum(statuses.values()) for statuses in found["calls"].values())
        click.echo(f"  {'calls':26} {calls:>10,}")


def _ignore(found: Counter[str]) -> None:
    del found


def _told_now_and_then() -> Callable[[Counter[str]], None]:
    """Says what was found so far, a line every ten seconds at most."""
    last = began = time.monotonic()

    def tell(found: Counter[str]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= EVERY_SECONDS:
            last = now
            counts = f"contacts {found['contacts']:,}  companies {found['companies']:,}"
            click.echo(f"{now - began:5.0f} s  {counts}", err=True)

    return tell
