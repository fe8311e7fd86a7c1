"""Whatever order events arrive in, a person's work is the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.work import RANKS, Task, sequence

tasks = st.builds(
    Task,
    message_id=st.text("ab", max_size=2),
    time=st.integers(0, 3),
    type=st.sampled_from(sorted(RANKS)),
    operations=st.just(()),
    seq=st.integers(0, 2),
    receipt=st.binary(max_size=1),
)


@given(
    st.lists(tasks, max_size=12).flatmap(lambda all: st.tuples(st.just(all), st.permutations(all)))
)
def test_the_order_of_arrival_does_not_matter(pair):
    assert sequence("k", pair[0]) == sequence("k", pair[1])


@given(st.lists(tasks, max_size=12))
def test_time_never_goes_back_and_identify_never_follows_track_of_the_same_moment(arrived):
    ordered = sequence("k", arrived).tasks
    assert sorted(map(id, ordered)) == sorted(map(id, arrived))
    for first, second in itertools.pairwise(ordered):
        assert (first.time, RANKS[first.type]) <= (second.time, RANKS[second.type])
