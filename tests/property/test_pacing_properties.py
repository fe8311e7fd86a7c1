"""However answers are interleaved, the window is never exceeded, and nobody waits for ever."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.flow.pacing import Pacer

WINDOW = 10


class Server:
    """An API that counts calls in fixed windows, with the phase and the neighbours it has."""

    def __init__(self, limit, phase, neighbours):
        self.limit = limit
        self.phase = phase
        self.neighbours = iter(neighbours)
        self.window = None
        self.used = 0
        self.own = {}

    def answer(self, now):
        window = int((now - self.phase) // WINDOW)
        if window != self.window:
            self.window, self.used = window, 0
        self.used += 1 + next(self.neighbours, 0)
        self.own[window] = self.own.get(window, 0) + 1
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used)),
            "x-ratelimit-reset": str(int((window + 1) * WINDOW + self.phase)),
        }
        return headers, 200 if self.used <= self.limit else 429


class Clock:
    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(4, 12),
    phase=st.integers(0, 9),
    steps=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 3)), max_size=60),
)
def test_alone_no_call_is_ever_refused(limit, phase, steps):
    """Calls are under way up to three at a time; their answers come back in any order."""
    clock = Clock()
    server = Server(limit, phase, [])
    pacer = Pacer(clock=clock, sleep=clock.sleep)
    pacer.acquire()
    pacer.observe(*server.answer(clock.now))
    under_way = []
    for which, pause in steps:
        if which < len(under_way):
            pacer.observe(*under_way.pop(which))
        elif len(under_way) < 3:
            pacer.acquire()
            headers, status = server.answer(clock.now)
            assert status == 200
            under_way.append((headers, status))
        clock.now += pause


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 12),
    phase=st.integers(0, 9),
    neighbours=st.lists(st.integers(0, 5), max_size=80),
    calls=st.integers(1, 40),
)
def test_with_neighbours_every_call_comes_through_in_time(limit, phase, neighbours, calls):
    """Others may use the window up at any time: that costs one refusal a window, never more."""
    clock = Clock()
    server = Server(limit, phase, neighbours)
    pacer = Pacer(clock=clock, sleep=clock.sleep, random=lambda: 1.0)
    began = clock.now
    refused = []
    done = 0
    while done < calls:
        pacer.acquire()
        headers, status = server.answer(clock.now)
        pacer.observe(headers, status)
        done += status == 200
        if status == 429:
            refused.append(headers["x-ratelimit-reset"])
    assert len(refused) == len(set(refused))
    assert clock.now - began <= (calls + len(neighbours) + 2) * (WINDOW + 2)


@settings(max_examples=40, deadline=None)
@given(rate=st.integers(1, 600), pauses=st.lists(st.floats(0, 5), min_size=1, max_size=80))
def test_a_rate_of_our_own_is_kept_in_every_minute(rate, pauses):
    clock = Clock()
    pacer = Pacer(per_minute=rate, clock=clock, sleep=clock.sleep)
    made = []
    for pause in pauses:
        pacer.acquire()
        made.append(clock.now)
        pacer.observe({}, 200)
        clock.now += pause
    for moment in made:
        within = [other for other in made if moment <= other < moment + 59.999]
        assert len(within) <= rate
