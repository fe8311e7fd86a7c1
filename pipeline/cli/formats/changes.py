"""Renders what changed between two mappings, and in what comes out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import msgspec

from pipeline.mapping.diff import Change
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.wording import shown

VERSION = 1

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


@dataclass(frozen=True, slots=True)
class Example:
    """One event whose output changed: (path, old, new) of what differs."""

    origin: str
    changes: list[tuple[str, Any, Any]]


@dataclass(slots=True)
class Outputs:
    """What the sample events showed."""

    events: int = 0
    changed: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)


def to_json(changes: Sequence[Change], outputs: Outputs | None) -> str:
    """One JSON object with everything."""
    data: dict[str, Any] = {
        "version": VERSION,
        "changes": [
            {
                "kind": change.kind,
                "what": change.what,
                "old": change.old,
                "new": change.new,
                "old_line": change.old_line or None,
                "new_line": change.new_line or None,
            }
            for change in changes
        ],
    }
    if outputs is not None:
        data["outputs"] = {
            "events": outputs.events,
            "changed": outputs.changed,
            "fields": outputs.counts,
            "examples": [
                {
                    "origin": example.origin,
                    "changes": [
                        {"path": path, **_there("old", old), **_there("new", new)}
                        for path, old, new in example.changes
                    ],
                }
                for example in outputs.examples
            ],
        }
    return _ENCODER.encode(data).decode()


def _there(name: str, value: Any) -> dict[str, Any]:
    return {} if value is ABSENT else {name: value}


def to_text(changes: Sequence[Change], outputs: Outputs | None) -> str:
    """The changes for people, then the outputs."""
    out = [_change(change) for change in changes] or ["both mappings mean the same"]
    if outputs is not None:
        out += ["", f"{outputs.changed} of {outputs.events} events come out differently"]
        width = max(map(len, outputs.counts), default=0)
        out += [f"  {path:{width}}  {count}" for path, count in outputs.counts.items()]
        for example in outputs.examples:
            out += ["", example.origin]
            for path, old, new in example.changes:
                out += [
                    f"  {path}",
                    click.style(f"    - {shown(old, limit=200)}", fg="red"),
                    click.style(f"    + {shown(new, limit=200)}", fg="green"),
                ]
    return "\n".join(out)


def _change(change: Change) -> str:
    sign, colour = _SIGNS[change.kind]
    line = f" (line {change.new_line or change.old_line})" if _has_line(change) else ""
    head = click.style(f"{sign} {change.what}", fg=colour) + line
    if change.kind == "changed":
        return f"{head}\n    - {change.old}\n    + {change.new}"
    told = change.new or change.old
    return f"{head}: {told}" if told else head


def _has_line(change: Change) -> bool:
    return bool(change.new_line or change.old_line)
