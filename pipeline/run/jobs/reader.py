"""Reads a job file into values with their places, and reports every mistake in it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.mapping.arguments import describe, spelled
from pipeline.mapping.diagnostics import Diagnostic, Findings
from pipeline.mapping.source import Entry, Map, Node, Scalar, Sequence, plain, read_yaml
from pipeline.mapping.spec import Arg
from pipeline.mapping.values import ValueCompiler
from pipeline.run.jobs import codes as codes  # registers the codes of job files
from pipeline.run.jobs.paths import beside, state_beside
from pipeline.run.jobs.written import Given, WrittenDestination, WrittenJob
from pipeline.run.letters import DONE, DRY_RUN
from pipeline.run.options import DESTINATION, RUN, SECRET, STREAM, Option, number_of, problem_with

VERSION = 1

JOB_KEYS = ("job", "name", "about", *RUN, *STREAM, "beam", "destinations")
DESTINATION_KEYS = ("about", "type", "when", *DESTINATION, "dead_letters")

_GLANCE = re.compile(r"^(job|destinations)\s*:", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_TAKEN = (DONE, DRY_RUN, "null")


def is_job_file(text: str) -> bool:
    """Whether a YAML text is a job file, as far as a glance can tell."""
    return _GLANCE.search(text) is not None


def read_job(text: str | bytes, *, file: str) -> tuple[WrittenJob | None, tuple[Diagnostic, ...]]:
    """What a job file says, as far as it can be read, and what is wrong with it."""
    findings = Findings()
    root = read_yaml(text, file=file, findings=findings)
    if root is not None and not isinstance(root, Map):
        findings.error("M101", root.span, f"a job file is a mapping, found {describe(root)}")
    job = _Reader(file, findings).job(root) if isinstance(root, Map) else None
    return job, findings.sorted()


class _Reader:
    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.base = Path(file).parent
        self.findings = findings
        self.values = ValueCompiler(findings, settings={}, variables=frozenset())
        self.kinds: Mapping[str, Callable[[Node, Option], Any]] = {
            "text": self._text,
            "inputs": self._inputs,
            "file": self._file,
            "directory": self._directory,
            "place": self._place,
            "state": self._state,
            "table": self._table,
            "secret": self._secret,
            "choice": self._choice,
            "flag": self._flag,
            "integer": self._number,
            "number": self._number,
        }

    # --- the parts ---------------------------------------------------------------------------

    def job(self, root: Map) -> WrittenJob:
        """The whole file; what could not be read is left out."""
        self.values.known_keys(root, JOB_KEYS, "a job file")
        version = self.values.needed(root, "job")
        if version is not None and plain(version.value) is not VERSION:
            message = f"expected version {VERSION}, found {describe(version.value)}"
            self.findings.error("J101", version.value.span, message)
        name = self._given_text(root, "name")
        self._given_text(root, "about")
        self.values.needed(root, "inputs")
        beam = root.get("beam")
        return WrittenJob(
            file=self.file,
            name=name or Path(self.file).stem,
            options=self._options(root, {**RUN, **STREAM}),
            beam=self.values.names(beam.value) if beam else (),
            destinations=self._destinations(self.values.needed(root, "destinations")),
        )

    def _destinations(self, entry: Entry | None) -> tuple[WrittenDestination, ...]:
        if entry is None:
            return ()
        if not isinstance(entry.value, Map):
            message = f"`destinations` takes destinations by name, found {describe(entry.value)}"
            self.findings.error("M101", entry.value.span, message)
            return ()
        if not entry.value.entries:
            self.findings.error("J106", entry.value.span, "the job has no destination")
        return tuple(self._destination(one) for one in entry.value.entries)

    def _destination(self, entry: Entry) -> WrittenDestination:
        if not _NAME.fullmatch(entry.key) or entry.key in _TAKEN:
            message = f"a destination cannot be called {entry.key!r}"
            help_ = "letters, digits, - and _; none of " + ", ".join(_TAKEN)
            self.findings.error("J104", entry.key_span, message, help=help_)
        node = entry.value
        if isinstance(node, Scalar) and node.value is None:
            node = Map((), node.span)  # `eu:` alone has every default
        if not isinstance(node, Map):
            message = f"expected the options of a destination, found {describe(node)}"
            self.findings.error("M101", node.span, message)
            node = Map((), node.span)
        self.values.known_keys(node, DESTINATION_KEYS, "a destination")
        self._given_text(node, "about")
        type_, when, settings = node.get("type"), node.get("when"), node.get("set")
        written = self.values.text(type_.value) if type_ else None
        options = {**DESTINATION, "dead_letters": RUN["dead_letters"]}
        inside = settings.value.entries if settings and isinstance(settings.value, Map) else ()
        return WrittenDestination(
            name=entry.key,
            span=entry.key_span,
            type=Given(written, type_.value.span) if type_ and written else None,
            when=self.values.condition(when.value) if when else None,
            options=self._options(node, options),
            settings={one.key: one.value.span for one in inside},
        )

    def _options(self, node: Map, options: Mapping[str, Option]) -> dict[str, Given]:
        found = {}
        for key, option in options.items():
            entry = node.get(key)
            if entry is not None:
                value = self.kinds[option.kind](entry.value, option)
                found[key] = Given(value, entry.value.span)
        return found

    def _given_text(self, node: Map, key: str) -> str | None:
        entry = node.get(key)
        return self.values.text(entry.value) if entry else None

    # --- values, by their kind; None where one cannot be read ----------------------------------

    def _text(self, node: Node, option: Option) -> str | None:
        text = self.values.text(node)
        if text is not None and not text.strip():
            self.findings.error("M101", node.span, f"`{option.key}` is empty")
            return None
        return text

    def _inputs(self, node: Node, option: Option) -> tuple[str, ...] | None:
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self.findings.error("M101", node.span, f"`{option.key}` is empty")
        paths = [self._text(item, option) for item in items]
        return tuple(beside(self.base, path) for path in paths if path is not None) or None

    def _file(self, node: Node, option: Option) -> Path | None:
        return self._there(node, option, Path.is_file, "file")

    def _directory(self, node: Node, option: Option) -> Path | None:
        return self._there(node, option, Path.is_dir, "directory")

    def _there(
        self, node: Node, option: Option, is_there: Callable[[Path], bool], what: str
    ) -> Path | None:
        text = self._text(node, option)
        if text is None:
            return None
        path = self.base / text
        if not is_there(path):
            message = f"there is no {what} {path}"
            help_ = "" if Path(text).is_absolute() else "paths are relative to the job file"
            self.findings.error("J105", node.span, message, help=help_)
            return None
        return path

    def _place(self, node: Node, option: Option) -> str | None:
        text = self._text(node, option)
        return None if text is None else beside(self.base, text)

    def _state(self, node: Node, option: Option) -> str | None:
        text = self._text(node, option)
        return None if text is None else state_beside(self.base, text)

    def _table(self, node: Node, option: Option) -> dict[str, str] | None:
        if not isinstance(node, Map):
            message = f"`{option.key}` takes values by name, found {describe(node)}"
            self.findings.error("M101", node.span, message)
            return None
        return {entry.key: _as_typed(entry.value) for entry in node.entries}

    def _secret(self, node: Node, option: Option) -> str | None:
        reference = plain(node)
        if isinstance(reference, str) and SECRET.fullmatch(reference):
            return reference
        message = "a secret is named, never written: env: and the name of an environment variable"
        self.findings.error("J103", node.span, message, help=f"for example {option.default}")
        return None

    def _choice(self, node: Node, option: Option) -> str | None:
        before = len(self.findings.items)
        chosen: str = self.values.arg(node, Arg("choice", choices=option.choices))
        return chosen if len(self.findings.items) == before else None

    def _flag(self, node: Node, option: Option) -> bool | None:
        before = len(self.findings.items)
        flag: bool = self.values.arg(node, Arg("flag"))
        return flag if len(self.findings.items) == before else None

    def _number(self, node: Node, option: Option) -> int | float | None:
        value = plain(node)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.findings.error("M101", node.span, f"expected a number, found {describe(node)}")
            return None
        if problem := problem_with(option, value):
            message = f"`{option.key}` {problem}, found {describe(node)}"
            self.findings.error("J102", node.span, message)
            return None
        return number_of(option, value)


def _as_typed(node: Node) -> str:
    """The value of a setting as it is typed behind ``--set``."""
    if isinstance(node, Sequence):
        return ",".join(map(_as_typed, node.items))
    value = plain(node)
    return value if isinstance(value, str) else spelled(value)
