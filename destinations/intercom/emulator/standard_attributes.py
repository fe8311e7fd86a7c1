"""The attributes that every workspace has: (name, label, type, writable through the API)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destinations.intercom.emulator.model import JsonObject, Model

_Row = tuple[str, str, str, bool]

_CONTACT: list[_Row] = [
    ("name", "Name", "string", True),
    ("email", "Email", "string", True),
    ("phone", "Phone", "string", True),
    ("external_id", "User ID", "string", True),
    ("role", "Type", "string", True),
    ("avatar", "Avatar", "string", True),
    ("owner_id", "Owner", "integer", True),
    ("signed_up_at", "Signed up", "date", True),
    ("last_seen_at", "Last seen", "date", True),
    ("unsubscribed_from_emails", "Unsubscribed from emails", "boolean", True),
    ("id", "ID", "string", False),
    ("workspace_id", "Workspace ID", "string", False),
    ("created_at", "First seen", "date", False),
    ("updated_at", "Last updated", "date", False),
    ("last_contacted_at", "Last contacted", "date", False),
    ("last_replied_at", "Last heard from", "date", False),
    ("last_email_opened_at", "Last opened email", "date", False),
    ("last_email_clicked_at", "Last clicked on link in email", "date", False),
    ("language_override", "Language override", "string", False),
    ("location.country", "Country", "string", False),
    ("location.region", "Region", "string", False),
    ("location.city", "City", "string", False),
    ("browser", "Browser", "string", False),
    ("browser_version", "Browser version", "string", False),
    ("browser_language", "Browser language", "string", False),
    ("os", "OS", "string", False),
    ("marked_email_as_spam", "Marked email as spam", "boolean", False),
    ("has_hard_bounced", "Has hard bounced", "boolean", False),
    *(
        (f"{system}_{name}", f"{label} {text}", kind, False)
        for system, label in (("android", "Android"), ("ios", "iOS"))
        for name, text, kind in (
            ("app_name", "app name", "string"),
            ("app_version", "app version", "string"),
            ("device", "device", "string"),
            ("os_version", "OS version", "string"),
            ("sdk_version", "SDK version", "string"),
            ("last_seen_at", "last seen", "date"),
        )
    ),
]
_COMPANY: list[_Row] = [
    ("name", "Company name", "string", True),
    ("company_id", "Company ID", "string", False),
    ("id", "ID", "string", False),
    ("plan", "Plan", "string", True),
    ("size", "Company size", "integer", True),
    ("website", "Company website", "string", True),
    ("industry", "Company industry", "string", True),
    ("monthly_spend", "Monthly spend", "float", True),
    ("remote_created_at", "Company created at", "date", True),
    ("last_request_at", "Company last seen", "date", False),
    ("created_at", "First seen", "date", False),
    ("updated_at", "Last updated", "date", False),
    ("user_count", "People", "integer", False),
    ("session_count", "Company web sessions", "integer", False),
]
_TABLES: dict[Model, list[_Row]] = {"contact": _CONTACT, "company": _COMPANY}
_NAMES = {model: frozenset(row[0] for row in rows) for model, rows in _TABLES.items()}


def is_standard(model: Model, name: str) -> bool:
    """Whether the service itself owns this name."""
    return name in _NAMES[model]


def standard_types(model: Model) -> dict[str, str]:
    """Name -> data type of every standard attribute."""
    return {name: data_type for name, _, data_type, _ in _TABLES[model]}


def standard_views(model: Model) -> list[JsonObject]:
    """The rows that a listing shows; they have no id."""
    return [
        {
            "type": "data_attribute",
            "name": name.rpartition(".")[2],
            "full_name": name,
            "label": label,
            "description": f"{label} of a {model}",
            "data_type": data_type,
            "api_writable": writable,
            "ui_writable": False,
            "messenger_writable": writable,
            "custom": False,
            "archived": False,
            "model": model,
        }
        for name, label, data_type, writable in _TABLES[model]
    ]
