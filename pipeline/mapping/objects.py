"""Steps on whole objects: custom attributes and event metadata as the API wants them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pipeline.model import times
from pipeline.model.text import normal_key

Note = Callable[[str], None]

_JSON = msgspec.json.Encoder(decimal_format="number")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _on_object(change: Callable[[dict[str, Any], Any, Note], Any]) -> Callable[..., Any]:
    """A step that changes objects and lets anything else pass."""

    def step(value: Any, args: Any, note: Note) -> Any:
        return change(value, args, note) if isinstance(value, dict) else value

    return step


def _is_kept(value: Any, keep: tuple[str, ...]) -> bool:
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


def _nested(value: dict[str, Any], args: dict[str, Any], note: Note) -> dict[str, Any]:
    policies = {normal_key(key): policy for key, policy in args.get("keys", {}).items()}
    separator = args.get("separator", "_")
    result: dict[str, Any] = {}
    for key, member in value.items():
        if not isinstance(member, dict | list) or _is_kept(member, args.get("keep", ())):
            result[key] = member
            continue
        policy = policies.get(normal_key(key), args["policy"])
        if policy == "stringify":
            result[key] = _JSON.encode(member).decode()
        elif policy == "flatten":
            for name, leaf in _leaves(key, member, separator):
                result.setdefault(name, leaf)
        else:
            note("nested_dropped")
    return result


def _leaves(name: str, value: Any, separator: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(f"{name}{separator}{key}", member, separator)
    elif isinstance(value, list):
        for position, member in enumerate(value):
            yield from _leaves(f"{name}{separator}{position}", member, separator)
    else:
        yield name, value


def _dates(value: dict[str, Any], suffix: str, note: Note) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, member in value.items():
        if isinstance(member, str) and times.is_iso_date_text(member):
            moment = times.parse_time(member)
            if moment is not None:
                result[_date_key(key, suffix)] = times.seconds(moment)
                continue
        result[key] = member
    return result


def _date_key(key: str, suffix: str) -> str:
    """The key with the suffix, unless it ends in it, or in its word: ``signupAt``."""
    word = suffix.lstrip("_")
    if key.endswith((suffix, word.capitalize())):
        return key
    if key.lower().endswith((" " + word, "-" + word)):
        return key[: -len(word) - 1] + suffix
    return key + suffix


def _drop_nulls(value: Any, args: Any, note: Note) -> Any:
    if isinstance(value, dict):
        return {key: member for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [member for member in value if member is not None]
    return value


def _booleans(value: dict[str, Any], args: Any, note: Note) -> dict[str, Any]:
    return {
        key: ("true" if member else "false") if isinstance(member, bool) else member
        for key, member in value.items()
    }


def _rename_keys(value: dict[str, Any], table: dict[str, Any], note: Note) -> dict[str, Any]:
    return {str(table.get(key, key)): member for key, member in value.items()}


def _key_case(value: dict[str, Any], case: str, note: Note) -> dict[str, Any]:
    return {_in_case(key, case): member for key, member in value.items()}


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
    table = str.maketrans(dict.fromkeys(args["forbid"], args.get("with", "_")))
    longest = args.get("longest")
    result: dict[str, Any] = {}
    for key, member in value.items():
        name = key.translate(table)[:longest]
        if name != key:
            note("key_cleaned")
        if name.strip() and name not in result:
            result[name] = member
    return result


def _limit_keys(value: dict[str, Any], args: dict[str, Any], note: Note) -> dict[str, Any]:
    if len(value) <= args["most"] and not args.get("first") and not args.get("priority"):
        return value
    names = {normal_key(key): key for key in reversed(value)}
    wanted = [*args.get("first", ()), *args.get("priority", ())]
    ahead = [names[normal_key(name)] for name in wanted if normal_key(name) in names]
    order = list(dict.fromkeys([*ahead, *value]))
    for _ in order[args["most"] :]:
        note("keys_over_limit")
    return {key: value[key] for key in order[: args["most"]]}


OBJECT_STEPS: dict[str, Callable[[Any, Any, Note], Any]] = {
    "nested": _on_object(_nested),
    "dates": _on_object(_dates),
    "drop_nulls": _drop_nulls,
    "booleans": _on_object(_booleans),
    "rename_keys": _on_object(_rename_keys),
    "key_case": _on_object(_key_case),
    "clean_keys": _on_object(_clean_keys),
    "limit_keys": _on_object(_limit_keys),
}
