"""The tables of the state store, and how an older store becomes a newer one."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

METADATA = sa.MetaData()

ENTRIES = sa.Table(
    "entries",
    METADATA,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Everything that is remembered; ``updated_at`` in microseconds since 1970."""

META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""``schema_version`` and nothing else so far."""

_OF_KIND = sa.and_(ENTRIES.c.scope == sa.bindparam("scope"), ENTRIES.c.kind == sa.bindparam("kind"))
SELECT_ENTRY = sa.select(ENTRIES.c.value).where(_OF_KIND, ENTRIES.c.key == sa.bindparam("key"))
SELECT_ENTRIES = sa.select(ENTRIES.c.key, ENTRIES.c.value).where(
    _OF_KIND, ENTRIES.c.key.in_(sa.bindparam("keys", expanding=True))
)

_SELECT_ENTRIES_POSTGRESQL = sa.text(
    "SELECT asked.key, found.value FROM unnest(CAST(:keys AS text[])) AS asked(key), LATERAL ("
    "SELECT value FROM entries WHERE scope = :scope AND kind = :kind AND entries.key = asked.key"
    " OFFSET 0) AS found"
)
# PostgreSQL knows nothing of a table that has just been filled, and then reads a whole kind to find
# a hundred keys of it. What OFFSET shields is looked up one by one, whatever it believes.


def select_entries(dialect: str) -> sa.Executable:
    """Key and value of those of ``keys`` that are there."""
    return _SELECT_ENTRIES_POSTGRESQL if dialect == "postgresql" else SELECT_ENTRIES


SELECT_BATCH = (
    sa.select(ENTRIES.c.key, ENTRIES.c.value)
    .where(_OF_KIND, ENTRIES.c.key > sa.bindparam("after"))
    .order_by(ENTRIES.c.key)
    .limit(10_000)
)

SELECT_KINDS = sa.select(ENTRIES.c.kind, ENTRIES.c.key, ENTRIES.c.value).where(
    ENTRIES.c.scope == sa.bindparam("scope"),
    ENTRIES.c.kind.in_(sa.bindparam("kinds", expanding=True)),
)


WRITES_NOTHING = (
    sa.insert(ENTRIES).from_select(ENTRIES.c.keys(), sa.select(ENTRIES).where(sa.false())),
    sa.update(ENTRIES).values(value="").where(sa.false()),
    sa.delete(ENTRIES).where(sa.false()),
)
"""Fails where a server takes no writes, or none of this user."""


DELETE_ENTRY = sa.delete(ENTRIES).where(
    ENTRIES.c.scope == sa.bindparam("of_scope"),
    ENTRIES.c.kind == sa.bindparam("of_kind"),
    ENTRIES.c.key == sa.bindparam("of_key"),
)


def move_entries(scope: str, to: str) -> sa.Update:
    """Give the entries of one scope to another one, but for those that it has already."""
    there = sa.alias(ENTRIES)
    taken = sa.exists().where(
        there.c.scope == to, there.c.kind == ENTRIES.c.kind, there.c.key == ENTRIES.c.key
    )
    return sa.update(ENTRIES).where(ENTRIES.c.scope == scope, ~taken).values(scope=to)


def _create(connection: sa.Connection) -> None:
    METADATA.create_all(connection)


MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (_create,)
"""The step number ``n`` makes version ``n + 1``. Steps are only ever added at the end."""

SCHEMA_VERSION = len(MIGRATIONS)


def upsert_entries(dialect: str) -> sa.Insert:
    """Insert an entry, or put its value over the one that is there."""
    if dialect == "postgresql":
        insert = postgresql.insert(ENTRIES)
        return insert.on_conflict_do_update(
            index_elements=[ENTRIES.c.scope, ENTRIES.c.kind, ENTRIES.c.key],
            set_={"value": insert.excluded.value, "updated_at": insert.excluded.updated_at},
        )
    lite = sqlite.insert(ENTRIES)
    return lite.on_conflict_do_update(
        index_elements=[ENTRIES.c.scope, ENTRIES.c.kind, ENTRIES.c.key],
        set_={"value": lite.excluded.value, "updated_at": lite.excluded.updated_at},
    )


def stored_version(connection: sa.Connection) -> int:
    """The version of the store; 0 for an empty one."""
    if not sa.inspect(connection).has_table("meta"):
        return 0
    value = connection.scalar(sa.select(META.c.value).where(META.c.name == "schema_version"))
    return int(value) if value is not None else 0


def migrate(connection: sa.Connection, version: int) -> None:
    """Bring a store of ``version`` up to date."""
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(sa.delete(META).where(META.c.name == "schema_version"))
    connection.execute(sa.insert(META).values(name="schema_version", value=str(SCHEMA_VERSION)))
