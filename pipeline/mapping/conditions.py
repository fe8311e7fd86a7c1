"""Code for conditions: Python expressions that are true where they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.functions import TEST_FUNCTIONS, pattern
from pipeline.mapping.inline import inline_test
from pipeline.mapping.interpreter import integration_on
from pipeline.mapping.paths import Path
from pipeline.mapping.reading import Reader


class Conditions(Reader):
    """Writes code that decides. Conditions on type and name were decided before (specialise)."""

    def arguments(self, args: Any) -> str:
        """An expression for the arguments of a step or test."""
        raise NotImplementedError

    @contextmanager
    def when(self, condition: plan.Condition | None) -> Iterator[None]:
        """A block that runs if the condition holds."""
        if condition is None or condition == plan.Literally(value=True):
            yield
            return
        with self.block(f"if {self.condition(condition)}:"):
            yield

    def condition(self, condition: plan.Condition) -> str:
        """Code for a condition; an expression that is true if it holds."""
        match condition:
            case plan.Literally(value):
                return repr(value)
            case plan.IntegrationOn(name):
                self.constants["integration_on"] = integration_on
                integrations = self.root(Path("integrations"))
                wanted = f"integration_on({integrations}, {self.constant(name)})"
                return f"({integrations} is ABSENT or {wanted})"
            case plan.Not():
                return negated(self.condition(condition.condition))
            case plan.All(conditions):
                return self.chain(conditions, stop_at=False)
            case plan.AnyOf(conditions):
                return self.chain(conditions, stop_at=True)
            case plan.Ask(value, tests):
                return self.question(value, tests)
            case plan.TypeIs() | plan.EventIs():
                message = f"{condition!r} is decided before code is written"
                raise AssertionError(message)

    def chain(self, conditions: tuple[plan.Condition, ...], *, stop_at: bool) -> str:
        """Conditions one after the other, as far as it takes to know."""
        target = self.fresh("any" if stop_at else "all")
        head = f"if not {target}:" if stop_at else f"if {target}:"
        for place, condition in enumerate(conditions):
            with self.block(head) if place else nullcontext():
                self.emit(f"{target} = {self.condition(condition)}")
        return target

    def question(self, value: plan.Expr, tests: tuple[plan.Step, ...]) -> str:
        """Tests on a value that is only asked about."""
        outer, self.note = self.note, "ignore"
        found = self.value(value)
        if len(tests) == 1:
            answer = self.test(tests[0], found)
        else:
            answer = self.fresh("answer")
            for place, test in enumerate(tests):
                with self.block(f"if {answer}:") if place else nullcontext():
                    self.emit(f"{answer} = {self.test(test, found)}")
        self.note = outer
        return answer

    def test(self, test: plan.Step, value: str) -> str:
        """One test as an expression."""
        known = inline_test(test, value, self.constant)
        if known is not None:
            return _bracketed(known)
        if test.name == "matches" and isinstance(test.args, str):
            matcher = self.constant(pattern(test.args).is_valid, "MATCHES")
            return f"(type({value}) is str and {matcher}({value}))"
        function = self.function("test", test.name, TEST_FUNCTIONS[test.name])
        return f"{function}({value}, {self.arguments(test.args)})"


def negated(expression: str) -> str:
    """The opposite of an expression."""
    return f"not {_bracketed(expression)}"


def _bracketed(expression: str) -> str:
    simple = " " not in expression or (expression[0] == "(" and _closes(expression))
    return expression if simple else f"({expression})"


def _closes(expression: str) -> bool:
    """Whether the bracket that an expression begins with closes at its end."""
    depth = 0
    for at, letter in enumerate(expression):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at == len(expression) - 1
    return False
