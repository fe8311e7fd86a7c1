"""``penstock validate``: what is wrong with mappings and schemas, alone and together."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.files import SCHEMA, YAML, below, default_roots, nearby, read_text
from pipeline.cli.formats.findings import STYLES, chosen, emit, failed, format_option
from pipeline.cli.options import overrides, set_option
from pipeline.errors import UsageError
from pipeline.mapping.compiler import compile_mapping
from pipeline.run.mappings import delivery_settings, vocabulary

if TYPE_CHECKING:
    from pipeline.mapping.diagnostics import Diagnostic
    from pipeline.mapping.plan import MappingPlan

RUN_SETTINGS = frozenset(
    [
        "unplanned",
        "violations",
        "coalesce",
        "last_seen_granularity",
        "remember_delivered",
        "same_second",
        "suppress_deleted",
        "event_name_limit",
        "pin_event_names",
        "deny_event_names",
        "event_name_overflow",
    ]
)
"""Settings of a mapping that neither it nor the destination reads, but whoever runs it."""


@click.command(name="validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@set_option
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@format_option(*STYLES)
def command(
    paths: tuple[Path, ...], settings: tuple[str, ...], strict: bool, style: str | None
) -> int:
    """Check mappings, job files and schemas for mistakes.

    PATH is a mapping, a job file, a schema (*.schema.json), a file of tests, or a directory of
    them; without one, mappings/ and schemas/ of the current directory or of the installation are
    checked.
    Exits with 1 if there are errors.
    """
    roots = list(paths) or default_roots()
    files = [nearby(path) for path in below(roots, (*YAML, SCHEMA))]
    if not files:
        message = f"no mapping (*.yaml) and no schema (*{SCHEMA}) in {', '.join(map(str, roots))}"
        raise UsageError(message)
    changed = overrides(settings)
    found: list[Diagnostic] = []
    schemas = {
        path: read_text(path, what="the schema") for path in files if path.name.endswith(".json")
    }
    tracking: dict[str, Any] = {}
    if schemas:
        from pipeline.cli.schemas import check_files, tracking_schemas

        found += check_files(schemas)
        tracking = tracking_schemas(schemas)
    for path in files:
        if path not in schemas:
            found += _check_yaml(path, changed, tracking)
    found = list(dict.fromkeys(found))  # a job file has the findings of its mappings, too
    emit(found, files, chosen(style))
    return 1 if failed(found, strict=strict) else 0


def _check_yaml(
    path: Path, changed: dict[str, str], tracking: dict[str, Any]
) -> tuple[Diagnostic, ...]:
    from pipeline.mapping.cases import has_cases, is_case_file, read_cases
    from pipeline.mapping.lint import lint
    from pipeline.run.jobs.reader import is_job_file

    text = read_text(path, what="the mapping")
    if is_job_file(text):
        from pipeline.cli.jobs import check_job_file

        return check_job_file(path, flags={"settings": changed} if changed else {})[1]
    if is_case_file(text):
        return read_cases(text, file=str(path)).diagnostics
    compiled = compile_mapping(text, file=str(path), vocabulary=vocabulary(), overrides=changed)
    warnings = lint(compiled, known_settings=_known_settings(compiled.plan), tracking=tracking)
    inside = compiled.root is not None and has_cases(compiled.root)
    cases = read_cases(text, file=str(path)).diagnostics if inside else ()
    return (*compiled.diagnostics, *warnings, *cases)


def _known_settings(mapping: MappingPlan | None) -> Collection[str]:
    """The settings that others than the mapping read."""
    return RUN_SETTINGS | delivery_settings(mapping.destination) if mapping else RUN_SETTINGS
