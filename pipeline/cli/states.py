"""The state of earlier runs, for commands that look into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.state.store import StateStore


@contextmanager
def known_state(url: str, *, may_be_new: bool = False) -> Iterator[StateStore]:
    """The store at ``url``, while the body runs.

    Args:
        url: As given to run.
        may_be_new: A file that is not there is made, and that is said; else it is a mistake.

    Raises:
        UsageError: Nothing is kept there, or the store cannot be used.
    """
    from pipeline.state.store import StateStore

    if url == "sqlite://":
        message = "nothing is remembered in memory; name the --state of your runs"
        raise UsageError(message)
    missing = _missing_file(url)
    if missing is not None and not may_be_new:
        message = f"there is no state {missing}; name the --state of your runs"
        raise UsageError(message)
    with StateStore.open(url) as store:
        if missing is not None:
            click.echo(f"{missing} is a new state: there was none", err=True)
        yield store


def _missing_file(url: str) -> Path | None:
    """The file of an SQLite store, where there is none."""
    start, slashes, path = url.partition(":///")
    if not start.startswith("sqlite") or not slashes or not path:
        return None
    file = Path(path.partition("?")[0])
    return None if file.exists() else file
