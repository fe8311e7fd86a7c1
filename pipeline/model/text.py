"""Small rules about text: ids, keys, lengths, addresses and the hash that names companies."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from functools import lru_cache

_LONGEST_EMAIL = 254
_LONGEST_NUMBER = 400
_NO_EMAIL = frozenset('<>(),;:[]\\"')
_SEPARATORS = str.maketrans("", "", "_- ")
_JOINER = "\u200d"


def string_hash(text: str) -> str:
    """The company id that stands for a name (rule C2), as Segment has always computed it.

    A 32-bit hash over the UTF-16 code units, from the last to the first.

    >>> string_hash("Segment"), string_hash("Initech")
    ('2017828326', '721719249')
    """
    units = text.encode("utf-16-le", "surrogatepass")
    value = 5381
    for position in range(len(units) - 2, -1, -2):
        unit = units[position] | units[position + 1] << 8
        value = (value * 33 ^ unit) & 0xFFFFFFFF
    return str(value)


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters of a text, never ending inside what people see as one.

    Marks stay with their letter, and flags, skin tones and joined emoji stay whole; a single one
    that is longer than the limit is cut all the same.

    >>> cut("abcdef", 4), cut("cafe\u0301", 4)
    ('abcd', 'caf')
    """
    if len(text) <= limit:
        return text
    end = limit
    while end > 0 and not _may_end(text, end):
        end -= 1
    return text[: end or limit]


def normal_key(key: str) -> str:
    """One form for the spellings of one key; dots stay, because they separate.

    >>> {normal_key(key) for key in ("createdAt", "created_at", "Created At", "created-at")}
    {'createdat'}
    """
    return _known_key(key) if len(key) <= _LONGEST_KNOWN else _normal(key)


def _normal(key: str) -> str:
    return key.lower().translate(_SEPARATORS)


_known_key = lru_cache(maxsize=8192)(_normal)
_LONGEST_KNOWN = 1000
"""Keys come from events: of long ones only few would fit into memory."""


def looks_like_email(text: str) -> bool:
    """Whether a text could be an e-mail address: one @, and a domain with a dot.

    >>> looks_like_email("ada@example.com"), looks_like_email("ada@localhost")
    (True, False)
    """
    if len(text) > _LONGEST_EMAIL or " " in text or not text.isprintable():
        return False
    local, _, domain = text.partition("@")
    if not local or "@" in domain or not _NO_EMAIL.isdisjoint(text):
        return False
    labels = domain.split(".")
    return len(labels) > 1 and all(
        label and label[0] != "-" and label[-1] != "-" for label in labels
    )


def looks_like_url(text: str) -> bool:
    """Whether a text is an http or https address with a host.

    >>> looks_like_url("https://example.com/a.png"), looks_like_url("/a.png")
    (True, False)
    """
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        return False
    if " " in rest or not rest.isprintable():
        return False
    for stop in "/?#":
        rest = rest.partition(stop)[0]
    host = rest.rpartition("@")[2]
    return host[:1].isalnum() or (host[:1] == "[" and "]" in host)


def text_of_id(value: object) -> str | None:
    """An id as text (rule P1), or None where the value cannot be one.

    Text is taken as it is, never trimmed; whole numbers become their exact digits.

    >>> text_of_id(" 42 "), text_of_id(42), text_of_id(Decimal("1E+3")), text_of_id(True)
    (' 42 ', '42', '1000', None)
    """
    if isinstance(value, str):
        return None if not value or value.isspace() else value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        try:
            return str(value)
        except ValueError:  # more digits than Python converts
            return None
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and value.adjusted() <= _LONGEST_NUMBER
        and value == value.to_integral_value()
    ):
        return str(int(value))
    return None


def _may_end(text: str, end: int) -> bool:
    before, after = text[end - 1], text[end]
    if after < "\u0300":
        return before != _JOINER and not (before == "\r" and after == "\n")
    if before == _JOINER or _extends(after):
        return False
    if _is_flag_letter(before) and _is_flag_letter(after):
        return _flag_letters_before(text, end) % 2 == 0
    return True


def _extends(character: str) -> bool:
    return (
        character == _JOINER
        or unicodedata.category(character)[0] == "M"
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= character <= "\U000e007f"  # tags of regional flags
        or "\u1160" <= character <= "\u11ff"  # vowels and finals of a Korean syllable
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, end: int) -> int:
    start = end
    while start > 0 and _is_flag_letter(text[start - 1]):
        start -= 1
    return end - start
