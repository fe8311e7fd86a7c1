"""Several processes at one window: simulated, with the latency and the lags of real ones."""

import heapq
import itertools
import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.flow.leases import Leases
from pipeline.flow.pacing import Pacer
from pipeline.model.quota import REFUSED, Account

WINDOW = 10
LIMIT = 1667


class Windows:
    """The shared accounts, in memory; fails when told to."""

    def __init__(self):
        self.accounts = {}
        self.lock = threading.Lock()
        self.asked = 0
        self.broken = False

    def change(self, window, change):
        if self.broken:
            return None
        with self.lock:
            self.asked += 1
            self.accounts[window] = change(self.accounts.get(window, Account()))
            return self.accounts[window]


class Api:
    """Counts calls in windows of ten seconds; other programs use their part evenly."""

    def __init__(self, limit, *, phase=0.0, others=0):
        self.limit = limit
        self.phase = phase
        self.others = others
        self.ours = {}
        self.refused = {}

    def answer(self, now):
        number = int((now - self.phase) // WINDOW)
        start = number * WINDOW + self.phase
        theirs = int(self.others * (now - start) / WINDOW)
        left = self.limit - self.ours.get(number, 0) - theirs
        counted = self.ours if left > 0 else self.refused
        counted[number] = counted.get(number, 0) + 1
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, left - 1)),
            "x-ratelimit-reset": str(int(start) + WINDOW),
        }
        return headers, 200 if left > 0 else 429

    def used(self):
        """The part of each whole window that was used by us."""
        return [self.ours.get(number, 0) / self.limit for number in sorted(self.ours)[1:-1]]

    def refusals(self):
        total = sum(self.ours.values()) + sum(self.refused.values())
        return sum(self.refused.values()) / total


def simulate(api, pacers, *, threads, seconds, latency=0.1, seed=0):
    """Every thread of every pacer calls as fast as it may, for so many seconds."""
    chance = random.Random(seed)
    order = itertools.count()
    start = pacers[0]._clock.now
    events = []

    def then(at, step, pacer, answer=None):
        heapq.heappush(events, (at, next(order), step, pacer, answer))

    for pacer in [pacer for pacer in pacers for _ in range(threads)]:
        then(start, "ask", pacer)
    while events:
        now, _, step, pacer, answer = heapq.heappop(events)
        pacer._clock.now = now
        if step == "arrive":
            then(now + latency * chance.uniform(0.9, 1.3), "return", pacer, api.answer(now))
            continue
        if step == "return":
            pacer.observe(*answer)
        if now > start + seconds:
            continue
        delay = pacer.attempt()
        if delay > 0:
            then(now + min(max(delay, 0.001), 1.0), "ask", pacer)
        else:
            then(now + chance.uniform(0.0005, 0.01), "arrive", pacer)


class Clock:
    def __init__(self):
        self.now = 1_700_000_003.0

    def __call__(self):
        return self.now


def some(number, windows=None, **options):
    clock = Clock()
    chance = random.Random(7)
    return [
        Pacer(clock=clock, windows=windows, random=chance.random, **options) for _ in range(number)
    ]


@pytest.mark.parametrize("windows", [None, Windows()], ids=["alone", "with leases"])
def test_one_process_uses_the_window_and_is_never_refused(windows):
    api = Api(LIMIT, phase=2.0)
    simulate(api, some(1, windows), threads=24, seconds=60)
    assert min(api.used()) >= 0.99
    assert api.refused == {}


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_that_share_a_store_use_the_window_and_are_hardly_refused(processes):
    api, windows = Api(LIMIT, phase=2.0), Windows()
    simulate(api, some(processes, windows), threads=16, seconds=60)
    assert min(api.used()) >= 0.97
    assert api.refusals() <= 0.001
    assert windows.asked < sum(api.ours.values()) / 8


@pytest.mark.parametrize("processes", [2, 4])
def test_where_no_store_is_shared_the_headers_do(processes):
    api = Api(LIMIT, phase=2.0)
    simulate(api, some(processes), threads=16, seconds=60)
    assert min(api.used()) >= 0.97
    assert api.refusals() <= 0.03


def test_a_window_that_ends_within_a_second_is_found_with_a_few_refusals():
    """The header tells whole seconds only; the API's windows may begin at any fraction."""
    api = Api(LIMIT, phase=2.7)
    simulate(api, some(1), threads=24, seconds=120)
    assert sum(api.refused.values()) <= 5
    assert min(api.used()) >= 0.97


def test_other_programs_get_what_they_use():
    api = Api(LIMIT, phase=2.0, others=600)
    simulate(api, some(2, Windows()), threads=16, seconds=60)
    assert api.refusals() <= 0.005
    assert min(api.used()) >= 0.6


