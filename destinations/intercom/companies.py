"""Companies and who is a member of them. Attaching needs Intercom's ids of both, not yours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from destinations.base import Exchange, Memory, Steps, ask, pause
from destinations.intercom import answers, contacts
from destinations.intercom.attributes import Draft
from destinations.intercom.known import Known
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Person, Response

if TYPE_CHECKING:
    from destinations.intercom.options import IntercomOptions

_CONSTRAINT = "unique_company_constraint"


@dataclass(frozen=True, slots=True)
class Resolved:
    """An Intercom id, or the outcome that its absence leads to.

    Attributes:
        id: Intercom's id, None where there is none.
        outcome: What the operation ends with where there is no id.
        remembered: The id comes from memory and may be stale.
    """

    id: str | None = None
    outcome: Outcome = DELIVERED
    remembered: bool = False


def upsert(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """Create the company, or update the one that has this company_id."""
    saved = yield from _save(dict(operation.fields), memory, options)
    return saved.outcome


def _save(
    fields: dict[str, Any], memory: Memory, options: IntercomOptions, *, stale: str | None = None
) -> Exchange[Resolved]:
    fields["company_id"] = company_id = str(fields["company_id"])
    known = Known(memory)
    before = stale if stale is not None else known.company(company_id)
    draft = Draft("company", fields, memory, options.attributes)
    response = yield from draft.send("POST", "/companies")
    if response.status == 409 or answers.code(response) == _CONSTRAINT:
        # Somebody else has just created it, so the second time it is an update.
        response = yield from draft.send("POST", "/companies")
    warnings = tuple(dict.fromkeys(draft.warnings))
    if not answers.ok(response):
        return Resolved(outcome=draft.refused(response, warnings))
    intercom_id = answers.object_id(response)
    dropped = tuple(dict.fromkeys(draft.dropped))
    if intercom_id is None:
        warnings = (*warnings, "no_id_in_answer")
        return Resolved(outcome=Outcome("delivered", warnings=warnings, dropped=dropped))
    recreated = () if before in (None, intercom_id) else ("company",)
    if known.company(company_id) != intercom_id:
        known.mark_created(intercom_id)
    known.learn_company(company_id, intercom_id)
    outcome = Outcome("delivered", warnings=warnings, dropped=dropped, recreated=recreated)
    return Resolved(intercom_id, outcome)


def attach(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """Make the person a member of the company; one who is known to be costs no call."""
    recreated: list[str] = []
    outcome = yield from _attach(operation, memory, options, recreated)
    return replace(outcome, recreated=tuple(recreated)) if recreated else outcome


def _attach(
    operation: Operation, memory: Memory, options: IntercomOptions, recreated: list[str]
) -> Steps:
    """As ``attach``; adds to ``recreated`` what turned out to be gone."""
    person, company_id = operation.person, str(operation.fields["company_id"])
    known = Known(memory)
    company = yield from _company_to_attach(company_id, memory, options)
    if company.id is None:
        return company.outcome
    contact = yield from _contact_to_attach(person, memory, options)
    recreated += contact.outcome.recreated
    waits = iter(options.waits)
    while True:
        if contact.id is None:
            return contact.outcome
        if company.id is None:
            return company.outcome
        if known.is_member(contact.id, company.id):
            return Outcome("merged", "unchanged")
        response = yield from ask(
            Call("POST", f"/contacts/{contact.id}/companies", {"id": company.id})
        )
        if answers.ok(response):
            known.learn_member(contact.id, company.id)
            return Outcome("delivered", warnings=contact.outcome.warnings)
        if response.status != 404 and not answers.is_busy(response):
            return answers.refused(response)
        # Something remembered is gone, or something new is not seen yet.
        company_missing = _is_about_company(response)
        missing = company if company_missing else contact
        stale = missing.remembered and missing.id is not None and not known.is_fresh(missing.id)
        if stale and response.status == 404:
            if company_missing:
                known.forget_company(company_id)
                company = yield from _company_to_attach(company_id, memory, options, missing.id)
            else:
                known.forget(person, contact.id)
                contact = yield from _contact_to_attach(person, memory, options, missing.id)
            recreated += (company if company_missing else contact).outcome.recreated
            continue
        delay = next(waits, None)
        if delay is None:
            nobody = response.status == 404 and not company_missing
            return answers.refused(response, "contact_not_found" if nobody else "rejected")
        yield from pause(delay)


def _is_about_company(response: Response) -> bool:
    return (answers.code(response) or "").startswith("company")


def _company_to_attach(
    company_id: str, memory: Memory, options: IntercomOptions, stale: str | None = None
) -> Exchange[Resolved]:
    """The company, created bare if there is none: an upsert finds or creates it in one call."""
    remembered = Known(memory).company(company_id)
    if remembered is not None:
        return Resolved(remembered, remembered=True)
    resolved = yield from _save({"company_id": company_id}, memory, options, stale=stale)
    if resolved.id is None and resolved.outcome.status == "delivered":
        message = "the answer to POST /companies holds no id"
        return Resolved(outcome=Outcome("dead", "rejected", message))
    return resolved


def _contact_to_attach(
    person: Person, memory: Memory, options: IntercomOptions, stale: str | None = None
) -> Exchange[Resolved]:
    known = Known(memory)
    remembered = known.writable(person)
    if remembered is not None and not remembered.needs_link:
        return Resolved(remembered.id, remembered=True)
    nameable = person.user_id is not None or person.email is not None
    if nameable and (options.create_contact_on_group or remembered is not None):
        saving = contacts.Saving(person, contacts.bare(person), memory, options, stale=stale)
        if remembered is not None:
            saved = yield from saving.upsert()
        else:
            saved = yield from saving.create(update=False)
        if saved.contact_id is None and saved.outcome.status == "delivered":
            message = "the answer to POST /contacts holds no id"
            return Resolved(outcome=Outcome("dead", "rejected", message))
        return Resolved(saved.contact_id, saved.outcome)
    found = yield from contacts.find(person)
    if found.refusal is not None:
        return Resolved(outcome=found.refusal)
    if found.only_id is None:
        return Resolved(outcome=_nobody("attach_skipped", found))
    return Resolved(contacts.learn_found(known, person, found.contacts[0]))


def _nobody(warning: str, found: contacts.Found) -> Outcome:
    """The outcome where no contact is the person's, or several could be."""
    several = (contacts.DUPLICATE_EMAIL,) if found.contacts else ()
    return Outcome("delivered", warnings=(warning, *several))


