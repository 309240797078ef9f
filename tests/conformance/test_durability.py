"""What was answered is there: after `kill -9` in the middle of writing, and for another process at once."""

import random
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tabard.directory.entities import EntityKind
from tabard.ports.store import Change, Store
from tests.conformance.writer import ACCOUNT, open_at, write_one

ROUNDS = 5
FOREVER = 1_000_000
MAXIMUM_STALENESS = 1.0


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    name = "sqlite_path" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


def start_writer(address: str, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.conformance.writer", address, str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def kill_in_the_middle(writer: subprocess.Popen[str], seconds: float) -> list[int]:
    """The numbers of the writes that were answered before the kill."""
    with writer:
        assert writer.stdout is not None
        answered = writer.stdout.readline()
        time.sleep(seconds)
        writer.kill()
        rest = writer.stdout.read()  # not communicate(), which forgets what readline() has read beyond its line
    return [int(line) for line in re.findall(r"(\d+)\n", answered + rest)]


def test_a_kill_loses_nothing_that_was_answered_and_leaves_a_store_that_opens(address: str):
    answered: list[int] = []
    for _ in range(ROUNDS):
        first = answered[-1] + 2 if answered else 0
        answered += kill_in_the_middle(start_writer(address, first, FOREVER), random.uniform(0.0, 0.4))
        store = open_at(address)
        with store.write():
            pass  # by its turn: a PostgreSQL server may still be committing what the dead process asked for
        require_whole(store, answered)
        store.close()
        if not address.startswith("postgresql:"):
            require_intact(address)
    assert len(answered) > ROUNDS


def require_whole(store: Store, answered: list[int]) -> None:
    """Every answered write is there, no half of another, and the log knows them all."""
    with store.read() as records:
        users = [user.id.removeprefix("AIDA") for user in records.users.list(ACCOUNT, limit=FOREVER)]
        roles = [role.id.removeprefix("AROA") for role in records.roles.list(ACCOUNT, limit=FOREVER)]
        members = records.users.in_group("G", limit=FOREVER)
        attachments = records.policies.attachments(ACCOUNT, "arn:p")
    assert users == roles
    assert set(map(str, answered)) <= set(users)
    assert len(users) <= len(answered) + ROUNDS, "each kill may leave one write that was done and not answered"
    assert len(members) == len(attachments) == len(users) == store.revision()
    changes = store.changes_since(0)
    assert not changes.complete or {change.id[4:] for change in changes.changes} == set(users)


def require_intact(path: str) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_another_process_sees_a_change_within_a_second(address: str):
    store = open_at(address)
    write_one(store, 0)
    known = store.revision()
    writer = start_writer(address, 1, 3)
    assert writer.stdout is not None
    for number in (1, 2, 3):
        assert int(writer.stdout.readline()) == number
        answered = time.monotonic()
        while Change(EntityKind.USER, f"AIDA{number}") not in store.changes_since(known).changes:
            assert time.monotonic() - answered < MAXIMUM_STALENESS
        with store.read() as records:
            assert records.users.get_by_id(f"AIDA{number}") is not None
    writer.communicate(timeout=30)
    assert writer.returncode == 0
    assert store.revision() == 4
    store.close()


def test_processes_that_make_the_store_at_once_agree(address: str):
    writers = [start_writer(address, 100 * n, 10) for n in range(4)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    store = open_at(address)
    require_whole(store, [100 * n + m for n in range(4) for m in range(10)])
    store.close()
