"""The registry of event names in a state store, alone and with many."""

import multiprocessing
import threading
import uuid

import pytest

from pipeline.errors import UsageError
from pipeline.flow.event_names import EventNames, NamePolicy
from pipeline.flow.name_registry import ACTIVE, KINDS, REFUSED, NameRegistry
from pipeline.state.store import StateStore


@pytest.fixture
def scope():
    return uuid.uuid4().hex


@pytest.fixture
def registry(store, scope):
    return NameRegistry(store, scope)


def names(limit=3, **settings):
    policy = NamePolicy.from_settings({"event_name_limit": limit, **settings})
    return EventNames({"submit_event": "event_name"}, policy)


def seen(**uses):
    return {name.lower(): (time, name) for name, time in uses.items()}


def states(registry):
    return {one.name: one.state for one in registry.names()}


# --- the store --------------------------------------------------------------------------------


def test_an_update_sees_all_entries_of_its_kinds_and_stores_what_it_returns(store, scope):
    store.put_many(scope, [("a", "1", "x"), ("b", "1", "y"), ("c", "1", "z")])
    shown = []

    def change(entries):
        shown.append(dict(entries))
        return {("a", "1"): None, ("b", "2"): "new"}

    store.update(scope, ("a", "b"), change)
    assert shown == [{("a", "1"): "x", ("b", "1"): "y"}]
    assert store.entries(scope, ("a", "b", "c")) == {
        ("b", "1"): "y",
        ("b", "2"): "new",
        ("c", "1"): "z",
    }


def test_an_update_that_fails_changes_nothing(store, scope):
    store.put_many(scope, [("a", "1", "x")])

    def change(entries):
        message = "no"
        raise UsageError(message)

    with pytest.raises(UsageError):
        store.update(scope, ("a",), change)
    assert store.entries(scope, ("a",)) == {("a", "1"): "x"}
    store.update(scope, ("a",), lambda entries: {("a", "1"): "still usable"})


def test_updates_of_many_threads_do_not_overtake_each_other(store, scope):
    def work():
        for _ in range(10):
            store.update(
                scope, ("n",), lambda now: {("n", ""): str(int(now.get(("n", ""), 0)) + 1)}
            )

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(scope, "n", "") == "50"


# --- the registry -----------------------------------------------------------------------------


def test_names_are_admitted_until_the_places_are_gone(registry):
    first = registry.admit(seen(a=3, b=1), names())
    second = registry.admit(seen(A=9, c=5, d=4), names())
    assert first.admitted == {"a", "b"}
    assert second.admitted == {"a", "d"}
    assert (second.over, second.taken, second.limit) == (("c",), 3, 3)
    assert states(registry) == {"a": "active", "b": "active", "d": "active"}


def test_the_same_admission_again_changes_nothing(registry, store, scope):
    once = registry.admit(seen(a=1, b=2, c=3, d=4), names())
    rows = store.entries(scope, KINDS)
    assert registry.admit(seen(a=1, b=2, c=3, d=4), names()) == once
    assert store.entries(scope, KINDS) == rows


def test_a_lower_limit_takes_no_place_away(registry):
    registry.admit(seen(a=1, b=2), names())
    admission = registry.admit(seen(a=1, b=2, c=3), names(limit=1))
    assert (admission.admitted, admission.over) == ({"a", "b"}, ("c",))


def test_workspaces_are_apart(store, scope, registry):
    other = NameRegistry(store, scope + "x")
    registry.admit(seen(a=1), names())
    assert other.names() == []


def test_a_pinned_name_holds_its_place_before_it_is_seen(registry):
    registry.pin("P.q", limit=3)
    admission = registry.admit(seen(a=1, b=2, c=3), names())
    assert admission.over == ("c",)
    assert registry.admit({"p-q": (7, "p-Q")}, names()).admitted == {"p-q"}
    (pinned,) = [one for one in registry.names() if one.state == "pinned"]
    assert (pinned.name, pinned.first_seen) == ("p-Q", 7)


def test_a_name_that_is_there_is_pinned_without_another_place(registry):
    registry.admit(seen(a=1, b=2, c=3), names())
    registry.pin("A", limit=3)
    assert states(registry) == {"a": "pinned", "b": "active", "c": "active"}
    with pytest.raises(UsageError, match="all 3 places"):
        registry.pin("d", limit=3)


def test_an_archived_name_frees_its_place_and_stays_out(registry):
    registry.admit(seen(a=1, b=2, c=3), names())
    registry.archive("B")
    admission = registry.admit(seen(a=1, b=2, d=4, e=5), names())
    assert (admission.admitted, admission.archived) == ({"a", "d"}, {"b"})
    assert admission.over == ("e",)
    assert states(registry)["b"] == "archived"


def test_an_archived_name_comes_back_when_it_is_pinned_or_forgotten(registry):
    registry.admit(seen(a=1, b=2), names())
    registry.archive("a")
    registry.archive("b")
    registry.pin("a", limit=3)
    registry.forget("b")
    assert registry.admit(seen(a=1, b=2), names()).admitted == {"a", "b"}
    assert states(registry) == {"a": "pinned", "b": "active"}


def test_a_name_that_is_pinned_by_the_settings_comes_back_from_the_archive(registry):
    registry.admit(seen(a=1), names())
    registry.archive("a")
    assert registry.admit(seen(a=1), names(pin_event_names=["A"])).admitted == {"a"}
    assert states(registry) == {"a": "active"}


def test_a_name_that_the_destination_refused_competes_again(registry, store, scope):
    registry.admit(seen(a=1), names())
    store.forget(scope, ACTIVE, ["a"])
    store.put_many(scope, [(REFUSED, "a", '[1, "a"]')])
    assert states(registry) == {"a": "refused"}
    assert registry.admit(seen(a=1), names()).admitted == {"a"}
    assert states(registry) == {"a": "active"}


@pytest.mark.parametrize("method", ["archive", "forget"])
def test_a_name_that_nobody_knows_is_said_so(registry, method):
    with pytest.raises(UsageError, match="no event name 'x'"):
        getattr(registry, method)("x")


def test_names_of_any_kind_are_kept(registry):
    for number, name in enumerate(("'; DROP TABLE entries; --", "e\u2028\x00é", "x" * 9_000, "")):
        registry.pin(name, limit=99)
        assert len(registry.names()) == number + 1
        registry.archive(name)


# --- processes --------------------------------------------------------------------------------


def _admit(url, scope, number, results):
    uses = {f"n{(step * 7 + number) % 60}": step for step in range(60)}
    admitted = set()
    with StateStore.open(url) as store:
        registry = NameRegistry(store, scope)
        for name, time in uses.items():
            admitted |= registry.admit({name: (time, name)}, names(limit=20)).admitted
        again = registry.admit({name: (time, name) for name, time in uses.items()}, names(limit=20))
    results.put((sorted(admitted), sorted(again.admitted)))


@pytest.mark.integration
def test_processes_admit_exactly_the_limit_and_agree(lasting_url, scope):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=_admit, args=(lasting_url, scope, number, results))
        for number in range(3)
    ]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with StateStore.open(lasting_url) as store:
        active = [one.key for one in NameRegistry(store, scope).names()]
    assert len(active) == 20
    assert all(admitted == again == active for admitted, again in found)
