"""Which schema a database holds, and how it comes to hold ours.

A new store is made in its newest form at once, without alembic, whose import alone would cost a third of
a second; a test proves that the migrations lead to the same tables. An older store is migrated when it is
opened, inside one transaction. A newer one, or a database of something else, is left alone.
"""

from enum import Enum, auto

from sqlalchemy import Connection, insert, inspect, select

from tabard.adapters.stores.tables import FIRST_STATE, REVISIONS, VERSION_TABLE, metadata, schema_version, state
from tabard.ports.store import StoreUnavailable


class SchemaState(Enum):
    """What a database holds, as this version of Tabard sees it."""

    EMPTY = auto()
    OLDER = auto()
    CURRENT = auto()
    NEWER = auto()
    FOREIGN = auto()


def schema_state(connection: Connection) -> SchemaState:
    """What the database holds."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return SchemaState.EMPTY
    if VERSION_TABLE not in tables:
        return SchemaState.FOREIGN
    revision = connection.scalar(select(schema_version.c.version_num))
    if revision == REVISIONS[-1]:
        return SchemaState.CURRENT
    return SchemaState.OLDER if revision in REVISIONS else SchemaState.NEWER


def prepare_schema(connection: Connection, *, create: bool) -> None:
    """Bring the database to our schema, inside the caller's exclusive transaction.

    Raises:
        StoreUnavailable: it holds a newer schema, or something else, or nothing and `create` is false.
    """
    match schema_state(connection):
        case SchemaState.CURRENT:
            pass
        case SchemaState.OLDER:
            _migrate(connection)
        case SchemaState.EMPTY if create:
            _create(connection)
        case SchemaState.EMPTY:
            raise StoreUnavailable("the database is empty; no store was created in it yet")
        case SchemaState.NEWER:
            raise StoreUnavailable("the store was written by a newer version of Tabard; upgrade this one")
        case SchemaState.FOREIGN:
            raise StoreUnavailable("the database holds tables that are not Tabard's; give it one of its own")


def _create(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(schema_version), {"version_num": REVISIONS[-1]})
    connection.execute(insert(state), FIRST_STATE)


def _migrate(connection: Connection) -> None:
    from alembic import command  # late: most stores that are opened need no migration
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "tabard.adapters.stores:migrations")
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
