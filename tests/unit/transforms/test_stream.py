"""The last steps of a stream as plain objects: merging, order, what is kept for later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from destinations.intercom import DESTINATION
from destinations.intercom.rehearsal import rehearse
from pipeline.flow.breaker import OutagePolicy
from pipeline.flow.dead_letters import Receipt
from pipeline.flow.deliver import DeliveryPolicy
from pipeline.flow.event_names import EventNames, NamePolicy
from pipeline.flow.name_registry import NameRegistry
from pipeline.flow.packing import Packed, pack
from pipeline.flow.retrying import RetryPolicy
from pipeline.flow.stopping import STOP
from pipeline.flow.work import Task
from pipeline.model.decode import decode_line
from pipeline.model.operation import Call, Operation, Outcome, Person, Response
from pipeline.run.worker import patience
from pipeline.state.memory import RememberedState
from pipeline.state.store import StateStore
from pipeline.transforms.admit import AdmitSettings
from pipeline.transforms.dead_letters import DeadLetterFormat
from pipeline.transforms.deliver import DeliverSettings
from pipeline.transforms.hold import Held, HoldSettings
from pipeline.transforms.stream import (
    AsLink,
    DeliverHeld,
    ResolveHeld,
    StreamSettings,
    is_for_later,
)

SECOND = 1_000_000
ADA = Person("ada")


def entry(message: str, second: int, kind: str, fields: dict[str, Any]) -> Held:
    operation = Operation(kind, ADA, second * SECOND, fields)
    of_type = "track" if kind == "submit_event" else "identify"
    task = Task(message, second * SECOND, of_type, (operation,), receipt=a_receipt())
    return ("u:ada", 0, pack(task))


def identify(message: str, second: int, **fields: Any) -> Held:
    return entry(message, second, "upsert_contact", {"role": "user", **fields})


def track(name: str, second: int, event: str = "Ordered") -> Held:
    return entry(name, second, "submit_event", {"event_name": event, "created_at": second})


def a_receipt() -> bytes:
    """What a dead letter of an event needs."""
    line = b'{"type":"track","userId":"ada","event":"A"}'
    (event,) = decode_line(line, origin="f:1", now=0)
    return Receipt.of(event).pack()


class Api:
    """Answers as a willing API would, unless it is down."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.down = False

    def __call__(self, call: Call) -> Response:
        if self.down:
            return Response(0)
        self.calls.append(f"{call.method} {call.path.split('?')[0]}")
        return rehearse(call)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def store() -> Iterator[StateStore]:
    with StateStore.open("sqlite://") as opened:
        yield opened


@pytest.fixture
def step(api: Api, store: StateStore) -> Iterator[DeliverHeld]:
    names = EventNames({"submit_event": "event_name"}, NamePolicy(event_name_limit=2))
    deliver = DeliverSettings(
        destination=DESTINATION.from_settings({}),
        open_send=lambda stack: api,
        open_memory=lambda stack: RememberedState(store, "s", shared=True),
        rate_headers=DESTINATION.rate_headers,
        policy=DeliveryPolicy(merge_by={"upsert_company": "company_id"}),
        names=names,
        dead_letters=DeadLetterFormat("m", "f", clock=lambda: 0),
        retries=RetryPolicy(first=0.001, max_attempts=6),
        outages=OutagePolicy(max_outage=0.0),
        paced=False,
    )
    admit = AdmitSettings(names, lambda stack: NameRegistry(store, "s"))
    made = DeliverHeld(
        deliver, admit, StreamSettings(hold=HoldSettings(), open_turns=lambda stack: turn)
    )
    made.setup()
    made.start_bundle()
    yield made
    made.teardown()
    STOP.clear()


@contextmanager
def turn(thing: str) -> Iterator[None]:
    yield


def test_identifies_that_waited_together_are_one_write_before_the_track(
    step: DeliverHeld, api: Api
) -> None:
    ready = [track("t", 3), identify("i2", 2, name="Ada"), identify("i1", 1, name="A")]
    kept: list[Held] = []
    assert list(step.let_go(ready, kept, last=False)) == []
    assert api.calls == ["POST /contacts", "POST /events"]
    assert kept == []


