"""``penstock run --job``: one input, several destinations, each on its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.errors import StateDown
from pipeline.run import local
from pipeline.run.mappings import HOME
from pipeline.state import StateStore

pytestmark = pytest.mark.integration

PEOPLE, TRACKS = 6, 4
VALID = PEOPLE * (1 + TRACKS)
NOBODYS = [b"garbage", b'{"type": "identify", "userId": true}']
PATIENCE = 180
START = 1_700_000_000
CALLS = ("/contacts", "/companies", "/events", "/data_attributes")


def events() -> Iterator[dict[str, Any]]:
    """Newest first: order has to be made. Half of the tracks are of the eu."""
    for number in reversed(range(TRACKS)):
        for who in range(PEOPLE):
            yield {
                "type": "track",
                "event": "Order Completed",
                "userId": f"u{who}",
                "messageId": f"t{who}-{number}",
                "timestamp": START + 1 + number,
                "properties": {"region": "eu" if number % 2 else "us"},
            }
    for who in range(PEOPLE):
        yield {
            "type": "identify",
            "userId": f"u{who}",
            "messageId": f"i{who}",
            "timestamp": START,
            "traits": {"name": f"Person {who}"},
        }


def is_complete(emulator: Emulator) -> bool:
    contacts = emulator.canonical_state["contacts"]
    return len(contacts) == PEOPLE and all(
        len(contact["events"]) == TRACKS for contact in contacts.values()
    )


def write_input(directory: Path, *lines: bytes) -> None:
    text = [*lines, *(json.dumps(event).encode() for event in events())]
    (directory / "events.jsonl").write_bytes(b"\n".join(text) + b"\n")


def hold_until(emulator: Emulator, ready: Callable[[], bool]) -> threading.Event:
    """Have the emulator answer nothing but GET /me before ``ready``; the event says it was."""
    handle = emulator.application.handle
    was_ready = threading.Event()
    deadline = time.monotonic() + PATIENCE

    def held(request: Any) -> Any:
        while request.target.startswith(CALLS) and time.monotonic() < deadline:
            if ready():
                was_ready.set()
                break
            time.sleep(0.05)
        return handle(request)

    emulator.application.handle = held
    return was_ready


def leave_after_greeting(emulator: Emulator) -> threading.Thread:
    """Have nobody listen any more once GET /me is answered."""
    handle = emulator.application.handle
    greeted = threading.Event()

    def greet(request: Any) -> Any:
        greeted.set()
        return handle(request)

    def leave() -> None:
        if greeted.wait(PATIENCE):
            time.sleep(0.2)  # for the answer
            emulator.stop()

    emulator.application.handle = greet
    leaving = threading.Thread(target=leave)
    leaving.start()
    return leaving


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def carry_out(*arguments: object) -> SimpleNamespace:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = exit_code_of([str(argument) for argument in arguments])
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())


def letters(directory: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for file in sorted(directory.glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]


def balanced(account: dict[str, Any]) -> bool:
    parts = [sum(account[group].values()) for group in ("skipped", "merged", "dead")]
    return account["received"] == account["delivered"] + sum(parts)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """One run to six destinations: two that work, one that is slow, and three that fail."""
    directory = tmp_path_factory.mktemp("job")
    write_input(directory, *NOBODYS)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("INTERCOM_ACCESS_TOKEN", "right")
        names = ("all", "eu", "slow", "refused", "leaves")
        emulators = {
            name: stack.enter_context(
                Emulator(
                    settings=EmulatorSettings(
                        token="other" if name == "refused" else "right", limit=None
                    )
                )
            )
            for name in names
        }
        held = hold_until(emulators["slow"], lambda: is_complete(emulators["all"]))
        urls = {name: emulator.url for name, emulator in emulators.items()}
        leave_after_greeting(emulators["leaves"])
        (directory / "job.yaml").write_text(f"""\
