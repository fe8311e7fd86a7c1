"""Pacing by the API's own windows."""

import threading

import pytest

from pipeline.flow.pacing import Pacer
from pipeline.model.exchange import RateHeaders


def headers(limit, remaining, reset, **more):
    names = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining}
    names |= {"x-ratelimit-reset": reset, **more}
    return {name: str(value) for name, value in names.items()}


@pytest.fixture
def pacer(clock):
    return Pacer(clock=clock, sleep=clock.sleep, random=lambda: 0.5, margin=0.0)


def call(pacer, answer, status=200):
    pacer.acquire()
    pacer.observe(answer, status)


def end(clock, seconds=10):
    return int(clock.now) + seconds


def test_without_headers_calls_go_through(pacer, clock):
    for _ in range(1000):
        call(pacer, {})
    assert clock.slept == []


def test_calls_go_through_while_some_are_left(pacer, clock):
    reset = end(clock)
    for remaining in range(9, -1, -1):
        call(pacer, headers(10, remaining, reset))
    assert clock.slept == []


def test_when_none_is_left_the_next_waits_for_the_end_of_the_window(pacer, clock):
    reset = end(clock)
    call(pacer, headers(10, 0, reset))
    pacer.acquire()
    assert clock.now == reset


def test_a_new_window_begins_with_the_last_known_limit(pacer, clock):
    reset = end(clock)
    call(pacer, headers(3, 0, reset))
    call(pacer, headers(3, 2, reset + 10))
    call(pacer, headers(3, 1, reset + 10))
    call(pacer, {}, status=0)  # counts as made
    assert clock.now == reset
    pacer.acquire()
    assert clock.now == reset + 10


def test_the_first_call_of_a_window_goes_alone(pacer, clock):
    reset = end(clock)
    call(pacer, headers(10, 0, reset))
    pacer.acquire()
    assert clock.now == reset
    assert pacer.attempt() > 0
    pacer.observe(headers(10, 9, reset + 10), 200)
    assert [pacer.attempt() for _ in range(9)] == [0] * 9
    assert clock.now == reset


def test_the_very_first_call_goes_alone(pacer, clock):
    pacer.acquire()
    assert pacer.attempt() > 0
    pacer.observe(headers(3, 2, end(clock)), 200)
    assert [pacer.attempt() == 0 for _ in range(3)] == [True, True, False]


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_a_second(pacer, clock):
    began = clock.now
    pacer.acquire()
    pacer.acquire()
    assert began + 1 <= clock.now < began + 1.1


def test_where_answers_tell_nothing_there_is_nothing_to_wait_for(pacer, clock):
    call(pacer, {})
    assert [pacer.attempt() for _ in range(50)] == [0] * 50


def test_a_call_that_was_counted_in_the_window_before_is_given_back(pacer, clock):
    reset = end(clock)
    call(pacer, headers(3, 2, reset))
    pacer.acquire()
    clock.now = reset
    pacer.acquire()  # after a second: the call under way may be of the new window as well
    pacer.observe(headers(3, 1, reset), 200)
    pacer.observe(headers(3, 2, reset + 10), 200)
    assert [pacer.attempt() == 0 for _ in range(3)] == [True, True, False]


def test_a_limit_that_was_never_told_is_no_reason_to_ignore_what_is_left(pacer, clock):
    reset = end(clock)
    call(pacer, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)})
    pacer.acquire()
    assert clock.now == reset


def test_calls_under_way_count_as_made(pacer, clock):
    reset = end(clock)
    call(pacer, headers(10, 2, reset))
    assert [pacer.attempt() == 0 for _ in range(3)] == [True, True, False]
    assert clock.now < reset


def test_an_answer_that_was_overtaken_gives_nothing_back(pacer, clock):
    reset = end(clock)
    for _ in range(2):
        pacer.acquire()
    pacer.observe(headers(10, 0, reset), 200)
    pacer.observe(headers(10, 1, reset), 200)
    pacer.acquire()
    assert clock.now == reset


def test_calls_of_others_are_seen(pacer, clock):
    reset = end(clock)
    call(pacer, headers(100, 99, reset))
    call(pacer, headers(100, 0, reset))
    pacer.acquire()
    assert clock.now == reset


def test_a_larger_limit_is_learned(pacer, clock):
    call(pacer, headers(1, 0, end(clock)))
    call(pacer, headers(1667, 1666, end(clock, 20)))
    assert pacer.limit == 1667


def test_a_call_without_answer_counts_as_made(pacer, clock):
    reset = end(clock)
    call(pacer, headers(10, 1, reset))
    call(pacer, {}, status=0)
    pacer.acquire()
    assert clock.now == reset


def test_e2_429_pauses_everybody_until_the_window_ends_plus_jitter(pacer, clock):
    reset = end(clock)
    call(pacer, headers(10, 5, reset), status=429)
    pacer.acquire()
    assert clock.now == reset + 0.5


