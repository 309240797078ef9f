"""A process that writes to a store until it is killed, and prints the number of every write that was answered.

`python -m tests.conformance.writer ADDRESS FIRST COUNT`: one user and one role of the same number in each
transaction, so that half a transaction would show.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from tabard.adapters.stores.postgres import open_postgres
from tabard.adapters.stores.sqlite import open_sqlite
from tabard.directory.entities import Role, User
from tabard.ports.store import Store

ACCOUNT = "111122223333"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def open_at(address: str) -> Store:
    """The store at a PostgreSQL address or in a file."""
    if address.startswith("postgresql:"):
        return open_postgres(address, create=True)
    return open_sqlite(Path(address), create=True)


def write_one(store: Store, number: int) -> None:
    with store.write() as records:
        records.users.put(User(account=ACCOUNT, name=f"u{number:07}", id=f"AIDA{number}", created=NOW, groups=("G",)))
        records.roles.put(
            Role(
                account=ACCOUNT,
                name=f"r{number:07}",
                id=f"AROA{number}",
                created=NOW,
                assume_role_policy_document="x" * 1000,
                attached_policies=("arn:p",),
            )
        )


if __name__ == "__main__":
    opened = open_at(sys.argv[1])
    first, count = int(sys.argv[2]), int(sys.argv[3])
    for n in range(first, first + count):
        write_one(opened, n)
        print(n, flush=True)  # noqa: T201 - this is how the parent learns that the write was answered
