"""GET /me: whose token this is, and which workspace it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call


def read(call: Call) -> Answer:
    """The first admin, and the app with its region: a good test of credentials."""
    admin = next(iter(call.workspace.admins.values()))
    settings = call.settings
    return 200, {
        "type": "admin",
        "id": admin.id,
        "name": admin.name,
        "email": admin.email,
        "job_title": "",
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "has_inbox_seat": True,
        "team_ids": [],
        "email_verified": True,
        "avatar": {"type": "avatar", "image_url": None},
        "app": {
            "type": "app",
            "id_code": call.workspace.id_code,
            "name": "Emulated workspace",
            "created_at": call.workspace.created_at,
            "secure": settings.identity_verification,
            "identity_verification": settings.identity_verification,
            "timezone": settings.timezone,
            "region": settings.region,
        },
    }
