"""``penstock replay`` against the emulator: what comes back, what stays, what is sent once only."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.flow.dead_letters import decode
from pipeline.flow.replay import Done, encode_done
from pipeline.run import batch
from pipeline.run.settling import alone, settle

ROOT = Path(__file__).resolve().parents[2]
IDENTIFY = {"type": "identify", "userId": "u1", "timestamp": "2024-01-01T00:00:00Z", "traits": {}}
TRACK = {"type": "track", "userId": "u1", "event": "Signed", "timestamp": "2024-01-02T00:00:00Z"}
GHOST = {**TRACK, "userId": "ghost"}

Penstock = Callable[..., SimpleNamespace]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    return tmp_path / "dead"


@pytest.fixture
def penstock(
    emulator: Emulator, tmp_path: Path, dead: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> Penstock:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")

    def penstock(*args: str) -> SimpleNamespace:
        summary = tmp_path / "summary.json"
        summary.unlink(missing_ok=True)
        given = ["--endpoint", emulator.url, "--dead-letters", str(dead), "--summary", str(summary)]
        code = exit_code_of([args[0], *given, *args[1:]])
        out, err = capfd.readouterr()
        told = json.loads(summary.read_text()) if summary.exists() else None
        return SimpleNamespace(code=code, out=out, err=err, summary=told)

    return penstock


@pytest.fixture
def run(penstock: Penstock, tmp_path: Path) -> Penstock:
    def run(*events: Any, options: tuple[str, ...] = ()) -> SimpleNamespace:
        lines = [e if isinstance(e, bytes) else json.dumps(e).encode() for e in events]
        (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
        return penstock("run", "--input", str(tmp_path / "events.jsonl"), *options)

    return run


def letters(directory: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted(directory.glob("*.jsonl"))
        for line in file.read_bytes().splitlines()
    ]


def sent(emulator: Emulator) -> Counter[str]:
    return Counter(f"{each['method']} {each['path']}" for each in emulator.requests)


def test_a_track_whose_contact_has_come_meanwhile_is_delivered_and_moves_to_done(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    run(GHOST)
    (before,) = letters(dead)
    emulator.seed(contacts=[{"external_id": "ghost"}])
    result = penstock("replay")
    assert (result.code, result.summary["received"], result.summary["delivered"]) == (0, 1, 1)
    assert letters(dead) == []
    (done,) = letters(dead / "done")
    stamp = done.pop("done")
    assert (done, stamp["outcome"]) == (before, "delivered")
    ((name, created_at, _),) = emulator.canonical_state["contacts"]["ghost"]["events"]
    assert (name, created_at) == ("Signed", 1_704_153_600)


def test_what_fails_again_stays_once_with_its_new_reason(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    run(GHOST)
    (before,) = letters(dead)
    emulator.add_fault("status", match={"path": "/events"}, status=400)
    result = penstock("replay")
    assert result.summary["dead"] == {"rejected": 1}
    (after,) = letters(dead)
    assert (after["id"], after["raw"]) == (before["id"], before["raw"])
    assert (before["reason"], after["reason"]) == ("contact_not_found", "rejected")
    assert letters(dead / "done") == []


def test_todays_mapping_counts(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path, tmp_path: Path
) -> None:
    strict, easy = tmp_path / "strict.yaml", tmp_path / "easy.yaml"
    text = (
        "version: 1\nname: m\ndestination: intercom\nperson: {user_id: userId}\nrules:\n"
        "  - name: who\n    when: {type: identify}\n    do:\n      - operation: upsert_contact\n"
        "        fields:\n          external_id: userId\n          name: NAME\n"
    )
    strict.write_text(text.replace("NAME", "{pick: traits.title, required: true}"))
    easy.write_text(text.replace("NAME", "traits.name"))
    run({**IDENTIFY, "traits": {"name": "Ada"}}, options=("--mapping", str(strict)))
    assert letters(dead)[0]["reason"] == "mapping_error"
    assert penstock("replay", "--mapping", str(easy)).summary["delivered"] == 1
    assert emulator.canonical_state["contacts"]["u1"]["name"] == "Ada"


def test_an_event_without_a_time_keeps_that_of_its_first_run(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    run({key: value for key, value in GHOST.items() if key != "timestamp"})
    (letter,) = letters(dead)
    emulator.seed(contacts=[{"external_id": "ghost"}])
    emulator.advance(5_000)
    penstock("replay")
    ((_, created_at, _),) = emulator.canonical_state["contacts"]["ghost"]["events"]
    assert created_at == decode(json.dumps(letter)).receipt.time // 1_000_000


def test_an_event_that_nobody_wants_any_more_is_done(
    run: Penstock, penstock: Penstock, dead: Path, tmp_path: Path
) -> None:
    run(GHOST)
    nobody = tmp_path / "nobody.yaml"
    nobody.write_text(
        "version: 1\nname: m\ndestination: intercom\nperson: {user_id: userId}\nrules:\n"
        "  - name: who\n    when: {type: identify}\n    do:\n      - operation: upsert_contact\n"
        "        fields: {external_id: userId}\n"
    )
    assert penstock("replay", "--mapping", str(nobody)).summary["skipped"] == {"not_mapped": 1}
    assert [letter["done"]["outcome"] for letter in letters(dead / "done")] == [
        "skipped/not_mapped"
    ]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--reason", "schema_violation"), ["group"]),
        (("--event", "Left"), ["Left"]),
        (("--event", "group"), ["group"]),
        (("--person", "GHOST"), ["Signed"]),
        (("--since", "2999-01-01"), []),
        (("--until", "2999-01-01"), ["Signed", "Left", "group"]),
    ],
)
def test_filters_choose_what_is_tried(
    run: Penstock, penstock: Penstock, dead: Path, options: tuple[str, ...], names: list[str]
) -> None:
    run(GHOST, {**GHOST, "userId": "other", "event": "Left"}, {"type": "group"})
    summary = penstock("replay", "--dry-run", *options).summary
    assert summary["received"] == len(names)


def test_a_dry_run_says_what_would_come_of_it_and_touches_nothing(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    run(GHOST, b"{nonsense")
    before, calls = letters(dead), len(emulator.requests)
    result = penstock("replay", "--dry-run")
    assert result.summary["dry_run"] is True
    assert result.summary["dead"] == {"invalid_json": 1}
    assert (letters(dead), len(emulator.requests)) == (before, calls)
    assert [path.suffix for path in dead.iterdir()] == [".jsonl"] * len(list(dead.iterdir()))


def test_a_second_replay_finds_nothing_to_do(
    run: Penstock, penstock: Penstock, emulator: Emulator
) -> None:
    run(GHOST)
    emulator.seed(contacts=[{"external_id": "ghost"}])
    penstock("replay")
    calls = sent(emulator)["POST /events"]
    assert penstock("replay").summary["received"] == 0
    assert sent(emulator)["POST /events"] == calls


def test_what_was_noted_before_a_kill_is_not_sent_again_even_without_a_state(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    run(GHOST, {**GHOST, "event": "Left"})
    first = letters(dead)[0]
    (dead / "done").mkdir()
    note = encode_done(Done(first["id"], 4_000_000_000_000_000, "delivered"))
    (dead / "done" / "20300101T000000Z-killed.journal").write_bytes(note + b'\n{"id": "half')
    emulator.seed(contacts=[{"external_id": "ghost"}])
    assert penstock("replay").summary["received"] == 1
    assert len(emulator.canonical_state["contacts"]["ghost"]["events"]) == 1
    assert len(letters(dead / "done")) == 2
    assert list((dead / "done").glob("*.journal")) == []


def test_what_was_delivered_but_not_noted_before_a_kill_is_known_by_the_state(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path, tmp_path: Path
) -> None:
    state = ("--state", f"sqlite:///{tmp_path / 'state.db'}")
    run(GHOST, options=state)
    kept = {path: path.read_bytes() for path in dead.glob("*.jsonl")}
    emulator.seed(contacts=[{"external_id": "ghost"}])
    penstock("replay", *state)
    for path, data in kept.items():
        path.write_bytes(data)  # as if killed between the delivery and the note
    calls = sent(emulator)["POST /events"]
    assert penstock("replay", *state).summary["merged"] == {"already_delivered": 1}
    assert (sent(emulator)["POST /events"], letters(dead)) == (calls, [])


def test_a_replay_that_breaks_off_loses_no_letter(
    run: Penstock,
    penstock: Penstock,
    emulator: Emulator,
    dead: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(*({**GHOST, "event": f"e{n}"} for n in range(5)))
    ids = {letter["id"] for letter in letters(dead)}
    emulator.seed(contacts=[{"external_id": "ghost"}])

    def broken(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "of_counts", broken)
    assert penstock("replay").code == 130
    monkeypatch.undo()
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")
    assert penstock("replay").summary["received"] == 0
    assert {letter["id"] for letter in letters(dead / "done")} == ids
    assert len(emulator.canonical_state["contacts"]["ghost"]["events"]) == 5


KILLED = """
import os, signal, sys
from pipeline.cli.main import main
from pipeline.run.settling import Journal

