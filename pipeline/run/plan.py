"""A whole run without a write: what it would do, what it would cost, what it would create."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from destinations.intercom.connection import endpoint
from destinations.intercom.rehearsal import rehearse
from destinations.secret import Secret
from destinations.transport import Endpoint
from pipeline.errors import UsageError
from pipeline.flow.dead_letters import iso
from pipeline.flow.deliver import Remembering
from pipeline.flow.event_names import Admission, EventNames, FirstUse
from pipeline.flow.name_registry import ACTIVE, KINDS, PINNED, NameRegistry, admitting
from pipeline.model.operation import Call, Response
from pipeline.run import batch
from pipeline.run.beam_options import is_local
from pipeline.run.job import Job, greet
from pipeline.run.planned import VERSION, basis, url_of
from pipeline.run.wiring import Edges
from pipeline.run.worker import IN_MEMORY
from pipeline.run.workspaces import scope_known
from pipeline.state.overlay import Overlay
from pipeline.state.store import StateStore
from pipeline.state.unshared import UnsharedState

if TYPE_CHECKING:
    from pipeline.transforms.deliver import Send

CALLS_A_MINUTE = 10_000
"""What the API allows."""

_NAMES = "event-names.json"


def plan(
    job: Job, *, online: bool = False, keep: bool = True, workspace: str | None = None
) -> dict[str, Any]:
    """The plan of a run, as schemas/plan.schema.json describes it.

    Args:
        job: The run, checked as a dry one.
        online: Read from the API which attributes there are.
        workspace: The id of the workspace, where the state knows several and none is asked.
        keep: State what the plan was made for, so that a run can be held to it.

    Raises:
        UsageError: An input or the state cannot be read, nothing answers at the API, or nothing
            says which workspace is meant.
        CredentialsRefused: The token is refused.
    """
    config = job.config
    if not is_local(job.options):
        message = "plan works on this machine; leave --runner away"
        raise UsageError(message)
    target = None
    if online:
        target = endpoint(
            config.region,
            base_url=config.endpoint,
            token=Secret.from_reference(config.token),
            insecure=config.insecure,
        )
        workspace = greet(replace(job, endpoint=target), Counter()) or workspace
    made_for = basis(job) if keep else None
    scope = _scope(job, workspace)
    with tempfile.TemporaryDirectory(prefix="penstock-") as temporary:
        directory = Path(temporary)
        job = replace(job, config=replace(config, dead_letters=str(directory / "dead")))
        edges = Edges(
            open_send=Watched(str(directory), target),
            open_memory=Below(config.state, scope),
            open_names=PlanNames(config.state, scope, str(directory)),
        )
        summary = batch.run(job, edges)
        summary.check()
        seen = _Seen.of(directory.glob("seen-*.json"))
        names = _names(directory / _NAMES, limit=job.names.policy.event_name_limit)
    with ExitStack() as stack:
        known = Below(config.state, scope)(stack).get_many("company", seen.companies)
    calls = {call: sum(statuses.values()) for call, statuses in sorted(summary.calls.items())}
    allowed = CALLS_A_MINUTE * config.share
    rate = min(config.rate or allowed, allowed)
    return {
        "version": VERSION,
        "made_at": iso(summary.started_at),
        "basis": made_for,
        "online": online,
        "events": {
            "received": summary.received,
            "delivered": summary.delivered,
            "skipped": dict(summary.skipped),
            "merged": dict(summary.merged),
            "dead": dict(summary.dead),
        },
        "events_of_unknown_people": seen.unaddressed,
        "warnings": dict(summary.warnings),
        "calls": calls,
        "calls_total": sum(calls.values()),
        "calls_per_minute": rate,
        "seconds_at_the_limit": round(sum(calls.values()) * 60 / rate, 1),
        "creates": {
            "contacts": calls.get("POST /contacts", 0),
            "companies": len(seen.companies - known.keys()),
            "attributes": [
                {"model": model, "name": name, "data_type": data_type}
                for model, name, data_type in sorted(seen.attributes)
            ],
        },
        "event_names": names,
    }


def _scope(job: Job, workspace: str | None) -> str:
    if not _is_there(job.config.state):
        return ""
    with StateStore.open(job.config.state) as store:
        return scope_known(store, job.destination.name, url_of(job.config), chosen=workspace)


def _names(path: Path, *, limit: int) -> dict[str, Any]:
    """What came of the event names; a run without events asks nobody."""
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found
    return {"new": [], "over": [], "archived": 0, "taken": None, "limit": limit}


@dataclass(slots=True)
class _Seen:
    """What the calls of a run would write.

    Attributes:
        companies: Every company_id.
        attributes: (model, name, data type) of each attribute that would be created.
        unaddressed: Events whose person nobody knows by Intercom's id.
    """

    companies: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str, str]] = field(default_factory=set)
    unaddressed: int = 0

    @classmethod
    def of(cls, files: Iterable[Path]) -> _Seen:
        seen = cls()
        for file in files:
            record = json.loads(file.read_bytes())
            seen.companies.update(record["companies"])
            seen.attributes.update(tuple(each) for each in record["attributes"])
            seen.unaddressed += record["unaddressed"]
        return seen

    def watch(self, call: Call) -> None:
        body = call.body or {}
        if call.method != "POST":
            return
        if call.path == "/companies":
            self.companies.add(str(body.get("company_id")))
        elif call.path == "/data_attributes":
            self.attributes.add((body["model"], body["name"], body["data_type"]))
        elif call.path == "/events" and "id" not in body:
            self.unaddressed += 1


@dataclass(frozen=True, slots=True)
class Watched:
    """Answers as a willing API would, and keeps in ``directory`` what would be written.

    Which attributes there are is asked of ``endpoint``, if there is one; else there are none but
    those that the state knows.
    """

    directory: str
    endpoint: Endpoint | None

    def __call__(self, stack: ExitStack) -> Send:
        """A function that answers calls; what it saw is written when the stack is closed."""
        seen = _Seen()
        stack.callback(self._keep, seen)
        ask = stack.enter_context(self.endpoint.open()).send if self.endpoint else _nothing_there

        def send(call: Call) -> Response:
            seen.watch(call)
            if call.method == "GET" and call.path.startswith("/data_attributes"):
                return ask(call)
            return rehearse(call)

        return send

    def _keep(self, seen: _Seen) -> None:
        record = {
            "companies": sorted(seen.companies),
            "attributes": sorted(seen.attributes),
            "unaddressed": seen.unaddressed,
        }
        path = Path(self.directory, f"seen-{uuid.uuid4().hex}.json")
        path.write_text(json.dumps(record), "utf-8")


def _nothing_there(call: Call) -> Response:
    del call
    return Response(200, body={"type": "list", "data": []})


@dataclass(frozen=True, slots=True)
class Below:
    """Opens a memory that begins with what is stored, and stores nothing."""

    url: str
    scope: str

    def __call__(self, stack: ExitStack) -> Remembering:
        """The memory; the store below is closed with the stack."""
        if not _is_there(self.url):
            return UnsharedState()
        return Overlay(stack.enter_context(StateStore.open(self.url)), self.scope)


@dataclass(frozen=True, slots=True)
class PlanNames:
    """Opens a registry of event names that says what it would admit, and admits nothing."""

    url: str
    scope: str
    directory: str

    def __call__(self, stack: ExitStack) -> NameRegistry:
        """The registry; the store below is closed with the stack."""
        url = self.url if _is_there(self.url) else IN_MEMORY
        store = stack.enter_context(StateStore.open(url))
        return _Rehearsed(store, self.scope, Path(self.directory, _NAMES))


class _Rehearsed(NameRegistry):
    """Decides as a registry does, writes down the decision, and remembers nothing."""

    def __init__(self, store: StateStore, scope: str, path: Path) -> None:
        super().__init__(store, scope)
        self._rows = store.entries(scope, KINDS)
        self._path = path

    def admit(self, seen: Mapping[str, FirstUse], names: EventNames) -> Admission:
        """What ``admit`` of a registry would say."""
        admission, _ = admitting(self._rows, seen, names)
        has_place = {key for kind, key in self._rows if kind in (ACTIVE, PINNED)}
        record = {
            "new": sorted(seen[key][1] for key in admission.admitted - has_place),
            "over": list(admission.over),
            "archived": len(admission.archived),
            "taken": admission.taken,
            "limit": admission.limit,
        }
        self._path.write_text(json.dumps(record), "utf-8")
        return admission


def _is_there(url: str) -> bool:
    """Whether there is a store; opening an SQLite file that is not there would make it."""
    if url == IN_MEMORY:
        return False
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError:
        return True  # opening it says what is wrong
    if not address.drivername.startswith("sqlite"):
        return True
    return bool(address.database) and Path(str(address.database)).exists()
