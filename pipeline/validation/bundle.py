"""Making one self-contained schema out of files that refer to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

_ANNOTATIONS = frozenset(
    {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"}
)
_FILE_KEYS = frozenset({"$id", "$schema", "$defs", "$comment"})
_UNSUPPORTED = ("$dynamicRef", "$dynamicAnchor", "$anchor", "$recursiveRef")
_VALUES = frozenset({"const", "enum", "examples", "default"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})


def bundle(name: str, load: Callable[[str], Any]) -> Any:
    """The schema of a file with every ``$ref`` replaced by what it refers to.

    Args:
        name: The file to start from, as ``load`` knows it.
        load: Gives the decoded schema of a file; references name files the same way.

    Raises:
        ConfigurationError: A reference leads nowhere, or back to itself.
    """
    return _Bundler(load).inline(load(name), name, ())


class _Bundler:
    def __init__(self, load: Callable[[str], Any]) -> None:
        self._load = load

    def inline(self, node: Any, name: str, trail: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [self.inline(each, name, trail) for each in node]
        if not isinstance(node, dict):
            return node
        for keyword in _UNSUPPORTED:
            if keyword in node:
                message = f"{name}: {keyword} is not supported, use $ref"
                raise ConfigurationError(message)
        own = {
            key: self._member(key, value, name, trail)
            for key, value in node.items()
            if key not in _FILE_KEYS and key != "$ref"
        }
        if "$ref" not in node:
            return own
        target = self._follow(node["$ref"], name, trail)
        if isinstance(target, dict) and own.keys() <= _ANNOTATIONS:
            return {**target, **own}
        return {**own, "allOf": [target, *own.get("allOf", [])]}

    def _member(self, key: str, value: Any, name: str, trail: tuple[str, ...]) -> Any:
        if key in _VALUES:
            return value
        if key in _NAMED and isinstance(value, dict):
            return {each: self.inline(inner, name, trail) for each, inner in value.items()}
        return self.inline(value, name, trail)

    def _follow(self, reference: str, name: str, trail: tuple[str, ...]) -> Any:
        file, _, pointer = reference.partition("#")
        file = file or name
        place = f"{file}#{pointer}"
        if place in trail:
            message = f"{name}: the reference {reference} leads back to itself"
            raise ConfigurationError(message)
        node = self._load(file)
        for step in pointer.split("/")[1:] if pointer else ():
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and key in node:
                node = node[key]
            elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
                node = node[int(key)]
            else:
                message = f"{name}: the reference {reference} leads nowhere"
                raise ConfigurationError(message)
        if pointer and not pointer.startswith("/"):
            message = f"{name}: the reference {reference} does not start with #/"
            raise ConfigurationError(message)
        return self.inline(node, file, (*trail, place))
