"""Which event names are admitted depends on the events alone, and never on how they are split."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.flow.event_names import EventNames, NamePolicy, name_key, note
from pipeline.flow.name_registry import ACTIVE, PINNED, admitting

spellings = st.sampled_from(["a", "A", "b", "B.c", "b$C", "b-c", "d", "e", "E", "f"])
events = st.lists(st.tuples(spellings, st.integers(0, 5)), max_size=25)
limits = st.integers(1, 6)
pins = st.lists(st.sampled_from(["a", "d", "x"]), max_size=1)


def names(limit, pinned=()):
    policy = NamePolicy(event_name_limit=limit, pin_event_names=tuple(pinned))
    return EventNames({"submit_event": "event_name"}, policy)


def first_uses(some):
    seen = {}
    for name, time in some:
        note(seen, name, time)
    return seen


def apply(rows, changes):
    for slot, value in changes.items():
        if value is None:
            rows.pop(slot, None)
        else:
            rows[slot] = value


@settings(deadline=None)
@given(events, limits, pins, st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_admission_is_the_same_however_the_events_are_split(
    stream, limit, pinned, chance, bundles
):
    whole = admitting({}, first_uses(stream), names(limit, pinned))
    shuffled = chance.sample(stream, len(stream))
    split = [[] for _ in range(bundles)]
    for event in shuffled:
        chance.choice(split).append(event)
    uses = [use for bundle in split for use in first_uses(bundle).values()]
    chance.shuffle(uses)
    merged = first_uses((name, time) for time, name in uses)
    assert admitting({}, merged, names(limit, pinned)) == whole


@settings(deadline=None)
@given(events, limits)
def test_without_pins_the_earliest_names_are_admitted(stream, limit):
    admission, _ = admitting({}, first_uses(stream), names(limit))
    earliest = {}
    for name, time in stream:
        key = name_key(name)
        earliest[key] = min(time, earliest.get(key, time))
    wanted = sorted(earliest, key=lambda key: (earliest[key], key))
    assert admission.admitted == frozenset(wanted[:limit])
    assert len(admission.over) == len(wanted[limit:])


@settings(deadline=None)
@given(st.lists(events, max_size=6), limits, pins)
def test_over_many_batches_the_limit_holds_and_decisions_stay(batches, limit, pinned):
    rows = {}
    before = set()
    for batch in batches:
        admission, changes = admitting(rows, first_uses(batch), names(limit, pinned))
        apply(rows, changes)
        taken = {key for kind, key in rows if kind in (ACTIVE, PINNED)}
        assert before <= taken
        assert len(taken) == admission.taken <= limit
        assert admission.admitted == taken & first_uses(batch).keys()
        again, nothing = admitting(rows, first_uses(batch), names(limit, pinned))
        assert (again, nothing) == (admission, {})
        before = taken


@settings(deadline=None)
@given(events, limits, pins)
def test_a_pinned_name_that_is_used_has_a_place(stream, limit, pinned):
    seen = first_uses(stream)
    admission, _ = admitting({}, seen, names(limit, pinned))
    assert set(pinned) & seen.keys() <= admission.admitted
