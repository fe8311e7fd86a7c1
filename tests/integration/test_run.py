"""``penstock run`` against the emulator: what arrives, and what is accounted for."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.run.worker import scope_of
from pipeline.state import RememberedState, StateStore

ROOT = Path(__file__).resolve().parents[2]
IDENTIFY = {
    "type": "identify",
    "userId": "u1",
    "timestamp": "2024-01-01T00:00:00Z",
    "traits": {"email": "ada@example.com", "name": "Ada", "company": {"id": "c1", "name": "Acme"}},
}
TRACK = {
    "type": "track",
    "userId": "u1",
    "event": "Order Completed",
    "timestamp": "2024-01-02T00:00:00Z",
    "properties": {"revenue": "$30.45"},
}

Run = Callable[..., SimpleNamespace]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


@pytest.fixture
def run(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Run:
    """Runs the command; takes events (dicts or bytes) or an ``input`` path, and more options."""
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")

    def run(*events: Any, options: tuple[str, ...] = (), source: str | None = None) -> Any:
        if source is None:
            lines = [e if isinstance(e, bytes) else json.dumps(e).encode() for e in events]
            (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
            source = str(tmp_path / "events.jsonl")
        summary = tmp_path / "summary.json"
        summary.unlink(missing_ok=True)
        args = [
            "run",
            "--input",
            source,
            "--dead-letters",
            str(tmp_path / "dead"),
            "--state",
            f"sqlite:///{tmp_path / 'state.db'}",
            "--summary",
            str(summary),
        ]
        if "--endpoint" not in options and "--region" not in options:
            args += ["--endpoint", emulator.url]
        code = exit_code_of([*args, *options])
        out, err = capfd.readouterr()
        letters = [
            json.loads(line)
            for file in sorted((tmp_path / "dead").glob("*.jsonl"))
            for line in file.read_text().splitlines()
        ]
        return SimpleNamespace(
            code=code,
            out=out,
            err=err,
            letters=letters,
            summary=json.loads(summary.read_text()) if summary.exists() else None,
        )

    return run


def calls(emulator: Emulator) -> list[tuple[str, str, int]]:
    return [
        (entry["method"], entry["path"], entry["status"])
        for entry in emulator.requests
        if entry["path"] != "/me"
    ]


def state(emulator: Emulator) -> Any:
    return emulator.canonical_state


def test_an_identify_and_a_track_become_a_company_a_contact_and_an_event(
    run: Run, emulator: Emulator
) -> None:
    result = run(TRACK, IDENTIFY)
    assert (result.code, result.summary["delivered"]) == (0, 2)
    contact = state(emulator)["contacts"]["u1"]
    assert contact["name"] == "Ada"
    assert contact["companies"] == ["c1"]
    ((name, created_at, metadata),) = contact["events"]
    assert (name, created_at) == ("Order Completed", 1_704_153_600)
    assert metadata == {"price": {"amount": 3045, "currency": "usd"}}


def test_one_persons_calls_are_in_event_time_order_whatever_the_order_of_the_file(
    run: Run, emulator: Emulator
) -> None:
    tracks = [
        {**TRACK, "userId": f"u{who}", "timestamp": 1_700_000_000 + at}
        for at in (5, 1, 4, 2, 3)
        for who in range(20)
    ]
    people = [{**IDENTIFY, "userId": f"u{who}", "timestamp": 1_700_000_000} for who in range(20)]
    assert run(*tracks, *people).summary["delivered"] == 120
    times: dict[str, list[int]] = {}
    for entry in emulator.requests:
        if entry["path"] == "/events":
            assert entry["status"] == 202
            times.setdefault(entry["contact_id"], []).append(entry["body"]["created_at"])
    assert len(times) == 20
    assert all(a < b for moments in times.values() for a, b in pairwise(moments))


def test_what_a_bundle_learned_is_stored_at_its_end(
    run: Run, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crashing:
        crashing.setattr(RememberedState, "close", lambda memory: None)
        run(IDENTIFY)
    scope = scope_of("intercom", emulator.url, "emulated-workspace")
    with StateStore.open(f"sqlite:///{tmp_path / 'state.db'}") as store:
        assert store.counts(scope)["contact"] > 0


def test_someone_known_by_email_only_is_the_user_that_an_identify_linked_to_it(
    run: Run, emulator: Emulator
) -> None:
    by_email = {**TRACK, "userId": None, "properties": {"email": "ADA@example.com"}}
    assert run(by_email, IDENTIFY).summary["delivered"] == 2
    assert len(state(emulator)["contacts"]["u1"]["events"]) == 1


def test_an_event_without_time_has_the_same_one_in_every_run(
    run: Run, emulator: Emulator, tmp_path: Path
) -> None:
    timeless = {name: value for name, value in TRACK.items() if name != "timestamp"}
    for form in ("plain", "packed"):
        body = f"{json.dumps({**IDENTIFY, 'userId': form})}\n"
        body += json.dumps({**timeless, "userId": form})
        path = tmp_path / f"{form}.jsonl"
        path.write_bytes(gzip.compress(body.encode()) if form == "packed" else body.encode())
        os.utime(path, (1_705_000_000, 1_705_000_000))
        for _ in range(2):
            summary = run(source=str(path), options=("--state", "sqlite://")).summary
            assert summary["warnings"]["timestamp_missing"] == 1
        ((_, created_at, _),) = state(emulator)["contacts"][form]["events"]
        assert created_at == 1_705_000_000


def test_the_same_run_twice_leaves_the_same_state(run: Run, emulator: Emulator) -> None:
    source = str(ROOT / "examples" / "events.jsonl")
    first = run(source=source)
    before = state(emulator)
    second = run(source=source)
    assert (first.code, second.code) == (0, 0)
    assert state(emulator) == before


def test_the_order_of_input_files_does_not_change_what_arrives(run: Run, tmp_path: Path) -> None:
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True)[:600]
    states = []
    for order in (lines, lines[::-1]):
        source = tmp_path / "some.jsonl"
        source.write_bytes(b"".join(order))
        with Emulator(settings=EmulatorSettings(token=None, limit=None)) as fresh:
            (tmp_path / "state.db").unlink(missing_ok=True)
            assert run(source=str(source), options=("--endpoint", fresh.url)).code == 0
            states.append(state(fresh))
    assert states[0] == states[1]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_batch_line_and_gzip_are_read(run: Run, tmp_path: Path, compressed: bool) -> None:
    data = json.dumps({"batch": [IDENTIFY, TRACK], "sentAt": "2024-01-05T00:00:00Z"}).encode()
    path = tmp_path / ("batch.jsonl.gz" if compressed else "batch.jsonl")
    path.write_bytes(gzip.compress(data) if compressed else data)
    assert run(source=str(path)).summary["delivered"] == 2


def test_standard_input_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(json.dumps(IDENTIFY).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run(source="-").summary["delivered"] == 1


def test_a_dry_run_sends_nothing_and_remembers_nothing(
    run: Run, emulator: Emulator, tmp_path: Path
) -> None:
    result = run(IDENTIFY, TRACK, options=("--dry-run",))
    assert result.summary["delivered"] == 2
    assert result.summary["dry_run"] is True
    assert emulator.requests == []
    assert not (tmp_path / "state.db").exists()


def test_what_the_state_remembers_saves_calls(run: Run, emulator: Emulator) -> None:
    run(IDENTIFY)
    before = len(calls(emulator))
    run(TRACK)
    assert [call[:2] for call in calls(emulator)[before:]] == [("POST", "/events")]


BAD_LINES = [
    (b"{nonsense", "invalid_json"),
    (b"[1, 2]", "invalid_json"),
    (b"17", "invalid_json"),
    (b'{"type":"track","userId":"\xff"}', "invalid_json"),
    (b'{"type":"track","userId":"\\ud800","event":"x"}', "invalid_json"),
    (b'{"type":"track","userId":"u","event":"x","properties":{"n":NaN}}', "invalid_json"),
    (b'{"type":"track","type":"track","userId":"u","event":"x"}', "invalid_json"),
    (b'{"type":"track","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "invalid_json"),
    (b'{"type":"trakc","userId":"u","event":"x"}', "unknown_type"),
    (b'{"type":"track","userId":"u"}', "schema_violation"),
    (b'{"type":"track","event":"x","anonymousId":"a"}', "missing_identity"),
    (b'{"type":"track","userId":"u","event":"' + b"x" * 2_000_000 + b'"}', "too_large"),
]


def test_every_kind_of_bad_line_is_kept_with_its_bytes_and_reason(run: Run) -> None:
    result = run(IDENTIFY, *(line for line, _ in BAD_LINES), TRACK)
    assert (result.code, result.summary["delivered"]) == (0, 2)
    kept = {}
    for letter in result.letters:
        raw = letter.get("raw", "").encode() or __import__("base64").b64decode(letter["raw_base64"])
        kept[raw] = letter["reason"]
    assert kept == dict(BAD_LINES)


def test_a_21_digit_user_id_is_kept_exactly(run: Run, emulator: Emulator) -> None:
    run(b'{"type":"identify","userId":123456789012345678901,"traits":{}}')
    assert list(state(emulator)["contacts"]) == ["123456789012345678901"]


def test_the_summary_balances_and_counts_calls(run: Run) -> None:
    ghost = {**TRACK, "userId": "ghost"}
    off = {**TRACK, "integrations": {"All": False}}
    summary = run(IDENTIFY, TRACK, ghost, off, {"type": "page", "userId": "u1"}).summary
    parts = [sum(summary[group].values()) for group in ("skipped", "merged", "dead")]
    assert summary["received"] == summary["delivered"] + sum(parts) == 5
    assert summary["skipped"] == {"integrations_off": 1, "not_mapped": 1}
    assert summary["dead"] == {"contact_not_found": 1}
    assert summary["calls"]["POST /events"] == {"202": 1, "404": 1}


def tracking_schemas(tmp_path: Path) -> str:
    """The shipped schemas, and a tracking plan with one event."""
    schemas = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas" / "events", schemas / "events")
    (schemas / "tracking").mkdir()
    plan = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "x-event": "Order Completed",
        "properties": {"revenue": {"type": "string"}},
    }
    (schemas / "tracking" / "order.schema.json").write_text(json.dumps(plan))
    return str(schemas)


def test_events_outside_the_tracking_plan_follow_its_policy(run: Run, tmp_path: Path) -> None:
    options = ("--schemas", tracking_schemas(tmp_path), "--set", "unplanned=dead_letter",
               "--set", "violations=dead_letter")  # fmt: skip
    unfit = {**TRACK, "properties": {"revenue": 30.45}, "messageId": "unfit"}
    unplanned = {**TRACK, "event": "Something Else"}
    summary = run(IDENTIFY, TRACK, unfit, unplanned, options=options).summary
    assert (summary["delivered"], summary["dead"]) == (2, {"schema_violation": 2})


def test_a_company_write_changes_nothing_a_second_time(run: Run, emulator: Emulator) -> None:
    run(IDENTIFY)
    before = len(calls(emulator))
    later = {**IDENTIFY, "timestamp": "2024-01-01T00:01:00Z"}
    assert run(later).summary["merged"] == {"unchanged": 1}
    assert len(calls(emulator)) == before


# --- a user's mistakes: one sentence, an exit code, no traceback ------------------------------


def mistake(result: SimpleNamespace, code: int, *words: str) -> None:
    assert result.code == code
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


def test_a_missing_input_file_is_named(run: Run) -> None:
    mistake(run(source="/nowhere/*.jsonl"), 2, "/nowhere/*.jsonl")


def test_a_missing_mapping_is_named(run: Run) -> None:
    mistake(run(IDENTIFY, options=("--mapping", "nowhere.yaml")), 2, "nowhere.yaml")


def test_mistakes_in_the_mapping_are_shown_with_their_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\ndestination: intercom\nruels: []\n")
    mistake(run(IDENTIFY, options=("--mapping", str(path))), 2, f"{path}:3:1", "'rules'")


def test_a_missing_token_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERCOM_ACCESS_TOKEN")
    mistake(run(IDENTIFY), 2, "INTERCOM_ACCESS_TOKEN")


def test_an_endpoint_that_refuses_connections_is_named(run: Run) -> None:
    options = ("--endpoint", "http://127.0.0.1:9")
    mistake(run(IDENTIFY, options=options), 2, "http://127.0.0.1:9")


def test_refused_credentials_exit_with_5_before_anything_is_sent(run: Run) -> None:
    with Emulator(settings=EmulatorSettings(token="other", limit=None)) as strict:
        mistake(run(IDENTIFY, options=("--endpoint", strict.url)), 5, "INTERCOM_ACCESS_TOKEN")


def test_credentials_refused_in_the_middle_keep_everything_undelivered(
    run: Run, emulator: Emulator
) -> None:
    emulator.add_fault("status", match={"path": "/events"}, status=401)
    result = run(IDENTIFY, *({**TRACK, "event": f"e{n}"} for n in range(30)))
    mistake(result, 5, "dead letters")
    assert sum(result.summary["dead"].values()) == len(result.letters) >= 29


def test_an_unknown_option_is_not_passed_over(run: Run) -> None:
    mistake(run(IDENTIFY, options=("--dead-leters", "x")), 2, "--dead-leters", "--dead-letters")


def test_dead_letters_that_cannot_be_kept_are_known_before_anything_is_sent(
    run: Run, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    bad = str(tmp_path / "file")
    mistake(run(IDENTIFY, options=("--dead-letters", bad)), 2, bad)
    assert emulator.requests == []


def test_a_summary_that_cannot_be_written_is_known_before_anything_is_sent(
    run: Run, emulator: Emulator, tmp_path: Path
) -> None:
    bad = str(tmp_path / "nowhere" / "summary.json")
    mistake(run(IDENTIFY, options=("--summary", bad)), 2, bad)
    assert emulator.requests == []


def test_a_runner_that_does_not_exist_is_named(run: Run) -> None:
    mistake(run(IDENTIFY, options=("--runner", "NoSuchRunner")), 2, "NoSuchRunner")


def test_an_unknown_setting_suggests_the_right_one(run: Run) -> None:
    mistake(run(IDENTIFY, options=("--set", "nestd=flatten")), 2, "'nested'")


def test_a_secret_that_the_mapping_needs_is_named_before_anything_starts(run: Run) -> None:
    options = ("--set", "identity_verification=verify")
    mistake(run(IDENTIFY, options=options), 2, "INTERCOM_IDENTITY_SECRET")


def test_the_token_appears_nowhere(run: Run, tmp_path: Path) -> None:
    result = run(IDENTIFY, TRACK, {**TRACK, "userId": "ghost"})
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"secret-token" not in written
    assert "secret-token" not in result.out + result.err
