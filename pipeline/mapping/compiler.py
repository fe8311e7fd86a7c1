"""Compiles a mapping file into a ``MappingPlan``, and reports every mistake in it at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Protocol

from pipeline.mapping import plan
from pipeline.mapping.diagnostics import Diagnostic, Findings, Span, did_you_mean
from pipeline.mapping.paths import Key, Path
from pipeline.mapping.settings import Setting, declared, in_force
from pipeline.mapping.source import Entry, Map, Node, Scalar, Sequence, plain, read_yaml
from pipeline.mapping.values import ValueCompiler, describe, place
from pipeline.model.refusal import DEAD_REASONS, SKIP_REASONS
from pipeline.model.text import normal_key

TOP_KEYS = (
    "version", "name", "about", "destination", "settings", "let", "blocks", "person", "skip",
    "require", "rules", "tests",
)  # fmt: skip
RULE_KEYS = ("name", "about", "when", "person", "require", "skip", "do")
OPERATION_KEYS = ("operation", "about", "when", "for_each", "needs", "fields")
PERSON_KEYS = ("user_id", "email", "anonymous_id")


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


Requirements = tuple[tuple[str, plan.Condition], ...]
"""(reason, condition): an event for which the condition does not hold is refused."""

Vocabulary = Mapping[str, Mapping[str, OperationShape]]
"""Destination name -> operation kind -> its shape."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The result: ``plan`` is None when a diagnostic is an error, ``root`` when it is no YAML."""

    plan: plan.MappingPlan | None
    diagnostics: tuple[Diagnostic, ...]
    settings: Mapping[str, Setting]
    root: Map | None = None


def compile_file(
    path: FilePath, *, vocabulary: Vocabulary, overrides: Mapping[str, str] | None = None
) -> Compiled:
    """Compile the mapping in a file. Raises OSError when it cannot be read."""
    text = path.read_bytes().decode("utf-8", "replace")
    return compile_mapping(text, file=str(path), vocabulary=vocabulary, overrides=overrides)


def compile_mapping(
    text: str, *, file: str, vocabulary: Vocabulary, overrides: Mapping[str, str] | None = None
) -> Compiled:
    """Compile the mapping in ``text``; ``overrides`` are settings as typed behind ``--set``."""
    findings = Findings()
    root = read_yaml(text, file=file, findings=findings)
    if root is None:
        return Compiled(None, findings.sorted(), {})
    if not isinstance(root, Map):
        findings.error("M101", root.span, f"a mapping file is a mapping, found {describe(root)}")
        return Compiled(None, findings.sorted(), {})
    compiler = _Compiler(root, findings, vocabulary, overrides or {})
    compiled = compiler.mapping(file)
    result = None if findings.has_errors else compiled
    return Compiled(result, findings.sorted(), compiler.declared, root)


