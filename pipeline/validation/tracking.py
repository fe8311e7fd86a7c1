"""The tracking plan: which track events there may be, and which properties each may have.

A file ``schemas/tracking/*.schema.json`` describes the properties of the one event that its
``x-event`` names. What happens to an event that no file names, or whose properties do not fit, is
a policy. Without such files every event is welcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
from msgspec.structs import replace

from pipeline.errors import ConfigurationError
from pipeline.model.event import Event
from pipeline.model.jsontext import member_path
from pipeline.model.refusal import Detail, Refusal, Skip

UNPLANNED = ("allow", "warn", "drop", "dead_letter")
VIOLATIONS = ("allow", "warn", "drop_property", "dead_letter")

Checked = tuple[Event, tuple[str, ...]] | Skip | Refusal
"""The event as it may go on, with kinds of warnings; or why it goes no further."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens to events that the tracking plan does not describe.

    Attributes:
        unplanned: To an event that no file names: one of ``UNPLANNED``.
        violations: To one whose properties do not fit: one of ``VIOLATIONS``.
    """

    unplanned: str = "allow"
    violations: str = "warn"

    def __post_init__(self) -> None:
        """Refuse what is no policy."""
        for name, allowed in (("unplanned", UNPLANNED), ("violations", VIOLATIONS)):
            value = getattr(self, name)
            if value not in allowed:
                message = f"{name} is {value!r}; it must be one of {', '.join(allowed)}"
                raise ConfigurationError(message)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Policy:
        """The policy that the settings of a mapping name; other settings are ignored."""
        return cls(**{name: settings[name] for name in cls.__slots__ if name in settings})


@dataclass(frozen=True, slots=True)
class TrackingPlan:
    """The schemas of properties by event name, as data: picklable, built on the launcher.

    Attributes:
        schemas: The schema of each event's properties.
        policy: What happens to what does not fit.
    """

    schemas: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def load(cls, directory: Path, policy: Policy | None = None) -> TrackingPlan:
        """The plan in a directory; an empty one where there is no such directory.

        Raises:
            ConfigurationError: A file is no schema, or names no event, or another file names it.
        """
        schemas: dict[str, Any] = {}
        for path in sorted(directory.rglob("*.schema.json")):
            schema = _read(path)
            name = schema.get("x-event")
            if not isinstance(name, str):
                message = f'{path}: "x-event" must name the event that the schema is for'
                raise ConfigurationError(message)
            if name in schemas:
                message = f"{path}: another file describes the event {name!r} already"
                raise ConfigurationError(message)
            try:
                jsonschema_rs.Draft202012Validator(schema)
            except (ValueError, jsonschema_rs.ValidationError) as error:
                message = f"{path} is no JSON Schema: {str(error).splitlines()[0]}"
                raise ConfigurationError(message) from error
            schemas[name] = schema
        return cls(schemas, policy or Policy())


def _read(path: Path) -> dict[str, Any]:
    try:
        schema = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"cannot read {path}: {error}"
        raise ConfigurationError(message) from error
    if isinstance(schema, dict):
        return schema
    message = f"{path} holds no JSON object"
    raise ConfigurationError(message)


class TrackingCheck:
    """Holds events to a plan. Build it where it is used: its validators do not pickle."""

    def __init__(self, plan: TrackingPlan) -> None:
        self._policy = plan.policy
        self._validators = {
            name: jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            for name, schema in plan.schemas.items()
        }

    def check(self, event: Event) -> Checked:
        """What the plan makes of an event; events other than tracks pass."""
        name = event.body.get("event")
        if event.type != "track" or not self._validators or not isinstance(name, str):
            return (event, ())
        validator = self._validators.get(name)
        if validator is None:
            return self._unplanned(event, name)
        if self._policy.violations == "allow":
            return (event, ())
        properties = event.body.get("properties")
        properties = {} if properties is None else properties
        if validator.is_valid(properties):
            return (event, ())
        faults = list(validator.iter_errors(properties))
        if self._policy.violations == "dead_letter":
            return Refusal("schema_violation", tuple(map(_detail, faults)))
        if self._policy.violations == "warn":
            return (event, ("plan_violation",))
        return _without_blamed(event, properties, faults)

    def _unplanned(self, event: Event, name: str) -> Checked:
        match self._policy.unplanned:
            case "allow":
                return (event, ())
            case "warn":
                return (event, ("unplanned_event",))
            case "drop":
                return Skip("filtered")
            case _:
                message = f"the tracking plan has no event {name!r}"
                return Refusal.because("schema_violation", message, "$.event")


def _detail(fault: Any) -> Detail:
    path = "$.properties"
    for part in fault.instance_path:
        path = f"{path}[{part}]" if isinstance(part, int) else member_path(path, part)
    return Detail(path, fault.message)


def _without_blamed(event: Event, properties: Any, faults: list[Any]) -> Checked:
    """The event without the properties to blame; what is missing cannot be made up for."""
    if not isinstance(properties, dict):
        return (event, ("plan_violation",))
    blamed: dict[str, None] = {}
    warnings = []
    for fault in faults:
        names = fault.instance_path[:1] or getattr(fault.kind, "unexpected", None)
        if names:
            blamed |= dict.fromkeys(names)
        else:
            warnings.append("plan_violation")
    kept = {name: value for name, value in properties.items() if name not in blamed}
    body = {**event.body, "properties": kept}
    return (replace(event, body=body), (*warnings, *["property_dropped"] * len(blamed)))
