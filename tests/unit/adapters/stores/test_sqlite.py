"""The SQLite file: its modes, its durability, and what is said when it cannot be used."""

import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tabard.adapters.stores import sqlite, turns
from tabard.adapters.stores.sql import SQLStore
from tabard.adapters.stores.sqlite import open_sqlite
from tabard.directory.entities import Account
from tabard.ports.store import StoreUnavailable

ACCOUNT = Account(id="111122223333", name="home", created=datetime(2026, 3, 1, tzinfo=UTC))


def put_account(path: Path) -> None:
    with closing(open_sqlite(path, create=True)) as store, store.write() as records:
        records.accounts.put(ACCOUNT)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_its_log_and_its_folder_are_for_the_owner_alone(tmp_path: Path):
    path = tmp_path / "data" / "tabard.sqlite"
    before = os.umask(0)
    try:
        with closing(open_sqlite(path, create=True)) as store, store.write() as records:
            records.accounts.put(ACCOUNT)
            assert {mode_of(file) for file in path.parent.iterdir()} == {0o600}
            assert len(list(path.parent.iterdir())) == 3
    finally:
        os.umask(before)
    assert mode_of(path.parent) == 0o700


def test_every_commit_is_synced_to_disk(tmp_path: Path):
    store = open_sqlite(tmp_path / "store", create=True)
    assert isinstance(store, SQLStore)
    with store._engine.connect() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "fullfsync")
        ]
    store.close()
    assert settings == ["wal", 2, 1]


def test_a_store_is_there_after_closing(tmp_path: Path):
    put_account(tmp_path / "store")
    with closing(open_sqlite(tmp_path / "store", create=False)) as store, store.read() as records:
        assert records.accounts.get(ACCOUNT.id) == ACCOUNT


@pytest.mark.parametrize("name", ["a b", "a?mode=memory", "a#b", "file:x", ":memory:", "ü%20"])
def test_any_file_name_is_taken_as_it_is(tmp_path: Path, name: str):
    put_account(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 0
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_missing_file_is_said_and_not_made(tmp_path: Path):
    with pytest.raises(StoreUnavailable, match=r"nowhere: no such file$"):
        open_sqlite(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"store: (Not a directory|File exists)$"):
        open_sqlite(tmp_path / "file" / "store", create=True)


def test_a_file_of_something_else_is_said_and_left_alone(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)
    with pytest.raises(StoreUnavailable, match=r"notes\.txt: file is not a database$"):
        open_sqlite(path, create=True)
    assert path.read_text() == "not a database\n" * 100


def test_the_database_of_something_else_is_said_and_left_alone(tmp_path: Path):
    path = tmp_path / "theirs"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE entities (x)")
        theirs.commit()
    with pytest.raises(StoreUnavailable, match=r"theirs: the database holds tables that are not Tabard's"):
        open_sqlite(path, create=True)
    with closing(sqlite3.connect(path)) as theirs:
        assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("entities",)]


def test_a_store_that_another_process_keeps_locked_is_said_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "store"
    put_account(path)
    monkeypatch.setattr(sqlite, "_PRAGMAS", ("busy_timeout = 50", *sqlite._PRAGMAS[1:]))
    store = open_sqlite(path, create=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match=r"^database is locked$"), store.write():
            pytest.fail("never begun")
        with store.read() as records:
            assert records.accounts.get(ACCOUNT.id) == ACCOUNT
    with store.write() as records:
        records.accounts.put(ACCOUNT)
    store.close()


def test_a_writer_that_never_ends_makes_others_wait_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    store = open_sqlite(tmp_path / "store", create=True)

    def write() -> None:
        with store.write():
            pass

    with ThreadPoolExecutor(1) as pool, store.write():
        waiting = pool.submit(write).exception()
    assert isinstance(waiting, StoreUnavailable)
    assert str(waiting) == "no turn to write within 0.05 seconds"
    write()
    store.close()


def test_a_damaged_record_is_said_without_its_contents(tmp_path: Path):
    path = tmp_path / "store"
    put_account(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("""UPDATE entities SET record = '{"id": 1, "secret": "s3cr3t"}'""")
        other.commit()
    store = open_sqlite(path, create=False)
    with pytest.raises(StoreUnavailable, match="a stored record cannot be read") as raised, store.read() as records:
        records.accounts.get(ACCOUNT.id)
    store.close()
    assert "s3cr3t" not in str(raised.value)
