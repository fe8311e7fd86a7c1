"""Code for values: sources and the steps that a value goes through."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.conditions import negated
from pipeline.mapping.functions import STEP_FUNCTIONS, TEST_FUNCTIONS
from pipeline.mapping.inline import KEEPS, SLOW, inline_step
from pipeline.mapping.language import TESTS
from pipeline.mapping.paths import Path
from pipeline.mapping.reshaping import Objects, can_be_learnt, together
from pipeline.mapping.runtime import join, template


class Expressions(Objects):
    """Writes code that computes."""

    def refuse(self, reason: str, message: str) -> None:
        """The end of an event that lacks something."""
        raise NotImplementedError

    def value(self, expr: plan.Expr, name: str = "") -> str:
        """Code for an expression; an expression that has no effects, for its value."""
        if not expr.steps and expr.when is None and not expr.required:
            if isinstance(expr.source, plan.Const):
                return self.constant(expr.source.value)
            if isinstance(expr.source, plan.Pick) and not expr.source.path.segments:
                return self.root(expr.source.path)
        target = self.fresh(name)
        self.into(target, expr, name)
        return target

    def into(self, target: str, expr: plan.Expr, name: str = "") -> None:
        """Code that computes an expression into a local variable."""
        if expr.when is None:
            self.computed(target, expr, name)
        else:
            self.emit(f"{target} = ABSENT")
            with self.when(expr.when):
                self.computed(target, expr, name)
        if expr.required:
            where = f" (line {expr.place.line} of the mapping)"
            with self.block(f"if {target} is ABSENT:"):
                self.refuse(
                    "mapping_error", f"the field {name or 'marked required'!r} has no value{where}"
                )
            self.certain.add(target)

    def computed(self, target: str, expr: plan.Expr, name: str) -> None:
        """The source and the steps of an expression."""
        steps, source = expr.steps, expr.source
        if isinstance(source, plan.Pick) and steps:
            member = self.member(source.path)
            if member is not None and all(step.name != "default" for step in steps):
                self.member_through(target, member, expr)
                return
        if isinstance(source, plan.Rest):
            count = can_be_learnt(steps)
            self.rest(target, source, steps[:count])
            steps = steps[count:]
        elif isinstance(source, plan.Merge) and source.values:
            steps = self.merged(target, source, steps)
        else:
            self.source(target, source, name)
        if steps:
            with self.block(f"if {target} is not None:") if expr.nullable else nullcontext():
                self.steps(target, steps)
            self.certain.discard(target)

    def member_through(self, target: str, member: tuple[str, str], expr: plan.Expr) -> None:
        """A member of an object and its steps, which one that is absent passes by."""
        holder, key = member
        with self.block(f"if {key} is None:"):
            self.emit(f"{target} = ABSENT")
        with self.block("else:"):
            self.emit(f"{target} = {holder}[{key}]")
            with self.block(f"if {target} is not None:") if expr.nullable else nullcontext():
                self.steps(target, expr.steps, present=True)

    # --- sources -----------------------------------------------------------------------------

    def source(self, target: str, source: plan.Source, name: str) -> None:
        """Code that computes a source into a local variable."""
        match source:
            case plan.Pick(path):
                self.emit(f"{target} = {self.read(path)}")
            case plan.Const(value):
                self.emit(f"{target} = {self.constant(value)}")
            case plan.First(values):
                self.first(target, values, name)
            case plan.Join(values, separator):
                self.constants["join"] = join
                parts = ", ".join([self.value(expr) for expr in values])
                self.emit(f"{target} = join(({parts},), {self.constant(separator)})")
            case plan.Object():
                self.object(target, source)
            case plan.ListOf(values):
                found = ", ".join([self.value(expr) for expr in values])
                self.emit(f"{target} = [each for each in ({found},) if each is not ABSENT]")
            case plan.Template(parts):
                self.template(target, parts)
            case plan.Rest() | plan.Merge():
                self.emit(f"{target} = ABSENT")  # of nothing

    def first(self, target: str, values: tuple[plan.Expr, ...], name: str) -> None:
        """The alternatives, each in a block of its own behind the one before."""
        if not values:
            self.emit(f"{target} = ABSENT")
        for place, expr in enumerate(values):
            member = self.member_at_hand(expr) if place else None
            if member is not None:
                holder, key = member
                with self.block(f"if {target} is ABSENT and {key} is not None:"):
                    self.emit(f"{target} = {holder}[{key}]")
                    self.steps(target, expr.steps, present=True)
                continue
            with self.block(f"if {target} is ABSENT:") if place else nullcontext():
                self.alternative(target, expr, name)
        if values:
            last = values[-1]
            if isinstance(last.source, plan.Const) and not last.steps and last.when is None:
                self.certain.add(target)

    def member_at_hand(self, expr: plan.Expr) -> tuple[str, str] | None:
        """The object and the key for a member of an object that is certainly known by now."""
        source = expr.source
        if expr.when is not None or expr.required or expr.nullable:
            return None
        if not isinstance(source, plan.Pick) or any(step.name == "default" for step in expr.steps):
            return None
        return self.member(source.path) if self.is_at_hand(source.path) else None

    def alternative(self, target: str, expr: plan.Expr, name: str) -> None:
        """One of several values for the same variable."""
        plain = not expr.steps and expr.when is None and not expr.required
        if plain and isinstance(expr.source, plan.Const | plan.Pick):
            self.emit(f"{target} = {self.value(expr, name)}")
        else:
            self.into(target, expr, name)

    def object(self, target: str, source: plan.Object) -> None:
        """An object, without the members that are absent."""
        if not source.needs:
            self.emit(f"{target} = {{}}")
            for name, expr in source.members:
                self.put(target, name, self.value(expr, name))
            return
        found = {name: self.value(expr, name) for name, expr in source.members}
        needed = [found.get(name, "ABSENT") for name in source.needs]
        with self.block(f"if {' or '.join(f'{value} is ABSENT' for value in needed)}:"):
            self.emit(f"{target} = ABSENT")
        with self.block("else:"):
            self.certain.update(needed)
            self.emit(f"{target} = {{}}")
            for name, value in found.items():
                self.put(target, name, value)

    def put(self, target: str, name: str, value: str) -> None:
        """A member of an object that is being made, if it is there."""
        member = f"{target}[{self.constant(name)}] = {value}"
        if value in self.certain:
            self.emit(member)
        elif value != "ABSENT":
            self.emit(f"if {value} is not ABSENT: {member}")

    def template(self, target: str, parts: tuple[str | Path, ...]) -> None:
        """A text with values in it; what comes behind an absent one is not read."""
        self.constants["template"] = template
        self.emit(f"{target} = ''")
        for place, part in enumerate(parts):
            with self.block(f"if {target} is not ABSENT:") if place else nullcontext():
                text = self.constant(part) if isinstance(part, str) else self.read(part)
                self.emit(f"{target} = template({target}, {text})")

    # --- steps -------------------------------------------------------------------------------

    def steps(
        self, target: str, steps: tuple[plan.Step, ...], *, present: bool = False, kind: str = ""
    ) -> None:
        """One step after the other; what is absent passes them by, but for ``default``."""
        while steps:
            if steps[0].name == "default":
                if not present:
                    self.emit(f"if {target} is ABSENT: {target} = {self.constant(steps[0].args)}")
                present, kind, steps = True, "", steps[1:]
                continue
            with nullcontext() if present else self.block(f"if {target} is not ABSENT:"):
                keeps = True
                while steps and keeps and steps[0].name != "default":
                    count = together(steps)
                    if count:
                        self.together(target, steps[:count])
                        keeps, kind = steps[count - 1].name in KEEPS, ""
                    else:
                        kind = self.step(target, steps[0], kind)
                        keeps, count = steps[0].name in KEEPS, 1
                    steps = steps[count:]
            present = present and keeps

    def step(self, target: str, step: plan.Step, kind: str) -> str:
        """One step on a value that is there; the kind of the value behind it."""
        if step.name in TEST_FUNCTIONS:
            with self.block(f"if {negated(self.test(step, target))}:"):
                for warning in TESTS[step.name].warnings:
                    self.emit(f"{self.note}({self.constant(warning)})")
                self.emit(f"{target} = ABSENT")
            return kind
        known = inline_step(step, target, kind, self.note)
        if known is None:
            self.emit(f"{target} = {self.call(target, step)}")
            return ""
        becomes = self.call(target, step) if known.becomes == SLOW else known.becomes
        if not known.unless:
            self.emit(f"{target} = {becomes}")
        elif known.unless != "True":
            self.emit(f"if {negated(known.unless)}: {target} = {becomes}")
        return known.kind

    def call(self, target: str, step: plan.Step) -> str:
        """A step by its function."""
        function = self.function("step", step.name, STEP_FUNCTIONS[step.name])
        return f"{function}({target}, {self.arguments(step.args)}, {self.note})"

    def arguments(self, args: Any) -> str:
        """The arguments of a step, with the values among them computed."""
        if not isinstance(args, dict) or not any(
            isinstance(part, plan.Expr) for part in args.values()
        ):
            return self.constant(args)
        parts = [
            f"{self.constant(key)}: "
            + (self.value(part) if isinstance(part, plan.Expr) else self.constant(part))
            for key, part in args.items()
        ]
        return "{" + ", ".join(parts) + "}"
