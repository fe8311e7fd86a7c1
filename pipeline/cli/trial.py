"""Runs the tests of mappings: finds them, shapes their events, compares."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from pipeline.cli.files import YAML, below, nearby, read_events_file, read_text
from pipeline.cli.options import report
from pipeline.cli.shaping import Shaped, Shaper, read_events, shaper_for
from pipeline.errors import UsageError
from pipeline.mapping.cases import (
    Actual,
    Case,
    CaseFile,
    Difference,
    compare,
    is_case_file,
    read_cases,
)
from pipeline.mapping.yamltext import flow
from pipeline.model.event import Event, Rejected
from pipeline.model.times import parse_time
from pipeline.run.mappings import compile_mapping_file

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one test; it passed where there are no differences."""

    path: Path
    case: Case
    actual: Actual
    differences: tuple[Difference, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Selection:
    """A file, and which of its tests are wanted."""

    path: Path
    names: tuple[str, ...]

    def wants(self, case: Case) -> bool:
        """Whether the test is one of those wanted; ``*`` stands for anything."""
        return not self.names or any(fnmatchcase(case.name, name) for name in self.names)


def select(arguments: list[str]) -> list[Selection]:
    """The files that ``PATH`` and ``PATH::NAME`` mean; directories are searched."""
    names: dict[Path, list[str] | None] = {}
    for argument in arguments:
        text, separator, name = argument.partition("::")
        for path in below([Path(text)], YAML):
            known = names.setdefault(nearby(path), [] if separator else None)
            if known is not None and separator:
                known.append(name)
            elif not separator:
                names[nearby(path)] = None
    return [Selection(path, tuple(wanted or ())) for path, wanted in names.items()]


def cases_in(path: Path, *, asked: bool) -> CaseFile | None:
    """The tests in a file; None for a mapping without any, unless it was asked for by name."""
    text = read_text(path, what="the tests")
    if not is_case_file(text) and "\ntests:" not in text and not asked:
        return None
    return read_cases(text, file=str(path))


class Bench:
    """Runs tests; compiles each mapping once for each set of settings."""

    def __init__(self, schemas: Path | None, overrides: Mapping[str, str]) -> None:
        self._schemas = schemas
        self._overrides = dict(overrides)
        self._shapers: dict[tuple[Any, ...], Shaper] = {}

    def run(self, path: Path, mapping: Path, case: Case) -> Result:
        """Run one test of the file ``path``."""
        start = time.perf_counter()
        with _environment(case.environment):
            actual = self.actual(mapping, case.settings, _event_of(path, case))
        differences = tuple(compare(case, actual))
        return Result(path, case, actual, differences, time.perf_counter() - start)

    def actual(self, mapping: Path, settings: Mapping[str, Any], event: Event | Rejected) -> Actual:
        """What becomes of an event under a mapping."""
        return actual_of(self._shaper(mapping, settings).shape(event))

    def _shaper(self, mapping: Path, settings: Mapping[str, Any]) -> Shaper:
        typed = {name: _typed(value) for name, value in settings.items()} | self._overrides
        key = (mapping, *sorted(typed.items()))
        if key not in self._shapers:
            compiled = compile_mapping_file(mapping, typed)
            report(compiled, mapping)
            assert compiled.plan is not None  # noqa: S101
            self._shapers[key] = shaper_for(compiled.plan, self._schemas)
        return self._shapers[key]


def actual_of(shaped: Shaped) -> Actual:
    """What became of an event, in the form in which tests expect it."""
    rule = shaped.trace.rule if shaped.trace is not None else None
    return Actual(
        shaped.status,
        shaped.reason,
        rule.name if rule is not None else None,
        tuple((operation.kind, dict(operation.fields)) for operation in shaped.operations),
        tuple((f"{call.method} {call.path}", call.body) for call in shaped.calls),
        shaped.warnings,
        tuple(f"{fault.path}: {fault.message}" for fault in shaped.details),
    )


def mapping_of(path: Path, cases: CaseFile) -> Path:
    """The mapping that the tests in a file are for."""
    return path if cases.mapping is None else nearby(path.parent / cases.mapping)


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else flow(value)


def _event_of(path: Path, case: Case) -> Event | Rejected:
    moment = parse_time(case.now)
    where = f"{path}:{case.span.line}"
    if moment is None:
        message = f"{where}: `now` is {case.now!r}, which cannot be read as a time"
        raise UsageError(message)
    if case.event_file is not None:
        data = read_events_file(path.parent / case.event_file)
    elif isinstance(case.event, str):
        data = case.event.encode()
    else:
        data = _ENCODER.encode(case.event)
    events = read_events(data, origin=where, now=moment)
    if len(events) != 1:
        message = f"{where}: a test needs exactly one event, found {len(events)}"
        raise UsageError(message)
    return events[0]


@contextmanager
def _environment(values: Mapping[str, Any]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: str(value) for name, value in values.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
