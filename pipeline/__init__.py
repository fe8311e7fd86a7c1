"""Penstock: customer events to Intercom, at the rate Intercom can take.

Importing this package loads nothing heavy; in particular it never imports ``apache_beam``. The
transform for other people's pipelines is loaded when it is asked for: ``from pipeline import
Penstock``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.run.library import Penstock

__version__ = "0.1.0"

__all__ = ["Penstock", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Penstock":
        from pipeline.run.library import Penstock

        return Penstock
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
