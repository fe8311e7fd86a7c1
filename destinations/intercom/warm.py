"""Listing what is there already, page by page, so that it is known before the first event.

Contacts are learnt as ``known`` keeps them, users only: a lead is nobody's until it is promoted.
Where a listing stands is remembered under ``warm``, so that it can be taken up again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from destinations.base import Verdict, ask, pause
from destinations.intercom import answers, contacts
from destinations.intercom.catalogue import Catalogue, Model
from destinations.intercom.known import Known, email_key, user_key
from pipeline.model.operation import DELIVERED, Call, Operation, Person, Response

if TYPE_CHECKING:
    from destinations.base import Exchange, Memory, Steps
    from destinations.intercom.destination import Intercom
    from pipeline.model.operation import Outcome

Fields: TypeAlias = Mapping[tuple[str, ...], tuple[int, Any]]
"""Path of a field, as an operation names it -> (microseconds since 1970, value)."""
Learn: TypeAlias = Callable[[str, str, Fields], object]
"""Is told (``contact_fields`` or ``company_fields``, whose they are, the fields)."""

LISTS = ("list_attributes", "list_contacts", "list_companies")
"""The operations, in the order in which they are best made."""

MODELS: tuple[Model, ...] = ("contact", "company")

_PAGE = 150
_CURSOR = "warm"
_ENDED = "*"
_WAITS = (10.0,) * 7
"""A scroll of somebody else is over when it is not used for a minute."""

_CONTACT = ("role", "external_id", "email", "phone", "name", "owner_id",
            "unsubscribed_from_emails", "signed_up_at")  # fmt: skip
_COMPANY = ("company_id", "name", "size", "website", "industry", "monthly_spend")


class Warming:
    """Something for a driver to run whose operations read lists, and change nothing there.

    Args:
        destination: Says how answers are to be judged.
        learn: Is told the fields of everything that is found.
        turned: Called after each page, when it and the place of the next one are remembered.
    """

    def __init__(
        self, destination: Intercom, learn: Learn, *, turned: Callable[[], object] = lambda: None
    ) -> None:
        self._destination = destination
        self._learn = learn
        self._turned = turned
        self._read = {
            "list_attributes": self._read_attributes,
            "list_contacts": self._read_contacts,
            "list_companies": self._read_companies,
        }
        self.found: Counter[str] = Counter()

    def judge(self, response: Response) -> Verdict:
        """As the destination does."""
        return self._destination.judge(response)

    def template(self, call: Call) -> str:
        """As the destination does."""
        path = call.path.partition("?")[0]
        return path if path == "/companies/scroll" else self._destination.template(call)

    def deliver(self, operation: Operation, memory: Memory) -> Steps:
        """Read the list, from where the last reading was stopped."""
        cursor = memory.get(_CURSOR, operation.kind)
        if cursor == _ENDED:
            return DELIVERED
        outcome = yield from self._read[operation.kind](cursor, memory)
        if outcome is DELIVERED:
            memory.put(_CURSOR, operation.kind, _ENDED)
            self._turned()
        return outcome

    def _read_attributes(self, cursor: str | None, memory: Memory) -> Exchange[Outcome]:
        del cursor  # there are only as many as one answer holds
        for model in MODELS:
            yield from Catalogue(model, memory).find("")
        return DELIVERED

    def _read_contacts(self, cursor: str | None, memory: Memory) -> Exchange[Outcome]:
        known, resumed = Known(memory), cursor
        while True:
            query = f"?per_page={_PAGE}" + (f"&starting_after={quote(cursor)}" if cursor else "")
            response = yield from ask(Call("GET", "/contacts" + query))
            if not answers.ok(response) and cursor is not None and cursor == resumed:
                cursor = resumed = None  # the place is not known any more: from the start
                continue
            if not answers.ok(response):
                return answers.refused(response)
            for contact in answers.listed(response):
                self._note_contact(contact, known)
            cursor = contacts.next_page(response)
            if cursor is None:
                return DELIVERED
            memory.put(_CURSOR, "list_contacts", cursor)
            self._turned()

    def _read_companies(self, param: str | None, memory: Memory) -> Exchange[Outcome]:
        known, waits = Known(memory), iter(_WAITS)
        while True:
            query = f"?scroll_param={quote(param)}" if param else ""
            response = yield from ask(Call("GET", "/companies/scroll" + query))
            if answers.code(response) == "scroll_exists":
                delay = next(waits, None)
                if delay is None:
                    return answers.refused(response)
                yield from pause(delay)
                continue
            if response.status == 404 and param is not None:
                param = None  # it was not used for a minute; there is no way but from the start
                continue
            if not answers.ok(response):
                return answers.refused(response)
            companies = answers.listed(response)
            for company in companies:
                self._note_company(company, known)
            following = response.body.get("scroll_param")
            if not companies or not isinstance(following, str):
                return DELIVERED
            param = following
            memory.put(_CURSOR, "list_companies", param)
            self._turned()

    def _note_contact(self, contact: Mapping[str, Any], known: Known) -> None:
        contact_id = answers.identifier(contact.get("id"))
        external_id, email = contact.get("external_id"), contact.get("email")
        if contact_id is None or contact.get("role") == "lead":
            self.found["leads_left_out"] += 1
            return
        person = Person(_text(external_id), _text(email))
        if person.key is None:
            self.found["nameless_left_out"] += 1
            return
        if person.user_id is None and _is_taken(str(email), contact_id, known):
            self.found["duplicate_emails"] += 1
            return
        if not known.learn(person, contact_id):
            self.found["duplicate_emails"] += 1
        self.found["contacts"] += 1
        key = user_key(person.user_id) if person.user_id is not None else email_key(str(email))
        self._learn("contact_fields", key, dict(_contact_fields(contact)))
        attached = contact.get("companies")
        shown = attached.get("data") if isinstance(attached, dict) else None
        for company in shown if isinstance(shown, list) else ():
            company_id = answers.identifier(company.get("id"))
            if company_id is not None:
                known.learn_member(contact_id, company_id)
                self.found["memberships"] += 1

    def _note_company(self, company: Mapping[str, Any], known: Known) -> None:
        intercom_id = answers.identifier(company.get("id"))
        company_id = _text(company.get("company_id"))
        if intercom_id is None or company_id is None:
            self.found["nameless_left_out"] += 1
            return
        known.learn_company(company_id, intercom_id)
        self.found["companies"] += 1
        self._learn("company_fields", company_id, dict(_company_fields(company)))


def _is_taken(email: str, contact_id: str, known: Known) -> bool:
    """Whether the e-mail address is known to be somebody's who has a userId."""
    other = known.addressee(Person(email=email))
    return other is not None and other != contact_id and known.is_linked(email, other)


