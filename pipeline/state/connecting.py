"""Where a state store is, and how it is connected to."""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc, pool

from pipeline.errors import ConfigurationError

PASSWORD = "PENSTOCK_STATE_PASSWORD"  # noqa: S105 - the name of a variable
"""The environment variable with the password of a database."""
CONNECTIONS = 4
"""A process keeps so many connections of a store at most; more callers wait for one."""
_SECRETS = ("password", "sslpassword")
_BUSY_SECONDS = 30.0
# A host that is gone without a word is noticed, in place of waiting for the kernel's two hours.
_LIBPQ = {
    "connect_timeout": 10,
    "application_name": "penstock",
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def address_of(url: str) -> sa.URL:
    """The address, of a kind that can be a state store.

    Raises:
        ConfigurationError: It is none, or holds a password.
    """
    try:
        address = sa.make_url(url)
    except exc.ArgumentError:
        # The text may hold a password, so it is not repeated.
        message = "the state store's address is none: use sqlite:///FILE or postgresql://HOST/NAME"
        raise ConfigurationError(message) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername == "postgresql+psycopg" and (
        address.password is not None or any(name in address.query for name in _SECRETS)
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


def shown(address: sa.URL) -> str:
    """The address as it may be printed."""
    return address.render_as_string(hide_password=True)


def is_in_memory(address: sa.URL) -> bool:
    """Whether it is SQLite without a file."""
    is_file = bool(address.database) and address.database != ":memory:"
    return address.get_backend_name() == "sqlite" and not is_file


def engine_of(address: sa.URL) -> sa.Engine:
    """An engine; nothing is connected yet.

    Raises:
        ConfigurationError: The driver is not installed.
    """
    if address.get_backend_name() == "postgresql":
        return _postgresql(address)
    arguments = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    if is_in_memory(address):
        engine = sa.create_engine(address, connect_args=arguments, poolclass=pool.StaticPool)
    else:
        engine = sa.create_engine(address, connect_args=arguments)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(address: sa.URL) -> sa.Engine:
    password = os.environ.get(PASSWORD)
    try:
        return sa.create_engine(
            address if password is None else address.set(password=password),
            pool_size=CONNECTIONS,
            max_overflow=0,
            # Whatever the server's default is: with another level a transaction that waited for
            # a lock would not see what the one before it has written.
            isolation_level="READ COMMITTED",
            connect_args={
                name: value for name, value in _LIBPQ.items() if name not in address.query
            },
        )
    except ImportError:
        message = (
            f"the state store {shown(address)} needs the package psycopg: "
            "pip install 'penstock[postgresql]', or 'psycopg[binary]'"
        )
        raise ConfigurationError(message) from None


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
