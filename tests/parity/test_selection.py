"""S1-S3, H1 and H2 as far as the mapping decides them."""

from __future__ import annotations

import hashlib
import hmac
import pickle

import pytest

from tests.parity.conftest import interpreter


@pytest.mark.parametrize(
    "integrations",
    [
        None,
        {},
        {"All": True},
        {"Intercom": True},
        {"intercom": True},
        {"Other": False},
        {"All": False, "Intercom": True},
        {"All": False, "Intercom": {}},
        {"All": False, "Intercom": {"user_hash": "x"}},
        {"Intercom": None},
        "all",
    ],
)
def test_s1_integrations_on(identify, integrations):
    assert identify({"a": 1}, integrations=integrations).kinds == ["upsert_contact"]


@pytest.mark.parametrize(
    "integrations",
    [
        {"All": False},
        {"all": False},
        {"Intercom": False},
        {"intercom": False},
        {"INTERCOM": False, "All": True},
        {"All": False, "intercom": True},
        {"All": False, "Intercom": "yes"},
        {"All": False, "Other": True},
    ],
)
def test_s1_integrations_off(identify, integrations):
    assert identify({"a": 1}, integrations=integrations).skipped == "integrations_off"


def test_s2_the_first_object_of_options_wins_whole(identify):
    context = {"Intercom": {"unsubscribed": True}}
    assert identify(context=context).contact["unsubscribed_from_emails"] is True
    for integrations in ({"Intercom": True}, {"Intercom": None}, {}):
        shaped = identify(context=context, integrations=integrations)
        assert shaped.contact["unsubscribed_from_emails"] is True
    shaped = identify(context=context, integrations={"INTERCOM": {"other": 1}})
    assert "unsubscribed_from_emails" not in shaped.contact


def consent(**categories):
    return {"consent": {"categoryPreferences": categories}}


@pytest.mark.parametrize("context", [{}, consent(Advertising=False), {"consent": None}])
def test_s3_without_required_categories_consent_is_not_asked(identify, context):
    assert identify(context=context, consent_default="deny").kinds == ["upsert_contact"]


@pytest.mark.parametrize(
    ("context", "by_default", "when_denied"),
    [
        (consent(Advertising=True, Analytics=True), True, True),
        (consent(Advertising=True, Analytics=True, Other=False), True, True),
        (consent(Advertising=True, Analytics=False), False, False),
        (consent(Advertising=False), False, False),
        (consent(Advertising=True), True, False),
        (consent(), True, False),
        ({}, True, False),
        ({"consent": {}}, True, False),
        ({"consent": "yes"}, True, False),
        (consent(Advertising=True, Analytics=None), False, False),
        (consent(Advertising=True, Analytics="false"), False, False),
        (consent(Advertising=True, Analytics=1), False, False),
    ],
)
def test_s3_consent(identify, context, by_default, when_denied):
    required = {"require_consent": ["Advertising", "Analytics"]}
    for default, delivered in (("allow", by_default), ("deny", when_denied)):
        shaped = identify(context=context, **required, consent_default=default)
        assert shaped.skipped == (None if delivered else "no_consent")


SECRET = "keep-me-quiet"


def signature(text):
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def _secret(monkeypatch):
    monkeypatch.setenv("INTERCOM_IDENTITY_SECRET", SECRET)


def options(value, name="user_hash"):
    return {"Intercom": {name: value}}


BROWSER = {"library": {"name": "analytics.js", "version": "4.1.0"}}


@pytest.mark.usefixtures("_secret")
@pytest.mark.parametrize("mode", ["verify", "require"])
@pytest.mark.parametrize("name", ["user_hash", "userHash"])
def test_h1_hash_of_the_exact_user_id(shape, mode, name):
    event = {"type": "identify", "userId": " u1 ", "traits": {"email": "a@example.com"}}
    right = {**event, "integrations": options(signature(" u1 "), name)}
    assert shape(right, identity_verification=mode).kinds == ["upsert_contact"]
    for wrong in (signature("u1"), signature("a@example.com"), "", 5, signature(" u1 ").upper()):
        shaped = shape({**event, "integrations": options(wrong)}, identity_verification=mode)
        assert shaped.refused == "identity_unverified"


