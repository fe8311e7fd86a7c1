"""Custom attributes that Intercom does not know or does not want never cost the contact."""

import threading

import pytest

from destinations.conformance import DictMemory
from destinations.intercom import Intercom
from pipeline.model.operation import Operation, Person, Response

ADA = Person("user-1")
CREATED = Response(200, {}, {"type": "data_attribute", "id": 1})
LIST = "GET /data_attributes?model=contact&include_archived=true"
UNREADABLE = Response(404, {}, None, "no such page")
EXISTS = "You already have 'a' in your people data. To save this as new people data, ..."


def contact(**custom):
    return {"external_id": "user-1", "custom_attributes": custom}


def unknown(name):
    message = f"Custom attribute '{name}' does not exist"
    return Response(400, {}, {"errors": [{"code": "parameter_invalid", "message": message}]})


def listing(*archived, **types):
    rows = [{"name": "email", "data_type": "string", "custom": False, "archived": False}]
    kinds = {**types, **dict.fromkeys(archived, "string")}
    rows += [
        {"name": name, "data_type": kind, "custom": True, "archived": name in archived}
        for name, kind in kinds.items()
    ]
    return Response(200, {}, {"type": "list", "data": rows})


def test_e3_an_unknown_attribute_is_created_before_the_write(script, done):
    outcome = script.play("upsert_contact", ADA, contact(plan="pro"), listing(), CREATED, done())
    assert script.lines == [LIST, "POST /data_attributes", "POST /contacts"]
    assert script.bodies[1] == {"name": "plan", "model": "contact", "data_type": "string"}
    assert script.bodies[2]["custom_attributes"] == {"plan": "pro"}
    assert (outcome.status, outcome.warnings) == ("delivered", ("attribute_created",))


def test_e3_what_exists_costs_one_question_and_nothing_later(script, done):
    known = listing(a="integer", b="string")
    script.play("upsert_contact", ADA, contact(a=1, b="x"), known, done())
    assert script.lines == [LIST, "POST /contacts"]
    script.play("upsert_contact", ADA, contact(a=2), done())
    assert script.lines == ["PUT /contacts/5f0c1d2e3a4b5c6d7e8f9a0b"]


def test_e3_a_contact_without_custom_attributes_asks_nothing(script, done):
    script.play("upsert_contact", ADA, {"external_id": "user-1"}, done())
    assert script.lines == ["POST /contacts"]


def test_e3_the_next_run_asks_nothing_about_names_it_knows(script, done):
    script.play("upsert_contact", ADA, contact(a=1), listing(), CREATED, done())
    kept = {slot: v for slot, v in script.memory.entries.items() if not slot[0].startswith("run.")}
    script.memory = DictMemory(kept)
    script.play("upsert_contact", ADA, contact(a="2"), done())
    assert len(script.lines) == 1
    assert script.bodies[0]["custom_attributes"] == {"a": 2}


def test_e3_what_an_earlier_run_knew_wrongly_is_found_out(script, done):
    script.memory.put("attribute", "contact:a", "integer")
    outcome = script.play(
        "upsert_contact", ADA, contact(a=1), unknown("a"), listing(), CREATED, done()
    )
    assert script.lines == ["POST /contacts", LIST, "POST /data_attributes", "POST /contacts"]
    assert outcome.warnings == ("attribute_created",)


def test_e3_what_was_archived_since_an_earlier_run_is_found_out(script, done):
    script.memory.put("attribute", "contact:a", "integer")
    outcome = script.play("upsert_contact", ADA, contact(a=1), unknown("a"), listing("a"), done())
    assert "custom_attributes" not in script.bodies[-1]
    assert outcome.warnings == ("attribute_archived",)


def test_e3_an_attribute_that_cannot_be_created_is_dropped(script, done, error):
    outcome = script.play(
        "upsert_contact", ADA, contact(a=1, b=2), listing(b="integer"), error(400), done()
    )
    assert script.bodies[-1]["custom_attributes"] == {"b": 2}
    assert outcome.warnings == ("attribute_dropped",)


@pytest.mark.parametrize(
    "refusal",
    [
        "You already have 'a' in your company data. To save this as new people data, use another",
        "'a' is one of our standard attributes for your people data",
        "You have reached the limit of 250 attributes",
    ],
)
def test_e3_a_refused_attribute_costs_no_call_the_next_time(script, done, error, refusal):
    script.play(
        "upsert_contact",
        ADA,
        contact(a=1),
        listing(b="integer"),
        error(400, message=refusal),
        done(),
    )
    outcome = script.play("upsert_contact", ADA, contact(a=1, b=2), done())
    assert script.bodies == [{"external_id": "user-1", "custom_attributes": {"b": 2}}]
    assert outcome.warnings == ("attribute_dropped",)


