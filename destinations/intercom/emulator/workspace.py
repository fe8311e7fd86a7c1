"""The state of one emulated workspace, with the indexes that make lookups fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator.ids import Ids
from destinations.intercom.emulator.model import (
    Admin,
    Attribute,
    Company,
    Contact,
    Event,
    EventName,
    EventTally,
    Model,
    Scroll,
    Standing,
    Tag,
    Visitor,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_ADMIN = Admin(id="1", name="Emulated Admin", email="admin@example.com")


class Workspace:
    """Everything that is stored. It knows no rules: the modules named after resources do."""

    def __init__(self, *, id_seed: int, created_at: int) -> None:
        self.ids = Ids(id_seed)
        self.id_code = "emulated-workspace"
        self.created_at = created_at
        self.contacts: dict[str, Contact] = {}
        self.companies: dict[str, Company] = {}
        self.company_by_company_id: dict[str, Company] = {}
        self.attributes: dict[int, Attribute] = {}
        self.attribute_by_name: dict[tuple[Model, str], Attribute] = {}
        self.events: dict[str, list[Event]] = {}
        self.event_keys: set[tuple[str, str, int]] = set()
        self.event_names: dict[str, EventName] = {}
        self.active_event_names = 0
        self.event_tallies: dict[str, dict[str, EventTally]] = {}
        self.tags: dict[str, Tag] = {}
        self.visitors: dict[str, Visitor] = {}
        self.admins: dict[str, Admin] = {FIRST_ADMIN.id: FIRST_ADMIN}
        self.scroll: Scroll | None = None
        self._by_external_id: dict[str, list[Contact]] = {}
        self._by_email: dict[str, list[Contact]] = {}

    def add_contact(self, contact: Contact) -> None:
        """Store a new contact and make it findable."""
        self.contacts[contact.id] = contact
        if contact.external_id is not None:
            self._by_external_id.setdefault(contact.external_id, []).append(contact)
        if contact.email:
            self._by_email.setdefault(contact.email.lower(), []).append(contact)

    def change_external_id(self, contact: Contact, external_id: str | None) -> None:
        """Give a stored contact another external id."""
        if contact.external_id is not None:
            _drop(self._by_external_id, contact.external_id, contact)
        contact.external_id = external_id
        if external_id is not None:
            self._by_external_id.setdefault(external_id, []).append(contact)

    def change_email(self, contact: Contact, email: str) -> None:
        """Give a stored contact another e-mail address."""
        if contact.email:
            _drop(self._by_email, contact.email.lower(), contact)
        contact.email = email
        if email:
            self._by_email.setdefault(email.lower(), []).append(contact)

    def with_external_id(self, external_id: str) -> list[Contact]:
        """Contacts of every role and standing with this external id, oldest first."""
        return self._by_external_id.get(external_id, [])

    def with_email(self, email: str) -> list[Contact]:
        """Contacts of every role and standing with this address (case does not matter)."""
        return self._by_email.get(email.lower(), [])

    def active_contacts(self) -> Iterator[Contact]:
        """Contacts that are neither archived, deleted nor merged, oldest first."""
        return (contact for contact in self.contacts.values() if contact.standing == "active")

    def add_company(self, company: Company) -> None:
        """Store a new company and make it findable."""
        self.companies[company.id] = company
        self.company_by_company_id[company.company_id] = company

    def remove_company(self, company: Company) -> None:
        """Forget a company and every attachment to it."""
        for contact in self.contacts.values():
            contact.companies.pop(company.id, None)
        del self.companies[company.id]
        del self.company_by_company_id[company.company_id]

    def hide(self, contact: Contact, standing: Standing, *, at: int) -> None:
        """Take a contact out of sight; its companies no longer count it."""
        contact.standing = standing
        contact.gone_at = at
        contact.updated_at = at
        for company_id in contact.companies:
            self.companies[company_id].contacts.pop(contact.id, None)

    def show(self, contact: Contact) -> None:
        """Bring a hidden contact back, with its companies."""
        contact.standing = "active"
        contact.gone_at = None
        for company_id in contact.companies:
            self.companies[company_id].contacts.setdefault(contact.id, None)

    def attach(self, contact: Contact, company: Company, *, at: int) -> None:
        """Link the two; a link that exists stays as it is."""
        contact.companies.setdefault(company.id, at)
        company.contacts.setdefault(contact.id, None)

    def detach(self, contact: Contact, company: Company) -> None:
        """Undo a link; no error where there is none."""
        contact.companies.pop(company.id, None)
        company.contacts.pop(contact.id, None)

    def add_attribute(self, attribute: Attribute) -> None:
        """Store a custom attribute."""
        self.attributes[attribute.id] = attribute
        self.attribute_by_name[attribute.model, attribute.name] = attribute


def _drop(index: dict[str, list[Contact]], key: str, contact: Contact) -> None:
    left = [other for other in index.get(key, []) if other is not contact]
    if left:
        index[key] = left
    else:
        index.pop(key, None)
