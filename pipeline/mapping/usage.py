"""What a compiled mapping reads: circles among variables, and what ``rest`` must leave out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.paths import Key, Path, Segment
from pipeline.model.text import normal_key

Names = tuple[str | Segment, ...]
"""A path in a form in which the spellings of one key are equal."""


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
    ``item`` is the same in operations that go through the same list, and only in those.
    """

    def told(made: plan.OperationPlan) -> plan.OperationPlan:
        if not any(isinstance(node, plan.Rest) for node in plan.walk(made.fields)):
            return made
        same = [other for other in rule.operations if other.for_each == made.for_each]
        inside = [path for path in reads(same, lets) if path.root == "item"]
        outside = [path for path in everywhere if path.root != "item"]
        return _told(made, [_names(path) for path in (*inside, *outside)])

    everywhere = list(reads((rule.operations, rule.person), lets))
    return replace(rule, operations=tuple(told(made) for made in rule.operations))


def _told(made: plan.OperationPlan, paths: Sequence[Names]) -> plan.OperationPlan:
    def tell(node: Any) -> Any:
        if not isinstance(node, plan.Rest):
            return node
        above = _names(node.path)
        used = _below(above, paths)
        if above[0] == "item" and made.for_each and isinstance(made.for_each.source, plan.Pick):
            # the item may be the very object that other fields read by its path
            used |= _below((*_names(made.for_each.source.path), *above[1:]), paths)
        return replace(node, used=used - node.keep)

    told: plan.OperationPlan = plan.rewrite(made, tell)
    return told


def _below(above: Names, paths: Sequence[Names]) -> frozenset[str]:
    """The names of the members of ``above`` that paths lead to."""
    depth = len(above)
    members = (names[depth] for names in paths if len(names) > depth and names[:depth] == above)
    return frozenset(name for name in members if isinstance(name, str))


def _names(path: Path) -> Names:
    names = (
        normal_key(segment.name) if isinstance(segment, Key) else segment
        for segment in path.segments
    )
    return (path.root, *names)


def reads(node: Any, lets: Mapping[str, plan.Expr]) -> Iterator[Path]:
    """The paths that a part of a plan reads, through variables, but not in conditions."""
    seen: set[str] = set()
    todo = [node]
    while todo:
        for part in plan.walk(todo.pop(), conditions=False):
            if not isinstance(part, Path):
                continue
            variable = part.root.startswith("$") and not part.quoted_root
            if variable and (name := part.root[1:]) in lets and name not in seen:
                seen.add(name)
                todo.append(lets[name])
            yield part
