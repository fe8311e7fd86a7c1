"""What generated mappings call while they run."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from pipeline.mapping.functions import text_of
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.shapes import MOST_SHAPES
from pipeline.model.text import normal_key

UNSET: Final = object()
"""The value of a slot that was not computed yet."""

EMPTY: Final[Any] = MappingProxyType({})
"""Stands for an object where there is none to look into."""


class KeptKeys(dict[tuple[Any, ...], tuple[str, ...]]):
    """(keys of an object, flags ...) -> the keys that ``rest`` keeps."""

    def __init__(self, always: frozenset[str], conditional: tuple[str, ...]) -> None:
        super().__init__()
        self._always = always
        self._conditional = conditional

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


def ignore(kind: str) -> None:
    """Counts nothing: what is only asked about is not worth a warning."""


def join(values: tuple[Any, ...], separator: str) -> Any:
    """The texts of what is there, joined; ABSENT if nothing is left."""
    found = [value for value in values if value is not ABSENT]
    singles = [one for value in found for one in (value if type(value) is list else [value])]
    texts = [text for one in singles if (text := text_of(one))]
    return separator.join(texts) if texts else ABSENT


def template(so_far: str, value: Any) -> Any:
    """The text with one more piece behind it; ABSENT if the piece is none."""
    text = text_of(value)
    return ABSENT if text is None else so_far + text
