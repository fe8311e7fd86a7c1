"""What becomes of an event that is not delivered: refused (a dead letter) or skipped."""

from __future__ import annotations

import msgspec

DEAD_REASONS = {
    "invalid_json": "the line is not one JSON object in valid UTF-8",
    "unreadable": "the input file is damaged from here on",
    "too_large": "the line is longer than --max-event-bytes",
    "unknown_type": "the event's type is none of identify, track, group, page, ...",
    "schema_violation": "the event does not fit its JSON Schema",
    "mapping_error": "a required field of the mapping has no value",
    "missing_identity": "neither a userId nor an e-mail says who this is",
    "identity_unverified": "the user_hash of the event is missing or wrong",
    "event_name_cap": "the workspace has no room for one more event name",
    "contact_not_found": "the destination knows no such contact",
    "rejected": "the destination refused it for good",
    "retries_exhausted": "the destination kept failing until the retries were used up",
    "credentials_refused": "the run stopped because the credentials were refused",
    "undelivered": "the run stopped before this event was sent",
}
"""Every reason a dead letter may have, with its meaning."""

SKIP_REASONS = {
    "integrations_off": "the event's integrations object turns the destination off",
    "not_routed": "the job sends it to other destinations",
    "not_mapped": "no rule of the mapping wants it",
    "filtered": "a condition of the mapping refuses it",
    "suppressed": "the person asked to be deleted",
    "no_consent": "the person has not given the consent that is required",
    "event_name_cap": "the workspace has no room for its name, and the setting is to drop it",
    "tombstone": "the message has no value: it marks a key of the topic as deleted",
}
"""Every reason an event may be skipped for, with its meaning."""

MERGE_REASONS = {
    "coalesced": "merged with a later write of the same person or company",
    "unchanged": "the write would have changed nothing",
    "already_delivered": "the same messageId was delivered before",
}
"""Every reason an event may count as merged for, with its meaning."""


class Detail(msgspec.Struct, frozen=True, gc=False):
    """One fault: where in the event (a JSON path such as ``$.traits.email``), and what."""

    path: str
    message: str


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """An event that cannot be delivered: ``reason`` is a key of ``DEAD_REASONS``."""

    reason: str
    details: tuple[Detail, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a reason that is not in the documented list."""
        if self.reason not in DEAD_REASONS:
            message = f"unknown dead-letter reason {self.reason!r}"
            raise ValueError(message)

    @classmethod
    def because(cls, reason: str, message: str, path: str = "$") -> Refusal:
        """A refusal with one fault."""
        return cls(reason, (Detail(path, message),))


class Skip(msgspec.Struct, frozen=True, gc=False):
    """An event that nobody wants: ``reason`` is a key of ``SKIP_REASONS``."""

    reason: str

    def __post_init__(self) -> None:
        """Refuse a reason that is not in the documented list."""
        if self.reason not in SKIP_REASONS:
            message = f"unknown skip reason {self.reason!r}"
            raise ValueError(message)
