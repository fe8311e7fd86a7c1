"""The memory behaves like a dict, whatever fits its cache and whenever it is flushed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.state import RememberedState, StateStore

keys = st.sampled_from("abcde")
steps = st.lists(
    st.tuples(st.just("put"), keys, st.sampled_from("12"))
    | st.tuples(st.just("forget"), keys)
    | st.tuples(st.just("get"), keys)
    | st.tuples(st.just("flush")),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(1, 4), st.integers(1, 6))
def test_it_behaves_like_a_dict(script, capacity, flush_at):
    model = {}
    with StateStore.open("sqlite://") as store:
        with RememberedState(store, "s", capacity=capacity, flush_at=flush_at) as memory:
            for step in script:
                if step[0] == "put":
                    memory.put("kind", step[1], step[2])
                    model[step[1]] = step[2]
                elif step[0] == "forget":
                    memory.forget("kind", step[1])
                    model.pop(step[1], None)
                elif step[0] == "get":
                    assert memory.get_many("kind", "abcde") == model
                    assert memory.get("kind", step[1]) == model.get(step[1])
                else:
                    memory.flush()
        assert store.get_many("s", "kind", "abcde") == model
