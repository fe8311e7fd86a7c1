"""Creating, reading, changing and deleting companies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.company_view import company_view
from destinations.intercom.emulator.custom_values import checked_custom
from destinations.intercom.emulator.errors import bad_request, company_not_found, missing
from destinations.intercom.emulator.model import Company, JsonObject

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call

_TEXT_FIELDS = ("name", "plan", "website", "industry")
_WHOLE_FIELDS = ("size", "monthly_spend")
_KNOWN = frozenset(
    {*_TEXT_FIELDS, *_WHOLE_FIELDS, "company_id", "remote_created_at", "custom_attributes"}
)
_UPDATE_LAST_REQUEST_SINCE = (2, 16)


def upsert(call: Call) -> Answer:
    """POST /companies: creates, or updates the company that has this company_id."""
    changes = _checked_changes(call)
    company_id = fields.identifier(call.body, "company_id")
    if company_id is None:
        if call.settings.company_without_id == "reject":
            raise missing(text="company_id not specified")
        company_id = call.workspace.ids.uuid("company")
    company = call.workspace.company_by_company_id.get(company_id)
    if company is None:
        company = new_company(call, company_id)
    if "remote_created_at" in call.body:
        sent = fields.timestamp(call.body, "remote_created_at", call.settings)
        company.remote_created_at = sent
    _apply(call, company, changes)
    return 200, company_view(call.workspace, company)


def new_company(call: Call, company_id: str) -> Company:
    """Store an empty company under a company_id that is free."""
    now = int(call.now)
    company = Company(
        id=call.workspace.ids.object_id("company"),
        seq=call.workspace.ids.number("company seq"),
        company_id=company_id,
        created_at=now,
        updated_at=now,
    )
    call.workspace.add_company(company)
    return company


def read(call: Call) -> Answer:
    """GET /companies/{id}: works before anybody is attached."""
    return 200, company_view(call.workspace, company_by_id(call, call.params[0]))


def update(call: Call) -> Answer:
    """PUT /companies/{id}: as POST, but company_id and remote_created_at stay as they are."""
    company = company_by_id(call, call.params[0])
    _apply(call, company, _checked_changes(call))
    return 200, company_view(call.workspace, company)


def delete(call: Call) -> Answer:
    """DELETE /companies/{id}: gone at once, with every attachment."""
    company = company_by_id(call, call.params[0])
    call.workspace.remove_company(company)
    return 200, {"id": company.id, "object": "company", "deleted": True}


def company_by_id(call: Call, key: str) -> Company:
    """The company with this Intercom id, or the refusal; a company_id is no id."""
    company = call.workspace.companies.get(key)
    if company is None:
        raise company_not_found()
    return company


def _checked_changes(call: Call) -> JsonObject:
    body, settings = call.body, call.settings
    if settings.unknown_company_field == "reject":
        for name in body:
            if name not in _KNOWN and not (
                name == "update_last_request_at" and call.version >= _UPDATE_LAST_REQUEST_SINCE
            ):
                raise bad_request(text=f"bad '{name}' parameter")
    changes: JsonObject = {name: fields.text(body, name) for name in _TEXT_FIELDS if name in body}
    for name in _WHOLE_FIELDS:
        if name in body:
            changes[name] = fields.whole(body, name)
    if "monthly_spend" in changes:
        changes["monthly_spend"] = changes["monthly_spend"] or 0
    fields.timestamp(body, "remote_created_at", settings)
    fields.identifier(body, "company_id")
    custom = body.get("custom_attributes")
    if custom is not None:
        changes["custom"] = checked_custom(call, "company", custom)
    return changes


def _apply(call: Call, company: Company, changes: JsonObject) -> None:
    for name, value in changes.items():
        if name == "custom":
            company.custom.update(value)
        else:
            setattr(company, name, value)
    company.updated_at = int(call.now)
