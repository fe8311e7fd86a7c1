"""One table of small texts, in an SQLite file for one machine or in PostgreSQL for a cluster."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

import sqlalchemy as sa
from sqlalchemy import event, exc, pool

from pipeline.errors import ConfigurationError
from pipeline.state import tables

Slot: TypeAlias = tuple[str, str]
"""Kind and key of an entry."""
Change: TypeAlias = Callable[[dict[Slot, str]], Mapping[Slot, str | None]]
"""What is remembered -> what is to be remembered instead; None drops an entry."""

PASSWORD = "PENSTOCK_STATE_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable with the password of a database."""
_BUSY_SECONDS = 30.0
_CONNECT_SECONDS = 10
_BATCH = 500
_MIGRATION_LOCK = 0x50454E53  # any number, the same in every process


class StateStore:
    """Texts by scope, kind and key. Safe to share among threads; processes open their own.

    Use ``StateStore.open``; the constructor takes an engine whose tables are up to date.
    """

    def __init__(
        self, engine: sa.Engine, *, shared_connection: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._upsert = tables.upsert_entries(engine.dialect.name)
        self._lock: contextlib.AbstractContextManager[Any] = (
            threading.RLock() if shared_connection else contextlib.nullcontext()
        )

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], float] = time.time) -> StateStore:
        """The store at ``url``, made or brought up to date where need be.

        Args:
            url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` for one in
                memory, or ``postgresql://user@host/database``. It travels to workers, so no
                password stands in it: that comes from PENSTOCK_STATE_PASSWORD, or from what
                libpq knows (PGPASSWORD, ``~/.pgpass``).
            clock: Seconds since 1970.

        Raises:
            ConfigurationError: There can be no store there, what is there is none of ours, or the
                URL holds a password.
        """
        address = _address(url)
        shown = address.render_as_string(hide_password=True)
        in_memory = address.get_backend_name() == "sqlite" and not _is_file(address)
        engine = _engine(address, shown, in_memory=in_memory)
        try:
            _bring_up_to_date(engine, shown)
        except exc.SQLAlchemyError as error:
            engine.dispose()
            message = f"the state store {shown} cannot be used: {_cause(error)}"
            raise ConfigurationError(message) from None
        except ConfigurationError:
            engine.dispose()
            raise
        return cls(engine, shared_connection=in_memory, clock=clock)

    @contextlib.contextmanager
    def _begin(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        with (
            self._lock,
            self._engine.connect().execution_options(writes=writes) as connection,
            connection.begin(),
        ):
            yield connection

    def get_many(self, scope: str, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The values of those of ``keys`` that have one."""
        found: dict[str, str] = {}
        for batch in _batches(list(dict.fromkeys(keys))):
            values = {"scope": scope, "kind": kind, "keys": batch}
            with self._begin() as connection:
                rows = connection.execute(tables.SELECT_ENTRIES, values)
                found.update((key, value) for key, value in rows)
        return found

    def get(self, scope: str, kind: str, key: str) -> str | None:
        """The value of one entry, or None."""
        values = {"scope": scope, "kind": kind, "key": key}
        with self._begin() as connection:
            value: str | None = connection.scalar(tables.SELECT_ENTRY, values)
        return value

    def put_many(self, scope: str, entries: Iterable[tuple[str, str, str]]) -> None:
        """Store ``(kind, key, value)`` entries, over what was there; all or none of them.

        They are written in one order by everybody, so two processes cannot block one another.
        """
        newest = {(kind, key): value for kind, key, value in entries}
        rows = self._rows(scope, newest)
        if rows:
            with self._begin() as connection:
                connection.execute(self._upsert, rows)

    def change(self, scope: str, changes: Mapping[Slot, str | None]) -> None:
        """Store entries, and drop those whose value is None; all of it or nothing."""
        kept = {slot: value for slot, value in changes.items() if value is not None}
        gone = sorted(slot for slot, value in changes.items() if value is None)
        if not changes:
            return
        with self._begin(writes=True) as connection:
            for kind, slots in itertools.groupby(gone, key=lambda slot: slot[0]):
                for batch in _batches([key for _, key in slots]):
                    connection.execute(tables.delete_entries(scope, kind, batch))
            if kept:
                connection.execute(self._upsert, self._rows(scope, kept))

    def entries(self, scope: str, kinds: Collection[str]) -> dict[Slot, str]:
        """Everything that is remembered of ``kinds``, by kind and key."""
        with self._begin() as connection:
            return _entries(connection, scope, kinds)

    def update(self, scope: str, kinds: Collection[str], change: Change) -> None:
        """Let ``change`` decide with nobody else in between, in this process or another.

        Args:
            scope: Whose entries.
            kinds: What ``change`` is shown, and may change. Who updates overlapping kinds names
                the same ones, or they do not wait for one another.
            change: Is given all entries of ``kinds``; returns those that are to be stored, with
                None for those that are to be dropped.
        """
        with self._begin(writes=True) as connection:
            if connection.dialect.name == "postgresql":
                held = sa.func.hashtextextended(" ".join((scope, *sorted(kinds))), 0)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(held)))
            changes = change(_entries(connection, scope, kinds))
            for kind, key in sorted(slot for slot, value in changes.items() if value is None):
                connection.execute(tables.delete_entries(scope, kind, [key]))
            kept = {slot: value for slot, value in changes.items() if value is not None}
            if kept:
                connection.execute(self._upsert, self._rows(scope, kept))

    def _rows(self, scope: str, entries: Mapping[Slot, str]) -> list[dict[str, Any]]:
        now = int(self._clock() * 1_000_000)
        return [
            {"scope": scope, "kind": kind, "key": key, "value": value, "updated_at": now}
            for (kind, key), value in sorted(entries.items())
        ]

    def forget(self, scope: str, kind: str, keys: Iterable[str]) -> None:
        """Drop the entries of ``keys``; no error for those that are not there."""
        for batch in _batches(sorted(set(keys))):
            with self._begin() as connection:
                connection.execute(tables.delete_entries(scope, kind, batch))

    def purge(self, scope: str, kind: str) -> int:
        """Drop the entries of ``kind`` whose value, a moment in seconds since 1970, is past.

        They go a batch at a time, so that nobody waits long for the store.

        Returns:
            How many there were.
        """
        purged, after = 0, ""
        while True:
            values = {"scope": scope, "kind": kind, "after": after}
            with self._begin() as connection:
                rows = connection.execute(tables.SELECT_BATCH, values).all()
            if not rows:
                return purged
            now = self._clock()
            past = [key for key, value in rows if value.isdecimal() and int(value) <= now]
            self.forget(scope, kind, past)
            purged, after = purged + len(past), rows[-1][0]

    def move(self, scope: str, to: str) -> None:
        """Make the entries of ``scope`` entries of ``to``; of two the one in ``to`` stays."""
        with self._begin(writes=True) as connection:
            connection.execute(tables.move_entries(scope, to))
            connection.execute(sa.delete(tables.ENTRIES).where(tables.ENTRIES.c.scope == scope))

    def counts(self, scope: str) -> dict[str, int]:
        """How many entries of each kind there are."""
        query = (
            sa.select(tables.ENTRIES.c.kind, sa.func.count())
            .where(tables.ENTRIES.c.scope == scope)
            .group_by(tables.ENTRIES.c.kind)
        )
        with self._begin() as connection:
            return {kind: count for kind, count in connection.execute(query)}  # noqa: C416

    def close(self) -> None:
        """Close every connection; what is in memory is gone."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _entries(connection: sa.Connection, scope: str, kinds: Collection[str]) -> dict[Slot, str]:
    values = {"scope": scope, "kinds": list(kinds)}
    rows = connection.execute(tables.SELECT_KINDS, values)
    return {(kind, key): value for kind, key, value in rows}


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]


def _address(url: str) -> sa.URL:
    try:
        address = sa.make_url(url)
    except exc.ArgumentError:
        # The text may hold a password, so it is not repeated.
        message = "the state store's address is none: use sqlite:///FILE or postgresql://HOST/NAME"
        raise ConfigurationError(message) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername == "postgresql+psycopg" and (
        address.password is not None or "password" in address.query
    ):
        message = (
            "the state store's address holds a password, which would travel with the run: leave "
            f"it out, and put it into the environment variable {PASSWORD} (on every worker)"
        )
        raise ConfigurationError(message)
    if address.drivername in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        return address
    message = f"a state store in {address.drivername!r} is not possible: use sqlite or postgresql"
    raise ConfigurationError(message)


def _is_file(address: sa.URL) -> bool:
    return bool(address.database) and address.database != ":memory:"


def _engine(address: sa.URL, shown: str, *, in_memory: bool) -> sa.Engine:
    if address.get_backend_name() == "postgresql":
        password = os.environ.get(PASSWORD)
        try:
            return sa.create_engine(
                address if password is None else address.set(password=password),
                pool_pre_ping=True,
                connect_args={"connect_timeout": _CONNECT_SECONDS},
            )
        except ImportError:
            message = (
                f"the state store {shown} needs the package psycopg: pip install 'psycopg[binary]'"
            )
            raise ConfigurationError(message) from None
    arguments = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    if in_memory:
        engine = sa.create_engine(address, connect_args=arguments, poolclass=pool.StaticPool)
    else:
        engine = sa.create_engine(address, connect_args=arguments)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Let several processes read while one writes; begin transactions when we say so."""
    del record
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later fails at once when another one has written
    # in between, whatever the time-out; one that asks for the write lock first waits.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _bring_up_to_date(engine: sa.Engine, shown: str) -> None:
    with engine.connect() as connection:
        version = tables.stored_version(connection)
    if version < tables.SCHEMA_VERSION:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            version = tables.stored_version(connection)
            if version < tables.SCHEMA_VERSION:
                tables.migrate(connection, version)
    if version > tables.SCHEMA_VERSION:
        message = (
            f"the state store {shown} was written by a newer Penstock (version {version}, this one"
            f" knows {tables.SCHEMA_VERSION}): update Penstock, or name another store"
        )
        raise ConfigurationError(message)


def _cause(error: exc.SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
