"""The accounts of the API's windows in the state store."""

import logging
import multiprocessing
import os
import sqlite3
import uuid
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError

from pipeline.flow.leases import Leases
from pipeline.model.quota import Account
from pipeline.state.store import StateStore
from pipeline.state.windows import SharedWindows

POSTGRES = os.environ.get("PENSTOCK_TEST_POSTGRES")
"""A URL of an empty PostgreSQL database, to run these tests there as well."""


@pytest.fixture(params=["file", *(["postgres"] if POSTGRES else [])])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path / 'state.db'}" if request.param == "file" else POSTGRES


@pytest.fixture
def scope():
    return uuid.uuid4().hex


@pytest.fixture
def store(url):
    with StateStore.open(url) as opened:
        yield opened


def lease(calls):
    return lambda account: replace(account, leased=account.leased + calls)


def test_a_window_begins_with_nothing_leased(store, scope):
    assert SharedWindows(store, scope).change(1000, lambda account: account) == Account()


def test_what_was_changed_is_seen_by_everybody(store, url, scope):
    changed = Account(leased=5, answered=3, remaining=90)
    assert SharedWindows(store, scope).change(1000, lambda _: changed) == changed
    with StateStore.open(url) as other:
        assert SharedWindows(other, scope).change(1000, lambda account: account) == changed


def test_windows_and_workspaces_are_apart(store, scope):
    SharedWindows(store, scope).change(1000, lease(5))
    assert SharedWindows(store, scope).change(1010, lease(1)).leased == 1
    assert SharedWindows(store, scope + "t").change(1000, lease(1)).leased == 1
    assert SharedWindows(store, scope).change(1000, lease(1)).leased == 6


def test_windows_that_are_long_over_are_dropped(store, scope):
    windows = SharedWindows(store, scope)
    for window in range(1000, 2000, 10):
        windows.change(window, lease(1))
    assert store.counts(scope) == {"rate_window": 7}


def test_a_store_that_fails_is_told_of_once(store, scope, monkeypatch, caplog):
    def broken(*_):
        raise OperationalError("update", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(store, "update", broken)
    windows = SharedWindows(store, scope)
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


def test_processes_never_lease_more_than_there_is(url, scope):
    StateStore.open(url).close()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=take, args=(url, scope, results)) for _ in range(3)]
    for process in processes:
        process.start()
    taken = [results.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert sum(taken) == 500
