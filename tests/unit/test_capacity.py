"""The capacity page's formula against the simulation, which knows nothing of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.benchmarks.capacity import (
    FIGURES,
    WORKSPACE_LIMIT,
    Crowd,
    Estimate,
    Figures,
    Setup,
    Simulated,
    distinct,
    estimate,
    simulate,
    state,
    tables,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "capacity.md"
WANTED = 12_000
"""So many events of each simulated run are wanted."""
ALIKE = Crowd(people=4000)
BUSY = Crowd(people=4000, exponent=1.0)

SETUPS = {
    "one worker": Setup(limit=2000),
    "four workers": Setup(workers=4, limit=2000),
    "half of the rate": Setup(workers=4, limit=2000, share=0.5),
    "two apps": Setup(workers=4, limit=1000, apps=2),
    "few connections": Setup(workers=2, connections=4, limit=60_000),
    "many connections": Setup(workers=2, connections=64, limit=20_000, apps=2),
}
COSTS = {
    "as measured": FIGURES,
    "slow answers": replace(FIGURES, latency=0.5),
    "dear calls": replace(FIGURES, calling=20e-3),
    "few wanted": replace(FIGURES, wanted=0.3),
}


@cache
def both(setup: str, costs: str, crowd: Crowd) -> tuple[Simulated, Estimate, Figures]:
    """What the simulation and the formula say of one run."""
    figures = COSTS[costs]
    events = int(WANTED / figures.wanted)
    got = simulate(events, crowd, SETUPS[setup], figures)
    figures = replace(figures, calls=crowd.calls(events * figures.wanted))
    return got, estimate(events, SETUPS[setup], figures, busiest=got.busiest), figures


GRID = [pytest.param(setup, costs, id=f"{setup}, {costs}") for setup in SETUPS for costs in COSTS]


@pytest.mark.parametrize(("setup", "costs"), GRID)
def test_a_run_takes_as_long_as_what_takes_longest_of_it(setup: str, costs: str) -> None:
    got, formula, _ = both(setup, costs, ALIKE)
    if formula.person < formula.delivering / 15:
        assert got.delivering == pytest.approx(formula.delivering, rel=0.1)
    assert got.delivering >= formula.delivering * 0.9
    shared = max(formula.api, formula.cpu, formula.waiting)
    assert got.delivering <= (shared + formula.person) * 1.1


def test_the_grid_has_every_bound() -> None:
    found = [both(setup, costs, ALIKE)[1] for setup in SETUPS for costs in COSTS]
    for bound in ("api", "cpu", "waiting"):
        assert any(getattr(formula, bound) == formula.delivering for formula in found), bound


def test_most_of_the_grid_is_held_to_a_few_percent() -> None:
    found = [both(setup, costs, ALIKE)[1] for setup in SETUPS for costs in COSTS]
    held = [formula for formula in found if formula.person < formula.delivering / 15]
    assert len(held) > len(found) / 2


@pytest.mark.parametrize("costs", COSTS)
def test_a_person_who_does_a_tenth_of_everything_adds_at_most_their_own_time(costs: str) -> None:
    got, formula, _ = both("four workers", costs, BUSY)
    shared = max(formula.api, formula.cpu, formula.waiting)
    assert formula.delivering * 0.9 <= got.delivering <= (shared + formula.person) * 1.1


@pytest.mark.parametrize(("setup", "costs"), GRID)
def test_everything_lies_ready_when_the_formula_says(setup: str, costs: str) -> None:
    got, formula, _ = both(setup, costs, ALIKE)
    assert got.preparing == pytest.approx(formula.preparing, rel=0.03)


@pytest.mark.parametrize("crowd", [ALIKE, BUSY], ids=["alike", "busy"])
@pytest.mark.parametrize("costs", COSTS)
def test_identifies_merge_into_as_many_calls_as_the_formula_says(costs: str, crowd: Crowd) -> None:
    got, formula, _ = both("four workers", costs, crowd)
    assert got.calls == pytest.approx(formula.calls, rel=0.03)


def test_the_state_is_asked_as_often_as_the_formula_says() -> None:
    got, formula, figures = both("one worker", "as measured", ALIKE)
    held = state(4000, formula.calls / formula.delivering, figures)
    asked = got.statements / got.delivering
    assert asked == pytest.approx(held.reads + held.writes, rel=0.08)


@pytest.mark.parametrize("setup", SETUPS)
def test_no_window_has_more_calls_than_the_api_allows(setup: str) -> None:
    got, _, _ = both(setup, "as measured", ALIKE)
    assert max(got.windows) <= SETUPS[setup].window
    assert sum(got.windows) == got.calls


def test_the_same_seed_gives_the_same_run() -> None:
    first, again = (simulate(2000, ALIKE, Setup(), FIGURES, seed=7) for _ in range(2))
    assert first == again


def test_apps_add_up_to_the_limit_of_their_workspace() -> None:
    assert Setup(apps=2).window == 2 * Setup().window
    assert Setup(apps=9).window == int(WORKSPACE_LIMIT / 6)


def test_a_thing_that_is_drawn_often_enough_counts_once() -> None:
    assert distinct(1, [1.0, 1.0]) == pytest.approx(1)
    assert distinct(2, [1.0, 1.0]) == pytest.approx(1.5)
    assert distinct(10_000, [1.0, 1.0]) == pytest.approx(2)


def test_the_page_shows_the_tables_of_the_figures_that_stand_here() -> None:
    page = PAGE.read_text("utf-8")
    assert [line for line in tables() if line not in page] == []
