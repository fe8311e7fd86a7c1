"""Which keys an object has, by their normal form: learnt once for each set of keys.

Events of one source have few shapes, so that keys are normalised once and not per event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from pipeline.mapping.paths import Key
from pipeline.model.text import normal_key

ROOM = 8 << 20
"""About so many bytes of keys are remembered in one place: keys come from events."""

_BYTES_OF_A_KEY = 100
K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """What was learnt; where it gets too much, everything is forgotten and learnt anew."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0

    def make_room(self, keys: Iterable[str]) -> None:
        """Say before something is remembered which keys it is about."""
        size = sum(_BYTES_OF_A_KEY + len(key) for key in keys) + _BYTES_OF_A_KEY
        if self._size + size > ROOM:
            self.clear()
        self._size += size

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._size = 0


class Shapes(Remembered[tuple[str, ...], dict[str, str]]):
    """The keys of an object -> each key by its normal form, the first of equal ones."""

    def __missing__(self, shape: tuple[str, ...]) -> dict[str, str]:
        """Learn a shape."""
        self.make_room(shape)
        known: dict[str, str] = {}
        for key in shape:
            known.setdefault(normal_key(key), key)
        self[shape] = known
        return known


SHAPES: Final = Shapes()


class FoundKeys(Remembered[tuple[str, ...], tuple[str | None, ...]]):
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
        self.make_room(shape)
        known = SHAPES[shape]
        self[shape] = found = tuple(
            key.name if key.name in shape
            else None if key.exact
            else known.get(normal_key(key.name))
            for key in self.wanted
        )  # fmt: skip
        return found


class KeptKeys(Remembered[tuple[Any, ...], tuple[str, ...]]):
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
        keys, *flags = shape
        self.make_room(keys)
        out = self._always | {
            key for key, flag in zip(self._conditional, flags, strict=True) if flag
        }
        kept = tuple(key for key in keys if normal_key(key) not in out)
        self[shape] = kept
        return kept
