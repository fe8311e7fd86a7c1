"""A PostgreSQL server as the state: what it refuses, and that it may go away and come back."""

import contextlib
import itertools
import json
import threading
import time

import psycopg
import pytest
import sqlalchemy as sa

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.errors import ConfigurationError
from pipeline.state.store import StateStore
from tests.services.postgres import PASSWORD

pytestmark = pytest.mark.integration

PEOPLE, TRACKS = 12, 12


# --- what is refused, in words ----------------------------------------------------------------


def refusal(url):
    with pytest.raises(ConfigurationError) as caught:
        StateStore.open(url).close()
    text = str(caught.value)
    assert text.startswith("the state store postgresql+psycopg://")
    assert "\n" not in text
    return text


def test_a_missing_database_is_named(postgres_server):
    assert 'database "nowhere" does not exist' in refusal(postgres_server.url("nowhere"))


def test_a_wrong_password_is_told_and_not_shown(postgres_server, monkeypatch):
    monkeypatch.setenv("PENSTOCK_STATE_PASSWORD", "hunter2")
    text = refusal(postgres_server.url("postgres", user="locked"))
    assert 'password authentication failed for user "locked"' in text
    assert "hunter2" not in text


def test_a_missing_password_is_told(postgres_server):
    assert "no password supplied" in refusal(postgres_server.url("postgres", user="locked"))


def test_a_server_that_nobody_answers_for_is_told():
    assert "onnection refused" in refusal("postgresql+psycopg://penstock@127.0.0.1:1/x")


def test_a_database_that_is_read_only_is_told(postgres_server):
    url = postgres_server.database()
    name = sa.make_url(url).database
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "read-only transaction" in refusal(url)


def test_a_database_that_becomes_read_only_is_told_before_a_run(postgres_server):
    url = postgres_server.database()
    StateStore.open(url).close()
    name = sa.make_url(url).database
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "read-only transaction" in refusal(url)


def test_a_server_without_a_free_connection_is_told(postgres_server):
    url = postgres_server.database()
    name = sa.make_url(url).database
    postgres_server.execute("CREATE ROLE small LOGIN CONNECTION LIMIT 1")
    postgres_server.execute(f"GRANT ALL ON DATABASE {name} TO small")
    with psycopg.connect(host="127.0.0.1", port=postgres_server.port, user="small", dbname=name):
        assert "too many connections" in refusal(url.replace("penstock@", "small@"))


def test_a_user_who_may_create_nothing_is_told(postgres_server):
    url = postgres_server.database()
    postgres_server.execute("CREATE ROLE reader LOGIN")
    assert "permission denied" in refusal(url.replace("penstock@", "reader@"))


@pytest.mark.parametrize("where", ["PENSTOCK_STATE_PASSWORD", "PGPASSWORD", "file", "service"])
def test_the_password_comes_from_where_libpq_looks(postgres_server, monkeypatch, tmp_path, where):
    url = postgres_server.url("postgres", user="locked")
    secret = tmp_path / "secret"
    if where == "file":
        secret.write_text(f"127.0.0.1:*:*:locked:{PASSWORD}\n")
        secret.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(secret))
    elif where == "service":
        secret.write_text(
            f"[penstock]\nhost=127.0.0.1\nport={postgres_server.port}\ndbname=postgres\n"
            f"user=locked\npassword={PASSWORD}\n"
        )
        monkeypatch.setenv("PGSERVICEFILE", str(secret))
        url = "postgresql+psycopg:///?service=penstock"
    else:
        monkeypatch.setenv(where, PASSWORD)
    with StateStore.open(url) as store:
        assert store.get("s", "contact", "never") is None


def test_a_run_that_cannot_use_its_state_says_so_and_sends_nothing(
    run, emulator, postgres_server, capfd
):
    code, _ = run(postgres_server.url("nowhere"))
    assert code == 2
    assert 'database "nowhere" does not exist' in capfd.readouterr().err
    assert emulator.requests == []


# --- a server that goes away ------------------------------------------------------------------


@pytest.fixture
def emulator():
    with Emulator(settings=EmulatorSettings(token=None, limit=None, latency_ms=20)) as emulator:
        yield emulator


