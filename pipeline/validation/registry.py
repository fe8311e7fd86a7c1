"""The schemas of the event types: found, checked, and made fit to travel to workers."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec

import pipeline
from pipeline.errors import ConfigurationError
from pipeline.model.event import EVENT_TYPES
from pipeline.model.jsontext import Malformed, read
from pipeline.validation.bundle import bundle
from pipeline.validation.wording import json_path

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema that the files are written in."""

_CANONICAL = msgspec.json.Encoder(order="deterministic", decimal_format="number")
_FOLDER = "events"
_ENDING = ".schema.json"


def default_directory() -> Path:
    """Where ``schemas/`` lies: beside the package, in a checkout and where it is installed."""
    return Path(pipeline.__file__).resolve().parent.parent / "schemas"


@dataclass(frozen=True, slots=True)
class SchemaSet:
    """One self-contained JSON Schema for every event type; plain data that pickles.

    Attributes:
        schemas: Event type -> schema without references.
        fingerprint: 16 hex digits that change when any of the schemas means something else.
    """

    schemas: dict[str, Any]
    fingerprint: str

    @classmethod
    def of(cls, schemas: dict[str, Any]) -> SchemaSet:
        """The set of schemas that are self-contained already."""
        return cls(schemas, sha256(_CANONICAL.encode(schemas)).hexdigest()[:16])

    @classmethod
    def load(cls, directory: Path | None = None) -> SchemaSet:
        """Read ``events/<type>.schema.json`` below a directory, or ``<type>.schema.json`` in it.

        Raises:
            ConfigurationError: The directory or a file is missing, or a file is no valid schema.
        """
        files = _Files(_event_directory(directory or default_directory()))
        return cls.of({kind: files.bundled(kind + _ENDING) for kind in EVENT_TYPES})


class _Files:
    """The schema files of one directory, each read and checked once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, Any] = {}

    def bundled(self, name: str) -> Any:
        try:
            schema = bundle(name, self.load)
            jsonschema_rs.Draft202012Validator(schema)
        except RecursionError:
            message = f"{self._directory / name}: the schema is nested too deep"
            raise ConfigurationError(message) from None
        except jsonschema_rs.ValidationError as error:
            raise _invalid(self._directory / name, error) from None
        return schema

    def load(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._read(self._directory / name)
        return self._known[name]

    def _read(self, path: Path) -> Any:
        try:
            schema = read(path.read_bytes())
        except OSError as error:
            message = f"{path}: cannot read the schema: {error.strerror}"
            raise ConfigurationError(message) from None
        except Malformed as fault:
            message = f"{path}: {fault.told()}"
            raise ConfigurationError(message) from None
        if not isinstance(schema, dict):
            message = f"{path}: a schema file holds one object"
            raise ConfigurationError(message)
        if schema.get("$schema", DIALECT) != DIALECT:
            message = f'{path}: $schema must be "{DIALECT}"'
            raise ConfigurationError(message)
        try:
            jsonschema_rs.meta.validate({**schema, "$schema": DIALECT})
        except jsonschema_rs.ValidationError as error:
            raise _invalid(path, error) from None
        return schema


def _event_directory(directory: Path) -> Path:
    inner = directory / _FOLDER
    if inner.is_dir():
        return inner
    if not directory.is_dir():
        message = f"{directory}: there is no such directory with event schemas"
        raise ConfigurationError(message)
    return directory


def _invalid(path: Path, error: jsonschema_rs.ValidationError) -> ConfigurationError:
    where = json_path(error.instance_path)
    return ConfigurationError(f"{path}: not a valid JSON Schema at {where}: {error.message}")
