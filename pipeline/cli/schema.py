"""``penstock schema``: checks, compares and drafts the schemas of events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click

from pipeline.cli.files import SCHEMA, below, default_roots, nearby, read_events_file, read_text
from pipeline.cli.formats.findings import STYLES, chosen, emit, failed, format_option
from pipeline.cli.revision import files_at, is_reference, show
from pipeline.errors import UsageError


@click.group(name="schema")
def command() -> None:
    """Check, compare and draft the JSON Schemas of events."""


@command.command(name="check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@format_option(*STYLES)
def check(paths: tuple[Path, ...], style: str | None) -> int:
    """Hold schemas against the metaschema, and against their examples.

    PATH is a schema (*.schema.json) or a directory; without one, schemas/ is checked. Examples
    stand beside the schemas in examples/valid and examples/invalid, and belong to the schema
    whose name they begin with.
    """
    from pipeline.cli.schemas import as_diagnostics, check_files
    from pipeline.validation.examples import check_examples

    files = _schema_files(list(paths) or [_default_directory()])
    texts = {path: read_text(path, what="the schema") for path in files}
    found = check_files(texts)
    for path, text in texts.items():
        for file, fault in check_examples(path, text):
            found += as_diagnostics(nearby(file), [fault])
    emit(found, files, chosen(style))
    return 1 if failed(found, strict=True) else 0


@command.command(name="breaking")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option(
    "--against",
    required=True,
    metavar="REF|DIR",
    help="A commit, branch or tag of git, or a directory with the old schemas.",
)
@format_option(*STYLES)
def breaking(directory: Path | None, against: str, style: str | None) -> int:
    """Find changes that refuse what was valid, or take away what others read.

    DIRECTORY holds the new schemas; without one it is schemas/. Exits with 1 if there are any.
    """
    from pipeline.cli.schemas import as_diagnostics
    from pipeline.validation.breaking import breaking as compare

    root = directory or _default_directory()
    if not root.is_dir():
        message = f"{root} is no directory; it should hold the new schemas"
        raise UsageError(message)
    new = dict(_below(root))
    found = []
    for file, fault in compare(_old(root, against), new):
        found += as_diagnostics(nearby(root / file), [fault])
    emit(found, [root / file for file in new], chosen(style))
    return 1 if found else 0


@command.command(name="infer")
@click.argument("events")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write one file an event into this directory, such as schemas/tracking.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def infer(events: str, out: Path | None, force: bool) -> None:
    """Draft the schemas of a tracking plan from the track events in a file (- reads stdin).

    The drafts say which properties were seen, of which types and how often; they never hold a
    value. Without --out they are printed, one JSON object a line.
    """
    from pipeline.cli.shaping import read_events
    from pipeline.model.event import Event
    from pipeline.validation.infer import Draft

    draft, others = Draft(), 0
    for event in read_events(read_events_file(events), origin=events):
        if isinstance(event, Event) and event.type == "track" and event.name:
            draft.learn(event.name, event.body.get("properties"))
        else:
            others += 1
    schemas = draft.schemas()
    if not schemas:
        message = f"{events} holds no track event"
        raise UsageError(message)
    if out is None:
        for schema in schemas.values():
            click.echo(json.dumps(schema, ensure_ascii=False))
    else:
        _write(dict(_named(out, schemas)), force=force)
    for name, schema in schemas.items():
        count = draft.shapes[name].count
        click.echo(
            f"{name}: {count} events, {len(schema.get('properties', {}))} properties", err=True
        )
    if others:
        click.echo(f"{others} events of other kinds were left aside", err=True)


def _write(drafts: dict[Path, object], *, force: bool) -> None:
    there = [str(path) for path in drafts if path.exists()]
    if there and not force:
        message = f"{', '.join(there)}: there already; --force replaces what is there"
        raise UsageError(message)
    for path, schema in drafts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _named(out: Path, schemas: dict[str, dict[str, object]]) -> Iterator[tuple[Path, object]]:
    """A file for each event: names that give the same file name get a number."""
    used: set[str] = set()
    for name, schema in schemas.items():
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "event"
        stem, number = plain, 1
        while stem in used:
            number += 1
            stem = f"{plain}-{number}"
        used.add(stem)
        yield out / (stem + SCHEMA), schema


def _default_directory() -> Path:
    return next(root for root in default_roots() if root.name == "schemas")


def _schema_files(roots: list[Path]) -> list[Path]:
    files = [nearby(path) for path in below(roots, (SCHEMA,))]
    if not files:
        message = f"no schema (*{SCHEMA}) in {', '.join(map(str, roots))}"
        raise UsageError(message)
    return files


def _below(root: Path) -> Iterator[tuple[str, str]]:
    for path in below([root], (SCHEMA,)):
        yield path.relative_to(root).as_posix(), read_text(path, what="the schema")


def _old(root: Path, against: str) -> dict[str, str]:
    if Path(against).is_dir():
        return dict(_below(Path(against)))
    if not is_reference(against):
        message = f"--against takes a directory or a commit of git; {against!r} is neither"
        raise UsageError(message)
    names = (name for name in files_at(against, root.as_posix()) if name.endswith(SCHEMA))
    return {name: show(against, f"{root.as_posix()}/{name}") for name in names}
