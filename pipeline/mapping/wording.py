"""The parts of a plan in words: for explanations, differences and warnings."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.mapping import plan
from pipeline.mapping.language import STEPS
from pipeline.mapping.paths import ABSENT, Path
from pipeline.model.text import cut

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_QUESTIONS = {
    "equals": "is",
    "not_equals": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "at_least": "is at least",
    "at_most": "is at most",
    "above": "is above",
    "below": "is below",
    "starts_with": "starts with",
    "ends_with": "ends with",
}


def shown(value: Any, *, limit: int = 60) -> str:
    """A value as JSON, cut to ``limit`` characters; what is absent says so.

    >>> shown({"a": "b"}), shown("abcdefghij", limit=8), shown(ABSENT)
    ('{"a":"b"}', '"abcdef…', 'absent')
    """
    if value is ABSENT:
        return "absent"
    text = _ENCODER.encode(value).decode()
    return text if len(text) <= limit else cut(text, limit - 1) + "…"


def say_value(expr: plan.Expr) -> str:
    """A value: its source, then its steps, then its condition."""
    parts = [say_source(expr.source), *map(say_step, expr.steps)]
    parts += [word for word in ("required", "nullable") if getattr(expr, word)]
    text = " | ".join(parts)
    return text if expr.when is None else f"{text} when {say_condition(expr.when)}"


def say_source(source: plan.Source) -> str:
    """What a value starts from."""
    match source:
        case plan.Pick(path):
            return str(path)
        case plan.Const(value):
            return shown(value)
        case plan.First(values):
            return f"first of ({_listed(values)})"
        case plan.Join(values, separator):
            return f"({_listed(values)}) joined with {shown(separator)}"
        case plan.Object(members):
            return "{" + ", ".join(f"{name}: {say_value(expr)}" for name, expr in members) + "}"
        case plan.Merge(values):
            return f"({_listed(values)}) merged"
        case plan.ListOf(values):
            return f"[{_listed(values)}]"
        case plan.Rest(path, keep, without):
            said = f"the rest of {path}"
            if keep:
                said += f", keeping {', '.join(sorted(keep))}"
            return said + (f", without {', '.join(map(_left_out, without))}" if without else "")
        case plan.Template(parts):
            texts = (f"{{{part}}}" if isinstance(part, Path) else part for part in parts)
            return shown("".join(texts))


def _left_out(part: plan.Without) -> str:
    return part.key if part.when is None else f"{part.key} (when {say_condition(part.when)})"


def _listed(values: tuple[plan.Expr, ...]) -> str:
    return ", ".join(map(say_value, values))


def say_step(step: plan.Step) -> str:
    """A step as it is written: ``to: unix_seconds``; a bare name where it takes nothing."""
    if step.args is True:
        return step.name
    word = STEPS.get(step.name)
    short = word.arg.shorthand if word is not None else None
    alone = short is not None and isinstance(step.args, dict) and step.args.keys() == {short}
    return f"{step.name}: {_argument(step.args[short] if alone else step.args)}"


def _argument(args: Any) -> str:
    match args:
        case plan.Expr():
            return say_value(args)
        case str():
            return args if args.isidentifier() else shown(args)
        case dict():
            return "{" + ", ".join(f"{key}: {_argument(part)}" for key, part in args.items()) + "}"
        case list() | tuple():
            said = ", ".join(map(_argument, args))
            return said if len(args) == 1 else f"[{said}]"
        case _:
            return shown(args)


def say_condition(condition: plan.Condition) -> str:
    """A condition as a sentence without a full stop."""
    match condition:
        case plan.Literally(value):
            return "always" if value else "never"
        case plan.TypeIs(types):
            return f"type is {' or '.join(types)}"
        case plan.EventIs(names):
            return f"event is {' or '.join(map(shown, names))}"
        case plan.All(parts):
            return " and ".join(map(_bracketed, parts))
        case plan.AnyOf(parts):
            return " or ".join(map(_bracketed, parts))
        case plan.Not(part):
            return f"not {_bracketed(part)}"
        case plan.IntegrationOn(name):
            return f"integrations allow {name}"
        case plan.Ask(value, tests):
            return f"{say_value(value)} {' and '.join(map(_question, tests))}"


def _bracketed(condition: plan.Condition) -> str:
    said = say_condition(condition)
    return f"({said})" if isinstance(condition, plan.All | plan.AnyOf) else said


def _question(test: plan.Step) -> str:
    if test.name == "exists":
        return "is there" if test.args else "is not there"
    return f"{_QUESTIONS.get(test.name, test.name)} {_argument_of_test(test.args)}"


def _argument_of_test(args: Any) -> str:
    return shown(list(args)) if isinstance(args, tuple) else shown(args)


def line_of(condition: plan.Condition) -> int | None:
    """The line in which a condition is written, as far as its parts know."""
    for part in plan.walk(condition):
        if isinstance(part, plan.Expr):
            return part.place.line
    return None
