"""A plan for the events of one type and name: what they cannot need is left out of it.

The meaning stays: what is left out could neither give a value, nor count a warning, nor refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from pipeline.mapping import plan
from pipeline.mapping.language import STEPS, TESTS
from pipeline.mapping.paths import ABSENT, Path

OTHER: Final = None
"""Stands for every event name that the mapping does not write."""

_NOTHING = plan.Const(ABSENT)


def names_in(mapping: plan.MappingPlan) -> frozenset[str]:
    """The names of events that the mapping writes; it treats all others alike."""
    nodes = plan.walk((mapping.lets, mapping.skips, mapping.rules))
    return frozenset(name for node in nodes if type(node) is plan.EventIs for name in node.names)


def specialised(mapping: plan.MappingPlan, type_: str, name: str | None) -> plan.MappingPlan:
    """What the plan means for events of one type; ``name`` is one of ``names_in``, or OTHER.

    Conditions on type and name are decided, and so are those made of them.
    """
    return _Specialiser(mapping, type_, name).whole()


class _Specialiser:
    def __init__(self, mapping: plan.MappingPlan, type_: str, name: str | None) -> None:
        self.mapping = mapping
        self.type = type_
        self.event = name
        self.lets = dict(mapping.lets)

    def whole(self) -> plan.MappingPlan:
        """The plan with what is left of skips, rules and variables."""
        skips = []
        for reason, condition in self.mapping.skips:
            known = self.fold(condition)
            if known != plan.Literally(value=False):
                skips.append((reason, known))
            if known == plan.Literally(value=True):
                return replace(self.mapping, skips=tuple(skips), rules=())
        return replace(
            self.mapping,
            lets=tuple((name, self.fold(expr)) for name, expr in self.mapping.lets),
            skips=tuple(skips),
            rules=tuple(self.rules()),
        )

    def rules(self) -> Iterable[plan.Rule]:
        """The rules that may fire, as far as the first that certainly does."""
        for rule in self.mapping.rules:
            when = self.fold(rule.when)
            if when == plan.Literally(value=False):
                continue
            yield self.fold(replace(rule, when=when))
            if when == plan.Literally(value=True):
                return

    def fold(self, node: Any) -> Any:
        """A part of the plan, with what is known of the event put in."""
        return plan.rewrite(node, self.known)

    def known(self, node: Any) -> Any:
        """One node whose parts are folded already."""
        match node:
            case plan.TypeIs(types):
                return plan.Literally(value=self.type in types)
            case plan.EventIs(names):
                return plan.Literally(value=self.type == "track" and self.event in names)
            case plan.Not(plan.Literally(value)):
                return plan.Literally(value=not value)
            case plan.All(conditions):
                return self.chain(plan.All, conditions, stop_at=False)
            case plan.AnyOf(conditions):
                return self.chain(plan.AnyOf, conditions, stop_at=True)
            case plan.Expr(when=plan.Literally(value)):
                return replace(node, when=None) if value else _nothing(node)
            case plan.First(values):
                return plan.First(tuple(_as_far_as_certain(values)))
            case plan.Merge(values):
                return plan.Merge(tuple(expr for expr in values if not _is_nothing(expr)))
            case plan.Object(members, needs):
                return plan.Object(
                    tuple((name, expr) for name, expr in members if not _is_nothing(expr)), needs
                )
        return node

    def chain(
        self,
        kind: type[plan.All | plan.AnyOf],
        conditions: tuple[plan.Condition, ...],
        *,
        stop_at: bool,
    ) -> plan.Condition:
        """Conditions one after the other, up to the first that is known to decide.

        Those before it are still asked if somebody could tell: a variable counts its warnings
        when it is first read.
        """
        open_ones: list[plan.Condition] = []
        for condition in conditions:
            if isinstance(condition, plan.Literally):
                if condition.value != stop_at:
                    continue
                if not any(may_be_noticed(part, self.lets) for part in open_ones):
                    return condition
                open_ones.append(condition)
                break
            open_ones.append(condition)
        if not open_ones:
            return plan.Literally(value=not stop_at)
        return open_ones[0] if len(open_ones) == 1 else kind(tuple(open_ones))


def _nothing(expr: plan.Expr) -> plan.Expr:
    return replace(expr, source=_NOTHING, steps=(), when=None)


def _is_nothing(expr: plan.Expr) -> bool:
    return (
        isinstance(expr.source, plan.Const)
        and expr.source.value is ABSENT
        and not expr.steps
        and not expr.required
    )


def _as_far_as_certain(values: tuple[plan.Expr, ...]) -> Iterable[plan.Expr]:
    """Alternatives that may be there, as far as the first that always is."""
    for expr in values:
        if _is_nothing(expr):
            continue
        yield expr
        if isinstance(expr.source, plan.Const) and not expr.steps and expr.when is None:
            return


def may_be_noticed(node: Any, lets: Mapping[str, plan.Expr], *, asked: bool = True) -> bool:
    """Whether computing a part of a plan can leave a trace besides its value.

    That is a refusal, or a warning. What is only ``asked`` counts none itself, but the variables
    it reads do.
    """
    seen: set[str] = set()
    todo = [(node, asked)]
    while todo:
        part, ignored = todo.pop()
        for inner in plan.walk(part):
            if isinstance(inner, plan.Expr) and inner.required:
                return True
            if isinstance(inner, plan.Step) and not ignored and _may_warn(inner.name):
                return True
            if isinstance(inner, Path) and inner.root.startswith("$") and not inner.quoted_root:
                name = inner.root[1:]
                if name in lets and name not in seen:
                    seen.add(name)
                    todo.append((lets[name], False))
    return False


def _may_warn(name: str) -> bool:
    word = STEPS.get(name) or TESTS.get(name)
    return word is None or bool(word.warnings)
