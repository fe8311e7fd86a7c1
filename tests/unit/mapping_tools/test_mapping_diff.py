"""A difference is found whenever two mappings mean different things, and only then."""

from __future__ import annotations

import re

import pytest

from pipeline.mapping.compiler import compile_mapping
from pipeline.mapping.diff import differences, output_changes
from pipeline.mapping.paths import ABSENT
from pipeline.run.mappings import DEFAULT_MAPPING, vocabulary

TEXT = DEFAULT_MAPPING.read_text("utf-8")
WORDS = sorted(
    {match.start() for match in re.finditer(r"\b(traits|properties|context|item)\.\w", TEXT)}
    | {match.start() for match in re.finditer(r"to: (id|text|integer)\b", TEXT)}
)


def plan(text: str):
    return compile_mapping(text, file="m.yaml", vocabulary=vocabulary()).plan


def test_a_mapping_does_not_differ_from_itself() -> None:
    assert differences(plan(TEXT), plan("# a comment\n" + TEXT)) == []


@pytest.mark.parametrize("position", WORDS[::4])
def test_one_changed_word_is_a_difference(position) -> None:
    rest = TEXT[position:]
    if rest.startswith("to: "):
        changed = TEXT[:position] + re.sub(r"to: \w+", "to: boolean", rest, count=1)
    else:
        changed = TEXT[:position] + re.sub(r"\.(\w)", r".x\1", rest, count=1)
    old, new = plan(TEXT), plan(changed)
    assert new is not None
    assert bool(differences(old, new)) == (old.fingerprint != new.fingerprint)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": {"b": 1}}, {"a": {}}, [("a.b", 1, ABSENT)]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [("a[1]", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [("a", [1], [1, 2])]),
    ],
)
def test_outputs_are_compared_part_by_part(old, new, changes) -> None:
    assert output_changes(old, new) == changes
