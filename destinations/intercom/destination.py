"""Intercom as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from destinations.base import Memory, OperationSpec, RateHeaders, Steps, Verdict
from destinations.intercom import answers, companies, contacts, deletion, events, leads
from destinations.intercom.operations import OPERATIONS
from destinations.intercom.options import IntercomOptions
from pipeline.model.operation import Call, Operation, Response

_DELIVERIES: Mapping[str, Callable[[Operation, Memory, IntercomOptions], Steps]] = {
    "upsert_contact": contacts.upsert,
    "touch_contact": contacts.touch,
    "upsert_company": companies.upsert,
    "attach_company": companies.attach,
    "detach_company": companies.detach,
    "submit_event": events.submit,
    "merge_contact": leads.merge,
    "delete_contact": deletion.delete,
}
_FIXED_SEGMENTS = frozenset(
    {"archive", "companies", "contacts", "data_attributes", "events", "merge"}
    | {"search", "unarchive"}
)


@dataclass(frozen=True, slots=True)
class Intercom:
    """The REST API 2.11 of Intercom."""

    options: IntercomOptions = field(default_factory=IntercomOptions)

    name: ClassVar[str] = "intercom"
    operations: ClassVar[Mapping[str, OperationSpec]] = OPERATIONS
    rate_headers: ClassVar[RateHeaders] = RateHeaders()

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Intercom:
        """The destination with the ``settings`` of a mapping.

        Raises:
            ConfigurationError: A setting is unknown or has a value it may not have.
        """
        return cls(IntercomOptions.from_settings(settings))

    def deliver(self, operation: Operation, memory: Memory) -> Steps:
        """The calls that carry out ``operation``, one after the other."""
        return _DELIVERIES[operation.kind](operation, memory, self.options)

    def judge(self, response: Response) -> Verdict:
        """How the driver must treat ``response`` (rules E2 and E4)."""
        return answers.judge(response)

    def template(self, call: Call) -> str:
        """The path of ``call`` with every id replaced by ``{id}`` and no query, for counting."""
        path, _, _ = call.path.partition("?")
        return "/".join(
            part if part in _FIXED_SEGMENTS or not part else "{id}" for part in path.split("/")
        )
