"""What generated mappings call while they run."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from pipeline.mapping.functions import STEP_FUNCTIONS, text_of
from pipeline.mapping.paths import ABSENT
from pipeline.model.text import looks_like_email
from pipeline.model.times import SECOND, parse_time

UNSET: Final = object()
"""The value of a slot that was not computed yet."""

LONGEST_EMAIL = 254
"""No longer text looks like an e-mail address."""

known_email = lru_cache(maxsize=16_384)(looks_like_email)
"""``looks_like_email`` for texts up to ``LONGEST_EMAIL``: those of people come again and again."""


def ignore(kind: str) -> None:
    """Counts nothing: what is only asked about is not worth a warning."""


def join(values: tuple[Any, ...], separator: str) -> Any:
    """The texts of what is there, joined; ABSENT if nothing is left."""
    plain = [value for value in values if type(value) is str and value]
    if len(plain) == len(values):
        return separator.join(plain)
    found = [value for value in values if value is not ABSENT]
    singles = [one for value in found for one in (value if type(value) is list else [value])]
    texts = [text for one in singles if (text := text_of(one))]
    return separator.join(texts) if texts else ABSENT


def unix_seconds(value: Any, note: Callable[[str], None]) -> Any:
    """The step ``to: unix_seconds``."""
    moment = None if value is None else parse_time(value)
    return STEP_FUNCTIONS["to"](value, "unix_seconds", note) if moment is None else moment // SECOND


def template(so_far: str, value: Any) -> Any:
    """The text with one more piece behind it; ABSENT if the piece is none."""
    text = text_of(value)
    return ABSENT if text is None else so_far + text
