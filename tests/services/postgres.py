"""A PostgreSQL server of one's own: ``python -m tests.services.postgres``."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.services.process import (
    ServerProcess,
    Unavailable,
    as_user,
    free_port,
    wait_for_the_end,
)

INSTALL = "apt-get install -y postgresql"
PASSWORD = "correct-horse"
"""Of the user ``locked``, the only one that is asked for one."""


def binaries() -> Path:
    """The folder with initdb and postgres, of the newest version.

    Raises:
        Unavailable: There is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    if found:
        return found[-1]
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    message = f"there is no PostgreSQL server on this machine: {INSTALL}"
    raise Unavailable(message)


class PostgresServer:
    """A cluster on 127.0.0.1. User ``penstock`` needs no password, user ``locked`` does.

    Args:
        directory: Where everything is.
        durable: Wait for the disk, as in earnest; without, a killed server still loses nothing.
        settings: Of postgresql.conf.
    """

    def __init__(self, directory: Path, *, durable: bool = False, **settings: str | int) -> None:
        self.port = free_port()
        self._names = itertools.count(1)
        user = _user()
        if user is not None:
            os.chown(directory, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        data = directory / "data"
        bin_ = binaries()
        arguments = ["--auth=trust", "--username=penstock", "--encoding=UTF8", "--locale=C"]
        subprocess.run(
            [bin_ / "initdb", "-D", data, *arguments, *([] if durable else ["--no-sync"])],
            check=True,
            capture_output=True,
            cwd=directory,
            **as_user(user),
        )
        (data / "pg_hba.conf").write_text(
            "host all locked 127.0.0.1/32 scram-sha-256\n"
            "host all all 127.0.0.1/32 trust\nlocal all all trust\n"
        )
        given = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": directory,
            "fsync": "on" if durable else "off",
            **settings,
        }
        options = [text for name, value in given.items() for text in ("-c", f"{name}={value}")]
        self._process = ServerProcess(
            [str(bin_ / "postgres"), "-D", str(data), *options],
            directory / "log",
            self._answers,
            user=user,
        )

    def start(self) -> None:
        """Start it, also after ``kill`` or ``stop``: same port, same data."""
        self._process.start()
        if next(self._names) == 1:
            self.execute(f"CREATE ROLE locked SUPERUSER LOGIN PASSWORD '{PASSWORD}'")

    def stop(self, *, immediate: bool = False) -> None:
        """End it in order, or at once as ``pg_ctl stop -m immediate``."""
        self._process.stop(signal.SIGQUIT if immediate else signal.SIGINT)

    def kill(self) -> None:
        """``kill -9`` of the server; those that serve connections notice and end."""
        self._process.kill()

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"test{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, user: str = "penstock") -> str:
        """The address of a database, for ``--state``."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Carry out one statement, and the rows it gives."""
        with self._connect(database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="penstock",
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def _user() -> str | None:
    """Whom PostgreSQL runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextlib.contextmanager
def postgres(*, durable: bool = False, **settings: str | int) -> Iterator[PostgresServer]:
    """A running server, gone afterwards with everything in it.

    Raises:
        Unavailable: There is no PostgreSQL on this machine.
    """
    binaries()
    with tempfile.TemporaryDirectory(prefix="penstock-postgres-") as directory:
        server = PostgresServer(Path(directory), durable=durable, **settings)
        try:
            server.start()
            yield server
        finally:
            server.kill()


if __name__ == "__main__":
    with postgres(durable=True) as running:
        print(running.database(), flush=True)
        wait_for_the_end()
