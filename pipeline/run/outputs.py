"""Where a run writes: checked before anything is sent."""

from __future__ import annotations

from pathlib import Path

from apache_beam.io.filesystems import FileSystems

from pipeline.errors import UsageError


def usable_directory(path: str) -> None:
    """Raise UsageError where no dead letters can be written; makes a local directory."""
    if not path.strip():
        message = "--dead-letters takes a directory, received nothing"
        raise UsageError(message)
    try:
        if "://" in path:
            FileSystems.get_filesystem(path)
        else:
            Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        message = f"dead letters cannot be kept in {path}: {reason}"
        raise UsageError(message) from error
