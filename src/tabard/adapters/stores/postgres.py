"""The store in a PostgreSQL database (or a schema of one, by `search_path`).

Writers of all processes take turns by an advisory lock that ends with the transaction; readers see one
snapshot and never wait. A commit waits for the disk, even where the server's default says otherwise.
"""

from typing import Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from tabard.adapters.stores.sql import CONNECTIONS, SQLStore
from tabard.adapters.stores.turns import PATIENCE
from tabard.ports.store import Store, StoreUnavailable

_WRITERS: Final = 0x746162617264
"""The advisory lock of the writers: "tabard" in ASCII."""

_SETTINGS: Final = (
    f"SET statement_timeout = '{PATIENCE:g}s'",
    f"SET idle_in_transaction_session_timeout = '{PATIENCE:g}s'",
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)


def open_postgres(url: str, *, create: bool) -> Store:
    """The store in the database at `postgresql://…`, migrated if it is older; with `create`, made if it is empty.

    Open it after a fork, not before: connections must not cross one.

    Raises:
        StoreUnavailable: the server does not answer, or the database is no store of ours, or psycopg is not installed.
    """
    try:
        target = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_engine(
            target,
            poolclass=QueuePool,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=PATIENCE,
            isolation_level="READ COMMITTED",
            connect_args={"connect_timeout": int(PATIENCE), "application_name": "tabard"},
            hide_parameters=True,
        )
    except ArgumentError as error:
        raise StoreUnavailable("the store's address is not of the form postgresql://user@host/database") from error
    except ModuleNotFoundError as error:
        raise StoreUnavailable("PostgreSQL needs the extra `postgres`: pip install 'tabard[postgres]'") from error
    event.listen(engine, "connect", _set_up)
    store = SQLStore(
        engine,
        name=f"{target.host or 'local'}/{target.database or ''}",
        begin_read="SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        begin_write=f"SELECT pg_advisory_xact_lock({_WRITERS})",
    )
    store.prepare(create=create)
    return store


def _set_up(connection: Any, _entry: ConnectionPoolEntry) -> None:  # Any: psycopg is an extra, absent where not used
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.commit()
