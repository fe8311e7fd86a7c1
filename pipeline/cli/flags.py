"""The options of a run (``pipeline.run.options``) as flags of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.run.options import SECRET, Option, problem_with

F = TypeVar("F", bound=Callable[..., Any])


def flags(options: Iterable[Option]) -> Callable[[F], F]:
    """Adds the flags of several options, in their order."""
    made = [flag(option) for option in options]

    def decorate(function: F) -> F:
        for decorator in reversed(made):
            function = decorator(function)
        return function

    return decorate


def flag(option: Option) -> Callable[[F], F]:
    """One option as a flag."""
    if option.kind == "flag":
        return click.option(
            option.word, option.name, is_flag=True, default=option.default, help=option.about
        )
    repeated = option.kind in ("inputs", "table")
    has_default = option.default is not None and not option.shown
    return click.option(
        option.word,
        option.name,
        type=_TYPES.get(option.kind) or click.Choice(option.choices),
        callback=partial(_checked, option),
        multiple=repeated,
        metavar=option.metavar,
        default=None if repeated else option.default,
        show_default=has_default,
        help=f"{option.about} [default: {option.shown}]" if option.shown else option.about,
    )


_TYPES: dict[str, Any] = {
    "integer": click.INT,
    "number": click.FLOAT,
    "file": click.Path(path_type=Path),
    "directory": click.Path(path_type=Path),
    **dict.fromkeys(("text", "inputs", "place", "state", "table", "secret"), click.STRING),
}


def _checked(option: Option, ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """The value, within the bounds of its option; click's own error where it is not."""
    if option.kind in ("integer", "number") and value is not None:
        if problem := problem_with(option, value):
            message = f"{value} {problem}."
            raise click.BadParameter(message, ctx, param)
    elif option.kind == "secret" and not SECRET.fullmatch(value):
        # what was received may be the secret itself: it is not repeated
        message = "a secret is named, never written: env: and the name of a variable."
        raise click.BadParameter(message, ctx, param)
    return value
