"""Visitors: only the Messenger makes them (here: the seed); the API reads, changes, converts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.contact_lookup import active_user
from destinations.intercom.emulator.contact_view import contact_text
from destinations.intercom.emulator.custom_values import checked_custom
from destinations.intercom.emulator.errors import invalid, missing, not_found
from destinations.intercom.emulator.model import Contact, JsonObject, Visitor

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call


def read(call: Call) -> Answer:
    """GET /visitors?user_id=."""
    return 200, visitor_view(call, _find(call, dict(call.query)))


def update(call: Call) -> Answer:
    """PUT /visitors: name and custom attributes of the visitor with this id or user_id."""
    visitor = _find(call, call.body)
    name = fields.text(call.body, "name")
    custom = checked_custom(call, "contact", call.body.get("custom_attributes"))
    if "name" in call.body:
        visitor.name = name
    visitor.custom.update(custom)
    visitor.updated_at = int(call.now)
    return 200, visitor_view(call, visitor)


def convert(call: Call) -> Answer:
    """POST /visitors/convert: the visitor becomes a lead or a user, or joins an existing user."""
    kind = call.body.get("type")
    if kind not in ("lead", "user"):
        raise invalid(text="type must be lead or user")
    described = call.body.get("visitor")
    if not isinstance(described, dict):
        raise missing(text="visitor not specified")
    visitor = _find(call, described)
    contact = _target(call, kind, visitor)
    if contact.name is None:
        contact.name = visitor.name
    for name, value in visitor.custom.items():
        contact.custom.setdefault(name, value)
    del call.workspace.visitors[visitor.id]
    call.about(contact)
    return 200, contact_text(call, contact)


def _target(call: Call, kind: str, visitor: Visitor) -> Contact:
    workspace = call.workspace
    user = call.body.get("user")
    if not isinstance(user, dict):
        if kind == "user":
            raise missing(text="user not specified")
        user = {}
    email = fields.email(user.get("email") or visitor.email, call.settings)
    external_id = fields.identifier(user, "user_id")
    if kind == "user":
        known = workspace.contacts.get(fields.identifier(user, "id") or "")
        if known is not None and known.standing == "active":
            return known
        known = active_user(call, external_id=external_id, email=email or None)
        if known is not None:
            return known
    else:
        external_id = workspace.ids.uuid("lead")
    contact = Contact(
        id=workspace.ids.object_id("contact"),
        seq=workspace.ids.number("contact seq"),
        role=kind,
        external_id=external_id,
        email=email,
        created_at=int(call.now),
        updated_at=int(call.now),
        known_since=call.now,
    )
    workspace.add_contact(contact)
    return contact


def _find(call: Call, described: JsonObject) -> Visitor:
    for visitor in call.workspace.visitors.values():
        for name in ("id", "user_id", "email"):
            sent = described.get(name)
            if sent and sent == getattr(visitor, name):
                return visitor
    raise not_found(text="Visitor Not Found")


def visitor_view(call: Call, visitor: Visitor) -> JsonObject:
    """How the API shows a visitor."""
    return {
        "type": "visitor",
        "id": visitor.id,
        "user_id": visitor.user_id,
        "anonymous": True,
        "email": visitor.email,
        "phone": visitor.phone,
        "name": visitor.name,
        "pseudonym": None,
        "avatar": {"type": "avatar", "image_url": None},
        "app_id": call.workspace.id_code,
        "companies": {"type": "company.list", "companies": []},
        "location_data": {},
        "last_request_at": None,
        "created_at": visitor.created_at,
        "remote_created_at": visitor.created_at,
        "signed_up_at": visitor.created_at,
        "updated_at": visitor.updated_at,
        "session_count": 0,
        "social_profiles": {"type": "social_profile.list", "social_profiles": []},
        "owner_id": None,
        "unsubscribed_from_emails": False,
        "marked_email_as_spam": False,
        "has_hard_bounced": False,
        "tags": {"type": "tag.list", "tags": []},
        "segments": {"type": "segment.list", "segments": []},
        "custom_attributes": visitor.custom.copy(),
        "referrer": None,
        **dict.fromkeys(["utm_campaign", "utm_content", "utm_medium", "utm_source", "utm_term"]),
        "do_not_track": None,
    }
