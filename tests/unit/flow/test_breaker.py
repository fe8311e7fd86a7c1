"""Waiting out an outage."""

import logging

import pytest

from pipeline.flow.breaker import Breaker, OutagePolicy
from pipeline.flow.retrying import RetryBudget, RetryPolicy


@pytest.fixture
def breaker(clock):
    policy = OutagePolicy(probes=RetryPolicy(first=1.0, cap=8.0), max_outage=900.0)
    return Breaker(policy, clock=clock, random=lambda: 1.0)


def fail(breaker, times=1, *, answered=True):
    for _ in range(times):
        breaker.failed(answered=answered)


def opened(breaker):
    fail(breaker, 12)
    assert breaker.is_open
    return breaker


def test_a_closed_breaker_lets_everybody_through(breaker):
    assert [breaker.attempt() for _ in range(5)] == [0] * 5


def test_it_opens_when_most_of_the_last_calls_failed(breaker):
    for _ in range(8):
        breaker.succeeded()
    fail(breaker, 11)
    assert not breaker.is_open
    fail(breaker)
    assert breaker.is_open


def test_it_stays_closed_while_most_calls_succeed(breaker):
    for _ in range(500):
        fail(breaker, 1)
        breaker.succeeded()
    assert not breaker.is_open


def test_one_call_that_fails_for_ever_is_no_outage(breaker):
    fail(breaker, RetryPolicy().max_attempts)
    assert not breaker.is_open


def test_a_few_calls_in_a_row_without_any_answer_are_an_outage(breaker):
    fail(breaker, 4, answered=False)
    assert not breaker.is_open
    fail(breaker, 1, answered=False)
    assert breaker.is_open


def test_any_answer_is_a_sign_of_life(breaker):
    for _ in range(2):
        fail(breaker, 4, answered=False)
        fail(breaker, 1, answered=True)
    assert not breaker.is_open


def test_an_open_breaker_lets_one_probe_through_at_a_time(breaker, clock):
    opened(breaker)
    assert breaker.attempt() == 1.0
    clock.now += 1.0
    assert breaker.attempt() == 0
    assert breaker.attempt() > 0
    clock.now += 100
    assert breaker.attempt() > 0  # it is still under way


def test_the_pauses_between_probes_grow_up_to_a_bound(breaker, clock):
    opened(breaker)
    pauses = []
    for _ in range(6):
        pauses.append(breaker.attempt())
        clock.now += pauses[-1]
        assert breaker.attempt() == 0
        fail(breaker, answered=False)
    assert pauses == [1, 2, 4, 8, 8, 8]


def test_the_pauses_have_jitter(clock):
    waits = set()
    for chance in (0.0, 0.5, 1.0):
        breaker = opened(Breaker(clock=clock, random=lambda chance=chance: chance))
        waits.add(breaker.attempt())
    assert waits == {0.5, 0.75, 1.0}


def test_the_first_success_closes_it(breaker, clock):
    opened(breaker)
    clock.now += 1
    assert breaker.attempt() == 0
    breaker.succeeded()
    assert not breaker.is_open
    assert [breaker.attempt() for _ in range(5)] == [0] * 5
    fail(breaker, 11)  # what failed before is forgotten
    assert not breaker.is_open


def test_calls_that_were_under_way_when_it_opened_do_not_count_as_probes(breaker, clock):
    opened(breaker)
    fail(breaker, 20)
    assert breaker.attempt() == 1.0
    clock.now += 0.5
    breaker.succeeded()  # but one that comes back well shows that it is over
    assert not breaker.is_open


def test_a_probe_that_was_not_made_leaves_the_place_to_another(breaker, clock):
    opened(breaker)
    clock.now += 1
    assert breaker.attempt() == 0
    breaker.withdrawn()
    assert breaker.is_open
    assert breaker.attempt() == 0


def test_it_gives_up_when_the_outage_has_lasted_too_long(breaker, clock):
    opened(breaker)
    clock.now += 899
    assert not breaker.is_given_up
    clock.now += 1
    assert breaker.is_given_up


def test_where_no_outage_is_waited_for_a_closed_breaker_has_not_given_up(clock):
    breaker = Breaker(OutagePolicy(max_outage=0), clock=clock)
    assert not breaker.is_given_up
    assert opened(breaker).is_given_up


def test_it_says_so_once_at_the_beginning_and_once_at_the_end(breaker, clock, caplog):
    with caplog.at_level(logging.WARNING):
        opened(breaker)
        fail(breaker, 20)
        clock.now += 42
        breaker.succeeded()
        breaker.succeeded()
    assert [record.getMessage() for record in caplog.records] == [
        "most calls fail: waiting for the destination, for up to 900 s",
        "the destination answers again, after 42 s",
    ]


def test_retries_are_taken_from_a_reserve(clock):
    budget = RetryBudget(reserve=3, per_second=10, clock=clock)
    assert [budget.take() for _ in range(4)] == [0, 0, 0, pytest.approx(0.1)]


def test_attempts_fill_the_reserve_of_retries(clock):
    budget = RetryBudget(reserve=3, share=0.5, clock=clock)
    for _ in range(3):
        budget.take()
    budget.attempted()
    assert budget.take() > 0
    budget.attempted()
    assert budget.take() == 0


def test_time_fills_the_reserve_of_retries_but_never_over(clock):
    budget = RetryBudget(reserve=3, per_second=2, clock=clock)
    for _ in range(3):
        budget.take()
    clock.now += 0.5
    assert [budget.take() == 0 for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [budget.take() == 0 for _ in range(4)] == [True, True, True, False]
