"""Log lines of a run: warnings and worse, to standard error, without what is known to be noise."""

from __future__ import annotations

import logging

NOISE = ("apitools not found",)
"""Beginnings of lines that libraries log on every start and nobody can do anything about."""


def configure() -> None:
    """Set up logging; call it before anything imports Beam."""
    logging.basicConfig(level=logging.WARNING, format="penstock: %(levelname)s: %(message)s")
    logging.getLogger().addFilter(lambda record: not record.getMessage().startswith(NOISE))
