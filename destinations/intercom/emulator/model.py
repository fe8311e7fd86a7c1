"""What a workspace holds: plain records, changed only under the lock of the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

JsonObject = dict[str, Any]
Model = Literal["contact", "company"]
Standing = Literal["active", "archived", "deleted", "merged"]


@dataclass(slots=True, kw_only=True)
class Contact:
    """A user or a lead. Times are unix seconds."""

    id: str
    seq: int
    role: str
    created_at: int
    updated_at: int
    known_since: float
    external_id: str | None = None
    email: str = ""
    phone: str | None = None
    name: str | None = None
    avatar_url: str | None = None
    owner_id: int | None = None
    signed_up_at: int | None = None
    last_seen_at: int | None = None
    unsubscribed: bool = False
    custom: JsonObject = field(default_factory=dict)
    companies: dict[str, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    standing: Standing = "active"
    gone_at: int | None = None
    merged_into: str | None = None
    blocked: bool = False
    failed_event_lookups: int = 0


@dataclass(slots=True, kw_only=True)
class Company:
    """A company; ``company_id`` is the caller's name for it and never changes."""

    id: str
    seq: int
    company_id: str
    created_at: int
    updated_at: int
    name: str | None = None
    plan: str | None = None
    size: int | None = None
    website: str | None = None
    industry: str | None = None
    monthly_spend: int = 0
    remote_created_at: int | None = None
    custom: JsonObject = field(default_factory=dict)
    contacts: dict[str, None] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Attribute:
    """A custom data attribute: nothing may be written under a name before it is declared."""

    id: int
    name: str
    model: Model
    data_type: str
    created_at: int
    updated_at: int
    description: str = ""
    options: list[str] | None = None
    messenger_writable: bool = False
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class Event:
    """One stored data event."""

    id: str
    seq: int
    contact_id: str
    name: str
    created_at: int
    metadata: JsonObject


@dataclass(slots=True, kw_only=True)
class EventName:
    """A name that events of this workspace have used; an archived one frees its slot."""

    name: str
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class EventTally:
    """Events that were reported as a sum, with no record of each."""

    count: int
    first: int
    last: int


@dataclass(slots=True, kw_only=True)
class Tag:
    """A tag; names compare without case."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class Visitor:
    """Somebody on the website without an account; no call of the API creates one."""

    id: str
    user_id: str
    created_at: int
    updated_at: int
    email: str = ""
    name: str | None = None
    phone: str | None = None
    custom: JsonObject = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Admin:
    """A member of the workspace."""

    id: str
    name: str
    email: str


@dataclass(slots=True, kw_only=True)
class Scroll:
    """The one open scroll over companies."""

    param: str
    position: int
    used_at: float
