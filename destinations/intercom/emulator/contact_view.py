"""How the API shows a contact."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from destinations.intercom.emulator.messages import JsonText, encode_json

if TYPE_CHECKING:
    from collections.abc import Collection

    from destinations.intercom.emulator.call import Call
    from destinations.intercom.emulator.model import Contact, JsonObject

SHOWN = 10
"""How many linked objects a contact shows inline."""

PUSH_MESSAGING_SINCE = (2, 12)
OWNER_IS_TEXT_SINCE = (2, 16)

_DEVICE_FIELDS: JsonObject = dict.fromkeys(
    [
        "last_replied_at",
        "last_contacted_at",
        "last_email_opened_at",
        "last_email_clicked_at",
        "language_override",
        "browser",
        "browser_version",
        "browser_language",
        "os",
        *(
            f"{system}_{name}"
            for system in ("android", "ios")
            for name in (
                "app_name",
                "app_version",
                "device",
                "os_version",
                "sdk_version",
                "last_seen_at",
            )
        ),
    ]
)
_CAMPAIGN_FIELDS: JsonObject = dict.fromkeys(
    ["utm_campaign", "utm_content", "utm_medium", "utm_source", "utm_term", "referrer"]
)
_LOCATION: JsonObject = {
    "type": "location",
    **dict.fromkeys(["country", "region", "city", "country_code", "continent_code"]),
}


_ID = "{id}"


def contact_view(call: Call, contact: Contact) -> JsonObject:
    """The contact object of the version that the caller speaks; all times are unix seconds."""
    return {
        **_changing(call, contact),
        **_constant(call.version >= PUSH_MESSAGING_SINCE),
        **_by_id_only(contact.id),
    }


def contact_text(call: Call, contact: Contact) -> JsonText:
    """The same as JSON text. Most of it never changes and is encoded once for all contacts."""
    constant, by_id_only = _encoded(call.version >= PUSH_MESSAGING_SINCE)
    changing = encode_json(_changing(call, contact))
    return JsonText(f"{changing[:-1]},{constant},{by_id_only.replace(_ID, contact.id)}}}")


def _changing(call: Call, contact: Contact) -> JsonObject:
    path = f"/contacts/{contact.id}"
    owner: int | str | None = contact.owner_id
    if owner is not None and call.version >= OWNER_IS_TEXT_SINCE:
        owner = str(owner)
    avatar = contact.avatar_url
    return {
        "type": "contact",
        "id": contact.id,
        "workspace_id": call.workspace.id_code,
        "external_id": contact.external_id,
        "role": contact.role,
        "email": contact.email,
        "phone": contact.phone,
        "name": contact.name,
        "avatar": None if avatar is None else {"type": "avatar", "image_url": avatar},
        "owner_id": owner,
        "unsubscribed_from_emails": contact.unsubscribed,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "signed_up_at": contact.signed_up_at,
        "last_seen_at": contact.last_seen_at,
        "custom_attributes": contact.custom.copy(),
        "tags": _links(path, "tag", "tags", contact.tags),
        "companies": _links(path, "company", "companies", contact.companies),
    }


def _constant(push_messaging: bool) -> JsonObject:
    return {
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "social_profiles": {"type": "list", "data": []},
        **_DEVICE_FIELDS,
        "location": _LOCATION,
        **_CAMPAIGN_FIELDS,
        **({"enabled_push_messaging": None} if push_messaging else {}),
    }


def _by_id_only(contact_id: str) -> JsonObject:
    path = f"/contacts/{contact_id}"
    return {
        "notes": _links(path, "note", "notes", ()),
        "opted_out_subscription_types": _links(path, "subscription", "subscriptions", ()),
        "opted_in_subscription_types": _links(path, "subscription", "subscriptions", ()),
    }


@functools.cache
def _encoded(push_messaging: bool) -> tuple[str, str]:
    """The inner text of both unchanging parts."""
    constant = encode_json(_constant(push_messaging))
    return constant[1:-1], encode_json(_by_id_only(_ID))[1:-1]


def _links(path: str, kind: str, plural: str, ids: Collection[str]) -> JsonObject:
    total = len(ids)
    shown = list(ids)[:SHOWN] if total else ()
    return {
        "type": "list",
        "data": [{"id": key, "type": kind, "url": f"/{plural}/{key}"} for key in shown],
        "url": f"{path}/{plural}",
        "total_count": total,
        "has_more": total > SHOWN,
    }