@pytest.fixture
def source(tmp_path):
    events = []
    for who in range(PEOPLE):
        person = {"userId": f"u{who}", "messageId": f"i{who}", "timestamp": 1_700_000_000}
        events.append(person | {"type": "identify", "traits": {"name": f"Person {who}"}})
        for number in range(TRACKS):
            track = {"type": "track", "event": "Order Completed", "messageId": f"t{who}-{number}"}
            events.append(person | track | {"timestamp": 1_700_000_001 + number})
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


@pytest.fixture
def run(emulator, source, tmp_path, monkeypatch):
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "secret-token")

    def run(state, *options, endpoint=None):
        summary = tmp_path / "summary.json"
        arguments = [
            "run", "--input", str(source), "--endpoint", endpoint or emulator.url,
            "--concurrency", "6", "--dead-letters", str(tmp_path / "dead"), "--state", state,
            "--summary", str(summary), *options,
        ]  # fmt: skip
        code = exit_code_of(arguments)
        return code, json.loads(summary.read_text()) if summary.exists() else {}

    return run


@pytest.fixture
def undisturbed(run, tmp_path):
    """What a run that nothing happens to leaves behind."""
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as other:
        code, _ = run(f"sqlite:///{tmp_path / 'other.db'}", endpoint=other.url)
        assert code == 0
        return other.canonical_state


@contextlib.contextmanager
def after_calls(emulator, number, action):
    """Do something, once, when so many calls have come; it is done when the body ends."""

    def wait():
        while len(emulator.application.log) < number:
            time.sleep(0.005)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


def in_order(emulator, *, complete=True):
    """Whether everybody's events came in order; one sent again at once counts once."""
    taken = {}
    for entry in emulator.requests:
        if (entry["path"], entry["status"]) == ("/events", 202):
            taken.setdefault(entry["contact_id"], []).append(entry["body"]["created_at"])
    wanted = [1_700_000_001 + number for number in range(TRACKS)]
    once = [[time for time, _ in itertools.groupby(times)] for times in taken.values()]
    return all(times == wanted[: TRACKS if complete else len(times)] for times in once)


@pytest.mark.parametrize("how", ["stop", "immediate", "kill"])
def test_a_run_survives_a_restart_of_its_state(
    postgres_server, emulator, run, undisturbed, caplog, how
):
    def restart():
        if how == "kill":
            postgres_server.kill()
        else:
            postgres_server.stop(immediate=how == "immediate")
        time.sleep(1.5)
        postgres_server.start()

    url = postgres_server.database()
    with after_calls(emulator, 60, restart):
        code, summary = run(url)
    assert (code, summary["dead"]) == (0, {})
    assert summary["delivered"] == summary["received"] == PEOPLE * (1 + TRACKS)
    assert emulator.canonical_state == undisturbed
    assert in_order(emulator)
    assert "the state store is away, waiting for it" in caplog.text
    assert "the state store answers again" in caplog.text
    code, again = run(url)
    assert (code, again["delivered"]) == (0, 0), "what was learned around the restart is there"


def test_an_outage_of_the_state_that_is_too_long_stops_the_run_and_loses_nothing(
    postgres_server, emulator, run, undisturbed, capfd, tmp_path
):
    url = postgres_server.database()
    try:
        with after_calls(emulator, 60, postgres_server.kill):
            code, summary = run(url, "--max-outage", "0.03")
    finally:
        postgres_server.start()
    assert code == 6
    err = capfd.readouterr().err
    assert "penstock: the state store was away for 2 s" in err
    assert "run the same command again" in err
    assert "Traceback" not in err
    assert (summary["halted"], summary["state_down"], summary["outage"]) == (True, True, False)
    assert set(summary["dead"]) == {"undelivered"}
    assert summary["delivered"] + summary["dead"]["undelivered"] == summary["received"]
    assert in_order(emulator, complete=False)
    code, again = run(url)
    assert (code, again["dead"]) == (0, {})
    assert emulator.canonical_state == undisturbed


def test_a_server_that_is_killed_again_and_again_loses_nothing(
    postgres_server, emulator, run, undisturbed
):
    def kills():
        for calls in (30, 70, 110):
            while len(emulator.application.log) < calls:
                time.sleep(0.005)
            postgres_server.kill()
            postgres_server.start()

    url = postgres_server.database()
    with after_calls(emulator, 1, kills):
        code, summary = run(url)
    assert (code, summary["dead"]) == (0, {})
    assert emulator.canonical_state == undisturbed
    assert in_order(emulator)
    code, again = run(url)
    assert (code, again["delivered"]) == (0, 0)
