"""Between the halves: a state that goes away costs its own destination, and no event is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import Interrupted, StateDown
from pipeline.flow.packing import Packed
from pipeline.flow.spool import SpoolReader, SpoolWriter
from pipeline.flow.stopping import STOP
from pipeline.run import local
from pipeline.run.processes import Crew
from pipeline.state.unshared import UnsharedState
from pipeline.transforms.spool import Place

ALIASES = [f"a:{number}" for number in range(20)]


@dataclass(frozen=True)
class Route:
    """As much of a route as is asked for between the halves."""

    deliver: Any
    name: str = "one"
    admit: Any = None
    halted_by: str = ""

    def halted(self, why: Any) -> Route:
        return replace(self, deliver=opens(lambda opened: None), halted_by=why.reason)


def opens(then: Callable[[int], object]) -> Any:
    """The settings of a delivery whose memory tells ``then`` how often it was opened before."""
    opened: list[ExitStack] = []

    def open_memory(stack: ExitStack) -> UnsharedState:
        then(len(opened))
        opened.append(stack)
        return UnsharedState()

    return SimpleNamespace(open_memory=open_memory)


def fails_later(opened: int) -> None:
    if opened == 1:
        message = "the state store was away for 900 s"
        raise StateDown(message)


def is_given_up_later(opened: int) -> None:
    """As a memory does that goes on without its store."""
    if opened == 1:
        STOP.stop("the state store was away for 900 s", StateDown)


@pytest.fixture(autouse=True)
def not_stopped() -> Iterator[None]:
    STOP.clear()
    yield
    STOP.clear()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "0", 4)
    writer: SpoolWriter[Packed] = SpoolWriter(place.aliases, 4)
    for number, alias in enumerate(ALIASES):
        writer.add(alias, (number, number, "track", "m", b"{}", b""), 2)
    writer.close()
    return place


def decide(route: Route, place: Place, *, several: bool) -> tuple[Any, Counter[str]]:
    with Crew(place.root.parent) as crew:
        return local._decide_alone(crew, route, place, 1, several=several)  # type: ignore[arg-type]


def held_by(place: Place) -> list[str]:
    reader: SpoolReader[Packed] = SpoolReader(place.people, Packed)
    return sorted(key for number in reader.partitions for key, _ in reader.read(number))


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("then", [fails_later, is_given_up_later])
def test_a_state_that_goes_away_halfway_loses_and_doubles_nobody(
    place: Place, then: Callable[[int], object], several: bool
) -> None:
    told, counts = decide(Route(opens(then)), place, several=several)
    assert told.halted_by == "the state store was away for 900 s"
    assert counts == {"state_down": 1}
    assert held_by(place) == sorted(ALIASES)
    assert STOP.reason is None


def test_who_is_stopped_while_the_state_is_away_is_stopped(place: Place) -> None:
    def interrupted(opened: int) -> None:
        STOP.stop("interrupted by SIGTERM")
        fails_later(1)

    decide(Route(opens(interrupted)), place, several=True)
    assert (STOP.reason, STOP.error) == ("interrupted by SIGTERM", Interrupted)


def test_what_is_decided_takes_no_room_any_more(place: Place) -> None:
    decide(Route(opens(lambda opened: None)), place, several=False)
    assert held_by(place) == sorted(ALIASES)
    assert SpoolReader[Packed](place.aliases, Packed).partitions == []
