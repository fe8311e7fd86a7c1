"""Every part of a JSON text is found where it stands."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.validation.places import Place, Places

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


def pointers(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """Every part with the text that its place must begin with."""
    found = []
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        at = (*path, key)
        shown = json.dumps(key if isinstance(value, dict) else member)
        found.append((at, shown if isinstance(value, dict) else shown[0]))
        if isinstance(member, dict | list):
            found += pointers(member, at)
    return found


@given(st.dictionaries(st.text(max_size=3), JSON), st.sampled_from([None, 0, 2]))
def test_each_part_is_at_its_place(value, indent) -> None:
    text = json.dumps(value, indent=indent)
    places = Places(text)
    lines = text.split("\n")
    for pointer, start in pointers(value):
        place = places.of(pointer)
        assert lines[place.line - 1][place.column - 1 :].startswith(start)


def test_what_is_not_there_is_at_what_contains_it() -> None:
    places = Places('{"a":\n {"b": 1}}')
    assert places.of(["a", "c", 0]) == places.of(["a"]) == Place(1, 2, 1, 5)
    assert places.of(["x"]).line == 1
