"""The memory in front of the state store."""

import logging
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from pipeline.state import RememberedState


@pytest.fixture
def memory(store):
    return RememberedState(store, "s")


class Broken:
    """A store whose disk is gone."""

    def fail(self, *arguments):
        raise OperationalError("", {}, Exception("disk I/O error"))

    is_shared = False
    get = get_many = put_many = forget = change = fail


def test_what_is_put_is_got_at_once(memory):
    memory.put("contact", "u:1", "a")
    assert memory.get("contact", "u:1") == "a"


def test_nothing_is_stored_before_a_flush(memory, store):
    memory.put("contact", "u:1", "a")
    assert store.get("s", "contact", "u:1") is None
    memory.flush()
    assert store.get("s", "contact", "u:1") == "a"


def test_close_flushes(store):
    with RememberedState(store, "s") as memory:
        memory.put("contact", "u:1", "a")
    assert store.get("s", "contact", "u:1") == "a"


def test_many_entries_flush_themselves(store):
    memory = RememberedState(store, "s", flush_at=10)
    for number in range(10):
        memory.put("contact", str(number), "a")
    assert store.counts("s") == {"contact": 10}


def test_what_an_earlier_run_stored_is_got(memory, store):
    store.put_many("s", [("contact", "u:1", "a")])
    assert memory.get("contact", "u:1") == "a"


def test_scopes_are_apart(memory, store):
    store.put_many("other", [("contact", "u:1", "a")])
    assert memory.get("contact", "u:1") is None


def test_many_are_got_at_once_from_wherever_they_are(memory, store):
    store.put_many("s", [("contact", "stored", "1"), ("contact", "gone", "2")])
    memory.put("contact", "flushed", "3")
    memory.flush()
    memory.put("contact", "new", "4")
    memory.forget("contact", "gone")
    memory.put("contact", "nul\0", "5")
    found = memory.get_many("contact", ["stored", "gone", "flushed", "new", "never", "nul\0"])
    assert found == {"stored": "1", "flushed": "3", "new": "4", "nul\0": "5"}


def test_what_is_forgotten_is_gone_before_and_after_a_flush(memory, store):
    store.put_many("s", [("contact", "u:1", "a")])
    memory.forget("contact", "u:1")
    assert memory.get("contact", "u:1") is None
    memory.flush()
    assert memory.get("contact", "u:1") is None
    assert store.get("s", "contact", "u:1") is None


def test_what_is_put_after_being_forgotten_stays(memory, store):
    memory.put("contact", "u:1", "a")
    memory.forget("contact", "u:1")
    memory.put("contact", "u:1", "b")
    memory.flush()
    assert store.get("s", "contact", "u:1") == "b"


def test_what_does_not_fit_the_cache_is_read_again(store):
    memory = RememberedState(store, "s", capacity=2, flush_at=1000)
    for number in range(10):
        memory.put("contact", str(number), "a")
    assert [memory.get("contact", str(number)) for number in range(10)] == ["a"] * 10
    memory.flush()
    assert [memory.get("contact", str(number)) for number in range(10)] == ["a"] * 10


def test_an_old_entry_is_read_again(store):
    now = [0.0]
    memory = RememberedState(store, "s", ttl=60, clock=lambda: now[0])
    memory.put("contact", "u:1", "a")
    memory.flush()
    store.put_many("s", [("contact", "u:1", "b")])
    assert memory.get("contact", "u:1") == "a"
    now[0] = 61
    assert memory.get("contact", "u:1") == "b"


def test_the_same_value_again_is_not_stored_again(memory, store):
    memory.put("contact", "u:1", "a")
    memory.flush()
    store.forget("s", "contact", ["u:1"])
    memory.put("contact", "u:1", "a")
    memory.flush()
    assert store.counts("s") == {}


def test_kinds_of_this_run_are_never_stored(memory, store):
    memory.put("run.created", "x", "1")
    memory.flush()
    assert memory.get("run.created", "x") == "1"
    assert store.counts("s") == {}
    memory.forget("run.created", "x")
    assert memory.get("run.created", "x") is None


def test_a_store_that_fails_is_worked_without(caplog):
    memory = RememberedState(Broken(), "s", flush_at=2)
    with caplog.at_level(logging.WARNING):
        assert memory.get("contact", "u:0") is None
        for number in range(5):
            memory.put("contact", f"u:{number}", "a")
        assert memory.get("contact", "u:4") == "a"
        memory.close()
    assert len(caplog.records) == 1
    assert "disk I/O error" in caplog.text
    assert memory.failures > 1


def test_a_store_that_fails_is_not_asked_with_every_put():
    memory = RememberedState(Broken(), "s", flush_at=10)
    for number in range(100):
        memory.put("contact", str(number), "a")
    assert memory.failures == 10


def test_what_cannot_be_stored_any_more_is_dropped_in_the_end():
    memory = RememberedState(Broken(), "s", flush_at=10, capacity=50)
    for number in range(1000):
        memory.put("contact", str(number), "a")
    assert len(memory._pending) <= 60


@pytest.mark.parametrize("text", ["nul\0", "half \ud800"])
def test_texts_that_no_database_holds_are_remembered_for_this_run(memory, store, text):
    memory.put("contact", text, "a")
    memory.put("contact", "u:1", "b")
    memory.flush()
    assert memory.get("contact", text) == "a"
    assert store.counts("s") == {"contact": 1}
    memory.forget("contact", text)
    assert memory.get("contact", text) is None


def test_a_flush_is_stored_whole_or_not_at_all(memory, store, monkeypatch):
    store.put_many("s", [("contact", "u:1", "a"), ("contact_fields", "a", "x")])
    memory.forget("contact", "u:1")
    memory.put("contact_fields", "a", "y")
    with monkeypatch.context() as broken:
        broken.setattr(store, "_upsert", sa.text("INSERT INTO nothing VALUES (1)"))
        with pytest.raises(DBAPIError):
            memory.flush()
    assert store.get("s", "contact", "u:1") == "a"
    memory.flush()
    assert store.counts("s") == {"contact_fields": 1}


def test_to_settle_stores_and_never_fails(memory, store):
    memory.put("contact", "u:1", "a")
    memory.settle()
    assert store.counts("s") == {"contact": 1}
    failing = RememberedState(Broken(), "s")
    failing.put("contact", "u:1", "a")
    failing.settle()
    assert failing.failures == 1


def test_a_flush_that_fails_loses_nothing(store):
    memory = RememberedState(store, "s")
    memory.put("contact", "u:1", "a")
    memory._store = Broken()
    with pytest.raises(OperationalError):
        memory.flush()
    memory._store = store
    memory.put("contact", "u:2", "b")
    memory.flush()
    assert store.counts("s") == {"contact": 2}


def test_threads_share_a_memory(store):
    memory = RememberedState(store, "s", capacity=50, flush_at=7)
    wrong = []

    def work(number):
        for step in range(60):
            key = f"{number}:{step}"
            memory.put("contact", key, key)
            if memory.get("contact", key) != key:
                wrong.append(key)
            if step % 5 == 0:
                memory.forget("contact", key)
                if memory.get("contact", key) is not None:
                    wrong.append(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory.flush()
    assert wrong == []
    assert store.counts("s") == {"contact": 6 * 48}
