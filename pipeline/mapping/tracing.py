"""Evaluates a plan as the interpreter does, and keeps a record of everything it looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.interpreter import Evaluation, Result
from pipeline.mapping.paths import ABSENT, Path
from pipeline.model.event import Event
from pipeline.model.operation import Operation, Person


@dataclass(frozen=True, slots=True)
class Effect:
    """A step that ran: what it was given and what it made of it. ``args`` are evaluated."""

    step: plan.Step
    args: Any
    before: Any
    after: Any


@dataclass(slots=True)
class Node:
    """The evaluation of one expression.

    Attributes:
        name: The field or member it is for; empty where it has none.
        expr: None for what holds others together.
        value: What came of it.
        held: Whether the expression's own ``when`` held.
        parts: The values it was made from, in the order in which they were computed.
        reads: The paths that its own source read, and what was found.
        effects: The steps that ran.
    """

    name: str = ""
    expr: plan.Expr | None = None
    value: Any = ABSENT
    held: bool = True
    parts: list[Node] = field(default_factory=list)
    reads: list[tuple[Path, Any]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Made:
    """One attempt at an operation; ``operation`` is None where none was to be made.

    Attributes:
        plan: What the mapping says of it.
        item: The current item of ``for_each``, or ABSENT.
        items: How the list of ``for_each`` was computed, else None.
        fields: How each field was computed; empty where it did not come to that.
        operation: The result.
    """

    plan: plan.OperationPlan
    item: Any
    items: Node | None
    fields: tuple[Node, ...]
    operation: Operation | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything about one event: the result, the rule that decided, what it tried to make."""

    result: Result
    rule: plan.Rule | None
    made: tuple[Made, ...]


def trace(mapping: plan.MappingPlan, event: Event) -> Trace:
    """Map an event like the interpreter, and say how it came about."""
    tracer = _Tracer(event, dict(mapping.lets), None)
    result = tracer.decide(mapping)
    return Trace(result, tracer.rule, tuple(tracer.made))


class _Tracer(Evaluation):
    rule: plan.Rule | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.made: list[Made] = []
        self._open: list[Node] = [Node()]
        self._variable_nodes: dict[str, Node] = {}

    @contextmanager
    def _under(self, node: Node) -> Iterator[Node]:
        self._open.append(node)
        try:
            yield node
        finally:
            self._open.pop()

    def apply(self, rule: plan.Rule) -> Result:
        self.rule = rule
        return super().apply(rule)

    def _operations(self, made: plan.OperationPlan, person: Person) -> list[Operation]:
        before = len(self.made)
        with self._under(Node()) as node:
            operations = super()._operations(made, person)
        if len(self.made) == before:
            self.made.append(Made(made, ABSENT, node.parts[0], (), None))
        return operations

    def _operation(self, made: plan.OperationPlan, person: Person) -> Operation | None:
        items = self._open[-1].parts[0] if made.for_each is not None else None
        with self._under(Node()) as node:
            try:
                operation = super()._operation(made, person)
            except BaseException:
                self.made.append(Made(made, self.item, items, tuple(node.parts), None))
                raise
        self.made.append(Made(made, self.item, items, tuple(node.parts), operation))
        return operation

    def value(self, expr: plan.Expr, name: str = "") -> Any:
        node = Node(name, expr)
        self._open[-1].parts.append(node)
        with self._under(node):
            node.value = super().value(expr, name)
        return node.value

    def holds(self, condition: plan.Condition) -> bool:
        asker = self._open[-1]
        with self._under(Node()):
            result = super().holds(condition)
        if asker.expr is not None and asker.expr.when is condition:
            asker.held = result
        return result

    def read(self, path: Path) -> Any:
        found = super().read(path)
        self._open[-1].reads.append((path, found))
        return found

    def _variable(self, name: str) -> Any:
        reader = self._open[-1]
        known = self._variable_nodes.get(name)
        if known is not None:
            reader.parts.append(known)
            return known.value
        value = super()._variable(name)
        if reader.parts and name in self.lets:
            self._variable_nodes[name] = reader.parts[-1]
        return value

    def _step(self, step: plan.Step, value: Any) -> Any:
        node = self._open[-1]
        with self._under(Node()):
            args = self._arguments(step.args)
        after = super()._step(plan.Step(step.name, args, step.place), value)
        node.effects.append(Effect(step, args, value, after))
        return after
