"""The Intercom destination (REST API 2.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from destinations.intercom.destination import Intercom

    DESTINATION = Intercom

__all__ = ["DESTINATION", "Intercom"]


def __getattr__(name: str) -> Any:
    """The destination, imported when it is asked for: checking a mapping needs its words only."""
    if name in __all__:
        from destinations.intercom.destination import Intercom

        return Intercom
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
