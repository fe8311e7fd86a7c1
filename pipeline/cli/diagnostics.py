"""Renders diagnostics for people: place, code, sentence, the line with a caret, help."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from pipeline.mapping.diagnostics import Diagnostic

COLOURS = {"error": "red", "warning": "yellow"}


def render_text(diagnostics: Iterable[Diagnostic]) -> str:
    """The diagnostics as coloured text; click takes the colours out where none are wanted."""
    lines_of: dict[str, list[str]] = {}
    return "\n".join(_render(item, lines_of) for item in diagnostics)


def _render(item: Diagnostic, lines_of: dict[str, list[str]]) -> str:
    span = item.span
    lines = lines_of.setdefault(span.file, _lines(span.file))
    severity = click.style(f"{item.severity}[{item.code}]", fg=COLOURS[item.severity], bold=True)
    place = f"{span.file}:{span.line}:{span.column}" if lines else span.file
    out = [f"{place}: {severity}: {item.message}"]
    if 0 < span.line <= len(lines):
        line = lines[span.line - 1]
        gutter = f"{span.line:5d} | "
        end = span.end_column if span.end_line == span.line else len(line) + 1
        carets = "^" * max(1, min(end, len(line) + 1) - span.column)
        out.append(f"{gutter}{line}")
        margin = " " * 6 + "| " + " " * (span.column - 1)
        out.append(margin + click.style(carets, fg=COLOURS[item.severity]))
    if item.help:
        out.append(f"      = help: {item.help}")
    return "\n".join(out)


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return []


def count_of(diagnostics: Iterable[Diagnostic]) -> str:
    """``2 errors, 1 warning``."""
    counts = {"error": 0, "warning": 0}
    for item in diagnostics:
        counts[item.severity] += 1
    return ", ".join(
        f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in counts.items()
    )
