"""Attaching contacts to companies, detaching them, and listing a contact's companies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.companies import company_by_id
from destinations.intercom.emulator.company_view import company_view
from destinations.intercom.emulator.contact_lookup import active_by_id
from destinations.intercom.emulator.errors import ApiError, company_not_found, missing
from destinations.intercom.emulator.paging import by_number, positive

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call


def attach(call: Call) -> Answer:
    """POST /contacts/{id}/companies: answers the company; repeating it changes nothing."""
    contact = active_by_id(call, call.params[0])
    key = fields.identifier(call.body, "id")
    if key is None:
        raise missing(text="company not specified")
    company = company_by_id(call, key)
    limit = call.settings.contact_company_limit
    if company.id not in contact.companies and len(contact.companies) >= limit:
        if call.settings.over_company_limit == "drop":
            return 200, company_view(call.workspace, company)
        message = f"Contact has reached the maximum of {limit} company associations"
        raise ApiError(400, "contact_company_limit_exceeded", message)
    call.workspace.attach(contact, company, at=int(call.now))
    return 200, company_view(call.workspace, company)


def listed(call: Call) -> Answer:
    """GET /contacts/{id}/companies."""
    contact = active_by_id(call, call.params[0])
    companies = [call.workspace.companies[key] for key in contact.companies]
    limit = call.settings.max_per_page
    per_page = positive(call.query.get("per_page"), "per_page", default=50, at_most=limit)
    page = positive(call.query.get("page"), "page", default=1)
    shown, pages = by_number(companies, per_page=per_page, page=page)
    return 200, {
        "type": "list",
        "data": [company_view(call.workspace, company) for company in shown],
        "pages": pages,
        "total_count": len(companies),
    }


def detach(call: Call) -> Answer:
    """DELETE /contacts/{id}/companies/{id}: answers the company."""
    contact = active_by_id(call, call.params[0])
    company = company_by_id(call, call.params[1])
    if company.id not in contact.companies:
        raise company_not_found()
    call.workspace.detach(contact, company)
    return 200, company_view(call.workspace, company)