def test_what_meets_an_outage_stays_whole_and_goes_out_later(step: DeliverHeld, api: Api) -> None:
    api.down = True
    ready = [identify("i", 1, name="Ada"), track("t", 2)]
    kept: list[Held] = []
    assert list(step.let_go(ready, kept, last=False)) == []
    assert sorted(kept) == sorted(ready)
    api.down = False
    again: list[Held] = []
    assert list(step.let_go(kept, again, last=False)) == []
    assert (api.calls, again) == (["POST /contacts", "POST /events"], [])


def test_once_a_state_that_was_away_too_long_is_back_the_same_worker_delivers_again(
    step: DeliverHeld, api: Api, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = OperationalError("SELECT 1", {}, psycopg.OperationalError("connection refused"))

    def fails() -> None:
        raise away

    waits = patience(0.0)
    list(step.let_go([track("first", 1)], [], last=False))  # its name is known from now on
    api.calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(store, "_carry_out", lambda *_, **__: waits.carry_out(fails))
        kept, again = [], [track("t", 2)]
        for _ in range(2):
            kept, again = again, []
            assert list(step.let_go(kept, again, last=False)) == []
        assert (api.calls, again) == ([], kept)
    assert list(step.let_go(kept, [], last=False)) == []
    assert api.calls[-1] == "POST /events"


def test_at_the_end_nothing_is_kept_but_in_dead_letters(step: DeliverHeld, api: Api) -> None:
    api.down = True
    kept: list[Held] = []
    letters = list(step.let_go([track("t", 2)], kept, last=True))
    assert (len(letters), kept) == (1, [])


def test_event_names_get_their_places_first_come_and_keep_them(step: DeliverHeld, api: Api) -> None:
    first = [identify("i", 0, name="Ada"), track("1", 5, "A"), track("2", 6, "B")]
    list(step.let_go(first, [], last=False))
    letters = list(step.let_go([track("3", 1, "C")], [], last=False))
    assert len(letters) == 1
    assert b"event_name_cap" in letters[0]
    assert list(step.let_go([track("4", 7, "A")], [], last=False)) == []


def test_an_older_identify_that_comes_late_does_not_overwrite_a_newer_one(
    step: DeliverHeld, api: Api
) -> None:
    list(step.let_go([identify("new", 9, name="Ada")], [], last=False))
    del api.calls[:]
    list(step.let_go([identify("old", 1, name="A")], [], last=False))
    assert api.calls == []


@pytest.mark.parametrize(
    ("outcome", "later"),
    [
        (Outcome("dead", "undelivered"), True),
        (Outcome("dead", "credentials_refused", http_status=401), True),
        (Outcome("dead", "retries_exhausted"), True),
        (Outcome("dead", "retries_exhausted", http_status=503), False),
        (Outcome("dead", "rejected", http_status=422), False),
        (Outcome("delivered"), False),
    ],
)
def test_only_what_is_no_fault_of_the_event_is_tried_again(outcome: Outcome, later: bool) -> None:
    assert is_for_later(outcome) is later


class Nothing:
    """State and timers that nobody looks into."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *given: None


def test_a_link_that_came_meanwhile_says_whose_a_task_is(store: StateStore) -> None:
    step = ResolveHeld(lambda stack: RememberedState(store, "s", shared=True), HoldSettings())
    step.setup()
    step.start_bundle()
    packed: Packed = (5, 0, "track", "t", b"", b"")
    for alias, link in AsLink().process(("a:x", (1, "ada"))):
        nothing = Nothing()
        step.process((0, (alias, link)), nothing, nothing, nothing, nothing)
    found = list(step.let_go([("a:x", 0, packed), ("a:y", 0, packed)], [], last=False))
    assert found == [("u:ada", packed), ("a:y", packed)]
    step.finish_bundle()
    assert store.counts("s") == {"link": 1}
