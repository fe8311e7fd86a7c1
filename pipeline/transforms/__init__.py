"""Thin adapters between Beam and the core: no rule of delivery or shaping is decided here."""
