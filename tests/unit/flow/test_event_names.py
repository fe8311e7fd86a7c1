"""Who gets a place for an event name, and what becomes of the others."""

import pytest

from pipeline.errors import ConfigurationError
from pipeline.flow.event_names import (
    Admission,
    Admitting,
    EventNames,
    NamePolicy,
    name_key,
    newcomers,
    note,
)
from pipeline.flow.name_registry import REFUSED, NameKeeper
from pipeline.flow.work import Task, Work
from pipeline.model.operation import DELIVERED, Operation, Outcome, Person

FIELDS = {"submit_event": "event_name"}
FULL = Outcome("dead", "event_name_cap", "Cannot have more than 3 active event names")


def names(**settings):
    return EventNames(FIELDS, NamePolicy.from_settings(settings))


def event(name, *, time=1, kind="submit_event"):
    return Operation(kind, Person("u"), time, {"event_name": name})


def task(*operations):
    return Task("m", 1, "track", operations)


def seen(**uses):
    return {name: (time, name) for name, time in uses.items()}


def places(uses, *, taken=(), archived=(), pinned=(), limit=2):
    return newcomers(uses, taken=taken, archived=archived, pinned=pinned, limit=limit)


class Memory(dict):
    def get(self, kind, key):
        return super().get((kind, key))

    def put(self, kind, key, value):
        self[kind, key] = value

    def forget(self, kind, key):
        self.pop((kind, key), None)


# --- how names compare ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Order Completed", "order completed"),
        ("ORDER.COMPLETED", "order-completed"),
        ("$pageview", "-pageview"),
        ("Ünï", "ünï"),
        ("a\0b", "a\ufffdb"),
        ("", ""),
    ],
)
def test_names_compare_as_the_api_compares_them(name, key):
    assert name_key(name) == key


def test_very_long_names_stay_apart_under_keys_of_bounded_length():
    one, other = name_key("x" * 5000 + "a"), name_key("x" * 5000 + "b")
    assert one != other
    assert len(one) == len(other) == 255


def test_the_first_use_of_a_name_is_kept_whatever_comes_first():
    for uses in ([(5, "A.b"), (3, "a-B"), (9, "a-b")], [(3, "a-B"), (9, "a-b"), (5, "A.b")]):
        found = {}
        for time, name in uses:
            note(found, name, time)
        assert found == {"a-b": (3, "a-B")}


# --- who gets a place -------------------------------------------------------------------------


def test_the_earliest_get_the_places():
    assert places(seen(c=3, a=5, b=1)) == ["b", "c"]


def test_of_names_of_one_moment_the_alphabet_decides():
    assert places(seen(c=1, a=1, b=1)) == ["a", "b"]


def test_names_that_have_a_place_keep_it():
    assert places(seen(a=1, b=2), taken={"old"}) == ["a"]
    assert places(seen(a=1, old=0), taken={"old"}) == ["a"]
    assert places(seen(a=1), taken={"x", "y", "z"}) == []


def test_a_pin_keeps_a_place_free_though_nobody_uses_it():
    assert places(seen(a=1, b=2), pinned={"p"}) == ["a"]


def test_a_pinned_name_comes_before_earlier_ones():
    assert places(seen(a=1, b=2, p=9), pinned={"p"}) == ["p", "a"]


def test_a_pin_takes_no_second_place():
    assert places(seen(a=1, b=2, p=9), pinned={"p"}, taken={"p"}) == ["a"]


def test_more_pins_than_room_go_by_time():
    assert places(seen(p=3, q=2, a=1), pinned={"p", "q"}, taken={"x"}) == ["q"]


