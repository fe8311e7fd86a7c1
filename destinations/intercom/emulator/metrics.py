"""Counters in the plain text form that monitoring systems scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destinations.intercom.emulator.request_log import RequestLog
    from destinations.intercom.emulator.workspace import Workspace


def metrics_text(workspace: Workspace, log: RequestLog, statuses: dict[int, int]) -> str:
    """Requests by status, log counters and the number of stored objects; 0 means dropped."""
    lines = [
        f'intercom_emulator_requests_total{{status="{status}"}} {count}'
        for status, count in sorted(statuses.items())
    ]
    events = sum(len(events) for events in workspace.events.values())
    for name, value in (
        ("log_dropped_total", log.dropped),
        ("contacts", len(workspace.contacts)),
        ("companies", len(workspace.companies)),
        ("events", events),
        ("active_event_names", workspace.active_event_names),
    ):
        lines.append(f"intercom_emulator_{name} {value}")
    return "\n".join(lines) + "\n"
