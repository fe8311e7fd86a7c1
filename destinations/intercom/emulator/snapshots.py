"""The whole state as JSON: as it is, or in a form that two equal runs share."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator.event_metadata import metadata_types
from destinations.intercom.emulator.model import (
    Admin,
    Attribute,
    Company,
    Contact,
    Event,
    EventName,
    EventTally,
    JsonObject,
    Tag,
    Visitor,
)
from destinations.intercom.emulator.seeding import LONG_AGO

if TYPE_CHECKING:
    from destinations.intercom.emulator.workspace import Workspace

_SERVER_SIDE = frozenset(
    {
        "id",
        "seq",
        "created_at",
        "updated_at",
        "known_since",
        "gone_at",
        "merged_into",
        "failed_event_lookups",
        "contacts",
    }
)

_API_NAMES = {
    "avatar_url": "avatar",
    "unsubscribed": "unsubscribed_from_emails",
    "custom": "custom_attributes",
}
_SETS = frozenset({"companies", "contacts", "tags"})
"""Fields that are dicts for their order only."""
_NAMES: dict[type, list[tuple[str, str]]] = {
    kind: [
        (field.name, _API_NAMES.get(field.name, field.name)) for field in dataclasses.fields(kind)
    ]
    for kind in (Admin, Attribute, Company, Contact, Event, EventName, EventTally, Tag, Visitor)
}
"""Each field of a kind of record, with the name that the API has for it."""


def full_state(workspace: Workspace) -> JsonObject:
    """Every record with its ids and times, in the order of creation."""
    events = [event for events in workspace.events.values() for event in events]
    events.sort(key=lambda event: event.seq)
    return {
        "contacts": [_record(contact) for contact in workspace.contacts.values()],
        "companies": [_record(company) for company in workspace.companies.values()],
        "data_attributes": [_record(one) for one in workspace.attributes.values()],
        "events": [
            {**_record(event), "metadata_types": metadata_types(event.metadata)} for event in events
        ],
        "event_names": [_record(name) for name in workspace.event_names.values()],
        "event_summaries": {
            contact_id: {name: _record(tally) for name, tally in tallies.items()}
            for contact_id, tallies in workspace.event_tallies.items()
        },
        "tags": [_record(tag) for tag in workspace.tags.values()],
        "visitors": [_record(visitor) for visitor in workspace.visitors.values()],
        "admins": [_record(admin) for admin in workspace.admins.values()],
    }


def canonical_state(workspace: Workspace) -> JsonObject:
    """The state without ids, order and server-side times, so that ``==`` compares two runs.

    Contacts are keyed by external id, or address, or ``(nobody)``. Where several share a key, the
    first in a fixed order stands under it and the others are in ``duplicates``. A lead's generated
    external id is left out, and so is a contact that was merged away.
    """
    contacts: dict[str, list[JsonObject]] = {}
    for contact in workspace.contacts.values():
        if contact.standing != "merged":
            key = (contact.role == "user" and contact.external_id) or contact.email or "(nobody)"
            contacts.setdefault(key, []).append(_plain_contact(workspace, contact))
    for alike in contacts.values():
        if len(alike) > 1:
            alike.sort(key=_sort_key)
    companies = workspace.company_by_company_id
    return {
        "contacts": {key: contacts[key][0] for key in sorted(contacts)},
        "duplicates": {key: contacts[key][1:] for key in sorted(contacts) if contacts[key][1:]},
        "companies": {key: _plain_company(workspace, companies[key]) for key in sorted(companies)},
        "data_attributes": sorted(
            [one.model, one.name, one.data_type, "archived" if one.archived else "active"]
            for one in workspace.attributes.values()
        ),
        "event_names": sorted(
            key for key, one in workspace.event_names.items() if not one.archived
        ),
        "tags": sorted(tag.name for tag in workspace.tags.values()),
        "visitors": sorted(visitor.user_id for visitor in workspace.visitors.values()),
    }


def _plain_contact(workspace: Workspace, contact: Contact) -> JsonObject:
    plain = _without_server_side(_record(contact))
    if contact.role == "lead":
        del plain["external_id"]
    plain["companies"] = sorted(workspace.companies[key].company_id for key in contact.companies)
    plain["tags"] = sorted(workspace.tags[key].name for key in contact.tags)
    events = [
        [one.name, one.created_at, one.metadata] for one in workspace.events.get(contact.id, [])
    ]
    # No two events of a contact share second and name, so this order is complete.
    plain["events"] = sorted(events, key=lambda event: (event[1], event[0]))
    plain["event_summaries"] = {
        name: _record(tally)
        for name, tally in sorted(workspace.event_tallies.get(contact.id, {}).items())
    }
    return plain


def _plain_company(workspace: Workspace, company: Company) -> JsonObject:
    plain = _without_server_side(_record(company))
    plain["tags"] = sorted(workspace.tags[key].name for key in company.tags)
    plain["user_count"] = len(company.contacts)
    return plain


def _record(record: Any) -> JsonObject:
    plain: JsonObject = {}
    for name, api_name in _NAMES[type(record)]:
        value = getattr(record, name)
        if type(value) is dict:
            value = list(value) if name in _SETS else dict(value)
        elif value == LONG_AGO:
            value = None
        plain[api_name] = value
    return plain


def _without_server_side(record: JsonObject) -> JsonObject:
    return {name: value for name, value in record.items() if name not in _SERVER_SIDE}


def _sort_key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
