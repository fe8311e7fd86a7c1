"""Files as git knows them: ``git:main:mappings/intercom.yaml``."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipeline.cli.files import read_text
from pipeline.errors import UsageError

PREFIX = "git:"


def read_anywhere(source: str, *, what: str) -> str:
    """The text of a file, or of ``git:REF:PATH``. Raises UsageError in words."""
    if not source.startswith(PREFIX):
        return read_text(Path(source), what=what)
    reference, colon, path = source.removeprefix(PREFIX).partition(":")
    if not colon or not reference or not path:
        message = f"{source}: write git:REF:PATH, such as git:main:mappings/intercom.yaml"
        raise UsageError(message)
    return show(reference, path)


def show(reference: str, path: str) -> str:
    """A file as it is in a commit; ``path`` is seen from the current directory."""
    data = _git("show", f"{reference}:./{path}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path} in {reference} is not UTF-8"
        raise UsageError(message) from None


def files_at(reference: str, directory: str) -> list[str]:
    """The files below a directory in a commit, seen from that directory."""
    listed = _git("ls-tree", "-r", "-z", "--name-only", f"{reference}:./{directory}")
    return [name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]


def is_reference(text: str) -> bool:
    """Whether git knows a commit of this name."""
    try:
        _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}")
    except UsageError:
        return False
    return True


def _git(*arguments: str) -> bytes:
    try:
        ran = subprocess.run(  # noqa: S603 - git, with arguments that are no options
            ["git", *arguments],  # noqa: S607
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        message = "git is not installed, so nothing can be read from its history"
        raise UsageError(message) from None
    if ran.returncode:
        told = ran.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed"
        message = told.removeprefix("fatal: ")
        raise UsageError(message)
    return ran.stdout