class _Compiler:
    def __init__(
        self,
        root: Map,
        findings: Findings,
        vocabulary: Vocabulary,
        overrides: Mapping[str, str],
    ) -> None:
        self.root = root
        self.findings = findings
        self.vocabulary = vocabulary
        settings = root.get("settings")
        self.declared = declared(settings.value if settings else None, findings)
        self.settings = in_force(self.declared, overrides, findings)
        let = root.get("let")
        names = let.value.entries if let and isinstance(let.value, Map) else ()
        self.values = ValueCompiler(
            findings,
            settings=self.settings,
            variables=frozenset(entry.key for entry in names),
        )
        self.operations: Mapping[str, OperationShape] = {}
        self.blocks: dict[str, Node] = {}

    def mapping(self, file: str) -> plan.MappingPlan:
        self._known_keys(self.root, TOP_KEYS, "a mapping")
        self._version()
        destination = self._destination()
        lets = self._lets()
        self.blocks = {entry.key: entry.value for entry in self._entries("blocks")}
        default_person = self._person(self.root.get("person"), plan.PersonPlan())
        skips = tuple(
            (self._reason(entry, SKIP_REASONS), self.values.condition(entry.value))
            for entry in self._entries("skip")
        )
        rules = self._rules(default_person, self._requirements(self.root.get("require")))
        name = self.root.get("name")
        return plan.MappingPlan(
            name=self.values.text(name.value) if name else destination,
            destination=destination,
            settings=tuple(sorted(self.settings.items())),
            lets=tuple(lets.items()),
            skips=skips,
            rules=tuple(_with_used_keys(rule, lets) for rule in rules),
            file=file,
        )

    # --- the top -----------------------------------------------------------------------------

    def _version(self) -> None:
        entry = self._needed(self.root, "version")
        if entry is not None and plain(entry.value) != plan.LANGUAGE_VERSION:
            self.findings.error(
                "M105",
                entry.value.span,
                f"expected version {plan.LANGUAGE_VERSION}, found {describe(entry.value)}",
            )

    def _destination(self) -> str:
        entry = self._needed(self.root, "destination")
        if entry is None:
            return ""
        name = self.values.text(entry.value)
        if name not in self.vocabulary:
            self.findings.error(
                "M104",
                entry.value.span,
                f"no destination is called {name!r}",
                help=did_you_mean(name, self.vocabulary),
            )
        self.operations = self.vocabulary.get(name, {})
        return name

    def _lets(self) -> dict[str, plan.Expr]:
        lets = {entry.key: self.values.value(entry.value) for entry in self._entries("let")}
        reported: set[str] = set()
        for entry in self._entries("let"):
            circle = _circle(entry.key, lets, ())
            if circle and not reported & set(circle):
                reported |= set(circle)
                shown = " -> ".join("$" + name for name in circle)
                self.findings.error("M205", entry.key_span, f"variables need each other: {shown}")
        return lets

    def _entries(self, key: str) -> tuple[Entry, ...]:
        entry = self.root.get(key)
        if entry is None:
            return ()
        if isinstance(entry.value, Map):
            return entry.value.entries
        self.findings.error(
            "M101", entry.value.span, f"`{key}` takes names, found {describe(entry.value)}"
        )
        return ()

    def _person(self, entry: Entry | None, inherited: plan.PersonPlan) -> plan.PersonPlan:
        if entry is None:
            return inherited
        if not isinstance(entry.value, Map):
            self.findings.error(
                "M101", entry.value.span, f"`person` takes {', '.join(PERSON_KEYS)}"
            )
            return inherited
        self._known_keys(entry.value, PERSON_KEYS, "`person`")
        given = {
            part.key: None
            if isinstance(part.value, Scalar) and part.value.value is None
            else self.values.value(part.value)
            for part in entry.value.entries
            if part.key in PERSON_KEYS
        }
        return replace(inherited, **given)

    def _reason(self, entry: Entry, known: Mapping[str, str]) -> str:
        if entry.key not in known:
            self.findings.error(
                "M404",
                entry.key_span,
                f"unknown reason {entry.key!r}",
                help=did_you_mean(entry.key, known),
            )
        return entry.key

    # --- rules -------------------------------------------------------------------------------

    def _rules(self, person: plan.PersonPlan, require: Requirements) -> list[plan.Rule]:
        entry = self._needed(self.root, "rules")
        rules: list[plan.Rule] = []
        for node in self.values.items(entry.value) if entry else ():
            rule = self._rule(node, person, require)
            if rule is None:
                continue
            if any(rule.name == other.name for other in rules):
                name = node.get("name") if isinstance(node, Map) else None
                self.findings.error(
                    "M406",
                    name.value.span if name else node.span,
                    f"a second rule called {rule.name!r}",
                )
            self._reachable(rule, rules, node.span)
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

    def _rule(self, node: Node, person: plan.PersonPlan, require: Requirements) -> plan.Rule | None:
        if not isinstance(node, Map):
            self.findings.error("M101", node.span, f"expected a rule, found {describe(node)}")
            return None
        self._known_keys(node, RULE_KEYS, "a rule")
        name, when = self._needed(node, "name"), self._needed(node, "when")
        skip, do = node.get("skip"), node.get("do")
        if skip is None and do is None:
            self.findings.error("M103", node.span, "a rule needs `do` or `skip`")
        condition = self.values.condition(when.value) if when else plan.Literally(value=False)
        return plan.Rule(
            name=self.values.text(name.value) if name else "",
            when=condition,
            person=self._person(node.get("person"), person),
            require=(*require, *self._requirements(node.get("require"))),
            operations=self._operations(do.value) if do else (),
            skip=self._skip(skip.value) if skip else None,
            place=place(node.span),
        )

    def _requirements(self, entry: Entry | None) -> Requirements:
        if entry is None:
            return ()
        if not isinstance(entry.value, Map):
            self.findings.error(
                "M101", entry.value.span, "`require` takes a condition for each reason"
            )
            return ()
        return tuple(
            (self._reason(part, DEAD_REASONS), self.values.condition(part.value))
            for part in entry.value.entries
        )

    def _skip(self, node: Node) -> str:
        reason = self.values.text(node)
        if reason not in SKIP_REASONS:
            self.findings.error(
                "M404",
                node.span,
                f"unknown reason {reason!r}",
                help=did_you_mean(reason, SKIP_REASONS),
            )
        return reason

    def _operations(self, node: Node) -> tuple[plan.OperationPlan, ...]:
        made = (self._operation(item) for item in self.values.items(node))
        return tuple(operation for operation in made if operation is not None)

    def _operation(self, node: Node) -> plan.OperationPlan | None:
        if not isinstance(node, Map):
            self.findings.error("M101", node.span, f"expected an operation, found {describe(node)}")
            return None
        self._known_keys(node, OPERATION_KEYS, "an operation")
        kind_entry = self._needed(node, "operation")
        if kind_entry is None:
            return None
        kind = self.values.text(kind_entry.value)
        if kind not in self.operations and self.operations:
            self.findings.error(
                "M401",
                kind_entry.value.span,
                f"the destination has no operation {kind!r}",
                help=did_you_mean(kind, self.operations),
            )
        for_each = node.get("for_each")
        each = self.values.value(for_each.value) if for_each else None
        self.values.in_item = each is not None
        when, fields, needs = node.get("when"), node.get("fields"), node.get("needs")
        condition = self.values.condition(when.value) if when else None
        members = self._fields(fields.value, ()) if fields else {}
        self.values.in_item = False
        self._check_fields(kind, members, node)
        return plan.OperationPlan(
            kind=kind,
            fields=tuple((name, expr) for name, (expr, _) in members.items()),
            when=condition,
            for_each=each,
            needs=self._needs(needs, members),
            place=place(node.span),
        )

    def _needs(self, entry: Entry | None, members: Mapping[str, Any]) -> tuple[str, ...]:
        if entry is None:
            return ()
        nodes = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        names = []
        for node in nodes:
            name = self.values.text(node)
            if name not in members:
                self.findings.error(
                    "M402",
                    node.span,
                    f"`needs` names {name!r}, which is not among the fields",
                    help=did_you_mean(name, members),
                )
            names.append(name)
        return tuple(names)

    def _fields(self, node: Node, including: tuple[str, ...]) -> dict[str, tuple[plan.Expr, Span]]:
        """Fields by name, with those of included blocks; what is written here wins."""
        fields: dict[str, tuple[plan.Expr, Span]] = {}
        if not isinstance(node, Map):
            self.findings.error(
                "M101", node.span, f"expected fields and values, found {describe(node)}"
            )
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

    def _block(self, node: Node, including: tuple[str, ...]) -> dict[str, tuple[plan.Expr, Span]]:
        name = self.values.text(node)
        if name not in self.blocks:
            self.findings.error(
                "M209",
                node.span,
                f"unknown block {name!r}",
                help=did_you_mean(name, self.blocks),
            )
            return {}
        if name in including:
            self.findings.error("M209", node.span, f"block {name!r} includes itself")
            return {}
        return self._fields(self.blocks[name], (*including, name))

    def _check_fields(
        self, kind: str, members: Mapping[str, tuple[plan.Expr, Span]], node: Map
    ) -> None:
        shape = self.operations.get(kind)
        if shape is None:
            return
        for name, (_, span) in members.items():
            if name not in shape.fields:
                self.findings.error(
                    "M402",
                    span,
                    f"{kind} has no field {name!r}",
                    help=did_you_mean(name, shape.fields),
                )
        for name in sorted(set(shape.required) - members.keys()):
            self.findings.error("M403", node.span, f"{kind} needs the field {name!r}")

    # --- helpers -----------------------------------------------------------------------------

    def _known_keys(self, node: Map, known: tuple[str, ...], what: str) -> None:
        for entry in node.entries:
            if entry.key not in known:
                self.findings.error(
                    "M102",
                    entry.key_span,
                    f"unknown key {entry.key!r} in {what}",
                    help=did_you_mean(entry.key, known),
                )

    def _needed(self, node: Map, key: str) -> Entry | None:
        entry = node.get(key)
        if entry is None:
            self.findings.error("M103", node.span, f"missing key {key!r}")
        return entry


