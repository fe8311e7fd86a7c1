"""One table of small texts, in an SQLite file for one machine or in PostgreSQL for a cluster."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from pipeline.errors import ConfigurationError, StateDown
from pipeline.state import tables
from pipeline.state.connecting import address_of, engine_of, is_in_memory, shown
from pipeline.state.patience import Patience, cause

Slot: TypeAlias = tuple[str, str]
"""Kind and key of an entry."""
Change: TypeAlias = Callable[[dict[Slot, str]], Mapping[Slot, str | None]]
"""What is remembered -> what is to be remembered instead; None drops an entry."""
T = TypeVar("T")

_BATCH = 500
_LONGEST_KEY = 500
_MIGRATION_LOCK = 0x50454E53  # any number, the same in every process


class StateStore:
    """Texts by scope, kind and key. Safe to share among threads; processes open their own.

    Use ``StateStore.open``; the constructor takes an engine whose tables are up to date.

    Every method may raise StateDown, where a database is away for longer than is waited for, or
    SQLAlchemyError, where it fails for another reason; then nothing is changed.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        shared_connection: bool,
        clock: Callable[[], float] = time.time,
        patience: Patience | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._patience = patience if patience is not None else Patience()
        self._select = tables.select_entries(engine.dialect.name)
        self._upsert = tables.upsert_entries(engine.dialect.name)
        self._lock: contextlib.AbstractContextManager[Any] = (
            threading.RLock() if shared_connection else contextlib.nullcontext()
        )

    @classmethod
    def open(
        cls, url: str, *, clock: Callable[[], float] = time.time, patience: Patience | None = None
    ) -> StateStore:
        """The store at ``url``, made or brought up to date where need be.

        Args:
            url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` for one in
                memory, or ``postgresql://user@host/database``. It travels to workers, so no
                password stands in it: that comes from PENSTOCK_STATE_PASSWORD, or from what
                libpq knows (PGPASSWORD, ``~/.pgpass``, a service).
            clock: Seconds since 1970.
            patience: How long a database that is away is waited for, also later; not at all
                without.

        Raises:
            ConfigurationError: There can be no store there, what is there is none of ours, or the
                URL holds a password.
        """
        patience = patience if patience is not None else Patience()
        address = address_of(url)
        engine = engine_of(address)
        try:
            patience.carry_out(lambda: _bring_up_to_date(engine, shown(address)))
        except (exc.SQLAlchemyError, StateDown) as error:
            engine.dispose()
            reason = cause(error.__cause__ or error)
            message = f"the state store {shown(address)} cannot be used: {reason}"
            raise ConfigurationError(message) from None
        except ConfigurationError:
            engine.dispose()
            raise
        return cls(engine, shared_connection=is_in_memory(address), clock=clock, patience=patience)

    @property
    def is_shared(self) -> bool:
        """Whether processes on other machines may write to it."""
        return self._engine.dialect.name == "postgresql"

    def _carry_out(self, work: Callable[[sa.Connection], T], *, writes: bool = False) -> T:
        """The result of a transaction, begun anew where it failed for now."""

        def transaction() -> T:
            with (
                self._lock,
                self._engine.connect().execution_options(writes=writes) as connection,
                connection.begin(),
            ):
                return work(connection)

        return self._patience.carry_out(transaction)

    def get_many(self, scope: str, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """The values of those of ``keys`` that have one."""
        asked = {_stored(key): key for key in keys}
        found: dict[str, str] = {}
        for batch in _batches(list(asked)):
            values = {"scope": scope, "kind": kind, "keys": batch}
            rows = self._carry_out(_selected(self._select, values))
            found.update((asked[key], value) for key, value in rows)
        return found

    def get(self, scope: str, kind: str, key: str) -> str | None:
        """The value of one entry, or None."""
        values = {"scope": scope, "kind": kind, "key": _stored(key)}

        def work(connection: sa.Connection) -> str | None:
            value: str | None = connection.scalar(tables.SELECT_ENTRY, values)
            return value

        return self._carry_out(work)

    def put_many(self, scope: str, entries: Iterable[tuple[str, str, str]]) -> None:
        """Store ``(kind, key, value)`` entries, over what was there; all or none of them."""
        self.change(scope, {(kind, key): value for kind, key, value in entries})

    def change(self, scope: str, changes: Mapping[Slot, str | None]) -> None:
        """Store entries, and drop those whose value is None; all of it or nothing."""
        if not changes:
            return

        def work(connection: sa.Connection) -> None:
            # One writer of a workspace after the other, as in SQLite: two batches that overlap
            # would block one another, whatever their order. Reading goes on meanwhile.
            self._hold(connection, scope)
            self._write(connection, scope, changes)

        self._carry_out(work, writes=True)

    def entries(self, scope: str, kinds: Collection[str]) -> dict[Slot, str]:
        """Everything that is remembered of ``kinds``, by kind and key."""
        return self._carry_out(lambda connection: _entries(connection, scope, kinds))

    def update(self, scope: str, kinds: Collection[str], change: Change) -> None:
        """Let ``change`` decide with nobody else in between, in this process or another.

        Args:
            scope: Whose entries.
            kinds: What ``change`` is shown, and may change. Who updates overlapping kinds names
                the same ones, or they do not wait for one another.
            change: Is given all entries of ``kinds``; returns those that are to be stored, with
                None for those that are to be dropped. It may be called again.
        """

        def work(connection: sa.Connection) -> None:
            self._hold(connection, " ".join((scope, *sorted(kinds))))
            self._write(connection, scope, change(_entries(connection, scope, kinds)))

        self._carry_out(work, writes=True)

    def _hold(self, connection: sa.Connection, name: str) -> None:
        """Wait until nobody else holds ``name``, and hold it to the end of the transaction."""
        if self.is_shared:
            held = sa.func.hashtextextended(name, 0)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(held)))

    def _write(
        self, connection: sa.Connection, scope: str, changes: Mapping[Slot, str | None]
    ) -> None:
        gone = [
            {"of_scope": scope, "of_kind": kind, "of_key": _stored(key)}
            for (kind, key), value in sorted(changes.items(), key=_slot)
            if value is None
        ]
        if gone:
            connection.execute(tables.DELETE_ENTRY, gone)
        now = int(self._clock() * 1_000_000)
        kept = [
            {"scope": scope, "kind": kind, "key": _stored(key), "value": value, "updated_at": now}
            for (kind, key), value in sorted(changes.items(), key=_slot)
            if value is not None
        ]
        if kept:
            connection.execute(self._upsert, kept)

    def forget(self, scope: str, kind: str, keys: Iterable[str]) -> None:
        """Drop the entries of ``keys``; no error for those that are not there."""
        for batch in _batches(sorted(set(keys))):
            self.change(scope, {(kind, key): None for key in batch})

    def purge(self, scope: str, kind: str) -> int:
        """Drop the entries of ``kind`` whose value, a moment in seconds since 1970, is past.

        They go a batch at a time, so that nobody waits long for the store.

        Returns:
            How many there were.
        """
        purged, after = 0, ""
        while True:
            rows = self._carry_out(_batch_after(scope, kind, after))
            if not rows:
                return purged
            now = self._clock()
            past = [key for key, value in rows if value.isdecimal() and int(value) <= now]
            self.forget(scope, kind, past)
            purged, after = purged + len(past), rows[-1][0]

    def move(self, scope: str, to: str) -> None:
        """Make the entries of ``scope`` entries of ``to``; of two the one in ``to`` stays."""

        def work(connection: sa.Connection) -> None:
            connection.execute(tables.move_entries(scope, to))
            connection.execute(sa.delete(tables.ENTRIES).where(tables.ENTRIES.c.scope == scope))

        self._carry_out(work, writes=True)

    def counts(self, scope: str) -> dict[str, int]:
        """How many entries of each kind there are."""
        query = (
            sa.select(tables.ENTRIES.c.kind, sa.func.count())
            .where(tables.ENTRIES.c.scope == scope)
            .group_by(tables.ENTRIES.c.kind)
        )
        return self._carry_out(
            lambda connection: {kind: count for kind, count in connection.execute(query)}  # noqa: C416
        )

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


def _slot(change: tuple[Slot, str | None]) -> Slot:
    return change[0]


def _selected(
    statement: sa.Executable, values: Mapping[str, Any]
) -> Callable[[sa.Connection], list[Any]]:
    return lambda connection: list(connection.execute(statement, values))


def _batch_after(scope: str, kind: str, after: str) -> Callable[[sa.Connection], list[Any]]:
    values = {"scope": scope, "kind": kind, "after": after}
    return lambda connection: list(connection.execute(tables.SELECT_BATCH, values))


def _stored(key: str) -> str:
    """The key as it is stored: a database's index takes no text of any length."""
    if len(key) <= _LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return key[: _LONGEST_KEY - len(digest)] + digest


def _entries(connection: sa.Connection, scope: str, kinds: Collection[str]) -> dict[Slot, str]:
    values = {"scope": scope, "kinds": list(kinds)}
    rows = connection.execute(tables.SELECT_KINDS, values)
    return {(kind, key): value for kind, key, value in rows}


def _batches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]


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
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            for statement in tables.WRITES_NOTHING:
                connection.execute(statement)
