"""The memory of a run without a store."""

from __future__ import annotations

from pipeline.state.unshared import UnsharedState


def test_it_remembers_by_kind_and_key_until_told_to_forget() -> None:
    state = UnsharedState()
    state.put("contact", "u:1", "a")
    state.put("company", "u:1", "b")
    state.forget("company", "u:1")
    state.forget("company", "u:2")
    assert (state.get("contact", "u:1"), state.get("company", "u:1")) == ("a", None)


def test_many_keys_at_once_give_those_that_are_there() -> None:
    state = UnsharedState()
    state.put("delivered", "a", "1")
    assert state.get_many("delivered", ["a", "b"]) == {"a": "1"}
    assert state.get_many("other", ["a"]) == {}
