"""The order of the steps: what nobody wants is skipped, whether or not it is valid."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from pipeline.model.refusal import Skip
from pipeline.preparation import Prepared, Preparer, Refused
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file
from pipeline.validation.registry import SchemaSet
from pipeline.validation.tracking import Policy, TrackingPlan

NOW = 1_700_000_000_000_000
TRACK = {"type": "track", "event": "Paid", "userId": "u"}
OFF = {"integrations": {"All": False}}
INVALID = {"userId": ["u"]}
PLAN = TrackingPlan({"Known": {"type": "object"}}, Policy(unplanned="dead_letter"))


@cache
def preparer(*, planned: bool = False) -> Preparer:
    mapping = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert mapping is not None
    return Preparer(mapping, SchemaSet.load(), now=NOW, tracking=PLAN if planned else None)


def prepare(*events: dict[str, Any], **how: Any) -> list[Prepared]:
    line = {"batch": events} if len(events) != 1 else events[0]
    return preparer(planned=how.pop("planned", False)).prepare(
        json.dumps(line).encode(), "in:1", **how
    )


def refused(event: dict[str, Any], **how: Any) -> Refused:
    (found,) = prepare(event, **how)
    assert isinstance(found, Refused), found
    return found


def skipped(event: dict[str, Any], **how: Any) -> str:
    (found,) = prepare(event, **how)
    assert not isinstance(found, Refused)
    assert isinstance(found[1], Skip), found
    return found[1].reason


def test_an_invalid_event_that_is_wanted_is_refused() -> None:
    assert refused({**TRACK, **INVALID}).refusal.reason == "schema_violation"


def test_an_invalid_event_that_is_turned_off_is_skipped() -> None:
    assert skipped({**TRACK, **INVALID, **OFF}) == "integrations_off"


def test_an_invalid_event_of_a_type_that_no_rule_is_for_is_skipped() -> None:
    assert skipped({"type": "page", **INVALID}) == "not_mapped"


def test_what_cannot_be_decoded_is_refused_even_if_nobody_wants_it() -> None:
    (found,) = preparer().prepare(b'{"type":"page","a":1,"a":2}', "in:1")
    assert isinstance(found, Refused)
    assert (found.stage, found.refusal.reason) == ("decode", "invalid_json")


def test_an_event_is_validated_before_it_is_mapped() -> None:
    nobody = {"type": "track", "event": 5}  # no person either: the mapping would refuse it
    found = refused(nobody)
    assert (found.stage, found.refusal.reason) == ("validate", "schema_violation")


def test_the_tracking_plan_is_for_events_that_are_wanted() -> None:
    assert refused(TRACK, planned=True).refusal.reason == "schema_violation"
    assert skipped({**TRACK, **OFF}, planned=True) == "integrations_off"


@pytest.mark.parametrize("kind", ["identify", "track", "group", "page", "screen", "alias"])
@pytest.mark.parametrize("junk", [None, 5, "x", [], [[]], {}, {"Intercom": []}, {"All": "no"}])
def test_selecting_stands_any_junk(kind: str, junk: Any) -> None:
    keys = ("event", "userId", "integrations", "context", "properties", "traits", "groupId")
    assert len(prepare({"type": kind, **dict.fromkeys(keys, junk)})) == 1


def test_every_event_of_a_batch_has_its_own_fate_in_order() -> None:
    found = prepare(TRACK, {**TRACK, **OFF}, {**TRACK, **INVALID}, {"type": "x"})
    assert [one.stage if isinstance(one, Refused) else type(one[1]).__name__ for one in found] == [
        "Mapped",
        "Skip",
        "validate",
        "decode",
    ]


def test_an_event_that_was_read_before_keeps_its_origin_and_the_time_it_was_given() -> None:
    (found,) = prepare({"batch": [TRACK]}, first_seen=5)
    assert not isinstance(found, Refused)
    assert (found[0].origin, found[0].time) == ("in:1", 5)
