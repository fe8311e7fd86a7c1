"""Annotations for GitHub Actions: workflow commands, and the whole list in the step's summary.

GitHub shows ten annotations of a step, so the summary is the only place that has them all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.mapping.diagnostics import Diagnostic


def findings(diagnostics: Sequence[Diagnostic], files: Sequence[Path]) -> str:
    """One command a finding."""
    summarise([_row(item) for item in diagnostics], "| Code | Place | Finding |\n|---|---|---|")
    return "\n".join(
        annotation(
            item.severity,
            item.message + (f"\nhelp: {item.help}" if item.help else ""),
            title=item.code,
            file=item.span.file,
            line=item.span.line,
            endLine=item.span.end_line,
            col=item.span.column,
            **({"endColumn": item.span.end_column} if item.span.line == item.span.end_line else {}),
        )
        for item in diagnostics
    )


def annotation(severity: str, message: str, **properties: str | int) -> str:
    """A workflow command that shows ``message`` beside a line of a file.

    >>> annotation("error", "50% off", file="a,b.yaml", line=3)
    '::error file=a%2Cb.yaml,line=3::50%25 off'
    """
    told = ",".join(f"{name}={_escape(str(value), ':,')}" for name, value in properties.items())
    return f"::{severity} {told}::{_escape(message)}"


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def summarise(rows: Sequence[str], head: str) -> None:
    """Add a table to the summary of the step, where there is one."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path and rows:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write("\n".join([head, *rows]) + "\n\n")


def _row(item: Diagnostic) -> str:
    place = f"{item.span.file}:{item.span.line}:{item.span.column}"
    return f"| {item.code} | {place} | {cell(item.message)} |"


def cell(text: str) -> str:
    """A text as it may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")
