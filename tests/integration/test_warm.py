"""``penstock warm`` against the emulator: what is known afterwards, and what it saves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.run.warm import WarmConfig, warm
from pipeline.run.worker import scope_of
from pipeline.state.store import StateStore

LONG_AGO = 1_600_000_000
ADA = {
    "external_id": "u1",
    "email": "ada@example.com",
    "name": "Ada",
    "avatar": "https://example.com/ada.png",
    "signed_up_at": 1_500_000_000,
    "last_seen_at": 1_704_067_200,
    "custom_attributes": {"level": 3, "score": 1.5, "vip": True, "city": "Bonn"},
    "companies": ["c1"],
    "updated_at": LONG_AGO,
}
ACME = {"company_id": "c1", "name": "Acme", "size": 7, "updated_at": LONG_AGO}
IDENTIFY = {
    "type": "identify",
    "userId": "u1",
    "timestamp": "2024-01-01T00:00:00Z",
    "traits": {
        "email": "ada@example.com",
        "name": "Ada",
        "avatar": "https://example.com/ada.png",
        "createdAt": "2017-07-14T02:40:00Z",
        "level": 3,
        "score": 1.5,
        "vip": True,
        "city": "Bonn",
        "company": {"id": "c1", "name": "Acme", "size": 7},
    },
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


@pytest.fixture
def state(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


Penstock = Callable[..., SimpleNamespace]


@pytest.fixture
def penstock(
    emulator: Emulator, state: str, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> Penstock:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")

    def penstock(*args: str) -> SimpleNamespace:
        code = exit_code_of([args[0], "--endpoint", emulator.url, "--state", state, *args[1:]])
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return penstock


@pytest.fixture
def run(penstock: Penstock, emulator: Emulator, tmp_path: Path) -> Callable[..., Counter[str]]:
    """Runs events, and says which calls that took."""

    def run(*events: Any) -> Counter[str]:
        source = tmp_path / "events.jsonl"
        source.write_text("\n".join(map(json.dumps, events)), "utf-8")
        before = len(emulator.requests)
        result = penstock(
            "run", "--quiet", "--input", str(source), "--dead-letters", str(tmp_path / "dead")
        )
        assert result.code == 0, result.err
        made = Counter(f"{each['method']} {each['path']}" for each in emulator.requests[before:])
        del made["GET /me"]
        return made

    return run


def found(penstock: Penstock) -> Any:
    result = penstock("warm", "--format", "json")
    assert result.code == 0, result.err
    return json.loads(result.out)["found"]


def test_a_backfill_over_known_contacts_writes_nothing_that_is_there(
    penstock: Penstock, run: Callable[..., Counter[str]], emulator: Emulator
) -> None:
    emulator.seed(companies=[ACME], contacts=[ADA])
    found(penstock)
    assert run(IDENTIFY) == {}


def test_what_changed_is_one_update_of_the_contact(
    penstock: Penstock, run: Callable[..., Counter[str]], emulator: Emulator
) -> None:
    (contact_id,) = emulator.seed(companies=[ACME], contacts=[ADA])["contacts"]
    found(penstock)
    changed = {**IDENTIFY, "traits": {**IDENTIFY["traits"], "city": "Ulm"}}
    assert run(changed) == {f"PUT /contacts/{contact_id}": 1}
    assert emulator.canonical_state["contacts"]["u1"]["custom_attributes"]["city"] == "Ulm"


def test_events_of_known_contacts_cost_one_call_each(
    penstock: Penstock, run: Callable[..., Counter[str]], emulator: Emulator
) -> None:
    emulator.seed(contacts=[{"external_id": "u1"}, {"email": "bob@example.com"}])
    found(penstock)
    track = {"type": "track", "event": "Signed", "timestamp": "2024-01-02T00:00:00Z"}
    by_email = {**track, "properties": {"email": "bob@example.com"}}
    assert run({**track, "userId": "u1"}, by_email) == {"POST /events": 2}


def test_an_identify_older_than_the_contact_does_not_overwrite_it(
    penstock: Penstock, run: Callable[..., Counter[str]], emulator: Emulator
) -> None:
    emulator.seed(companies=[ACME], contacts=[ADA])
    found(penstock)
    late = {"type": "identify", "userId": "u1", "timestamp": "2019-01-01T00:00:00Z"}
    assert run({**late, "traits": {"name": "Adelaide"}}) == {}


def test_a_field_that_holds_nothing_is_written_however_old_the_identify(
    penstock: Penstock, run: Callable[..., Counter[str]], emulator: Emulator
) -> None:
    emulator.seed(companies=[ACME], contacts=[ADA])
    found(penstock)
    late = {"type": "identify", "userId": "u1", "timestamp": "2019-01-01T00:00:00Z"}
    assert run({**late, "traits": {"phone": "+1 555"}}).total() == 1
    assert emulator.canonical_state["contacts"]["u1"]["phone"] == "+1 555"


def test_what_was_found_is_counted(penstock: Penstock, emulator: Emulator) -> None:
    emulator.seed(companies=[ACME], contacts=[ADA, {"role": "lead", "email": "x@example.com"}])
    assert found(penstock) == {
        "contacts": 1,
        "companies": 1,
        "memberships": 1,
        "leads_left_out": 1,
        "nameless_left_out": 0,
        "duplicate_emails": 0,
    }


def test_every_page_is_read(penstock: Penstock, emulator: Emulator) -> None:
    emulator.seed(
        companies=[{"company_id": f"c{n}"} for n in range(250)],
        contacts=[{"external_id": f"u{n}", "companies": [f"c{n % 250}"]} for n in range(400)],
    )
    counts = found(penstock)
    assert (counts["contacts"], counts["companies"]) == (400, 250)


def test_of_two_users_with_one_email_the_first_keeps_it(
    penstock: Penstock, emulator: Emulator
) -> None:
    emulator.seed(contacts=[{"external_id": name, "email": "a@example.com"} for name in "ab"])
    assert found(penstock)["duplicate_emails"] == 1


def test_stopped_it_goes_on_where_it_was(penstock: Penstock, emulator: Emulator) -> None:
    emulator.seed(contacts=[{"external_id": f"u{n}"} for n in range(200)])
    emulator.add_fault("status", match={"path": "/contacts"}, status=400, after=1)
    assert penstock("warm").code == 2
    emulator.clear_faults()
    before = len(emulator.requests)
    assert found(penstock)["contacts"] == 50
    pages = [each for each in emulator.requests[before:] if each["path"] == "/contacts"]
    assert len(pages) == 1


def test_a_place_that_is_not_known_any_more_is_the_start(
    penstock: Penstock, emulator: Emulator, state: str
) -> None:
    emulator.seed(contacts=[{"external_id": "u1"}])
    with StateStore.open(state) as store:
        place = ("warm", "list_contacts", "nonsense")
        store.put_many(scope_of("intercom", emulator.url, "emulated-workspace"), [place])
    assert found(penstock)["contacts"] == 1


def test_ended_it_begins_anew(penstock: Penstock, emulator: Emulator) -> None:
    emulator.seed(contacts=[{"external_id": "u1"}])
    assert found(penstock) == found(penstock)


def test_a_scroll_of_somebody_else_is_waited_for(
    emulator: Emulator, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")
    emulator.seed(companies=[ACME], contacts=[ADA])
    emulator.add_fault(
        "status",
        match={"path": "/companies/scroll"},
        status=400,
        times=2,
        body={"type": "error.list", "errors": [{"code": "scroll_exists", "message": "busy"}]},
    )
    slept: list[float] = []
    report = warm(WarmConfig(state=state, endpoint=emulator.url), sleep=slept.append)
    assert (report["found"]["companies"], slept) == (1, [10.0, 10.0])


def test_without_a_state_that_is_kept_it_is_refused(penstock: Penstock) -> None:
    result = penstock("warm", "--state", "sqlite://")
    assert (result.code, "--state" in result.err) == (2, True)


def test_an_address_where_nobody_is_is_named(penstock: Penstock) -> None:
    result = penstock("warm", "--endpoint", "http://127.0.0.1:9")
    assert (result.code, "http://127.0.0.1:9" in result.err) == (2, True)


def test_a_refused_token_exits_with_5(penstock: Penstock) -> None:
    with Emulator(settings=EmulatorSettings(token="other", limit=None)) as strict:
        result = penstock("warm", "--endpoint", strict.url)
    assert (result.code, "INTERCOM_ACCESS_TOKEN" in result.err) == (5, True)
