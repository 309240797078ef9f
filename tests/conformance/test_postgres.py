"""The PostgreSQL store: what is said when it cannot be used, and how it comes back."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from tabard.adapters.stores import postgres
from tabard.adapters.stores.postgres import open_postgres
from tabard.adapters.stores.schema import SchemaState, schema_state
from tabard.adapters.stores.sql import SQLStore
from tabard.adapters.stores.tables import VERSION_TABLE
from tabard.directory.entities import Account
from tabard.ports.store import Store, StoreUnavailable

ACCOUNT = Account(id="111122223333", name="home", created=datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture
def store(postgres_url: str) -> Iterator[SQLStore]:
    store = open_postgres(postgres_url, create=True)
    assert isinstance(store, SQLStore)
    yield store
    store.close()


def put_account(store: Store) -> None:
    with store.write() as records:
        records.accounts.put(ACCOUNT)


def test_an_address_that_is_none_is_said_without_repeating_it():
    with pytest.raises(StoreUnavailable, match=r"^the store's address is not of the form") as raised:
        open_postgres("s3cr3t", create=True)
    assert "s3cr3t" not in str(raised.value)


def test_a_server_that_does_not_answer_is_said_without_the_password():
    with pytest.raises(StoreUnavailable, match=r"^127\.0\.0\.1/tabard: .*refused") as raised:
        open_postgres("postgresql://tabard:s3cr3t@127.0.0.1:1/tabard", create=True)
    assert "s3cr3t" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_empty_database_is_filled_only_when_asked(postgres_url: str):
    with pytest.raises(StoreUnavailable, match="no store was created in it yet"):
        open_postgres(postgres_url, create=False)
    open_postgres(postgres_url, create=True).close()
    open_postgres(postgres_url, create=False).close()


def test_a_newer_store_is_left_alone(store: SQLStore, postgres_url: str):
    with store._engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreUnavailable, match="newer version of Tabard"):
        open_postgres(postgres_url, create=True)


def test_the_migrations_make_the_same_tables(store: SQLStore, postgres_server: str, postgres_url: str):
    from tabard.adapters.stores import schema

    other = f"migrated_{postgres_url.rpartition('store_')[2]}"
    with store._engine.begin() as connection:
        made = columns_and_indexes(connection)
        connection.execute(text(f"CREATE SCHEMA {other}"))
        connection.execute(text(f"SET LOCAL search_path TO {other}"))
        schema._migrate(connection)
        assert schema_state(connection) is SchemaState.CURRENT
        assert columns_and_indexes(connection) == made
        assert len(made) > 30


def columns_and_indexes(connection) -> list[tuple]:
    columns = connection.execute(
        text(
            "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, collation_name"
            " FROM information_schema.columns WHERE table_schema = current_schema()"
        )
    )
    indexes = connection.execute(
        text(
            "SELECT tablename, indexname, replace(indexdef, schemaname || '.', '')"
            " FROM pg_indexes WHERE schemaname = current_schema()"
        )
    )
    return sorted(map(repr, [*columns, *indexes]))


def test_a_commit_waits_for_the_disk_whatever_the_server_s_default(postgres_server: str, postgres_url: str):
    store = open_postgres(f"{postgres_url}%20-csynchronous_commit%3Doff", create=True)
    assert isinstance(store, SQLStore)
    with store._engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
    store.close()


def test_a_connection_that_died_in_the_pool_is_replaced(store: SQLStore):
    put_account(store)
    for _ in range(2):
        kill_connections(store)
        assert store.revision() == 1
    kill_connections(store)
    with store.write() as records:
        records.accounts.put(ACCOUNT)
    assert store.revision() == 2


def kill_connections(store: SQLStore) -> None:
    """All that lie in the pool, from one that does not."""
    with store._engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    import psycopg

    url = store._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_connection_that_dies_in_a_transaction_is_said_and_nothing_happened(store: SQLStore):
    put_account(store)
    with pytest.raises(StoreUnavailable), store.write() as records:  # noqa: PT012 - the block is what is tested
        records.accounts.put(Account(id="444455556666", name="lost", created=ACCOUNT.created))
        records._connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with store.read() as records:
        assert [account.name for account in records.accounts.list()] == ["home"]
    put_account(store)


def test_a_writer_waits_only_so_long_for_another_process(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    one = open_postgres(postgres_url, create=True)
    monkeypatch.setattr(postgres, "_SETTINGS", ("SET statement_timeout = '100ms'",))
    other = open_postgres(postgres_url, create=False)
    with ThreadPoolExecutor(1) as pool, one.write():
        waiting = pool.submit(put_account, other).exception()
    assert isinstance(waiting, StoreUnavailable)
    assert str(waiting) == "canceling statement due to statement timeout"
    put_account(other)
    one.close()
    other.close()


def test_the_driver_is_an_extra_and_its_absence_is_said():
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from tabard.adapters.stores.postgres import open_postgres\n"
        "from tabard.ports.store import StoreUnavailable\n"
        "try: open_postgres('postgresql://x/y', create=True)\n"
        "except StoreUnavailable as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert said.startswith("PostgreSQL needs the extra `postgres`")
