"""The traps of YAML are errors that say what to write instead."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from pipeline.mapping.diagnostics import Findings
from pipeline.mapping.source import MAX_BYTES, Map, plain, read_yaml


def read(source):
    findings = Findings()
    node = read_yaml(source, file="m.yaml", findings=findings)
    return node, [
        (item.code, item.span.line, item.span.column, item.message, item.help)
        for item in findings.sorted()
    ]


def codes(source):
    return [(code, line, column) for code, line, column, _, _ in read(source)[1]]


def test_scalars_of_the_core_schema():
    text = """
a: 1
b: -2.50
c: 1e3
d: true
e: False
f: null
g: ~
h:
i: plain text
j: 'on'
k: "0123"
l: '2024-01-02'
m: 1.2.3
n: 12:30
y: 0.1
o: |
  two
  lines
"""
    node, found = read(text)
    assert found == [("M004", 15, 4, "12:30 is a different number to different YAML tools",
                      'write "12:30" for the text, or the plain number')]  # fmt: skip
    node, found = read(text.replace("n: 12:30\n", ""))
    assert found == []
    assert plain(node) == {
        "a": 1, "b": Decimal("-2.50"), "c": Decimal("1000"), "d": True, "e": False, "f": None,
        "g": None, "h": None, "i": "plain text", "j": "on", "k": "0123", "l": "2024-01-02",
        "m": "1.2.3", "y": Decimal("0.1"), "o": "two\nlines\n",
    }  # fmt: skip


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "NO", "Yes", "ON", "oFF"])
def test_words_that_may_be_booleans(word):
    _, found = read(f"a: {word}\n")
    assert found == [
        (
            "M003",
            1,
            4,
            f"{word} without quotes is a boolean to some YAML tools and a text to others",
            f'write "{word}" for the text, or true / false for the boolean',
        )
    ]
    assert codes(f"{word}: 1\n") == [("M003", 1, 1)]
    assert codes(f"'{word}': \"{word}\"\n") == []


@pytest.mark.parametrize(
    "number",
    ["0123", "-07", "0x1f", "0o17", "0b11", "1_000", "1_0.5", "12:30:00", "190:20", ".inf", "-.INF",
     ".nan", "9" * 101],
)  # fmt: skip
def test_numbers_that_are_not_written_as_one(number):
    assert codes(f"a: {number}\n") == [("M004", 1, 4)]
    assert codes(f"a: '{number}'\n") == []


@pytest.mark.parametrize(
    "date", ["2024-01-02", "2024-1-2", "2024-01-02T03:04:05Z", "2024-01-02 03"]
)
def test_bare_dates(date):
    _, found = read(f"a: {date}\n")
    assert found == [
        (
            "M005",
            1,
            4,
            f"{date} without quotes is a date object to some YAML tools",
            f'write "{date}"',
        )
    ]


def test_duplicate_keys_name_both_lines():
    _, found = read("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert found == [
        ("M002", 4, 3, "key 'c' stands here a second time", "the first one is in line 3"),
        ("M002", 5, 1, "key 'a' stands here a second time", "the first one is in line 1"),
    ]


def test_anchors_aliases_merge_keys_and_tags():
    assert codes("a: &x 1\nb: *x\n") == [("M006", 1, 4), ("M006", 2, 4)]
    assert codes("a: {}\nb:\n  <<: {c: 1}\n") == [("M006", 3, 3)]
    assert codes("a: !!str 1\nb: !env SECRET\nc: !!python/object:os.system {}\n") == [
        ("M006", 1, 4), ("M006", 2, 4), ("M006", 3, 4),
    ]  # fmt: skip
    assert "let:" in read("a: &x 1\n")[1][0][4]


def test_a_yaml_bomb_is_refused_at_once():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    started = time.perf_counter()
    found = codes("\n".join(lines))
    assert time.perf_counter() - started < 0.5
    assert {code for code, _, _ in found} == {"M006"}
    assert len(found) == 17


def test_ten_megabytes_are_refused_at_once():
    started = time.perf_counter()
    node, found = read("a: " + "x" * 10_000_000)
    assert time.perf_counter() - started < 0.5
    assert node is None
    assert [code for code, *_ in found] == ["M007"]
    assert f"{MAX_BYTES:,}" in found[0][3]


@pytest.mark.parametrize("text", ["[" * 10_000, "[" * 10_000 + "]" * 10_000, "{a: " * 10_000])
def test_deep_nesting_is_refused(text):
    node, found = read(text)
    assert node is None
    assert [code for code, *_ in found] == ["M007"]


def test_a_hundred_levels_are_allowed():
    assert read("[" * 100 + "]" * 100)[1] == []


def test_tabs():
    node, found = read("a:\n\tb: 1\n")
    assert node is None
    assert [item[:3] for item in found] == [("M001", 2, 1)]
    assert found[0][4] == "YAML is indented with spaces, here is a tab"


def test_several_documents():
    assert codes("a: 1\n---\nb: 2\n") == [("M008", 2, 1)]
    assert codes("---\na: 1\n...\n") == []


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file(text):
    assert codes(text) == [("M008", 1, 1)]


def test_what_is_not_utf_8():
    assert codes("a: 1\nb: ä\n".encode("latin-1")) == [("M001", 2, 4)]
    assert codes("a: 1\n".encode("utf-16")) == [("M001", 1, 1)]
    assert codes(b"\xef\xbb\xbfa: 1\n") == []


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\ufffe"])
def test_control_characters(character):
    _, found = read(f"a: 1\nb: x{character}\n")
    assert [item[:3] for item in found] == [("M001", 2, 5)]
    assert f"U+{ord(character):04X}" in found[0][3]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a: [1, 2\nb: 3\n", 2, 2), ("a: 'x\n", 2, 1), ("a: b: c\n", 1, 5), ("- a\nb: 1\n", 2, 1),
     ("a: @x\n", 1, 4), ("%TAG\n", 1, 5)],
)  # fmt: skip
def test_what_is_no_yaml_says_where(text, line, column):
    assert codes(text) == [("M001", line, column)]


def test_keys_must_be_texts():
    assert codes("? [a]\n: 1\n") == [("M101", 1, 3)]
    assert plain(read("1: a\ntrue: b\n")[0]) == {"1": "a", "true": "b"}


def test_every_node_knows_its_place():
    node, _ = read("a:\n  - x: ä1\n")
    assert isinstance(node, Map)
    entry = node.entries[0].value.items[0].entries[0]
    assert (entry.key_span.line, entry.key_span.column, entry.key_span.end_column) == (2, 5, 6)
    assert (entry.value.span.line, entry.value.span.column, entry.value.span.end_column) == (
        2,
        8,
        10,
    )
