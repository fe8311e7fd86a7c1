"""A YAML file as a tree whose every node knows its place, with the traps of YAML taken out.

Scalars follow the core schema of YAML 1.2: ``NO``, ``0123``, ``12:30:00`` and bare dates mean
different things to different tools, so each is an error that says what to write instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from pipeline.mapping.diagnostics import Findings, Span

MAX_BYTES = 1_000_000
MAX_DEPTH = 100

_TRUTHY = re.compile(r"(?i)\A(y|n|yes|no|on|off)\Z")
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


def read_yaml(text: str, *, file: str, findings: Findings) -> Node | None:
    """The one document in ``text``; None when it cannot be read, with the findings saying why."""
    start = Span(file, 1, 1, 1, 1)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        findings.error("M007", start, f"the file is larger than {MAX_BYTES:,} bytes")
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(_documents(text, loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        span = _point(file, mark) if mark else start
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        findings.error("M001", span, f"this is not valid YAML: {problem}")
        return None
    except RecursionError:
        findings.error("M007", start, f"the file is nested deeper than {MAX_DEPTH} levels")
        return None
    if len(documents) != 1 or documents[0] is None:
        found = "no document" if not documents or documents[0] is None else "several documents"
        findings.error("M008", start, f"expected one YAML document, found {found}")
        return None
    return _Converter(file, findings).node(documents[0], 0)


def _documents(text: str, loader: Any) -> Any:
    """Compose every document, refusing aliases before they are followed."""
    reader = loader(text)
    try:
        while reader.check_node():
            yield reader.get_node()
    finally:
        reader.dispose()


def _point(file: str, mark: Any) -> Span:
    return Span(file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)


class _Converter:
    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.seen: set[int] = set()

    def span(self, node: Any) -> Span:
        start, end = node.start_mark, node.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def node(self, node: Any, depth: int) -> Node:
        span = self.span(node)
        if id(node) in self.seen:
            self.findings.error(
                "M006",
                span,
                "aliases are not accepted in mappings",
                help="use `let:` for a value and `blocks:` for fields",
            )
            return Scalar(None, span)
        self.seen.add(id(node))
        if depth > MAX_DEPTH:
            self.findings.error("M007", span, f"nested deeper than {MAX_DEPTH} levels")
            return Scalar(None, span)
        if isinstance(node, yaml.MappingNode):
            return self.map(node, span, depth)
        if isinstance(node, yaml.SequenceNode):
            items = tuple(self.node(item, depth + 1) for item in node.value)
            return Sequence(items, span)
        return self.scalar(node, span)

    def map(self, node: Any, span: Span, depth: int) -> Map:
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            key_span = self.span(key_node)
            key = self.key(key_node, key_span)
            value = self.node(value_node, depth + 1)
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
        return Map(tuple(entries.values()), span)

    def key(self, node: Any, span: Span) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.findings.error("M101", span, "a key must be a text")
            return None
        if node.value == "<<" and not node.style:
            self.findings.error("M006", span, "merge keys (<<) are not accepted in mappings")
            return None
        if not node.style and _TRUTHY.match(node.value):
            self._truthy(node.value, span)
        return str(node.value)

    def _truthy(self, word: str, span: Span) -> None:
        self.findings.error(
            "M003",
            span,
            f"{word} without quotes is a boolean to some YAML tools and a text to others",
            help=f'write "{word}" for the text, or true / false for the boolean',
        )

    def scalar(self, node: Any, span: Span) -> Scalar:
        text: str = node.value
        if node.style:
            return Scalar(text, span)
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.findings.error("M006", span, f"tags ({node.tag}) are not accepted in mappings")
            return Scalar(text, span)
        if text in _NULL:
            return Scalar(None, span)
        if text in _BOOLEAN:
            return Scalar(_BOOLEAN[text], span)
        if _TRUTHY.match(text):
            self._truthy(text, span)
        elif _INTEGER.match(text):
            return Scalar(int(text), span)
        elif _FLOAT.match(text):
            return Scalar(Decimal(text), span)
        elif _ODD_NUMBER.match(text):
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
