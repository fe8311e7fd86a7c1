"""Reading a contact's events, one by one or as a summary."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from destinations.intercom.emulator.contact_lookup import active_user, user_not_found
from destinations.intercom.emulator.errors import invalid, missing
from destinations.intercom.emulator.paging import positive

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call
    from destinations.intercom.emulator.model import Contact, Event, JsonObject

PER_PAGE = 15
LISTED_DAYS = 90
_DAY_S = 86_400


def listed(call: Call) -> Answer:
    """GET /events?type=user&...: newest first, 90 days back; or counts with ``summary=true``."""
    if call.query.get("type") != "user":
        raise invalid(text="type must be user")
    contact = _contact_of(call)
    who = {
        "email": contact.email,
        "intercom_user_id": contact.id,
        "user_id": contact.external_id or "",
    }
    if call.query.get("summary") == "true":
        return 200, {"type": "event.summary", **who, "events": _summary(call, contact)}
    events, pages = _page(call, contact)
    shown = [_view(event, contact) for event in events]
    return 200, {"type": "event.list", **who, "events": shown, "pages": pages}


def _contact_of(call: Call) -> Contact:
    query = call.query
    if "intercom_user_id" in query:
        contact = call.workspace.contacts.get(query["intercom_user_id"])
    elif "user_id" in query or "email" in query:
        contact = active_user(call, external_id=query.get("user_id"), email=query.get("email"))
    else:
        raise missing(text="user_id, email or intercom_user_id must be specified")
    if contact is None or contact.standing != "active":
        raise user_not_found(call)
    call.about(contact)
    return contact


def _page(call: Call, contact: Contact) -> tuple[list[Event], JsonObject]:
    per_page = positive(
        call.query.get("per_page"), "per_page", default=PER_PAGE, at_most=call.settings.max_per_page
    )
    start = positive(call.query.get("before"), "before", default=1) - 1
    oldest = call.now - LISTED_DAYS * _DAY_S
    events = [one for one in call.workspace.events.get(contact.id, []) if one.created_at >= oldest]
    events.sort(key=lambda event: (-event.created_at, -event.seq))
    pages: JsonObject = {}
    if start + per_page < len(events):
        query = {**call.query, "per_page": per_page, "before": start + per_page + 1}
        pages["next"] = f"http://{call.host}/events?{urlencode(query)}"
    return events[start : start + per_page], pages


def _view(event: Event, contact: Contact) -> JsonObject:
    return {
        "type": "event",
        "id": event.id,
        "event_name": event.name,
        "created_at": event.created_at,
        "user_id": contact.external_id or "",
        "intercom_user_id": contact.id,
        "email": contact.email,
        "metadata": event.metadata,
    }


def _summary(call: Call, contact: Contact) -> list[JsonObject]:
    spans: dict[str, tuple[str, int, int, int]] = {}
    for event in call.workspace.events.get(contact.id, []):
        _count(spans, event.name, count=1, first=event.created_at, last=event.created_at)
    for name, tally in call.workspace.event_tallies.get(contact.id, {}).items():
        _count(spans, name, count=tally.count, first=tally.first, last=tally.last)
    return [
        {"name": name, "first": _iso(first), "last": _iso(last), "count": count}
        for name, count, first, last in spans.values()
    ]


def _count(
    spans: dict[str, tuple[str, int, int, int]], name: str, *, count: int, first: int, last: int
) -> None:
    known = spans.get(name.lower())
    if known is not None:
        name, count = known[0], known[1] + count
        first, last = min(known[2], first), max(known[3], last)
    spans[name.lower()] = (name, count, first, last)


def _iso(seconds: int) -> str:
    try:
        moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return str(seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
