"""Penstock: customer events to Intercom, at the rate Intercom can take.

Importing this package loads nothing heavy; in particular it never imports ``apache_beam``.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
