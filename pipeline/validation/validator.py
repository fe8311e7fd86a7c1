"""Checking events against their schemas, fast where they are valid."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import jsonschema_rs

from pipeline.validation.wording import details

if TYPE_CHECKING:
    from pipeline.model.event import Event
    from pipeline.model.refusal import Detail
    from pipeline.validation.registry import SchemaSet


class Validator:
    """Checks events; made on the worker, because compiled schemas do not pickle."""

    def __init__(self, schema_set: SchemaSet) -> None:
        self._schemas = schema_set.schemas
        self._compiled = {
            kind: jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            for kind, schema in schema_set.schemas.items()
        }
        self._is_valid = {kind: schema.is_valid for kind, schema in self._compiled.items()}

    def check(self, event: Event) -> tuple[Detail, ...]:
        """Every fault of the event, sorted by path; empty if it is valid."""
        if self._is_valid[event.type](event.body):
            return ()
        compiled, schema = self._compiled[event.type], self._schemas[event.type]
        found = {
            detail
            for error in compiled.iter_errors(event.body)
            for detail in details(
                schema, event.body, error.instance_path, error.schema_path, error.message
            )
        }
        return tuple(sorted(found, key=attrgetter("path", "message")))
