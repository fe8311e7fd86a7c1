"""Answers conform to the OpenAPI description of API 2.11, where its file is at hand.

In some places the file contradicts its own examples; there the examples are believed, and
``_corrected`` puts the schemas right before they are used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

SPEC = Path(__file__).parents[3] / "shared" / "intercom-openapi-2.11.yaml"

pytestmark = pytest.mark.skipif(
    not SPEC.is_file(), reason="the OpenAPI description of Intercom 2.11 is not beside this tree"
)


_EITHER = {
    # Events one by one are another type of answer than their sums.
    "/events": ["data_event_summary", "data_event_list"],
    # A name or a company_id finds one company, and says so by its type.
    "/companies": ["company_list", "company"],
}


def _correct(schemas: dict[str, Any]) -> None:
    """Put right what the file's own examples contradict."""
    # Required, but absent from the examples: last_request_at, size, website, industry.
    company = schemas["company"]
    company["required"] = ["type", "id", "company_id", "app_id", "name", "created_at", "updated_at"]
    # Values of every type, where the schema says text.
    anything = {"type": "object"}
    company["properties"]["custom_attributes"] = anything
    schemas["visitor"]["properties"]["custom_attributes"] = anything
    schemas["data_event"]["properties"]["metadata"] = anything
    # Null on the last page; "nullable" has no effect beside a reference.
    nothing_or_object = {"type": "object", "nullable": True}
    schemas["cursor_pages"]["properties"]["next"] = nothing_or_object
    schemas["company_scroll"]["properties"]["pages"] = nothing_or_object
    # The companies of a contact are under "data", where the schema says "companies".
    attached = schemas["contact_attached_companies"]
    attached["required"] = ["type", "data", "total_count"]
    attached["properties"]["data"] = attached["properties"].pop("companies")
    attached["properties"]["pages"] = {"$ref": "#/components/schemas/cursor_pages"}
    # In the list of all tags there is no contact that one is applied to.
    schemas["tag"]["required"] = ["type", "id", "name"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(SPEC.read_text(), Loader=loader)
    schemas = document["components"]["schemas"]
    _correct(schemas)
    for path, kinds in _EITHER.items():
        answer = document["paths"][path]["get"]["responses"]["200"]["content"]
        name = f"answer_of_{path[1:]}"
        choices = [{"$ref": f"#/components/schemas/{kind}"} for kind in kinds]
        schemas[name] = {"oneOf": choices}
        answer["application/json"]["schema"] = {"$ref": f"#/components/schemas/{name}"}
    return document


@pytest.fixture(scope="module")
def validate(document):
    """Check one answer against the response that the description has for route and status."""
    from openapi_schema_validator import OAS30Validator
    from referencing import Registry
    from referencing.jsonschema import DRAFT4

    resource = DRAFT4.create_resource(document)
    registry = Registry().with_resource("urn:intercom", resource)

    def check(method: str, path: str, response: Any) -> None:
        described = document["paths"][path][method.lower()]["responses"][str(response.status)]
        content = described.get("content")
        if content is None:
            assert response.body == b""
            return
        schema = _absolute(content["application/json"]["schema"])
        validator = OAS30Validator(schema, registry=registry)
        problems = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(json.loads(response.body))
        ]
        assert problems == []

    return check


