"""Mappings of many rules, tracking plans of many events, and the events that fit them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.benchmarks.events import events

_HEAD = """\
version: 1
name: generated
destination: intercom
person:
  user_id: {pick: userId, to: id}
rules:
"""
_RULE = """\
  - name: rule {number}
    when: {when}
    do:
      - operation: submit_event
        fields:
          event_name: {{const: name-{number}}}
          created_at: $time
          metadata:
            object:
              plan: {{pick: properties.plan, must_be: text}}
              quantity: {{pick: properties.quantity, to: integer}}
              coupon: {{pick: properties.coupon, must_be: text, trim: true}}
"""
_BY_NAME = '{{event: "Name {number}"}}'
_BY_VARIANT = "{{all: [{{event: Name}}, {{pick: properties.variant, equals: v{number}}}]}}"


def rules_for_names(count: int) -> str:
    """A mapping with a rule for each of ``count`` event names: Name 0, Name 1 ..."""
    return _rules(count, _BY_NAME)


def rules_for_one_name(count: int) -> str:
    """A mapping with ``count`` rules for one event name, told apart by a property."""
    return _rules(count, _BY_VARIANT)


def _rules(count: int, when: str) -> str:
    made = (_RULE.format(number=n, when=when.format(number=n)) for n in range(count))
    return _HEAD + "".join(made)


def tracks(count: int) -> list[dict[str, Any]]:
    """``count`` track events of the benchmarks' kind."""
    # Six of ten events are tracks; twice as many and a few have enough of them.
    drawn = (orjson.loads(line) for line in events(2 * count + 100))
    found = [event for event in drawn if event["type"] == "track"]
    return found[:count]


def spread_over_names(found: Sequence[dict[str, Any]], names: int) -> list[bytes]:
    """The same events under ``names`` names, each as often as the others, in no order."""
    dice = random.Random(names)
    return [
        orjson.dumps({**event, "event": f"Name {number}"})
        for event, number in zip(found, _shuffled(dice, len(found), names), strict=True)
    ]


def spread_over_variants(found: Sequence[dict[str, Any]], variants: int) -> list[bytes]:
    """The same events under one name, with a property that tells ``variants`` kinds apart."""
    dice = random.Random(variants)
    lines = []
    for event, number in zip(found, _shuffled(dice, len(found), variants), strict=True):
        properties = {**event["properties"], "variant": f"v{number}"}
        lines.append(orjson.dumps({**event, "event": "Name", "properties": properties}))
    return lines


def _shuffled(dice: random.Random, count: int, numbers: int) -> list[int]:
    drawn = [place % numbers for place in range(count)]
    dice.shuffle(drawn)
    return drawn


def write_event_schemas(directory: Path, count: int) -> None:
    """A tracking plan that describes Name 0, Name 1 ... each with eight properties."""
    directory.mkdir()
    for number in range(count):
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "x-event": f"Name {number}",
            "type": "object",
            "properties": {
                "plan": {"enum": ["free", "starter", "team", "business", "enterprise"]},
                "quantity": {"type": "integer", "minimum": 1},
                "price": {"type": "number", "minimum": 0},
                "coupon": {"type": "string", "maxLength": 40},
                "order_id": {"type": "string", "pattern": "^ord_[0-9]+$"},
                "gift": {"type": "boolean"},
                "products": {"type": "array", "items": {"type": "object", "required": ["id"]}},
                "revenue": {"type": "number", "exclusiveMinimum": 0},
            },
        }
        (directory / f"{number}.schema.json").write_text(json.dumps(schema))
