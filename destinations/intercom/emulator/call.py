"""What a handler is given: one request that has passed authentication, limits and parsing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from destinations.intercom.emulator.model import Contact, JsonObject
    from destinations.intercom.emulator.settings import EmulatorSettings
    from destinations.intercom.emulator.workspace import Workspace

Answer = tuple[int, Any]
"""Status and JSON body; a body of None is sent with no bytes at all."""


@dataclass(slots=True)
class Call:
    """One request. ``contact_id`` and ``external_id`` are filled in by the handler for the log."""

    workspace: Workspace
    settings: EmulatorSettings
    now: float
    version: tuple[int, int]
    params: list[str]
    query: dict[str, str]
    body: JsonObject
    host: str = "api.intercom.io"
    contact_id: str | None = None
    external_id: str | None = None

    def about(self, contact: Contact) -> None:
        """Note for the log which person the request concerns."""
        self.contact_id = contact.id
        self.external_id = contact.external_id
