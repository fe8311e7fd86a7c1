"""Arbitrary JSON and arbitrary events, with a liking for what mappings look at."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pipeline.model.event import EVENT_TYPES, Event

TEXTS = st.text(max_size=12)
DECIMALS = st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9
)
DATES = st.sampled_from(
    ["2024-01-02", "2024-02-29T23:59:60Z", "2018-03-26T17:44:51+02:00", "2024", "1/2/2024",
     "Mon Mar 26 2018 17:44:51 GMT+0000 (UTC)", "1522086291", "2024-13-01"],
)  # fmt: skip
LONG_TEXTS = st.builds(
    lambda text, times: text * times, st.text(min_size=1, max_size=3), st.integers(80, 200)
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    DECIMALS,
    TEXTS,
    DATES,
    LONG_TEXTS,
    st.sampled_from(["ada@example.com", "$19.99", "https://example.com/a.png", "", "EUR"]),
)
READ_BY_RULES = """
    email name firstName lastName phone phones avatar createdAt created company companies id remove
    plan monthly_spend size revenue currency total price Price lastRequestAt a.b a_b signup_at url
    value amount traits Intercom user_hash active unsubscribed consent categoryPreferences library
"""
KEYS = st.one_of(TEXTS, st.sampled_from([*READ_BY_RULES.split(), "signup at", "Created At"]))
"""Keys of traits and properties: anything, or one of those that rules read."""

JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=5,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=5)
IDS = st.one_of(st.sampled_from(["u1", "ada@example.com", 42]), SCALARS)
TIMES = st.integers(-(10**15), 4 * 10**15)


@st.composite
def events(draw: st.DrawFn, types: tuple[str, ...] = EVENT_TYPES) -> Event:
    """An event as the decoder gives it: a body of any shape, but of one of the types."""
    kind = draw(st.sampled_from(types))
    body: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "userId": IDS,
                "anonymousId": IDS,
                "groupId": IDS,
                "event": st.one_of(st.sampled_from(["Order Completed", "Signed Up"]), SCALARS),
                "name": SCALARS,
                "channel": SCALARS,
                "traits": st.one_of(OBJECTS, JSON),
                "properties": st.one_of(OBJECTS, JSON),
                "context": st.one_of(OBJECTS, JSON),
                "integrations": st.one_of(
                    st.dictionaries(st.sampled_from(["All", "Intercom"]), JSON), JSON
                ),
            },
        )
    )
    return Event(kind, "m-1", draw(TIMES), {"type": kind, **body}, b"{}", "test:1")
