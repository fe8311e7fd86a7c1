"""Paths: how they are spelled and what they find."""

from __future__ import annotations

import pytest

from pipeline.mapping.paths import (
    ABSENT,
    Every,
    Index,
    Key,
    Path,
    PathSyntaxError,
    lookup,
    parse_path,
)

EVENT = {
    "traits": {
        "last.login": 1,
        "a b": 2,
        'q"t': 3,
        "list": [{"sku": "x", "n": None}, {"sku": "y"}, {}],
        "map": {"one": {"v": 1}, "two": {"v": 2}},
        "Created At": 5,
        "*": 6,
        "0": 7,
    }
}


def find(text):
    path = parse_path(text)
    return lookup(EVENT[path.root], path.segments)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('traits."last.login"', 1),
        ('traits."a b"', 2),
        (r'traits."q\"t"', 3),
        ("traits.list[0].sku", "x"),
        ("traits.list[-1]", {}),
        ("traits.list[-2].sku", "y"),
        ("traits.list.*.sku", ["x", "y"]),
        ("traits.list.*.n", [None]),
        ("traits.map.*.v", [1, 2]),
        ("traits.createdAt", 5),
        ('traits."*"', 6),
        ("traits.0", 7),
        ('traits."Created At"', 5),
    ],
)
def test_what_a_path_finds(text, expected):
    assert find(text) == expected


@pytest.mark.parametrize(
    "text",
    ["traits.list[3]", "traits.list[-4]", "traits.list.sku", "traits.map[0]", "traits.gone.more",
     'traits."createdAt"', "traits.createdAt.*", "traits.createdAt.x"],
)  # fmt: skip
def test_what_leads_nowhere_is_absent(text):
    assert find(text) is ABSENT


@pytest.mark.parametrize(
    ("text", "position"),
    [("", 0), (".a", 0), ("[0]", 0), ("*", 0), ("a..b", 1), ("a.", 1), ("a b", 1), ("a.[0]", 1),
     ("a[x]", 1), ("a[0", 1), ('a."b', 1), ("a.$b", 1), ("a[0]b", 4), ("a.b c", 3), ("a.''", 1)],
)  # fmt: skip
def test_what_is_no_path_says_where(text, position):
    with pytest.raises(PathSyntaxError) as caught:
        parse_path(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "text",
    ["traits", "$who.name", "item[0].*", 'traits."last.login"', '"my root".a', "a.b[-1].*.c"],
)
def test_a_path_is_written_as_it_is_read(text):
    assert str(parse_path(text)) == text
    assert parse_path(str(parse_path(text))) == parse_path(text)


def test_a_key_with_a_quote_is_written_as_it_is_read():
    path = Path("a", (Key('b"c\\', exact=True), Index(1), Every()))
    assert parse_path(str(path)) == path


def test_absent_is_one_thing_even_after_a_copy():
    import copy
    import pickle

    assert copy.deepcopy(ABSENT) is ABSENT
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT
    assert not ABSENT
