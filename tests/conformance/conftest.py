"""The stores that the conformance suite runs against: each test gets an empty one of each kind."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tabard.adapters.stores.memory import MemoryStore
from tabard.adapters.stores.postgres import open_postgres
from tabard.adapters.stores.sqlite import open_sqlite
from tabard.ports.store import Store
from tests.conformance.postgres_server import NoPostgres, in_schema, running_postgres

Open = Callable[[], Store]
_schemas = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    pytest.importorskip("psycopg")
    server = running_postgres()
    try:
        address = server.__enter__()
    except NoPostgres as error:
        pytest.skip(f"no PostgreSQL: {error}")
    try:
        yield address
    finally:
        server.__exit__(None, None, None)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The address of an empty schema of its own."""
    import psycopg

    schema = f"store_{next(_schemas)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return in_schema(postgres_server, schema)


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "tabard.sqlite"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens one more handle on the test's store."""
    handles: list[Store] = []
    if request.param == "memory":
        memory = MemoryStore()
        open_one: Open = lambda: memory  # noqa: E731 - three ways to open, one line each
    elif request.param == "sqlite":
        path = request.getfixturevalue("sqlite_path")
        open_one = lambda: open_sqlite(path, create=True)  # noqa: E731
    else:
        url = request.getfixturevalue("postgres_url")
        open_one = lambda: open_postgres(url, create=True)  # noqa: E731

    def open_and_remember() -> Store:
        handles.append(open_one())
        return handles[-1]

    yield open_and_remember
    for handle in handles:
        handle.close()


@pytest.fixture
def store(open_store: Open) -> Store:
    return open_store()
