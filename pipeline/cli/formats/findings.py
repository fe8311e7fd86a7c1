"""Renders diagnostics in the format that is asked for."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.cli.diagnostics import count_of
from pipeline.mapping.diagnostics import Diagnostic

STYLES = {
    "text": "pipeline.cli.formats.text",
    "json": "pipeline.cli.formats.jsonlines",
    "github": "pipeline.cli.formats.github",
    "sarif": "pipeline.cli.formats.sarif",
    "junit": "pipeline.cli.formats.junit",
}
"""Format -> the module whose ``findings(diagnostics, files)`` makes the text of it."""

F = TypeVar("F", bound=Callable[..., Any])


def format_option(*styles: str) -> Callable[[F], F]:
    """``--format``; under GitHub Actions annotations are the default where they are offered."""
    return click.option(
        "--format",
        "style",
        type=click.Choice(styles),
        default=None,
        help="How findings are shown. [default: text; github under GitHub Actions]",
    )


def chosen(style: str | None, *, github: bool = True) -> str:
    """The format to use where none was asked for."""
    if style is not None:
        return style
    return "github" if github and os.environ.get("GITHUB_ACTIONS") == "true" else "text"


def emit(diagnostics: Sequence[Diagnostic], files: Sequence[Path], style: str) -> None:
    """Print the findings about ``files``; how many there are goes to standard error."""
    text = importlib.import_module(STYLES[style]).findings(diagnostics, files)
    if text:
        click.echo(text)
    checked = f"{len(files)} file{'' if len(files) == 1 else 's'} checked"
    click.echo(f"{checked}: {count_of(diagnostics)}", err=True)


def failed(diagnostics: Sequence[Diagnostic], *, strict: bool) -> bool:
    """Whether the findings are worth exit code 1."""
    return any(strict or item.severity == "error" for item in diagnostics)