@pytest.mark.parametrize("processes", [1, 3])
def test_processes_keep_to_a_share_together(processes):
    api = Api(1000, phase=2.0)
    simulate(api, some(processes, Windows(), share=0.5), threads=16, seconds=60)
    assert all(0.48 <= used <= 0.5 for used in api.used())


def test_processes_keep_to_a_rate_together():
    api = Api(1000, phase=2.0)
    simulate(api, some(3, Windows(), per_minute=600), threads=4, seconds=60)
    assert all(90 <= calls <= 101 for calls in list(api.ours.values())[1:-1])


def test_a_rate_of_less_than_one_call_in_a_window_is_kept():
    api = Api(1000, phase=2.0)
    simulate(api, some(1, Windows(), per_minute=3), threads=4, seconds=600)
    assert 28 <= sum(api.ours.values()) <= 31


def test_a_store_that_fails_costs_no_call():
    api, windows = Api(LIMIT, phase=2.0), Windows()
    pacers = some(2, windows)
    simulate(api, pacers, threads=16, seconds=20)
    windows.broken = True
    simulate(api, pacers, threads=16, seconds=40)
    assert min(api.used()) >= 0.97
    assert api.refusals() <= 0.03


def headers(limit, remaining, reset):
    names = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining}
    return {name: str(value) for name, value in (names | {"x-ratelimit-reset": reset}).items()}


def test_a_refusal_of_one_process_pauses_the_others_with_jitter():
    first, second = pacers = some(2, Windows(), margin=0.0)
    clock = first._clock
    reset = 1_700_000_012
    for pacer in pacers:
        assert pacer.attempt() == 0
        pacer.observe(headers(100, 90, reset), 200)
    assert first.attempt() == 0
    first.observe(headers(100, 80, reset), 429)
    wait = second.attempt()
    assert reset < clock.now + wait <= reset + 1
    assert first.attempt() != wait


def test_leases_are_small_at_first_and_grow_where_they_are_used_up_soon():
    clock = Clock()
    leases = Leases(Windows(), clock=clock)

    def ask():
        grant = leases.ask(10, debt=0, answered=0, remaining=None, allowance=10_000)
        clock.now += 0.1
        return grant.calls

    assert [ask() for _ in range(6)] == [8, 16, 32, 64, 64, 64]
    clock.now += 5
    assert [ask(), ask()] == [32, 64]


def test_leases_shrink_towards_the_end_of_the_window():
    leases = Leases(Windows(), clock=Clock())
    grants = []
    while not grants or not grants[-1].final:
        grants.append(leases.ask(10, debt=0, answered=0, remaining=None, allowance=100))
    calls = [grant.calls for grant in grants]
    assert sum(calls) == 100
    assert calls[-5:] == [1, 1, 1, 1, 1] or calls[-3:] == [1, 1, 1]
    assert max(calls) <= 25


def test_what_was_made_without_a_lease_is_paid_for():
    windows = Windows()
    grant = Leases(windows).ask(10, debt=5, answered=0, remaining=90, allowance=100)
    assert grant.calls == windows.accounts[10].leased == 13


def test_a_refusal_stays_in_the_account():
    windows = Windows()
    leases = Leases(windows)
    leases.refuse(10)
    grant = leases.ask(10, debt=0, answered=3, remaining=50, allowance=100)
    assert (grant.calls, grant.remaining) == (0, REFUSED)


reports = st.tuples(st.integers(0, 40), st.none() | st.integers(-1, 200))


@settings(deadline=None)
@given(
    allowance=st.integers(1, 200),
    steps=st.lists(st.tuples(st.integers(1, 80), reports), max_size=60),
)
def test_no_more_is_ever_leased_than_is_allowed(allowance, steps):
    account = Account()
    for want, (answered, remaining) in steps:
        account = account.told(min(answered, account.leased - account.answered), remaining)
        after = account.lease(want, allowance)
        assert 0 <= after.leased - account.leased <= want
        if account.remaining is not None:
            under_way = after.leased - after.answered
            assert after == account or under_way <= account.remaining
        account = after
    assert account.leased <= allowance


@settings(max_examples=40, deadline=None)
@given(
    limit=st.integers(2, 40),
    share=st.sampled_from([0.25, 0.5, 0.9, 1.0]),
    processes=st.integers(1, 4),
    threads=st.integers(1, 6),
    latency=st.floats(0.01, 4.0),
    seed=st.integers(0, 1000),
)
def test_by_our_own_account_a_window_is_never_exceeded(
    limit, share, processes, threads, latency, seed
):
    api, windows = Api(limit), Windows()
    pacers = some(processes, windows, share=share)
    simulate(api, pacers, threads=threads, seconds=40, latency=latency, seed=seed)
    allowed = max(1, int(limit * share))
    assert all(account.leased <= allowed for account in windows.accounts.values())
