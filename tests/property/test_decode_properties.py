from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.decode import decode_line
from pipeline.model.event import EVENT_TYPES, Event, Rejected
from pipeline.model.jsontext import Malformed, read

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["type", "batch", ":", '"', "\\", "a:b", "{", "[["]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
bodies = st.fixed_dictionaries(
    {"type": st.sampled_from(EVENT_TYPES)},
    optional={
        "messageId": texts | st.integers(),
        "timestamp": st.sampled_from(["2024-01-02", 1704153600, "soon", None]),
        "context": values,
        "batch": values,
        "properties": values,
    },
)
members = bodies | values
envelopes = st.dictionaries(
    st.sampled_from(["context", "sentAt", "integrations", "a:b", "\u007f"]), values, max_size=3
)
layouts = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
    }
)


def decode(line: bytes, origin: str = "x") -> list[Event | Rejected]:
    return decode_line(line, origin=origin, now=7)


def same(first: Event | Rejected, second: Event | Rejected) -> bool:
    """Equal but for the origin, with the type of every number."""

    def parts(one: Event | Rejected) -> str:
        return repr([getattr(one, name) for name in one.__slots__ if name != "origin"])

    return type(first) is type(second) and parts(first) == parts(second)


@given(bodies, layouts)
def test_an_event_is_read_as_it_was_written(body: dict[str, Any], layout: dict[str, Any]) -> None:
    line = json.dumps(body, **layout).encode()
    if isinstance(body.get("batch"), list):
        return
    (event,) = decode(line)
    assert isinstance(event, Event)
    assert event.raw == line
    assert event.body == json.loads(line, parse_float=Decimal)


@given(st.lists(members, max_size=4), envelopes, layouts, st.booleans())
def test_raw_read_again_gives_the_same_event(
    batch: list[Any], envelope: dict[str, Any], layout: dict[str, Any], last: object
) -> None:
    whole = {**envelope, "batch": batch} if last else {"batch": batch, **envelope}
    found = decode(json.dumps(whole, **layout).encode())
    assert len(found) == len(batch)
    for one in found:
        (again,) = decode(one.raw)
        assert same(one, again)


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    for one in decode(data):
        assert isinstance(one, Event | Rejected)


@given(st.lists(members, max_size=3), envelopes, st.data())
def test_no_damaged_line_raises(batch: list[Any], envelope: dict[str, Any], data: Any) -> None:
    line = bytearray(json.dumps({"batch": batch, **envelope}).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(line) - 1))
        line[place : place + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from(
                [b"", b'"', b"\\", b"{", b"]", b":", b"\xff", b"NaN", b"1e999", b"\\ud800"]
            )
        )
    for one in decode(bytes(line)):
        (again,) = decode(one.raw)
        assert same(one, again)


@given(values, st.data())
def test_every_duplicated_key_is_found_and_no_other(value: Any, data: Any) -> None:
    duplicates = 0

    def write(one: Any) -> str:
        nonlocal duplicates
        if isinstance(one, list):
            return "[" + ",".join(map(write, one)) + "]"
        if not isinstance(one, dict):
            return json.dumps(one, ensure_ascii=data.draw(st.booleans()))
        pairs = list(one.items())
        if pairs and data.draw(st.integers(0, 4)) == 0:
            duplicates += 1
            pairs.append((pairs[0][0], data.draw(values)))
        escaped = data.draw(st.booleans())
        keys = [json.dumps(key).replace(":", "\\u003a" if escaped else ":") for key, _ in pairs]
        return (
            "{" + ",".join(f"{k}:{write(v)}" for k, (_, v) in zip(keys, pairs, strict=True)) + "}"
        )

    text = write(value).encode()
    if duplicates:
        with pytest.raises(Malformed, match="more than once"):
            read(text)
    else:
        read(text)
