"""Which handler answers which method and path."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from destinations.intercom.emulator import (
    account,
    attributes,
    companies,
    company_lists,
    contacts,
    event_lists,
    events,
    memberships,
    merging,
    search,
    tags,
    visitors,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from destinations.intercom.emulator.call import Answer, Call

    Handler = Callable[[Call], Answer]

ROUTES: dict[str, Handler] = {
    "GET /me": account.read,
    "POST /contacts": contacts.create,
    "GET /contacts": search.listed,
    "POST /contacts/search": search.search,
    "POST /contacts/merge": merging.merge,
    "GET /contacts/find_by_external_id/{id}": contacts.find_by_external_id,
    "GET /contacts/{id}": contacts.read,
    "PUT /contacts/{id}": contacts.update,
    "DELETE /contacts/{id}": contacts.delete,
    "POST /contacts/{id}/archive": contacts.archive,
    "POST /contacts/{id}/unarchive": contacts.unarchive,
    "POST /contacts/{id}/block": contacts.block,
    "GET /contacts/{id}/companies": memberships.listed,
    "POST /contacts/{id}/companies": memberships.attach,
    "DELETE /contacts/{id}/companies/{id}": memberships.detach,
    "GET /contacts/{id}/tags": tags.of_contact,
    "POST /contacts/{id}/tags": tags.put_on_contact,
    "DELETE /contacts/{id}/tags/{id}": tags.take_off_contact,
    "POST /companies": companies.upsert,
    "GET /companies": company_lists.find,
    "POST /companies/list": company_lists.listed,
    "GET /companies/scroll": company_lists.scroll,
    "GET /companies/{id}": companies.read,
    "PUT /companies/{id}": companies.update,
    "DELETE /companies/{id}": companies.delete,
    "GET /companies/{id}/contacts": company_lists.contacts_of,
    "GET /data_attributes": attributes.listed,
    "POST /data_attributes": attributes.create,
    "PUT /data_attributes/{id}": attributes.update,
    "POST /events": events.submit,
    "GET /events": event_lists.listed,
    "POST /events/summaries": events.submit_summary,
    "GET /tags": tags.listed,
    "POST /tags": tags.save,
    "GET /tags/{id}": tags.read,
    "DELETE /tags/{id}": tags.delete,
    "GET /visitors": visitors.read,
    "PUT /visitors": visitors.update,
    "POST /visitors/convert": visitors.convert,
}


_ID = "{id}"


class Match(NamedTuple):
    """A handler with the ids from the path, and the path with ``{id}`` in their place."""

    handler: Handler | None
    params: list[str]
    route: str


class _Node:
    __slots__ = ("children", "handlers", "route", "wildcard")

    def __init__(self, route: str) -> None:
        self.route = route
        self.children: dict[str, _Node] = {}
        self.wildcard: _Node | None = None
        self.handlers: dict[str, Handler] = {}


def _tree() -> _Node:
    root = _Node("")
    for key, handler in ROUTES.items():
        method, _, path = key.partition(" ")
        node = root
        for segment in path.split("/")[1:]:
            if segment == _ID:
                node.wildcard = node.wildcard or _Node(f"{node.route}/{segment}")
                node = node.wildcard
            else:
                node = node.children.setdefault(segment, _Node(f"{node.route}/{segment}"))
        node.handlers[method] = handler
    return root


_ROOT = _tree()
_LITERAL = {
    (method, path): Match(handler, [], path)
    for (method, _, path), handler in ((key.partition(" "), ROUTES[key]) for key in ROUTES)
    if _ID not in path
}
"""Most requests go to paths without an id; they are found in one step."""


def match(method: str, path: str) -> Match:
    """The handler of a path, or a match without one. A literal segment goes before an id."""
    literal = _LITERAL.get((method, path))
    if literal is not None:
        return literal
    node = _ROOT
    params: list[str] = []
    for segment in path.split("/")[1:]:
        child = node.children.get(segment)
        if child is None:
            child = node.wildcard
            if child is None or not segment:
                return Match(None, [], _without_ids(path))
            params.append(unquote(segment) if "%" in segment else segment)
        node = child
    return Match(node.handlers.get(method), params, node.route or "/")


def _without_ids(path: str) -> str:
    """An unknown path as the summary shows it: what looks like an id is ``{id}``."""
    segments = path.split("/")
    return "/".join("{id}" if _looks_like_id(one) else one for one in segments)


def _looks_like_id(segment: str) -> bool:
    return any(letter.isdigit() for letter in segment)
