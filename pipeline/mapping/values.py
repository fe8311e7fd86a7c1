"""Compiles values and conditions: YAML nodes in, plan nodes and findings out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from pipeline.mapping import language, plan
from pipeline.mapping.diagnostics import Findings, Span, did_you_mean
from pipeline.mapping.functions import pattern_problem
from pipeline.mapping.language import Arg
from pipeline.mapping.paths import Path, PathSyntaxError, parse_path
from pipeline.mapping.source import Map, Node, Scalar, Sequence, plain
from pipeline.model.event import EVENT_TYPES
from pipeline.model.text import normal_key

NOTHING = plan.Expr(plan.Const(None))
"""Stands for a value that could not be compiled; the findings say why."""

_SECRET = re.compile(r"\Aenv:[A-Za-z_][A-Za-z0-9_]*\Z")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WORDS_OF_A_VALUE = {**language.SOURCES, **language.MODIFIERS, **language.STEPS, **language.TESTS}


def place(span: Span) -> plan.Place:
    """The start of a span, as plans remember it."""
    return plan.Place(span.line, span.column)


class ValueCompiler:
    """Compiles one mapping's values; knows its settings and the names of its variables."""

    def __init__(
        self, findings: Findings, *, settings: Mapping[str, Any], variables: frozenset[str]
    ) -> None:
        self.findings = findings
        self.settings = settings
        self.variables = variables
        self.in_item = False
        self.used_settings: set[str] = set()
        self._readers: dict[str, Callable[[Node, Arg], Any]] = {
            "value": lambda node, arg: self.value(node),
            "values": lambda node, arg: self.values(node),
            "members": lambda node, arg: self.members(node),
            "condition": lambda node, arg: self.condition(node),
            "conditions": lambda node, arg: tuple(
                self.condition(item) for item in self.items(node)
            ),
            "path": lambda node, arg: self.path(node),
            "template": lambda node, arg: self.template(node),
            "literals": lambda node, arg: tuple(plain(item) for item in self.items(node)),
            "table": self._table,
            "types": self._types,
            "choice": self._choice,
            "choices": lambda node, arg: tuple(
                self._choice(item, arg) for item in self._one_or_more(node)
            ),
            "names": lambda node, arg: tuple(
                str(self.text(item)) for item in self._one_or_more(node)
            ),
            "pattern": self._pattern,
            "secret": self._secret,
            "rest_keys": lambda node, arg: tuple(
                self._rest_key(item) for item in self._one_or_more(node)
            ),
            "record": self._record,
        }

    # --- values ------------------------------------------------------------------------------

    def value(self, node: Node, *, tests_allowed: bool = True) -> plan.Expr:
        """A value: a path as plain text, or a mapping with one source and its steps."""
        if isinstance(node, Scalar):
            if isinstance(node.value, str):
                return plan.Expr(plan.Pick(self.path(node)), place=place(node.span))
            return self._fail(
                "M101",
                node.span,
                f"expected a value, found {describe(node)}",
                f"write {{const: {_yaml(node.value)}}} for a constant",
            )
        if isinstance(node, Sequence):
            return self._fail(
                "M101",
                node.span,
                "expected a value, found a list",
                "write {first: [...]}, {list: [...]} or {merge: [...]}",
            )
        for entry in node.entries:
            if entry.key not in _WORDS_OF_A_VALUE and not self._is_modifier(node, entry.key):
                known = did_you_mean(entry.key, _WORDS_OF_A_VALUE)
                self.findings.error(
                    "M102", entry.key_span, f"unknown key {entry.key!r} in a value", help=known
                )
        sources = [entry for entry in node.entries if entry.key in language.SOURCES]
        if len(sources) != 1:
            found = " and ".join(entry.key for entry in sources) or "none"
            return self._fail(
                "M201",
                sources[1].key_span if sources else node.span,
                f"a value needs exactly one source, found {found}",
                "sources: " + ", ".join(language.SOURCES),
            )
        source = self._source(node, sources[0].key)
        modifiers = language.SOURCES[sources[0].key].modifiers
        steps = []
        for entry in node.entries:
            if entry.key in modifiers:
                continue
            word = language.STEPS.get(entry.key) or language.TESTS.get(entry.key)
            if word is not None:
                if entry.key in language.TESTS and not tests_allowed:
                    continue
                if entry.key == "exists" and tests_allowed:
                    self.findings.error(
                        "M207", entry.key_span, "`exists` asks, it does not change a value"
                    )
                args = self.arg(entry.value, word.arg)
                steps.append(plan.Step(entry.key, args, place(entry.key_span)))
        when = node.get("when")
        return plan.Expr(
            source,
            tuple(steps),
            when=self.condition(when.value) if when else None,
            required=self._flag(node, "required"),
            nullable=self._flag(node, "nullable"),
            place=place(node.span),
        )

    def _is_modifier(self, node: Map, key: str) -> bool:
        return any(
            key in language.SOURCES[entry.key].modifiers
            for entry in node.entries
            if entry.key in language.SOURCES
        )

    def _source(self, node: Map, name: str) -> plan.Source:
        word = language.SOURCES[name]
        main = node.get(name)
        assert main is not None  # noqa: S101
        argument = self.arg(main.value, word.arg)
        extra = {
            key: self.arg(entry.value, arg)
            for key, arg in word.modifiers.items()
            if (entry := node.get(key)) is not None
        }
        match name:
            case "pick":
                return plan.Pick(argument)
            case "first":
                return plan.First(argument)
            case "join":
                return plan.Join(argument, extra.get("with", " "))
            case "object":
                return plan.Object(argument, extra.get("needs", ()))
            case "merge":
                return plan.Merge(argument)
            case "list":
                return plan.ListOf(argument)
            case "rest":
                keep = frozenset(normal_key(key) for key in extra.get("keep", ()))
                return plan.Rest(argument, keep, extra.get("except", ()))
            case "template":
                return plan.Template(argument)
            case _:
                return plan.Const(argument)

    def values(self, node: Node) -> tuple[plan.Expr, ...]:
        """A list of values."""
        return tuple(self.value(item) for item in self.items(node))

    def members(self, node: Node) -> tuple[tuple[str, plan.Expr], ...]:
        """A mapping of names to values."""
        if not isinstance(node, Map):
            self._fail("M101", node.span, f"expected names and values, found {describe(node)}")
            return ()
        return tuple((entry.key, self.value(entry.value)) for entry in node.entries)

    # --- conditions --------------------------------------------------------------------------

    def condition(self, node: Node) -> plan.Condition:
        """A condition; one that only asks settings is decided here and now."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return plan.Literally(node.value)
        if not isinstance(node, Map) or not node.entries:
            self._fail(
                "M207",
                node.span,
                f"expected a condition, found {describe(node)}",
                "for example {type: track} or {pick: traits.plan, equals: pro}",
            )
            return plan.Literally(True)
        first = node.entries[0]
        if first.key in language.CONDITIONS:
            for entry in node.entries[1:]:
                self.findings.error(
                    "M207",
                    entry.key_span,
                    f"{entry.key!r} cannot stand beside {first.key!r}",
                    help="combine conditions with `all: [...]` or `any: [...]`",
                )
            return self._combined(first.key, first.value)
        return self._question(node)

    def _combined(self, name: str, node: Node) -> plan.Condition:
        argument = self.arg(node, language.CONDITIONS[name].arg)
        match name:
            case "all":
                return _all(argument)
            case "any":
                return _any(argument)
            case "not":
                if isinstance(argument, plan.Literally):
                    return plan.Literally(not argument.value)
                return plan.Not(argument)
            case "type":
                self._known_types(node, argument)
                return plan.TypeIs(argument)
            case "event":
                return plan.EventIs(argument)
            case _:
                return plan.IntegrationOn(argument)

    def _known_types(self, node: Node, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in EVENT_TYPES:
                self.findings.error(
                    "M104",
                    node.span,
                    f"{name!r} is no event type",
                    help=did_you_mean(name, EVENT_TYPES),
                )

    def _question(self, node: Map) -> plan.Condition:
        if not any(entry.key in language.TESTS for entry in node.entries):
            unknown = [
                entry
                for entry in node.entries
                if entry.key not in _WORDS_OF_A_VALUE and not self._is_modifier(node, entry.key)
            ]
            words = {**language.TESTS, **language.CONDITIONS}
            self.findings.error(
                "M207",
                unknown[0].key_span if unknown else node.span,
                "a condition needs a test" + (f", {unknown[0].key!r} is none" if unknown else ""),
                help=did_you_mean(unknown[0].key, words)
                if unknown
                else "tests: " + ", ".join(language.TESTS),
            )
            return plan.Literally(True)
        value = self.value(node, tests_allowed=False)
        tests = tuple(
            plan.Step(
                entry.key,
                self.arg(entry.value, language.TESTS[entry.key].arg),
                place(entry.key_span),
            )
            for entry in node.entries
            if entry.key in language.TESTS
        )
        ask = plan.Ask(value, tests)
        if isinstance(value.source, plan.Const) and not value.steps and value.when is None:
            from pipeline.mapping.functions import TEST_FUNCTIONS

            decided = all(
                TEST_FUNCTIONS[test.name](value.source.value, test.args) for test in tests
            )
            return plan.Literally(decided)
        return ask

    # --- arguments ---------------------------------------------------------------------------

    def arg(self, node: Node, arg: Arg) -> Any:
        """Whatever ``arg`` says may stand here; ``{setting: name}`` may stand for plain data."""
        if arg.kind == "setting":
            return self._setting(node)
        takes_values = arg.kind in (
            "value", "values", "members", "condition", "conditions", "path", "template", "rest_keys"
        )  # fmt: skip
        if (
            not takes_values
            and isinstance(node, Map)
            and [e.key for e in node.entries] == ["setting"]
        ):
            value = self._setting(node.entries[0].value)
            node = as_node(value, node.span)
        reader = self._readers.get(arg.kind)
        if reader is not None:
            return reader(node, arg)
        return self._plain(node, arg.kind)

    def _plain(self, node: Node, kind: str) -> Any:
        value = plain(node)
        fits = {
            "literal": True,
            "text": isinstance(value, str),
            "integer": isinstance(value, int) and not isinstance(value, bool) and value >= 0,
            "number": isinstance(value, int | Decimal) and not isinstance(value, bool),
            "boolean": isinstance(value, bool),
            "flag": value is True,
        }[kind]
        if not fits:
            wanted = {
                "text": "a text",
                "integer": "a whole number of at least 0",
                "number": "a number",
                "boolean": "true or false",
                "flag": "true (leave the key out instead of false)",
            }[kind]
            self._fail("M101", node.span, f"expected {wanted}, found {describe(node)}")
            return {"text": "", "integer": 0, "number": 0}.get(kind, False)
        return value

    def _setting(self, node: Node) -> Any:
        name = str(self.text(node))
        self.used_settings.add(name)
        if name not in self.settings:
            self._fail(
                "M301", node.span, f"unknown setting {name!r}", did_you_mean(name, self.settings)
            )
            return None
        return self.settings[name]

    def _table(self, node: Node, arg: Arg) -> dict[str, Any]:
        if not isinstance(node, Map):
            self._fail("M101", node.span, f"expected a table of keys, found {describe(node)}")
            return {}
        if arg.choices:
            return {entry.key: self._choice(entry.value, arg) for entry in node.entries}
        return {entry.key: plain(entry.value) for entry in node.entries}

    def _types(self, node: Node, arg: Arg) -> tuple[str, ...]:
        types = Arg("choice", choices=tuple(language.VALUE_TYPES))
        return tuple(self._choice(item, types) for item in self._one_or_more(node))

    def _choice(self, node: Node, arg: Arg) -> str:
        value = plain(node)
        if value not in arg.choices:
            allowed = ", ".join(arg.choices)
            self._fail(
                "M104",
                node.span,
                f"{describe(node)} is not one of {allowed}",
                did_you_mean(str(value), arg.choices) if isinstance(value, str) else "",
            )
            return arg.choices[0]
        return str(value)

    def _pattern(self, node: Node, arg: Arg) -> str:
        text = str(self.text(node))
        problem = pattern_problem(text)
        if problem is not None:
            self._fail(
                "M208",
                node.span,
                "this pattern is not accepted",
                "back-references and look-around are not available: patterns run in linear time",
            )
        return text

    def _secret(self, node: Node, arg: Arg) -> str:
        reference = plain(node)
        if not isinstance(reference, str) or not _SECRET.match(reference):
            self._fail(
                "M211",
                node.span,
                "a secret is named, never written: env: and the name of an environment variable",
                "for example env:INTERCOM_IDENTITY_SECRET",
            )
            return "env:"
        return reference

    def _rest_key(self, node: Node) -> plan.Without:
        if isinstance(node, Map):
            self._known_keys(node, ("key", "when"))
            key, when = node.get("key"), node.get("when")
            if key is not None:
                condition = self.condition(when.value) if when else None
                return plan.Without(normal_key(str(self.text(key.value))), condition)
        return plan.Without(normal_key(str(self.text(node))))

    def _record(self, node: Node, arg: Arg) -> dict[str, Any]:
        if not isinstance(node, Map):
            if arg.shorthand is not None:
                return {arg.shorthand: self.arg(node, arg.members[arg.shorthand])}
            self._fail(
                "M101",
                node.span,
                f"expected a mapping with {', '.join(arg.members)}, found {describe(node)}",
            )
            return {}
        self._known_keys(node, tuple(arg.members))
        record = {
            entry.key: self.arg(entry.value, arg.members[entry.key])
            for entry in node.entries
            if entry.key in arg.members
        }
        for name in sorted(arg.needed - record.keys()):
            self._fail("M103", node.span, f"missing key {name!r}")
            record[name] = self._stand_in(arg.members[name])
        return record

    def _stand_in(self, arg: Arg) -> Any:
        return arg.choices[0] if arg.choices else 0 if arg.kind == "integer" else ""

    def _known_keys(self, node: Map, known: tuple[str, ...]) -> None:
        for entry in node.entries:
            if entry.key not in known:
                self.findings.error(
                    "M102",
                    entry.key_span,
                    f"unknown key {entry.key!r}",
                    help=did_you_mean(entry.key, known),
                )

    # --- leaves ------------------------------------------------------------------------------

    def path(self, node: Node) -> Path:
        """A path whose root exists."""
        text = self.text(node)
        try:
            path = parse_path(text)
        except PathSyntaxError as error:
            self._fail(
                "M202",
                node.span,
                f"unreadable path {text!r}: {error} at character {error.position + 1}",
                'names with dots or spaces go in quotes: traits."last login"',
            )
            return Path("type")
        self._known_root(path, node.span)
        return path

    def _known_root(self, path: Path, span: Span) -> None:
        if path.quoted_root:
            return
        if path.root.startswith("$"):
            name = path.root[1:]
            known = self.variables | language.BUILT_IN_VARIABLES.keys()
            if name not in known:
                self._fail("M204", span, f"unknown variable ${name}", did_you_mean(name, known))
        elif path.root == "item":
            if not self.in_item:
                self._fail("M206", span, "`item` exists only where `for_each` is")
        elif path.root not in language.ENVELOPE:
            self._fail(
                "M203",
                span,
                f"an event has no member {path.root!r}",
                did_you_mean(path.root, language.ENVELOPE)
                + f' (or write "\\"{path.root}\\"" to read a member of your own)',
            )

    def template(self, node: Node) -> tuple[str | Path, ...]:
        """A text with placeholders, cut into pieces."""
        text = self.text(node)
        parts: list[str | Path] = []
        position = 0
        for match in _PLACEHOLDER.finditer(text):
            parts.append(text[position : match.start()])
            position = match.end()
            if match[0] in ("{{", "}}"):
                parts.append(match[0][0])
            elif match[1] is None:
                self._fail("M210", node.span, f"a single {match[0]} in a template")
            else:
                parts.append(self._placeholder(match[1], node.span))
        parts.append(text[position:])
        return tuple(part for part in parts if part != "")

    def _placeholder(self, text: str, span: Span) -> Path:
        try:
            path = parse_path(text)
        except PathSyntaxError:
            self._fail(
                "M210",
                span,
                f"{{{text}}} is no path",
                "templates fill in paths and variables, nothing else",
            )
            return Path("type")
        self._known_root(path, span)
        return path

    def text(self, node: Node) -> str:
        """A text."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        self._fail("M101", node.span, f"expected a text, found {describe(node)}")
        return "type"

    def items(self, node: Node) -> tuple[Node, ...]:
        """The items of a list."""
        if isinstance(node, Sequence):
            return node.items
        self._fail("M101", node.span, f"expected a list, found {describe(node)}")
        return ()

    def _one_or_more(self, node: Node) -> tuple[Node, ...]:
        return node.items if isinstance(node, Sequence) else (node,)

    def _flag(self, node: Map, name: str) -> bool:
        entry = node.get(name)
        return entry is not None and bool(self.arg(entry.value, language.FLAG))

    def _fail(self, code: str, span: Span, message: str, help: str = "") -> plan.Expr:
        self.findings.error(code, span, message, help=help)
        return NOTHING


