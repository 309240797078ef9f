"""The store in one SQLite file.

A write that was answered is on disk: the write-ahead log is synced at every commit (`synchronous=FULL`;
SQLite documentation, "PRAGMA synchronous"). The file is readable by its owner alone, and SQLite gives the
log beside it the same mode. One writer at a time, of all processes; readers never wait.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy import URL, QueuePool, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from tabard.adapters.stores.sql import CONNECTIONS, SQLStore
from tabard.adapters.stores.turns import PATIENCE
from tabard.ports.store import Store, StoreUnavailable

_PRAGMAS: Final = (
    f"busy_timeout = {int(PATIENCE * 1000)}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",
)


def open_sqlite(path: Path, *, create: bool) -> Store:
    """The store in the file, migrated if it is older; with `create`, made if there is none.

    Open it after a fork, not before: SQLite's connections must not cross one.

    Raises:
        StoreUnavailable: there is no such file, or it is no store of ours, or it cannot be used.
    """
    try:
        if create:
            _create_private(path)
        elif not path.is_file():
            raise StoreUnavailable(f"{path}: no such file")
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    engine = create_engine(
        URL.create("sqlite", database=str(path.absolute())),
        poolclass=QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=PATIENCE,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up)
    store = SQLStore(engine, name=str(path), begin_read="BEGIN", begin_write="BEGIN IMMEDIATE")
    store.prepare(create=create)
    return store


def _create_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _set_up(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where SQLStore says, not where the driver guesses
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
