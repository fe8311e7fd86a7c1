"""Taking turns: one writer at a time, and a dead one does not hold up the others for ever."""

from __future__ import annotations

import threading
from pathlib import Path

from pipeline.state.store import StateStore
from pipeline.state.turns import KIND, Turns


def test_only_one_has_a_turn_at_a_thing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        with StateStore.open(url) as store:
            turns = Turns(store, "s", sleep=lambda seconds: threading.Event().wait(0.001))
            for _ in range(5):
                with turns.at("company acme"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


def test_a_turn_that_is_over_leaves_nothing_behind() -> None:
    with StateStore.open("sqlite://") as store:
        with Turns(store, "s").at("a"):
            assert store.counts("s") == {KIND: 1}
        assert store.counts("s") == {}


def test_turns_at_other_things_do_not_wait() -> None:
    with StateStore.open("sqlite://") as store:
        turns = Turns(store, "s")
        with turns.at("a"), turns.at("b"):
            assert store.counts("s") == {KIND: 2}


def test_the_turn_of_one_that_died_ends_by_itself() -> None:
    now = 1000.0
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        waited.append(seconds)
        now += seconds

    with StateStore.open("sqlite://") as store:
        store.change("s", {(KIND, "a"): "dead 1001.0"})
        with Turns(store, "s", clock=lambda: now, sleep=sleep).at("a"):
            assert now >= 1001.0
    assert waited
