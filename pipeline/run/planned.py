"""What a plan was made for, so that a run can refuse to start where anything is another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from destinations.intercom.regions import REGIONS
from pipeline.errors import UsageError
from pipeline.run import inputs

if TYPE_CHECKING:
    from pipeline.run.config import RunConfig
    from pipeline.run.job import Job

VERSION = 1
_CHUNK = 1 << 20
_NAMES = {
    "mapping": "the mapping",
    "schemas": "the schemas",
    "max_event_bytes": "--max-event-bytes",
    "destination": "the destination",
}


def refuse_unless_planned(job: Job, path: Path) -> None:
    """Raise UsageError, saying what, unless the run is the one that the plan was made for."""
    differences = list(differing(_read(path), basis(job)))
    if differences:
        message = f"this is not the run of {path}: {'; '.join(differences)}; make a new plan"
        raise UsageError(message)


def _read(path: Path) -> dict[str, Any]:
    try:
        plan = json.loads(path.read_bytes())
        if plan["version"] != VERSION:
            message = f"{path} is a plan of version {plan['version']!r}, not {VERSION}"
            raise UsageError(message)
        found: dict[str, Any] = plan["basis"]
    except OSError as error:
        message = f"cannot read the plan {path}: {error.strerror or error}"
        raise UsageError(message) from error
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is no plan; `penstock plan --out FILE` writes one"
        raise UsageError(message) from error
    return found


def basis(job: Job) -> dict[str, Any]:
    """Everything that decides what a run does, except for the state and the workspace.

    Raises:
        UsageError: An input cannot be read, or could not be read again.
    """
    return {
        "inputs": [_fingerprint(path) for path in _paths(job.config)],
        "mapping": {"name": job.mapping.name, "fingerprint": job.mapping.fingerprint},
        "schemas": job.schemas.fingerprint,
        "settings": {name: _digest(value) for name, value in job.mapping.settings},
        "max_event_bytes": job.config.max_event_bytes,
        "destination": {"name": job.destination.name, "url": url_of(job.config)},
    }


def url_of(config: RunConfig) -> str:
    """The root of the API."""
    return (config.endpoint or REGIONS[config.region]).rstrip("/")


def differing(planned: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Each difference in words; settings are named, because their values may be secret."""
    then, present = (
        {file["path"]: file for file in basis.get("inputs", ())} for basis in (planned, now)
    )
    for path in sorted(then.keys() | present.keys()):
        if path not in present:
            yield f"the input {path} is missing"
        elif path not in then:
            yield f"the input {path} was not planned"
        elif then[path] != present[path]:
            yield f"the input {path} has changed"
    settings, chosen = planned.get("settings", {}), now["settings"]
    changed = [
        name
        for name in sorted(settings.keys() | chosen.keys())
        if settings.get(name) != chosen.get(name)
    ]
    yield from (f"the setting {name!r} is another" for name in changed)
    for key, name in _NAMES.items():
        was, is_now = planned.get(key), now[key]
        if was != is_now and not (key == "mapping" and changed):
            shown = f" ({_shown(was)} then, {_shown(is_now)} now)"
            yield f"{name} is another{shown}"


def _shown(value: Any) -> str:
    return " ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:16]


def _paths(config: RunConfig) -> list[str]:
    if "-" in config.inputs:
        message = "a plan cannot be kept for standard input: it cannot be read twice; use a file"
        raise UsageError(message)
    with inputs.slices(config.inputs) as slices:
        return sorted({part.path for part in slices})


def _fingerprint(path: str) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except (OSError, BeamIOError) as error:
        message = f"cannot read input {path!r}: {error}"
        raise UsageError(message) from error
    return {"path": path, "size": size, "sha256": digest.hexdigest()}