@pytest.mark.usefixtures("_secret")
def test_h1_hash_of_the_email_without_a_user_id(shape):
    event = {"type": "identify", "traits": {"email": "Ada@example.com"}}
    right = {**event, "context": options(signature("Ada@example.com"))}
    assert shape(right, identity_verification="verify").kinds == ["upsert_contact"]
    wrong = {**event, "context": options(signature("ada@example.com"))}
    assert shape(wrong, identity_verification="verify").refused == "identity_unverified"


@pytest.mark.usefixtures("_secret")
def test_h1_hash_and_secret_go_nowhere(identify):
    shaped = identify({"plan": "pro"}, integrations=options(signature("u1")),
                      identity_verification="verify")  # fmt: skip
    assert signature("u1") not in repr(shaped)
    plan = interpreter((("identity_verification", "verify"),)).mapping
    assert SECRET.encode() not in pickle.dumps(plan)
    assert SECRET not in repr(plan)
    assert plan.secrets == ("env:INTERCOM_IDENTITY_SECRET",)


def test_h2_off_does_not_look(identify):
    assert identify(integrations=options("nonsense")).kinds == ["upsert_contact"]
    assert interpreter(()).mapping.secrets == ()


@pytest.mark.usefixtures("_secret")
@pytest.mark.parametrize("kind", ["identify", "track", "group", "page", "delete"])
def test_h2_every_kind_of_event_is_verified(shape, kind):
    event = {"type": kind, "userId": "u1", "event": "E", "groupId": "c1"}
    settings = {"identity_verification": "verify", "page": "event"}
    assert shape({**event, "integrations": options("no")}, **settings).refused == (
        "identity_unverified"
    )
    assert shape({**event, "integrations": options(signature("u1"))}, **settings).kinds
    assert shape(event, **settings).kinds


@pytest.mark.usefixtures("_secret")
@pytest.mark.parametrize(
    "origin",
    [
        {"context": BROWSER},
        {"context": {"library": {"name": "analytics-ios"}}},
        {"context": {"library": {"name": "analytics-kotlin"}}},
        {"context": {"library": {"name": "@segment/analytics-react-native"}}},
        {"context": {"library": {"name": "RudderLabs JavaScript SDK"}}},
        {"channel": "client"},
        {"channel": "mobile"},
    ],
)
def test_h2_require_wants_one_from_browsers_and_phones(shape, origin):
    event = {"type": "identify", "userId": "u1", **origin}
    assert shape(event, identity_verification="require").refused == "identity_unverified"
    assert shape(event, identity_verification="verify").kinds == ["upsert_contact"]


@pytest.mark.usefixtures("_secret")
@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"channel": "server"},
        {"context": {"library": {"name": "analytics-python"}}},
        {"context": {"library": {"name": "analytics-node"}}},
        {"context": {"library": "?"}},
    ],
)
def test_h2_servers_are_trusted(shape, origin):
    event = {"type": "identify", "userId": "u1", **origin}
    assert shape(event, identity_verification="require").kinds == ["upsert_contact"]


def test_h2_without_the_secret_nothing_is_verified(identify, monkeypatch):
    monkeypatch.delenv("INTERCOM_IDENTITY_SECRET", raising=False)
    shaped = identify(integrations=options(signature("u1")), identity_verification="verify")
    assert shaped.refused == "identity_unverified"


@pytest.mark.usefixtures("_secret")
def test_h2_a_company_without_a_person_has_nobody_to_vouch_for(shape):
    event = {"type": "group", "groupId": "c1", "context": BROWSER, "traits": {"email": "a@b.co"}}
    assert shape(event, identity_verification="require").kinds == ["upsert_company"]