job: 1
name: routing
inputs: events.jsonl
dead_letters: dead
destinations:
  all: {{endpoint: {urls["all"]}, state: sqlite:///all.db}}
  eu:
    endpoint: {urls["eu"]}
    state: sqlite:///eu.db
    when: {{any: [{{type: identify}}, {{pick: properties.region, equals: eu}}]}}
  slow: {{endpoint: {urls["slow"]}}}
  refused: {{endpoint: {urls["refused"]}, state: sqlite:///refused.db, dead_letters: not-sent}}
  leaves: {{endpoint: {urls["leaves"]}, max_outage: 0.01}}
  gone: {{endpoint: "http://127.0.0.1:{closed_port()}"}}
""")
        result = carry_out(
            "run", "--job", directory / "job.yaml", "--summary", directory / "summary.json"
        )
        yield SimpleNamespace(
            **vars(result),
            directory=directory,
            summary=json.loads((directory / "summary.json").read_text()),
            emulators=emulators,
            held=held,
        )


ALL = ("all", "eu", "slow", "refused", "leaves", "gone")


def test_every_account_balances(ran) -> None:
    assert set(ran.summary["destinations"]) == set(ALL)
    for account in ran.summary["destinations"].values():
        assert balanced(account)
        assert account["received"] == VALID
    assert balanced(ran.summary)
    assert ran.summary["received"] == len(NOBODYS) + len(ALL) * VALID


def test_the_summary_is_as_published(ran) -> None:
    schema = json.loads((HOME / "schemas" / "summary.schema.json").read_text())
    jsonschema.validate(ran.summary, schema)


def test_what_nobody_can_read_is_read_once_and_kept_once(ran) -> None:
    assert ran.summary["input"] == {
        "received": len(NOBODYS) + VALID,
        "dead": {"invalid_json": 1, "schema_violation": 1},
    }
    reasons = [letter["reason"] for letter in letters(ran.directory / "dead")]
    assert sorted(reasons) == ["invalid_json", "schema_violation"]


@pytest.mark.parametrize(
    ("name", "place", "reasons"),
    [
        ("all", "dead/all", set()),
        ("eu", "dead/eu", set()),
        ("slow", "dead/slow", set()),
        ("refused", "not-sent", {"undelivered"}),
        ("gone", "dead/gone", {"undelivered"}),
        ("leaves", "dead/leaves", {"undelivered", "retries_exhausted"}),
    ],
)
def test_each_keeps_its_own_dead_letters(ran, name, place, reasons) -> None:
    found = Counter(letter["reason"] for letter in letters(ran.directory / place))
    assert found == ran.summary["destinations"][name]["dead"]
    assert set(found) <= reasons
    assert bool(found) is bool(reasons)


def test_a_condition_says_who_gets_what(ran) -> None:
    account = ran.summary["destinations"]["eu"]
    assert account["skipped"] == {"not_routed": PEOPLE * TRACKS // 2}
    contacts = ran.emulators["eu"].canonical_state["contacts"]
    assert len(contacts) == PEOPLE
    assert all(len(contact["events"]) == TRACKS // 2 for contact in contacts.values())
    assert ran.summary["destinations"]["all"]["skipped"] == {}


def test_one_that_is_slow_holds_back_none_of_the_others(ran) -> None:
    assert ran.held.is_set()
    assert is_complete(ran.emulators["slow"])


def test_one_that_refuses_the_token_gets_nothing_and_fails_no_other(ran) -> None:
    account = ran.summary["destinations"]["refused"]
    assert (account["halted"], account["outage"]) == (True, False)
    assert account["calls"] == {"GET /me": {"401": 1}}
    assert account["dead"] == {"undelivered": VALID}


def test_one_that_is_not_there_or_goes_down_fails_no_other(ran) -> None:
    for name in ("gone", "leaves"):
        account = ran.summary["destinations"][name]
        assert (account["halted"], account["outage"]) == (True, True), name
        assert account["delivered"] == 0
    for name in ("all", "eu", "slow"):
        assert ran.summary["destinations"][name]["halted"] is False, name


@pytest.mark.parametrize("name", ["all", "eu", "slow"])
def test_each_gets_everybodys_events_in_their_order(ran, name) -> None:
    times: dict[str, list[int]] = {}
    for entry in ran.emulators[name].requests:
        if entry["path"] == "/events":
            times.setdefault(entry["contact_id"], []).append(entry["body"]["created_at"])
    assert len(times) == PEOPLE
    assert all(a < b for moments in times.values() for a, b in pairwise(moments))


def test_each_remembers_for_itself(ran) -> None:
    for name in ("all", "eu"):
        with StateStore.open(f"sqlite:///{ran.directory / name}.db") as store:
            (workspace,) = {
                scope for scope, kind, _, _ in all_entries(store) if kind.startswith("contact")
            }
        assert workspace
    assert not list(ran.directory.glob("slow*"))


def all_entries(store: StateStore) -> list[tuple[str, str, str, str]]:
    import sqlalchemy as sa

    with store._engine.connect() as connection:
        rows = connection.execute(sa.text("select scope, kind, key, value from entries"))
        return [tuple(row) for row in rows]


def test_the_exit_code_is_the_gravest_and_each_failure_is_said(ran) -> None:
    assert ran.code == 5
    said = [line for line in ran.err.splitlines() if line.startswith("penstock: ")]
    assert [line.split(": ")[1] for line in said] == ["refused", "leaves", "gone"]
    assert "Traceback" not in ran.err


def test_the_account_for_people_has_a_line_for_each(ran) -> None:
    for name in ALL:
        (line,) = [row for row in ran.out.splitlines() if row.startswith(f"  {name:20}")]
        assert line.split()[1] == str(VALID)


def test_a_replay_of_one_destination_goes_to_it_alone(ran, tmp_path) -> None:
    directory = shutil.copytree(ran.directory, tmp_path / "copy")
    before = {name: len(emulator.requests) for name, emulator in ran.emulators.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTHER_TOKEN", "other")
        replayed = carry_out(
            "replay", "--job", directory / "job.yaml", "--destination", "refused",
            "--token", "env:OTHER_TOKEN", "--summary", directory / "replayed.json",
        )  # fmt: skip
    assert replayed.code == 0, replayed.err
    summary = json.loads((directory / "replayed.json").read_text())
    assert (summary["received"], summary["dead"]) == (VALID, {})
    assert is_complete(ran.emulators["refused"])
    assert letters(directory / "not-sent") == []
    for name in ("all", "eu", "slow"):
        assert len(ran.emulators[name].requests) == before[name], name


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Two emulators, and a job that sends everything to both."""
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "token")
    settings = EmulatorSettings(token=None, limit=None)
    with Emulator(settings=settings) as one, Emulator(settings=settings) as other:
        write_input(tmp_path)
        (tmp_path / "job.yaml").write_text(
            "job: 1\ninputs: events.jsonl\ndead_letters: dead\nschemas: schemas\ndestinations:\n"
            f"  one: {{endpoint: {one.url}}}\n  other: {{endpoint: {other.url}}}\n"
        )
        strict = json.loads((HOME / "schemas/events/track.schema.json").read_text())
        (tmp_path / "schemas" / "events").mkdir(parents=True)
        for path in (HOME / "schemas" / "events").glob("*.json"):
            (tmp_path / "schemas" / "events" / path.name).write_bytes(path.read_bytes())
        yield SimpleNamespace(
            one=one, other=other, directory=tmp_path, job=tmp_path / "job.yaml", strict=strict
        )


def test_a_replay_of_nobodys_letters_gives_them_to_all(two) -> None:
    schema = two.directory / "schemas" / "events" / "track.schema.json"
    schema.write_text(json.dumps({**two.strict, "required": ["type", "event", "colour"]}))
    first = carry_out("run", "--job", two.job, "--quiet")
    assert (first.code, len(letters(two.directory / "dead"))) == (0, PEOPLE * TRACKS)
    assert not is_complete(two.one)
    schema.write_text(json.dumps(two.strict))
    again = carry_out("replay", "--job", two.job, "--summary", two.directory / "s.json")
    assert again.code == 0, again.err
    summary = json.loads((two.directory / "s.json").read_text())
    assert summary["input"] == {"received": PEOPLE * TRACKS, "dead": {}}
    assert is_complete(two.one)
    assert is_complete(two.other)
    assert letters(two.directory / "dead") == []
    assert len(letters(two.directory / "dead" / "done")) == PEOPLE * TRACKS


def test_a_dry_run_sends_nothing_and_keeps_its_letters_apart(two) -> None:
    write_input(two.directory, b"garbage")
    ran = carry_out("run", "--job", two.job, "--dry-run", "--quiet")
    assert ran.code == 0, ran.err
    assert two.one.requests == two.other.requests == []
    assert letters(two.directory / "dead") == []
    assert len(letters(two.directory / "dead" / "dry-run")) == 1


def test_a_chosen_destination_is_the_run_that_the_flags_describe(two) -> None:
    by_job = carry_out(
        "run", "--job", two.job, "--destination", "one", "--summary", two.directory / "job.json"
    )
    by_flags = carry_out(
        "run", "--input", two.directory / "events.jsonl", "--endpoint", two.other.url,
        "--schemas", two.directory / "schemas", "--dead-letters", two.directory / "dead" / "other",
        "--summary", two.directory / "flags.json",
    )  # fmt: skip
    assert (by_job.code, by_flags.code) == (0, 0)
    assert two.one.canonical_state == two.other.canonical_state
    accounts = [
        json.loads((two.directory / name).read_text()) for name in ("job.json", "flags.json")
    ]
    for account in accounts:
        for changing in ("run_id", "seconds", "started_at"):
            del account[changing]
    assert accounts[0] == accounts[1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--destination", "on"], "no destination 'on'; did you mean 'one'?"),
        (["--runner", "DirectRunner"], "several destinations are for this machine's own runner"),
        (["--token", "env:NOT_SET"], "destination 'one': the environment variable NOT_SET"),
        (["--streaming"], "--streaming is for one destination"),
        (["--state", "nonsense"], "destination 'one'"),
        (["--dead-letters", os.devnull + "/x"], "dead letters cannot be kept in"),
        (["--input", "nothing*.jsonl"], "no input file matches"),
    ],
)
def test_what_is_wrong_with_a_job_is_said_before_anything_is_sent(two, options, told) -> None:
    ran = carry_out("run", "--job", two.job, *options)
    assert (ran.code, "Traceback" in ran.err) == (2, False)
    assert told in ran.err
    assert {entry["path"] for entry in [*two.one.requests, *two.other.requests]} <= {"/me"}


def test_a_state_that_goes_away_fails_no_other(two, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def admitted(settings: Any, names: Any) -> Any:
        asked.append(settings)
        if len(asked) == 1:
            message = "the state store is away"
            raise StateDown(message)
        return real(settings, names)

    real = local.admitted
    monkeypatch.setattr(local, "admitted", admitted)
    ran = carry_out("run", "--job", two.job, "--summary", two.directory / "s.json")
    accounts = json.loads((two.directory / "s.json").read_text())["destinations"]
    assert (ran.code, accounts["one"]["state_down"]) == (6, True)
    assert accounts["one"]["dead"] == {"undelivered": VALID}
    assert [entry["path"] for entry in two.one.requests] == ["/me"]
    assert is_complete(two.other)


def test_a_dry_run_with_flags_keeps_its_letters_apart_as_well(two) -> None:
    write_input(two.directory, b"garbage")
    ran = carry_out(
        "run", "--input", two.directory / "events.jsonl", "--dry-run", "--quiet",
        "--dead-letters", two.directory / "dead",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert letters(two.directory / "dead") == []
    assert len(letters(two.directory / "dead" / "dry-run")) == 1


def test_an_interrupted_job_accounts_for_everything_at_every_destination(two) -> None:
    for emulator in (two.one, two.other):
        emulator.change_settings(latency_ms=300)
    command = [sys.executable, "-m", "pipeline", "run", "--job", str(two.job), "--quiet",
               "--concurrency", "1", "--summary", str(two.directory / "s.json")]  # fmt: skip
    process = subprocess.Popen(command, cwd=HOME, stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not (
        len(two.one.requests) > 3 and len(two.other.requests) > 3
    ):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    accounts = json.loads((two.directory / "s.json").read_text())["destinations"]
    for name, account in accounts.items():
        assert balanced(account)
        assert account["received"] == VALID
        assert account["dead"]["undelivered"] > 0
        found = Counter(letter["reason"] for letter in letters(two.directory / "dead" / name))
        assert found == account["dead"]


def calling(parent: int, url: str) -> int | None:
    """The process begun by ``parent`` that has a connection to ``url``."""
    port = f":{urlsplit(url).port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(port)}
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                files = Path(f"/proc/{child}/fd").iterdir()
                if sockets & {str(file.readlink()) for file in files}:
                    return int(child)
    return None


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks for a process in /proc")
def test_a_destination_whose_process_is_killed_fails_no_other(two) -> None:
    two.one.change_settings(latency_ms=300)
    command = [sys.executable, "-m", "pipeline", "run", "--job", str(two.job), "--quiet",
               "--concurrency", "1", "--summary", str(two.directory / "s.json")]  # fmt: skip
    process = subprocess.Popen(command, cwd=HOME, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    while len(two.one.requests) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    found = None
    while found is None and time.monotonic() < deadline:
        found = calling(process.pid, two.one.url)
    assert found is not None
    os.kill(found, signal.SIGKILL)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 70, err
    assert "penstock: one: a process of the run ended with signal SIGKILL" in err
    summary = json.loads((two.directory / "s.json").read_text())
    assert "SIGKILL" in summary["destinations"]["one"]["failure"]
    assert balanced(summary["destinations"]["other"])
    assert balanced(summary)
    assert is_complete(two.other)


def test_destinations_of_one_workspace_never_exceed_its_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "token")
    write_input(tmp_path)
    with Emulator(settings=EmulatorSettings(token=None, limit=30)) as emulator:
        (tmp_path / "job.yaml").write_text(
            f"job: 1\ninputs: events.jsonl\ndead_letters: dead\ndestinations:\n"
            f"  people: {{endpoint: {emulator.url}, share: 0.4, when: {{type: identify}}}}\n"
            f"  all: {{endpoint: {emulator.url}, share: 0.4}}\n"
        )
        ran = carry_out("run", "--job", tmp_path / "job.yaml", "--quiet")
        statuses = Counter(entry["status"] for entry in emulator.requests)
        assert is_complete(emulator)
    assert ran.code == 0, ran.err
    assert statuses[429] == 0
