"""What the commands about schemas share: finding the files, faults as diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.mapping.codes import CODES, Code
from pipeline.mapping.diagnostics import Diagnostic, Span
from pipeline.validation import breaking, checking
from pipeline.validation.places import Fault

CODES.update({code: Code(*words) for code, words in {**checking.RULES, **breaking.RULES}.items()})

TRACKING = "tracking"


def as_diagnostics(path: Path, faults: Iterable[Fault]) -> list[Diagnostic]:
    """Faults of a schema file as every other finding is shown."""
    return [
        Diagnostic(
            fault.code,
            Span(
                str(path),
                fault.place.line,
                fault.place.column,
                fault.place.end_line,
                fault.place.end_column,
            ),
            fault.message,
            fault.help,
        )
        for fault in faults
    ]


def check_files(texts: dict[Path, str]) -> list[Diagnostic]:
    """Everything wrong with schema files, alone and, where they are a tracking plan, together."""
    found: list[Diagnostic] = []
    for path, text in texts.items():
        found += as_diagnostics(path, checking.check_schema(text, path))
    planned = {path: text for path, text in texts.items() if path.parent.name == TRACKING}
    for path, faults in checking.check_plan(planned).items():
        found += as_diagnostics(path, faults)
    return found


def tracking_schemas(texts: dict[Path, str]) -> dict[str, Any]:
    """Event name -> schema, of those files that are readable parts of a tracking plan."""
    found: dict[str, Any] = {}
    for path, text in texts.items():
        schema, faults = checking.decoded(text)
        if not faults and path.parent.name == TRACKING and isinstance(schema, dict):
            name = schema.get("x-event")
            if isinstance(name, str):
                found[name] = schema
    return found
