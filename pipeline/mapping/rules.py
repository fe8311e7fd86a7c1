"""Compiles rules, their operations and the blocks of fields that these include."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol

from pipeline.mapping import language, plan
from pipeline.mapping.arguments import describe
from pipeline.mapping.diagnostics import Span, did_you_mean
from pipeline.mapping.source import Entry, Map, Node, Scalar, Sequence
from pipeline.mapping.values import ValueCompiler, place
from pipeline.model.refusal import DEAD_REASONS, SKIP_REASONS

Requirements = tuple[tuple[str, plan.Condition], ...]
"""(reason, condition): an event for which the condition does not hold is refused."""

Fields = dict[str, tuple[plan.Expr, Span]]
"""Field name -> its value, and where its name stands."""


class OperationShape(Protocol):
    """What the compiler must know of a destination's operation."""

    @property
    def fields(self) -> Mapping[str, str]:
        """Field name -> what it is."""
        ...

    @property
    def required(self) -> Collection[str]:
        """Fields that must be mapped."""
        ...


class RuleCompiler:
    """Compiles what stands in rules.

    Args:
        values: Compiles the values and conditions in them.
        blocks: The mapping's blocks, not compiled.
        operations: The destination's operations; None when it is not known.
    """

    def __init__(
        self,
        values: ValueCompiler,
        blocks: Mapping[str, Node],
        operations: Mapping[str, OperationShape] | None,
    ) -> None:
        self.values = values
        self.findings = values.findings
        self.blocks = blocks
        self.operations = operations
        self.included: set[str] = set()
        self.incomplete = False

    def rules(self, node: Node, person: plan.PersonPlan, require: Requirements) -> list[plan.Rule]:
        """Every rule of a list that could be read."""
        rules: list[plan.Rule] = []
        for item in self.values.items(node):
            if not isinstance(item, Map):
                self._wrong(item, "a rule")
                continue
            rule = self._rule(item, person, require)
            name = item.get("name")
            if rule.name and name and any(rule.name == other.name for other in rules):
                message = f"a second rule called {rule.name!r}"
                self.findings.error("M406", name.value.span, message)
            self._reachable(rule, rules, item.span)
            rules.append(rule)
        return rules

    def _reachable(self, rule: plan.Rule, earlier: list[plan.Rule], span: Span) -> None:
        if rule.when == plan.Literally(value=False):
            return  # switched off by a setting
        for other in earlier:
            if other.when in (rule.when, plan.Literally(value=True)):
                self.findings.warning(
                    "M405", span, f"rule {rule.name!r} can never fire: {other.name!r} takes all"
                )
                return

    def _rule(self, node: Map, person: plan.PersonPlan, require: Requirements) -> plan.Rule:
        self.values.known_keys(node, language.RULE.keys, language.RULE.what)
        name, when = self.values.needed(node, "name"), self.values.needed(node, "when")
        skip, do = node.get("skip"), node.get("do")
        if skip is None and do is None:
            self.findings.error("M103", node.span, "a rule needs `do` or `skip`")
        return plan.Rule(
            name=(self.values.text(name.value) if name else None) or "",
            when=self.values.condition(when.value) if when else plan.Literally(value=False),
            person=self.person(node.get("person"), person),
            require=(*require, *self.requirements(node.get("require"))),
            operations=self._operations(do.value) if do else (),
            skip=self._skip(skip.value) if skip else None,
            place=place(node.span),
        )

    def person(self, entry: Entry | None, inherited: plan.PersonPlan) -> plan.PersonPlan:
        """Where the ids come from: what is written here, else what is inherited."""
        if entry is None:
            return inherited
        if not isinstance(entry.value, Map):
            self._wrong(entry.value, "names of ids and their values")
            return inherited
        keys = language.PERSON.keys
        self.values.known_keys(entry.value, keys, language.PERSON.what)
        given = {
            part.key: None if _is_null(part.value) else self.values.value(part.value)
            for part in entry.value.entries
            if part.key in keys
        }
        return replace(inherited, **given)

    # --- reasons -----------------------------------------------------------------------------

    def requirements(self, entry: Entry | None) -> Requirements:
        """What must hold for an event, by the reason to refuse it for."""
        if entry is None:
            return ()
        if not isinstance(entry.value, Map):
            self._wrong(entry.value, "a condition for each reason")
            return ()
        return tuple(
            (self.reason(part, DEAD_REASONS), self.values.condition(part.value))
            for part in entry.value.entries
        )

    def reason(self, entry: Entry, known: Mapping[str, str]) -> str:
        """The reason that is the key of an entry."""
        self._known_reason(entry.key, entry.key_span, known)
        return entry.key

    def _skip(self, node: Node) -> str:
        reason = self.values.text(node)
        if reason is not None:
            self._known_reason(reason, node.span, SKIP_REASONS)
        return reason or ""

    def _known_reason(self, reason: str, span: Span, known: Mapping[str, str]) -> None:
        if reason not in known:
            message = f"unknown reason {reason!r}"
            self.findings.error("M404", span, message, help=did_you_mean(reason, known))

    # --- operations --------------------------------------------------------------------------

    def _operations(self, node: Node) -> tuple[plan.OperationPlan, ...]:
        made = (self._operation(item) for item in self.values.items(node))
        return tuple(operation for operation in made if operation is not None)

    def _operation(self, node: Node) -> plan.OperationPlan | None:
        if not isinstance(node, Map):
            self._wrong(node, "an operation")
            return None
        self.values.known_keys(node, language.OPERATION.keys, language.OPERATION.what)
        kind = self._kind(node)
        for_each, when = node.get("for_each"), node.get("when")
        fields, needs = node.get("fields"), node.get("needs")
        each = self.values.value(for_each.value) if for_each else None
        self.values.in_item = each is not None
        condition = self.values.condition(when.value) if when else None
        self.incomplete = False
        members = self._fields(fields.value, ()) if fields else {}
        self.values.in_item = False
        self._check_fields(kind, members, node)
        return plan.OperationPlan(
            kind=kind,
            fields=tuple((name, expr) for name, (expr, _) in members.items()),
            when=condition,
            for_each=each,
            needs=self._needs(needs.value, members) if needs else (),
            place=place(node.span),
        )

    def _kind(self, node: Map) -> str:
        entry = self.values.needed(node, "operation")
        kind = self.values.text(entry.value) if entry else None
        if entry is None or kind is None:
            return ""
        if self.operations is not None and kind not in self.operations:
            self.findings.error(
                "M401",
                entry.value.span,
                f"the destination has no operation {kind!r}",
                help=did_you_mean(kind, self.operations),
            )
        return kind

    def _needs(self, node: Node, members: Fields) -> tuple[str, ...]:
        nodes = node.items if isinstance(node, Sequence) else (node,)
        for one in nodes:
            name = one.value if isinstance(one, Scalar) else None
            if isinstance(name, str) and name not in members and not self.incomplete:
                self.findings.error(
                    "M402",
                    one.span,
                    f"`needs` names {name!r}, which is not among the fields",
                    help=did_you_mean(name, members),
                )
        return self.values.names(node)

    def _fields(self, node: Node, including: tuple[str, ...]) -> Fields:
        """Fields by name, with those of included blocks; what is written here wins."""
        fields: Fields = {}
        if not isinstance(node, Map):
            self._wrong(node, "fields and values")
            self.incomplete = True
            return fields
        for entry in node.entries:
            if entry.key == "include":
                included = entry.value
                names = included.items if isinstance(included, Sequence) else (included,)
                for name in names:
                    fields.update(self._block(name, including))
        for entry in node.entries:
            if entry.key != "include":
                fields[entry.key] = (self.values.value(entry.value), entry.key_span)
        return fields

    def _block(self, node: Node, including: tuple[str, ...]) -> Fields:
        name = self.values.text(node)
        if name is None:
            return {}
        self.included.add(name)
        if name not in self.blocks:
            message = f"unknown block {name!r}"
            self.findings.error("M209", node.span, message, help=did_you_mean(name, self.blocks))
            self.incomplete = True
            return {}
        if name in including:
            self.findings.error("M209", node.span, f"block {name!r} includes itself")
            return {}
        return self._fields(self.blocks[name], (*including, name))

    def unused_blocks(self) -> None:
        """Look for mistakes in blocks that nobody includes."""
        self.values.in_item = True
        for name, node in self.blocks.items():
            if name not in self.included:
                self._fields(node, (name,))
        self.values.in_item = False

    def _check_fields(self, kind: str, members: Fields, node: Map) -> None:
        shape = (self.operations or {}).get(kind)
        if shape is None:
            return
        for name, (_, span) in members.items():
            if name not in shape.fields:
                message = f"{kind} has no field {name!r}"
                self.findings.error("M402", span, message, help=did_you_mean(name, shape.fields))
        missing = () if self.incomplete else set(shape.required) - members.keys()
        for name in sorted(missing):
            self.findings.error("M403", node.span, f"{kind} needs the field {name!r}")

    def _wrong(self, node: Node, wanted: str) -> None:
        self.findings.error("M101", node.span, f"expected {wanted}, found {describe(node)}")


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
