"""Reading fast and reading slowly come to the same, byte for byte of what may come in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.model.jsontext import Malformed, read
from pipeline.model.times import _parse_iso, parse_time
from tests.property import reference_reading as slow

TEXTS = st.text(max_size=6) | st.sampled_from(
    [":", '":', '","', "{", "[[", "a", "b", "\x7f", "\u2028", "/", "\\", "é", "😀", "\b\f\n\r\t"]
)
NUMBERS = st.sampled_from(
    ["0", "-0", "-0.0", "1", "1.0", "1.50", "1e2", "1E+2", "1e-7", "0.0000001", "1e400", "1e401",
     "1E-400", "0e999", "12345678901234567890123", "-9223372036854775809", "18446744073709551616",
     "1.7976931348623157e308", "0.1000000000000000055511151231257827", "9" * 20 + ".5", "01", "1.",
     ".5", "+1", "NaN", "-Infinity", "1e", "--1"]
)  # fmt: skip
BLANKS = st.sampled_from(["", "", "", " ", "\n", "\t ", "\r"])


@st.composite
def written(draw: st.DrawFn, depth: int = 4) -> str:
    """JSON as somebody might write it: any blanks, escapes and repeated keys."""
    kind = draw(st.integers(0, 9 if depth else 5))
    if kind < 2:
        return draw(NUMBERS)
    if kind < 5:
        return draw(literals())
    if kind == 5:
        return draw(st.sampled_from(["null", "true", "false", "[]", "{}"]))
    members = [draw(written(depth - 1)) for _ in range(draw(st.integers(0, 3)))]
    blank = draw(BLANKS)
    if kind < 7:
        return "[" + blank + f",{blank}".join(members) + "]"
    colon = draw(st.sampled_from([":", ":", ":", ": ", " :", "\t:\n"]))
    pairs = [f"{draw(literals())}{colon}{member}" for member in members]
    return "{" + blank + f",{blank}".join(pairs) + blank + "}"


@st.composite
def literals(draw: st.DrawFn) -> str:
    """A text in quotes, now and then with escapes that nobody needs."""
    text = json.dumps(draw(TEXTS), ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 5)) == 0:
        text = text.replace(":", "\\u003a").replace("a", "\\u0061").replace("/", "\\/")
    if draw(st.integers(0, 20)) == 0:
        text = '"\\ud800' + text[1:]
    return text


def same(data: bytes) -> None:
    try:
        expected = repr(slow.read(data))
    except ValueError:
        expected = "refused"
    try:
        found = repr(read(data))
    except Malformed:
        found = "refused"
    assert found == expected


@settings(max_examples=400)
@given(written())
@example('{"a":1,"a":2}')
@example('{"a":":","b":"x","a":2}')
@example('{"x":1E+2,"a":{"b":1,"b":1}}')
@example('{"x":12345678901234567890123,"a":1,"a":1}')
@example('{"\\u0061":1,"a":1}')
@example('{"a":"\\u003a","a":":"}')
@example('{"":1,"":1}')
def test_fast_reading_means_what_slow_reading_means(text: str) -> None:
    same(text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=40))
def test_any_bytes_have_the_same_verdict(data: bytes) -> None:
    same(data)


@given(written(), st.data())
def test_damaged_json_has_the_same_verdict(text: str, data: Any) -> None:
    line = bytearray(text.encode("utf-8", "surrogatepass"))
    place = data.draw(st.integers(0, max(0, len(line) - 1)))
    line[place : place + data.draw(st.integers(0, 2))] = data.draw(
        st.sampled_from([b"", b'"', b"\\", b"{", b"]", b":", b",", b"\xff", b"\x00", b"1"])
    )
    same(bytes(line))


@given(st.lists(st.sampled_from('[{"'), min_size=60, max_size=70), st.booleans())
def test_depth_is_counted_alike(opened: list[str], padded: object) -> None:
    """Arrays and objects in any order, around the limit; a text of brackets is no level."""
    text, ends = "", ""
    for kind in opened:
        if kind == '"':
            text, ends = text + '["[{",', "]" + ends
        else:
            text, ends = (
                text + ("[" if kind == "[" else '{"k":'),
                ("]" if kind == "[" else "}") + ends,
            )
    same((text + "1" + ends + " " * bool(padded)).encode())


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
))  # fmt: skip
def test_what_is_written_compactly_is_read_exactly(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    same(text.encode())


DIGITS = st.sampled_from("0123456789")
SCRIPT_TIMES = st.builds(
    lambda digits, signs: "".join(
        f"{''.join(digits[a:b])}{sign}"
        for (a, b), sign in zip(
            [(0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14), (14, 17)], signs, strict=True
        )
    ),
    st.lists(DIGITS, min_size=17, max_size=17),
    st.tuples(*(st.sampled_from(sign * 8 + other) for sign, other in
                zip("--T::.Z", ["W/", "W/", "t ", ".", ".", ",", "z0"], strict=True))),
)  # fmt: skip


@settings(max_examples=500)
@given(SCRIPT_TIMES)
@example("2024-02-29T23:59:60.000Z")
@example("2023-02-29T00:00:00.000Z")
@example("2024-W01-1T00:00:00.000Z")
@example("2024-01-01T24:00:00.000Z")
@example("0001-01-01T00:00:00.000Z")
@example("9999-12-31T23:59:59.999Z")
def test_the_short_way_for_times_comes_to_the_same_as_the_long_one(text: str) -> None:
    if text[4] == "-":
        assert parse_time(text) == _parse_iso(text)


def test_numbers_keep_their_digits_whatever_way_they_were_checked() -> None:
    value = read(b'{"a":19.90,"b":1E+2,"c":123456789012345678901234}')
    assert repr(value) == repr(
        {"a": Decimal("19.90"), "b": Decimal("1E+2"), "c": 123456789012345678901234}
    )
