"""What each step and test of the language does: pure functions on one value.

A step is ``f(value, args, note)`` and returns the new value or ABSENT; ``note(kind)`` counts a
warning. It is never called with ABSENT (but ``default``), and null is nothing to a conversion:
absent, without a warning.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from pipeline.mapping.objects import OBJECT_STEPS
from pipeline.mapping.paths import ABSENT
from pipeline.model import money, times
from pipeline.model.text import (
    cut,
    looks_like_email,
    looks_like_url,
    normal_key,
    string_hash,
    text_of_id,
)

Note = Callable[[str], None]
StepFunction = Callable[[Any, Any, Note], Any]


def is_number(value: Any) -> bool:
    """Whether the value is a JSON number; booleans are none."""
    return isinstance(value, int | Decimal | float) and not isinstance(value, bool)


TYPE_CHECKS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": lambda value: is_number(value) and value == int(value),
    "boolean": lambda value: isinstance(value, bool),
    "scalar": lambda value: not isinstance(value, dict | list),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "email": lambda value: isinstance(value, str) and looks_like_email(value),
    "url": lambda value: isinstance(value, str) and looks_like_url(value),
}


def _is_one_of(value: Any, types: tuple[str, ...]) -> bool:
    for name in types:  # noqa: SIM110 - any() with a generator costs three times as much
        if TYPE_CHECKS[name](value):
            return True
    return False


def _only(value: Any, types: tuple[str, ...], note: Note) -> Any:
    return value if _is_one_of(value, types) else ABSENT


def _must_be(value: Any, types: tuple[str, ...], note: Note) -> Any:
    if _is_one_of(value, types):
        return value
    if value is not None:
        note(f"not_{types[0]}")
    return ABSENT


def _on_text(change: Callable[[str], str]) -> StepFunction:
    return lambda value, args, note: change(value) if isinstance(value, str) else value


def _affix(value: Any, affix: str, *, front: bool) -> Any:
    if not isinstance(value, str):
        return value
    return affix + value if front else value + affix


def _replace(value: Any, pairs: tuple[tuple[str, Any], ...], note: Note) -> Any:
    if isinstance(value, str):
        for old, new in pairs:
            value = value.replace(old, str(new))
    return value


def _is_text(value: Any) -> bool:
    return type(value) is str


def _cut(value: Any, limit: int, note: Note) -> Any:
    if isinstance(value, str):
        if len(value) <= limit:
            return value
        note("text_cut")
        return cut(value, limit)
    if isinstance(value, dict):
        if max(map(len, filter(_is_text, value.values())), default=0) <= limit:
            return value
        return {
            key: _cut(member, limit, note) if isinstance(member, str) else member
            for key, member in value.items()
        }
    return value


def _key_of(value: Any) -> str | None:
    """How a value is written as a key of a table in the mapping."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal | float):
        return str(value)
    return None


def _map(value: Any, table: dict[str, Any], note: Note) -> Any:
    key = _key_of(value)
    return value if key is None else table.get(key, value)


def _map_only(value: Any, table: dict[str, Any], note: Note) -> Any:
    key = _key_of(value)
    if key is not None and key in table:
        return table[key]
    if value is not None:
        note("not_in_map")
    return ABSENT


def _default(value: Any, stand_in: Any, note: Note) -> Any:
    return stand_in if value is ABSENT else value


# --- conversions -----------------------------------------------------------------------------


def _unix_seconds(value: Any) -> Any:
    moment = times.parse_time(value)
    return ABSENT if moment is None else times.seconds(moment)


def _cents(value: Any) -> Any:
    amount = money.parse_amount(value)
    return ABSENT if amount is None else money.to_minor_units(amount)


def _plain_number(value: Any) -> Decimal | None:
    """Exactly the number that the value is or spells; no currency signs, no grouping."""
    if is_number(value):
        return Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if isinstance(value, str) and 0 < len(value.strip()) <= 40 and "_" not in value:
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            return None
        return number if number.is_finite() and abs(number.adjusted()) <= 30 else None
    return None


def _integer(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _plain_number(value)
    if number is None or abs(number) >= Decimal(10) ** 30:
        return ABSENT
    return int(number.quantize(Decimal(1), ROUND_HALF_UP))


def _number(value: Any) -> Any:
    if is_number(value):
        return value
    number = _plain_number(value)
    if number is None:
        return ABSENT
    return int(number) if number == number.to_integral_value() else number


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            value.strip().lower(), ABSENT
        )
    if is_number(value) and value in (0, 1):
        return bool(value)
    return ABSENT


def text_of(value: Any) -> str | None:
    """A text, number or boolean as text; None for anything else."""
    return format(value, "f") if isinstance(value, Decimal) else _key_of(value)


def _text(value: Any) -> Any:
    text = text_of(value)
    return ABSENT if text is None else text


def _identifier(value: Any) -> Any:
    text = text_of_id(value)
    return ABSENT if text is None else text


_JSON = msgspec.json.Encoder(decimal_format="number")


def _json_text(value: Any) -> Any:
    return value if isinstance(value, str) else _JSON.encode(value).decode()


CONVERSIONS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "unix_seconds": (_unix_seconds, "not_a_time"),
    "cents": (_cents, "not_money"),
    "integer": (_integer, "not_an_integer"),
    "number": (_number, "not_a_number"),
    "boolean": (_boolean, "not_a_boolean"),
    "text": (_text, "not_a_text"),
    "id": (_identifier, "not_an_id"),
    "json_text": (_json_text, "not_a_text"),
}


