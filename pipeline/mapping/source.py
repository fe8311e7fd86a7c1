"""A YAML file as a tree whose every node knows its place, with the traps of YAML taken out.

Scalars follow the core schema of YAML 1.2: ``NO``, ``0123``, ``12:30:00`` and bare dates mean
different things to different tools, so each is an error that says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from pipeline.mapping.diagnostics import Findings, Span

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
MAX_DIGITS = 100

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_YAML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_TRUTHY = re.compile(r"(?i)\A(yes|no|on|off)\Z")
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False,
            "FALSE": False}  # fmt: skip
_NULL = {"", "~", "null", "Null", "NULL"}
_INTEGER = re.compile(r"\A[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"\A[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?\Z")
_ODD_NUMBER = re.compile(
    r"\A[-+]?(0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?|"
    r"[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?)\Z|\A[-+]?\.(inf|nan)\Z",
    re.IGNORECASE,
)
_DATE = re.compile(r"\A[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?\Z")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text, number, boolean or null. Numbers with a fraction are Decimals."""

    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``key: value`` of a mapping."""

    key: str
    key_span: Span
    value: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping; entries in the order written, keys are texts and unique."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, key: str) -> Entry | None:
        """The entry of that key, or None."""
        for entry in self.entries:
            if entry.key == key:
                return entry
        return None


Node = Scalar | Sequence | Map


def read_yaml(source: str | bytes, *, file: str, findings: Findings) -> Node | None:
    """The one document in ``source``; None when it cannot be read, and the findings say why."""
    start = Span(file, 1, 1, 1, 1)
    size = len(source) if isinstance(source, bytes) else len(source.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        findings.error(
            "M007", start, f"the file has {size:,} bytes, more than the {MAX_BYTES:,} allowed"
        )
        return None
    text = source if isinstance(source, str) else _decoded(source, file, findings)
    if text is None:
        return None
    strange = _NOT_YAML.search(text)
    if strange is not None:
        span = _span_at(file, text, strange.start())
        message = f"the character U+{ord(strange[0]):04X} has no place in a YAML file"
        findings.error("M001", span, message)
        return None
    builder = _Builder(file, findings)
    try:
        return builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        span = _point(file, mark) if mark else start
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        tab = mark is not None and _is_tab(text, mark)
        findings.error(
            "M001",
            span,
            f"this is not valid YAML: {problem}",
            help="YAML is indented with spaces, here is a tab" if tab else "",
        )
    except _TooDeep as error:
        findings.error("M007", error.span, f"nested deeper than {MAX_DEPTH} levels")
    return None


def _decoded(source: bytes, file: str, findings: Findings) -> str | None:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = source[: error.start].decode("utf-8", "replace")
        span = _span_at(file, before, len(before))
        findings.error("M001", span, "the file is not UTF-8 text", help="save it as UTF-8")
        return None


def _span_at(file: str, text: str, position: int) -> Span:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return Span(file, line, column, line, column + 1)


def _is_tab(text: str, mark: Any) -> bool:
    lines = text.split("\n")
    return "\t" in "".join(lines[mark.line : mark.line + 1])[: mark.column + 1]


def _point(file: str, mark: Any) -> Span:
    return Span(file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)


class _TooDeep(Exception):
    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span


class _Builder:
    """Builds the tree from the events of the parser: nothing is ever followed or expanded."""

    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.aliases: set[str] = set()
        self.events: Iterator[Any] = iter(())

    def document(self, events: Iterator[Any]) -> Node | None:
        """The only document, or None with a finding."""
        self.events = events
        root: Node | None = None
        number = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                number += 1
                if number > 1:
                    span = _point(self.file, event.start_mark)
                    self.findings.error("M008", span, "a second document begins here")
                    return None
                root = self.node(next(events), 1)
        if root is None or (isinstance(root, Scalar) and root.value is None):
            self.findings.error("M008", Span(self.file, 1, 1, 1, 1), "the file is empty")
            return None
        return root

    def span(self, start: Any, end: Any) -> Span:
        first, last = start.start_mark, end.end_mark
        return Span(self.file, first.line + 1, first.column + 1, last.line + 1, last.column + 1)

    def node(self, event: Any, depth: int) -> Node:
        span = self.span(event, event)
        if depth > MAX_DEPTH:
            raise _TooDeep(span)
        if isinstance(event, yaml.AliasEvent):
            name = str(event.anchor)
            if name not in self.aliases:
                self.aliases.add(name)
                self._refused(span, f"aliases (*{name})")
            return Scalar(None, span)
        if event.anchor is not None:
            self._refused(span, f"anchors (&{event.anchor})")
        if event.tag is not None:
            self._refused(span, f"tags ({event.tag})")
        if isinstance(event, yaml.MappingStartEvent):
            return self.map(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(inner, depth + 1))
            return Sequence(tuple(items), self.span(event, inner))
        return self.scalar(event, span)

    def _refused(self, span: Span, what: str) -> None:
        self.findings.error(
            "M006",
            span,
            f"{what} are not accepted in mappings",
            help="use `let:` for a value and `blocks:` for fields",
        )

    def map(self, start: Any, depth: int) -> Map:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key_span = self.span(event, event)
            key = self.key(event, depth)
            value = self.node(next(self.events), depth + 1)
            if key is None:
                continue
            if key in entries:
                first = entries[key].key_span
                self.findings.error(
                    "M002",
                    key_span,
                    f"key {key!r} stands here a second time",
                    help=f"the first one is in line {first.line}",
                )
                continue
            entries[key] = Entry(key, key_span, value)
        return Map(tuple(entries.values()), self.span(start, event))

    def key(self, event: Any, depth: int) -> str | None:
        span = self.span(event, event)
        if not isinstance(event, yaml.ScalarEvent):
            self.node(event, depth + 1)
            self.findings.error("M101", span, "a key must be a text")
            return None
        if event.value == "<<" and not event.style:
            self._refused(span, "merge keys (<<)")
            return None
        if not event.style and _TRUTHY.match(event.value):
            self._truthy(event.value, span)
        return str(event.value)

    def _truthy(self, word: str, span: Span) -> None:
        self.findings.error(
            "M003",
            span,
            f"{word} without quotes is a boolean to some YAML tools and a text to others",
            help=f'write "{word}" for the text, or true / false for the boolean',
        )

    def scalar(self, event: Any, span: Span) -> Scalar:
        text: str = event.value
        if event.style:
            return Scalar(text, span)
        if text in _NULL:
            return Scalar(None, span)
        if text in _BOOLEAN:
            return Scalar(_BOOLEAN[text], span)
        if _TRUTHY.match(text):
            self._truthy(text, span)
        elif _INTEGER.match(text) and len(text) <= MAX_DIGITS:
            return Scalar(int(text), span)
        elif _FLOAT.match(text) and len(text) <= MAX_DIGITS:
            return Scalar(Decimal(text), span)
        elif _ODD_NUMBER.match(text) or _INTEGER.match(text):
            self.findings.error(
                "M004",
                span,
                f"{text} is a different number to different YAML tools",
                help=f'write "{text}" for the text, or the plain number',
            )
        elif _DATE.match(text):
            self.findings.error(
                "M005",
                span,
                f"{text} without quotes is a date object to some YAML tools",
                help=f'write "{text}"',
            )
        return Scalar(text, span)


def plain(node: Node) -> Any:
    """The node as plain Python: dict, list, text, number, boolean, None."""
    if isinstance(node, Map):
        return {entry.key: plain(entry.value) for entry in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value
