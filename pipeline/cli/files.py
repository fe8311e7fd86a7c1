"""Finding and reading the files that a command is about; every failure is one sentence."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.run.mappings import HOME

YAML = (".yaml", ".yml")
SCHEMA = ".schema.json"
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma"}
"""How a compressed file begins, and the module that unpacks it."""


def read_file(path: str | Path, *, what: str) -> bytes:
    """The bytes of a file, or of standard input for ``-``. Raises UsageError in words."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        message = f"{path} is a directory; {what} is a file (or - for standard input)"
        raise UsageError(message) from None
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        message = f"cannot read {what} {path}: {told}"
        raise UsageError(message) from error


def read_events_file(path: str | Path) -> bytes:
    """The bytes of a file of events, unpacked if compressed. Raises UsageError in words."""
    data = read_file(path, what="the event file")
    for magic, module in _PACKED.items():
        if data.startswith(magic):
            try:
                unpacked: bytes = importlib.import_module(module).decompress(data)
            except Exception as error:  # every module has errors of its own
                message = f"cannot unpack {path}: {error}"
                raise UsageError(message) from error
            return unpacked
    return data


def read_text(path: Path, *, what: str) -> str:
    """A text file in UTF-8. Raises UsageError in words."""
    data = read_file(path, what=what)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"{path}:{line}: not UTF-8: byte 0x{data[error.start]:02x}; save it as UTF-8"
        raise UsageError(message) from None


def nearby(path: Path) -> Path:
    """The path as seen from the current directory, where it is below it."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except (ValueError, OSError):
        return path


def default_roots() -> list[Path]:
    """mappings/ and schemas/ of the current directory, else of the installation."""
    here = [path for path in (Path("mappings"), Path("schemas")) if path.is_dir()]
    return here or [nearby(HOME / "mappings"), nearby(HOME / "schemas")]


def below(paths: Iterable[Path], endings: tuple[str, ...]) -> list[Path]:
    """The files that are named, and those with one of the endings below named directories."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (file for file in sorted(path.rglob("*")) if file.name.endswith(endings))
            found |= dict.fromkeys(file for file in inside if file.is_file())
        elif path.exists():
            found[path] = None
        else:
            message = f"there is no file or directory {path}"
            raise UsageError(message)
    return list(found)
