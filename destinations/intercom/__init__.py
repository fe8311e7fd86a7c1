"""The Intercom destination (REST API 2.11)."""

from __future__ import annotations

from destinations.intercom.destination import Intercom

DESTINATION = Intercom

__all__ = ["DESTINATION", "Intercom"]
