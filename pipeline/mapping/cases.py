"""Tests of a mapping, written in YAML: an event, and what is expected of it.

They stand under ``tests:`` in the mapping itself, or in a file of their own that names it::

    mapping: ../intercom.yaml
    tests:
      - name: a plan is an attribute
        event: {type: identify, userId: u1, traits: {plan: pro}}
        expect:
          operations:
            - upsert_contact: {custom_attributes: {plan: pro}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.mapping.diagnostics import Diagnostic, Findings, Span, did_you_mean
from pipeline.mapping.functions import same
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.source import Entry, Map, Node, Scalar, Sequence, plain, read_yaml
from pipeline.model.refusal import DEAD_REASONS, SKIP_REASONS

FILE_KEYS = ("mapping", "about", "tests", "settings", "now", "environment")
CASE_KEYS = (
    "name", "about", "event", "event_file", "settings", "now", "environment", "expect", "exact",
)  # fmt: skip
EXPECTATIONS = ("rule", "operations", "calls", "skipped", "dead", "warnings", "without")
DEFAULT_NOW = "2024-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    Attributes:
        name: Of this test; ``file::name`` selects it.
        span: Where it is written.
        event: The event as data, or None where ``event_file`` names it.
        event_file: A file with the one event, seen from the file of the test.
        settings: Overrides of the mapping's settings.
        now: The time of an event that states none.
        environment: Secrets that the mapping finds in the environment.
        exact: Nothing but what is expected may be there.
        expect: The expectations as written.
    """

    name: str
    span: Span
    event: Any
    event_file: str | None
    settings: Mapping[str, Any]
    now: str
    environment: Mapping[str, str]
    exact: bool
    expect: Map


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The tests of one file.

    Attributes:
        cases: Those that could be read.
        mapping: The mapping they are for, seen from the file; None where the file is a mapping.
        diagnostics: What is wrong with the file.
    """

    cases: tuple[Case, ...]
    mapping: str | None
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Actual:
    """What became of the event, as plain data.

    ``operations`` are (kind, fields), ``calls`` are (``METHOD /path``, body).
    """

    status: str
    reason: str | None = None
    rule: str | None = None
    operations: tuple[tuple[str, Any], ...] = ()
    calls: tuple[tuple[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected; ABSENT stands for nothing.

    Attributes:
        path: Which part: ``upsert_contact.custom_attributes.plan``.
        span: Where the expectation is written.
        expected: What was written there.
        actual: What is there.
        note: More about it, for people.
        leaf: The expectation is a single value that could be replaced by ``actual``.
    """

    path: str
    span: Span
    expected: Any
    actual: Any
    note: str = ""
    leaf: bool = field(default=False, compare=False)


def has_cases(root: Map) -> bool:
    """Whether a YAML file holds tests."""
    return root.get("tests") is not None


def is_case_file(text: str) -> bool:
    """Whether a YAML text is a file of tests and no mapping, as far as a glance can tell."""
    starts = {line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()}
    return "mapping" in starts or ("tests" in starts and "rules" not in starts)


def read_cases(text: str, *, file: str) -> CaseFile:
    """The tests in a file, with every mistake in how they are written."""
    findings = Findings()
    root = read_yaml(text, file=file, findings=findings)
    if not isinstance(root, Map):
        if root is not None:
            findings.error("M101", root.span, "a file of tests is a mapping with `tests`")
        return CaseFile((), None, findings.sorted())
    alone = root.get("rules") is None
    reader = _Reader(root, findings)
    if alone:
        reader.known(root, FILE_KEYS)
        for key in ("mapping", "tests"):
            if root.get(key) is None:
                findings.error("M103", root.span, f"missing key {key!r}")
    entry = root.get("mapping")
    mapping = reader.text(entry) if alone and entry is not None else None
    return CaseFile(tuple(reader.cases(shared=alone)), mapping, findings.sorted())


