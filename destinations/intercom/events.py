"""Data events. The contact must exist: Intercom does not queue an event for one that may come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from destinations.base import Exchange, Memory, Steps, ask, pause
from destinations.intercom import answers, contacts
from destinations.intercom.known import Known
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Person

if TYPE_CHECKING:
    from destinations.intercom.options import IntercomOptions


@dataclass(frozen=True, slots=True)
class Addressee:
    """How the event says whose it is, or why it cannot be said.

    Attributes:
        fields: What goes into the event's body.
        contact_id: Intercom's id where it is known.
        remembered: The id comes from memory and may be stale.
        warnings: What was noticed while finding out.
        outcome: What the operation ends with where there is nobody.
        recreated: As an outcome has it.
    """

    fields: dict[str, Any]
    contact_id: str | None = None
    remembered: bool = False
    warnings: tuple[str, ...] = ()
    outcome: Outcome | None = None
    recreated: tuple[str, ...] = ()


def submit(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """Record the event, with the time it happened: a repeat of it is ignored by the API."""
    recreated: list[str] = []
    outcome = yield from _submit(operation, memory, options, recreated)
    return replace(outcome, recreated=tuple(recreated)) if recreated else outcome


def _submit(
    operation: Operation, memory: Memory, options: IntercomOptions, recreated: list[str]
) -> Steps:
    """As ``submit``; adds to ``recreated`` what turned out to be gone."""
    person, known = operation.person, Known(memory)
    addressee = yield from _address(person, memory, options)
    waits = iter(options.waits)
    stale: str | None = None
    waited = False
    while addressee.outcome is None:
        body = {**operation.fields, **addressee.fields}
        response = yield from ask(Call("POST", "/events", body))
        if answers.ok(response):
            if stale is not None and addressee.contact_id is None and not waited:
                known.forget(person, stale)  # the userId is another contact's
            if addressee.warnings:
                return Outcome("delivered", warnings=addressee.warnings)
            return DELIVERED
        if answers.is_name_cap(response):
            return answers.refused(response, "event_name_cap")
        if response.status != 404:
            return answers.refused(response)
        contact_id = addressee.contact_id
        if contact_id is None and options.create_contact_on_track:
            addressee = yield from _create(person, memory, options, stale)
            recreated += addressee.recreated
        elif contact_id is not None and addressee.remembered and not known.is_fresh(contact_id):
            stale = contact_id
            addressee = yield from _look_again(person, memory, options, stale)
            recreated += addressee.recreated
        else:
            # Somebody new is not seen yet. An earlier run may have made whom we remember just
            # before it ended; whom nobody remembers is not waited for.
            remembered = contact_id if contact_id is not None else stale
            delay = next(waits, None) if remembered is not None else None
            if delay is None:
                if remembered is not None:
                    known.forget(person, remembered)
                return answers.refused(response, "contact_not_found")
            waited = True
            yield from pause(delay)
    return addressee.outcome


def _address(person: Person, memory: Memory, options: IntercomOptions) -> Exchange[Addressee]:
    """By Intercom's id where it is known or must be (leads), else by userId and e-mail."""
    contact_id = Known(memory).addressee(person)
    if contact_id is not None:
        return Addressee({"id": contact_id}, contact_id, remembered=True)
    return (yield from _look_up(person, memory, options, None))


def _look_again(
    person: Person, memory: Memory, options: IntercomOptions, stale: str
) -> Exchange[Addressee]:
    """Whom else it may be where the API does not know the remembered id; at last that one."""
    addressee = yield from _look_up(person, memory, options, stale)
    outcome = addressee.outcome
    if outcome is not None and outcome.reason == "contact_not_found" and not outcome.warnings:
        return Addressee({"id": stale}, stale)
    return addressee


def _look_up(
    person: Person, memory: Memory, options: IntercomOptions, stale: str | None
) -> Exchange[Addressee]:
    """Whose it is, whatever is remembered."""
    known = Known(memory)
    if person.user_id is not None:
        fields = {"user_id": person.user_id}
        if person.email is not None:
            fields["email"] = person.email
        return Addressee(fields)
    if person.email is None:
        return _nobody("no contact is remembered for this anonymousId")
    found = yield from contacts.find(person)
    if found.refusal is not None:
        return Addressee({}, outcome=found.refusal)
    if len(found.contacts) > 1:
        known.note_shared(person.email)
        return _nobody(f"{len(found.contacts)} contacts share the e-mail", "duplicate_email")
    if found.only_id is not None:
        if stale is not None and stale != found.only_id:
            known.forget(person, stale)
        contact_id = contacts.learn_found(known, person, found.contacts[0])
        return Addressee({"id": contact_id}, contact_id)
    if options.create_contact_on_track:
        return (yield from _create(person, memory, options, stale))
    return _nobody("no contact has this e-mail")


def _create(
    person: Person, memory: Memory, options: IntercomOptions, stale: str | None
) -> Exchange[Addressee]:
    if stale is not None:
        Known(memory).forget(person, stale)
    saving = contacts.Saving(person, contacts.bare(person), memory, options, stale=stale)
    saved = yield from saving.create(update=False)
    if saved.contact_id is None:
        if saved.outcome.status == "delivered":
            return _nobody("the answer to POST /contacts holds no id")
        return Addressee({}, outcome=saved.outcome)
    return Addressee(
        {"id": saved.contact_id},
        saved.contact_id,
        warnings=saved.outcome.warnings,
        recreated=saved.outcome.recreated,
    )


def _nobody(message: str, *warnings: str) -> Addressee:
    outcome = Outcome("dead", "contact_not_found", message, warnings=warnings)
    return Addressee({}, outcome=outcome)
