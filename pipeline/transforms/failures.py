"""Why steps of this process failed: Beam hands on no exception, only its text."""

from __future__ import annotations

from pipeline.errors import PenstockError

FAILURES: list[PenstockError] = []
"""What was noted since it was last cleared."""


def note_failure(error: PenstockError) -> None:
    """Keep why a step failed; Beam logs a traceback of what has no such mark."""
    FAILURES.append(error)
    vars(error)["_tagged_with_step"] = True
