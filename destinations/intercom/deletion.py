"""Deleting people, or archiving them: every contact that is theirs, and nobody else's (O3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from destinations.base import Memory, Steps, ask
from destinations.intercom import answers
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
    doomed = dict.fromkeys(filter(None, [known.addressee(person)]))
    warnings: list[str] = []
    for query in _queries(person):
        found = yield from search(query)
        if found.refusal is not None:
            return found.refusal
        for contact in found.contacts:
            if is_someone_else(contact, person):
                warnings.append(DUPLICATE_EMAIL)
            else:
                doomed[str(contact["id"])] = None
    refusal: Outcome | None = None
    for contact_id in doomed:
        response = yield from ask(_removal(contact_id, options))
        if answers.ok(response) or response.status == 404:
            known.forget(person, contact_id)
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


def _removal(contact_id: str, options: IntercomOptions) -> Call:
    if options.delete == "archive":
        return Call("POST", f"/contacts/{contact_id}/archive")
    return Call("DELETE", f"/contacts/{contact_id}")
