"""The search language: checking a query and turning it into a test of one contact."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator.errors import ApiError, invalid, missing
from destinations.intercom.emulator.search_operators import OPERATORS_OF, compare
from destinations.intercom.emulator.standard_attributes import standard_types

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Call
    from destinations.intercom.emulator.model import Contact

MAX_DEPTH = 2
MAX_FILTERS = 15

Test = Callable[["Contact"], bool]

_READ: dict[str, Callable[[Contact], Any]] = {
    "id": lambda contact: contact.id,
    "external_id": lambda contact: contact.external_id,
    "email": lambda contact: contact.email,
    "email_domain": lambda contact: contact.email.rpartition("@")[2],
    "name": lambda contact: contact.name,
    "phone": lambda contact: contact.phone,
    "role": lambda contact: contact.role,
    "avatar": lambda contact: contact.avatar_url,
    "owner_id": lambda contact: contact.owner_id,
    "created_at": lambda contact: contact.created_at,
    "updated_at": lambda contact: contact.updated_at,
    "signed_up_at": lambda contact: contact.signed_up_at,
    "last_seen_at": lambda contact: contact.last_seen_at,
    "unsubscribed_from_emails": lambda contact: contact.unsubscribed,
    "has_hard_bounced": lambda _: False,
    "marked_email_as_spam": lambda _: False,
}
_TYPES = standard_types("contact") | {"email_domain": "string"}
_CUSTOM = "custom_attributes."


def compiled(call: Call, query: Any) -> Test:
    """A test for the whole query, or the refusal of what is wrong with it."""
    if not isinstance(query, dict):
        raise missing(text="query not specified")
    return _compiled(call, query, depth=0)


def exact_match(query: Any) -> tuple[str, str] | None:
    """The field and value of a query that only asks for one external_id or e-mail address."""
    if isinstance(query, dict) and query.get("operator") == "=":
        field, value = query.get("field"), query.get("value")
        if isinstance(field, str) and field in {"external_id", "email"} and isinstance(value, str):
            return field, value
    return None


def _compiled(call: Call, query: Any, *, depth: int) -> Test:
    if not isinstance(query, dict):
        raise invalid(text="a query filter must be an object")
    operator = query.get("operator")
    if operator in ("AND", "OR"):
        return _group(call, query, depth=depth + 1)
    return _filter(call, query)


def _group(call: Call, query: dict[str, Any], *, depth: int) -> Test:
    if depth > MAX_DEPTH:
        raise invalid(text=f"a query may be nested {MAX_DEPTH} levels deep")
    filters = query.get("value")
    if not isinstance(filters, list) or not filters:
        raise invalid(text="value must be a list of filters")
    if len(filters) > MAX_FILTERS:
        raise invalid(text=f"a group may have at most {MAX_FILTERS} filters")
    tests = [_compiled(call, one, depth=depth) for one in filters]
    if query["operator"] == "AND":
        return lambda contact: all(test(contact) for test in tests)
    return lambda contact: any(test(contact) for test in tests)


def _filter(call: Call, query: dict[str, Any]) -> Test:
    field, operator, value = query.get("field"), query.get("operator"), query.get("value")
    if not isinstance(field, str) or not isinstance(operator, str):
        raise invalid(text="a query filter must have field, operator and value")
    if "value" not in query:
        raise missing(text="value not specified")
    read, kind = _field(call, field)
    if operator not in OPERATORS_OF[kind]:
        status = call.settings.bad_operator_status
        code = "unprocessable_entity" if status != 400 else "parameter_invalid"
        raise ApiError(status, code, f"operator '{operator}' is not supported for '{field}'")
    test = compare(kind, operator, value, timezone=call.settings.timezone)
    return lambda contact: test(read(contact))


def _field(call: Call, field: str) -> tuple[Callable[[Contact], Any], str]:
    if field.startswith(_CUSTOM):
        name = field.removeprefix(_CUSTOM)
        attribute = call.workspace.attribute_by_name.get(("contact", name))
        if attribute is None:
            raise invalid(text=f"Custom attribute '{name}' does not exist")
        return lambda contact: contact.custom.get(name), attribute.data_type
    if field == "tag_id":
        return lambda contact: next(iter(contact.tags), None), "string"
    read = _READ.get(field)
    kind = _TYPES.get(field)
    if kind is None:
        raise invalid(text=f"field '{field}' is not searchable")
    return read or (lambda _: None), kind
