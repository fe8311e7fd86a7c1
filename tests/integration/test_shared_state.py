"""Several real processes at one PostgreSQL state, at the same time."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.flow.name_registry import NameRegistry
from pipeline.state.memory import RememberedState
from pipeline.state.store import StateStore

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 6


@pytest.fixture
def url(postgres_server):
    return postgres_server.database()


def together(work, url):
    """What a function of this module gives in each of six processes that begin at once."""
    code = (
        "import json, sys; from tests.integration import test_shared_state as here\n"
        "print(json.dumps(getattr(here, sys.argv[1])(sys.argv[2], int(sys.argv[3]))))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, work.__name__, url, str(number)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    said = [process.communicate() for process in processes]
    assert [
        (process.returncode, err) for process, (_, err) in zip(processes, said, strict=True)
    ] == [(0, "")] * PROCESSES
    return [json.loads(out) for out, _ in said]


def admit(url, number):
    from pipeline.flow.event_names import EventNames, NamePolicy

    policy = EventNames(
        {"submit_event": "event_name"}, NamePolicy.from_settings({"event_name_limit": 120})
    )
    names = [f"n{(step * 7 + number * 31) % 200}" for step in range(200)]
    admitted = set()
    with StateStore.open(url) as store:
        registry = NameRegistry(store, "s")
        for few in zip(*[iter(names)] * 5, strict=True):
            admitted |= registry.admit({name: (1, name) for name in few}, policy).admitted
    return sorted(admitted)


def test_six_processes_admit_120_event_names_exactly_and_agree(url):
    admitted = together(admit, url)
    with StateStore.open(url) as store:
        active = sorted(one.key for one in NameRegistry(store, "s").names())
    assert len(active) == 120
    assert all(names == active for names in admitted)


def test_a_database_with_another_isolation_admits_no_more(url, postgres_server):
    name = sa.make_url(url).database
    postgres_server.execute(
        f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
    )
    admitted = together(admit, url)
    assert [len(names) for names in admitted] == [120] * PROCESSES


def lease(url, number):
    from pipeline.flow.leases import Leases
    from pipeline.state.windows import SharedWindows

    taken = Counter()
    with StateStore.open(url) as store:
        leases = Leases(SharedWindows(store, "s"))
        for window in range(1000, 1030, 10):
            while True:
                grant = leases.ask(window, debt=0, answered=0, remaining=None, allowance=1667)
                taken[window] += grant.calls
                if grant.final:
                    break
    return taken


def test_six_processes_lease_every_window_to_the_limit_and_never_above(url):
    total = Counter()
    for taken in together(lease, url):
        total.update(taken)
    assert total == {str(window): 1667 for window in range(1000, 1030, 10)}


def overwrite(url, number):
    choose = random.Random(number)
    with StateStore.open(url) as store:
        for step in range(30):
            keys = choose.sample(range(200), 100)
            kinds = choose.sample(["contact", "membership", "delivered"], 2)
            changes = {(kinds[0], str(key)): None for key in keys[:50]}
            changes |= {(kinds[1], str(key)): f"{number}.{step}" for key in keys[50:]}
            store.change("s", changes)
            store.update("s", ("n",), lambda now: {("n", ""): str(int(now.get(("n", ""), 0)) + 1)})
    return number


def test_six_processes_that_write_and_drop_the_same_entries_do_not_block_one_another(
    url, postgres_server
):
    together(overwrite, url)
    with StateStore.open(url) as store:
        assert store.get("s", "n", "") == str(PROCESSES * 30)
    name = sa.make_url(url).database
    deadlocks = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'"
    assert postgres_server.execute(deadlocks) == [(0,)]


def open_store(url, number):
    with StateStore.open(url) as store:
        store.put_many("s", [("contact", str(number), "x")])
    return number


def test_six_processes_make_one_store_of_an_empty_database(url):
    together(open_store, url)
    with StateStore.open(url) as store:
        assert store.counts("s") == {"contact": PROCESSES}


def test_a_process_keeps_few_connections(url, postgres_server):
    from concurrent.futures import ThreadPoolExecutor

    name = sa.make_url(url).database
    with StateStore.open(url) as store, ThreadPoolExecutor(24) as threads:
        list(threads.map(lambda key: store.get("s", "contact", str(key)), range(500)))
        ((used,),) = postgres_server.execute(
            f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
        )
    assert 1 <= used <= 4


# --- people that move from one worker to another -----------------------------------------------


@pytest.fixture
def workers(url):
    """The memories of two workers."""
    with (
        StateStore.open(url) as one,
        StateStore.open(url) as other,
        RememberedState(one, "s") as first,
        RememberedState(other, "s") as second,
    ):
        yield first, second


def write(memory, value, time):
    """One identify of a person in a bundle of its own; whether it was worth sending."""
    from pipeline.flow.registers import Registers
    from pipeline.flow.shared import cells_of
    from pipeline.model.operation import Operation, Outcome, Person

    memory.refresh()
    fields = {"name": value}
    operation = Operation("upsert_contact", Person("u", None), time, fields)
    registers = Registers(memory)
    cells = cells_of(fields, time=time, message_id=str(time))
    admitted = registers.admit("contact_fields", "u:u", operation, cells)
    sent = not isinstance(admitted, Outcome)
    if sent:
        registers.acknowledged("contact_fields", "u:u", admitted)
    memory.settle()
    return sent


def test_a_late_identify_is_stopped_by_what_another_worker_delivered(workers):
    first, second = workers
    assert write(first, "early", 10)
    assert write(second, "newer", 30)
    assert not write(first, "between", 20), "its own memory of 10 is no longer true"
    assert write(first, "newest", 40)
    assert not write(second, "late", 35)


def test_what_is_not_stored_yet_survives_a_refresh(workers):
    first, _ = workers
    first.put("contact", "u:1", "a")
    first.refresh()
    assert first.get("contact", "u:1") == "a"
