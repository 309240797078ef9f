"""Making, migrating and refusing schemas."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, MetaData, Table, create_engine, insert, text

from tabard.adapters.stores import schema
from tabard.adapters.stores.schema import SchemaState, prepare_schema, schema_state
from tabard.adapters.stores.sqlite import open_sqlite
from tabard.adapters.stores.tables import REVISIONS, VERSION_TABLE, metadata, schema_version
from tabard.ports.store import StoreUnavailable


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    yield from connect(tmp_path / "one")


@pytest.fixture
def other_connection(tmp_path: Path) -> Iterator[Connection]:
    yield from connect(tmp_path / "other")


def connect(path: Path) -> Iterator[Connection]:
    engine = create_engine(URL.create("sqlite", database=str(path)))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def migrate_from_nothing(connection: Connection) -> None:
    schema._migrate(connection)


def set_revision(connection: Connection, revision: str) -> None:
    connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))


def dump(connection: Connection) -> list[str]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return sorted(" ".join(line.split()) for line in driver.iterdump())


def test_a_new_store_equals_what_the_migrations_make(connection: Connection, other_connection: Connection):
    prepare_schema(connection, create=True)
    migrate_from_nothing(other_connection)
    assert dump(connection) == dump(other_connection)


def test_the_migrations_lead_to_the_tables_that_the_statements_use(connection: Connection):
    migrate_from_nothing(connection)
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    described = MetaData()
    for table in metadata.sorted_tables:
        if table is not schema_version:
            table.to_metadata(described)
    assert compare_metadata(context, described) == []


def test_the_revisions_are_those_of_the_migrations():
    config = Config()
    config.set_main_option("script_location", "tabard.adapters.stores:migrations")
    config.set_main_option("path_separator", "os")
    steps = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(reversed([step.revision for step in steps])) == REVISIONS


def test_the_state_of_a_schema_is_told(connection: Connection):
    assert schema_state(connection) is SchemaState.EMPTY
    prepare_schema(connection, create=True)
    assert schema_state(connection) is SchemaState.CURRENT
    set_revision(connection, "9999")
    assert schema_state(connection) is SchemaState.NEWER


def test_tables_of_something_else_are_foreign(connection: Connection):
    connection.execute(text("CREATE TABLE users (id INTEGER)"))
    assert schema_state(connection) is SchemaState.FOREIGN
    with pytest.raises(StoreUnavailable, match=r"the database holds tables that are not Tabard's"):
        prepare_schema(connection, create=True)


def test_an_older_store_is_migrated(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    prepare_schema(connection, create=True)
    monkeypatch.setattr(schema, "REVISIONS", (*REVISIONS, "9999"))
    assert schema_state(connection) is SchemaState.OLDER
    prepare_schema(connection, create=False)
    monkeypatch.undo()
    assert schema_state(connection) is SchemaState.CURRENT


def test_a_newer_store_is_left_alone(connection: Connection):
    prepare_schema(connection, create=True)
    set_revision(connection, "9999")
    before = dump(connection)
    with pytest.raises(
        StoreUnavailable, match=r"^the store was written by a newer version of Tabard; upgrade this one$"
    ):
        prepare_schema(connection, create=True)
    assert dump(connection) == before


def test_an_empty_database_is_filled_only_when_asked(connection: Connection):
    with pytest.raises(StoreUnavailable, match="no store was created in it yet"):
        prepare_schema(connection, create=False)
    assert schema_state(connection) is SchemaState.EMPTY


def test_a_store_is_made_and_opened_without_importing_alembic(tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from tabard.adapters.stores.sqlite import open_sqlite;"
        f"open_sqlite(Path({str(tmp_path / 'x')!r}), create=True).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_migrated_store_works(tmp_path: Path):
    for made in connect(tmp_path / "store"):
        migrate_from_nothing(made)
        made.commit()
    store = open_sqlite(tmp_path / "store", create=False)
    assert store.revision() == 0
    store.close()


def test_a_version_table_without_a_version_is_not_believed(connection: Connection):
    schema_version.create(connection)
    with pytest.raises(StoreUnavailable):
        prepare_schema(connection, create=True)
    connection.execute(
        insert(Table(VERSION_TABLE, MetaData(), autoload_with=connection)), {"version_num": REVISIONS[-1]}
    )
    assert schema_state(connection) is SchemaState.CURRENT
