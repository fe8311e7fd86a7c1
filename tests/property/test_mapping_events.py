"""The shipped mapping against any event: no exception, no change of it, and the API's limits."""

from __future__ import annotations

import copy
import pickle
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mapping.interpreter import Interpreter, Mapped
from pipeline.mapping.language import WARNINGS
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file, vocabulary
from tests.strategies import events

CHOICES = [
    {},
    {"nested": "flatten", "page": "event", "minor_units": "iso4217", "anonymous": "lead"},
    {"nested": "stringify", "page": "touch", "collect_context": "true"},
    {"require_consent": "a, b", "consent_default": "deny", "total_fallback": "any_event"},
    {"identity_verification": "require", "create_contact_on_group": "false", "priority": "plan"},
]  # fmt: skip


@cache
def interpreter(number):
    compiled = compile_mapping_file(DEFAULT_MAPPING, CHOICES[number])
    assert compiled.plan is not None
    return Interpreter(compiled.plan)


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("INTERCOM_IDENTITY_SECRET", "secret")


@given(events(), st.sampled_from(range(len(CHOICES))))
@settings(max_examples=200, deadline=None)
def test_mapping_never_raises_and_never_changes_the_event(event, number):
    body = copy.deepcopy(event.body)
    result = interpreter(number).map(event)
    assert event.body == body
    assert result == interpreter(number).map(event)
    assert pickle.loads(pickle.dumps(result)) == result


@given(events(types=("identify", "group")))
@settings(max_examples=100, deadline=None)
def test_contacts_and_companies_are_what_the_api_takes(event):
    result = interpreter(1).map(event)
    if not isinstance(result, Mapped):
        return
    assert set(result.warnings) <= WARNINGS.keys()
    for operation in result.operations:
        known = vocabulary()["intercom"][operation.kind]
        assert operation.fields.keys() <= known.fields.keys()
        assert known.required <= operation.fields.keys()
        for key, value in operation.fields.items():
            if key in ("external_id", "email", "company_id"):
                assert isinstance(value, str)
                assert value
            if key in ("signed_up_at", "last_seen_at", "remote_created_at", "size"):
                assert type(value) is int
        for key, value in operation.fields.get("custom_attributes", {}).items():
            assert not isinstance(value, dict | list)
            assert not (isinstance(value, str) and len(value) > 255)
            assert key.strip()
            assert not set(key) & set(".$")


@given(events(types=("track",)))
@settings(max_examples=100, deadline=None)
def test_metadata_is_what_the_api_takes(event):
    result = interpreter(0).map(event)
    if not isinstance(result, Mapped):
        return
    fields = result.operations[-1].fields
    assert isinstance(fields["event_name"], str)
    metadata = fields.get("metadata", {})
    assert len(metadata) <= 5
    for key, value in metadata.items():
        assert value is not None
        assert not isinstance(value, bool | list)
        if isinstance(value, dict):
            assert value.keys() in ({"amount", "currency"}, {"url", "value"})
        if key == "price" and isinstance(value, dict) and "amount" in value:
            assert type(value["amount"]) is int
