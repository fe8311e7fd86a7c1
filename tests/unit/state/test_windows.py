"""The accounts of the API's windows in the state store."""

import logging
import multiprocessing
import sqlite3
import uuid
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError

from pipeline.flow.leases import Leases
from pipeline.model.quota import Account
from pipeline.state.store import StateStore
from pipeline.state.windows import SharedWindows


@pytest.fixture
def scope():
    return uuid.uuid4().hex


def lease(calls):
    return lambda account: replace(account, leased=account.leased + calls)


def test_a_window_begins_with_nothing_leased(lasting_store, scope):
    assert SharedWindows(lasting_store, scope).change(1000, lambda account: account) == Account()


def test_what_was_changed_is_seen_by_everybody(lasting_store, lasting_url, scope):
    changed = Account(leased=5, answered=3, remaining=90)
    assert SharedWindows(lasting_store, scope).change(1000, lambda _: changed) == changed
    with StateStore.open(lasting_url) as other:
        assert SharedWindows(other, scope).change(1000, lambda account: account) == changed


def test_windows_and_workspaces_are_apart(lasting_store, scope):
    SharedWindows(lasting_store, scope).change(1000, lease(5))
    assert SharedWindows(lasting_store, scope).change(1010, lease(1)).leased == 1
    assert SharedWindows(lasting_store, scope + "t").change(1000, lease(1)).leased == 1
    assert SharedWindows(lasting_store, scope).change(1000, lease(1)).leased == 6


def test_windows_that_are_long_over_are_dropped(lasting_store, scope):
    windows = SharedWindows(lasting_store, scope)
    for window in range(1000, 2000, 10):
        windows.change(window, lease(1))
    assert lasting_store.counts(scope) == {"rate_window": 7}


def test_a_store_that_fails_is_told_of_once(lasting_store, scope, monkeypatch, caplog):
    def broken(*_):
        raise OperationalError("update", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(lasting_store, "update", broken)
    windows = SharedWindows(lasting_store, scope)
    with caplog.at_level(logging.WARNING):
        assert windows.change(1000, lease(1)) is None
        assert windows.change(1000, lease(1)) is None
    assert [record.getMessage() for record in caplog.records] == [
        "cannot share the rate limit, pacing by the headers alone: disk I/O error"
    ]


def take(url, scope, results):
    with StateStore.open(url) as store:
        leases, taken = Leases(SharedWindows(store, scope)), 0
        while True:
            grant = leases.ask(1000, debt=0, answered=0, remaining=None, allowance=500)
            taken += grant.calls
            if grant.final:
                break
        results.put(taken)


def test_processes_never_lease_more_than_there_is(lasting_url, scope):
    StateStore.open(lasting_url).close()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=take, args=(lasting_url, scope, results)) for _ in range(3)]
    for process in processes:
        process.start()
    taken = [results.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert sum(taken) == 500
