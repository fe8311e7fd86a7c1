"""Custom attributes and their declarations (assertions 33-37, 73-80)."""

from __future__ import annotations

import pytest

NAME_TEXT = "must only contain alphanumeric characters, currency symbols, and hyphens"


def declared(api, **changes):
    body = {"name": "plan", "model": "contact", "data_type": "string"} | changes
    return api.post("/data_attributes", body)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a33_an_unknown_custom_attribute_on_a_contact_saves_nothing(api, assert_error, method):
    user = api.user(external_id="u", name="Ann")
    before = api.emulator.state
    path = "/contacts" if method == "POST" else f"/contacts/{user['id']}"
    body = {"external_id": "new", "name": "Bea", "custom_attributes": {"isOpenSource": True}}
    response = api.call(method, path, body)
    text = "Custom attribute 'isOpenSource' does not exist"
    assert_error(response, 400, "parameter_invalid", text)
    assert api.emulator.state == before


def test_a33a_an_unknown_custom_attribute_on_a_company_saves_nothing(api, assert_error):
    response = api.post("/companies", {"company_id": "c", "custom_attributes": {"tier": 1}})
    assert_error(response, 400, "parameter_invalid", "Custom attribute 'tier' does not exist")
    assert api.emulator.state["companies"] == []


def test_an_attribute_of_the_other_model_does_not_count(api, assert_error):
    api.declare("tier", model="company")
    assert_error(api.post("/contacts", {"email": "a@b.c", "custom_attributes": {"tier": "x"}}), 400)


def test_a34_after_its_declaration_the_write_succeeds(api):
    body = {"external_id": "u", "custom_attributes": {"plan": "pro"}}
    assert api.post("/contacts", body).status == 400
    assert declared(api).status == 200
    assert api.ok("POST", "/contacts", body)["custom_attributes"] == {"plan": "pro"}


def test_a35_an_archived_attribute_refuses_writes(api, assert_error):
    made = api.declare("plan")
    assert api.ok("PUT", f"/data_attributes/{made['id']}", {"archived": True})["archived"] is True
    response = api.post("/contacts", {"email": "a@b.c", "custom_attributes": {"plan": "pro"}})
    assert_error(response, 400, "parameter_invalid")


@pytest.mark.parametrize("value", [{"a": 1}, [1], [], {}])
def test_a36_objects_and_arrays_are_refused(api, assert_error, value):
    api.declare("plan")
    response = api.post("/contacts", {"email": "a@b.c", "custom_attributes": {"plan": value}})
    assert_error(response, 400, "parameter_invalid")


def test_a37_text_over_255_characters_is_refused(api, assert_error):
    api.declare("plan")
    response = api.post("/contacts", {"email": "a@b.c", "custom_attributes": {"plan": "ä" * 256}})
    assert_error(response, 400, "parameter_invalid")


def test_a37_text_of_255_characters_is_stored(api):
    api.declare("plan")
    user = api.user(custom_attributes={"plan": "ä" * 255})
    assert user["custom_attributes"]["plan"] == "ä" * 255


MATCHES = [
    ("string", "x"),
    ("integer", 3),
    ("float", 3),
    ("float", 3.5),
    ("boolean", False),
    ("date", 1_700_000_000),
    ("datetime", 1_700_000_000),
]


@pytest.mark.parametrize(("data_type", "value"), [*MATCHES, ("integer", None), ("date", None)])
def test_a_value_of_the_declared_type_is_stored_unchanged(api, data_type, value):
    api.declare("thing", data_type=data_type)
    user = api.user(custom_attributes={"thing": value})
    assert user["custom_attributes"] == {"thing": value}


MISMATCHES = [
    ("string", 1),
    ("string", True),
    ("integer", "1"),
    ("integer", 1.5),
    ("integer", True),
    ("float", "1.5"),
    ("boolean", "true"),
    ("boolean", 1),
    ("date", "2024-01-01"),
    ("date", 1.5),
]


@pytest.mark.parametrize(("data_type", "value"), MISMATCHES)
def test_a_value_of_another_type_answers_type_mismatch(api, assert_error, data_type, value):
    api.declare("thing", data_type=data_type)
    response = api.post("/contacts", {"email": "a@b.c", "custom_attributes": {"thing": value}})
    assert_error(response, 400, "type_mismatch")


def test_the_switch_accepts_values_of_another_type(make_api):
    api = make_api(type_mismatch="accept")
    api.declare("thing", data_type="integer")
    assert api.user(custom_attributes={"thing": "x"})["custom_attributes"] == {"thing": "x"}


def test_the_switch_answers_422_to_another_type(make_api, assert_error):
    api = make_api(type_mismatch_status=422)
    api.declare("thing", data_type="integer")
    response = api.post("/contacts", {"email": "a@b.c", "custom_attributes": {"thing": "x"}})
    assert_error(response, 422, "type_mismatch")


def test_a_number_that_is_not_finite_is_refused(api, assert_error):
    api.declare("thing", data_type="float")
    body = b'{"email":"a@b.c","custom_attributes":{"thing":1e999}}'
    assert_error(api.post("/contacts", body), 400)


@pytest.mark.parametrize(("choice", "status"), [("accept", 200), ("reject", 400)])
def test_a_value_outside_the_options_of_a_list(make_api, choice, status):
    api = make_api(list_value_outside_options=choice)
    assert declared(api, options=[{"value": "a"}, {"value": "b"}]).status == 200
    body = {"email": "a@b.c", "custom_attributes": {"plan": "c"}}
    assert api.post("/contacts", body).status == status


@pytest.mark.parametrize("left_out", ["name", "model", "data_type"])
def test_a73_post_without_name_model_or_type_answers_400(api, assert_error, left_out):
    assert_error(declared(api, **{left_out: None}), 400)