def _to(value: Any, kind: str, note: Note) -> Any:
    if value is None:
        return ABSENT
    convert, warning = CONVERSIONS[kind]
    result = convert(value)
    if result is ABSENT and value != "":
        note(warning)
    return result


def _money(value: Any, args: dict[str, Any], note: Note) -> Any:
    amount = money.parse_amount(value)
    if amount is None:
        note("not_money")
        return ABSENT
    if args["by"] == "hundred":
        return money.to_minor_units(amount)
    code = args.get("currency", ABSENT)
    exponent = money.exponent_of(code) if isinstance(code, str) else None
    if exponent is None:
        note("unknown_currency")
        exponent = 2
    return money.to_minor_units(amount, exponent=exponent)


# --- hashes ----------------------------------------------------------------------------------


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_HASHES: dict[str, Callable[[str], str]] = {
    "string_hash": string_hash,
    "md5": lambda text: hashlib.md5(_utf8(text), usedforsecurity=False).hexdigest(),
    "sha256": lambda text: hashlib.sha256(_utf8(text)).hexdigest(),
}


def _hash(value: Any, algorithm: str, note: Note) -> Any:
    return _HASHES[algorithm](value) if isinstance(value, str) else ABSENT


def _hmac(value: Any, args: dict[str, Any], note: Note) -> Any:
    if not isinstance(value, str):
        return ABSENT
    signature = _signature(value, args["secret"])
    if signature is None:
        note("secret_missing")
        return ABSENT
    return signature


def _signature(text: str, reference: str) -> str | None:
    """HMAC-SHA256 in hex under the secret that ``env:NAME`` refers to, if it is there."""
    secret = os.environ.get(reference.removeprefix("env:"), "").strip()
    if not secret:
        return None
    return hmac.new(secret.encode(), _utf8(text), "sha256").hexdigest()


def _signed_with(value: Any, args: dict[str, Any]) -> bool:
    claimed = args["hash"]
    if not isinstance(value, str) or not isinstance(claimed, str):
        return False
    signature = _signature(value, args["secret"])
    if signature is None:
        return False
    return hmac.compare_digest(signature.encode(), _utf8(claimed))


STEP_FUNCTIONS: dict[str, StepFunction] = {
    "only": _only,
    "must_be": _must_be,
    "drop_empty": lambda value, args, note: ABSENT if value in ("", [], {}) else value,
    "trim": _on_text(str.strip),
    "lower": _on_text(str.lower),
    "upper": _on_text(str.upper),
    "prefix": lambda value, args, note: _affix(value, args, front=True),
    "suffix": lambda value, args, note: _affix(value, args, front=False),
    "replace": _replace,
    "split": lambda value, args, note: value.split(args) if isinstance(value, str) else value,
    "cut": _cut,
    "map": _map,
    "map_only": _map_only,
    "default": _default,
    "wrap": lambda value, args, note: value if isinstance(value, list) else [value],
    "to": _to,
    "money": _money,
    "hash": _hash,
    "hmac": _hmac,
    **OBJECT_STEPS,
}


# --- tests -----------------------------------------------------------------------------------


def same(left: Any, right: Any) -> bool:
    """JSON equality: 1 and 1.0 are one number, but true is not 1 and "1" is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


@lru_cache(maxsize=1024)
def pattern(text: str) -> Any:
    """A matcher (``is_valid``) that runs in linear time, whatever the pattern and the text."""
    return jsonschema_rs.Draft202012Validator(
        {"pattern": text}, pattern_options=jsonschema_rs.RegexOptions()
    )


def pattern_is_bad(text: str) -> bool:
    """Whether a pattern cannot be read, or could not be matched in linear time."""
    try:
        pattern(text)
    except (ValueError, jsonschema_rs.ValidationError):
        return True
    return False


def _is_in(value: Any, members: tuple[Any, ...]) -> bool:
    return any(same(value, member) for member in members)


def _has_keys(value: Any, names: tuple[str, ...]) -> bool:
    if not isinstance(value, dict):
        return False
    return {normal_key(name) for name in names} <= {normal_key(key) for key in value}


def _contains(value: Any, part: Any) -> bool:
    if isinstance(value, str):
        return isinstance(part, str) and part in value
    return isinstance(value, list) and any(same(member, part) for member in value)


TEST_FUNCTIONS: dict[str, Callable[[Any, Any], bool]] = {
    "exists": lambda value, wanted: (value is not ABSENT) == wanted,
    "equals": lambda value, wanted: value is not ABSENT and same(value, wanted),
    "not_equals": lambda value, wanted: value is ABSENT or not same(value, wanted),
    "in": lambda value, members: value is not ABSENT and _is_in(value, members),
    "not_in": lambda value, members: value is ABSENT or not _is_in(value, members),
    "above": lambda value, bound: is_number(value) and value > bound,
    "below": lambda value, bound: is_number(value) and value < bound,
    "at_least": lambda value, bound: is_number(value) and value >= bound,
    "at_most": lambda value, bound: is_number(value) and value <= bound,
    "matches": lambda value, text: isinstance(value, str) and pattern(text).is_valid(value),
    "starts_with": lambda value, text: isinstance(value, str) and value.startswith(text),
    "ends_with": lambda value, text: isinstance(value, str) and value.endswith(text),
    "contains": _contains,
    "is": lambda value, types: any(TYPE_CHECKS[name](value) for name in types),
    "has_keys": _has_keys,
    "all_in": lambda value, members: (
        isinstance(value, list) and all(_is_in(element, members) for element in value)
    ),
    "signed_with": _signed_with,
}