def _contact_fields(contact: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield from _fields(contact, _CONTACT)
    updated = _micros(contact.get("updated_at"))
    avatar = contact.get("avatar")
    if "avatar" in contact:
        image = avatar.get("image_url") if isinstance(avatar, dict) else None
        yield ("avatar",), (updated, image)
    seen = contact.get("last_seen_at")
    if isinstance(seen, int):
        yield ("last_seen_at",), (_micros(seen), seen)


def _company_fields(company: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield from _fields(company, _COMPANY)
    updated = _micros(company.get("updated_at"))
    plan = company.get("plan")
    if isinstance(plan, dict) and plan.get("name"):
        yield ("plan",), (updated, plan["name"])
    created = company.get("remote_created_at")
    if created is not None and created != company.get("created_at"):  # else it may be made up
        yield ("remote_created_at",), (updated, created)


def _fields(
    thing: Mapping[str, Any], names: Iterable[str]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The fields that are read as they are written; an empty text stands for no value."""
    updated = _micros(thing.get("updated_at"))
    for name in names:
        if name in thing:
            yield (name,), (updated, None if thing[name] == "" else thing[name])
    custom = thing.get("custom_attributes")
    for name, value in custom.items() if isinstance(custom, dict) else ():
        yield ("custom_attributes", name), (updated, value)


def _micros(seconds: Any) -> int:
    return seconds * 1_000_000 if isinstance(seconds, int) else 0


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