def test_a74_a_type_outside_the_list_answers_400(api, assert_error):
    text = "Data Type isn't an option"
    assert_error(declared(api, data_type="money"), 400, "parameter_invalid", text)


@pytest.mark.parametrize("model", ["conversation", "people", 3])
def test_a74_a_bad_model_answers_400(api, assert_error, model):
    text = "The Data Attribute model field must be either contact or company"
    assert_error(declared(api, model=model), 400, "parameter_invalid", text)


@pytest.mark.parametrize("name", ["!nv@l!d n@me", "a.b", "a/b", " ", "x" * 191])
def test_a75_a_bad_name_answers_400(api, assert_error, name):
    assert_error(declared(api, name=name), 400, "parameter_invalid", NAME_TEXT)


@pytest.mark.parametrize("name", ["paid_subscriber", "The One Ring", "a-b", "Größe", "$ spent"])
def test_a75_letters_digits_hyphens_spaces_and_currency_are_fine(api, name):
    assert declared(api, name=name).json()["name"] == name


def test_the_switch_refuses_currency_in_names(make_api, assert_error):
    api = make_api(currency_in_attribute_name="reject")
    assert_error(declared(api, name="$ spent"), 400, "parameter_invalid", NAME_TEXT)


def test_a76_a_name_of_the_other_model_is_taken(api, assert_error):
    api.declare("ring", model="company")
    text = (
        "You already have 'ring' in your company data. "
        "To save this as new people data, use a different name."
    )
    assert_error(declared(api, name="ring"), 400, "parameter_invalid", text)


def test_a76_a_name_of_the_same_model_is_taken(api, assert_error):
    declared(api)
    assert_error(declared(api), 400, "parameter_invalid", "You already have 'plan'")


def test_a_name_of_a_standard_attribute_is_taken(api, assert_error):
    text = "'email' is one of our standard attributes for your people data"
    assert_error(declared(api, name="email"), 400, "parameter_invalid", text)


def test_a77_the_type_never_changes(api):
    made = api.declare("plan")
    changed = api.ok("PUT", f"/data_attributes/{made['id']}", {"data_type": "integer"})
    assert changed["data_type"] == "string"


def test_a77_the_switch_refuses_to_change_the_type(make_api, assert_error):
    api = make_api(data_type_change="reject")
    made = api.declare("plan")
    response = api.put(f"/data_attributes/{made['id']}", {"data_type": "integer"})
    assert_error(response, 400, "parameter_invalid")


@pytest.mark.parametrize("key", ["1", "x", "-1", "9" * 40])
def test_a78_put_of_an_unknown_id_answers_404(api, assert_error, key):
    text = "We couldn't find that data attribute to update"
    response = api.put(f"/data_attributes/{key}", {"archived": True})
    assert_error(response, 404, "field_not_found", text)


def test_a79_the_251st_attribute_is_refused(api, assert_error):
    api.emulator.seed(data_attributes=[{"name": f"a{number}"} for number in range(250)])
    assert_error(declared(api), 400, "custom_data_limit_reached")


def test_a79_an_archived_attribute_makes_room(make_api):
    api = make_api(custom_attribute_limit=1)
    made = api.declare("old")
    assert declared(api).status == 400
    api.ok("PUT", f"/data_attributes/{made['id']}", {"archived": True})
    assert declared(api).status == 200


def test_a80_the_list_has_standard_and_custom_rows(api):
    api.declare("plan")
    rows = api.ok("GET", "/data_attributes?model=contact")["data"]
    custom = [row for row in rows if row["custom"]]
    standard = [row for row in rows if not row["custom"]]
    assert [row["full_name"] for row in custom] == ["custom_attributes.plan"]
    assert isinstance(custom[0]["id"], int)
    assert standard
    assert not any("id" in row or row["full_name"].startswith("custom") for row in standard)


def test_the_list_is_of_one_model_or_of_both(api):
    models = {row["model"] for row in api.ok("GET", "/data_attributes?model=company")["data"]}
    assert models == {"company"}
    both = {row["model"] for row in api.ok("GET", "/data_attributes")["data"]}
    assert both == {"contact", "company"}


def test_the_list_of_another_model_is_refused(api, assert_error):
    assert_error(api.get("/data_attributes?model=conversation"), 400)
    assert_error(api.get("/data_attributes?model=conversation", version="2.16"), 422)


def test_archived_attributes_are_listed_only_on_demand(api):
    made = api.declare("plan")
    api.ok("PUT", f"/data_attributes/{made['id']}", {"archived": True})

    def names(query):
        rows = api.ok("GET", f"/data_attributes{query}")["data"]
        return [row["name"] for row in rows if row["custom"]]

    assert names("") == []
    assert names("?include_archived=true") == ["plan"]


def test_options_may_be_objects_or_text(api):
    made = declared(api, options=[{"value": "a"}, "b"])
    assert made.json()["options"] == ["a", "b"]


@pytest.mark.parametrize("options", ["a", [{"value": "a"}], [{"value": ""}, "b"], [1, 2]])
def test_bad_options_answer_400(api, assert_error, options):
    assert_error(declared(api, options=options), 400, "parameter_invalid")


def test_the_options_type_exists_since_2_14(api, assert_error):
    body = {"name": "tier", "model": "contact", "data_type": "options", "options": ["a", "b"]}
    assert_error(api.post("/data_attributes", body), 400)
    assert api.ok("POST", "/data_attributes", body, version="2.14")["options"] == ["a", "b"]


def test_put_changes_description_and_options(api):
    made = api.declare("plan")
    sent = {"description": "Plan", "options": ["a", "b"], "messenger_writable": True}
    changed = api.ok("PUT", f"/data_attributes/{made['id']}", sent)
    assert {key: changed[key] for key in sent} == sent
