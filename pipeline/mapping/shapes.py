"""Which keys an object has, by their normal form: learnt once for each set of keys.

Events of one source have few shapes, so that keys are normalised once and not per event.
"""

from __future__ import annotations

from typing import Any, Final

from pipeline.mapping.paths import Key
from pipeline.model.text import normal_key

MOST_SHAPES = 20_000
"""So many shapes are remembered in one place; then everything is forgotten and learnt anew."""


class Shapes(dict[tuple[str, ...], dict[str, str]]):
    """The keys of an object -> each key by its normal form, the first of equal ones."""

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


class FoundKeys(dict[tuple[str, ...], tuple[str | None, ...]]):
    """The keys of an object -> for each name that is ``wanted``, the key it means, or None.

    That is the name itself, else, unless it is exact, the first key that is equal normalised.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[Key] = []

    def __repr__(self) -> str:
        """The names that are wanted, for people who read the code."""
        return f"the keys for {[key.name for key in self.wanted]}"

    def __missing__(self, shape: tuple[str, ...]) -> tuple[str | None, ...]:
        """Learn a shape."""
        if len(self) >= MOST_SHAPES:
            self.clear()
        known = SHAPES[shape]
        self[shape] = found = tuple(
            key.name if key.name in shape
            else None if key.exact
            else known.get(normal_key(key.name))
            for key in self.wanted
        )  # fmt: skip
        return found


class KeptKeys(dict[tuple[Any, ...], tuple[str, ...]]):
    """(keys of an object, flags ...) -> the keys that ``rest`` keeps."""

    def __init__(self, always: frozenset[str], conditional: tuple[str, ...]) -> None:
        super().__init__()
        self._always = always
        self._conditional = conditional

    def __repr__(self) -> str:
        """Which keys are left out, for people who read the code."""
        perhaps = f", perhaps {list(self._conditional)}" if self._conditional else ""
        return f"all but {sorted(self._always)}{perhaps}"

    def __missing__(self, shape: tuple[Any, ...]) -> tuple[str, ...]:
        """Learn a shape."""
        if len(self) >= MOST_SHAPES:
            self.clear()
        keys, *flags = shape
        out = self._always | {
            key for key, flag in zip(self._conditional, flags, strict=True) if flag
        }
        kept = tuple(key for key in keys if normal_key(key) not in out)
        self[shape] = kept
        return kept
