from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.event import EVENT_TYPES, Event
from pipeline.model.times import is_iso_date_text, parse_time
from pipeline.validation.reference import ReferenceValidator
from pipeline.validation.registry import SchemaSet, default_directory
from pipeline.validation.validator import Validator

SCHEMAS = SchemaSet.load()
FAST = Validator(SCHEMAS)
REFERENCE = ReferenceValidator(SCHEMAS)
EXAMPLES = [
    json.loads(path.read_bytes(), parse_float=Decimal)
    for path in sorted((default_directory() / "events/examples/valid").glob("*.json"))
]
KEYS = sorted({key for example in EXAMPLES for key in example} | {"receivedAt", "sentAt"})

times = st.builds(
    "{}{}{}".format,
    st.sampled_from(["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0000-01-01",
                     "2024-04-31", "2024-13-01", "2024-1-1", "0001-02-03", "9999-12-30"]),
    st.sampled_from(["", "T10:11", " 10:11:60", "t23:59:59.123456789", "T24:00", "T1:1",
                     "T10:11:12."]),
    st.sampled_from(["", "Z", "z", "+05:30", "-0800", "+24:00", "\n", " "]),
)  # fmt: skip
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 10**400, -(10**18), 253402300799999, 253402300800000, -62135596801]),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    times,
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ip", "active", "traits", "All", "x y"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> Event:
    """A valid event after up to three changes."""
    body = json.loads(json.dumps(draw(st.sampled_from(EXAMPLES)), default=float))
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(KEYS))
        inner = body.get(key)
        if draw(st.booleans()) and isinstance(inner, dict):
            inner[draw(st.sampled_from(["ip", "active", "traits", "All", "x y"]))] = draw(values)
        elif draw(st.booleans()):
            body.pop(key, None)
        else:
            body[key] = draw(values)
    kind = draw(st.sampled_from(EVENT_TYPES)) if draw(st.integers(0, 9)) == 0 else body.get("type")
    return Event(kind if kind in EVENT_TYPES else "track", "m", 0, body, b"", "test")


@given(mutated())
def test_both_validators_give_the_same_verdict_and_words(event: Event) -> None:
    assert FAST.check(event) == REFERENCE.check(event)


@given(times | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,9}Z?)?", fullmatch=True))
def test_the_schema_and_the_reader_agree_on_time_text(text: str) -> None:
    event = Event("page", "m", 0, {"type": "page", "timestamp": text}, b"", "test")
    valid = FAST.check(event) == ()
    assert valid == is_iso_date_text(text)


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False))
def test_every_number_that_is_a_valid_timestamp_can_be_read(number: int | Decimal) -> None:
    event = Event("page", "m", 0, {"type": "page", "timestamp": number}, b"", "test")
    assert FAST.check(event) != () or parse_time(number) is not None
