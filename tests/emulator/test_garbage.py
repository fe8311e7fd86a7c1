"""Whatever is sent, the answer is one that the API could give: never a failure of the emulator."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from destinations.intercom.emulator import Emulator, EmulatorSettings, request
from destinations.intercom.emulator.router import ROUTES

HEADERS = {"Authorization": "Bearer test-token"}
WORDS = st.sampled_from(
    [
        *("id", "external_id", "email", "role", "name", "company_id", "custom_attributes", "plan"),
        *("event_name", "created_at", "user_id", "metadata", "query", "field", "operator"),
        *("value", "pagination", "from", "into", "visitor", "user", "type", "options", "model"),
        *("data_type", "event_summaries", "users", "companies", "monthly_spend", "per_page"),
        *("owner_id", "avatar", "signed_up_at", "starting_after", "archived", "size", "seats"),
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["user", "lead", "=", ">", "AND", "contact", "string", "u", "a@x.com", "~"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def emulator():
    made = Emulator(settings=EmulatorSettings(limit=None, search_lag_s=0))
    made.seed(
        contacts=[{"id": "known", "external_id": "u", "email": "a@x.com"}],
        companies=[{"id": "firm", "company_id": "acme"}],
        data_attributes=[{"name": "plan"}, {"name": "seats", "data_type": "integer"}],
        visitors=[{"user_id": "u"}],
    )
    return made


@pytest.mark.parametrize("route", ROUTES)
@settings(max_examples=15, deadline=None)
@given(
    body=st.dictionaries(WORDS, VALUES, max_size=6),
    key=st.sampled_from(["known", "firm", "10000001", "1", "none", "%00", ".."]),
    query=st.dictionaries(WORDS, st.text(st.characters(codec="ascii"), max_size=5), max_size=3),
)
def test_no_body_makes_it_fail(route, body, key, query):
    method, _, path = route.partition(" ")
    target = path.replace("{id}", key)
    if query:
        target += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    response = emulator().handle(request(method, target, body=body, headers=HEADERS))
    assert response.status < 500, response.body
    if response.status >= 400:
        assert response.json()["type"] == "error.list"


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=40))
def test_no_bytes_make_it_fail(raw):
    response = emulator().handle(request("POST", "/contacts", body=raw, headers=HEADERS))
    assert response.status in (200, 400)
