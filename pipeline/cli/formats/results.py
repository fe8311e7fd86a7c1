"""Renders the results of tests: only what differs, with the line that expects it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from pipeline.cli.formats import github, junit
from pipeline.cli.trial import Result
from pipeline.mapping.cases import Difference
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.wording import shown

VERSION = 1

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def render(results: Sequence[Result], style: str, *, verbose: bool) -> str:
    """All results in one of the formats."""
    if style == "json":
        return "\n".join(_ENCODER.encode(as_data(result)).decode() for result in results)
    if style == "junit":
        return junit.render([_case(result) for result in results])
    if style == "github":
        return _annotations(results)
    return "\n".join(_text(result) for result in results if verbose or result.differences)


def as_data(result: Result) -> dict[str, Any]:
    """One result as plain data."""
    return {
        "version": VERSION,
        "file": str(result.path),
        "line": result.case.span.line,
        "name": result.case.name,
        "status": "failed" if result.differences else "passed",
        "seconds": round(result.seconds, 6),
        "differences": [
            {
                "path": difference.path,
                "line": difference.span.line,
                **_there("expected", difference.expected),
                **_there("actual", difference.actual),
                **({"note": difference.note} if difference.note else {}),
            }
            for difference in result.differences
        ],
    }


def _there(name: str, value: Any) -> dict[str, Any]:
    return {} if value is ABSENT else {name: value}


def _text(result: Result) -> str:
    place = f"{result.path}:{result.case.span.line}"
    if not result.differences:
        return f"{click.style('passed', fg='green')} {place}: {result.case.name}"
    head = f"{click.style('FAILED', fg='red', bold=True)} {place}: {result.case.name}"
    return "\n".join([head, *(_difference(one) for one in result.differences)])


def _difference(difference: Difference, *, colour: bool = True) -> str:
    out = [f"  {difference.span.file}:{difference.span.line}: {difference.path}"]
    for sign, value, tint in (("-", difference.expected, "red"), ("+", difference.actual, "green")):
        told = f"    {sign} {shown(value, limit=400)}"
        out.append(click.style(told, fg=tint) if colour else told)
    if difference.note:
        out.append(f"    {difference.note}")
    return "\n".join(out)


def _case(result: Result) -> junit.Case:
    told = "\n".join(_difference(one, colour=False) for one in result.differences)
    failure = _summary(result.differences) if result.differences else ""
    suite, line = str(result.path), result.case.span.line
    return junit.Case(suite, result.case.name, line, failure, told, result.seconds)


def _summary(differences: Sequence[Difference]) -> str:
    first = differences[0]
    more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
    expected, actual = shown(first.expected), shown(first.actual)
    return f"{first.path}: expected {expected}, got {actual}{more}"


def _annotations(results: Sequence[Result]) -> str:
    failed = [result for result in results if result.differences]
    rows = [
        f"| {github.cell(result.case.name)} | {result.path}:{result.case.span.line} "
        f"| {github.cell(_summary(result.differences))} |"
        for result in failed
    ]
    github.summarise(rows, "| Test | Place | First difference |\n|---|---|---|")
    return "\n".join(
        github.annotation(
            "error",
            "\n".join(_difference(one, colour=False) for one in result.differences),
            title=f"test failed: {result.case.name}",
            file=str(result.path),
            line=result.differences[0].span.line,
        )
        for result in failed
    )


def summary(results: Sequence[Result]) -> str:
    """``41 passed, 1 failed``."""
    failed = sum(bool(result.differences) for result in results)
    return f"{len(results) - failed} passed, {failed} failed"
