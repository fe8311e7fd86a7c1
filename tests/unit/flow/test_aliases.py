"""Whose an e-mail address or an anonymousId is."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow import aliases
from pipeline.flow.packing import pack, unpack
from pipeline.flow.work import Task
from pipeline.model.operation import Operation, Person

LINKS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["u1", "u2", "u3"])), max_size=8)


def test_anonymous_ids_are_linked_only_where_leads_are_wanted():
    person = Person("7", "ada@example.com", "x")
    assert aliases.stated(person, anonymous=False) == ["e:ada@example.com"]
    assert aliases.stated(Person(None, "ada@example.com", "x"), anonymous=True) == []


def test_p2_what_a_visitor_did_belongs_to_the_first_user_who_signs_in():
    assert aliases.owner(((10, "u1"), (20, "u2")), 5) == "u1"


def test_p2_the_next_user_of_a_device_gets_what_happens_from_then_on():
    assert aliases.owner(((10, "u1"), (20, "u2")), 20) == "u2"


def test_p2_an_alias_that_moves_back_is_the_first_users_again():
    claims = aliases.learn((), [(10, "ada"), (20, "eve"), (30, "ada")])
    assert aliases.owner(aliases.read(aliases.write(claims)), 35) == "ada"


def in_force(links, time):
    """Whose claim counts at ``time``, said the simple way."""
    until_then = [link for link in links if link[0] <= time]
    if until_then:
        return max(until_then)[1]
    return min(links)[1] if links else None


@given(LINKS, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_claim_in_force_counts_in_whatever_order_identifies_are_read(links, time, random):
    shuffled = random.sample(links, len(links))
    assert aliases.owner(aliases.learn((), shuffled), time) == in_force(links, time)


@given(LINKS, LINKS, st.integers(0, 20))
def test_what_is_remembered_counts_as_if_it_were_read_again(earlier, later, time):
    """Where the later run reads later events; what lies between one user's claims is not kept."""
    later = [(since + 10, user_id) for since, user_id in later]
    remembered = aliases.read(aliases.write(aliases.learn((), earlier)))
    assert aliases.owner(aliases.learn(remembered, later), time) == in_force(earlier + later, time)


@given(st.lists(st.sampled_from(["u1", "u2", "u3"]), max_size=60))
def test_only_so_many_claims_are_remembered_and_the_newest_is(users):
    text = aliases.write(aliases.learn((), enumerate(users)))
    claims = aliases.read(text)
    assert len(claims) <= 16
    assert aliases.owner(claims, 60) == (users[-1] if users else None)


def test_the_state_holds_no_address():
    assert aliases.write(((1, "ada@example.com"),)) is None
    assert "ada" not in aliases.digest("e:ada@example.com")


def test_a_damaged_text_is_no_claim():
    assert aliases.read("[[1") == aliases.read('{"u1": 1}') == aliases.read(None) == ()


def test_p2_a_lead_that_turns_out_to_be_a_user_is_written_as_one():
    lead = Person(anonymous_id="x")
    operations = (
        Operation("upsert_contact", lead, 1, {"role": "lead"}),
        Operation("submit_event", lead, 1, {"event_name": "A", "created_at": 1}),
    )
    task = Task("m", 1, "track", operations)
    assert unpack(pack(task)) == task
    as_user = unpack(pack(task), user_id="u1")
    assert as_user.operations[0].fields == {"role": "user"}
    assert {made.person for made in as_user.operations} == {Person("u1", None, "x")}
