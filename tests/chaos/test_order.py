"""Random streams of events and random faults: in order, nothing lost, nothing stored twice.

Every fault that the emulator knows strikes at random: 500s, HTML pages, 429s, connections that
drop before and after the write was carried out. Time is the emulator's own, so nobody waits.
``PENSTOCK_CHAOS_SEEDS`` says how many streams (4 in ``make test``, 60 in ``make chaos``).
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from destinations.intercom import DESTINATION
from destinations.intercom.connection import endpoint
from destinations.intercom.emulator import Emulator, EmulatorSettings
from destinations.transport import Secret
from pipeline.flow.deliver import Delivery, DeliveryPolicy
from pipeline.flow.drive import Driver
from pipeline.flow.pacing import Pacer
from pipeline.flow.pool import DeliveryPool
from pipeline.flow.retrying import RetryPolicy
from pipeline.flow.work import Task, sequence
from pipeline.mapping.interpreter import Mapped
from pipeline.model.event import Event
from pipeline.model.operation import Outcome
from pipeline.preparation import Preparer
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file
from pipeline.state.unshared import UnsharedState
from pipeline.validation.registry import SchemaSet

SEEDS = int(os.environ.get("PENSTOCK_CHAOS_SEEDS", "4"))
PEOPLE = 12
START = 1_700_000_000


def stream(dice: random.Random) -> list[bytes]:
    """Events of a few people in random order: every person is identified at some time."""
    events: list[dict[str, Any]] = []
    for who in range(PEOPLE):
        user = f"u{who}"
        times = dice.sample(range(500), dice.randint(4, 14))
        events.append(identify(user, START + times[0], dice))
        for at in times[1:]:
            kind = dice.choice(("track", "track", "track", "identify", "group"))
            if kind == "track":
                events.append(track(user, START + at))
            elif kind == "identify":
                events.append(identify(user, START + at, dice))
            else:
                events.append(group(user, START + at, dice))
    dice.shuffle(events)
    for number, event in enumerate(events):
        event["messageId"] = f"m{number}"
    return [json.dumps(event).encode() for event in events]


def identify(user: str, at: int, dice: random.Random) -> dict[str, Any]:
    traits = {"email": f"{user}@example.com", "name": f"N{at}", "plan": dice.choice("abc")}
    return {"type": "identify", "userId": user, "timestamp": at, "traits": traits}


def track(user: str, at: int) -> dict[str, Any]:
    properties = {"revenue": "4.35"}
    return {
        "type": "track", "userId": user, "timestamp": at, "event": "Paid", "properties": properties
    }  # fmt: skip


def group(user: str, at: int, dice: random.Random) -> dict[str, Any]:
    company = dice.choice(("c1", "c2", "c3"))
    traits = {"name": f"Company at {at}"}
    return {"type": "group", "userId": user, "groupId": company, "timestamp": at, "traits": traits}


FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "html", "status": 502},
    {"kind": "reset_before"},
    {"kind": "reset_after_commit"},
    {"kind": "rate_limited"},
    {"kind": "half_body"},
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(limit=300)) as running:
        yield running


def deliver_all(
    emulator: Emulator, lines: list[bytes], monkeypatch: pytest.MonkeyPatch, mode: str
) -> list[tuple[Task, Outcome]]:
    """Prepare, sequence and deliver everything, eight people at a time."""
    monkeypatch.setenv("CHAOS_TOKEN", "test-token")
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert plan is not None
    preparer = Preparer(plan, SchemaSet.load(HOME / "schemas"), now=0)
    tasks: dict[str, list[Task]] = {}
    for number, line in enumerate(lines):
        for prepared in preparer.prepare(line, f"chaos:{number}"):
            assert isinstance(prepared, tuple)
            event, mapped = prepared
            assert isinstance(event, Event)
            assert isinstance(mapped, Mapped)
            task = Task(event.message_id, event.time, event.type, mapped.operations, number)
            tasks.setdefault(mapped.person.key or "", []).append(task)
    destination = DESTINATION.from_settings({})
    with ExitStack() as stack:
        transport = stack.enter_context(
            endpoint(base_url=emulator.url, token=Secret("CHAOS_TOKEN")).open()
        )
        clock = emulator.application.now
        driver = Driver(
            destination,
            transport.send,
            Pacer(destination.rate_headers, clock=clock, sleep=emulator.advance),
            policy=RetryPolicy(max_attempts=50, max_elapsed=1e9),
            sleep=emulator.advance,
            clock=clock,
        )
        merge_by = {
            kind: spec.merge_by for kind, spec in destination.operations.items() if spec.merge_by
        }
        policy = DeliveryPolicy(merge_by=merge_by, coalesce=mode)  # type: ignore[arg-type]
        delivery = Delivery(driver, UnsharedState(), policy=policy, clock=clock)
        pool = stack.enter_context(DeliveryPool(delivery.deliver, concurrency=8))
        works = [sequence(key, mine) for key, mine in tasks.items()]
        return [pair for result in pool.run(works) for pair in result]


@pytest.mark.parametrize("mode", ["all", "between_tracks"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_goes_wrong(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, seed: int, mode: str
) -> None:
    dice = random.Random(seed)
    lines = stream(dice)
    for number, fault in enumerate(dice.sample(FAULTS, 4)):
        probability = dice.choice((0.05, 0.15))
        emulator.add_fault(
            **fault, times=None, probability=probability, seed=seed * 10 + number, match={}
        )
    outcomes = deliver_all(emulator, lines, monkeypatch, mode)

    events = [json.loads(line) for line in lines]
    by_status = Counter(outcome.status for _, outcome in outcomes)
    assert by_status["dead"] == 0, [out for _, out in outcomes if out.status == "dead"][:3]
    assert len(outcomes) == len(events)

    if mode == "all":
        identified_first(emulator)
    in_order(emulator)
    contacts = emulator.canonical_state["contacts"]
    assert set(contacts) == {f"u{who}" for who in range(PEOPLE)}
    for user, contact in contacts.items():
        assert stored(contact) == wanted(events, user)
        newest = max(
            (e for e in events if e["type"] == "identify" and e["userId"] == user),
            key=lambda e: (e["timestamp"], e["messageId"]),
        )
        assert contact["name"] == newest["traits"]["name"]


def stored(contact: dict[str, Any]) -> list[int]:
    return sorted(created_at for _, created_at, _ in contact["events"])


def wanted(events: list[dict[str, Any]], user: str) -> list[int]:
    return sorted(
        event["timestamp"]
        for event in events
        if event["type"] == "track" and event["userId"] == user
    )


def accepted(emulator: Emulator) -> Iterator[dict[str, Any]]:
    """What the emulator carried out, in its order: also where the answer was lost."""
    for entry in emulator.requests:
        if entry["path"] == "/events" and entry["contact_id"] is None:
            continue  # nobody knew this person yet: not stored
        if entry["status"] in (200, 202) or (entry["fault"] or {}).get("kind") in (
            "reset_after_commit",
            "half_body",
        ):
            yield entry


def identified_first(emulator: Emulator) -> None:
    """No track of a person precedes the contact's first write."""
    known: set[str] = set()
    for entry in accepted(emulator):
        if entry["path"].startswith("/contacts") and entry["contact_id"]:
            known.add(entry["contact_id"])
        elif entry["path"] == "/events":
            assert entry["contact_id"] in known


def in_order(emulator: Emulator) -> None:
    """Every person's events are in event-time order; a repeat may only repeat the newest."""
    newest: dict[str, int] = {}
    for entry in accepted(emulator):
        if entry["path"] == "/events":
            at = entry["body"]["created_at"]
            assert at >= newest.get(entry["contact_id"], 0)
            newest[entry["contact_id"]] = at