def _all(conditions: tuple[plan.Condition, ...]) -> plan.Condition:
    open_ones = tuple(part for part in conditions if not isinstance(part, plan.Literally))
    if any(isinstance(part, plan.Literally) and not part.value for part in conditions):
        return plan.Literally(value=False)
    if not open_ones:
        return plan.Literally(value=True)
    return open_ones[0] if len(open_ones) == 1 else plan.All(open_ones)


def _any(conditions: tuple[plan.Condition, ...]) -> plan.Condition:
    open_ones = tuple(part for part in conditions if not isinstance(part, plan.Literally))
    if any(isinstance(part, plan.Literally) and part.value for part in conditions):
        return plan.Literally(value=True)
    if not open_ones:
        return plan.Literally(value=False)
    return open_ones[0] if len(open_ones) == 1 else plan.AnyOf(open_ones)


def as_node(value: Any, span: Span) -> Node:
    """Plain data as a node, as if it had been written at ``span``."""
    if isinstance(value, list | tuple):
        return Sequence(tuple(as_node(item, span) for item in value), span)
    if isinstance(value, dict):
        from pipeline.mapping.source import Entry

        entries = tuple(
            Entry(str(key), span, as_node(member, span)) for key, member in value.items()
        )
        return Map(entries, span)
    return Scalar(value, span)


def describe(node: Node) -> str:
    """A node in a few words, for messages."""
    if isinstance(node, Map):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node.value, str):
        return repr(node.value if len(node.value) <= 40 else node.value[:37] + "...")
    return _yaml(node.value)


def _yaml(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
