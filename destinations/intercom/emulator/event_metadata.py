"""What is kept of an event's metadata, and which type each value is taken for."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator.errors import invalid

if TYPE_CHECKING:
    from destinations.intercom.emulator.model import JsonObject
    from destinations.intercom.emulator.settings import EmulatorSettings

MAX_TEXT = 255
"""Longest text value, in characters."""
_FORBIDDEN = frozenset(".$~`!@#%^&*'{}|\\\"\0")
_STRIPE_KEYS = frozenset({"stripe_customer", "stripe_invoice", "stripe_charge"})
_DROP = object()


def kept_metadata(sent: Any, settings: EmulatorSettings) -> JsonObject:
    """The first keys, in the order sent, up to ``metadata_key_limit``; later ones are ignored.

    Key names compare without case: of two that differ only in case, the first is kept.
    """
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise invalid(text="metadata must be an object")
    kept: JsonObject = {}
    seen: set[str] = set()
    for key, raw in sent.items():
        if not _FORBIDDEN.isdisjoint(key) and settings.forbidden_metadata_key != "keep":
            if settings.forbidden_metadata_key == "reject":
                raise invalid(text=f"metadata key '{key}' has a character that is not allowed")
            continue
        value = _kept_value(key, raw, settings)
        folded = key.lower()
        if value is _DROP or folded in seen or len(kept) >= settings.metadata_key_limit:
            continue
        seen.add(folded)
        kept[key] = value
    return kept


def _kept_value(key: str, value: Any, settings: EmulatorSettings) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else _long_text(key, value, settings)
    if isinstance(value, bool):
        if settings.boolean_metadata == "text":
            return "true" if value else "false"
        return value if settings.boolean_metadata == "keep" else _DROP
    if isinstance(value, dict | list):
        if _is_rich_link(value) or _is_amount(value):
            return value
        if settings.nested_metadata == "reject":
            raise invalid(text=f"metadata '{key}' is nested")
        return json.dumps(value) if settings.nested_metadata == "text" else _DROP
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid(text=f"metadata '{key}' is not a finite number")
    return value


def _long_text(key: str, value: str, settings: EmulatorSettings) -> Any:
    choice = settings.long_metadata_text
    if choice == "reject":
        raise invalid(text=f"metadata '{key}' is longer than {MAX_TEXT} characters")
    if choice == "truncate":
        return value[:MAX_TEXT]
    return value if choice == "keep" else _DROP


def metadata_types(metadata: JsonObject) -> dict[str, str]:
    """Key -> date, number, boolean, link, rich_link, monetary_amount, stripe, text or null."""
    return {key: _type_of(key, value) for key, value in metadata.items()}


def _type_of(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return "rich_link" if "url" in value else "monetary_amount"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) and key.lower().endswith("_date"):
        return "date"
    if isinstance(value, int | float):
        return "number"
    if value is None:
        return "null"
    if key.lower() in _STRIPE_KEYS:
        return "stripe"
    return "link" if value.startswith(("http://", "https://")) else "text"


def _is_rich_link(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"url", "value"}
        and all(isinstance(part, str) for part in value.values())
    )


def _is_amount(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"amount", "currency"}:
        return False
    amount = value["amount"]
    whole = isinstance(amount, int) and not isinstance(amount, bool)
    return whole and amount >= 0 and isinstance(value["currency"], str)
