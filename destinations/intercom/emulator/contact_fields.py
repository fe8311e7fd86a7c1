"""The writable fields of a contact: checked all at once, then applied, so a refusal saves nothing.

Fields of the 1.x API (inline companies, last_seen_ip, ...) are not writable and have no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.custom_values import checked_custom
from destinations.intercom.emulator.errors import bad_request, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from destinations.intercom.emulator.call import Call
    from destinations.intercom.emulator.model import Contact, JsonObject

IDENTITY_FIELDS = frozenset({"role", "external_id", "email", "custom_attributes"})


def checked_changes(call: Call) -> JsonObject:
    """Attribute name of Contact -> new value, for every plain field that the body sends."""
    body = call.body
    changes: JsonObject = {}
    for name, value in body.items():
        reader = _READERS.get(name)
        if reader is not None:
            attribute, read = reader
            changes[attribute] = read(call, name) if value is not None else _EMPTY.get(attribute)
        elif name not in IDENTITY_FIELDS and call.settings.unknown_contact_field == "reject":
            raise bad_request(text=f"bad '{name}' parameter")
    custom = body.get("custom_attributes")
    if custom is not None:
        changes["custom"] = checked_custom(call, "contact", custom)
    return changes


def apply_changes(contact: Contact, changes: JsonObject, *, now: float) -> None:
    """Write checked changes; custom attributes merge key by key."""
    for attribute, value in changes.items():
        if attribute == "custom":
            contact.custom.update(value)
        else:
            setattr(contact, attribute, value)
    contact.updated_at = int(now)


def _text(call: Call, name: str) -> str | None:
    return fields.text(call.body, name)


def _timestamp(call: Call, name: str) -> int | None:
    return fields.timestamp(call.body, name, call.settings)


def _flag(call: Call, name: str) -> bool:
    return fields.flag(call.body, name)


def _owner(call: Call, name: str) -> int | None:
    value = call.body[name]
    if isinstance(value, int | str) and not isinstance(value, bool):
        admin = call.workspace.admins.get(str(value))
        if admin is not None:
            return int(admin.id)
    raise invalid(text="The owner specified is not a member of the workspace")


_READERS: dict[str, tuple[str, Callable[[Call, str], Any]]] = {
    "phone": ("phone", _text),
    "name": ("name", _text),
    "avatar": ("avatar_url", _text),
    "signed_up_at": ("signed_up_at", _timestamp),
    "last_seen_at": ("last_seen_at", _timestamp),
    "owner_id": ("owner_id", _owner),
    "unsubscribed_from_emails": ("unsubscribed", _flag),
}
_EMPTY: JsonObject = {"unsubscribed": False}
