"""The state store, alone and with many."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from pipeline.errors import ConfigurationError
from pipeline.state import tables
from pipeline.state.store import StateStore
from pipeline.state.tables import SCHEMA_VERSION, upsert_entries


def test_what_is_put_is_found(store):
    store.put_many("s", [("contact", "u:1", "a"), ("contact", "u:2", "b")])
    assert store.get_many("s", "contact", ["u:1", "u:2", "u:3"]) == {"u:1": "a", "u:2": "b"}
    assert store.get("s", "contact", "u:1") == "a"
    assert store.get("s", "contact", "u:3") is None


def test_the_last_value_wins(store):
    store.put_many("s", [("contact", "u:1", "a"), ("contact", "u:1", "b")])
    store.put_many("s", [("contact", "u:1", "c")])
    assert store.get("s", "contact", "u:1") == "c"


def test_scopes_and_kinds_are_apart(store):
    store.put_many("s", [("contact", "k", "a"), ("company", "k", "b")])
    store.put_many("t", [("contact", "k", "c")])
    assert store.get("s", "contact", "k") == "a"
    assert store.get("t", "company", "k") is None


def test_what_is_forgotten_is_gone(store):
    store.put_many("s", [("contact", "a", "1"), ("contact", "b", "2")])
    store.forget("s", "contact", ["a", "never there"])
    assert store.get_many("s", "contact", ["a", "b"]) == {"b": "2"}


def test_many_keys_are_asked_for_in_batches(store):
    entries = [("contact", f"u:{number}", str(number)) for number in range(1234)]
    store.put_many("s", entries)
    found = store.get_many("s", "contact", [key for _, key, _ in entries])
    assert found == {key: value for _, key, value in entries}
    store.forget("s", "contact", found)
    assert store.counts("s") == {}


def test_entries_are_counted_by_kind(store):
    store.put_many("s", [("contact", "a", "1"), ("contact", "b", "2"), ("company", "a", "3")])
    assert store.counts("s") == {"contact": 2, "company": 1}


def test_nothing_is_put_without_entries(store):
    store.put_many("s", [])
    assert store.get_many("s", "contact", []) == {}


def test_texts_of_any_kind_come_back(store):
    many = "".join(chr(0x4E00 + number % 20_000) for number in range(10_000))
    for key in ("'; DROP TABLE entries; --", "é\u2028", "u:" + many, ""):
        store.put_many("s", [("contact", key, key)])
        assert store.get("s", "contact", key) == key


def test_threads_share_a_store(store):
    def work(number):
        for step in range(20):
            store.put_many("s", [("contact", f"{number}:{step}", str(step))])
            store.get_many("s", "contact", [f"{number}:{step}"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts("s") == {"contact": 120}


def test_a_store_keeps_what_was_put(lasting_url):
    with StateStore.open(lasting_url) as store:
        store.put_many("s", [("contact", "a", "1")])
    with StateStore.open(lasting_url) as store:
        assert store.get("s", "contact", "a") == "1"


def _fill(url, number):
    with StateStore.open(url) as store:
        for step in range(25):
            store.put_many("s", [("contact", f"{number}:{step}", str(step))])


@pytest.mark.integration
def test_processes_make_and_share_a_store(lasting_url):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fill, args=(lasting_url, number)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with StateStore.open(lasting_url) as store:
        assert store.counts("s") == {"contact": 75}


@pytest.fixture
def execute(lasting_url):
    """Carries out a statement in the store's database, past the store."""

    def carry_out(statement):
        engine = sa.create_engine(lasting_url)
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement))
            rows = [tuple(row) for row in result] if result.returns_rows else []
        engine.dispose()
        return rows

    return carry_out


VERSION = "SELECT value FROM meta WHERE name = 'schema_version'"


def test_the_version_is_written_down(lasting_url, execute):
    StateStore.open(lasting_url).close()
    assert execute(VERSION) == [(str(SCHEMA_VERSION),)]


def test_a_store_of_a_newer_version_is_refused(lasting_url, execute):
    StateStore.open(lasting_url).close()
    execute("UPDATE meta SET value = '99'")
    with pytest.raises(ConfigurationError, match="newer Penstock"):
        StateStore.open(lasting_url)


