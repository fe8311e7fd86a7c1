"""Putting data into a workspace without asking its rules: what a test starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator.attributes import FIRST_ID
from destinations.intercom.emulator.custom_values import type_of
from destinations.intercom.emulator.events import store_event
from destinations.intercom.emulator.model import (
    Admin,
    Attribute,
    Company,
    Contact,
    EventName,
    JsonObject,
    Model,
    Visitor,
)
from destinations.intercom.emulator.tags import find_or_make

if TYPE_CHECKING:
    from collections.abc import Callable

    from destinations.intercom.emulator.workspace import Workspace

LONG_AGO = float("-inf")
"""Seeded contacts have always been known, so searches find them at once."""


class SeedError(ValueError):
    """A seed that makes no sense; the text says which part."""


class Seeder:
    """Adds records to one workspace at one moment; answers the ids it made."""

    def __init__(self, workspace: Workspace, *, now: float) -> None:
        self._workspace = workspace
        self._now = int(now)

    def seed(self, data: JsonObject) -> JsonObject:
        """Everything in ``data``, in an order in which later parts can name earlier ones."""
        steps: dict[str, Callable[[JsonObject], Any]] = {
            "admins": self._admin,
            "data_attributes": self._attribute,
            "companies": self._company,
            "contacts": self._contact,
            "attachments": self._attachment,
            "event_names": self._event_name,
            "events": self._event,
            "visitors": self._visitor,
        }
        for name in data:
            if name not in steps and name != "generate":
                message = f"a seed has no '{name}'; it has {', '.join([*steps, 'generate'])}"
                raise SeedError(message)
        made: JsonObject = {}
        for name, step in steps.items():
            items = data.get(name, [])
            if not isinstance(items, list):
                message = f"{name} must be a list"
                raise SeedError(message)
            if name in data:
                made[name] = [step(_object(item, name)) for item in items]
        if "generate" in data:
            made["generated"] = self._generate(_object(data["generate"], "generate"))
        return made

    def _admin(self, item: JsonObject) -> str:
        key = str(item.get("id", len(self._workspace.admins) + 1))
        if not key.isascii() or not key.isdigit():
            message = "the id of an admin must be a number"
            raise SeedError(message)
        name = item.get("name", f"Admin {key}")
        email = item.get("email", f"admin{key}@example.com")
        self._workspace.admins[key] = Admin(id=key, name=name, email=email)
        return key

    def _attribute(self, item: JsonObject) -> int:
        model, data_type = item.get("model", "contact"), item.get("data_type", "string")
        if "name" not in item or model not in ("contact", "company"):
            message = "a data attribute needs a name, and contact or company as its model"
            raise SeedError(message)
        attribute = self._declare(model, item["name"], data_type)
        attribute.options = item.get("options")
        attribute.archived = bool(item.get("archived", False))
        attribute.description = item.get("description", "")
        return attribute.id

    def _declare(self, model: Model, name: str, data_type: str) -> Attribute:
        known = self._workspace.attribute_by_name.get((model, name))
        if known is not None:
            return known
        attribute = Attribute(
            id=FIRST_ID + self._workspace.ids.number("attribute"),
            name=name,
            model=model,
            data_type="date" if data_type == "datetime" else data_type,
            created_at=self._now,
            updated_at=self._now,
        )
        self._workspace.add_attribute(attribute)
        return attribute

    def _custom(self, model: Model, values: JsonObject) -> JsonObject:
        for name, value in values.items():
            self._declare(model, name, type_of(value))
        return dict(values)

    def _company(self, item: JsonObject) -> str:
        workspace = self._workspace
        if not item.get("company_id"):
            message = "a company needs a company_id"
            raise SeedError(message)
        if item["company_id"] in workspace.company_by_company_id:
            message = f"company {item['company_id']} exists already"
            raise SeedError(message)
        company = Company(
            id=item.get("id") or workspace.ids.object_id("company"),
            seq=workspace.ids.number("company seq"),
            created_at=item.get("created_at", self._now),
            updated_at=item.get("updated_at", self._now),
            custom=self._custom("company", item.get("custom_attributes", {})),
            **_chosen(item, _COMPANY_FIELDS, "company"),
        )
        workspace.add_company(company)
        for name in item.get("tags", []):
            company.tags[find_or_make(workspace, name).id] = self._now
        return company.id

    def _contact(self, item: JsonObject) -> str:
        workspace = self._workspace
        chosen = _chosen(item, _CONTACT_FIELDS, "contact")
        role = item.get("role", "user")
        if role == "lead":
            chosen["external_id"] = chosen.get("external_id") or workspace.ids.uuid("lead")
        contact = Contact(
            id=item.get("id") or workspace.ids.object_id("contact"),
            seq=workspace.ids.number("contact seq"),
            role=role,
            created_at=item.get("created_at", self._now),
            updated_at=item.get("updated_at", self._now),
            known_since=LONG_AGO,
            custom=self._custom("contact", item.get("custom_attributes", {})),
            **chosen,
        )
        workspace.add_contact(contact)
        for key in item.get("companies", []):
            workspace.attach(contact, self._find_company(key), at=self._now)
        for name in item.get("tags", []):
            contact.tags[find_or_make(workspace, name).id] = self._now
        standing = item.get("standing", "active")
        if standing not in ("active", "archived", "deleted"):
            message = "standing must be active, archived or deleted"
            raise SeedError(message)
        if standing != "active":
            workspace.hide(contact, standing, at=self._now)
        return contact.id

    def _attachment(self, item: JsonObject) -> JsonObject:
        contact = self._find_contact(str(item.get("contact")))
        company = self._find_company(str(item.get("company")))
        self._workspace.attach(contact, company, at=self._now)
        return {"contact": contact.id, "company": company.id}

    def _event_name(self, item: JsonObject) -> str:
        name, archived = str(item.get("name")), bool(item.get("archived", False))
        known = self._workspace.event_names.get(name.lower())
        was_active = known is not None and not known.archived
        self._workspace.event_names[name.lower()] = EventName(name=name, archived=archived)
        self._workspace.active_event_names += (not archived) - was_active
        return name

    def _event(self, item: JsonObject) -> str | None:
        who = item.get("id") or item.get("user_id") or item.get("email")
        contact = self._find_contact(str(who))
        if not isinstance(item.get("event_name"), str):
            message = "an event needs an event_name"
            raise SeedError(message)
        self._event_name({"name": item["event_name"]})
        created_at = item.get("created_at", self._now)
        metadata = item.get("metadata", {})
        event = store_event(self._workspace, contact, item["event_name"], created_at, metadata)
        return None if event is None else event.id

    def _visitor(self, item: JsonObject) -> str:
        workspace = self._workspace
        visitor = Visitor(
            id=item.get("id") or workspace.ids.object_id("visitor"),
            created_at=self._now,
            updated_at=self._now,
            user_id=item.get("user_id") or workspace.ids.uuid("visitor"),
            email=item.get("email", ""),
            name=item.get("name"),
            phone=item.get("phone"),
            custom=self._custom("contact", item.get("custom_attributes", {})),
        )
        workspace.visitors[visitor.id] = visitor
        return visitor.id

    def _generate(self, item: JsonObject) -> JsonObject:
        """``contacts`` numbered users: ``<prefix>0`` ..., each with an address of its own."""
        count, prefix = item.get("contacts", 0), item.get("prefix", "user-")
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            message = "generate.contacts must be a whole number"
            raise SeedError(message)
        users = [
            {"external_id": f"{prefix}{number}", "email": f"{prefix}{number}@example.com"}
            for number in range(count)
        ]
        return {"contacts": [self._contact(user) for user in users]}

    def _find_contact(self, key: str) -> Contact:
        workspace = self._workspace
        found = workspace.contacts.get(key)
        for contact in (*workspace.with_external_id(key), *workspace.with_email(key)):
            found = found or contact
        if found is None:
            message = f"no contact has the id, external_id or email '{key}'"
            raise SeedError(message)
        return found

    def _find_company(self, key: str) -> Company:
        workspace = self._workspace
        found = workspace.companies.get(key) or workspace.company_by_company_id.get(key)
        if found is None:
            message = f"no company has the id or company_id '{key}'"
            raise SeedError(message)
        return found


_CONTACT_FIELDS = {
    "external_id": "external_id",
    "email": "email",
    "phone": "phone",
    "name": "name",
    "avatar": "avatar_url",
    "owner_id": "owner_id",
    "signed_up_at": "signed_up_at",
    "last_seen_at": "last_seen_at",
    "unsubscribed_from_emails": "unsubscribed",
}
_COMPANY_FIELDS = {
    name: name
    for name in (
        "company_id",
        "name",
        "plan",
        "size",
        "website",
        "industry",
        "monthly_spend",
        "remote_created_at",
    )
}
_ALSO = {
    "id",
    "created_at",
    "updated_at",
    "custom_attributes",
    "tags",
    "role",
    "companies",
    "standing",
}


def _chosen(item: JsonObject, known: dict[str, str], what: str) -> JsonObject:
    for name in item:
        if name not in known and name not in _ALSO:
            message = f"a {what} has no '{name}'; it has {', '.join(sorted({*known, *_ALSO}))}"
            raise SeedError(message)
    return {known[name]: value for name, value in item.items() if name in known}


def _object(item: Any, what: str) -> JsonObject:
    if isinstance(item, dict):
        return item
    if what == "event_names" and isinstance(item, str):
        return {"name": item}
    message = f"{what} must hold objects"
    raise SeedError(message)
