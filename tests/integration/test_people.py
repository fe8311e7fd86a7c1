"""Leads, links, deletion and attributes end to end: ``penstock run`` against the emulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of

Run = Callable[..., SimpleNamespace]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


@pytest.fixture
def run(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Run:
    """Runs events through; takes them and settings. Runs of one test share the state."""
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")

    def run(*events: dict[str, Any], **settings: Any) -> SimpleNamespace:
        source, summary = tmp_path / "events.jsonl", tmp_path / "summary.json"
        source.write_text("".join(json.dumps(event) + "\n" for event in events))
        args = ["run", "--input", str(source), "--endpoint", emulator.url]
        args += ["--state", f"sqlite:///{tmp_path / 'state.db'}"]
        args += ["--dead-letters", str(tmp_path / "dead"), "--summary", str(summary)]
        for name, value in settings.items():
            args += ["--set", f"{name}={value}"]
        before = len(emulator.requests)
        code = exit_code_of(args)
        _, err = capfd.readouterr()
        assert code == 0, err
        calls = [f"{one['method']} {one['route']}" for one in emulator.requests[before:]]
        found = json.loads(summary.read_text())
        return SimpleNamespace(summary=found, calls=[call for call in calls if "/me" not in call])

    return run


def event(kind: str, at: int, **fields: Any) -> dict[str, Any]:
    time = f"2024-01-01T00:00:{at:02}Z"
    return {"type": kind, "timestamp": time, "messageId": f"{kind}-{at}-{fields}", **fields}


def track(at: int, name: str = "Viewed", **ids: Any) -> dict[str, Any]:
    return event("track", at, event=name, **ids)


def identify(at: int, traits: dict[str, Any] | None = None, **ids: Any) -> dict[str, Any]:
    return event("identify", at, traits=traits or {}, **ids)


def people(emulator: Emulator) -> dict[str, Any]:
    contacts: dict[str, Any] = emulator.canonical_state["contacts"]
    return contacts


def names(contact: dict[str, Any]) -> list[str]:
    return [name for name, _, _ in contact["events"]]


def test_p2_a_visitor_becomes_a_lead_and_its_events_arrive(run: Run, emulator: Emulator) -> None:
    result = run(track(1, anonymousId="a"), track(2, anonymousId="a"), anonymous="lead")
    assert result.summary["delivered"] == 2
    (lead,) = people(emulator).values()
    assert (lead["role"], names(lead)) == ("lead", ["Viewed", "Viewed"])
    assert lead["custom_attributes"] == {"anonymous_id": "a"}
    again = run(track(3, anonymousId="a"), anonymous="lead")
    assert again.calls == ["POST /events"]


@pytest.mark.parametrize("coalesce", ["all", "between_tracks"])
def test_p2_a_visitor_who_signs_in_in_the_same_run_is_one_user_from_the_beginning(
    run: Run, emulator: Emulator, coalesce: str
) -> None:
    run(
        track(1, "Landed", anonymousId="a"),
        identify(2, {"name": "Ada"}, anonymousId="a", userId="u1"),
        track(3, "Ordered", anonymousId="a"),
        anonymous="lead",
        coalesce=coalesce,
    )
    assert list(people(emulator)) == ["u1"]
    assert names(people(emulator)["u1"]) == ["Landed", "Ordered"]


def test_p2_a_lead_of_an_earlier_run_is_promoted_with_its_events(
    run: Run, emulator: Emulator
) -> None:
    run(track(1, "Landed", anonymousId="a"), anonymous="lead")
    run(identify(2, {"name": "Ada"}, anonymousId="a", userId="u1"), anonymous="lead")
    third = run(track(3, "Ordered", anonymousId="a"), anonymous="lead")
    assert list(people(emulator)) == ["u1"]
    assert people(emulator)["u1"]["role"] == "user"
    assert names(people(emulator)["u1"]) == ["Landed", "Ordered"]
    assert third.calls == ["POST /events"]


def test_p2_a_device_that_moves_back_within_a_run_is_the_first_users_again(
    run: Run, emulator: Emulator
) -> None:
    run(
        identify(1, anonymousId="a", userId="u1"),
        identify(2, anonymousId="a", userId="u2"),
        identify(3, anonymousId="a", userId="u1"),
        track(4, "Back", anonymousId="a"),
        anonymous="lead",
    )
    assert names(people(emulator)["u1"]) == ["Back"]


def test_p2_two_users_of_one_device_stay_two(run: Run, emulator: Emulator) -> None:
    run(
        track(1, "One", anonymousId="a"),
        identify(2, anonymousId="a", userId="u1"),
        identify(4, anonymousId="a", userId="u2"),
        track(5, "Two", anonymousId="a"),
        anonymous="lead",
    )
    assert {who: names(contact) for who, contact in people(emulator).items()} == {
        "u1": ["One"],
        "u2": ["Two"],
    }


def test_p2_by_default_a_visitor_is_a_dead_letter(run: Run, emulator: Emulator) -> None:
    assert run(track(1, anonymousId="a")).summary["dead"] == {"missing_identity": 1}
    assert people(emulator) == {}


def test_an_email_that_an_earlier_run_linked_leads_to_the_user(
    run: Run, emulator: Emulator
) -> None:
    run(identify(1, {"email": "ada@example.com"}, userId="u1"))
    later = run(identify(2, {"email": "ADA@example.com", "phone": "1"}, anonymousId="x"))
    assert later.calls == ["PUT /contacts/{id}"]
    assert people(emulator)["u1"]["phone"] == "1"


def test_o2_an_alias_merges_the_lead_into_the_user(run: Run, emulator: Emulator) -> None:
    settings = {"anonymous": "lead", "alias": "merge"}
    run(track(1, "Landed", anonymousId="a"), **settings)
    run(identify(2, {"name": "Ada"}, userId="u1"), **settings)
    run(event("alias", 3, userId="u1", previousId="a"), **settings)
    assert list(people(emulator)) == ["u1"]
    assert names(people(emulator)["u1"]) == ["Landed"]


def test_o3_events_before_the_deletion_are_delivered_and_later_ones_suppressed(
    run: Run, emulator: Emulator
) -> None:
    gone = event("delete", 3, userId="u1")
    events = [identify(1, userId="u1"), track(2, userId="u1"), gone, track(4, userId="u1")]
    first = run(*reversed(events), suppress_deleted="true")
    assert (first.summary["delivered"], first.summary["skipped"]) == (3, {"suppressed": 1})
    second = run(track(5, userId="u1"), identify(6, userId="u1"), suppress_deleted="true")
    assert second.summary["skipped"] == {"suppressed": 2}
    assert second.calls == []
    assert people(emulator)["u1"]["standing"] == "deleted"


def test_o3_suppressions_are_asked_for_added_and_removed(
    run: Run, emulator: Emulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def suppressions(what: str, *who: str) -> int:
        state = f"sqlite:///{tmp_path / 'state.db'}"
        args = ["suppressions", what, *who, "--state", state, "--endpoint", emulator.url]
        return exit_code_of(args)

    run(event("delete", 1, userId="u1"), suppress_deleted="true")
    assert suppressions("check", "--user-id", "u1") == 0
    assert suppressions("check", "--user-id", "u2") == 1
    assert suppressions("remove", "--user-id", "u1") == 0
    assert suppressions("add", "--user-id", "u2", "--email", "eve@example.com") == 0
    result = run(identify(2, userId="u1"), identify(2, userId="u2"), suppress_deleted="true")
    assert (result.summary["delivered"], result.summary["skipped"]) == (1, {"suppressed": 1})
    assert suppressions("check") == 2
    assert "--user-id" in capfd.readouterr().err


def test_o3_without_suppression_a_later_event_finds_nobody(run: Run) -> None:
    gone = event("delete", 3, userId="u1")
    run(identify(1, userId="u1"), gone)
    assert run(track(5, userId="u1")).summary["dead"] == {"contact_not_found": 1}


def test_o3_an_unknown_person_is_delivered_as_nothing_to_do(run: Run) -> None:
    result = run(event("delete", 1, userId="ghost"))
    assert result.summary["delivered"] == 1
    assert result.summary["warnings"]["nothing_to_delete"] == 1


def test_t11_events_in_one_second_are_counted_and_by_setting_moved_apart(
    run: Run, emulator: Emulator
) -> None:
    def twice(user: str) -> list[dict[str, Any]]:
        one = [identify(1, userId=user)]
        return one + [track(2, userId=user, properties={"n": number}) for number in range(2)]

    kept = run(*twice("u1"))
    assert kept.summary["warnings"]["same_second"] == 1
    run(*twice("u2"), same_second="shift")
    assert [len(people(emulator)[user]["events"]) for user in ("u1", "u2")] == [1, 2]


def test_e3_a_cold_start_creates_each_attribute_once_and_meets_no_refusal(
    run: Run, emulator: Emulator
) -> None:
    traits = {"plan": "pro", "seats": 3, "vip": True, "score": 1.5, "since": "2024-01-01"}
    crowd = [identify(n % 60, traits, userId=f"u{n}") for n in range(60)]
    first = run(*crowd)
    assert first.calls.count("POST /data_attributes") == len(traits)
    assert first.calls.count("GET /data_attributes") == 1
    assert {one["status"] for one in emulator.requests} == {200}
    second = run(identify(59, {**traits, "seats": "4"}, userId="new"))
    assert second.calls == ["POST /contacts"]
    assert people(emulator)["new"]["custom_attributes"]["seats"] == 4


def test_e3_fail_makes_a_dead_letter_of_an_unknown_attribute(run: Run, emulator: Emulator) -> None:
    result = run(identify(1, {"plan": "pro"}, userId="u1"), attributes="fail")
    assert result.summary["dead"] == {"rejected": 1}
    assert people(emulator) == {}
