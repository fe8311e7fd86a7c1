"""Several routes: an event is decoded and checked once, whoever wants it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.model.event import Event
from pipeline.model.refusal import Refusal, Skip
from pipeline.preparation import Refused
from pipeline.transforms.counting import LIVE
from pipeline.transforms.dead_letters import DeadLetterFormat
from pipeline.transforms.intake import REFUSED, Intake, IntakeSettings
from pipeline.transforms.read import Line, Unreadable
from pipeline.transforms.spool import refused_by

NOT_ROUTED = Skip("not_routed")


class Preparer:
    """Decodes a line into events named by its words; ``bad`` ones fit no schema."""

    def __init__(self, *, wants: str) -> None:
        self.wants = wants
        self.asked: list[str] = []

    def decode(self, text: bytes, origin: str, **more: Any) -> list[Event]:
        self.asked.append("decode")
        return [
            Event(
                type="track",
                body={"event": word},
                raw=word.encode(),
                origin=origin,
                message_id=word,
                time=0,
            )
            for word in text.decode().split()
        ]

    def select(self, event: Event) -> Skip | None:
        return None if self.wants in event.name else NOT_ROUTED

    def check(self, event: Event) -> Refused | None:
        self.asked.append("check")
        if "bad" not in event.name:
            return None
        return Refused(event, Refusal.because("schema_violation", "bad"), "validate")

    def map(self, event: Event) -> Any:
        return (event, "mapped")


class Route:
    """Notes what it is handed."""

    def __init__(self, number: int, *, wants: str) -> None:
        self.tag = refused_by(number)
        self.handed: list[Any] = []
        self.prepare = SimpleNamespace(preparer=Preparer(wants=wants), hand_on=self.hand_on)

    def hand_on(self, found: list[Any], offset: int) -> list[Any]:
        self.handed += [(event.name, result) for event, result in found]
        return []

    def take(self, outputs: list[Any]) -> list[Any]:
        return outputs


@pytest.fixture
def routes() -> list[Route]:
    LIVE.clear()
    return [Route(0, wants="a"), Route(1, wants="b")]


@pytest.fixture
def take(routes):
    """Takes elements; the dead letters of nobody, and what was counted."""

    def take(*elements: Line | Unreadable) -> tuple[list[Any], dict[str, int]]:
        letters = DeadLetterFormat("job", "f", clock=lambda: 0)
        intake = Intake(IntakeSettings(":", letters), routes)
        outputs = [output for element in elements for output in intake.take(element)]
        intake.finish()
        assert {output.tag for output in outputs} <= {REFUSED}
        return [output.value for output in outputs], dict(LIVE.snapshot())

    return take


def line(text: str) -> Line:
    return Line(text.encode(), "in:1", 0)


def test_an_event_is_decoded_and_checked_once_for_all(routes, take) -> None:
    take(line("ab"), line("ab"))
    assert routes[0].prepare.preparer.asked == ["decode", "check"] * 2
    assert routes[1].prepare.preparer.asked == []
    assert routes[0].handed == routes[1].handed == [("ab", "mapped")] * 2


def test_every_route_receives_it_whether_it_wants_it_or_not(routes, take) -> None:
    _, counts = take(line("a"), line("b"))
    assert routes[0].handed == [("a", "mapped"), ("b", NOT_ROUTED)]
    assert routes[1].handed == [("a", NOT_ROUTED), ("b", "mapped")]
    assert counts == {":received": 2}


def test_what_does_not_fit_its_schema_is_refused_once_and_received_by_nobody(routes, take) -> None:
    letters, counts = take(line("bad-a good-a"))
    assert [b"bad-a" in letter for letter in letters] == [True]
    assert routes[0].handed == [("good-a", "mapped")]
    assert routes[1].handed == [("good-a", NOT_ROUTED)]
    assert counts == {":received": 2, ":dead/schema_violation": 1}


def test_what_nobody_wants_need_not_fit_its_schema(routes, take) -> None:
    routes[1].prepare.preparer.wants = "c"
    letters, counts = take(line("d-bd"))
    assert letters == []
    assert routes[0].handed == routes[1].handed == [("d-bd", NOT_ROUTED)]
    assert routes[0].prepare.preparer.asked == ["decode"]
    assert counts == {":received": 1}


def test_what_is_damaged_is_refused_once(routes, take) -> None:
    letters, counts = take(Unreadable("in:7", "breaks off"))
    assert len(letters) == 1
    assert routes[0].handed == routes[1].handed == []
    assert counts == {":received": 1, ":dead/unreadable": 1}
