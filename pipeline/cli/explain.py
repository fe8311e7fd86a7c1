"""``penstock explain``: what becomes of an event, and why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from pipeline.cli.files import nearby, read_events_file
from pipeline.cli.formats.explanation import to_json, to_text
from pipeline.cli.options import overrides, report, set_option
from pipeline.cli.shaping import Shaper, read_events, shaper_for
from pipeline.errors import PenstockError, UsageError
from pipeline.mapping.plan import MappingPlan
from pipeline.model.event import EVENT_TYPES, Event, Rejected
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file

POLL_SECONDS = 0.3


@click.command(name="explain")
@click.argument("file", required=False)
@click.option("--event", "event", metavar="FILE|-", help="The event or events; - reads stdin.")
@click.option(
    "--mapping", type=click.Path(path_type=Path), default=DEFAULT_MAPPING, help="The mapping file."
)
@set_option
@click.option(
    "--schemas", type=click.Path(path_type=Path), default=None, help="Directory of the schemas."
)
@click.option("--no-validate", is_flag=True, help="Do not check events against the schemas.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.option("--code", is_flag=True, help="Show the Python that the mapping compiles to.")
@click.option(
    "--type", "type_", type=click.Choice(EVENT_TYPES), help="With --code: for events of this type."
)
@click.option("--rule", metavar="NAME", help="With --code: this rule alone.")
@click.option("--watch", is_flag=True, help="Run again whenever the mapping or the file is saved.")
def command(
    file: str | None,
    event: str | None,
    mapping: Path,
    settings: tuple[str, ...],
    schemas: Path | None,
    no_validate: bool,
    style: str,
    code: bool,
    type_: str | None,
    rule: str | None,
    watch: bool,
) -> None:
    """Show what becomes of each event in FILE, and why; nothing is ever sent.

    FILE holds one event, JSON lines, an array of events or a batch. Shown are the rule that
    fired, every field with its source, its steps and its line in the mapping, why an absent field
    is absent, and the API calls that would follow for a person whom nobody has seen.

    With --code it shows instead the Python functions that the mapping compiles to: those for the
    events in FILE, or without one all of them.
    """
    source = event or file
    if not code and (type_ or rule):
        message = "--type and --rule choose among the code that --code shows: add --code"
        raise UsageError(message)
    if (source is None and not code) or (event and file):
        message = "explain takes one file with events: penstock explain --event FILE (- for stdin)"
        raise UsageError(message)
    if watch and source == "-":
        message = "--watch needs a file: standard input cannot be read again"
        raise UsageError(message)
    changed = overrides(settings)
    mapping = nearby(mapping)

    def once() -> None:
        compiled = compile_mapping_file(mapping, changed)
        report(compiled, mapping)
        assert compiled.plan is not None  # noqa: S101
        if code:
            from pipeline.cli.generated import show

            show(compiled.plan, None if source is None else _events(source), type_, rule)
            return
        assert source is not None  # noqa: S101
        shaper = shaper_for(compiled.plan, schemas, check=not no_validate)
        _explain(source, compiled.plan, shaper, style)

    if watch:
        watching([mapping, *([Path(source)] if source else [])], once)
    else:
        once()


def _events(source: str) -> list[Event | Rejected]:
    data = read_events_file(source)
    events = read_events(data, origin="stdin" if source == "-" else source)
    if not events:
        message = f"{source} holds no event"
        raise UsageError(message)
    return events


def _explain(source: str, mapping: MappingPlan, shaper: Shaper, style: str) -> None:
    events = _events(source)
    counts: Counter[str] = Counter()
    for number, event in enumerate(events):
        shaped = shaper.shape(event)
        counts[shaped.status] += 1
        if style == "json":
            click.echo(to_json(shaped))
        else:
            click.echo(("\n" if number else "") + to_text(shaped, mapping))
    if style == "text" and len(events) > 1:
        told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        click.echo(f"\n{len(events)} events: {told}")


def watching(
    paths: list[Path],
    once: Callable[[], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    rounds: Iterator[object] | None = None,
) -> None:
    """Do ``once`` now and whenever one of ``paths`` is saved; mistakes are shown and waited out.

    ``rounds`` ends the watch when it is exhausted; without it only an interrupt does.
    """
    seen: list[tuple[int, int]] | None = None
    while True:
        now = [_stamp(path) for path in paths]
        if now != seen:
            if seen is not None:
                click.echo(f"\n--- {time.strftime('%H:%M:%S')} saved, once more ---\n")
            seen = now
            try:
                once()
            except PenstockError as error:
                click.echo(f"penstock: {error}", err=True)
        if rounds is not None and next(rounds, None) is None:
            return
        sleep(POLL_SECONDS)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return (0, 0)
    return (state.st_mtime_ns, state.st_size)
