"""JSON for programs: one finding a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pipeline.mapping.diagnostics import Diagnostic


def findings(diagnostics: Sequence[Diagnostic], files: Sequence[Path]) -> str:
    """One object a line: code, severity, file, place, message, help."""
    return "\n".join(
        json.dumps(
            {
                "code": item.code,
                "severity": item.severity,
                "file": item.span.file,
                "line": item.span.line,
                "column": item.span.column,
                "end_line": item.span.end_line,
                "end_column": item.span.end_column,
                "message": item.message,
                "help": item.help,
            },
            ensure_ascii=False,
        )
        for item in diagnostics
    )
