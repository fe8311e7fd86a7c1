"""Submitting events: finding the person, the name budget, and dropping repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.contact_lookup import active_user, user_not_found
from destinations.intercom.emulator.errors import ApiError, invalid, missing
from destinations.intercom.emulator.event_metadata import kept_metadata
from destinations.intercom.emulator.model import Event, EventName, EventTally

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call
    from destinations.intercom.emulator.model import Contact, JsonObject
    from destinations.intercom.emulator.workspace import Workspace

_NAME_LETTERS = str.maketrans({".": "-", "$": "-"})


def submit(call: Call) -> Answer:
    """POST /events: 202 and no body, also for a repeat, which is stored once."""
    body = call.body
    name = body.get("event_name")
    created_at = body.get("created_at")
    if name is None and created_at is None:
        raise missing(text="missing data parameter")
    if name is None or name == "":
        raise missing(text="event_name not specified")
    if created_at is None:
        raise missing(text="created_at not specified")
    if not isinstance(name, str):
        raise invalid(text="event_name must be a string")
    if not isinstance(created_at, int) or isinstance(created_at, bool):
        raise invalid(text="created_at must be a UNIX timestamp in seconds")
    contact = _contact_of(call)
    metadata = kept_metadata(body.get("metadata"), call.settings)
    name = name.translate(_NAME_LETTERS)
    admit_name(call, name)
    store_event(call.workspace, contact, name, created_at, metadata)
    return 202, None


def store_event(
    workspace: Workspace, contact: Contact, name: str, created_at: int, metadata: JsonObject
) -> Event | None:
    """Store an event, or None where the contact has one of this name (any case) and second."""
    key = (contact.id, name.lower(), created_at)
    if key in workspace.event_keys:
        return None
    workspace.event_keys.add(key)
    event = Event(
        id=workspace.ids.object_id("event"),
        seq=workspace.ids.number("event seq"),
        contact_id=contact.id,
        name=name,
        created_at=created_at,
        metadata=metadata,
    )
    workspace.events.setdefault(contact.id, []).append(event)
    return event


def admit_name(call: Call, name: str) -> None:
    """Take a slot for a name that is new, or archived; names compare without case."""
    workspace = call.workspace
    known = workspace.event_names.get(name.lower())
    if known is not None and not known.archived:
        return
    limit = call.settings.event_name_limit
    if workspace.active_event_names >= limit:
        message = f"Cannot have more than {limit} active event names"
        raise ApiError(422, call.settings.event_name_limit_code, message)
    workspace.event_names[name.lower()] = EventName(name=name)
    workspace.active_event_names += 1


def _contact_of(call: Call) -> Contact:
    body, workspace = call.body, call.workspace
    key = fields.identifier(body, "id")
    user_id = fields.identifier(body, "user_id")
    email = fields.identifier(body, "email")
    call.external_id = user_id
    if key is None and user_id is None and email is None:
        raise missing(text="id, user_id or email must be specified")
    found = (
        workspace.contacts.get(key)
        if key is not None
        else active_user(call, external_id=user_id, email=email)
    )
    if found is None or found.standing != "active":
        raise user_not_found(call)
    call.about(found)
    if key is None or call.settings.event_lookup_lag_by_id:
        _wait_for_lookup(call, found)
    return found


def _wait_for_lookup(call: Call, contact: Contact) -> None:
    settings = call.settings
    if call.now - contact.known_since < settings.event_lookup_lag_s:
        raise user_not_found(call)
    if contact.failed_event_lookups < settings.event_lookup_lag_times:
        contact.failed_event_lookups += 1
        raise user_not_found(call)


def submit_summary(call: Call) -> Answer:
    """POST /events/summaries: adds to the counts of one event of one user; 200 and no body."""
    user_id = fields.identifier(call.body, "user_id")
    summary = call.body.get("event_summaries")
    if user_id is None:
        raise missing(text="user_id not specified")
    if not isinstance(summary, dict):
        raise missing(text="event_summaries not specified")
    call.external_id = user_id
    contact = active_user(call, external_id=user_id, email=None)
    if contact is None:
        raise user_not_found(call)
    call.about(contact)
    name = fields.text(summary, "event_name")
    count = fields.whole(summary, "count")
    first = fields.timestamp(summary, "first", call.settings)
    last = fields.timestamp(summary, "last", call.settings)
    if not name or count is None or first is None or last is None:
        raise missing(text="event_name, count, first and last must be specified")
    name = name.translate(_NAME_LETTERS)
    admit_name(call, name)
    tallies = call.workspace.event_tallies.setdefault(contact.id, {})
    tally = tallies.setdefault(name, EventTally(count=0, first=first, last=last))
    tally.count += count
    tally.first = min(tally.first, first)
    tally.last = max(tally.last, last)
    return 200, None
