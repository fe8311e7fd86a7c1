"""What is remembered between runs. Losing it costs calls, never data."""

from __future__ import annotations

from pipeline.state.memory import RememberedState
from pipeline.state.store import StateStore

__all__ = ["RememberedState", "StateStore"]
