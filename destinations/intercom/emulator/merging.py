"""Merging a lead into a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.contact_lookup import active_by_id
from destinations.intercom.emulator.contact_view import contact_text
from destinations.intercom.emulator.errors import ApiError, missing
from destinations.intercom.emulator.events import store_event

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call
    from destinations.intercom.emulator.model import Contact
    from destinations.intercom.emulator.workspace import Workspace

_FILLED = ("phone", "name", "avatar_url", "owner_id", "signed_up_at", "last_seen_at")


def merge(call: Call) -> Answer:
    """POST /contacts/merge: fills blanks of ``into`` from the lead, which is then gone."""
    from_id = fields.identifier(call.body, "from")
    into_id = fields.identifier(call.body, "into")
    if from_id is None or into_id is None:
        raise missing(text="from and into must be specified")
    lead = active_by_id(call, from_id)
    user = active_by_id(call, into_id)
    if lead.role != "lead" or user.role != "user":
        message = "Merging can only be performed on a lead into a user"
        raise ApiError(400, "invalid_merge", message)
    if call.settings.external_lead_merge == "reject":
        message = "User merge for external leads is disabled by default"
        raise ApiError(422, "unprocessable_entity", message)
    absorb(call.workspace, lead, user, now=int(call.now))
    call.about(user)
    return 200, contact_text(call, user)


def absorb(workspace: Workspace, lead: Contact, user: Contact, *, now: int) -> None:
    """Give the user what it lacks, and the lead's companies, tags and events; hide the lead."""
    workspace.hide(lead, "merged", at=now)
    lead.merged_into = user.id
    for name in _FILLED:
        if getattr(user, name) is None:
            setattr(user, name, getattr(lead, name))
    if not user.email and lead.email:
        workspace.change_email(user, lead.email)
    for name, value in lead.custom.items():
        if user.custom.get(name) is None:
            user.custom[name] = value
    for company_id, since in lead.companies.items():
        workspace.attach(user, workspace.companies[company_id], at=since)
    for tag_id, since in lead.tags.items():
        user.tags.setdefault(tag_id, since)
    for event in workspace.events.pop(lead.id, []):
        workspace.event_keys.discard((lead.id, event.name.lower(), event.created_at))
        store_event(workspace, user, event.name, event.created_at, event.metadata)
    user.updated_at = now
