"""A run whose workers are other processes: what is named relative to here is named in full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.run.config import RunConfig

_FILE = "sqlite:///"


def for_workers(config: RunConfig) -> RunConfig:
    """The same run with full paths: workers have another working directory.

    Addresses of file systems and of streams stay as they are.
    """
    state = config.state
    if state.startswith(_FILE) and state != _FILE:
        state = _FILE + _in_full(state.removeprefix(_FILE))
    return replace(
        config,
        inputs=tuple(map(_in_full, config.inputs)),
        dead_letters=_in_full(config.dead_letters),
        state=state,
    )


def _in_full(path: str) -> str:
    is_address = path == "-" or ":" in path.partition("/")[0]
    return path if is_address else str(Path(path).absolute())