def test_e3_a_full_workspace_is_asked_once_and_for_both_models(script, done, error):
    full = error(400, "custom_data_limit_reached", "You have reached the limit")
    outcome = script.play("upsert_contact", ADA, contact(a=1, b=2), listing(), full, done())
    assert script.lines == [LIST, "POST /data_attributes", "POST /contacts"]
    assert outcome.warnings == ("attribute_dropped",)
    company = {"company_id": "c", "custom_attributes": {"tier": "gold"}}
    script.play("upsert_company", Person(), company, listing(), done())
    assert [line.split("?")[0] for line in script.lines] == [
        "GET /data_attributes",
        "POST /companies",
    ]


def test_e3_an_attribute_that_somebody_else_has_just_created_is_looked_up(script, done, error):
    script.play(
        "upsert_contact",
        ADA,
        contact(a=1),
        listing(),
        error(400, message=EXISTS),
        listing(a="string"),
        done(),
    )
    assert script.bodies[-1]["custom_attributes"] == {"a": "1"}


def test_e3_an_attribute_that_is_listed_nowhere_but_exists_is_sent_then_dropped(
    script, done, error
):
    taken = error(400, message=EXISTS)
    answers = (listing(), taken, listing(), unknown("a"), taken, listing(), unknown("a"), done())
    outcome = script.play("upsert_contact", ADA, contact(a=1), *answers)
    assert "custom_attributes" not in script.bodies[-1]
    assert outcome.warnings == ("attribute_dropped",)


def test_e3_an_archived_attribute_is_dropped_without_a_call(script, done):
    outcome = script.play("upsert_contact", ADA, contact(a=1), listing("a"), done())
    assert script.lines == [LIST, "POST /contacts"]
    assert "custom_attributes" not in script.bodies[-1]
    assert outcome.warnings == ("attribute_archived",)


def test_e3_clearing_an_unknown_attribute_drops_the_key_in_silence(script, done):
    outcome = script.play("upsert_contact", ADA, contact(a=None), listing(), done())
    assert script.lines == [LIST, "POST /contacts"]
    assert outcome.warnings == ()


def test_e3_clearing_a_known_attribute_is_sent(script, done):
    script.play("upsert_contact", ADA, contact(a=None), listing(a="integer"), done())
    assert script.bodies[-1]["custom_attributes"] == {"a": None}


def test_e3_unknown_attributes_can_be_dropped_by_setting(script, done):
    script.settings(attributes="drop")
    outcome = script.play("upsert_contact", ADA, contact(a=1, b=1), listing(b="integer"), done())
    assert script.lines == [LIST, "POST /contacts"]
    assert script.bodies[-1]["custom_attributes"] == {"b": 1}
    assert outcome.warnings == ("attribute_dropped",)


@pytest.mark.parametrize(
    ("custom", "words"),
    [({"a": 1}, "does not exist"), ({"b": "x"}, "its type is integer"), ({"c": 1}, "is archived")],
)
def test_e3_with_fail_whatever_would_be_cut_is_a_dead_letter_without_a_write(script, custom, words):
    script.settings(attributes="fail")
    outcome = script.play("upsert_contact", ADA, contact(**custom), listing("c", b="integer"))
    assert script.lines == [LIST]
    assert (outcome.status, outcome.reason, outcome.http_status) == ("dead", "rejected", None)
    assert words in outcome.message


def test_e3_a_value_that_does_not_fit_is_dropped_and_one_that_can_is_changed(script, done):
    known = listing(seats="integer", plan="string")
    outcome = script.play("upsert_contact", ADA, contact(seats="many", plan=7), known, done())
    assert script.bodies[-1]["custom_attributes"] == {"plan": "7"}
    assert outcome.warnings == ("attribute_value_dropped",)


def test_e3_a_value_that_the_api_refuses_costs_its_attribute_only(script, done, error):
    text = "Custom attribute 'seats' is not of type integer"
    known = listing(seats="whatever", b="integer")
    outcome = script.play(
        "upsert_contact",
        ADA,
        contact(seats="x", b=2),
        known,
        error(400, "type_mismatch", text),
        done(),
    )
    assert script.bodies[-1]["custom_attributes"] == {"b": 2}
    assert outcome.warnings == ("attribute_value_dropped",)


def test_e3_a_type_mismatch_that_names_nothing_is_dead(script, error):
    no = error(400, "type_mismatch", "no")
    outcome = script.play("upsert_contact", ADA, contact(a=1), listing(a="integer"), no)
    assert outcome.reason == "rejected"


