"""What changed between two mappings, by meaning: comments and layout do not count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.wording import say_condition, say_source, say_step, say_value, shown

Say = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        kind: ``added``, ``removed`` or ``changed``.
        what: The part: ``setting limit``, ``rule track: submit_event.metadata``.
        old: What it was, in words; empty where it was not.
        new: What it is.
        old_line: Where it stands in the old mapping; 0 where that cannot be said.
        new_line: The same in the new one.
    """

    kind: str
    what: str
    old: str = ""
    new: str = ""
    old_line: int = 0
    new_line: int = 0


def differences(
    old: plan.MappingPlan, new: plan.MappingPlan, *, adjusted: plan.MappingPlan | None = None
) -> list[Change]:
    """Every change from one mapping to the other; none where both mean the same.

    ``adjusted`` is the old mapping with the settings of the new one, so that a changed setting is
    one change and not one more for each place that uses it.
    """
    was = adjusted or old
    return [
        *_settings(old, new),
        *_named("variable $", dict(was.lets), dict(new.lets), _values),
        *_named("skip ", dict(was.skips), dict(new.skips), _conditions),
        *_rules(was.rules, new.rules),
        *_differ("destination", old.destination, new.destination, str),
    ]


def _settings(old: plan.MappingPlan, new: plan.MappingPlan) -> Iterator[Change]:
    def compare(what: str, was: Any, now: Any) -> Iterator[Change]:
        yield from _differ(what, was, now, shown)

    yield from _named("setting ", dict(old.settings), dict(new.settings), compare)


def _named(
    prefix: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    compare: Callable[[str, Any, Any], Iterator[Change]],
) -> Iterator[Change]:
    """Changes among things that have names."""
    for name in old:
        if name in new:
            continue
        yield Change("removed", prefix + name, _say(old[name]), old_line=_line(old[name]))
    for name, now in new.items():
        if name not in old:
            yield Change("added", prefix + name, new=_say(now), new_line=_line(now))
        else:
            yield from compare(prefix + name, old[name], now)


def _say(part: Any) -> str:
    if isinstance(part, plan.Expr):
        return say_value(part)
    return say_condition(part) if isinstance(part, plan.CONDITIONS) else shown(part)


def _line(part: Any) -> int:
    return int(part.place.line) if isinstance(part, plan.Expr) else 0


