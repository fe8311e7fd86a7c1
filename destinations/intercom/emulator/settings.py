"""The switches of the emulator: what it limits, how late it is, and how it settles open questions.

Where the public record of the real service contradicts itself, there is a switch here instead of
a choice in the code. ``docs/emulator.md`` explains each one in a table.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import types
import typing
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from destinations.intercom.emulator.versions import VERSIONS


class SettingsError(ValueError):
    """A setting that does not exist or has an impossible value; says which, and what is allowed."""

    def __init__(self, message: str, *, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorSettings:
    """Every switch, with the value that fits API version 2.11 best."""

    # Who may call, and which version is spoken.
    token: str | None = "test-token"  # noqa: S105 - a stand-in has no secret; None: any bearer
    default_version: str = "2.11"
    require_accept: bool = False
    region: str = "US"
    timezone: str = "Etc/UTC"
    identity_verification: bool = False
    id_seed: int = 1

    # Rate limit: a fixed window of 10 seconds.
    limit: int | None = 1667
    window_phase_s: float = 2.0
    other_apps_per_window: int = 0
    rate_limit_text: Literal["window", "app"] = "window"

    # Slowness, in seconds unless the name says otherwise.
    latency_ms: float = 0.0
    search_lag_s: float = 120.0
    list_lag_s: float = 0.0
    event_lookup_lag_s: float = 0.0
    event_lookup_lag_times: int = 0
    event_lookup_lag_by_id: bool = False
    deleted_lock_days: float = 7.0

    # Contacts.
    same_email_new_external_id: Literal["create", "conflict"] = "create"
    email_only_user_new_external_id: Literal["create", "conflict"] = "create"
    same_email_no_external_id: Literal["conflict", "create"] = "conflict"
    external_id_clash_on_put: Literal["conflict", "accept"] = "conflict"
    unarchive_deleted: Literal["bad_request", "server_error"] = "bad_request"
    unknown_contact_field: Literal["ignore", "reject"] = "ignore"
    contact_not_found_text: Literal["User Not Found", "Contact Not Found"] = "User Not Found"
    external_lead_merge: Literal["accept", "reject"] = "accept"
    downcase_emails: bool = True
    text_timestamps: Literal["reject", "accept"] = "reject"

    # Companies.
    unknown_company_field: Literal["reject", "ignore"] = "reject"
    company_without_id: Literal["create", "reject"] = "create"
    contact_company_limit: int = 1000
    over_company_limit: Literal["reject", "drop"] = "reject"

    # Custom attributes.
    type_mismatch: Literal["reject", "accept"] = "reject"
    type_mismatch_status: Literal[400, 422] = 400
    list_value_outside_options: Literal["accept", "reject"] = "accept"
    currency_in_attribute_name: Literal["accept", "reject"] = "accept"
    data_type_change: Literal["ignore", "reject"] = "ignore"
    custom_attribute_limit: int = 250

    # Events.
    event_name_limit: int = 120
    event_name_limit_code: str = "unprocessable_entity"
    metadata_key_limit: int = 10
    boolean_metadata: Literal["keep", "text", "drop"] = "keep"
    nested_metadata: Literal["drop", "text", "reject"] = "drop"
    long_metadata_text: Literal["truncate", "keep", "drop", "reject"] = "truncate"
    forbidden_metadata_key: Literal["drop", "keep", "reject"] = "drop"

    # Search and lists.
    max_per_page: int = 150
    bad_operator_status: Literal[400, 422] = 422

    # The request log.
    log_limit: int = 1_000_000
    log_response_bytes: int = 268_435_456

    def __post_init__(self) -> None:
        _check(dataclasses.asdict(self))
        if self.default_version not in VERSIONS:
            message = f"'default_version' must be one of {', '.join(VERSIONS)}"
            raise SettingsError(message)
        if not _is_timezone(self.timezone):
            message = f"'timezone' is not a known time zone: {self.timezone!r}"
            raise SettingsError(message)

    def patched(self, changes: Mapping[str, Any]) -> EmulatorSettings:
        """These settings with ``changes`` made; raises SettingsError for a name or value amiss."""
        for name in changes:
            if name not in _kinds():
                close = difflib.get_close_matches(name, _kinds(), n=1)
                message = f"there is no setting '{name}'"
                raise SettingsError(message, suggestion=close[0] if close else None)
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Name and value of every setting, in the order of this class."""
        return dataclasses.asdict(self)


def setting_names() -> list[str]:
    """The name of every setting, in the order of the class."""
    return list(_kinds())


def _is_timezone(name: str) -> bool:
    return name in {"UTC", "Etc/UTC"} or name in zoneinfo.available_timezones()


@functools.cache
def _kinds() -> dict[str, Any]:
    hints = typing.get_type_hints(EmulatorSettings)
    return {field.name: hints[field.name] for field in dataclasses.fields(EmulatorSettings)}


def _check(values: Mapping[str, Any]) -> None:
    for name, kind in _kinds().items():
        if not _fits(values[name], kind):
            message = f"'{name}' must be {_describe(kind)}, not {values[name]!r}"
            raise SettingsError(message)


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is Literal:
        return not isinstance(value, bool) and value in typing.get_args(kind)
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float) and value >= 0
    if kind is int:
        return isinstance(value, int) and value >= 0
    return isinstance(value, kind)


def _describe(kind: Any) -> str:
    if isinstance(kind, types.UnionType):
        return " or ".join(_describe(option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(repr(option) for option in typing.get_args(kind))
    names = {
        bool: "true or false",
        int: "a whole number, 0 or more",
        float: "a number, 0 or more",
        str: "text",
        types.NoneType: "null",
    }
    return names[kind]
