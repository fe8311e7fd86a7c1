"""Credentials, headers, versions, paths and bodies (assertions 1, 2, 7-12)."""

from __future__ import annotations

import uuid

import pytest


@pytest.mark.parametrize("token", [None, "wrong", ""])
def test_a01_missing_or_unknown_bearer_answers_401(api, assert_error, token):
    response = api.get("/me", token=token)
    assert_error(response, 401, "unauthorized", "Access Token Invalid")


def test_a01_basic_credentials_answer_401(api, assert_error):
    response = api.get("/me", headers={"Authorization": "Basic test-token"}, token=None)
    assert_error(response, 401, "unauthorized")


def test_a02_every_refusal_is_an_error_list_with_its_request_id(api, assert_error):
    assert_error(api.get("/contacts/nobody"), 404)
    assert_error(api.post("/contacts", {}), 400)
    assert_error(api.get("/nowhere"), 404)
    uuid.UUID(api.get("/nowhere").headers["X-Request-Id"])


def test_a02_request_ids_differ(api):
    first, second = (api.get("/nowhere").json()["request_id"] for _ in range(2))
    assert first != second


def test_a07_accept_without_json_answers_406(api, assert_error):
    response = api.get("/me", headers={"Accept": "text/html"})
    text = "The Accept header should send a media type of application/json"
    assert_error(response, 406, "media_type_not_acceptable", text)


@pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, application/json;q=0.5"])
def test_a07_accept_with_json_passes(api, accept):
    assert api.get("/me", headers={"Accept": accept}).status == 200


def test_missing_accept_passes_by_default_and_not_if_required(make_api, assert_error):
    headers = {"Accept": ""}
    assert make_api().get("/me", headers=headers).status == 200
    assert_error(make_api(require_accept=True).get("/me", headers=headers), 406)


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b"[1]", b'"text"', b"\xff\xfe", b'{"a":NaN}', b"[" * 100_000]
)
def test_a08_a_body_that_is_no_json_object_answers_400(api, assert_error, body):
    assert_error(api.post("/contacts", body), 400, "parameter_invalid")


def test_another_content_type_answers_415(api, assert_error):
    response = api.post("/contacts", b"a=1", headers={"Content-Type": "text/plain"})
    assert_error(response, 415)


@pytest.mark.parametrize("version", ["2.11", "2.0", "2.16", "Preview"])
def test_a09_the_version_is_echoed(api, version):
    assert api.get("/me", version=version).headers["Intercom-Version"] == version


def test_a09_without_a_version_the_default_one_is_spoken(api):
    assert api.get("/me", version=None).headers["Intercom-Version"] == "2.11"


def test_an_unsupported_version_answers_400(api, assert_error):
    assert_error(api.get("/me", version="9.9"), 400, "intercom_version_invalid")


@pytest.mark.parametrize("path", ["/users", "/leads", "/bulk/users", "/bulk/events"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a10_paths_of_the_1x_api_are_refused(api, method, path):
    assert api.call(method, path, {} if method == "POST" else None).status >= 400


@pytest.mark.parametrize("path", ["/contacts/1", "/companies/1", "/data_attributes/1", "/me"])
def test_a11_patch_is_refused(api, path):
    assert api.call("PATCH", path, {"name": "x"}).status >= 400


def test_a12_find_by_external_id_exists_since_2_13(api, assert_error):
    user = api.user(external_id="u-1")
    path = "/contacts/find_by_external_id/u-1"
    assert api.ok("GET", path, version="2.13")["id"] == user["id"]
    assert_error(api.get(path, version="2.12"), 404)
    assert_error(api.get(path, version="2.11"), 404)


def test_find_by_external_id_does_not_find_leads(api, assert_error):
    lead = api.lead(email="l@example.com")
    path = f"/contacts/find_by_external_id/{lead['external_id']}"
    assert_error(api.get(path, version="2.13"), 404, "not_found", "User Not Found")


def test_an_encoded_slash_stays_inside_its_segment(api):
    user = api.user(external_id="a/b c")
    path = "/contacts/find_by_external_id/a%2Fb%20c"
    assert api.ok("GET", path, version="2.13")["id"] == user["id"]


def test_any_bearer_is_taken_where_no_token_is_set(make_api, assert_error):
    api = make_api(token=None)
    assert api.get("/me", token="whatever").status == 200
    assert_error(api.get("/me", token=""), 401)


def test_me_tells_admin_and_region(make_api):
    me = make_api(region="EU").ok("GET", "/me")
    assert me["type"] == "admin"
    assert me["app"]["region"] == "EU"


def test_a_failure_of_the_emulator_itself_answers_500_and_is_logged(api, monkeypatch, caplog):
    monkeypatch.setattr(api.emulator.application, "limiter", None)
    response = api.get("/me")
    assert response.status == 500
    assert response.json()["type"] == "error.list"
    assert "the emulator failed" in caplog.text