def test_an_archived_name_gets_no_place_unless_it_is_pinned():
    assert places(seen(a=1, b=2), archived={"a"}) == ["b"]
    assert places(seen(a=1, b=2), archived={"a"}, pinned={"a"}) == ["a", "b"]


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"event_name_limit": 0}, "above 0"),
        ({"event_name_limit": True}, "above 0"),
        ({"event_name_limit": "many"}, "above 0"),
        ({"event_name_overflow": "explode"}, "dead_letter or drop"),
        ({"pin_event_names": "a"}, "list of names"),
        ({"deny_event_names": [1]}, "list of names"),
        ({"pin_event_names": ["A.b"], "deny_event_names": ["a-B"]}, "'A.b' is both"),
        ({"pin_event_names": ["a", "b", "B"], "event_name_limit": 1}, "2 event names are pinned"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        NamePolicy.from_settings(settings)


def test_other_settings_are_not_looked_at():
    assert NamePolicy.from_settings({"page": "skip"}) == NamePolicy()


def test_a_denied_name_is_known_however_it_is_written():
    denying = names(deny_event_names=["Order.Completed"])
    assert denying.denies([event("x"), event("ORDER-completed")])
    assert not denying.denies([event("x"), event("order-completed", kind="upsert_contact")])
    assert not names().denies([event("x")])


# --- the gate ---------------------------------------------------------------------------------


def admit(work, admission, policy=None):
    delivered = []

    def deliver(admitted):
        delivered.extend(admitted.tasks)
        return [(one, DELIVERED) for one in admitted.tasks]

    gate = Admitting(deliver, policy or names(), admission)
    return gate.deliver(work), delivered


def test_an_event_without_a_place_is_refused_as_a_whole():
    lead = Operation("upsert_contact", Person("u"), 1, {"role": "lead"})
    inside, outside = task(event("a")), task(lead, event("b"))
    admission = Admission(frozenset({"a"}), limit=1)
    account, delivered = admit(Work("u:u", (outside, inside)), admission)
    assert delivered == [inside]
    outcomes = {id(one): outcome for one, outcome in account}
    refused = outcomes[id(outside)]
    assert (refused.status, refused.reason, refused.stage) == ("dead", "event_name_cap", "admit")
    for word in ("'b'", "takes 1 active", "event-names archive", "replay"):
        assert word in refused.message
    assert outcomes[id(inside)] == DELIVERED


def test_an_archived_name_is_told_apart():
    admission = Admission(archived=frozenset({"b"}), limit=9)
    ((_, outcome),), _ = admit(Work("u:u", (task(event("B")),)), admission)
    assert "was archived" in outcome.message


def test_events_without_a_name_need_no_place():
    account, _ = admit(Work("u:u", (task(event("x", kind="upsert_contact")),)), Admission())
    assert [outcome for _, outcome in account] == [DELIVERED]


def test_nothing_is_delivered_where_nothing_is_admitted():
    work = Work("u:u", (task(event("x")),))
    gate = Admitting(lambda _: pytest.fail("delivered"), names(), Admission(limit=1))
    assert len(gate.deliver(work)) == 1


def test_overflow_can_be_dropped_whoever_refuses_it():
    dropping = names(event_name_overflow="drop")
    work = Work("u:u", (task(event("a")), task(event("b"))))
    gate = Admitting(
        lambda admitted: [(one, FULL) for one in admitted.tasks],
        dropping,
        Admission(frozenset({"a"}), limit=1),
    )
    outcomes = [(outcome.status, outcome.reason) for _, outcome in gate.deliver(work)]
    assert outcomes == [("skipped", "event_name_cap")] * 2


@pytest.mark.parametrize(("taken", "near"), [(107, False), (108, True), (120, True), (130, True)])
def test_from_nine_tenths_on_it_is_near_the_limit(taken, near):
    assert Admission(taken=taken, limit=120).is_near_limit is near


# --- what the destination says ----------------------------------------------------------------


class Runner:
    def __init__(self, outcome):
        self.outcome = outcome
        self.ran = []

    def run(self, operation, memory):
        self.ran.append(operation)
        return self.outcome


def test_a_name_that_the_destination_refuses_is_tried_once():
    runner, memory = Runner(FULL), Memory({("event_name", "a-b"): '[1, "A.b"]'})
    keeper = NameKeeper(runner, names())
    first = keeper.run(event("A.b"), memory)
    second = keeper.run(event("a-B"), memory)
    assert (first, second.reason, len(runner.ran)) == (FULL, "event_name_cap", 1)
    assert FULL.message in second.message
    assert ("event_name", "a-b") not in memory
    assert (REFUSED, "a-b") in memory


def test_other_names_and_other_operations_still_go():
    runner, memory = Runner(FULL), Memory()
    keeper = NameKeeper(runner, names())
    keeper.run(event("a"), memory)
    keeper.run(event("b"), memory)
    keeper.run(event("a", kind="upsert_contact"), memory)
    assert len(runner.ran) == 3


def test_the_day_of_the_newest_delivered_event_is_remembered():
    runner, memory = Runner(DELIVERED), Memory()
    keeper = NameKeeper(runner, names())
    for day in (3, 5, 4):
        keeper.run(event("a", time=day * 86_400_000_000), memory)
    assert memory["event_name_used", "a"] == "1970-01-06"


def test_a_refusal_for_another_reason_teaches_nothing():
    memory = Memory()
    keeper = NameKeeper(Runner(Outcome("dead", "contact_not_found", "?")), names())
    keeper.run(event("a"), memory)
    assert memory == {}
