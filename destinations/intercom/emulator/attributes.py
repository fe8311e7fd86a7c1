"""Declaring, listing and changing data attributes."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator import fields
from destinations.intercom.emulator.errors import ApiError, invalid, missing
from destinations.intercom.emulator.model import Attribute, JsonObject, Model
from destinations.intercom.emulator.standard_attributes import is_standard, standard_views

if TYPE_CHECKING:
    from destinations.intercom.emulator.call import Answer, Call

MAX_NAME = 190
FIRST_ID = 10_000_000
OPTIONS_TYPE_SINCE = (2, 14)
NO_CONVERSATION_MODEL_SINCE = (2, 16)
_DATA_TYPES = frozenset({"string", "integer", "float", "boolean", "datetime", "date"})
_MODELS: dict[Any, Model] = {"contact": "contact", "company": "company"}
_PEOPLE_OR_COMPANY = {"contact": "people", "company": "company"}
_MODEL_TEXT = "The Data Attribute model field must be either contact or company"
_NAME_TEXT = (
    "Your name for this attribute must only contain alphanumeric characters, "
    "currency symbols, and hyphens"
)


def listed(call: Call) -> Answer:
    """GET /data_attributes: standard and custom rows; archived ones only when asked for."""
    asked = call.query.get("model")
    if asked is not None and asked not in _MODELS:
        status = 422 if call.version >= NO_CONVERSATION_MODEL_SINCE else 400
        raise ApiError(status, "parameter_invalid", _MODEL_TEXT)
    models: list[Model] = [_MODELS[asked]] if asked else ["contact", "company"]
    archived_too = call.query.get("include_archived") == "true"
    rows: list[JsonObject] = []
    for model in models:
        rows += standard_views(model)
    rows += [
        attribute_view(attribute)
        for attribute in call.workspace.attributes.values()
        if attribute.model in models and (archived_too or not attribute.archived)
    ]
    return 200, {"type": "list", "data": rows}


def create(call: Call) -> Answer:
    """POST /data_attributes: declares a name, whose type can never change."""
    body = call.body
    for required in ("name", "model", "data_type"):
        if body.get(required) in (None, ""):
            raise missing(text=f"{required} not specified")
    model = _MODELS.get(body["model"]) if isinstance(body["model"], str) else None
    if model is None:
        raise invalid(text=_MODEL_TEXT)
    data_type, options = _declared_type(call)
    name = _checked_name(call, model)
    workspace = call.workspace
    active = sum(1 for one in workspace.attributes.values() if not one.archived)
    if active >= call.settings.custom_attribute_limit:
        message = f"You have reached the limit of {call.settings.custom_attribute_limit} attributes"
        raise ApiError(400, "custom_data_limit_reached", message)
    attribute = Attribute(
        id=FIRST_ID + workspace.ids.number("attribute"),
        name=name,
        model=model,
        data_type=data_type,
        created_at=int(call.now),
        updated_at=int(call.now),
        description=fields.text(body, "description") or "",
        options=options,
        messenger_writable=fields.flag(body, "messenger_writable"),
    )
    workspace.add_attribute(attribute)
    return 200, attribute_view(attribute)


def update(call: Call) -> Answer:
    """PUT /data_attributes/{id}: description, options, archived; never name or type."""
    key = call.params[0]
    known = call.workspace.attributes
    attribute = known.get(int(key)) if key.isascii() and key.isdigit() and len(key) < 20 else None
    if attribute is None:
        raise ApiError(404, "field_not_found", "We couldn't find that data attribute to update")
    body = call.body
    sent_type = body.get("data_type", attribute.data_type)
    if call.settings.data_type_change == "reject" and sent_type != attribute.data_type:
        raise invalid(text="The data type of an attribute cannot be changed")
    options = attribute.options
    if body.get("options") is not None:
        options = _checked_options(body["options"])
    archived = fields.flag(body, "archived") if "archived" in body else attribute.archived
    description = fields.text(body, "description")
    writable = fields.flag(body, "messenger_writable")
    attribute.options = options
    attribute.archived = archived
    if description is not None:
        attribute.description = description
    if "messenger_writable" in body:
        attribute.messenger_writable = writable
    attribute.updated_at = int(call.now)
    return 200, attribute_view(attribute)


def attribute_view(attribute: Attribute) -> JsonObject:
    """How a custom attribute is shown."""
    view: JsonObject = {
        "id": attribute.id,
        "type": "data_attribute",
        "name": attribute.name,
        "full_name": f"custom_attributes.{attribute.name}",
        "label": attribute.name,
        "description": attribute.description,
        "data_type": attribute.data_type,
        "api_writable": True,
        "ui_writable": True,
        "messenger_writable": attribute.messenger_writable,
        "custom": True,
        "archived": attribute.archived,
        "admin_id": "1",
        "created_at": attribute.created_at,
        "updated_at": attribute.updated_at,
        "model": attribute.model,
    }
    if attribute.options is not None:
        view["options"] = attribute.options
    return view


def _declared_type(call: Call) -> tuple[str, list[str] | None]:
    data_type, sent = call.body["data_type"], call.body.get("options")
    if data_type == "options" and call.version >= OPTIONS_TYPE_SINCE:
        return "string", _checked_options(sent)
    if not isinstance(data_type, str) or data_type not in _DATA_TYPES:
        raise invalid(text="Data Type isn't an option")
    options = None if sent is None else _checked_options(sent)
    return ("date" if data_type == "datetime" else data_type), options


def _checked_options(sent: Any) -> list[str]:
    if not isinstance(sent, list):
        raise invalid(text="Options isn't an array")
    values = [one.get("value") if isinstance(one, dict) else one for one in sent]
    texts = [value for value in values if isinstance(value, str) and value]
    if len(texts) != len(values):
        raise invalid(text="Every option must have a value")
    if len(texts) < 2:
        raise invalid(text="You must have at least two options on a list type data attribute")
    return texts


def _checked_name(call: Call, model: Model) -> str:
    name = call.body["name"]
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
        raise invalid(text=_NAME_TEXT)
    currency = call.settings.currency_in_attribute_name == "accept"
    if not all(_may_stand_in_name(letter, currency=currency) for letter in name):
        raise invalid(text=_NAME_TEXT)
    for other in _MODELS.values():
        if (other, name) in call.workspace.attribute_by_name:
            raise invalid(
                text=f"You already have '{name}' in your {_PEOPLE_OR_COMPANY[other]} data. "
                f"To save this as new {_PEOPLE_OR_COMPANY[model]} data, use a different name."
            )
    if is_standard(model, name):
        raise invalid(
            text=f"'{name}' is one of our standard attributes for your "
            f"{_PEOPLE_OR_COMPANY[model]} data. To save this, use a different name."
        )
    return name


def _may_stand_in_name(letter: str, *, currency: bool) -> bool:
    if re.match(r"[\w -]", letter):
        return True
    return currency and unicodedata.category(letter) == "Sc"
