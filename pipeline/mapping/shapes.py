"""Which keys an object has, by their normal form: learnt once for each set of keys."""

from __future__ import annotations

from typing import Final

from pipeline.model.text import normal_key

MOST_SHAPES = 20_000
"""So many shapes are remembered; then everything is forgotten and learnt anew."""


class Shapes(dict[tuple[str, ...], dict[str, str]]):
    """The keys of an object -> each key by its normal form, the first of equal ones.

    Events of one source have few shapes, so that keys are normalised once and not per event.
    """

    def __missing__(self, shape: tuple[str, ...]) -> dict[str, str]:
        """Learn a shape."""
        if len(self) >= MOST_SHAPES:
            self.clear()
        known: dict[str, str] = {}
        for key in shape:
            known.setdefault(normal_key(key), key)
        self[shape] = known
        return known


SHAPES: Final = Shapes()
