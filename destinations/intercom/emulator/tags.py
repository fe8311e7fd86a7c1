"""Tags: making them, and putting them on contacts and companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.contact_lookup import active_by_id
from destinations.intercom.emulator.errors import company_not_found, invalid, missing, not_found
from destinations.intercom.emulator.model import Company, Contact, JsonObject, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from destinations.intercom.emulator.call import Answer, Call
    from destinations.intercom.emulator.workspace import Workspace

_BAD_TAG = "invalid tag parameters"


def listed(call: Call) -> Answer:
    """GET /tags."""
    return 200, {"type": "list", "data": [_view(tag) for tag in call.workspace.tags.values()]}


def read(call: Call) -> Answer:
    """GET /tags/{id}."""
    return 200, _view(_by_id(call, call.params[0]))


def delete(call: Call) -> Answer:
    """DELETE /tags/{id}: also takes it off everything; 200 and no body."""
    tag = _by_id(call, call.params[0])
    workspace = call.workspace
    for contact in workspace.contacts.values():
        contact.tags.pop(tag.id, None)
    for company in workspace.companies.values():
        company.tags.pop(tag.id, None)
    del workspace.tags[tag.id]
    return 200, None


def save(call: Call) -> Answer:
    """POST /tags: finds or makes a tag by name, renames one, or tags companies and users."""
    body = call.body
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise invalid(text=_BAD_TAG)
    key = fields.identifier(body, "id")
    if key is not None:
        tag = _by_id(call, key)
        tag.name = name
        return 200, _view(tag)
    changes = [
        *((_company(call, item), item) for item in _items(body, "companies")),
        *((_user(call, item), item) for item in _items(body, "users")),
    ]
    tag = find_or_make(call.workspace, name)
    for target, item in changes:
        if item.get("untag") is True:
            target.tags.pop(tag.id, None)
        else:
            target.tags.setdefault(tag.id, int(call.now))
    return 200, _view(tag)


def find_or_make(workspace: Workspace, name: str) -> Tag:
    """The tag of this name in any case, or a new one."""
    for tag in workspace.tags.values():
        if tag.name.lower() == name.lower():
            return tag
    tag = Tag(id=str(workspace.ids.number("tag")), name=name)
    workspace.tags[tag.id] = tag
    return tag


def of_contact(call: Call) -> Answer:
    """GET /contacts/{id}/tags."""
    contact = active_by_id(call, call.params[0])
    tags = call.workspace.tags
    rows = [_applied(tags[key], since) for key, since in contact.tags.items()]
    return 200, {"type": "list", "data": rows}


def put_on_contact(call: Call) -> Answer:
    """POST /contacts/{id}/tags with the tag's id."""
    contact = active_by_id(call, call.params[0])
    key = fields.identifier(call.body, "id")
    if key is None:
        raise missing(text="tag not specified")
    tag = _by_id(call, key)
    since = contact.tags.setdefault(tag.id, int(call.now))
    return 200, _applied(tag, since)


def take_off_contact(call: Call) -> Answer:
    """DELETE /contacts/{id}/tags/{id}."""
    contact = active_by_id(call, call.params[0])
    tag = _by_id(call, call.params[1])
    since = contact.tags.pop(tag.id, None)
    if since is None:
        raise not_found(text="Resource Not Found")
    return 200, _applied(tag, since)


def _by_id(call: Call, key: str) -> Tag:
    tag = call.workspace.tags.get(key)
    if tag is None:
        raise not_found(text="Resource Not Found")
    return tag


def _items(body: JsonObject, name: str) -> list[JsonObject]:
    items = body.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid(text=_BAD_TAG)
    return items


def _company(call: Call, item: Mapping[str, Any]) -> Company | Contact:
    workspace = call.workspace
    found = workspace.companies.get(str(item.get("id")))
    found = found or workspace.company_by_company_id.get(str(item.get("company_id")))
    if found is None:
        raise company_not_found()
    return found


def _user(call: Call, item: Mapping[str, Any]) -> Company | Contact:
    return active_by_id(call, str(item.get("id")))


def _view(tag: Tag) -> JsonObject:
    return {"type": "tag", "id": tag.id, "name": tag.name}


def _applied(tag: Tag, since: int) -> JsonObject:
    return _view(tag) | {"applied_at": since, "applied_by": {"type": "admin", "id": "1"}}