def test_e3_an_unknown_attribute_that_was_never_sent_is_dead(script):
    known = listing(a="integer")
    outcome = script.play("upsert_contact", ADA, contact(a=1), known, unknown("zzz"))
    assert outcome.reason == "rejected"


def test_e3_where_the_list_cannot_be_read_the_refusal_tells(script, done):
    outcome = script.play(
        "upsert_contact", ADA, contact(a=1), UNREADABLE, unknown("a"), CREATED, done()
    )
    assert script.lines[1:] == ["POST /contacts", "POST /data_attributes", "POST /contacts"]
    assert outcome.warnings == ("attribute_created",)


def test_e3_where_the_list_cannot_be_read_drop_still_drops(script, done):
    script.settings(attributes="drop")
    outcome = script.play("upsert_contact", ADA, contact(a=1), UNREADABLE, unknown("a"), done())
    assert outcome.warnings == ("attribute_dropped",)
    script.play("upsert_contact", ADA, contact(a=1), done())
    assert len(script.lines) == 1


def test_e3_a_name_with_quotes_is_read_whole(script, done):
    name = "it's 'odd'"
    fields = contact(**{name: 1})
    script.play("upsert_contact", ADA, fields, UNREADABLE, unknown(name), CREATED, done())
    assert script.bodies[2]["name"] == name


def test_e3_what_was_dropped_stays_dropped_when_a_409_leads_to_a_put(script, done, error):
    already = "A contact matching those details already exists with id=5f0c1d2e3a4b5c6d7e8f9a0b"
    conflict = error(409, "conflict", already)
    known = listing(b="integer")
    script.play("upsert_contact", ADA, contact(a=1, b=2), known, error(400), conflict, done())
    assert script.bodies[-1]["custom_attributes"] == {"b": 2}


def test_e3_a_company_gets_its_attributes_too(script, done):
    fields = {"company_id": "acme", "custom_attributes": {"tier": "gold"}}
    script.play("upsert_company", Person(), fields, listing(), CREATED, done())
    assert script.lines[0] == "GET /data_attributes?model=company&include_archived=true"
    assert script.bodies[1] == {"name": "tier", "model": "company", "data_type": "string"}


def test_e3_an_api_that_always_refuses_does_not_hold_us_up_for_ever(script):
    custom = {f"a{number}": number for number in range(5)}
    answers = [listing(), *[CREATED] * 5]
    for name in custom:
        answers += [unknown(name), unknown(name)]
    outcome = script.play("upsert_contact", ADA, contact(**custom), *answers, unknown("other"))
    assert outcome.reason == "rejected"


def test_e3_many_at_once_ask_once_and_create_once():
    memory, destination, calls = DictMemory(), Intercom(), []
    together = threading.Barrier(8)

    def answer(call):
        calls.append(f"{call.method} {call.path}")
        if call.method == "GET":
            return listing()
        return CREATED if call.path == "/data_attributes" else Response(200, {}, {"id": "a" * 24})

    def deliver(number):
        operation = Operation("upsert_contact", Person(f"u{number}"), 1, contact(a=1, b=2))
        steps = destination.deliver(operation, memory)
        together.wait()
        given = None
        try:
            while True:
                given = answer(steps.send(given))
        except StopIteration:
            pass

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls.count(LIST) == 1
    assert calls.count("POST /data_attributes") == 2


def test_e3_a_token_without_the_scope_for_attributes_costs_them_only(script, done, error):
    forbidden = error(403, "api_plan_restricted", "no scope")
    fields = {"custom_attributes": {"plan": "pro"}}
    unknown = error(400, message="Custom attribute 'plan' does not exist")
    person = Person("user-9")
    outcome = script.play("upsert_contact", person, fields, forbidden, unknown, forbidden, done())
    assert outcome.status == "delivered"
    assert outcome.warnings == ("attributes_not_readable", "attribute_dropped")
    assert [call.optional for call in script.transcript.calls] == [True, False, True, False]
    outcome = script.play("upsert_contact", person, fields, done())
    assert outcome.warnings == ("attribute_dropped",)


def test_e3_an_attribute_that_is_there_is_written_without_the_scope(script, done, error):
    fields = {"custom_attributes": {"plan": "pro"}}
    forbidden = error(403, "api_plan_restricted", "no scope")
    outcome = script.play("upsert_contact", Person("user-9"), fields, forbidden, done())
    assert script.bodies[-1]["custom_attributes"] == {"plan": "pro"}
    assert (outcome.warnings, outcome.dropped) == (("attributes_not_readable",), ())
