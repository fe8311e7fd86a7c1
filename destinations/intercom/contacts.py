"""Contacts: create first, then trust the 409 (search lags behind writes by minutes)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from destinations.base import Exchange, Memory, Steps, ask, pause
from destinations.intercom import answers, leads
from destinations.intercom.attributes import Draft
from destinations.intercom.known import Contact, Known
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Person, Response

if TYPE_CHECKING:
    from destinations.intercom.options import IntercomOptions

DUPLICATE_EMAIL = "duplicate_email"
_MAX_PAGES = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, or why it could not be made."""

    contacts: tuple[dict[str, Any], ...] = ()
    refusal: Outcome | None = None

    @property
    def only_id(self) -> str | None:
        """The id of the contact if there is exactly one."""
        return answers.identifier(self.contacts[0].get("id")) if len(self.contacts) == 1 else None


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a write: the contact's id if it is known, and the outcome."""

    contact_id: str | None
    outcome: Outcome


def bare(person: Person) -> dict[str, Any]:
    """The least that makes a contact of ``person``."""
    fields: dict[str, Any] = {"role": "user"}
    if person.user_id is not None:
        fields["external_id"] = person.user_id
    if person.email is not None:
        fields["email"] = person.email
    return fields


def upsert(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """Create the person's contact, or update the one that is there."""
    saved = yield from Saving(operation.person, operation.fields, memory, options).upsert()
    return saved.outcome


def touch(operation: Operation, memory: Memory, options: IntercomOptions) -> Steps:
    """Update when a known contact was last seen; somebody unknown stays unknown."""
    del options
    person, known = operation.person, Known(memory)
    remembered = known.addressee(person)
    if remembered is not None:
        response = yield from ask(Call("PUT", f"/contacts/{remembered}", dict(operation.fields)))
        if response.status != 404:
            return DELIVERED if answers.ok(response) else answers.refused(response)
        known.forget(person, remembered)
    found = yield from find(person)
    if found.refusal is not None:
        return found.refusal
    if found.only_id is None:
        return Outcome("merged", "unchanged", warnings=("contact_unknown",))
    learn_found(known, person, found.contacts[0])
    response = yield from ask(Call("PUT", f"/contacts/{found.only_id}", dict(operation.fields)))
    return DELIVERED if answers.ok(response) else answers.refused(response)


def find(person: Person) -> Exchange[Found]:
    """Search by userId, else by e-mail. Contacts made in the last minutes are not found."""
    if person.user_id is not None:
        return (yield from search(equals("external_id", person.user_id)))
    if person.email is not None:
        return (yield from search(equals("email", person.email)))
    return Found()


def equals(field: str, value: str) -> dict[str, Any]:
    """The search for contacts whose ``field`` is ``value``."""
    return {"field": field, "operator": "=", "value": value}


def search(query: Mapping[str, Any]) -> Exchange[Found]:
    """Every live contact that ``query`` matches."""
    contacts: list[dict[str, Any]] = []
    body: dict[str, Any] = {"query": query}
    for _ in range(_MAX_PAGES):
        response = yield from ask(Call("POST", "/contacts/search", body))
        if not answers.ok(response):
            return Found(refusal=answers.refused(response))
        contacts += [
            item for item in answers.listed(response) if answers.identifier(item.get("id"))
        ]
        cursor = next_page(response)
        if cursor is None:
            break
        body = {"query": query, "pagination": {"per_page": 150, "starting_after": cursor}}
    return Found(tuple(contacts))


def next_page(response: Response) -> str | None:
    """Where the next page of a list begins; None behind the last one."""
    pages = response.body.get("pages") if isinstance(response.body, dict) else None
    following = pages.get("next") if isinstance(pages, dict) else None
    cursor = following.get("starting_after") if isinstance(following, dict) else None
    return cursor if isinstance(cursor, str) else None


def is_linked(contact: Mapping[str, Any]) -> bool:
    """Whether the contact is a user with a userId (a lead's external_id is Intercom's own)."""
    return contact.get("role") != "lead" and isinstance(contact.get("external_id"), str)


def learn_found(known: Known, person: Person, contact: Mapping[str, Any]) -> str:
    """Remember a contact that a search has found."""
    contact_id = str(contact["id"])
    known.learn(person, contact_id, linked=is_linked(contact))
    return contact_id


def is_someone_else(contact: Mapping[str, Any], person: Person) -> bool:
    """Whether a contact with the same e-mail is a user with another userId."""
    return (
        person.user_id is not None
        and is_linked(contact)
        and contact.get("external_id") != person.user_id
    )


class Saving:
    """One write of one person's contact, by whichever of POST and PUT it takes.

    Args:
        stale: The id that was remembered of a contact that is gone, where that was noticed before.
    """

    def __init__(
        self,
        person: Person,
        fields: Mapping[str, Any],
        memory: Memory,
        options: IntercomOptions,
        *,
        stale: str | None = None,
    ) -> None:
        self._person = person
        self._stale = stale
        self._recreated: tuple[str, ...] = ()
        self._known = Known(memory)
        self._options = options
        self._warnings: list[str] = []
        fields = leads.marked(person, fields, options)
        self._draft = Draft("contact", fields, memory, options.attributes)
        self._waits = iter(options.waits)
        self._without_email = False
        self._adopted: set[str] = set()
        self._others: set[str] = set()

    def upsert(self) -> Exchange[Saved]:
        """Update the contact that is remembered, else create one, else update what is there.

        A lead that cannot become the user, who is there already, is merged or left (rule O2).
        """
        lead = self._known.lead(self._person)
        saved = yield from self._upsert()
        if lead is None or saved.contact_id in (None, lead):
            return saved
        merged = False
        if self._options.alias == "merge":
            merged = answers.ok((yield from leads.take_over(lead, str(saved.contact_id))))
        if not merged:
            self._warnings.append(leads.LEFT)
        return Saved(saved.contact_id, self._with_warnings(saved.outcome))

    def _upsert(self) -> Exchange[Saved]:
        contact = self._known.writable(self._person)
        if contact is None:
            return (yield from self.create(update=True))
        return (yield from self._update(contact))

    def _update(self, contact: Contact) -> Exchange[Saved]:
        """Update the contact that is remembered, whatever has become of it."""
        response = yield from self._put(contact.id, link=contact.needs_link)
        if response.status == 404:  # it is there no more, or archived, which the 409 will say
            self._known.forget(self._person, contact.id)
            self._stale = contact.id
            return (yield from self.create(update=True))
        owner = answers.conflict(response)
        if owner is not None and owner.contact_id != contact.id:
            # Another contact has this userId already: it is the person's, the other stays. Or else
            # it has the e-mail only, and stays another's.
            if contact.id != self._known.lead(self._person):
                self._warnings.append(DUPLICATE_EMAIL)
            return (yield from self._adopt(owner, response, update=True))
        return self._settle(response, contact.id)

    def create(self, *, update: bool) -> Exchange[Saved]:
        """Create the contact; where it is there already, take it, and write to it if ``update``."""
        while True:
            response = yield from self._post()
            if answers.ok(response):
                contact_id = answers.object_id(response)
                if contact_id is not None:
                    self._known.mark_created(contact_id)
                return self._settle(response, contact_id)
            owner = answers.conflict(response)
            if owner is not None:
                return (yield from self._adopt(owner, response, update=update, creating=True))
            delay = next(self._waits, None)
            if response.status != 409 or delay is None:
                return self._dead(response)
            yield from pause(delay)

    def _post(self) -> Exchange[Response]:
        if self._draft.fields.get("role") != "lead":
            return (yield from self._draft.send("POST", "/contacts", self._identity()))
        identity, waits = self._identity(), iter(self._options.lost_lead_waits)
        while True:
            response = yield from self._draft.send("POST", "/contacts", identity, repeatable=False)
            delay = next(waits, None)
            if not answers.is_lost(response) or delay is None:
                return response
            query = leads.lost(self._draft.custom)
            if query is None:
                self._warnings.append(leads.MAYBE_DOUBLED)
                continue
            yield from pause(delay)
            found = yield from search(query)
            if found.refusal is not None:  # nothing says that a second one would be the only one
                self._warnings.append(leads.MAYBE_DOUBLED)
                return response
            if found.contacts:
                return Response(200, body=found.contacts[0])

    def _identity(self) -> dict[str, Any]:
        """What a create must say of the person where the mapping does not."""
        extra: dict[str, Any] = {}
        fields = self._draft.fields
        if "role" not in fields:
            extra["role"] = "user"
        if self._person.user_id is not None and "external_id" not in fields:
            extra["external_id"] = self._person.user_id
        if self._person.email is not None and "email" not in fields and not self._without_email:
            extra["email"] = self._person.email
        return extra

    def _put(self, contact_id: str, *, link: bool, is_there: bool = False) -> Exchange[Response]:
        """Write to the contact; patiently where it is busy, or where it must be but is not seen."""
        extra: dict[str, Any] = {}
        if link and self._person.user_id is not None:
            extra = {"role": "user", "external_id": self._person.user_id}
            extra |= {
                name: self._draft.fields[name] for name in extra if name in self._draft.fields
            }
        while True:
            response = yield from self._draft.send("PUT", f"/contacts/{contact_id}", extra)
            unseen = is_there and response.status == 404
            if not unseen and not answers.is_busy(response):
                return response
            delay = next(self._waits, None)
            if delay is None:
                return response
            yield from pause(delay)

    def _adopt(
        self,
        owner: answers.Conflict,
        refusal: Response,
        *,
        update: bool,
        creating: bool = False,
    ) -> Exchange[Saved]:
        """Take the contact that a 409 names for the person's own, unless it is another user's."""
        if owner.contact_id in self._others:
            return self._dead(refusal)
        theirs = self._is_theirs(owner, self._email() if creating else self._written_email())
        if owner.archived:
            if self._options.archived == "dead_letter":
                return self._dead(refusal)
            if self._options.archived == "skip":
                self._warnings.append("archived_skipped")
                text = answers.explanation(refusal)
                return Saved(None, self._with_warnings(Outcome("merged", "unchanged", text)))
            response = yield from ask(Call("POST", f"/contacts/{owner.contact_id}/unarchive"))
            if not answers.ok(response):
                return self._dead(response)
            theirs = theirs or self._is_named_in(response)
        if not theirs:
            response = yield from self._read(owner.contact_id)
            if not answers.ok(response):
                return self._dead(response)
            contact = response.body if isinstance(response.body, dict) else {}
            if is_someone_else(contact, self._person):
                self._others.add(owner.contact_id)
                if owner.archived:  # it was not ours to wake
                    yield from ask(Call("POST", f"/contacts/{owner.contact_id}/archive"))
                return (yield from self._save_without_email(refusal))
            update = update or not is_linked(contact)  # it must be given the userId
        if not update:
            return self._settle(Response(200), owner.contact_id)
        self._adopted.add(owner.contact_id)
        response = yield from self._put(owner.contact_id, link=True, is_there=True)
        another = answers.conflict(response)
        if another is not None and another.contact_id not in self._adopted:
            # The e-mail led to one contact, and another has the userId.
            self._warnings.append(DUPLICATE_EMAIL)
            return (yield from self._adopt(another, response, update=True))
        return self._settle(response, owner.contact_id)

    def _is_theirs(self, owner: answers.Conflict, email: str | None) -> bool:
        """Whether the contact must be the person's, or may be another user with the ``email``."""
        if self._person.user_id is None or email is None:
            return True
        if self._known.addressee(self._person) == owner.contact_id:
            return True
        doubted = self._options.verify_conflicts or self._known.is_linked(email, owner.contact_id)
        return not doubted

    def _is_named_in(self, response: Response) -> bool:
        """Whether the contact of an answer has the person's userId."""
        body = response.body
        return isinstance(body, dict) and body.get("external_id") == self._person.user_id

    def _read(self, contact_id: str) -> Exchange[Response]:
        """The contact that a 409 has named, which may not be seen yet."""
        while True:
            response = yield from ask(Call("GET", f"/contacts/{contact_id}"))
            delay = next(self._waits, None) if response.status == 404 else None
            if delay is None:
                return response
            yield from pause(delay)

    def _save_without_email(self, refusal: Response) -> Exchange[Saved]:
        """Leave the e-mail to the user who has it."""
        if self._without_email:
            return self._dead(refusal)
        self._without_email = True
        self._draft.leave_out("email")
        self._warnings.append(DUPLICATE_EMAIL)
        own = self._known.addressee(self._person)
        if own is not None:
            return (yield from self._update(Contact(own)))
        return (yield from self.create(update=True))

    def _email(self) -> str | None:
        """The e-mail that a creation states."""
        if self._without_email:
            return None
        return self._written_email() if "email" in self._draft.fields else self._person.email

    def _written_email(self) -> str | None:
        """The e-mail that the write itself states."""
        email = self._draft.fields.get("email")
        return email if isinstance(email, str) else None

    def _settle(self, response: Response, contact_id: str | None) -> Saved:
        if not answers.ok(response):
            return self._dead(response)
        if self._stale is not None and contact_id != self._stale:
            self._recreated = ("contact",)
        if contact_id is not None:
            linked = isinstance(response.body, dict) and is_linked(response.body)
            email = self._email()
            person = Person(
                self._person.user_id,
                None if self._without_email else self._person.email,
                self._person.anonymous_id,
            )
            if not self._known.learn(person, contact_id, email=email, linked=linked):
                self._warnings.append(DUPLICATE_EMAIL)
        return Saved(contact_id, self._with_warnings(DELIVERED))

    def _dead(self, response: Response) -> Saved:
        return Saved(None, self._with_warnings(self._draft.refused(response)))

    def _with_warnings(self, outcome: Outcome) -> Outcome:
        warnings = tuple(dict.fromkeys([*self._warnings, *self._draft.warnings]))
        dropped = tuple(dict.fromkeys(self._draft.dropped))
        return replace(outcome, warnings=warnings, dropped=dropped, recreated=self._recreated)