def detach(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """End a membership; where there is nothing to end, nothing is created and all is well (C4).

    Where the API does not know what we remember, it is looked up once more.
    """
    del options
    person, company_id = operation.person, str(operation.fields["company_id"])
    known = Known(memory)
    while True:
        company = yield from _company_to_detach(company_id, known)
        if company.id is None:
            return company.outcome
        contact = yield from _contact_to_detach(person, known)
        if contact.id is None:
            return contact.outcome
        was_member = known.is_member(contact.id, company.id)
        if known.is_fresh(contact.id) and not was_member:
            return _NOTHING_TO_DETACH  # made in this run, and attached by nobody since
        path = f"/contacts/{contact.id}/companies/{company.id}"
        known.forget_member(contact.id, company.id)  # before: the answer may be lost
        response = yield from ask(Call("DELETE", path))
        if answers.ok(response):
            return DELIVERED
        if response.status != 404:
            return answers.refused(response)
        if not _is_about_company(response) and contact.remembered:
            known.forget(person, contact.id)
        elif was_member and company.remembered:
            known.forget_company(company_id)
        else:
            return _NOTHING_TO_DETACH


def _contact_to_detach(person: Person, known: Known) -> Exchange[Resolved]:
    remembered = known.addressee(person)
    if remembered is not None:
        return Resolved(remembered, remembered=True)
    found = yield from contacts.find(person)
    if found.refusal is not None:
        return Resolved(outcome=found.refusal)
    if found.only_id is None:
        return Resolved(outcome=_nobody("nothing_to_detach", found))
    return Resolved(contacts.learn_found(known, person, found.contacts[0]))


_NOTHING_TO_DETACH = Outcome("delivered", warnings=("nothing_to_detach",))


def _company_to_detach(company_id: str, known: Known) -> Exchange[Resolved]:
    remembered = known.company(company_id)
    if remembered is not None:
        return Resolved(remembered, remembered=True)
    path = "/companies?company_id=" + quote(company_id, safe="", errors="replace")
    response = yield from ask(Call("GET", path))
    if response.status == 404:
        return Resolved(outcome=_NOTHING_TO_DETACH)
    if not answers.ok(response):
        return Resolved(outcome=answers.refused(response))
    intercom_id = _listed_id(response, company_id) or answers.object_id(response)
    if intercom_id is None:
        return Resolved(outcome=_NOTHING_TO_DETACH)
    known.learn_company(company_id, intercom_id)
    return Resolved(intercom_id)


def _listed_id(response: Response, company_id: str) -> str | None:
    """The company's id where the answer is a list, which no version promises not to be."""
    return next(
        (
            answers.identifier(item.get("id"))
            for item in answers.listed(response)
            if item.get("company_id") == company_id
        ),
        None,
    )
