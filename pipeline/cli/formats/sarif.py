"""SARIF 2.1.0, for code scanning and other tools that collect findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline import __version__
from pipeline.mapping.codes import CODES
from pipeline.mapping.diagnostics import Diagnostic, Span

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def findings(diagnostics: Sequence[Diagnostic], files: Sequence[Path]) -> str:
    """One run with one result a finding, and a rule for each code."""
    codes = sorted({item.code for item in diagnostics})
    driver = {
        "name": "penstock",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, codes) for item in diagnostics],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    known = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.rationale},
        "help": {"text": known.fix},
    }


def _result(item: Diagnostic, codes: list[str]) -> dict[str, Any]:
    text = f"{item.message}\n{item.help}" if item.help else item.message
    place = {"artifactLocation": {"uri": _uri(item.span.file)}, "region": _region(item.span)}
    return {
        "ruleId": item.code,
        "ruleIndex": codes.index(item.code),
        "level": item.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
