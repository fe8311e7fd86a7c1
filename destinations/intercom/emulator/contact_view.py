"""How the API shows a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
_NOBODY: JsonObject = {"type": "list", "data": []}


def contact_view(call: Call, contact: Contact) -> JsonObject:
    """The contact object of the version that the caller speaks; all times are unix seconds."""
    path = f"/contacts/{contact.id}"
    owner: int | str | None = contact.owner_id
    avatar = contact.avatar_url
    view: JsonObject = {
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
        "social_profiles": _NOBODY,
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": contact.unsubscribed,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "signed_up_at": contact.signed_up_at,
        "last_seen_at": contact.last_seen_at,
        **_DEVICE_FIELDS,
        "location": _LOCATION,
        "custom_attributes": contact.custom.copy(),
        "tags": _links(path, "tag", "tags", contact.tags),
        "notes": _links(path, "note", "notes", ()),
        "companies": _links(path, "company", "companies", contact.companies),
        "opted_out_subscription_types": _links(path, "subscription", "subscriptions", ()),
        "opted_in_subscription_types": _links(path, "subscription", "subscriptions", ()),
        **_CAMPAIGN_FIELDS,
    }
    if call.version >= PUSH_MESSAGING_SINCE:
        view["enabled_push_messaging"] = None
        if call.version >= OWNER_IS_TEXT_SINCE and owner is not None:
            view["owner_id"] = str(owner)
    return view


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