class _Reader:
    def __init__(self, root: Map, findings: Findings) -> None:
        self.root = root
        self.findings = findings

    def cases(self, *, shared: bool) -> Iterator[Case]:
        entry = self.root.get("tests")
        if entry is None:
            return
        if not isinstance(entry.value, Sequence):
            self.findings.error("M101", entry.value.span, "`tests` takes a list of tests")
            return
        names: dict[str, int] = {}
        for node in entry.value.items:
            case = self.case(node, self.root if shared else None)
            if case is None:
                continue
            if case.name in names:
                message = f"line {names[case.name]} has a test of the name {case.name!r} already"
                self.findings.error("M406", case.span, message)
                continue
            names[case.name] = case.span.line
            yield case

    def case(self, node: Node, shared: Map | None) -> Case | None:
        before = len(self.findings.items)
        if not isinstance(node, Map):
            self.findings.error("M101", node.span, "a test is a mapping with name, event, expect")
            return None
        self.known(node, CASE_KEYS)
        for key in ("name", "expect"):
            if node.get(key) is None:
                self.findings.error("M103", node.span, f"missing key {key!r}")
        if (node.get("event") is None) == (node.get("event_file") is None):
            message = "a test needs either `event` or `event_file`"
            self.findings.error("M103", node.span, message)
        expect = self.expectations(node.get("expect"))
        event = node.get("event")
        exact = node.get("exact")
        case = Case(
            name=self.text(node.get("name")) or "",
            span=node.span,
            event=plain(event.value) if event else None,
            event_file=self.text(node.get("event_file")),
            settings={**self.table(shared, "settings"), **self.table(node, "settings")},
            now=str(self.either("now", node, shared) or DEFAULT_NOW),
            environment={**self.table(shared, "environment"), **self.table(node, "environment")},
            exact=exact is not None and plain(exact.value) is True,
            expect=expect,
        )
        return case if len(self.findings.items) == before else None

    def expectations(self, entry: Entry | None) -> Map:
        if entry is None or not isinstance(entry.value, Map) or not entry.value.entries:
            if entry is not None:
                message = f"`expect` takes {', '.join(EXPECTATIONS)}"
                self.findings.error("M101", entry.value.span, message)
            return Map((), self.root.span)
        self.known(entry.value, EXPECTATIONS)
        for one in entry.value.entries:
            if one.key in ("operations", "calls"):
                self.named_items(one)
            elif one.key in ("warnings", "without") and not isinstance(one.value, Sequence):
                self.findings.error("M101", one.value.span, f"`{one.key}` takes a list")
            elif one.key in ("skipped", "dead"):
                reasons = SKIP_REASONS if one.key == "skipped" else DEAD_REASONS
                if plain(one.value) not in reasons:
                    message = f"unknown reason {plain(one.value)!r}"
                    help_ = did_you_mean(str(plain(one.value)), reasons)
                    self.findings.error("M404", one.value.span, message, help=help_)
        return entry.value

    def named_items(self, entry: Entry) -> None:
        example = "upsert_contact: {email: a@b.co}"
        if entry.key == "calls":
            example = '"POST /contacts": {email: a@b.co}'
        for item in entry.value.items if isinstance(entry.value, Sequence) else (entry.value,):
            if not (isinstance(item, Map) and len(item.entries) == 1) or item is entry.value:
                message = f"`{entry.key}` takes a list such as [{{{example}}}]"
                self.findings.error("M101", item.span, message)

    def known(self, node: Map, keys: tuple[str, ...]) -> None:
        for entry in node.entries:
            if entry.key not in keys:
                help_ = did_you_mean(entry.key, keys)
                message = f"unknown key {entry.key!r}"
                self.findings.error("M102", entry.key_span, message, help=help_)

    def text(self, entry: Entry | None) -> str | None:
        if entry is None:
            return None
        if isinstance(entry.value, Scalar) and isinstance(entry.value.value, str):
            return entry.value.value
        self.findings.error("M101", entry.value.span, f"`{entry.key}` takes a text")
        return None

    def table(self, node: Map | None, key: str) -> dict[str, Any]:
        entry = node.get(key) if node is not None else None
        if entry is None:
            return {}
        if isinstance(entry.value, Map):
            table: dict[str, Any] = plain(entry.value)
            return table
        self.findings.error("M101", entry.value.span, f"`{key}` takes names and values")
        return {}

    def either(self, key: str, *nodes: Map | None) -> Any:
        for node in nodes:
            entry = node.get(key) if node is not None else None
            if entry is not None:
                return plain(entry.value)
        return None


# --- comparing -------------------------------------------------------------------------------


