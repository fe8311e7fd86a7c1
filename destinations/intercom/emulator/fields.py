"""Reading standard fields out of a request body, with a refusal where the type is wrong."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator.errors import invalid

if TYPE_CHECKING:
    from destinations.intercom.emulator.model import JsonObject
    from destinations.intercom.emulator.settings import EmulatorSettings

MAX_INTEGER = 2_147_483_647
"""Largest whole number that company fields hold."""


def text(body: JsonObject, name: str) -> str | None:
    """A text or null field; None where it is absent."""
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise invalid(text=f"{name} must be a string")


def identifier(body: JsonObject, name: str) -> str | None:
    """An id the caller chose: text, or a whole number taken as text. Empty counts as absent."""
    value = body.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or isinstance(value, str):
        return value or None
    raise invalid(text=f"{name} must be a string")


def flag(body: JsonObject, name: str) -> bool:
    """A boolean; null and absence are False."""
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise invalid(text=f"{name} must be a boolean")


def whole(body: JsonObject, name: str) -> int | None:
    """A whole number or null, at most MAX_INTEGER; a fraction is cut off, as the service does."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(text=f"{name} must be an integer")
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise invalid(text=f"{name} must be less than or equal to {MAX_INTEGER}")
    return int(value)


def timestamp(body: JsonObject, name: str, settings: EmulatorSettings) -> int | None:
    """Unix seconds or null. ISO 8601 text is taken only if ``text_timestamps`` is ``accept``."""
    value = body.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and settings.text_timestamps == "accept":
        seconds = _seconds_of(value)
        if seconds is not None:
            return seconds
    raise invalid(text=f"{name} must be a UNIX timestamp in seconds")


def _seconds_of(value: str) -> int | None:
    if value.isascii() and value.isdigit() and len(value) <= len("9999999999999"):
        return int(value)
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp())


def email(value: Any, settings: EmulatorSettings) -> str:
    """An address as it is stored; null becomes the empty text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(text="email must be a string")
    return value.lower() if settings.downcase_emails else value
