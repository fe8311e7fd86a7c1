"""What a compiled mapping reads: circles among variables, and what ``rest`` must leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.paths import Key, Path, Segment
from pipeline.model.text import normal_key


def circle(name: str, lets: Mapping[str, plan.Expr]) -> tuple[str, ...]:
    """The circle of names that computing ``name`` would run into, or nothing."""
    return _circle(name, lets, ())


def _circle(name: str, lets: Mapping[str, plan.Expr], seen: tuple[str, ...]) -> tuple[str, ...]:
    if name in seen:
        return (*seen[seen.index(name) :], name)
    if name not in lets:
        return ()
    for needed in variables_of(lets[name]):
        found = _circle(needed, lets, (*seen, name))
        if found:
            return found
    return ()


def variables_of(node: Any) -> list[str]:
    """The names of the variables that a part of a plan reads."""
    return [
        part.root[1:]
        for part in plan.walk(node)
        if isinstance(part, Path) and part.root.startswith("$") and not part.quoted_root
    ]


def with_used_keys(rule: plan.Rule, lets: Mapping[str, plan.Expr]) -> plan.Rule:
    """The rule with every ``rest`` told which members the rule reads elsewhere.

    What only conditions read does not count as used: asking for a value does not carry it over.
    """
    paths = [_names(path) for path in reads((rule.operations, rule.person), lets)]

    def tell(node: Any) -> Any:
        if not isinstance(node, plan.Rest):
            return node
        above = _names(node.path)
        below = (names[len(above)] for names in paths if _is_below(names, above))
        used = frozenset(name for name in below if isinstance(name, str))
        return replace(node, used=used - node.keep)

    return replace(rule, operations=plan.rewrite(rule.operations, tell))


def _names(path: Path) -> tuple[str | Segment, ...]:
    """A path in a form in which the spellings of one key are equal."""
    names = (
        normal_key(segment.name) if isinstance(segment, Key) else segment
        for segment in path.segments
    )
    return (path.root, *names)


def _is_below(names: tuple[str | Segment, ...], above: tuple[str | Segment, ...]) -> bool:
    return len(names) > len(above) and names[: len(above)] == above


def reads(
    node: Any, lets: Mapping[str, plan.Expr], seen: frozenset[str] = frozenset()
) -> Iterator[Path]:
    """The paths that a part of a plan reads, through variables, but not in conditions."""
    for part in plan.walk(node, conditions=False):
        if not isinstance(part, Path):
            continue
        if part.root.startswith("$") and not part.quoted_root:
            name = part.root[1:]
            if name in lets and name not in seen:
                yield from reads(lets[name], lets, seen | {name})
        yield part
