"""How the API shows a company."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destinations.intercom.emulator.model import Company, JsonObject
    from destinations.intercom.emulator.workspace import Workspace


def company_view(workspace: Workspace, company: Company) -> JsonObject:
    """The company object; size, website and industry are left out until they are set."""
    remote = company.remote_created_at
    view: JsonObject = {
        "type": "company",
        "company_id": company.company_id,
        "id": company.id,
        "app_id": workspace.id_code,
        "name": company.name or "",
        "remote_created_at": company.created_at if remote is None else remote,
        "created_at": company.created_at,
        "updated_at": company.updated_at,
        "monthly_spend": company.monthly_spend,
        "session_count": 0,
        "user_count": len(company.contacts),
        "tags": {
            "type": "tag.list",
            "tags": [
                {"type": "tag", "id": tag, "name": workspace.tags[tag].name} for tag in company.tags
            ],
        },
        "segments": {"type": "segment.list", "segments": []},
        "plan": _plan(company.plan),
        "custom_attributes": company.custom.copy(),
    }
    for name in ("size", "website", "industry"):
        value = getattr(company, name)
        if value is not None:
            view[name] = value
    return view


def _plan(name: str | None) -> JsonObject:
    if not name:
        return {}
    return {"type": "plan", "id": str(zlib.crc32(name.encode())), "name": name}
