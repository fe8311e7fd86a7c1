"""Evaluates a plan on one event: slow and obvious, the meaning that faster forms must match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pipeline.mapping import plan
from pipeline.mapping.functions import STEP_FUNCTIONS, TEST_FUNCTIONS, text_of
from pipeline.mapping.language import TESTS
from pipeline.mapping.paths import ABSENT, Path, lookup
from pipeline.model.event import Event
from pipeline.model.operation import Operation, Person
from pipeline.model.refusal import Refusal, Skip
from pipeline.model.text import normal_key
from pipeline.model.times import seconds


class Mapped(msgspec.Struct, frozen=True, gc=False):
    """What the mapping wants done about an event.

    Attributes:
        rule: The name of the rule that fired.
        person: Whom the event is about.
        operations: In the order in which they must be carried out; at least one.
        warnings: Kinds of what was lost or changed on the way, one entry for each time.
    """

    rule: str
    person: Person
    operations: tuple[Operation, ...]
    warnings: tuple[str, ...] = ()


Result = Mapped | Skip | Refusal


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


Watch = Callable[[str, plan.Expr, Any, "Evaluation"], None]
"""Called with (field, its expression, its value, the evaluation) for every field of operations."""


class Interpreter:
    """Maps events by one plan. Holds no state between events; safe to share among threads."""

    def __init__(self, mapping: plan.MappingPlan) -> None:
        self.mapping = mapping
        self.lets = dict(mapping.lets)

    def map(self, event: Event, *, watch: Watch | None = None) -> Result:
        """What becomes of ``event``: the first rule whose condition holds decides."""
        return Evaluation(event, self.lets, watch).decide(self.mapping)


class Evaluation:
    """The evaluation of one event: its variables, the current item, the warnings so far."""

    def __init__(self, event: Event, lets: dict[str, plan.Expr], watch: Watch | None) -> None:
        self.event = event
        self.lets = lets
        self.watch = watch
        self.item: Any = ABSENT
        self.variables: dict[str, Any] = {"time": seconds(event.time)}
        self.warnings: list[str] = list(event.warnings)
        self.note: Callable[[str], None] = self.warnings.append
        self.reads: list[tuple[Path, Any]] = []

    # --- rules -------------------------------------------------------------------------------

    def decide(self, mapping: plan.MappingPlan) -> Result:
        """What becomes of the event."""
        try:
            for reason, condition in mapping.skips:
                if self.holds(condition):
                    return Skip(reason)
            for rule in mapping.rules:
                if self.holds(rule.when):
                    return self.apply(rule)
        except _Refused as refused:
            return refused.refusal
        return Skip("not_mapped")

    def apply(self, rule: plan.Rule) -> Result:
        """What the rule makes of the event."""
        if rule.skip is not None:
            return Skip(rule.skip)
        for reason, condition in rule.require:
            if not self.holds(condition):
                return Refusal.because(reason, f"rule {rule.name!r} requires it")
        person = Person(
            self._identifier(rule.person.user_id),
            self._identifier(rule.person.email),
            self._identifier(rule.person.anonymous_id),
        )
        operations = [
            operation for made in rule.operations for operation in self._operations(made, person)
        ]
        if not operations:
            return Skip("not_mapped")
        return Mapped(rule.name, person, tuple(operations), tuple(self.warnings))

    def _identifier(self, expr: plan.Expr | None) -> str | None:
        value = self.value(expr) if expr is not None else None
        return value if isinstance(value, str) else None

    def _operations(self, made: plan.OperationPlan, person: Person) -> list[Operation]:
        if made.for_each is None:
            items = [ABSENT]
        else:
            found = self.value(made.for_each)
            items = found if isinstance(found, list) else [] if found is ABSENT else [found]
        operations = []
        for item in items:
            self.item = item
            operation = self._operation(made, person)
            if operation is not None:
                operations.append(operation)
        self.item = ABSENT
        return operations

    def _operation(self, made: plan.OperationPlan, person: Person) -> Operation | None:
        """One operation for the current item, if there is one to make."""
        if made.when is not None and not self.holds(made.when):
            return None
        fields = self._fields(made)
        if not all(name in fields for name in made.needs):
            return None
        return Operation(made.kind, person, self.event.time, fields)

    def _fields(self, made: plan.OperationPlan) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, expr in made.fields:
            self.reads.clear()
            value = self.value(expr, name)
            if self.watch is not None:
                self.watch(f"{made.kind}.{name}", expr, value, self)
            if value is not ABSENT:
                fields[name] = value
        return fields

    # --- values ------------------------------------------------------------------------------

    def value(self, expr: plan.Expr, name: str = "") -> Any:
        """The value of an expression, or ABSENT."""
        value = ABSENT
        if expr.when is None or self.holds(expr.when):
            value = self._source(expr.source)
            if not (value is None and expr.nullable):
                value = self._through(expr.steps, value)
        if value is ABSENT and expr.required:
            where = f" (line {expr.place.line} of the mapping)"
            message = f"the field {name or 'marked required'!r} has no value{where}"
            raise _Refused(Refusal.because("mapping_error", message))
        return value

    def _through(self, steps: tuple[plan.Step, ...], value: Any) -> Any:
        for step in steps:
            if value is ABSENT and step.name != "default":
                continue
            value = self._step(step, value)
        return value

    def _step(self, step: plan.Step, value: Any) -> Any:
        """What one step makes of a value; a test keeps it or makes it absent."""
        test, args = TEST_FUNCTIONS.get(step.name), self._arguments(step.args)
        if test is None:
            return STEP_FUNCTIONS[step.name](value, args, self.note)
        if test(value, args):
            return value
        for kind in TESTS[step.name].warnings:
            self.note(kind)
        return ABSENT

    def _arguments(self, args: Any) -> Any:
        """The arguments of a step, with the values among them evaluated."""
        if isinstance(args, dict) and any(isinstance(part, plan.Expr) for part in args.values()):
            return {
                key: self.value(part) if isinstance(part, plan.Expr) else part
                for key, part in args.items()
            }
        return args

    def _source(self, source: plan.Source) -> Any:
        match source:
            case plan.Pick(path):
                return self.read(path)
            case plan.Const(value):
                return value
            case plan.First(values):
                return next(
                    (found for expr in values if (found := self.value(expr)) is not ABSENT), ABSENT
                )
            case plan.Join(values, separator):
                return self._join(values, separator)
            case plan.Object():
                return self._object(source)
            case plan.Merge(values):
                return self._merge(values)
            case plan.ListOf(values):
                found = (self.value(expr) for expr in values)
                return [value for value in found if value is not ABSENT]
            case plan.Rest():
                return self._rest(source)
            case plan.Template(parts):
                return self._template(parts)

    def read(self, path: Path) -> Any:
        """What a path leads to; ``$name`` reads a variable, ``item`` the current item."""
        if path.quoted_root:
            root = self.event.body.get(path.root, ABSENT)
        elif path.root.startswith("$"):
            root = self._variable(path.root[1:])
        elif path.root == "item":
            root = self.item
        else:
            root = self.event.body.get(path.root, ABSENT)
        found = root if root is ABSENT else lookup(root, path.segments)
        self.reads.append((path, found))
        return found

    def _variable(self, name: str) -> Any:
        """A variable is computed when it is first read, and then remembered.

        What it loses is counted then, and once, even if it is only asked about.
        """
        if name not in self.variables:
            self.variables[name] = self._noting(self.warnings.append, self.lets[name], name)
        return self.variables[name]

    def _noting(self, note: Callable[[str], None], expr: plan.Expr, name: str = "") -> Any:
        outer, self.note = self.note, note
        try:
            return self.value(expr, name)
        finally:
            self.note = outer

    def _object(self, source: plan.Object) -> Any:
        found = ((name, self.value(expr, name)) for name, expr in source.members)
        members = {name: value for name, value in found if value is not ABSENT}
        return members if all(name in members for name in source.needs) else ABSENT

    def _join(self, values: tuple[plan.Expr, ...], separator: str) -> Any:
        found = [value for expr in values if (value := self.value(expr)) is not ABSENT]
        singles = [one for value in found for one in (value if type(value) is list else [value])]
        texts = [text for one in singles if (text := text_of(one))]
        return separator.join(texts) if texts else ABSENT

    def _merge(self, values: tuple[plan.Expr, ...]) -> Any:
        objects = [value for expr in values if isinstance(value := self.value(expr), dict)]
        if not objects:
            return ABSENT
        merged: dict[str, Any] = {}
        for value in objects:
            merged.update(value)
        return merged

    def _rest(self, source: plan.Rest) -> Any:
        value = self.read(source.path)
        if not isinstance(value, dict):
            return ABSENT
        left_out = source.used | {
            part.key for part in source.without if part.when is None or self.holds(part.when)
        }
        return {key: member for key, member in value.items() if normal_key(key) not in left_out}

    def _template(self, parts: tuple[str | Path, ...]) -> Any:
        texts = []
        for part in parts:
            text = text_of(part if isinstance(part, str) else self.read(part))
            if text is None:
                return ABSENT
            texts.append(text)
        return "".join(texts)

    # --- conditions --------------------------------------------------------------------------

    def holds(self, condition: plan.Condition) -> bool:
        """Whether a condition holds for this event (and item)."""
        match condition:
            case plan.Literally(value):
                return value
            case plan.TypeIs(types):
                return self.event.type in types
            case plan.EventIs(names):
                return self.event.type == "track" and self.event.body.get("event") in names
            case plan.All(conditions):
                return all(self.holds(part) for part in conditions)
            case plan.AnyOf(conditions):
                return any(self.holds(part) for part in conditions)
            case plan.Not(negated):
                return not self.holds(negated)
            case plan.IntegrationOn(name):
                return integration_on(self.event.body.get("integrations"), name)
            case plan.Ask(value, tests):
                found = self._asked(value)
                return all(
                    TEST_FUNCTIONS[test.name](found, self._arguments(test.args)) for test in tests
                )

    def _asked(self, expr: plan.Expr) -> Any:
        """A value that is only asked about: what its steps lose is not worth a warning."""
        return self._noting(_ignore, expr)


def _ignore(kind: str) -> None:
    pass


def integration_on(integrations: Any, name: str) -> bool:
    """Whether an event's ``integrations`` let it go to the destination ``name`` (rule S1).

    ``All: false`` turns off unless the exact name is true or an object; ``false`` for the name,
    compared ignoring case, turns off.
    """
    if not isinstance(integrations, dict):
        return True
    for key, value in integrations.items():
        if value is False and key.lower() == name.lower():
            return False
    if integrations.get("All") is False or integrations.get("all") is False:
        own = integrations.get(name)
        return own is True or isinstance(own, dict)
    return True
