"""Writes tests into YAML files: new ones, and new expectations for old ones.

The text around what changes stays as it is, with its comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.mapping.cases import Actual, Case, Difference
from pipeline.mapping.diagnostics import Findings, Span
from pipeline.mapping.source import Map, read_yaml
from pipeline.mapping.source import Sequence as Items
from pipeline.mapping.yamltext import block, flow


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a text, as offsets, and what is to stand there."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made; they must not overlap."""
    for edit in sorted(set(edits), key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def expected_of(actual: Actual, sections: Sequence[str] = ()) -> dict[str, Any]:
    """What a test would expect if all that happened is right."""
    if actual.status != "mapped":
        return {actual.status: actual.reason}
    everything = {
        "rule": actual.rule,
        "operations": [{kind: fields} for kind, fields in actual.operations],
        "calls": [{name: body} for name, body in actual.calls],
        "warnings": list(actual.warnings),
    }
    wanted = [name for name in sections if name in everything]
    if not wanted:
        wanted = ["operations", *(["warnings"] if actual.warnings else [])]
    return {name: everything[name] for name in wanted}


def refresh(text: str, case: Case, actual: Actual, found: Sequence[Difference]) -> list[Edit]:
    """The edits that make a failing test pass: single values where that will do."""
    if all(difference.leaf for difference in found):
        return [
            Edit(_offset(text, span.line, span.column), _end(text, span), flow(difference.actual))
            for difference in found
            for span in [difference.span]
        ]
    sections = [entry.key for entry in case.expect.entries]
    new = expected_of(actual, sections)
    start, end = _offset(text, case.expect.span.line, case.expect.span.column), 0
    end = _end(text, case.expect.span)
    if text[_offset(text, case.span.line, case.span.column)] == "{":
        return [Edit(start, end, flow(new))]
    line_start = text.rfind("\n", 0, start) + 1
    is_below = not text[line_start:start].strip()
    if is_below:
        return [Edit(line_start, end, block(new, start - line_start))]
    indent = case.span.column + 1
    before = text[:start].rstrip(" ")
    return [Edit(len(before), end, "\n" + block(new, indent))]


def written(name: str, event: Any, actual: Actual, *, indent: int = 2) -> str:
    """A test as YAML, as one item of a list."""
    case = {"name": name, "event": event, "expect": expected_of(actual)}
    return block([case], indent)


def append(text: str, item: str) -> str:
    """The text of a file of tests with one more test at the end of its list."""
    root = read_yaml(text, file="", findings=Findings())
    entry = root.get("tests") if isinstance(root, Map) else None
    if entry is None or not isinstance(entry.value, Items) or not entry.value.items:
        return text.rstrip("\n") + ("\n" if text.strip() else "") + "tests:\n" + item + "\n"
    column = text.splitlines()[entry.value.items[0].span.line - 1].index("-")
    moved = "\n".join(
        (" " * column + line[2:] if line.startswith("  ") else line) for line in item.splitlines()
    )
    end = _end(text, entry.value.items[-1].span)
    return text[:end] + "\n\n" + moved + (text[end:] or "\n")


def _offset(text: str, line: int, column: int) -> int:
    position = 0
    for _ in range(line - 1):
        position = text.index("\n", position) + 1
    return position + column - 1


def _end(text: str, span: Span) -> int:
    """Where a part ends, without the blank lines and comments behind it."""
    start = _offset(text, span.line, span.column)
    try:
        end = _offset(text, span.end_line, span.end_column)
    except ValueError:
        end = len(text)
    lines = text[start:end].split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return start + len("\n".join(lines).rstrip())
