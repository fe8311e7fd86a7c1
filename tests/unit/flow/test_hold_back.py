"""What leaves the hold-back, when, and in which order."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.hold_back import HoldBack, HoldBackPolicy
from pipeline.flow.peeking import Peek, peek, shard_of

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND


def hold(**policy):
    return HoldBack(HoldBackPolicy(**{"seconds": 5.0, **policy}))


def test_an_event_waits_until_the_hold_back_is_over_by_the_clock():
    held = hold()
    held.add("a", Peek("u:1", NOW), now=NOW)
    assert held.release(NOW + 5 * SECOND - 1) == []
    assert held.release(NOW + 5 * SECOND) == ["a"]


def test_an_event_leaves_as_soon_as_its_shard_is_past_it():
    held = hold()
    held.add("old", Peek("u:1", NOW - 60 * SECOND), now=NOW)
    held.add("new", Peek("u:1", NOW), now=NOW)
    assert held.release(NOW) == ["old"]


def test_a_time_in_the_future_lets_nobody_else_out():
    held = hold()
    held.add("wrong clock", Peek("u:1", NOW + 10**15), now=NOW)
    held.add("other", Peek("u:1", NOW - SECOND), now=NOW)
    assert held.release(NOW) == []


def test_events_of_one_person_leave_in_the_order_they_happened():
    held = hold()
    held.add("second", Peek("u:1", NOW), now=NOW)
    held.add("first", Peek("u:1", NOW - 3 * SECOND), now=NOW + 4 * SECOND)
    assert held.release(NOW + 5 * SECOND) == ["first", "second"]


def test_those_of_the_same_moment_leave_in_the_order_they_came():
    held = hold()
    for name in "abc":
        held.add(name, Peek("u:1", NOW), now=NOW)
    assert held.drain() == ["a", "b", "c"]


def test_what_comes_too_late_goes_straight_through():
    held = hold()
    held.add("new", Peek("u:1", NOW), now=NOW)
    held.add("late", Peek("u:1", NOW - 6 * SECOND), now=NOW)
    assert held.release(NOW) == ["late"]


def test_an_event_without_a_time_has_the_one_at_which_it_came():
    held = hold()
    held.add("b", Peek("u:1", None), now=NOW)
    held.add("a", Peek("u:1", NOW - 1), now=NOW)
    assert held.drain() == ["a", "b"]


def test_a_shard_is_not_hurried_by_another():
    ada, eve = Peek("u:ada", NOW - 60 * SECOND), Peek("u:eve", NOW)
    assert shard_of(ada.key) != shard_of(eve.key)
    held = hold()
    held.add("ada", ada, now=NOW)
    held.add("eve", eve, now=NOW)
    assert held.release(NOW) == []


def test_there_is_no_room_once_enough_events_are_held():
    held = hold(most=2)
    held.add("a", Peek("u:1", NOW), now=NOW)
    assert held.room == 1
    held.add("b", Peek("u:1", NOW), now=NOW)
    assert held.room == 0


def test_there_is_no_room_once_enough_bytes_are_held_and_again_when_they_are_gone():
    held = hold(most_bytes=100)
    held.add("a", Peek("u:1", NOW), now=NOW, size=100)
    assert held.room == 0
    held.drain()
    assert held.room > 0


def test_what_is_dropped_never_leaves():
    held = hold()
    held.add("mine", Peek("u:1", NOW), now=NOW)
    held.add("revoked", Peek("u:1", NOW), now=NOW)
    assert held.drop(lambda item: item == "revoked") == 1
    assert held.drain() == ["mine"]


def test_it_says_when_the_next_one_leaves_at_the_latest():
    held = hold()
    assert held.next_release() is None
    held.add("a", Peek("u:1", NOW), now=NOW)
    assert held.next_release() == NOW + 5 * SECOND


def test_nothing_is_kept_of_what_left_whatever_its_time_was():
    held = hold()
    for number in range(20_000):
        now = NOW + number * SECOND
        held.add(number, Peek(f"u:{number % 7}", now + 10**15), now=now)
        held.release(now)
    kept = len(held._arrivals) + sum(map(len, held._shards.values())) + len(held._people)
    assert len(held) <= 6
    assert kept < 2_500


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["u:1", "u:2", "u:3", "u:4"]),
        st.integers(-20 * SECOND, 20 * SECOND),  # its time against the clock
        st.integers(0, 3 * SECOND),  # the pause before it
    ),
    max_size=60,
)
TICK = SECOND // 2


def through(events):
    """(number, key, time, came, left) of every event, with a release at every tick."""
    held, now, left = HoldBack(HoldBackPolicy(seconds=5, shards=2)), NOW, []
    facts = {}

    def advance(to):
        nonlocal now
        while now < to:
            now = min(to, now + TICK)
            left.extend((number, now) for number in held.release(now))

    for number, (key, offset, pause) in enumerate(events):
        advance(now + pause)
        facts[number] = (key, now + offset, now)
        held.add(number, Peek(key, now + offset), now=now)
    advance(now + 6 * SECOND)
    return [(number, *facts[number], at) for number, at in left]


@given(EVENTS)
def test_nothing_is_lost_and_nothing_leaves_twice(events):
    assert sorted(number for number, *_ in through(events)) == list(range(len(events)))


@given(EVENTS)
def test_nothing_is_held_for_longer_than_the_hold_back_and_a_tick(events):
    assert all(at - came <= 5 * SECOND + TICK for *_, came, at in through(events))


@given(EVENTS)
def test_a_person_s_event_overtakes_only_what_came_after_it_had_left(events):
    """Out of order are only events that came so late that the newer one was gone."""
    out = through(events)
    for place, (_, key, time, _, left) in enumerate(out):
        for _, other, earlier, came, _ in out[place + 1 :]:
            assert other != key or earlier >= time or came >= left - TICK


@given(EVENTS)
def test_a_person_s_events_are_in_order_where_none_is_later_than_the_hold_back(events):
    on_time = [(key, -(offset % (4 * SECOND)), pause) for key, offset, pause in events]
    times = {}
    for _, key, time, *_ in through(on_time):
        times.setdefault(key, []).append(time)
    assert all(moments == sorted(moments) for moments in times.values())


def test_a_peek_sees_whose_event_it_is_and_when():
    line = b'{"type":"track","userId":7,"timestamp":"2023-11-14T22:13:20Z","x":[1,{}]}'
    assert peek(line) == Peek("u:7", NOW)


def test_a_peek_prefers_the_same_name_as_a_person_s_key():
    line = b'{"anonymousId":"x","traits":{"email":"Ada@Example.com"}}'
    assert peek(line) == Peek("e:ada@example.com", None)


def test_a_peek_takes_the_first_time_that_can_be_read():
    line = b'{"userId":"7","timestamp":"soon","sentAt":1}'
    assert peek(line) == Peek("u:7", SECOND)


def test_a_peek_sees_nothing_in_a_batch_in_junk_and_in_what_names_nobody():
    for line in (
        b'{"batch":[{"userId":"7"}]}',
        b"{",
        b"[1]",
        b"\xff",
        b'{"userId":""}',
        b"[" * 99_999,
    ):
        assert peek(line) is None