def _differ(
    what: str, old: Any, new: Any, say: Say, lines: tuple[int, int] = (0, 0)
) -> Iterator[Change]:
    if old != new or type(old) is not type(new):
        yield Change("changed", what, say(old), say(new), *lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


# --- rules and operations --------------------------------------------------------------------


def _rules(old: Sequence[plan.Rule], new: Sequence[plan.Rule]) -> Iterator[Change]:
    before = {rule.name: rule for rule in old}
    after = {rule.name: rule for rule in new}
    for name in before:
        if name not in after:
            rule = before[name]
            told = say_condition(rule.when)
            yield Change("removed", f"rule {name}", told, old_line=rule.place.line)
    for name, rule in after.items():
        if name not in before:
            told = say_condition(rule.when)
            yield Change("added", f"rule {name}", new=told, new_line=rule.place.line)
        else:
            yield from _rule(before[name], rule)
    common = [name for name in before if name in after]
    order = [name for name in after if name in before]
    yield from _differ("order of rules", common, order, _listed)


def _rule(old: plan.Rule, new: plan.Rule) -> Iterator[Change]:
    head = f"rule {new.name}"
    lines = (old.place.line, new.place.line)
    yield from _differ(f"{head}: when", old.when, new.when, say_condition, lines)
    yield from _differ(f"{head}: skip", old.skip, new.skip, str, lines)
    yield from _named(f"{head}: require ", dict(old.require), dict(new.require), _conditions)
    yield from _named(f"{head}: person.", _ids(old.person), _ids(new.person), _values)
    before, after = _numbered(old.operations), _numbered(new.operations)
    for name, made in before.items():
        if name not in after:
            yield Change("removed", f"{head}: {name}", old_line=made.place.line)
    for name, made in after.items():
        if name not in before:
            yield Change("added", f"{head}: {name}", new_line=made.place.line)
        else:
            yield from _operation(f"{head}: {name}", before[name], made)
    common = [name for name in before if name in after]
    order = [name for name in after if name in before]
    yield from _differ(f"{head}: order", common, order, _listed, lines)


def _ids(person: plan.PersonPlan) -> dict[str, plan.Expr]:
    ids = {"user_id": person.user_id, "email": person.email, "anonymous_id": person.anonymous_id}
    return {name: expr for name, expr in ids.items() if expr is not None}


def _numbered(operations: Sequence[plan.OperationPlan]) -> dict[str, plan.OperationPlan]:
    """Operations by kind; a second one of a kind has a number."""
    named: dict[str, plan.OperationPlan] = {}
    for made in operations:
        name, number = made.kind, 1
        while name in named:
            number += 1
            name = f"{made.kind} ({number})"
        named[name] = made
    return named


def _operation(head: str, old: plan.OperationPlan, new: plan.OperationPlan) -> Iterator[Change]:
    lines = (old.place.line, new.place.line)
    yield from _differ(f"{head}: when", old.when, new.when, _condition, lines)
    if old.for_each is None or new.for_each is None:
        yield from _differ(f"{head}: for_each", old.for_each, new.for_each, _each, lines)
    else:
        yield from _values(f"{head}: for_each", old.for_each, new.for_each)
    yield from _differ(f"{head}: needs", old.needs, new.needs, _listed, lines)
    yield from _named(f"{head}.", dict(old.fields), dict(new.fields), _values)


def _condition(condition: plan.Condition | None) -> str:
    return "always" if condition is None else say_condition(condition)


def _each(expr: plan.Expr | None) -> str:
    return "once" if expr is None else say_value(expr)


# --- values ----------------------------------------------------------------------------------


def _conditions(what: str, old: plan.Condition, new: plan.Condition) -> Iterator[Change]:
    if old != new:
        was, now = say_condition(old), say_condition(new)
        yield Change("changed", what, was, now)


def _values(what: str, old: plan.Expr, new: plan.Expr) -> Iterator[Change]:
    """Changes of a value; of an object, those of its members."""
    old, new = _as_written(old), _as_written(new)
    lines = (old.place.line, new.place.line)
    was, now = old.source, new.source
    if isinstance(was, plan.Object) and isinstance(now, plan.Object):
        yield from _named(f"{what}.", dict(was.members), dict(now.members), _values)
        yield from _differ(f"{what}: needs", was.needs, now.needs, _listed, lines)
    elif (
        isinstance(was, plan.Merge)
        and isinstance(now, plan.Merge)
        and len(was.values) == len(now.values)
    ):
        for part_was, part_now in zip(was.values, now.values, strict=True):
            yield from _values(what, part_was, part_now)
    else:
        yield from _differ(what, was, now, say_source, lines)
    yield from _steps(what, old, new)
    yield from _differ(f"{what}: when", old.when, new.when, _condition, lines)
    yield from _differ(f"{what}: required", old.required, new.required, shown, lines)
    yield from _differ(f"{what}: nullable", old.nullable, new.nullable, shown, lines)


def _as_written(expr: plan.Expr) -> plan.Expr:
    """The value without what the compiler found out about the rest of the rule."""

    def plain(node: Any) -> Any:
        return replace(node, used=frozenset()) if type(node) is plan.Rest else node

    written: plan.Expr = plan.rewrite(expr, plain)
    return written


def _steps(what: str, old: plan.Expr, new: plan.Expr) -> Iterator[Change]:
    """Changed steps one by one, where they are the same ones in the same order."""
    if [step.name for step in old.steps] != [step.name for step in new.steps]:
        lines = (old.place.line, new.place.line)
        yield from _differ(f"{what}: steps", old.steps, new.steps, _piped, lines)
        return
    for was, now in zip(old.steps, new.steps, strict=True):
        lines = (was.place.line, now.place.line)
        yield from _differ(f"{what}: {now.name}", was, now, say_step, lines)


def _piped(steps: tuple[plan.Step, ...]) -> str:
    return " | ".join(map(say_step, steps)) or "none"


# --- outputs ---------------------------------------------------------------------------------


def output_changes(old: Any, new: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two outputs differ, as (path, old, new); ABSENT stands for nothing."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            change
            for key in dict.fromkeys([*old, *new])
            for change in output_changes(
                old.get(key, ABSENT), new.get(key, ABSENT), f"{path}.{key}" if path else str(key)
            )
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            change
            for at, (was, now) in enumerate(zip(old, new, strict=True))
            for change in output_changes(was, now, f"{path}[{at}]")
        ]
    return [] if old is new or (old == new and type(old) is type(new)) else [(path, old, new)]
