"""Listing companies: filtered, paged, or scrolled. Companies without a contact do not appear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destinations.intercom.emulator.companies import company_by_id
from destinations.intercom.emulator.company_view import company_view
from destinations.intercom.emulator.contact_view import contact_view
from destinations.intercom.emulator.errors import ApiError, company_not_found, invalid
from destinations.intercom.emulator.model import Company, JsonObject, Scroll
from destinations.intercom.emulator.paging import by_number, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from destinations.intercom.emulator.call import Answer, Call

PER_PAGE = 15
LIST_CEILING = 10_000
"""Deepest company that the paged list reaches; beyond it only the scroll does."""
SCROLL_PAGE = 100
SCROLL_IDLE_S = 60


def find(call: Call) -> Answer:
    """GET /companies: one company for ``company_id`` or ``name``, otherwise a list."""
    query, workspace = call.query, call.workspace
    if "company_id" in query:
        company = workspace.company_by_company_id.get(query["company_id"])
        return _one(call, company)
    if "name" in query:
        named = (one for one in workspace.companies.values() if one.name == query["name"])
        return _one(call, next(named, None))
    companies = _visible(call)
    if "tag_id" in query:
        companies = [company for company in companies if query["tag_id"] in company.tags]
    if "segment_id" in query:
        companies = []
    return _listed(call, companies, per_page=query.get("per_page"), page=query.get("page"))


def listed(call: Call) -> Answer:
    """POST /companies/list: page and size from the query or the body."""
    sent: JsonObject = {**call.query, **call.body}
    companies = _visible(call)
    order = sent.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise invalid(text="order must be asc or desc")
    if order == "desc":
        companies.reverse()
    return _listed(call, companies, per_page=sent.get("per_page"), page=sent.get("page"))


def scroll(call: Call) -> Answer:
    """GET /companies/scroll: one open scroll a workspace; it expires after a minute unused."""
    workspace = call.workspace
    current = workspace.scroll
    if current is not None and call.now - current.used_at > SCROLL_IDLE_S:
        current = workspace.scroll = None
    param = call.query.get("scroll_param")
    if param:
        if current is None or current.param != param:
            raise ApiError(404, "not_found", "scroll parameter not found")
    elif current is not None:
        raise ApiError(400, "scroll_exists", "scroll already exists for this workspace")
    else:
        current = Scroll(param=workspace.ids.uuid("scroll"), position=0, used_at=call.now)
        workspace.scroll = current
    companies = [one for one in _visible(call) if one.seq > current.position][:SCROLL_PAGE]
    current.used_at = call.now
    if companies:
        current.position = companies[-1].seq
    else:
        workspace.scroll = None
    return 200, {
        "type": "list",
        "data": [company_view(workspace, company) for company in companies],
        "pages": None,
        "total_count": None,
        "scroll_param": current.param,
    }


def contacts_of(call: Call) -> Answer:
    """GET /companies/{id}/contacts."""
    company = company_by_id(call, call.params[0])
    contacts = [call.workspace.contacts[key] for key in company.contacts]
    per_page = positive(call.query.get("per_page"), "per_page", default=50, at_most=150)
    page = positive(call.query.get("page"), "page", default=1)
    shown, pages = by_number(contacts, per_page=per_page, page=page)
    return 200, {
        "type": "list",
        "data": [contact_view(call, contact) for contact in shown],
        "pages": pages,
        "total_count": len(contacts),
    }


def _one(call: Call, company: Company | None) -> Answer:
    if company is None:
        raise company_not_found()
    return 200, company_view(call.workspace, company)


def _visible(call: Call) -> list[Company]:
    return [company for company in call.workspace.companies.values() if company.contacts]


def _listed(call: Call, companies: Sequence[Company], *, per_page: object, page: object) -> Answer:
    size = positive(per_page, "per_page", default=PER_PAGE, at_most=call.settings.max_per_page)
    number = positive(page, "page", default=1)
    if (number - 1) * size >= LIST_CEILING:
        raise invalid(text=f"page goes beyond {LIST_CEILING} companies, use the scroll instead")
    shown, pages = by_number(companies, per_page=size, page=number)
    return 200, {
        "type": "list",
        "data": [company_view(call.workspace, company) for company in shown],
        "pages": pages,
        "total_count": len(companies),
    }
