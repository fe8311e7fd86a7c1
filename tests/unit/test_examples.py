from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from examples.generate import OVERSIZE, events
from pipeline.model.decode import decode_line
from pipeline.model.event import Event, Rejected
from pipeline.validation.registry import SchemaSet
from pipeline.validation.validator import Validator

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
LINES = list(events(7, 3000, 400))


def decoded(lines: list[bytes]) -> list[Event | Rejected]:
    return [
        one
        for number, line in enumerate(lines, 1)
        for one in decode_line(line, origin=f"events.jsonl:{number}", now=0)
    ]


@pytest.fixture(scope="module")
def sound() -> list[Event]:
    validator = Validator(SchemaSet.load())
    found = [one for one in decoded(LINES) if isinstance(one, Event)]
    return [event for event in found if not validator.check(event)]


def person(event: Event) -> str:
    body = event.body
    context = body.get("context") or {}
    for traits in (body.get("traits"), context.get("traits")):
        if "userId" not in body and traits and "email" in traits:
            return str(traits["email"])
    return str(body.get("userId"))


def test_the_committed_events_are_what_the_generator_writes() -> None:
    assert (EXAMPLES / "events.jsonl").read_bytes() == b"".join(line + b"\n" for line in LINES)


def test_the_command_line_writes_the_same() -> None:
    command = [sys.executable, str(EXAMPLES / "generate.py"), "--events", "40", "--seed", "3"]
    done = subprocess.run(command, check=True, capture_output=True)
    assert done.stdout.splitlines() == list(events(3, 40, 400))


@pytest.mark.parametrize("count", [0, 1, 2, 5, 99])
def test_as_many_lines_as_asked_for(count: int) -> None:
    assert len(list(events(1, count, 10))) == count


def test_another_seed_gives_other_events() -> None:
    assert list(events(1, 50, 10)) != list(events(2, 50, 10))


def test_the_start_moves_the_time() -> None:
    early, late = decoded([next(events(1, 1, 1, start=start)) for start in (0, 86_400)])
    assert isinstance(early, Event)
    assert isinstance(late, Event)
    assert late.time - early.time == 86_400_000_000


def test_the_committed_events_stay_small() -> None:
    assert (EXAMPLES / "events.jsonl").stat().st_size < 2_500_000


def test_the_mixture_of_types(sound: list[Event]) -> None:
    share = {kind: count / len(LINES) for kind, count in Counter(e.type for e in sound).items()}
    expected = {"identify": 0.20, "track": 0.60, "page": 0.15, "group": 0.05}
    assert share == pytest.approx(expected, abs=0.02)


def test_about_thirty_event_names(sound: list[Event]) -> None:
    assert 25 <= len({event.name for event in sound if event.type == "track"}) <= 32


def test_every_person_is_identified(sound: list[Event]) -> None:
    everybody = {person(event) for event in sound} - {"None"}
    assert everybody == {person(event) for event in sound if event.type == "identify"}


def test_a_few_people_are_tracked_before_they_are_identified(sound: list[Event]) -> None:
    first: dict[tuple[str, str], int] = {}
    for event in sound:
        key = (event.type, person(event))
        first[key] = min(event.time, first.get(key, event.time))
    tracked = [(who, time) for (kind, who), time in first.items() if kind == "track"]
    late = [who for who, time in tracked if first.get(("identify", who), time) > time]
    assert 0.01 < len(late) / len(tracked) < 0.08


def test_every_kind_of_broken_line_is_there() -> None:
    reasons = Counter(
        one.refusal.details[0].message for one in decoded(LINES) if isinstance(one, Rejected)
    )
    told = " / ".join(reasons)
    for part in (
        "ends too early",
        "the line is",
        "the type is",
        "occurs more than once",
        "is no JSON value",
        "not UTF-8",
        "nested deeper",
        "half of a character",
        "exponent beyond",
    ):
        assert part in told


def test_some_events_do_not_fit_their_schema() -> None:
    validator = Validator(SchemaSet.load())
    paths = {
        detail.path
        for one in decoded(LINES)
        if isinstance(one, Event)
        for detail in validator.check(one)
    }
    assert {"$.event", "$.timestamp", "$.userId", "$.context", "$.properties"} <= paths


def test_one_line_in_a_hundred_is_broken(sound: list[Event]) -> None:
    nobody = [e for e in sound if e.type != "group" and person(e) == "None"]
    assert 0.005 < (len(LINES) - len(sound) + len(nobody)) / len(LINES) < 0.02


def test_a_fifth_of_the_tracks_has_revenue(sound: list[Event]) -> None:
    tracks = [event for event in sound if event.type == "track"]
    with_revenue = [event for event in tracks if "revenue" in event.body["properties"]]
    assert 0.15 < len(with_revenue) / len(tracks) < 0.25


def test_the_oversize_line_comes_on_demand() -> None:
    *_, last = events(7, 20, 5, oversize=True)
    assert len(last) > OVERSIZE
    (found,) = decode_line(last, origin="x", now=0)
    assert isinstance(found, Rejected)
    assert found.refusal.reason == "too_large"
