"""Which changes of a schema refuse events that were valid, or take away what others read.

A change that is not understood counts as breaking. One thing is forgiven because everybody adds
optional properties: a new property may be stricter than nothing at all.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.model.jsontext import show
from pipeline.validation.bundle import bundle
from pipeline.validation.checking import decoded
from pipeline.validation.places import Fault, Places, Pointer, Rules

RULES: Rules = {
    "S201": (
        "a property or a schema was removed",
        "Who reads the property would find it undescribed, or refused where the object is closed.",
        "Keep it, with `deprecated: true`, or publish a new version.",
    ),
    "S202": (
        "a property is newly required",
        "Events of senders that do not know of it are refused from now on.",
        "Leave it optional, or publish a new version.",
    ),
    "S203": (
        "a type was narrowed",
        "Values of the type that went are refused from now on.",
        "Keep the old type beside the new one.",
    ),
    "S204": (
        "an allowed value was removed",
        "Events with this value are refused from now on.",
        "Keep the value.",
    ),
    "S205": (
        "a bound was tightened",
        "Values between the old and the new bound are refused from now on.",
        "Keep the old bound.",
    ),
    "S206": (
        "an object was closed",
        "Events with members that are not described are refused from now on.",
        "Leave additionalProperties as it was.",
    ),
    "S207": (
        "a format or a pattern was added or changed",
        "Texts that do not fit it are refused from now on.",
        "Leave the text free, or publish a new version.",
    ),
    "S208": (
        "a breaking change without a new version",
        "Others tell versions of a schema apart by its $id or its x-version.",
        "Raise the version in $id or in x-version.",
    ),
    "S209": (
        "a change that cannot be shown to be harmless",
        "The keyword combines schemas, and the new combination may refuse what the old one took.",
        "Make the change in steps that the other rules understand, or publish a new version.",
    ),
}

_TYPES = frozenset(["null", "boolean", "object", "array", "string", "number", "integer"])
_AT_LEAST = ("minLength", "minItems", "minProperties", "minContains")
_AT_MOST = ("maxLength", "maxItems", "maxProperties", "maxContains")
_OPAQUE = (
    "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "contains", "propertyNames",
    "dependentRequired", "dependentSchemas", "patternProperties", "prefixItems",
    "unevaluatedProperties", "unevaluatedItems",
)  # fmt: skip

Break = tuple[str, Pointer, str]
"""(code, where in the new schema, what changed)."""


def breaking(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, Fault]]:
    """Every breaking change between two sets of schema files, as (file, what and where).

    Args:
        old: File name -> text.
        new: The same later. Files that are only here break nothing.
    """
    before, after = _Schemas(old), _Schemas(new)
    for file in sorted(old):
        if file not in new:
            yield file, Fault("S201", Places("{}").of(()), "this schema was removed")
            continue
        was, _ = decoded(old[file])
        now, unreadable = decoded(new[file])
        if unreadable:
            yield file, unreadable[0]
            continue
        places = Places(new[file])
        compare = _Comparison(before.resolver(file), after.resolver(file))
        found = list(dict.fromkeys(compare.schemas(was, now, ())))
        for code, pointer, message in found:
            yield file, Fault(code, places.of(pointer), message)
        if found and _version(was) == _version(now):
            message = "the schema breaks with the old one, but its version is the same"
            yield file, Fault("S208", places.of(["$id"]), message, "raise $id or x-version")


def _version(schema: Any) -> tuple[Any, ...]:
    return tuple(schema.get(key) for key in ("$id", "x-version", "version"))


class _Schemas:
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def resolver(self, file: str) -> Callable[[str], Any]:
        """Gives the self-contained schema that a reference in ``file`` leads to, or None."""
        folder, own = posixpath.split(file)

        def load(name: str) -> Any:
            if name == "":
                return {"$ref": wanted[-1]}
            path = posixpath.join(folder, name)
            if path not in self._texts:
                message = f"there is no {path}"
                raise ConfigurationError(message)
            return decoded(self._texts[path])[0]

        wanted: list[str] = []

        def resolve(reference: str) -> Any:
            wanted.append(own + reference if reference.startswith("#") else reference)
            try:
                return bundle("", load)
            except (ConfigurationError, RecursionError):
                return None

        return resolve


class _Comparison:
    def __init__(self, was: Callable[[str], Any], now: Callable[[str], Any]) -> None:
        self._was = was
        self._now = now

    def schemas(self, old: Any, new: Any, at: Pointer) -> Iterator[Break]:
        """What of ``old`` is refused by ``new``."""
        if new is True or old is False or _same(old, new):
            return
        if new is False:
            yield "S203", at, "nothing is allowed here any more"
            return
        old = {} if old is True else old
        if old.get("$ref") != new.get("$ref"):
            old, new = _without_ref(old, self._was), _without_ref(new, self._now)
            if old is None or new is None:
                yield "S209", (*at, "$ref"), "the reference leads to another schema"
                return
        yield from _types(old, new, at)
        yield from _values(old, new, at)
        yield from _bounds(old, new, at)
        yield from _texts(old, new, at)
        yield from self._members(old, new, at)
        yield from self._nested(old, new, at)
        for keyword in _OPAQUE:
            if keyword in new and not (keyword in old and _same(old[keyword], new[keyword])):
                yield "S209", (*at, keyword), f"{keyword} is not what it was"
        gone = "patternProperties" in old and "patternProperties" not in new
        if gone or ("prefixItems" in old and "prefixItems" not in new):
            yield "S209", at, "members that had their own schema fall under another one"

    def _members(self, old: Any, new: Any, at: Pointer) -> Iterator[Break]:
        required = new.get("required", [])
        for place, name in enumerate(required):
            if name not in old.get("required", []):
                yield "S202", (*at, "required", place), f"{show(name)} is required now"
        was, now = old.get("properties", {}), new.get("properties", {})
        rest_was = old.get("additionalProperties", True)
        for name in was:
            if name not in now:
                yield "S201", (*at, "properties"), f"the property {show(name)} was removed"
        for name, schema in now.items():
            inner = (*at, "properties", name)
            if name in was:
                yield from self.schemas(was[name], schema, inner)
            elif rest_was is not True and rest_was != {}:
                yield from self.schemas(rest_was, schema, inner)
        rest_now = new.get("additionalProperties", True)
        if rest_was in (True, {}) and rest_now not in (True, {}):
            message = "members that are not described were allowed"
            yield "S206", (*at, "additionalProperties"), message
        else:
            yield from self.schemas(rest_was, rest_now, (*at, "additionalProperties"))

    def _nested(self, old: Any, new: Any, at: Pointer) -> Iterator[Break]:
        if "items" in new:
            yield from self.schemas(old.get("items", True), new["items"], (*at, "items"))
        defs = new.get("$defs", {})
        for name, schema in old.get("$defs", {}).items():
            if name in defs:
                yield from self.schemas(schema, defs[name], (*at, "$defs", name))


def _without_ref(schema: Any, resolve: Callable[[str], Any]) -> Any:
    """The schema with what it refers to in place; None where that cannot be said."""
    if "$ref" not in schema:
        return schema
    target = resolve(schema["$ref"])
    own = {key: value for key, value in schema.items() if key != "$ref"}
    if not isinstance(target, dict) or own.keys() & target.keys() - {"description", "title"}:
        return None
    return {**target, **own}


def _types(old: Any, new: Any, at: Pointer) -> Iterator[Break]:
    was, now = _allowed_types(old), _allowed_types(new)
    lost = was - now
    if "number" in now:
        lost -= {"integer"}
    if lost:
        listed = ", ".join(sorted(lost))
        yield "S203", (*at, "type"), f"no longer allowed: {listed}"


def _allowed_types(schema: Any) -> frozenset[str]:
    given = schema.get("type")
    if given is None:
        return _TYPES
    return frozenset([given] if isinstance(given, str) else given)


def _values(old: Any, new: Any, at: Pointer) -> Iterator[Break]:
    was, now = _allowed_values(old), _allowed_values(new)
    keyword = "const" if "const" in new else "enum"
    if now is None:
        return
    if was is None:
        yield "S204", (*at, keyword), "any value was allowed, now only some are"
        return
    for value in was:
        if not any(_same(value, other) for other in now):
            yield "S204", (*at, keyword), f"{show(value)} is no longer allowed"


def _allowed_values(schema: Any) -> list[Any] | None:
    """The values that ``const`` and ``enum`` allow together; None where any is."""
    values: list[Any] | None = schema.get("enum")
    if "const" not in schema:
        return values
    only = schema["const"]
    return [only] if values is None or any(_same(only, value) for value in values) else []


def _same(left: Any, right: Any) -> bool:
    """Equality of JSON: 1 and 1.0 are one number, but true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _bounds(old: Any, new: Any, at: Pointer) -> Iterator[Break]:
    for keyword in (*_AT_LEAST, *_AT_MOST):
        value, sign = new.get(keyword), 1 if keyword in _AT_LEAST else -1
        was = old.get(keyword, 0 if sign == 1 and keyword != "minContains" else None)
        if value is not None and (was is None or sign * value > sign * was):
            yield "S205", (*at, keyword), _bound_message(keyword, old.get(keyword), value)
    for sign, closed, opened in (
        (1, "minimum", "exclusiveMinimum"),
        (-1, "maximum", "exclusiveMaximum"),
    ):
        lowest, is_open = _bound(old, sign, closed, opened)
        for keyword in (closed, opened):
            value = new.get(keyword)
            if value is None:
                continue
            holds = lowest is not None and (
                sign * lowest > sign * value or (lowest == value and (keyword == closed or is_open))
            )
            if not holds:
                yield "S205", (*at, keyword), _bound_message(keyword, old.get(keyword), value)
    step, was_step = new.get("multipleOf"), old.get("multipleOf")
    if step is not None and (was_step is None or Decimal(str(was_step)) % Decimal(str(step))):
        yield "S205", (*at, "multipleOf"), _bound_message("multipleOf", was_step, step)
    if new.get("uniqueItems") and not old.get("uniqueItems"):
        yield "S205", (*at, "uniqueItems"), "items that are equal were allowed"


def _bound(schema: Any, sign: int, closed: str, opened: str) -> tuple[Any, bool]:
    """The bound that decides, and whether it is itself left out."""
    bounds = [
        (sign * schema[name], name == opened, schema[name])
        for name in (closed, opened)
        if name in schema
    ]
    if not bounds:
        return None, False
    _, is_open, value = max(bounds)
    return value, is_open


def _bound_message(keyword: str, old: Any, new: Any) -> str:
    return f"{keyword} is {show(new)}, it was {'not there' if old is None else show(old)}"


def _texts(old: Any, new: Any, at: Pointer) -> Iterator[Break]:
    for keyword in ("format", "pattern"):
        if keyword in new and new[keyword] != old.get(keyword):
            was = f"it was {show(old[keyword])}" if keyword in old else "it was not there"
            yield "S207", (*at, keyword), f"{keyword} is {show(new[keyword])}, {was}"