def _variables_of(node: Any) -> list[str]:
    return [
        part.root[1:]
        for part in plan.walk(node)
        if isinstance(part, Path) and part.root.startswith("$") and not part.quoted_root
    ]


def _circle(name: str, lets: Mapping[str, plan.Expr], seen: tuple[str, ...]) -> tuple[str, ...]:
    """The circle that computing ``name`` would run into, or nothing."""
    if name in seen:
        return (*seen[seen.index(name) :], name)
    if name not in lets:
        return ()
    for needed in _variables_of(lets[name]):
        circle = _circle(needed, lets, (*seen, name))
        if circle:
            return circle
    return ()


def _with_used_keys(rule: plan.Rule, lets: Mapping[str, plan.Expr]) -> plan.Rule:
    """The rule with every ``rest`` told which members the rule reads elsewhere.

    What only conditions read does not count as used: asking for a value does not carry it over.
    """
    reads = list(_reads((rule.operations, rule.person), lets, frozenset()))

    def tell(node: Any) -> Any:
        if not isinstance(node, plan.Rest):
            return node
        depth = len(node.path.segments)
        used = {
            normal_key(path.segments[depth].name)
            for path in reads
            if path.root == node.path.root
            and path.segments[:depth] == node.path.segments
            and len(path.segments) > depth
            and isinstance(path.segments[depth], Key)
        }
        return replace(node, used=frozenset(used) - node.keep)

    return replace(rule, operations=plan.rewrite(rule.operations, tell))


def _reads(node: Any, lets: Mapping[str, plan.Expr], seen: frozenset[str]) -> Any:
    for part in plan.walk(node, conditions=False):
        if isinstance(part, plan.Pick):
            path = part.path
        elif isinstance(part, Path):
            path = part
        else:
            continue
        if path.root.startswith("$") and not path.quoted_root:
            name = path.root[1:]
            if name in lets and name not in seen:
                yield from _reads(lets[name], lets, seen | {name})
        else:
            yield path
