"""What is wrong with a file, as data: a stable code, a place, a sentence and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.mapping.codes import CODES


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file; lines and columns count from 1, the end column is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Attributes:
        code: Stable; a key of ``CODES``, with a page in the documentation.
        span: Where.
        message: What was received and what is allowed, in one sentence.
        help: What to do next; empty where the message says it all.
        severity: ``error`` or ``warning``.
    """

    code: str
    span: Span
    message: str
    help: str = ""
    severity: str = "error"

    def __post_init__(self) -> None:
        """Refuse a code that has no documentation."""
        if self.code not in CODES:
            message = f"undocumented diagnostic code {self.code!r}"
            raise ValueError(message)


class Findings:
    """Collects diagnostics, so that one run reports every mistake."""

    def __init__(self) -> None:
        self.items: list[Diagnostic] = []

    def error(self, code: str, span: Span, message: str, *, help: str = "") -> None:
        """Add an error."""
        self.items.append(Diagnostic(code, span, message, help))

    def warning(self, code: str, span: Span, message: str, *, help: str = "") -> None:
        """Add a warning."""
        self.items.append(Diagnostic(code, span, message, help, "warning"))

    @property
    def has_errors(self) -> bool:
        """Whether anything found is an error."""
        return any(item.severity == "error" for item in self.items)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Everything found, in the order of the file, without repeats."""
        return tuple(sorted(dict.fromkeys(self.items), key=lambda item: (item.span, item.code)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the nearest known word, else the list of what is known."""
    names = sorted(known)
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"did you mean {lowered[close[0]]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"known: {shown}"
