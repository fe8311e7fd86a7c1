"""Which custom attribute values may be written: declared, flat, short enough, of the right type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator.errors import ApiError, invalid

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Call
    from destinations.intercom.emulator.model import Attribute, JsonObject, Model

MAX_TEXT = 255
"""Longest text value, in characters."""


def checked_custom(call: Call, model: Model, sent: Any) -> JsonObject:
    """The custom attributes of a write, or the refusal of the first one that cannot be stored.

    Nothing is saved when one value is refused, so callers ask before they change anything.
    """
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise invalid(text="custom_attributes must be an object")
    declared = call.workspace.attribute_by_name
    for name, value in sent.items():
        attribute = declared.get((model, name))
        if attribute is None or attribute.archived:
            raise invalid(text=f"Custom attribute '{name}' does not exist")
        _check_value(call, attribute, value)
    return sent


def _check_value(call: Call, attribute: Attribute, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, dict | list):
        raise invalid(text=f"Custom attribute '{attribute.name}' must be a single value")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise invalid(
            text=f"Custom attribute '{attribute.name}' is longer than {MAX_TEXT} characters"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid(text=f"Custom attribute '{attribute.name}' is not a finite number")
    settings = call.settings
    if settings.type_mismatch == "reject" and not has_type(value, attribute.data_type):
        message = f"Custom attribute '{attribute.name}' is not of type {attribute.data_type}"
        raise ApiError(settings.type_mismatch_status, "type_mismatch", message)
    if (
        attribute.options is not None
        and settings.list_value_outside_options == "reject"
        and value not in attribute.options
    ):
        raise invalid(text=f"'{value}' is not an option of custom attribute '{attribute.name}'")


def has_type(value: Any, data_type: str) -> bool:
    """Whether a scalar may be stored under a declared type; whole numbers are fine for floats."""
    if isinstance(value, bool):
        return data_type == "boolean"
    if isinstance(value, int):
        return data_type in {"integer", "float", "date"}
    if isinstance(value, float):
        return data_type == "float"
    return isinstance(value, str) and data_type == "string"


def type_of(value: Any) -> str:
    """The type to declare for a seeded value that nobody declared."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "float" if isinstance(value, float) else "string"
