"""The tracking plan and its policies."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from pipeline.model.decode import decode_line
from pipeline.model.event import Event
from pipeline.model.refusal import Refusal, Skip
from pipeline.validation.tracking import Policy, TrackingCheck, TrackingPlan

SCHEMA = {
    "x-event": "Order Completed",
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"type": "number"}, "items": {"items": {"type": "object"}}},
    "additionalProperties": False,
}


def event(name: str = "Order Completed", kind: str = "track", **properties: Any) -> Event:
    body = {"type": kind, "event": name, "userId": "u", "properties": properties}
    [found] = decode_line(json.dumps(body).encode(), origin="x", now=0)
    assert isinstance(found, Event)
    return found


def check(event: Event, **policy: str) -> Any:
    return TrackingCheck(TrackingPlan({"Order Completed": SCHEMA}, Policy(**policy))).check(event)


def test_a_planned_event_passes_as_it_is() -> None:
    planned = event(total=19.99)
    assert check(planned, unplanned="dead_letter", violations="dead_letter") == (planned, ())


@pytest.mark.parametrize("kind", ["identify", "page"])
def test_other_kinds_of_events_pass(kind) -> None:
    other = event("Else", kind)
    assert check(other, unplanned="dead_letter") == (other, ())


def test_an_empty_plan_lets_everything_pass() -> None:
    plan = TrackingPlan({}, Policy("dead_letter", "dead_letter"))
    assert TrackingCheck(plan).check(event("Else"))[1] == ()


def test_unplanned_events_follow_the_policy() -> None:
    unplanned = event("Else")
    assert check(unplanned) == (unplanned, ())
    assert check(unplanned, unplanned="warn") == (unplanned, ("unplanned_event",))
    assert check(unplanned, unplanned="drop") == Skip("filtered")
    refusal = check(unplanned, unplanned="dead_letter")
    assert isinstance(refusal, Refusal)
    assert refusal.details[0].path == "$.event"


def test_violations_follow_the_policy() -> None:
    wrong = event(total="much", coupon="X", items=[1])
    assert check(wrong, violations="allow") == (wrong, ())
    assert check(wrong) == (wrong, ("plan_violation",))
    refusal = check(wrong, violations="dead_letter")
    assert {fault.path for fault in refusal.details} == {
        "$.properties.total",
        "$.properties.items[0]",
        "$.properties",
    }


def test_dropping_takes_the_properties_to_blame_and_leaves_the_bytes() -> None:
    wrong = event(total=5, coupon="X", items=[1, 2])
    kept, warnings = check(wrong, violations="drop_property")
    assert kept.body["properties"] == {"total": 5}
    assert kept.raw == wrong.raw
    assert wrong.body["properties"]["coupon"] == "X"
    assert warnings == ("property_dropped", "property_dropped")


def test_what_is_missing_cannot_be_dropped() -> None:
    wrong = event(coupon="X")
    kept, warnings = check(wrong, violations="drop_property")
    assert kept.body["properties"] == {}
    assert sorted(warnings) == ["plan_violation", "property_dropped"]


def test_a_plan_is_loaded_from_files_and_pickles(tmp_path: Path) -> None:
    (tmp_path / "a.schema.json").write_text(json.dumps(SCHEMA), "utf-8")
    plan = TrackingPlan.load(tmp_path, Policy.of({"unplanned": "warn", "nested": "drop"}))
    assert plan == TrackingPlan({"Order Completed": SCHEMA}, Policy("warn", "warn"))
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert TrackingPlan.load(tmp_path / "none") == TrackingPlan()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot read"),
        ("[]", "holds no JSON object"),
        ("{}", "x-event"),
        ('{"x-event": "A", "type": 5}', "is no JSON Schema"),
        (json.dumps(SCHEMA), "another file describes"),
    ],
)
def test_a_broken_plan_is_one_sentence(tmp_path: Path, text, told) -> None:
    (tmp_path / "a.schema.json").write_text(json.dumps(SCHEMA), "utf-8")
    (tmp_path / "b.schema.json").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=told):
        TrackingPlan.load(tmp_path)


def test_no_policy_but_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="must be one of allow, warn, drop, dead_letter"):
        Policy("ignore")
