"""The same checks by the reference library: slow, and the judge where the two disagree."""

from __future__ import annotations

import re
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import jsonschema

from pipeline.validation.wording import details

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.model.event import Event
    from pipeline.model.refusal import Detail
    from pipeline.validation.registry import SchemaSet

_BASE = jsonschema.Draft202012Validator


def _is_integer(checker: Any, instance: Any) -> bool:
    """1.0 is an integer in JSON Schema, as a Decimal too."""
    if isinstance(instance, Decimal):
        return instance == instance.to_integral_value()
    return bool(_BASE.TYPE_CHECKER.is_type(instance, "integer"))


def _pattern(
    validator: Any, pattern: str, instance: Any, schema: Any
) -> Iterator[jsonschema.ValidationError]:
    """``$`` is the very end of a text in JSON Schema, in Python also before a last line feed."""
    if not isinstance(instance, str):
        return
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"
    if not re.search(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_Reference: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    _BASE,
    {"pattern": _pattern},
    type_checker=_BASE.TYPE_CHECKER.redefine("integer", _is_integer),
)


class ReferenceValidator:
    """What ``Validator`` does, by the ``jsonschema`` library."""

    def __init__(self, schema_set: SchemaSet) -> None:
        self._schemas = schema_set.schemas
        self._validators = {
            kind: _Reference(schema, format_checker=_BASE.FORMAT_CHECKER)
            for kind, schema in schema_set.schemas.items()
        }

    def check(self, event: Event) -> tuple[Detail, ...]:
        """Every fault of the event, sorted by path; empty if it is valid."""
        schema = self._schemas[event.type]
        found = {
            detail
            for error in self._validators[event.type].iter_errors(event.body)
            for detail in details(
                schema,
                event.body,
                list(error.absolute_path),
                list(error.absolute_schema_path),
                error.message,
            )
        }
        return tuple(sorted(found, key=attrgetter("path", "message")))
