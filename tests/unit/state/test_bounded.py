"""What a stream without a store remembers."""

from pipeline.state.bounded import BoundedState


def test_what_was_put_is_remembered_until_it_is_forgotten():
    state = BoundedState()
    state.put("contact", "a", "1")
    assert state.get("contact", "a") == "1"
    assert state.get_many("contact", ["a", "b"]) == {"a": "1"}
    state.forget("contact", "a")
    state.forget("contact", "a")
    assert state.get("contact", "a") is None


def test_it_never_holds_more_than_it_may_and_keeps_what_is_asked_for():
    state = BoundedState(capacity=3)
    for key in "abc":
        state.put("contact", key, key)
    state.get("contact", "a")
    state.put("contact", "d", "d")
    assert state.get_many("contact", "abcd") == {"a": "a", "c": "c", "d": "d"}


def test_what_was_noticed_in_passing_is_forgotten_after_an_hour():
    now = 0.0
    state = BoundedState(clock=lambda: now)
    state.put("run.event_name_refused", "a", "full")
    now = 3_599.0
    assert state.get("run.event_name_refused", "a") == "full"
    now = 3_601.0
    assert state.get("run.event_name_refused", "a") is None
