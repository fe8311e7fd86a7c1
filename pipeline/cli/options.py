"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.cli.diagnostics import count_of, render_text
from pipeline.errors import UsageError
from pipeline.mapping.compiler import Compiled

F = TypeVar("F", bound=Callable[..., Any])


def set_option(function: F) -> F:
    """``--set KEY=VALUE``, any number of times."""
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override a setting of the mapping; may be repeated.",
    )(function)


workspace_option = click.option(
    "--workspace", metavar="ID",
    help="Which workspace, where the state knows several: app.id_code of GET /me.",
)  # fmt: skip


def overrides(settings: Iterable[str]) -> dict[str, str]:
    """``("a=1",)`` -> ``{"a": "1"}``. Raises UsageError where there is no ``=``."""
    found: dict[str, str] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key:
            message = f"--set takes KEY=VALUE, received {text!r}"
            raise UsageError(message)
        found[key.strip()] = value
    return found


def report(compiled: Compiled, path: Path) -> None:
    """Show what is wrong with a mapping; raises UsageError when it cannot be used."""
    if compiled.diagnostics:
        click.echo(render_text(compiled.diagnostics), err=True)
    if compiled.plan is None:
        message = f"{path} cannot be used: {count_of(compiled.diagnostics)}"
        raise UsageError(message)
