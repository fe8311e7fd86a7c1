"""Stopping everything in a process that makes calls."""

from __future__ import annotations

from pipeline.errors import Interrupted, StateDown
from pipeline.flow.stopping import Stop


class Caller:
    halted: str | None = None

    def halt(self, reason: str) -> None:
        self.halted = reason


def test_everything_that_is_watched_is_halted() -> None:
    stop, caller = Stop(), Caller()
    stop.watch(caller)
    stop.stop("interrupted")
    assert caller.halted == "interrupted"


def test_what_comes_after_the_stop_is_halted_at_once() -> None:
    stop, caller = Stop(), Caller()
    stop.stop("interrupted")
    stop.watch(caller)
    assert caller.halted == "interrupted"


def test_another_run_in_the_same_process_begins_anew() -> None:
    stop, caller = Stop(), Caller()
    stop.stop("interrupted")
    stop.clear()
    stop.watch(caller)
    assert caller.halted is None


def test_a_wish_to_stop_hides_that_the_state_is_away() -> None:
    stop = Stop()
    stop.stop("interrupted")
    stop.stop("the state store was away", StateDown)
    assert (stop.reason, stop.error) == ("interrupted", Interrupted)


def test_only_the_reason_that_is_named_is_forgotten() -> None:
    stop = Stop()
    stop.stop("the state store was away", StateDown)
    stop.forget(Interrupted)
    kept = stop.reason
    stop.forget(StateDown)
    assert (kept, stop.reason) == ("the state store was away", None)
