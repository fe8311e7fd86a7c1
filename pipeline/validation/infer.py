"""Drafts schemas of properties from real events: what was seen, how often, and never any value."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from pipeline.model.times import is_iso_date_text
from pipeline.validation.checking import DIALECT

_ORDER = ("null", "boolean", "integer", "number", "string", "array", "object")


class Shape:
    """What the values in one place have in common; learns from one value after the other."""

    def __init__(self) -> None:
        self.count = 0
        self.types: Counter[str] = Counter()
        self.members: dict[str, Shape] = {}
        self.items: Shape | None = None
        self._dates = 0

    def learn(self, value: Any) -> None:
        """Take one more value into account."""
        self.count += 1
        kind = _type(value)
        self.types[kind] += 1
        if isinstance(value, dict):
            for name, member in value.items():
                self.members.setdefault(name, Shape()).learn(member)
        elif isinstance(value, list):
            for item in value:
                self.items = self.items or Shape()
                self.items.learn(item)
        elif isinstance(value, str) and is_iso_date_text(value):
            self._dates += 1

    def schema(self, *, of: int | None = None) -> dict[str, Any]:
        """A schema that takes every value seen; ``of`` is how many there could have been."""
        types = [kind for kind in _ORDER if self.types[kind]]
        if "number" in types and "integer" in types:
            types.remove("integer")
        schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
        if of is not None:
            schema["description"] = f"Seen in {self.count} of {of} events."
        if self._dates and self._dates == self.types["string"]:
            schema["description"] = f"{schema.get('description', '')} A date.".strip()
        if self.members:
            schema["properties"] = {
                name: member.schema(of=self.types["object"])
                for name, member in sorted(self.members.items())
            }
            always = [
                name
                for name, member in sorted(self.members.items())
                if member.count == self.types["object"]
            ]
            if always:
                schema["required"] = always
        if self.items is not None:
            schema["items"] = self.items.schema()
        return schema


class Draft:
    """The properties of track events, by event name."""

    def __init__(self) -> None:
        self.shapes: dict[str, Shape] = {}

    def learn(self, name: str, properties: Any) -> None:
        """Take one event into account; properties that are missing are no properties."""
        shape = self.shapes.setdefault(name, Shape())
        shape.learn(properties if isinstance(properties, dict) else {})

    def schemas(self) -> dict[str, dict[str, Any]]:
        """Event name -> the draft of the schema of its properties, most frequent first."""
        ranked = sorted(self.shapes.items(), key=lambda item: (-item[1].count, item[0]))
        return {name: _tracking_schema(name, shape) for name, shape in ranked}


def _tracking_schema(name: str, shape: Shape) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "title": name,
        "description": f"Properties of the event, drafted from {shape.count} events.",
        "x-event": name,
        **shape.schema(),
    }


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Decimal | float):
        return "integer" if value == int(value) else "number"
    names: dict[type, str] = {int: "integer", str: "string", list: "array", dict: "object"}
    return names[type(value)]
