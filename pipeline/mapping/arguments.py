"""Reads what stands behind the words of the language; reports what cannot stand there."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from pipeline.mapping import language, plan
from pipeline.mapping.diagnostics import Findings, Span, did_you_mean
from pipeline.mapping.functions import pattern_is_bad
from pipeline.mapping.paths import Path, PathSyntaxError, parse_path
from pipeline.mapping.source import Entry, Map, Node, Scalar, Sequence, plain
from pipeline.mapping.spec import FLAG, Arg
from pipeline.model.event import EVENT_TYPES
from pipeline.model.text import normal_key

NOTHING = plan.Expr(plan.Const(None))
"""Stands for a value that could not be compiled; the findings say why."""

_SECRET = re.compile(r"\Aenv:[A-Za-z_][A-Za-z0-9_]*\Z")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_EVENT_TYPES = Arg("choice", choices=EVENT_TYPES)
_VALUE_TYPES = Arg("choice", choices=tuple(language.VALUE_TYPES))
_HOLDS_VALUES = frozenset(
    ["value", "values", "members", "condition", "conditions", "path", "template", "rest_keys"]
)
"""Arguments in which ``{setting: name}`` is not a stand-in but a value or condition itself."""


class ArgumentReader(ABC):
    """Reads arguments by their kind; knows the mapping's settings and variables."""

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
            "values": lambda node, arg: tuple(self.value(item) for item in self.items(node)),
            "members": lambda node, arg: self._members(node),
            "condition": lambda node, arg: self.condition(node),
            "conditions": lambda node, arg: tuple(
                self.condition(item) for item in self.items(node)
            ),
            "path": lambda node, arg: self.path(node),
            "template": lambda node, arg: self.template(node),
            "literals": lambda node, arg: tuple(plain(item) for item in self.items(node)),
            "table": self._table,
            "pairs": lambda node, arg: tuple(self._table(node, arg).items()),
            "types": self._types,
            "choice": self._choice,
            "choices": lambda node, arg: tuple(
                self._choice(item, arg) for item in self._one_or_more(node)
            ),
            "names": lambda node, arg: self.names(node),
            "event_types": lambda node, arg: tuple(
                self._choice(item, _EVENT_TYPES) for item in self._one_or_more(node)
            ),
            "pattern": self._pattern,
            "secret": self._secret,
            "rest_keys": lambda node, arg: tuple(
                self._rest_key(item) for item in self._one_or_more(node)
            ),
            "record": self._record,
        }

    @abstractmethod
    def value(self, node: Node) -> plan.Expr:
        """A value: a source and its steps."""

    @abstractmethod
    def condition(self, node: Node) -> plan.Condition:
        """A condition."""

    # --- arguments ---------------------------------------------------------------------------

    def arg(self, node: Node, arg: Arg) -> Any:
        """Whatever ``arg`` says may stand here; ``{setting: name}`` may stand for plain data."""
        if arg.kind == "setting":
            return self._setting(node)
        if (
            arg.kind not in _HOLDS_VALUES
            and isinstance(node, Map)
            and [entry.key for entry in node.entries] == ["setting"]
        ):
            name = node.entries[0].value
            value = self._setting(name)
            if value is None:
                return self._stand_in(arg)
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
            "flag": isinstance(value, bool),
        }[kind]
        if not fits:
            wanted = {
                "text": "a text",
                "integer": "a whole number of at least 0",
                "number": "a number",
                "boolean": "true or false",
                "flag": "true or false",
            }[kind]
            self._fail("M101", node.span, f"expected {wanted}, found {describe(node)}")
            return self._stand_in(Arg(kind))
        return value

    def _setting(self, node: Node) -> Any:
        name = self.text(node)
        if name is None:
            return None
        self.used_settings.add(name)
        if name not in self.settings:
            self._fail(
                "M301", node.span, f"unknown setting {name!r}", did_you_mean(name, self.settings)
            )
            return None
        return self.settings[name]

    def _members(self, node: Node) -> tuple[tuple[str, plan.Expr], ...]:
        if not isinstance(node, Map):
            self._fail("M101", node.span, f"expected names and values, found {describe(node)}")
            return ()
        return tuple((entry.key, self.value(entry.value)) for entry in node.entries)

    def _table(self, node: Node, arg: Arg) -> dict[str, Any]:
        if not isinstance(node, Map):
            self._fail("M101", node.span, f"expected a table of keys, found {describe(node)}")
            return {}
        if arg.choices:
            return {entry.key: self._choice(entry.value, arg) for entry in node.entries}
        return {entry.key: plain(entry.value) for entry in node.entries}

    def _types(self, node: Node, arg: Arg) -> tuple[str, ...]:
        return tuple(self._choice(item, _VALUE_TYPES) for item in self._one_or_more(node))

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
        return str(value)

    def _pattern(self, node: Node, arg: Arg) -> str:
        text = self.text(node)
        if text is not None and pattern_is_bad(text):
            self._fail(
                "M208",
                node.span,
                f"{describe(node)} is no pattern that runs in linear time",
                "look-around and back-references are not available; write \\( for a bracket",
            )
        return text or ""

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
            self.known_keys(node, ("key", "when"), "an exception")
            key, when = node.get("key"), node.get("when")
            condition = self.condition(when.value) if when else None
            if key is None:
                self._fail("M103", node.span, "missing key 'key'")
                return plan.Without("")
            return plan.Without(normal_key(self.text(key.value) or ""), condition)
        return plan.Without(normal_key(self.text(node) or ""))

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
        self.known_keys(node, arg.members, "this argument")
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
        """What a part that could not be read is compiled as; the findings say why."""
        if arg.kind in ("table", "record"):
            return {}
        if arg.kind in ("types", "choices", "names", "pairs", "literals", "event_types"):
            return ()
        if arg.kind in ("integer", "number"):
            return 0
        if arg.kind in ("boolean", "flag"):
            return False
        return arg.choices[0] if arg.choices else ""

    def known_keys(self, node: Map, known: Collection[str], what: str) -> None:
        """Report every key that is not known in ``what``."""
        for entry in node.entries:
            if entry.key not in known:
                self.findings.error(
                    "M102",
                    entry.key_span,
                    f"unknown key {entry.key!r} in {what}",
                    help=did_you_mean(entry.key, known),
                )

    def needed(self, node: Map, key: str) -> Entry | None:
        """The entry of a key that must be there."""
        entry = node.get(key)
        if entry is None:
            self.findings.error("M103", node.span, f"missing key {key!r}")
        return entry

    # --- leaves ------------------------------------------------------------------------------

    def path(self, node: Node) -> Path:
        """A path whose root exists."""
        text = self.text(node)
        if text is None:
            return Path("type")
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
            known = {"$" + one for one in (*self.variables, *language.BUILT_IN_VARIABLES)}
            if path.root not in known:
                self._fail(
                    "M204", span, f"unknown variable ${name}", did_you_mean(path.root, known)
                )
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
        text = self.text(node) or ""
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

    def text(self, node: Node) -> str | None:
        """A text, or None where there is another thing."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        self._fail("M101", node.span, f"expected a text, found {describe(node)}")
        return None

    def names(self, node: Node) -> tuple[str, ...]:
        """One text or a list of texts."""
        texts = (self.text(item) for item in self._one_or_more(node))
        return tuple(text for text in texts if text is not None)

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
        return entry is not None and bool(self.arg(entry.value, FLAG))

    def _fail(self, code: str, span: Span, message: str, help: str = "") -> plan.Expr:
        self.findings.error(code, span, message, help=help)
        return NOTHING


def as_node(value: Any, span: Span) -> Node:
    """Plain data as a node, as if it had been written at ``span``."""
    if isinstance(value, list | tuple):
        return Sequence(tuple(as_node(item, span) for item in value), span)
    if isinstance(value, dict):
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
    return spelled(node.value)


def spelled(value: Any) -> str:
    """A scalar as YAML writes it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