@pytest.fixture
def next_version(monkeypatch):
    """A Penstock that is one version ahead."""

    def rename(connection):
        steps.append("renamed")
        connection.execute(sa.text("UPDATE entries SET kind = 'person' WHERE kind = 'contact'"))

    steps = []
    monkeypatch.setattr(tables, "MIGRATIONS", (*tables.MIGRATIONS, rename))
    monkeypatch.setattr(tables, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    return steps


def test_a_store_of_an_older_version_is_migrated(lasting_url, execute, request):
    with StateStore.open(lasting_url) as store:
        store.put_many("s", [("contact", "a", "1"), ("company", "a", "2")])
    request.getfixturevalue("next_version")
    with StateStore.open(lasting_url) as store:
        assert store.counts("s") == {"person": 1, "company": 1}
    assert execute(VERSION) == [(str(SCHEMA_VERSION + 1),)]


def test_of_many_that_migrate_at_once_one_does(lasting_url, request):
    StateStore.open(lasting_url).close()
    steps = request.getfixturevalue("next_version")
    with ThreadPoolExecutor(6) as threads:
        for opened in threads.map(StateStore.open, [lasting_url] * 6):
            opened.close()
    assert steps == ["renamed"]


def test_a_migration_that_fails_leaves_the_store_as_it_was(lasting_url, execute, monkeypatch):
    with StateStore.open(lasting_url) as store:
        store.put_many("s", [("contact", "a", "1")])
    with monkeypatch.context() as newer:

        def half(connection):
            connection.execute(sa.text("DELETE FROM entries"))
            connection.execute(sa.text("SELECT * FROM nothing"))

        newer.setattr(tables, "MIGRATIONS", (*tables.MIGRATIONS, half))
        newer.setattr(tables, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
        with pytest.raises(ConfigurationError, match="nothing"):
            StateStore.open(lasting_url)
    assert execute(VERSION) == [(str(SCHEMA_VERSION),)]
    with StateStore.open(lasting_url) as store:
        assert store.get("s", "contact", "a") == "1"


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "state.db"
    path.write_text("this is not a database " * 100)
    with pytest.raises(ConfigurationError, match="cannot be used: file is not a database"):
        StateStore.open(f"sqlite:///{path}")


def test_a_file_in_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="unable to open"):
        StateStore.open(f"sqlite:///{tmp_path / 'no' / 'state.db'}")


@pytest.mark.parametrize("url", ["", "state.db", "mysql://host/db", "redis://host", "sqlite+x://"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError, match="state store"):
        StateStore.open(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:1/db",
        "postgres://user:hunter2@127.0.0.1:1/db",
        "postgresql+psycopg://127.0.0.1:1/db?password=hunter2",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(url):
    with pytest.raises(ConfigurationError, match="PENSTOCK_STATE_PASSWORD") as caught:
        StateStore.open(url)
    assert "hunter2" not in str(caught.value)


def test_the_password_comes_from_the_environment_and_is_not_shown(monkeypatch):
    monkeypatch.setenv("PENSTOCK_STATE_PASSWORD", "hunter2")
    given = []

    def create(address, **arguments):
        given.append(address)
        raise ImportError

    monkeypatch.setattr(sa, "create_engine", create)
    with pytest.raises(ConfigurationError, match="psycopg") as caught:
        StateStore.open("postgresql://user@127.0.0.1:1/db")
    assert given[0].password == "hunter2"
    assert "hunter2" not in str(caught.value)


def test_postgresql_gets_an_upsert_of_its_own():
    sql = str(upsert_entries("postgresql").compile(dialect=postgresql.dialect()))
    assert "ON CONFLICT (scope, kind, key) DO UPDATE SET value = excluded.value" in sql


def test_times_are_in_microseconds(lasting_url, execute):
    with StateStore.open(lasting_url, clock=lambda: 1_700_000_000.5) as store:
        store.put_many("s", [("contact", "a", "1")])
    assert execute("SELECT updated_at FROM entries") == [(1_700_000_000_500_000,)]


def test_what_is_past_is_purged_and_nothing_else(url):
    with StateStore.open(url, clock=lambda: 1000.0) as store:
        many = [("delivered", f"old{number}", "999") for number in range(25_000)]
        kept = [("delivered", "new", "1001"), ("delivered", "odd", "?"), ("contact", "x", "1")]
        store.put_many("s", [*many, *kept])
        store.put_many("other", [("delivered", "old", "1")])
        assert store.purge("s", "delivered") == 25_000
        assert store.counts("s") == {"delivered": 2, "contact": 1}
        assert store.counts("other") == {"delivered": 1}
        assert store.purge("s", "delivered") == 0
