"""What a user may choose about delivery to Intercom."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from pipeline.errors import ConfigurationError

Attributes = Literal["create", "drop", "fail"]

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "attributes": ("create", "drop", "fail"),
    "alias": ("skip", "merge"),
    "archived": ("unarchive", "skip", "dead_letter"),
    "delete": ("delete", "archive"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IntercomOptions:
    """The settings of the destination, each with Segment's behaviour or a safer one as default.

    Attributes:
        alias: What becomes of a lead whose person turns out to be a user that is there already:
            it stays behind, or is merged into the user (O2).
        archived: What to do when a write meets an archived contact (rule E1).
        attributes: Whether a custom attribute that Intercom does not know is created, is dropped,
            or makes a dead letter of the event (E3). With ``create`` one that cannot be created is
            dropped; with ``fail`` so is none, nor a value that the attribute's type does not take.
        create_contact_on_track: Create the contact of an event when Intercom knows none (T2).
        create_contact_on_group: Create the contact of a group when Intercom knows none (G3).
        delete: Whether a delete event deletes for good or archives (O3).
        verify_conflicts: Read the contact that a 409 names before giving it a userId, where the
            e-mail may be another user's (P4). Costs one call for each person who is there already
            and is met for the first time.
        lost_lead_waits: Seconds to wait for searches to show a lead when the answer to its creation
            was lost; one more attempt for each.
        waits: Seconds to wait between attempts while Intercom does not see yet what it has just
            created; as many attempts as there are waits.
    """

    alias: Literal["skip", "merge"] = "skip"
    archived: Literal["unarchive", "skip", "dead_letter"] = "unarchive"
    attributes: Attributes = "create"
    create_contact_on_track: bool = False
    create_contact_on_group: bool = True
    delete: Literal["delete", "archive"] = "delete"
    verify_conflicts: bool = True
    lost_lead_waits: tuple[float, ...] = (130.0, 130.0, 130.0)
    waits: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> IntercomOptions:
        """Options from the ``settings`` of a mapping; absent ones keep their default.

        Raises:
            ConfigurationError: A setting is unknown or has a value it may not have.
        """
        known = {field.name: field.default for field in fields(cls)}
        checked: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in known:
                raise ConfigurationError(_unknown(name, list(known)))
            if name in ("waits", "lost_lead_waits"):
                checked[name] = _waits(name, value)
            elif name in _CHOICES:
                checked[name] = _choice(name, value)
            else:
                checked[name] = _switch(name, value)
        return cls(**checked)


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(sorted(known))}"
    return f"intercom has no setting {name!r}{hint}"


def _choice(name: str, value: Any) -> str:
    allowed = _CHOICES[name]
    if value not in allowed:
        message = f"intercom setting {name!r} is {value!r}; it must be one of {', '.join(allowed)}"
        raise ConfigurationError(message)
    return str(value)


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        message = f"intercom setting {name!r} is {value!r}; it must be true or false"
        raise ConfigurationError(message)
    return value


def _waits(name: str, value: Any) -> tuple[float, ...]:
    if isinstance(value, list | tuple) and all(
        isinstance(second, int | float) and not isinstance(second, bool) and 0 <= second <= 600
        for second in value
    ):
        return tuple(float(second) for second in value)
    message = f"intercom setting {name!r} is {value!r}; it must be a list of seconds from 0 to 600"
    raise ConfigurationError(message)
