"""Steps on whole objects: custom attributes and event metadata as the API wants them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from pipeline.mapping.shapes import SHAPES, Remembered
from pipeline.model import times
from pipeline.model.text import normal_key

Note = Callable[[str], None]

_JSON = msgspec.json.Encoder(decimal_format="number")
_NESTED = frozenset([dict, list])
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _on_object(change: Callable[[dict[str, Any], Any, Note], Any]) -> Callable[..., Any]:
    """A step that changes objects and lets anything else pass."""

    def step(value: Any, args: Any, note: Note) -> Any:
        return change(value, args, note) if isinstance(value, dict) else value

    return step


def is_kept(value: Any, keep: tuple[str, ...]) -> bool:
    """Rich links and amounts of money are objects that the API takes as they are (rule T4)."""
    if not isinstance(value, dict) or len(value) != 2:
        return False
    if "link" in keep and {"url", "value"} == value.keys():
        return all(isinstance(part, str) for part in value.values())
    if "money" in keep and {"amount", "currency"} == value.keys():
        amount = value["amount"]
        return (
            isinstance(amount, int)
            and not isinstance(amount, bool)
            and isinstance(value["currency"], str)
        )
    return False


def renamed(members: Iterable[tuple[str, str, Any]], note: Note) -> dict[str, Any]:
    """An object of (old key, new key, value). Who keeps its key has it; else the first has it."""
    members = list(members)
    own = {new for old, new, _ in members if old == new}
    result: dict[str, Any] = {}
    for old, new, member in members:
        if new in result or (old != new and new in own):
            note("key_taken")
        else:
            result[new] = member
    return result


def _nested(value: dict[str, Any], args: dict[str, Any], note: Note) -> dict[str, Any]:
    if _NESTED.isdisjoint(map(type, value.values())):
        return value
    policies = {normal_key(key): policy for key, policy in args.get("keys", {}).items()}
    separator = args.get("separator", "_")
    members: list[tuple[str, str, Any]] = []
    for key, member in value.items():
        if not isinstance(member, dict | list) or is_kept(member, args.get("keep", ())):
            members.append((key, key, member))
            continue
        policy = policies.get(normal_key(key), args["policy"])
        if policy == "stringify":
            members.append((key, key, _JSON.encode(member).decode()))
        elif policy == "flatten":
            members += ((key, name, leaf) for name, leaf in _leaves(key, member, separator))
        else:
            note("nested_dropped")
    return renamed(members, note)


def _leaves(name: str, value: Any, separator: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(f"{name}{separator}{key}", member, separator)
    elif isinstance(value, list):
        for position, member in enumerate(value):
            yield from _leaves(f"{name}{separator}{position}", member, separator)
    else:
        yield name, value


def _dates(value: dict[str, Any], args: dict[str, Any], note: Note) -> dict[str, Any]:
    moments = {
        key: moment
        for key, member in value.items()
        if isinstance(member, str) and (moment := seconds_of_date(member)) is not None
    }
    if not moments:
        return value
    suffix, unless = args["suffix"], args.get("unless", ())
    return renamed(
        (
            (key, date_key(key, suffix, unless), moments[key])
            if key in moments
            else (key, key, member)
            for key, member in value.items()
        ),
        note,
    )


def seconds_of_date(text: str) -> int | None:
    """Unix seconds of a text that is an ISO 8601 date with nothing around it, else None."""
    if text[4:5] != "-" or text.strip() != text:
        return None
    moment = times.parse_time(text)
    return None if moment is None else moment // times.SECOND


def date_key(key: str, suffix: str, unless: tuple[str, ...]) -> str:
    """``paid`` -> ``paid_at``; ``Paid At``, ``paid-at`` and ``paidAt`` end in the word already."""
    if key.endswith((suffix, *unless)):
        return key
    word = suffix.lstrip("_- ").lower()
    if word and key.lower().endswith((" " + word, "-" + word, "_" + word)):
        return key[: -len(word) - 1] + suffix
    if word and key.endswith(word.capitalize()):
        return key[: -len(word)] + suffix
    return key + suffix


def _keep_keys(value: dict[str, Any], names: tuple[str, ...], note: Note) -> dict[str, Any]:
    kept = {normal_key(name) for name in names}
    return {key: member for key, member in value.items() if normal_key(key) in kept}


def _drop_nulls(value: Any, args: Any, note: Note) -> Any:
    if isinstance(value, dict):
        if None not in value.values():
            return value
        return {key: member for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [member for member in value if member is not None]
    return value


def _booleans(value: dict[str, Any], args: Any, note: Note) -> dict[str, Any]:
    if bool not in map(type, value.values()):
        return value
    return {
        key: ("true" if member else "false") if isinstance(member, bool) else member
        for key, member in value.items()
    }


def _rename_keys(value: dict[str, Any], table: dict[str, Any], note: Note) -> dict[str, Any]:
    names = {normal_key(old): str(new) for old, new in table.items()}
    return renamed(
        ((key, names.get(normal_key(key), key), member) for key, member in value.items()), note
    )


def _key_case(value: dict[str, Any], case: str, note: Note) -> dict[str, Any]:
    return renamed(((key, _in_case(key, case), member) for key, member in value.items()), note)


def _in_case(key: str, case: str) -> str:
    if case == "lower":
        return key.lower()
    words: list[str] = [word.lower() for word in _WORDS.findall(key)]
    if not words:
        return key
    if case == "snake":
        return "_".join(words)
    return words[0] + "".join(word.capitalize() for word in words[1:])


def _clean_keys(value: dict[str, Any], args: dict[str, Any], note: Note) -> dict[str, Any]:
    names = _LEGAL_NAMES[args.get("forbid", ""), args.get("allow"), args.get("with", "_"),
                         args.get("longest")]  # fmt: skip
    if [names[key] for key in value] == list(value) and "" not in value:
        return value
    members = []
    for key, member in value.items():
        name = names[key]
        if name != key or not name.strip():
            note("key_cleaned")
        if name.strip():
            members.append((key, name, member))
    return renamed(members, note)


class _LegalNames(Remembered[str, str]):
    """Keys -> their legal names by one rule; keys repeat from event to event."""

    def __init__(self, forbid: str, allow: str | None, stand_in: str, longest: int | None) -> None:
        super().__init__()
        self._rule = (forbid, allow, stand_in, longest)

    def __missing__(self, key: str) -> str:
        forbidden, allowed, stand_in, longest = self._rule
        letters = (
            stand_in
            if letter in forbidden or not (allowed is None or letter.isalnum() or letter in allowed)
            else letter
            for letter in key
        )
        name = "".join(letters)[:longest]
        self.make_room([key])
        self[key] = name if name.strip() else ""
        return self[key]


class _Rules(dict[tuple[str, str | None, str, int | None], _LegalNames]):
    """Rules of ``clean_keys`` -> the names by that rule."""

    def __missing__(self, rule: tuple[str, str | None, str, int | None]) -> _LegalNames:
        self[rule] = _LegalNames(*rule)
        return self[rule]


_LEGAL_NAMES = _Rules()


def _limit_keys(value: dict[str, Any], args: dict[str, Any], note: Note) -> dict[str, Any]:
    most, wanted = args["most"], (*args.get("first", ()), *args.get("priority", ()))
    if len(value) <= most and not wanted:
        return value
    names = SHAPES[tuple(value)] if wanted else {}
    ahead = [names[name] for name in map(normal_key, wanted) if name in names]
    order = list(dict.fromkeys([*ahead, *value])) if ahead else list(value)
    for _ in order[most:]:
        note("keys_over_limit")
    return {key: value[key] for key in order[:most]}


OBJECT_STEPS: dict[str, Callable[[Any, Any, Note], Any]] = {
    "nested": _on_object(_nested),
    "dates": _on_object(_dates),
    "keep_keys": _on_object(_keep_keys),
    "drop_nulls": _drop_nulls,
    "booleans": _on_object(_booleans),
    "rename_keys": _on_object(_rename_keys),
    "key_case": _on_object(_key_case),
    "clean_keys": _on_object(_clean_keys),
    "limit_keys": _on_object(_limit_keys),
}
