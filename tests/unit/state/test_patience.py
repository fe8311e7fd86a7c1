"""Waiting for a database that is away."""

import logging

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

from pipeline.errors import StateDown
from pipeline.state.patience import Patience, is_conflict, is_passing


class Clock:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


def failure(code, text="it is said"):
    original = psycopg.OperationalError(text)
    original.sqlstate = code
    return OperationalError("SELECT 1", {}, original)


REFUSED = failure(None, "connection to server failed: Connection refused")


class Transaction:
    """Fails with one error after the other, then gives its name."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.tries = 0

    def __call__(self):
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def patience(clock, max_outage=60.0, **options):
    return Patience(max_outage, clock=clock, sleep=clock.sleep, random=lambda: 1.0, **options)


@pytest.mark.parametrize(
    "code", [None, "08006", "57P01", "57P02", "57P03", "53300", "55P03", "25006"]
)
def test_a_database_that_is_away_is_tried_again_until_it_is_back(clock, code):
    work = Transaction(*[failure(code)] * 5)
    assert patience(clock).carry_out(work) == "done"
    assert work.tries == 6
    assert clock.now == pytest.approx(0.2 + 0.4 + 0.8 + 1.6 + 3.2)


def test_pauses_do_not_grow_for_ever(clock):
    patience(clock, 600).carry_out(Transaction(*[REFUSED] * 30))
    assert max(clock.slept) <= 5.0


@pytest.mark.parametrize("code", ["42P01", "22021", "28P01", "3D000", "54000"])
def test_another_error_is_not_tried_again(clock, code):
    work = Transaction(failure(code))
    with pytest.raises(OperationalError):
        patience(clock).carry_out(work)
    assert (work.tries, clock.slept) == (1, [])


def test_a_refused_password_is_not_tried_again(clock):
    with pytest.raises(OperationalError):
        patience(clock).carry_out(
            Transaction(failure(None, 'FATAL: password authentication failed for user "x"'))
        )


def test_an_outage_that_is_too_long_is_given_up_and_told_of_each_time(clock):
    told = []
    waiting = patience(clock, given_up=told.append)
    for _ in range(2):
        with pytest.raises(StateDown, match="away for 60 s: connection to server failed"):
            waiting.carry_out(Transaction(*[REFUSED] * 100))
    assert clock.now == pytest.approx(60)
    message = "the state store was away for 60 s: connection to server failed: Connection refused"
    assert told == [message, message]


def test_an_outage_after_another_is_waited_out_anew(clock):
    waiting = patience(clock)
    for _ in range(3):
        start = clock.now
        waiting.carry_out(Transaction(*[REFUSED] * 12))
        assert 40 < clock.now - start < 60


def test_both_ends_of_an_outage_are_logged_once(clock, caplog):
    with caplog.at_level(logging.WARNING):
        patience(clock).carry_out(Transaction(REFUSED, REFUSED))
    assert [record.getMessage() for record in caplog.records] == [
        "the state store is away, waiting for it for up to 60 s: "
        "connection to server failed: Connection refused",
        "the state store answers again, after 1 s",
    ]


def test_nobody_waits_once_the_run_is_stopped(clock):
    with pytest.raises(StateDown):
        patience(clock, stopped=lambda: True).carry_out(Transaction(*[REFUSED] * 9))
    assert clock.slept == []


def test_without_patience_only_an_old_connection_is_exchanged(clock):
    stale = DBAPIError("SELECT 1", {}, failure("57P01").orig, connection_invalidated=True)
    assert patience(clock, 0).carry_out(Transaction(stale)) == "done"
    with pytest.raises(StateDown):
        patience(clock, 0).carry_out(Transaction(stale, stale))
    assert clock.slept == []


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_a_transaction_that_lost_is_tried_again_without_any_patience(clock, code):
    work = Transaction(*[failure(code)] * 5)
    assert patience(clock, 0).carry_out(work) == "done"
    assert clock.now < 1
    assert is_conflict(failure(code))


def test_a_transaction_that_always_loses_is_given_up(clock):
    with pytest.raises(OperationalError):
        patience(clock).carry_out(Transaction(*[failure("40P01")] * 100))


def test_an_sqlite_file_is_never_away():
    assert not is_passing(OperationalError("", {}, Exception("disk I/O error")))


def test_to_wait_for_a_free_connection_is_to_wait():
    assert is_passing(TimeoutError("QueuePool limit of size 4 reached"))
