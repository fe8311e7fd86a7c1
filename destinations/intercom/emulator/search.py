"""Searching and listing contacts; a new contact is found only after a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator.contact_view import contact_view
from destinations.intercom.emulator.errors import invalid
from destinations.intercom.emulator.paging import by_cursor, positive
from destinations.intercom.emulator.search_query import compiled, exact_match

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from destinations.intercom.emulator.call import Answer, Call
    from destinations.intercom.emulator.model import Contact

PER_PAGE = 50


def search(call: Call) -> Answer:
    """POST /contacts/search: visible contacts created ``search_lag_s`` ago or earlier."""
    query = call.body.get("query")
    test = compiled(call, query)
    pagination = call.body.get("pagination") or {}
    if not isinstance(pagination, dict):
        raise invalid(text="pagination must be an object")
    candidates: Iterable[Contact] = call.workspace.contacts.values()
    exact = exact_match(query)
    if exact is not None:
        field, value = exact
        index = call.workspace.with_email if field == "email" else call.workspace.with_external_id
        candidates = index(value)
    newest = call.now - call.settings.search_lag_s
    found = [
        contact
        for contact in candidates
        if contact.standing == "active" and contact.known_since <= newest and test(contact)
    ]
    found.sort(key=lambda contact: contact.seq)
    return _listed(call, found, pagination.get("per_page"), pagination.get("starting_after"))


def listed(call: Call) -> Answer:
    """GET /contacts: every visible contact, oldest first."""
    newest = call.now - call.settings.list_lag_s
    contacts = [one for one in call.workspace.active_contacts() if one.known_since <= newest]
    query = call.query
    return _listed(call, contacts, query.get("per_page"), query.get("starting_after"))


def _listed(call: Call, contacts: list[Contact], per_page: Any, cursor: Any) -> Answer:
    limit = call.settings.max_per_page
    size = positive(per_page, "per_page", default=PER_PAGE, at_most=limit)
    shown, pages = by_cursor(contacts, per_page=size, cursor=cursor)
    return 200, {
        "type": "list",
        "data": [contact_view(call, contact) for contact in shown],
        "total_count": len(contacts),
        "pages": pages,
    }
