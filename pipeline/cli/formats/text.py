"""Text for people: place, code, sentence, the line with a caret, help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.cli.diagnostics import render_text
from pipeline.mapping.diagnostics import Diagnostic


def findings(diagnostics: Sequence[Diagnostic], files: Sequence[Path]) -> str:
    """The findings, one after the other."""
    return render_text(diagnostics)
