"""Everything a mapping may ask of Intercom, with every field it may set."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from destinations.base import OperationSpec

_CUSTOM = "Custom attributes: text, numbers, booleans, or null to clear; unknown ones are created."

OPERATIONS: Mapping[str, OperationSpec] = MappingProxyType(
    {
        "upsert_contact": OperationSpec(
            summary="Create the person's contact, or update the one that is there.",
            fields={
                "role": "`user` (the default) or `lead`.",
                "external_id": "The person's userId; the one that identifies the person if absent.",
                "email": "E-mail address.",
                "phone": "Phone number; null clears it.",
                "name": "Full name; null clears it.",
                "avatar": "URL of a picture; null clears it.",
                "signed_up_at": "When the person signed up, Unix seconds.",
                "last_seen_at": "When the person was last seen, Unix seconds.",
                "owner_id": "Id of the teammate who owns the contact.",
                "unsubscribed_from_emails": "Whether the person gets no e-mails.",
                "custom_attributes": _CUSTOM,
            },
        ),
        "touch_contact": OperationSpec(
            summary="Update when a known contact was last seen; never creates one.",
            fields={"last_seen_at": "When the person was last seen, Unix seconds."},
            required=frozenset({"last_seen_at"}),
        ),
        "upsert_company": OperationSpec(
            summary="Create the company, or update the one that has this `company_id`.",
            fields={
                "company_id": "Your own id of the company; it can never be changed.",
                "name": "Name of the company.",
                "plan": "Name of its plan.",
                "size": "Number of its employees.",
                "website": "URL of its website.",
                "industry": "Its industry.",
                "monthly_spend": "What it spends in a month, a whole number.",
                "remote_created_at": "When the company came to be on your side, Unix seconds.",
                "custom_attributes": _CUSTOM,
            },
            required=frozenset({"company_id"}),
            merge_by="company_id",
        ),
        "attach_company": OperationSpec(
            summary="Make the person a member of the company.",
            fields={"company_id": "Your own id of the company."},
            required=frozenset({"company_id"}),
        ),
        "detach_company": OperationSpec(
            summary="End the person's membership of the company; creates neither of the two.",
            fields={"company_id": "Your own id of the company."},
            required=frozenset({"company_id"}),
        ),
        "submit_event": OperationSpec(
            summary="Record that the person did something.",
            fields={
                "event_name": "Name of the event; a workspace has room for 120 names.",
                "created_at": "When it happened, Unix seconds.",
                "metadata": "Flat values about it; Intercom keeps the first ten.",
            },
            required=frozenset({"event_name", "created_at"}),
            event_name="event_name",
        ),
        "merge_contact": OperationSpec(
            summary="Merge the lead that is remembered for the person's anonymousId into the user.",
            fields={},
        ),
        "delete_contact": OperationSpec(
            summary="Delete (or archive, by setting) every contact of the person.",
            fields={},
        ),
    }
)