note, left = Journal.__call__, int(sys.argv.pop(1))

def noted(self, receipt, outcome):
    global left
    note(self, receipt, outcome)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

Journal.__call__ = noted
main(sys.argv[1:])
"""


@pytest.mark.integration
@pytest.mark.parametrize("state", [(), ("--state", "sqlite:///STATE")])
def test_killed_in_the_middle_it_sends_nothing_twice(
    run: Penstock,
    penstock: Penstock,
    emulator: Emulator,
    dead: Path,
    tmp_path: Path,
    state: tuple[str, ...],
) -> None:
    options = tuple(word.replace("STATE", str(tmp_path / "state.db")) for word in state)
    run(*({**GHOST, "userId": f"g{n}"} for n in range(20)), options=options)
    emulator.seed(contacts=[{"external_id": f"g{n}"} for n in range(20)])
    ids, calls = {letter["id"] for letter in letters(dead)}, sent(emulator)["POST /events"]
    arguments = ["replay", "--endpoint", emulator.url, "--dead-letters", str(dead), "--quiet"]
    command = [sys.executable, "-c", KILLED, "7", *arguments, "--concurrency", "1", *options]
    killed = subprocess.run(command, check=False, cwd=ROOT, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    summary = penstock("replay", "--concurrency", "1", *options).summary
    assert summary["received"] == summary["delivered"] == 13
    assert {letter["id"] for letter in letters(dead / "done")} == ids
    assert letters(dead) == []
    assert sent(emulator)["POST /events"] - calls == 20


def test_a_run_that_was_stopped_leaves_letters_their_earlier_reason(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    run(*({**GHOST, "event": f"e{n}"} for n in range(3)))
    before = sorted(letters(dead), key=lambda letter: letter["id"])
    emulator.add_fault("status", match={"path": "/events"}, status=401)
    result = penstock("replay")
    assert result.code == 5
    assert sorted(letters(dead), key=lambda letter: letter["id"]) == before


def test_a_batch_that_was_too_long_comes_apart(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    emulator.seed(contacts=[{"external_id": "u1"}])
    run({"batch": [TRACK, {**GHOST, "event": "Left"}]}, options=("--max-event-bytes", "50"))
    assert [letter["reason"] for letter in letters(dead)] == ["too_large"]
    summary = penstock("replay").summary
    assert (summary["received"], summary["delivered"]) == (2, 1)
    (left,) = letters(dead)
    assert (left["event"]["name"], left["origin"][-3:]) == ("Left", "[1]")


def test_members_of_a_batch_keep_their_ids_however_often_they_fail(
    run: Penstock, penstock: Penstock, dead: Path
) -> None:
    run({"batch": [TRACK, GHOST], "sentAt": "2024-01-05T00:00:00Z"})
    before = {letter["id"] for letter in letters(dead)}
    penstock("replay")
    assert {letter["id"] for letter in letters(dead)} == before


def test_lines_that_are_no_letters_stay_where_they_are(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    run(GHOST)
    (file,) = dead.glob("*.jsonl")
    file.write_bytes(b'{"foreign": 1}\n' + file.read_bytes() + b'{"version": 1, "id": "ha')
    (dead / "notes.txt").write_text("mine")
    emulator.seed(contacts=[{"external_id": "ghost"}])
    assert penstock("replay").summary["delivered"] == 1
    assert file.read_bytes() == b'{"foreign": 1}\n{"version": 1, "id": "ha\n'
    assert (dead / "notes.txt").read_text() == "mine"


def test_a_file_that_a_run_still_writes_is_left_for_the_next_replay(
    run: Penstock, penstock: Penstock, emulator: Emulator, dead: Path
) -> None:
    fcntl = pytest.importorskip("fcntl")
    run(GHOST)
    (file,) = dead.glob("*.jsonl")
    emulator.seed(contacts=[{"external_id": "ghost"}])
    with file.open("rb") as writer:
        fcntl.flock(writer.fileno(), fcntl.LOCK_SH)
        assert penstock("replay").summary["delivered"] == 1
        assert len(letters(dead)) == 1
    calls = sent(emulator)["POST /events"]
    assert penstock("replay").summary["received"] == 0
    assert (letters(dead), len(letters(dead / "done"))) == ([], 1)
    assert sent(emulator)["POST /events"] == calls


def test_two_replays_at_once_are_refused(run: Penstock, penstock: Penstock, dead: Path) -> None:
    run(GHOST)
    with alone(dead):
        result = penstock("replay")
    assert result.code == 2
    assert "another replay" in result.err


def test_settling_twice_changes_nothing(run: Penstock, penstock: Penstock, dead: Path) -> None:
    run(GHOST)
    penstock("replay")
    before = letters(dead)
    settle(dead)
    assert letters(dead) == before


def test_a_missing_directory_is_named(penstock: Penstock, dead: Path) -> None:
    result = penstock("replay")
    assert result.code == 2
    assert f"{dead} does not exist" in result.err
