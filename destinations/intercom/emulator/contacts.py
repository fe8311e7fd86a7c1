"""Creating, reading, changing, archiving and deleting contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.contact_fields import apply_changes, checked_changes
from destinations.intercom.emulator.contact_lookup import (
    active_by_id,
    active_user,
    blockers,
    conflict,
    user_not_found,
)
from destinations.intercom.emulator.contact_view import contact_text
from destinations.intercom.emulator.errors import ApiError, bad_request, missing, no_such_route
from destinations.intercom.emulator.model import Contact, JsonObject

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call

FIND_BY_EXTERNAL_ID_SINCE = (2, 13)
BLOCK_SINCE = (2, 13)


def create(call: Call) -> Answer:
    """POST /contacts: a new user or lead, or 409 with the id of the user in the way."""
    body = call.body
    external_id = fields.identifier(body, "external_id")
    call.external_id = external_id
    email = fields.email(body.get("email"), call.settings)
    if not (external_id or email or body.get("role")):
        raise missing(text="email, external_id or role must be specified")
    changes = checked_changes(call)
    workspace = call.workspace
    role = "lead" if body.get("role") == "lead" else "user"
    if role == "lead":
        external_id = workspace.ids.uuid("lead")
    else:
        blocker = _blocker(call, external_id, email)
        if blocker is not None:
            call.about(blocker)
            raise conflict(blocker)
    now = int(call.now)
    contact = Contact(
        id=workspace.ids.object_id("contact"),
        seq=workspace.ids.number("contact seq"),
        role=role,
        external_id=external_id,
        email=email,
        created_at=now,
        updated_at=now,
        known_since=call.now,
    )
    apply_changes(contact, changes, now=call.now)
    workspace.add_contact(contact)
    call.about(contact)
    return 200, contact_text(call, contact)


def _blocker(call: Call, external_id: str | None, email: str) -> Contact | None:
    workspace, settings = call.workspace, call.settings
    if external_id:
        blocker = blockers(call, workspace.with_external_id(external_id))
        if blocker is not None or not email:
            return blocker
        rivals = workspace.with_email(email)
        if settings.same_email_new_external_id == "create":
            rivals = [rival for rival in rivals if rival.external_id is None]
        if settings.email_only_user_new_external_id == "create":
            rivals = [rival for rival in rivals if rival.external_id is not None]
        return blockers(call, rivals)
    if email and settings.same_email_no_external_id == "conflict":
        return blockers(call, workspace.with_email(email))
    return None


def read(call: Call) -> Answer:
    """GET /contacts/{id}."""
    return 200, contact_text(call, active_by_id(call, call.params[0]))


def find_by_external_id(call: Call) -> Answer:
    """GET /contacts/find_by_external_id/{external_id}: users only, from version 2.13 on."""
    if call.version < FIND_BY_EXTERNAL_ID_SINCE:
        raise no_such_route()
    call.external_id = call.params[0]
    contact = active_user(call, external_id=call.params[0], email=None)
    if contact is None:
        raise user_not_found(call)
    call.about(contact)
    return 200, contact_text(call, contact)


def update(call: Call) -> Answer:
    """PUT /contacts/{id}: changes the fields that were sent and no others."""
    contact = active_by_id(call, call.params[0])
    body = call.body
    changes = checked_changes(call)
    role = body.get("role")
    if role == "lead" and contact.role == "user":
        message = "Contact with user role can't be converted to a lead"
        raise ApiError(400, "client_error", message)
    new_role = "user" if role == "user" else contact.role
    external_id = fields.identifier(body, "external_id")
    if external_id == contact.external_id or new_role == "lead":
        external_id = None
    if external_id is not None and call.settings.external_id_clash_on_put == "conflict":
        rival = active_user(call, external_id=external_id, email=None)
        if rival is not None and rival is not contact:
            raise conflict(rival)
    email = fields.email(body["email"], call.settings) if "email" in body else None
    contact.role = new_role
    if external_id is not None:
        call.workspace.change_external_id(contact, external_id)
    if email is not None and email != contact.email:
        call.workspace.change_email(contact, email)
    apply_changes(contact, changes, now=call.now)
    call.about(contact)
    return 200, contact_text(call, contact)


def delete(call: Call) -> Answer:
    """DELETE /contacts/{id}: gone at once, its identity blocked for some days."""
    contact = active_by_id(call, call.params[0])
    call.workspace.hide(contact, "deleted", at=int(call.now))
    return 200, _stub(contact) | {"deleted": True}


def archive(call: Call) -> Answer:
    """POST /contacts/{id}/archive: hidden until it is unarchived."""
    contact = _any_by_id(call)
    if contact.standing == "active":
        call.workspace.hide(contact, "archived", at=int(call.now))
    return 200, _stub(contact) | {"archived": True}


def unarchive(call: Call) -> Answer:
    """POST /contacts/{id}/unarchive: visible again, unless it was deleted."""
    contact = _any_by_id(call)
    if contact.standing == "deleted":
        if call.settings.unarchive_deleted == "server_error":
            raise ApiError(500, "server_error", "Server error")
        message = "User has been marked for permanent deletion and is not restorable."
        raise bad_request(text=message)
    call.workspace.show(contact)
    return 200, _stub(contact) | {"archived": False}


def block(call: Call) -> Answer:
    """POST /contacts/{id}/block, from version 2.13 on."""
    if call.version < BLOCK_SINCE:
        raise no_such_route()
    contact = active_by_id(call, call.params[0])
    contact.blocked = True
    return 200, _stub(contact) | {"blocked": True}


def _any_by_id(call: Call) -> Contact:
    contact = call.workspace.contacts.get(call.params[0])
    if contact is None or contact.standing == "merged":
        raise user_not_found(call)
    call.about(contact)
    return contact


def _stub(contact: Contact) -> JsonObject:
    return {"id": contact.id, "external_id": contact.external_id, "type": "contact"}
