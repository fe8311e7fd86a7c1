"""Writes what is made from the language: the editors' schemas and the reference pages.

``python -m pipeline.mapping.generate`` writes the files; ``--check`` only says which are stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.mapping import lint
from pipeline.mapping.codes import CODES
from pipeline.mapping.compiler import Vocabulary, compile_file, compile_mapping
from pipeline.mapping.diagnostics import Diagnostic
from pipeline.mapping.editor_schema import editor_schema
from pipeline.mapping.reference import diagnostics_page, language_page, settings_page

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "mappings" / "intercom.yaml"
LINT = lint.LINT_CODES
# codes of schemas and of job files stand on the same page
import_module("pipeline.cli.schemas")
import_module("pipeline.run.jobs.codes")


def files(vocabulary: Vocabulary) -> Mapping[Path, str]:
    """Every generated file and what must be in it."""
    shipped = compile_file(
        SHIPPED, vocabulary=vocabulary, overrides={"identity_verification": "verify"}
    )
    secrets = shipped.plan.secrets if shipped.plan else ()
    job_schema = import_module("pipeline.run.jobs.editor_schema").job_schema
    reference = ROOT / "docs" / "reference"
    return {
        ROOT / "schemas" / "mapping.schema.json": _json(editor_schema(vocabulary)),
        ROOT / "schemas" / "job.schema.json": _json(job_schema(vocabulary)),
        reference / "mapping-language.md": language_page(),
        reference / "diagnostics.md": diagnostics_page(examples(vocabulary)),
        reference / "jobs.md": import_module("pipeline.run.jobs.reference").jobs_page(),
        reference / "settings.md": settings_page(shipped.settings, secrets),
    }


def _json(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def examples(vocabulary: Vocabulary) -> Mapping[str, str]:
    """What the example of each code prints."""
    return {
        name: "\n".join(_shown(item) for item in found)
        for name, code in CODES.items()
        if code.example and (found := triggered(name, code.example, vocabulary))
    }


def triggered(name: str, example: str, vocabulary: Vocabulary) -> list[Diagnostic]:
    """The diagnostics of one code that an example gives rise to."""
    compiled = compile_mapping(example, file="mapping.yaml", vocabulary=vocabulary)
    return [item for item in compiled.diagnostics if item.code == name]


def _shown(item: Diagnostic) -> str:
    place = f"{item.span.file}:{item.span.line}:{item.span.column}"
    help_ = f"\n  = help: {item.help}" if item.help else ""
    return f"{place}: {item.severity}[{item.code}]: {item.message}{help_}"


def stale(vocabulary: Vocabulary) -> list[Path]:
    """The files that are not what they must be."""
    return [
        path
        for path, text in files(vocabulary).items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` exit with 1 where one is stale."""
    # the language knows no destination: which there are is asked for only here
    vocabulary: Vocabulary = import_module("pipeline.run.mappings").vocabulary()
    found = stale(vocabulary)
    if "--check" not in arguments:
        for path in found:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files(vocabulary)[path], "utf-8")
    for path in found:
        word = "stale" if "--check" in arguments else "written"
        sys.stdout.write(f"{word}: {path.relative_to(ROOT)}\n")
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
