"""``penstock test``: the tests of mappings, written in YAML beside them or inside."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import click
import msgspec

from pipeline.cli.diagnostics import render_text
from pipeline.cli.files import default_roots, nearby, read_events_file, read_text
from pipeline.cli.formats.findings import chosen, format_option
from pipeline.cli.formats.results import render, summary
from pipeline.cli.options import overrides, set_option
from pipeline.cli.shaping import read_events
from pipeline.cli.trial import Bench, Result, Selection, cases_in, mapping_of, select
from pipeline.errors import UsageError
from pipeline.mapping.rewriting import Edit, append, apply, refresh, written
from pipeline.model.event import Event, Rejected
from pipeline.run.mappings import DEFAULT_MAPPING


@click.command(name="test")
@click.argument("paths", nargs=-1, metavar="[PATH[::NAME]]...")
@set_option
@click.option(
    "--schemas", type=click.Path(path_type=Path), default=None, help="Directory of the schemas."
)
@format_option("text", "json", "junit", "github")
@click.option("-v", "--verbose", is_flag=True, help="Show the tests that pass, too.")
@click.option("--update", is_flag=True, help="Write what happened into the tests that fail.")
@click.option(
    "--create", metavar="EVENT", help="Write a test from the event in a file; - is stdin."
)
@click.option("--mapping", type=click.Path(path_type=Path), default=DEFAULT_MAPPING,
              help="The mapping that --create tests.")  # fmt: skip
@click.option("--name", help="The name of the test that --create writes.")
@click.option("--into", type=click.Path(path_type=Path), help="Append it to this file of tests.")
def command(
    paths: tuple[str, ...],
    settings: tuple[str, ...],
    schemas: Path | None,
    style: str | None,
    verbose: bool,
    update: bool,
    create: str | None,
    mapping: Path,
    name: str | None,
    into: Path | None,
) -> int:
    """Run the tests of mappings.

    PATH is a file of tests, a mapping with `tests:` inside, or a directory of them; without one
    the tests below mappings/ run. PATH::NAME selects one test, and NAME may hold * for anything.
    Exits with 1 if a test fails, with 2 if there is none to run.
    """
    bench = Bench(schemas, overrides(settings))
    if create is not None:
        if paths or update:
            message = "--create takes an event and writes a test; it runs none"
            raise UsageError(message)
        _create(bench, create, nearby(mapping), name, into)
        return 0
    if into is not None or name is not None:
        message = "--into and --name belong to --create"
        raise UsageError(message)
    arguments = list(paths) or [str(root) for root in default_roots() if root.name == "mappings"]
    results = [
        result
        for selection in select(arguments)
        for result in _run(bench, selection, asked=str(selection.path) in arguments)
    ]
    if not results:
        message = f"no test in {', '.join(arguments)}; penstock test --create EVENT writes one"
        raise UsageError(message)
    if update:
        _update(results)
        return 0
    text = render(results, chosen(style), verbose=verbose)
    if text:
        click.echo(text)
    click.echo(summary(results), err=True)
    return 1 if any(result.differences for result in results) else 0


def _run(bench: Bench, selection: Selection, *, asked: bool) -> list[Result]:
    path = selection.path
    found = cases_in(path, asked=asked or bool(selection.names))
    if found is None:
        return []
    if found.diagnostics:
        click.echo(render_text(found.diagnostics), err=True)
        message = f"{path} cannot be used"
        raise UsageError(message)
    mapping = mapping_of(path, found)
    return [bench.run(path, mapping, case) for case in found.cases if selection.wants(case)]


def _update(results: list[Result]) -> None:
    edits: defaultdict[Path, list[Edit]] = defaultdict(list)
    changed = [result for result in results if result.differences]
    for result in changed:
        text = read_text(result.path, what="the tests")
        edits[result.path] += refresh(text, result.case, result.actual, result.differences)
    for path, own in edits.items():
        path.write_text(apply(read_text(path, what="the tests"), own), "utf-8")
    for result in changed:
        click.echo(f"updated {result.path}:{result.case.span.line}: {result.case.name}")
    click.echo(f"{len(changed)} of {len(results)} tests updated", err=True)


def _create(bench: Bench, source: str, mapping: Path, name: str | None, into: Path | None) -> None:
    events = read_events(read_events_file(source), origin=source)
    if not events:
        message = f"{source} holds no event"
        raise UsageError(message)
    items = [
        written(name or _name(event), _body(event), bench.actual(mapping, {}, event))
        for event in events
    ]
    if into is None:
        click.echo("tests:\n" + "\n\n".join(items))
        return
    if into.exists():
        text = read_text(into, what="the tests")
    else:
        relative = os.path.relpath(mapping.resolve(), into.resolve().parent)
        text = f"mapping: {Path(relative).as_posix()}\n"
    for item in items:
        text = append(text, item)
    into.write_text(text, "utf-8")
    click.echo(f"{len(items)} test{'' if len(items) == 1 else 's'} written to {into}")


def _name(event: Event | Rejected) -> str:
    name = event.name if isinstance(event, Event) else None
    return " ".join(filter(None, [event.type or "unreadable event", name, event.message_id]))


def _body(event: Event | Rejected) -> object:
    """The event as it may stand in YAML: data, or its text where it is no JSON object."""
    if isinstance(event, Event):
        return event.body
    try:
        decoded = msgspec.json.decode(event.raw)
    except ValueError:
        return event.raw.decode("utf-8", "replace")
    return decoded if isinstance(decoded, dict) else event.raw.decode("utf-8", "replace")
