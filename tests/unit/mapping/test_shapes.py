"""What is learnt of keys takes little memory, whatever keys events have."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.mapping import shapes
from pipeline.mapping.objects import _LegalNames
from pipeline.mapping.plan import Place, Step
from pipeline.mapping.recipes import Reshape
from pipeline.mapping.shapes import FoundKeys, KeptKeys, Shapes

ROOM = 100_000


def reshape() -> Reshape:
    return Reshape([Step("drop_nulls", args=True, place=Place(1, 1))])


def use(place: Any, keys: tuple[str, ...]) -> None:
    if isinstance(place, Reshape):
        place(dict.fromkeys(keys, 1), keys, (), [])
    elif isinstance(place, KeptKeys):
        place[(keys,)]
    elif isinstance(place, _LegalNames):
        for key in keys:
            place[key]
    else:
        place[keys]


@pytest.mark.parametrize(
    "make",
    [Shapes, FoundKeys, lambda: KeptKeys(frozenset(), ()), reshape,
     lambda: _LegalNames("$", None, "_", None)],
    ids=["shapes", "found", "kept", "recipes", "names"],
)  # fmt: skip
@pytest.mark.parametrize("length", [1, 5000], ids=["many keys", "long keys"])
def test_objects_with_ever_new_keys_fill_no_memory(
    make: Any, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "ROOM", ROOM)
    place = make()
    count = 100 if length == 1 else 1
    for number in range(100):
        use(place, tuple(f"{number} {key}" + "x" * length for key in range(count)))
        held = sum(len(key) + 100 for keys in place for key in _texts(keys))
        assert held <= ROOM


def _texts(keys: Any) -> list[str]:
    if isinstance(keys, str):
        return [keys]
    return [text for part in keys for text in _texts(part)]


def test_what_was_learnt_is_known_as_long_as_there_is_room() -> None:
    place = Shapes()
    assert place["a", "B"] is place["a", "B"]
