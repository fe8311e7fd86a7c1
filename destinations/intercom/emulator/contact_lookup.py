"""Finding contacts the ways the API does: by Intercom id, by external id, by e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator.errors import ApiError, not_found

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Call
    from destinations.intercom.emulator.model import Contact

MERGED_IS_GONE_SINCE = (2, 16)
_DAY_S = 86_400


def user_not_found(call: Call) -> ApiError:
    """404 for a contact that does not exist, or that is hidden."""
    return not_found(text=call.settings.contact_not_found_text)


def active_by_id(call: Call, contact_id: str) -> Contact:
    """The visible contact with this Intercom id, or the refusal; an external id is no id."""
    contact = call.workspace.contacts.get(contact_id)
    if contact is None:
        raise user_not_found(call)
    call.about(contact)
    if contact.standing == "active":
        return contact
    if contact.standing == "merged" and call.version >= MERGED_IS_GONE_SINCE:
        raise ApiError(410, "contact_merged", f"Contact was merged into {contact.merged_into}")
    raise user_not_found(call)


def active_user(call: Call, *, external_id: str | None, email: str | None) -> Contact | None:
    """The oldest visible user with this external id, else with this address; never a lead."""
    workspace = call.workspace
    if external_id is not None:
        found = workspace.with_external_id(external_id)
    elif email is not None:
        found = workspace.with_email(email)
    else:
        return None
    for contact in found:
        if contact.role == "user" and contact.standing == "active":
            return contact
    return None


def blockers(call: Call, contacts: list[Contact]) -> Contact | None:
    """The user that makes a creation a conflict: a live one first, else an archived or deleted.

    A deleted user blocks its identity for ``deleted_lock_days`` only.
    """
    hidden: Contact | None = None
    for contact in contacts:
        if contact.role != "user" or contact.standing == "merged":
            continue
        if contact.standing == "active":
            return contact
        if contact.standing == "deleted":
            age_s = call.now - (contact.gone_at or 0)
            if age_s >= call.settings.deleted_lock_days * _DAY_S:
                continue
        hidden = hidden or contact
    return hidden


def conflict(contact: Contact) -> ApiError:
    """409 that names the contact in the way; the text is the only place where its id stands."""
    kind = "A" if contact.standing == "active" else "An archived"
    message = f"{kind} contact matching those details already exists with id={contact.id}"
    return ApiError(409, "conflict", message)
