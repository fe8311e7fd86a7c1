"""Writing a contact or company whatever Intercom knows of its custom attributes.

One bad attribute never costs the contact: an unknown one is created first; one that cannot be
created, that is archived, or whose value its type does not take, is left out, with a warning. Only
with ``attributes: fail`` does a person whose data would be cut become a dead letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from destinations.base import Exchange, ask
from destinations.intercom import answers, fitting
from destinations.intercom.catalogue import (
    ABSENT,
    ARCHIVED,
    REFUSED,
    UNKNOWN,
    Catalogue,
    Model,
)
from pipeline.model.operation import Call, Outcome, Response

if TYPE_CHECKING:
    from destinations.base import Memory
    from destinations.intercom.options import Attributes

CREATED = "attribute_created"
DROPPED = "attribute_dropped"
IS_ARCHIVED = "attribute_archived"
MISFIT = "attribute_value_dropped"
FIELD_DROPPED = "field_dropped"

_OPTIONAL_FIELDS = (
    ("owner specified", "owner_id"),
    ("converted to a lead", "role"),
)
"""What an error says -> the optional field that it is about."""
_REASONS = {
    ABSENT: "does not exist",
    UNKNOWN: "does not exist",
    ARCHIVED: "is archived",
    REFUSED: "cannot be created",
}


class Draft:
    """The body of a write, which adapts to what the API knows before and while it is sent."""

    def __init__(
        self, model: Model, fields: Mapping[str, Any], memory: Memory, policy: Attributes
    ) -> None:
        self._catalogue = Catalogue(model, memory)
        self._policy = policy
        self._ready = False
        self._failure = ""
        self._resent: set[str] = set()
        self.fields = {name: value for name, value in fields.items() if name != "custom_attributes"}
        self.custom = dict(fields.get("custom_attributes") or {})
        self._warnings: list[str] = []
        self.dropped: list[tuple[str, ...]] = []

    @property
    def warnings(self) -> list[str]:
        """Kinds of what was noticed so far."""
        return [*self._catalogue.warnings, *self._warnings]

    def body(self, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The body as it stands, with the fields of ``extra`` put over it."""
        body = {**self.fields, **(extra or {})}
        if self.custom:
            body["custom_attributes"] = dict(self.custom)
        return body

    def refused(self, response: Response, warnings: tuple[str, ...] = ()) -> Outcome:
        """What becomes of the operation that ``response``, or our own settings, ended."""
        if self._failure:
            return Outcome("dead", "rejected", self._failure, warnings=warnings)
        return answers.refused(response, warnings=warnings)

    def send(
        self,
        method: str,
        path: str,
        extra: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = True,
    ) -> Exchange[Response]:
        """Make the call until the API has no more to say against single attributes.

        Every round drops an attribute or sends one a second and last time, so it ends.
        """
        if not self._ready:
            for name in list(self.custom):
                yield from self._make_fit(name)
            self._ready = True
        while not self._failure:
            response = yield from ask(Call(method, path, self.body(extra), repeatable))
            if response.status not in (400, 422) or not (yield from self._repair(response)):
                return response
        return Response(400, text=self._failure)

    # --- before the call ---------------------------------------------------------------------

    def _make_fit(self, name: str) -> Exchange[None]:
        """Have the attribute exist and its value fit, or leave it out."""
        value = self.custom[name]
        standing = yield from self._catalogue.find(name)
        if standing == ABSENT and value is not None and self._policy == "create":
            standing = yield from self._create(name, value)
        self._apply(name, value, standing)

    def _create(self, name: str, value: Any) -> Exchange[str]:
        kind = fitting.data_type(name, value)
        if kind is None:
            return REFUSED
        standing, created = yield from self._catalogue.create(name, kind)
        if created:
            self._warnings.append(CREATED)
        return standing

    def _apply(self, name: str, value: Any, standing: str) -> None:
        """Keep, change or drop the value, by what is known of its attribute."""
        if standing == UNKNOWN:
            return
        if standing not in _REASONS:
            try:
                self.custom[name] = fitting.fit(value, standing)
            except fitting.Misfit:
                self._drop(name, MISFIT, f"does not take this value: its type is {standing}")
        elif value is None:
            del self.custom[name]  # there is nothing to clear
        else:
            warning = IS_ARCHIVED if standing == ARCHIVED else DROPPED
            self._drop(name, warning, _REASONS[standing])

    def _drop(self, name: str, warning: str, reason: str) -> None:
        del self.custom[name]
        if self._policy == "fail":
            self._failure = self._failure or f"custom attribute {name!r} {reason}"
        self._warnings.append(warning)
        self.dropped.append(("custom_attributes", name))

    def leave_out(self, field: str) -> None:
        """Send no more of ``field``, which is none of the custom attributes."""
        self.fields.pop(field, None)
        self.dropped.append((field,))

    # --- after a refusal ---------------------------------------------------------------------

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
            self._catalogue.doubt(name)  # its type is another one than we remember
            self._drop(name, MISFIT, f"was refused: {answers.explanation(response)}")
            return True
        text = answers.explanation(response)
        for words, field in _OPTIONAL_FIELDS:
            if words in text and field in self.fields:
                self.leave_out(field)
                self._warnings.append(FIELD_DROPPED)
                return True
        return False

    def _own(self, name: str) -> str | None:
        if name in self.custom:
            return name
        return next((own for own in self.custom if own.lower() == name.lower()), None)

    def _make_known(self, name: str) -> Exchange[None]:
        """The API does not know an attribute that was sent: look again, and send once more."""
        value = self.custom[name]
        if value is None:
            del self.custom[name]
            return
        if name in self._resent:
            self._catalogue.refuse(name)
            self._drop(name, DROPPED, _REASONS[ABSENT])
            return
        self._resent.add(name)
        self._catalogue.doubt(name)
        standing = yield from self._catalogue.find(name)
        if standing in (ABSENT, UNKNOWN):
            if self._policy == "create":
                standing = yield from self._create(name, value)
            else:
                self._catalogue.refuse(name)
                standing = ABSENT
        self._apply(name, value, standing)