def compare(case: Case, actual: Actual) -> list[Difference]:
    """Everything that is not as the test expects."""
    found: list[Difference] = []
    expected = "mapped"
    for entry in case.expect.entries:
        if entry.key in ("skipped", "dead"):
            expected = entry.key
            if (actual.status, actual.reason) != (entry.key, plain(entry.value)):
                found.append(_status(entry, actual))
    if expected == "mapped" and actual.status != "mapped":
        entry = case.expect.entries[0]
        told = f"{actual.status}: {actual.reason}"
        note = "; ".join(actual.details)
        return [Difference("status", entry.key_span, "mapped", told, note)]
    for entry in case.expect.entries:
        match entry.key:
            case "rule":
                found += _differ(entry.value, actual.rule, "rule", exact=True)
            case "operations":
                found += _listed(entry, actual.operations, exact=case.exact)
            case "calls":
                found += _listed(entry, actual.calls, exact=case.exact)
            case "warnings":
                found += _warnings(entry, actual.warnings, exact=case.exact)
            case "without":
                found += _without(entry.value, actual.operations)
    return found


def _status(entry: Entry, actual: Actual) -> Difference:
    told = f"{actual.status}: {actual.reason}" if actual.reason else actual.status
    wanted = f"{entry.key}: {plain(entry.value)}"
    return Difference("status", entry.value.span, wanted, told, "; ".join(actual.details))


def _listed(
    entry: Entry, actual: tuple[tuple[str, Any], ...], *, exact: bool
) -> Iterator[Difference]:
    """Expected operations or calls must be there in their order; others may stand between."""
    items = entry.value.items if isinstance(entry.value, Sequence) else ()
    position = 0
    used: set[int] = set()
    for item in items:
        assert isinstance(item, Map)  # noqa: S101
        [wanted] = item.entries
        later = (at for at in range(position, len(actual)) if actual[at][0] == wanted.key)
        at = next(later, None)
        if at is None:
            told = ", ".join(name for name, _ in actual) or "none"
            note = f"{entry.key} are: {told}"
            yield Difference(wanted.key, wanted.key_span, plain(wanted.value), ABSENT, note)
            continue
        position = at + 1
        used.add(at)
        yield from _differ(wanted.value, actual[at][1], wanted.key, exact=exact)
    if exact or not items:
        for at, (name, fields) in enumerate(actual):
            if at not in used:
                yield Difference(name, entry.key_span, ABSENT, fields)


def _warnings(entry: Entry, actual: tuple[str, ...], *, exact: bool) -> Iterator[Difference]:
    left = list(actual)
    items = entry.value.items if isinstance(entry.value, Sequence) else ()
    for item in items:
        kind = plain(item)
        if kind in left:
            left.remove(kind)
        else:
            told = ", ".join(actual) or "none"
            yield Difference("warnings", item.span, kind, ABSENT, f"warnings are: {told}")
    if exact or not items:
        for kind in left:
            yield Difference("warnings", entry.key_span, ABSENT, kind)


def _without(node: Node, operations: tuple[tuple[str, Any], ...]) -> Iterator[Difference]:
    for item in node.items if isinstance(node, Sequence) else ():
        kind, *path = str(plain(item)).split(".")
        for name, fields in operations:
            value: Any = fields
            for key in path:
                value = value.get(key, ABSENT) if isinstance(value, dict) else ABSENT
            if name == kind and value is not ABSENT:
                yield Difference(str(plain(item)), item.span, ABSENT, value if path else fields)


def _differ(node: Node, actual: Any, path: str, *, exact: bool) -> Iterator[Difference]:
    if isinstance(node, Map) and isinstance(actual, dict):
        for entry in node.entries:
            name = f"{path}.{entry.key}"
            if entry.key in actual:
                yield from _differ(entry.value, actual[entry.key], name, exact=exact)
            else:
                yield Difference(name, entry.key_span, plain(entry.value), ABSENT)
        if exact:
            known = {entry.key for entry in node.entries}
            for key, value in actual.items():
                if key not in known:
                    yield Difference(f"{path}.{key}", node.span, ABSENT, value)
    elif isinstance(node, Map) and not node.entries and actual is None:
        return
    elif isinstance(node, Sequence) and isinstance(actual, list) and len(node.items) == len(actual):
        for at, item in enumerate(node.items):
            yield from _differ(item, actual[at], f"{path}[{at}]", exact=exact)
    elif not same(plain(node), actual):
        leaf = isinstance(node, Scalar) and not isinstance(actual, dict | list)
        yield Difference(path, node.span, plain(node), actual, leaf=leaf)
