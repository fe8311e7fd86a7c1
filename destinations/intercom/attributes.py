"""Writing a contact or company although Intercom may not know every custom attribute of it.

One bad attribute never costs the contact: an unknown one is created and the write repeated; one
that cannot be created, or whose value is refused, is left out, with a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from destinations.base import Exchange, ask
from destinations.intercom import answers
from pipeline.model.operation import Call, Response

if TYPE_CHECKING:
    from destinations.base import Memory

DROPPED = "attribute_dropped"
FIELD_DROPPED = "field_dropped"
CREATED = "attribute_created"

_OPTIONAL_FIELDS = (
    ("owner specified", "owner_id"),
    ("converted to a lead", "role"),
)
"""What an error says -> the optional field that it is about."""


def data_type(name: str, value: Any) -> str | None:
    """The type with which to create the attribute ``name``; None where it has no possible one."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "date" if name.endswith(("_at", "At")) else "integer"
    if isinstance(value, Decimal | float):
        return "float"
    return "string" if isinstance(value, str) else None


class Draft:
    """The body of a write, which adapts to what the API knows while it is being sent."""

    def __init__(
        self,
        model: Literal["contact", "company"],
        fields: Mapping[str, Any],
        memory: Memory,
        *,
        create: bool,
    ) -> None:
        self._model = model
        self._memory = memory
        self._create = create
        self._tried: dict[str, str] = {}
        self.fields = {name: value for name, value in fields.items() if name != "custom_attributes"}
        self.custom = dict(fields.get("custom_attributes") or {})
        self.warnings: list[str] = []
        for name in list(self.custom):
            if memory.get("run.attribute", self._key(name)) == "refused":
                self._drop(name)

    def _key(self, name: str) -> str:
        return f"{self._model}:{name}"

    def body(self, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The body as it stands, with the fields of ``extra`` put over it."""
        body = {**self.fields, **(extra or {})}
        if self.custom:
            body["custom_attributes"] = dict(self.custom)
        return body

    def send(
        self, method: str, path: str, extra: Mapping[str, Any] | None = None
    ) -> Exchange[Response]:
        """Make the call until the API has no more to say against single attributes.

        Every round creates or drops an attribute, and none is created twice, so it ends.
        """
        while True:
            response = yield from ask(Call(method, path, self.body(extra)))
            if response.status not in (400, 422) or not (yield from self._repair(response)):
                return response

    def _repair(self, response: Response) -> Exchange[bool]:
        """Whether it is worth sending again, after having done what makes it so."""
        unknown = answers.unknown_attribute(response)
        if unknown is not None:
            name = self._own(unknown)
            if name is None:
                return False
            yield from self._make_known(name)
            return True
        name = answers.blamed(response, self.custom)
        if name is not None:
            self._drop(name)
            return True
        text = answers.explanation(response)
        for words, field in _OPTIONAL_FIELDS:
            if words in text and field in self.fields:
                del self.fields[field]
                self.warnings.append(FIELD_DROPPED)
                return True
        return False

    def _own(self, name: str) -> str | None:
        if name in self.custom:
            return name
        return next((own for own in self.custom if own.lower() == name.lower()), None)

    def _make_known(self, name: str) -> Exchange[None]:
        value = self.custom[name]
        if value is None:
            del self.custom[name]  # there is nothing to clear
            return
        kind = data_type(name, value)
        if not self._create or kind is None:
            self._drop(name)
            return
        if name in self._tried:
            if self._tried[name] == "exists":  # it is archived: nobody can write to it
                self._refuse(name)
            self._drop(name)
            return
        call = Call(
            "POST", "/data_attributes", {"name": name, "model": self._model, "data_type": kind}
        )
        response = yield from ask(call)
        if answers.ok(response):
            self._tried[name] = "created"
            self.warnings.append(CREATED)
        elif self._exists(response):
            self._tried[name] = "exists"
        else:
            self._refuse(name)
            self._drop(name)

    def _exists(self, response: Response) -> bool:
        """Whether creation was refused because it is there, made by somebody else just now."""
        text = answers.explanation(response)
        own = "people" if self._model == "contact" else "company"
        return "already have" in text and f"in your {own} data" in text

    def _refuse(self, name: str) -> None:
        """Leave the attribute out from the beginning for the rest of this run."""
        self._memory.put("run.attribute", self._key(name), "refused")

    def _drop(self, name: str) -> None:
        del self.custom[name]
        self.warnings.append(DROPPED)
