"""The functions that are written for the events of one type and name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePath

from pipeline.mapping import plan
from pipeline.mapping.conditions import negated
from pipeline.mapping.expressions import Expressions
from pipeline.mapping.interpreter import Mapped
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.runtime import UNSET, ignore, known_email, unix_seconds
from pipeline.model.operation import Operation, Person
from pipeline.model.refusal import Refusal, Skip
from pipeline.model.text import looks_like_url


class Function(Expressions):
    """Writes one function of one event.

    Args:
        mapping: What is left of the plan for such events (see ``specialise``).
        name: Of the function.
    """

    def __init__(self, mapping: plan.MappingPlan, name: str, *, counting: str) -> None:
        super().__init__(dict(mapping.lets), counting=counting)
        self.mapping = mapping
        self.name = name
        self.constants |= {
            "ABSENT": ABSENT, "UNSET": UNSET, "Mapped": Mapped, "Operation": Operation,
            "Person": Person, "Decimal": Decimal, "ignore": ignore,
            "known_email": known_email, "looks_like_url": looks_like_url,
            "unix_seconds": unix_seconds,
        }  # fmt: skip

    def head(self) -> list[str]:
        """The beginning of the function."""
        head = [f"def {self.name}(event):", "    body = event.body"]
        slots = sorted(self.guarded)
        return [*head, "    " + " = ".join(slots) + " = UNSET"] if slots else head

    def skip(self, reason: str) -> None:
        """The end of an event that nobody wants."""
        self.emit(f"return {self.constant(Skip(reason), 'SKIP')}")

    def skips(self) -> None:
        """The conditions under which events are skipped before any rule."""
        for reason, condition in self.mapping.skips:
            with self.when(condition):
                self.skip(reason)


class Sieve(Function):
    """Writes the function that tells what is surely not wanted, before any rule looks at it."""

    prefix = "wants"

    def __init__(self, mapping: plan.MappingPlan, name: str) -> None:
        super().__init__(mapping, name, counting="ignore")

    def write(self) -> str:
        """The whole function."""
        self.skips()
        rules = self.mapping.rules
        if not rules:
            self.skip("not_mapped")
        elif rules[0].skip is not None and rules[0].when == plan.Literally(value=True):
            self.skip(rules[0].skip)
        else:
            self.emit("return None")
        return "\n".join([*self.head(), *self.written(), ""])

    def refuse(self, reason: str, message: str) -> None:
        """A refusal is for the mapping to tell."""
        self.emit("return None")


class Mapping(Function):
    """Writes the function that maps."""

    prefix = "map"

    def __init__(self, mapping: plan.MappingPlan, name: str) -> None:
        super().__init__(mapping, name, counting="note")

    def write(self) -> str:
        """The whole function."""
        self.skips()
        for rule in self.mapping.rules:
            self.emit("")
            self.comment(f"rule {rule.name!r}, {self.place(rule.place)}")
            with self.when(rule.when):
                begun = set(self.begun)
                self.rule(rule)
                self.begun = begun  # a rule always returns: nothing it began is seen behind it
        if not self.mapping.rules or self.mapping.rules[-1].when != plan.Literally(value=True):
            self.skip("not_mapped")
        head = [*self.head(), "    warnings = []", "    note = warnings.append"]
        return "\n".join([*head, *self.written(), ""])

    def place(self, place: plan.Place) -> str:
        """Where a part is written, for people."""
        file = PurePath(self.mapping.file).name
        return f"{file}:{place.line}" if file else f"line {place.line}"

    def refuse(self, reason: str, message: str) -> None:
        """The end of an event that lacks something."""
        refusal = self.constant(Refusal.because(reason, message), "REFUSAL")
        self.emit(f"return {refusal}")

    # --- rules -------------------------------------------------------------------------------

    def rule(self, rule: plan.Rule) -> None:
        """What happens once a rule's condition holds; every way ends in a return."""
        if rule.skip is not None:
            self.skip(rule.skip)
            return
        for reason, condition in rule.require:
            if condition == plan.Literally(value=True):
                continue
            with self.block(f"if {negated(self.condition(condition))}:"):
                self.refuse(reason, f"rule {rule.name!r} requires it")
        ids = [
            self.identifier(expr)
            for expr in (rule.person.user_id, rule.person.email, rule.person.anonymous_id)
        ]
        self.emit(f"person = Person({', '.join(ids)})")
        self.emit("time = event.time")
        self.emit("operations = []")
        for made in rule.operations:
            self.operation(made)
        if not any(_is_always_made(made) for made in rule.operations):
            with self.block("if not operations:"):
                self.skip("not_mapped")
        self.emit("lost = (*event.warnings, *warnings) if warnings else event.warnings")
        name = self.constant(rule.name)
        self.emit(f"return Mapped({name}, person, tuple(operations), lost)")

    def identifier(self, expr: plan.Expr | None) -> str:
        """A value that counts only if it is a text."""
        if expr is None:
            return "None"
        value = self.value(expr)
        return f"{value} if type({value}) is str else None"

    def operation(self, made: plan.OperationPlan) -> None:
        """One operation, or one for each item."""
        self.comment(f"{made.kind}, {self.place(made.place)}")
        if made.for_each is None:
            self.one_operation(made)
            return
        found = self.value(made.for_each, "items")
        outer, self.in_loop = self.in_loop, True
        self.forget_item()
        items = f"{found} if type({found}) is list else () if {found} is ABSENT else ({found},)"
        with self.block(f"for item in {items}:"):
            resets: list[str] = []
            self.emit_later(lambda: [" = ".join([*resets, "UNSET"])] if resets else [])
            self.one_operation(made)
            resets += self.slots_of_item()
        self.in_loop = outer
        self.forget_item()

    def one_operation(self, made: plan.OperationPlan) -> None:
        """The operation for the current item, if there is one to make."""
        with self.when(made.when):
            fields = self.fresh("fields")
            self.emit(f"{fields} = {{}}")
            for name, expr in made.fields:
                self.comment(f"{made.kind}.{name}, {self.place(expr.place)}")
                self.put(fields, name, self.value(expr, name))
            kind = self.constant(made.kind)
            operation = f"operations.append(Operation({kind}, person, time, {fields}))"
            if made.needs:
                needed = " and ".join(f"{self.constant(name)} in {fields}" for name in made.needs)
                with self.block(f"if {needed}:"):
                    self.emit(operation)
            else:
                self.emit(operation)


def _is_always_made(made: plan.OperationPlan) -> bool:
    return (
        made.for_each is None and not made.needs and made.when in (None, plan.Literally(value=True))
    )
