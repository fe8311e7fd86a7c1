"""JUnit XML, which every CI system can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from pipeline.mapping.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Case:
    """One test: it passed where ``failure`` is empty."""

    suite: str
    name: str
    line: int = 1
    failure: str = ""
    details: str = ""
    seconds: float = 0.0


def findings(diagnostics: Sequence[Diagnostic], files: Sequence[Path]) -> str:
    """One test case a file, which fails by its errors."""
    cases = []
    for file in files:
        own = [item for item in diagnostics if item.span.file == str(file)]
        errors = [item for item in own if item.severity == "error"]
        told = "\n".join(
            f"{item.span.file}:{item.span.line}:{item.span.column}: {item.severity}[{item.code}]: "
            f"{item.message}"
            for item in own
        )
        failure = f"{errors[0].code}: {errors[0].message}" if errors else ""
        line = errors[0].span.line if errors else 1
        cases.append(Case("validate", str(file), line, failure, told if errors else ""))
    return render(cases)


def render(cases: Sequence[Case]) -> str:
    """The cases as one document, with a suite for each file."""
    suites: dict[str, list[Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    body = "".join(_suite(name, members) for name, members in suites.items())
    failures = sum(bool(case.failure) for case in cases)
    head = f'<testsuites name="penstock" tests="{len(cases)}" failures="{failures}">'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}\n{body}</testsuites>'


def _suite(name: str, cases: Sequence[Case]) -> str:
    failures = sum(bool(case.failure) for case in cases)
    seconds = sum(case.seconds for case in cases)
    head = (
        f"  <testsuite name={_attribute(name)} tests="
        f'"{len(cases)}" failures="{failures}" time="{seconds:.3f}">\n'
    )
    return head + "".join(_case(case) for case in cases) + "  </testsuite>\n"


def _case(case: Case) -> str:
    head = (
        f"    <testcase classname={_attribute(case.suite)} name={_attribute(case.name)} "
        f'line="{case.line}" time="{case.seconds:.3f}"'
    )
    if not case.failure:
        return head + "/>\n"
    inner = f"<failure message={_attribute(case.failure)}>{escape(_legal(case.details))}</failure>"
    return f"{head}>\n      {inner}\n    </testcase>\n"


def _attribute(text: str) -> str:
    return quoteattr(_legal(text))


def _legal(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return "".join(
        character if character in "\t\n\r" or character >= " " else "\ufffd" for character in text
    ).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")  # fmt: skip