def _absolute(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    return {"$ref": f"urn:intercom{reference}"} if reference.startswith("#") else schema


@pytest.fixture
def full(api):
    """A workspace with one of everything."""
    api.emulator.seed(
        admins=[{"id": 7}],
        data_attributes=[{"name": "plan"}, {"name": "tier", "model": "company"}],
        companies=[
            {
                "id": "firm",
                "company_id": "acme",
                "name": "Acme",
                "plan": "pro",
                "size": 5,
                "website": "https://acme.example",
                "industry": "x",
                "custom_attributes": {"tier": "gold"},
                "tags": ["vip"],
            }
        ],
        contacts=[
            {
                "id": "ann",
                "external_id": "u",
                "email": "ann@example.com",
                "name": "Ann",
                "avatar": "https://example.com/a.png",
                "owner_id": 7,
                "custom_attributes": {"plan": "pro"},
                "companies": ["acme"],
                "tags": ["vip"],
                "signed_up_at": 1_600_000_000,
            },
            {"id": "bare", "external_id": "v"},
            {"id": "lea", "role": "lead", "email": "lea@example.com"},
            {"id": "old", "external_id": "w", "standing": "archived"},
        ],
        events=[
            {
                "id": "ann",
                "event_name": "ordered",
                "created_at": 1_699_999_999,
                "metadata": {"n": 1},
            }
        ],
        visitors=[{"user_id": "vis", "email": "v@example.com"}],
    )
    return api


ANYONE = {"query": {"field": "role", "operator": "=", "value": "user"}}
EVENT = {"event_name": "viewed", "created_at": 1_700_000_000, "id": "ann"}
SUMMARY = {
    "user_id": "u",
    "event_summaries": {"event_name": "x", "count": 1, "first": 1, "last": 2},
}
CONVERT = {"type": "user", "visitor": {"user_id": "vis"}, "user": {"user_id": "new"}}
ATTRIBUTE = {"name": "city", "model": "contact", "data_type": "string", "options": ["a", "b"]}
CALLS = [
    ("GET", "/me", "/me", None),
    ("POST", "/contacts", "/contacts", {"external_id": "new"}),
    ("POST", "/contacts", "/contacts", {"role": "lead", "email": "x@example.com"}),
    ("GET", "/contacts", "/contacts", None),
    ("GET", "/contacts", "/contacts?per_page=1", None),
    ("GET", "/contacts/{contact_id}", "/contacts/ann", None),
    ("GET", "/contacts/{contact_id}", "/contacts/bare", None),
    ("GET", "/contacts/{contact_id}", "/contacts/lea", None),
    ("PUT", "/contacts/{contact_id}", "/contacts/ann", {"name": None, "email": None}),
    ("DELETE", "/contacts/{contact_id}", "/contacts/ann", None),
    ("POST", "/contacts/{contact_id}/archive", "/contacts/ann/archive", None),
    ("POST", "/contacts/{contact_id}/unarchive", "/contacts/old/unarchive", None),
    ("POST", "/contacts/merge", "/contacts/merge", {"from": "lea", "into": "ann"}),
    ("POST", "/contacts/search", "/contacts/search", ANYONE),
    ("GET", "/contacts/{contact_id}/companies", "/contacts/ann/companies", None),
    ("POST", "/contacts/{contact_id}/companies", "/contacts/bare/companies", {"id": "firm"}),
    ("POST", "/contacts/{contact_id}/companies", "/contacts/bare/companies", {}),
    ("POST", "/contacts/{contact_id}/companies", "/contacts/bare/companies", {"id": "x"}),
    (
        "DELETE",
        "/contacts/{contact_id}/companies/{company_id}",
        "/contacts/ann/companies/firm",
        None,
    ),
    ("GET", "/contacts/{contact_id}/tags", "/contacts/ann/tags", None),
    ("POST", "/contacts/{contact_id}/tags", "/contacts/bare/tags", {"id": "1"}),
    ("DELETE", "/contacts/{contact_id}/tags/{tag_id}", "/contacts/ann/tags/1", None),
    ("POST", "/companies", "/companies", {"company_id": "new", "name": "New"}),
    ("POST", "/companies", "/companies", {"test": "invalid"}),
    ("GET", "/companies", "/companies", None),
    ("GET", "/companies", "/companies?company_id=acme", None),
    ("GET", "/companies", "/companies?company_id=none", None),
    ("POST", "/companies/list", "/companies/list", None),
    ("GET", "/companies/scroll", "/companies/scroll", None),
    ("GET", "/companies/{company_id}", "/companies/firm", None),
    ("PUT", "/companies/{company_id}", "/companies/firm", {"name": "X"}),
    ("DELETE", "/companies/{company_id}", "/companies/firm", None),
    ("GET", "/companies/{company_id}/contacts", "/companies/firm/contacts", None),
    ("GET", "/data_attributes", "/data_attributes", None),
    ("POST", "/data_attributes", "/data_attributes", ATTRIBUTE),
    ("POST", "/data_attributes", "/data_attributes", {"name": "x", "model": "y"}),
    (
        "PUT",
        "/data_attributes/{data_attribute_id}",
        "/data_attributes/10000001",
        {"archived": True},
    ),
    ("PUT", "/data_attributes/{data_attribute_id}", "/data_attributes/5", {"archived": True}),
    ("POST", "/events", "/events", EVENT),
    ("GET", "/events", "/events?type=user&user_id=u", None),
    ("GET", "/events", "/events?type=user&user_id=u&summary=true", None),
    ("POST", "/events/summaries", "/events/summaries", SUMMARY),
    ("GET", "/tags", "/tags", None),
    ("POST", "/tags", "/tags", {"name": "new"}),
    ("GET", "/tags/{tag_id}", "/tags/1", None),
    ("DELETE", "/tags/{tag_id}", "/tags/1", None),
    ("GET", "/visitors", "/visitors?user_id=vis", None),
    ("PUT", "/visitors", "/visitors", {"user_id": "vis", "name": "V"}),
    ("POST", "/visitors/convert", "/visitors/convert", CONVERT),
]


@pytest.mark.parametrize(("method", "described", "path", "body"), CALLS)
def test_an_answer_conforms(full, validate, method, described, path, body):
    validate(method, described, full.call(method, path, body))


@pytest.mark.parametrize(("method", "described", "path", "body"), CALLS)
def test_a_refusal_of_credentials_conforms(full, validate, document, method, described, path, body):
    response = full.call(method, path, body, token="wrong")
    assert response.status == 401
    if "401" in document["paths"][described][method.lower()]["responses"]:
        validate(method, described, response)