def test_e2_429_without_headers_pauses_for_a_window(pacer, clock):
    began = clock.now
    call(pacer, {}, status=429)
    pacer.acquire()
    assert clock.now == pytest.approx(began + 10.5)


def test_e2_many_429_of_one_window_are_one_pause(pacer, clock):
    reset = end(clock)
    for _ in range(5):
        pacer.acquire()
    for _ in range(5):
        pacer.observe(headers(10, 0, reset), 429)
    pacer.acquire()
    assert clock.now == reset + 0.5


def test_e2_retry_after_is_honoured_where_it_is_longer(pacer, clock):
    began = clock.now
    call(pacer, headers(10, 0, end(clock), **{"retry-after": 30}), status=429)
    pacer.acquire()
    assert clock.now == pytest.approx(began + 30.5)


def test_e2_a_late_429_of_a_window_that_is_over_costs_no_new_window(pacer, clock):
    reset = end(clock)
    call(pacer, headers(10, 0, reset))
    pacer.acquire()
    assert clock.now == reset
    pacer.observe(headers(10, 0, reset), 429)
    pacer.acquire()
    assert clock.now == reset + 0.5


def test_a_clock_that_is_wrong_is_corrected_by_the_date_header(pacer, clock):
    began = clock.now
    clock.now += 3600  # ours is an hour ahead
    date = "Tue, 14 Nov 2023 22:13:22 GMT"  # 1_700_000_002
    call(pacer, headers(10, 0, int(began) + 4, date=date))
    pacer.acquire()
    assert clock.now == pytest.approx(began + 3600 + 4)


def test_a_clock_that_is_wrong_without_date_waits_a_whole_window(pacer, clock):
    began = clock.now
    call(pacer, headers(10, 0, int(began) - 3600))
    pacer.acquire()
    assert clock.now == pytest.approx(began + 10)


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1e99", "-1", "99999999999999999999"])
def test_headers_that_are_no_numbers_do_no_harm(pacer, clock, text):
    for _ in range(3):
        call(pacer, headers(text, text, text))
    assert clock.now <= 1_700_000_002.0 + 30


def test_header_names_are_data(clock):
    names = RateHeaders("l", "r", "t", window=60.0)
    pacer = Pacer(names, clock=clock, sleep=clock.sleep, margin=0.0)
    reset = end(clock, 60)
    call(pacer, {"l": "1", "r": "0", "t": str(reset)})
    pacer.acquire()
    assert clock.now == reset


def test_the_time_spent_waiting_is_told(pacer, clock):
    call(pacer, headers(10, 0, end(clock)))
    waited = pacer.acquire()
    assert waited == pytest.approx(10)
    assert pacer.waited_seconds == pytest.approx(10)


def test_a_rate_of_our_own_spreads_calls_evenly(clock):
    pacer = Pacer(per_minute=60, clock=clock, sleep=clock.sleep)
    began = clock.now
    for _ in range(61):
        call(pacer, {})
    assert clock.now - began == pytest.approx(60)


def test_a_rate_of_our_own_saves_nothing_up(clock):
    pacer = Pacer(per_minute=60, clock=clock, sleep=clock.sleep)
    call(pacer, {})
    clock.now += 600
    began = clock.now
    for _ in range(3):
        call(pacer, {})
    assert clock.now - began == pytest.approx(2)


def test_a_share_leaves_the_rest_of_a_window_to_others(clock):
    pacer = Pacer(share=0.5, clock=clock, sleep=clock.sleep, margin=0.0)
    reset = end(clock)
    for remaining in range(9, 4, -1):
        call(pacer, headers(10, remaining, reset))
    assert clock.slept == []
    pacer.acquire()
    assert clock.now == reset


def test_the_smallest_share_still_delivers(clock):
    pacer = Pacer(share=0.001, clock=clock, sleep=clock.sleep, margin=0.0)
    reset = end(clock)
    call(pacer, headers(10, 9, reset))
    call(pacer, headers(10, 9, reset + 10))
    assert clock.now == reset


@pytest.mark.parametrize("share", [0, -0.5, 1.01])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="share"):
        Pacer(share=share)


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_that_delivers_nothing_is_refused(rate):
    with pytest.raises(ValueError, match="delivers nothing"):
        Pacer(per_minute=rate)


def test_many_threads_never_exceed_the_window(clock):
    """A server that counts, asked by threads in real time through a clock that they share."""
    limit, lock = 20, threading.Lock()
    used, refused = {}, []

    def serve():
        with lock:
            window = int(clock.now // 10)
            used[window] = used.get(window, 0) + 1
            if used[window] > limit:
                refused.append(window)
            return headers(limit, max(0, limit - used[window]), (window + 1) * 10)

    def sleep(seconds):
        with lock:
            clock.now += min(seconds, 0.01)

    pacer = Pacer(clock=clock, sleep=sleep, margin=0.0)

    def work():
        for _ in range(20):
            pacer.acquire()
            pacer.observe(serve(), 200)

    call(pacer, serve())
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert sum(used.values()) == 161
