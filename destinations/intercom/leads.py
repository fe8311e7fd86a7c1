"""Leads: people who have nothing but an anonymousId.

Nothing that we may choose identifies a lead, so a creation whose answer was lost cannot simply be
repeated: the API would make a second one where a user meets a 409. Each lead therefore carries its
anonymousId as a custom attribute. When an answer is lost, we wait until a search would find what
was made, look for it, and only create again when nothing is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from destinations.base import Exchange, Memory, Steps, ask
from destinations.intercom import answers
from destinations.intercom.known import Known
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Response

if TYPE_CHECKING:
    from destinations.intercom.options import IntercomOptions
    from pipeline.model.operation import Person

MARKER = "anonymous_id"
"""The custom attribute by which a lead is found again."""
LEFT = "lead_left_behind"
MAYBE_DOUBLED = "lead_maybe_doubled"
NOTHING = "nothing_to_merge"

_LONGEST = 255


def marked(
    person: Person, fields: Mapping[str, Any], options: IntercomOptions
) -> Mapping[str, Any]:
    """The fields of a contact; of a lead with the marker, where attributes may be created."""
    if fields.get("role") != "lead" or person.anonymous_id is None:
        return fields
    if options.attributes != "create":
        return fields
    custom = fields.get("custom_attributes") or {}
    marker = {MARKER: person.anonymous_id[:_LONGEST]}
    return {**fields, "custom_attributes": {**custom, **marker}}


def lost(custom: Mapping[str, Any]) -> dict[str, Any] | None:
    """What to search for when the answer to a creation was lost; None without a marker."""
    value = custom.get(MARKER)
    if value is None:
        return None
    return {"field": f"custom_attributes.{MARKER}", "operator": "=", "value": value}


def merge(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """Make the lead that is remembered for the anonymousId part of the user (rule O2)."""
    del options
    person, known = operation.person, Known(memory)
    lead = known.lead(person)
    if lead is None:
        return Outcome("merged", "unchanged", warnings=(NOTHING,))
    user = known.addressee(person)
    if user is None and person.user_id is not None:
        fields = {"role": "user", "external_id": person.user_id}
        response = yield from ask(Call("PUT", f"/contacts/{lead}", fields))
        owner = answers.conflict(response)
        if owner is None:
            return _promoted(response, person, lead, known)
        user = owner.contact_id
        known.learn(person, user)
    response = yield from take_over(lead, user or lead)
    return _done(response, person, lead, known)


def take_over(lead: str, user: str) -> Exchange[Response]:
    """Merge the lead into the user; both by Intercom's ids."""
    return (yield from ask(Call("POST", "/contacts/merge", {"from": lead, "into": user})))


def _promoted(response: Response, person: Person, lead: str, known: Known) -> Outcome:
    if answers.ok(response):
        known.learn(person, lead)
        return DELIVERED
    return _done(response, person, lead, known)


def _done(response: Response, person: Person, lead: str, known: Known) -> Outcome:
    if answers.ok(response) or response.status == 404:
        known.forget_lead(person, lead)
        return DELIVERED if answers.ok(response) else Outcome("delivered", warnings=(NOTHING,))
    return answers.refused(response)
