"""What a willing API would answer: every call succeeds, and nothing is sent.

``explain``, ``test`` and ``run --dry-run`` drive the destination with these answers. A contact or
company that is written for the first time is created; one that is looked for is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs

from pipeline.model.operation import Call, Response

REMEMBERED: Mapping[tuple[str, str], str] = {
    ("run.attribute", "contact:"): "unlisted",
    ("run.attribute", "company:"): "unlisted",
}
"""What to begin with, so that nobody asks which custom attributes there are: all of them."""

_OK = Response(200)
_ACCEPTED = Response(202)
_CONTACT_IDS = ("external_id", "email", "phone")


def rehearse(call: Call) -> Response:
    """The answer to ``call``; the same call always has the same one.

    >>> rehearse(Call("POST", "/contacts", {"external_id": "42"})).body["id"]
    '76417b5fb66da4a92a599a0f'
    """
    path, _, query = call.path.partition("?")
    root, *rest = path.strip("/").split("/")
    body = call.body or {}
    if root == "events":
        return _ACCEPTED
    if root == "contacts":
        return _contacts(rest, body)
    if root == "companies" and not rest:
        asked = parse_qs(query).get("company_id")
        return _company(str(body.get("company_id", asked[0] if asked else "")))
    if root == "data_attributes" and call.method == "POST":
        return Response(200, body={"type": "data_attribute", **body})
    return _OK


def intercom_id(field: str, value: object) -> str:
    """The id that stands for whoever has this value: 24 hex digits, as Intercom's own are."""
    return blake2b(f"{field}:{value}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _contacts(rest: list[str], body: Mapping[str, Any]) -> Response:
    match rest:
        case []:
            field = next((name for name in _CONTACT_IDS if body.get(name)), "role")
            return Response(200, body=_contact(intercom_id(field, body.get(field)), body))
        case ["search"]:
            field, value = _asked(body.get("query"))
            found = _contact(intercom_id(field, value), {field: value})
            return Response(200, body={"type": "list", "data": [found], "total_count": 1})
        case [contact_id]:
            return Response(200, body=_contact(contact_id, body))
        case _:
            return _OK


def _contact(contact_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: body[name] for name in (*_CONTACT_IDS, "role") if name in body}
    return {"type": "contact", "role": "user", **known, "id": contact_id}


def _asked(query: Any) -> tuple[str, Any]:
    """The first ``field = value`` of a search."""
    while isinstance(query, Mapping) and isinstance(query.get("value"), list) and query["value"]:
        query = query["value"][0]
    if not isinstance(query, Mapping):
        return "email", ""
    return str(query.get("field", "email")), query.get("value", "")


def _company(company_id: str) -> Response:
    body = {"type": "company", "id": intercom_id("company_id", company_id)}
    return Response(200, body={**body, "company_id": company_id})
