"""Deleting people, or archiving them: every contact that is theirs, and nobody else's (O3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from destinations.base import Memory, Steps, ask
from destinations.intercom import answers, leads
from destinations.intercom.contacts import DUPLICATE_EMAIL, equals, is_someone_else, search
from destinations.intercom.known import Known
from pipeline.model.operation import Call, Operation, Outcome, Person

if TYPE_CHECKING:
    from destinations.intercom.options import IntercomOptions


def delete(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """Delete or archive every contact of the person; nobody is a success without a call (O3).

    The search is always made: what is remembered need not be all there is.
    """
    person, known = operation.person, Known(memory)
    remembered = known.addressee(person)
    doomed: dict[str, dict[str, Any]] = {} if remembered is None else {remembered: {}}
    warnings: list[str] = []
    for query in _queries(person):
        found = yield from search(query)
        if found.refusal is not None:
            return found.refusal
        for contact in found.contacts:
            if is_someone_else(contact, person):
                warnings.append(DUPLICATE_EMAIL)
            else:
                doomed[str(contact["id"])] = contact
    refusal: Outcome | None = None
    for contact_id, contact in doomed.items():
        response = yield from ask(_removal(contact_id, options))
        if answers.ok(response) or response.status == 404:
            known.forget(person, contact_id)
            stub = response.body if isinstance(response.body, dict) else {}
            known.forget(_named({**stub, **contact}), contact_id)
        else:
            refusal = refusal or answers.refused(response)
    if refusal is not None:
        return refusal
    if not doomed:
        warnings.append("nothing_to_delete")
    return Outcome("delivered", warnings=tuple(dict.fromkeys(warnings)))


def _queries(person: Person) -> list[dict[str, Any]]:
    queries = []
    if person.user_id is not None:
        queries.append(equals("external_id", person.user_id))
    if person.email is not None:
        queries.append(equals("email", person.email))
    if len(queries) < 2:
        return queries
    return [{"operator": "OR", "value": queries}]


def _named(contact: Mapping[str, Any]) -> Person:
    """Whom the API's answer says that the contact is: it may be known by other names as well."""
    custom = contact.get("custom_attributes")
    anonymous_id = custom.get(leads.MARKER) if isinstance(custom, dict) else None
    names = (contact.get("external_id"), contact.get("email"), anonymous_id)
    user_id, email, anonymous_id = (name if isinstance(name, str) else None for name in names)
    return Person(user_id, email, anonymous_id)


def _removal(contact_id: str, options: IntercomOptions) -> Call:
    if options.delete == "archive":
        return Call("POST", f"/contacts/{contact_id}/archive")
    return Call("DELETE", f"/contacts/{contact_id}")
