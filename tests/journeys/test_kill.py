"""`kill -9` in the middle of writes: what was answered is there, what was answered is in the audit, and keys work.

Several clients write without pause; the server is killed and started again on the same folder, a few times over.
"""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.journeys.conftest import Keys, trust
from tests.journeys.servers import Server, poll, serving

ROUNDS = 3
CLIENTS = 4


class Writer(threading.Thread):
    """One client that makes one user, role or key after the other until the server is gone."""

    def __init__(self, server: Server, name: str) -> None:
        super().__init__()
        self._iam = server.house.client("iam", server.house.root, connect_timeout=5, read_timeout=10)
        self._name = name
        self.users: dict[str, str] = {}
        self.roles: dict[str, str] = {}
        self.keys: list[Keys] = []
        self.request_ids: list[str] = []

    def run(self) -> None:
        number = 0
        try:
            while True:
                number += 1
                name = f"{self._name}-{number}"
                user = self._noted(self._iam.create_user, UserName=name)
                self.users[name] = user["User"]["UserId"]
                key = self._noted(self._iam.create_access_key, UserName=name)
                self.keys.append(Keys.of(key["AccessKey"]))
                role = self._noted(
                    self._iam.create_role, RoleName=name, AssumeRolePolicyDocument=trust({"AWS": "111122223333"})
                )
                self.roles[name] = role["Role"]["RoleId"]
        except (BotoCoreError, ClientError, OSError):
            return  # however a client sees that the server was killed

    def _noted(self, method: Callable[..., dict[str, Any]], **given: str) -> dict[str, Any]:
        answer = method(**given)
        self.request_ids.append(answer["ResponseMetadata"]["RequestId"])
        return answer


def found(server: Server, kind: str, name: str) -> dict[str, str]:
    """Names and ids of all users or roles."""
    pages = server.house.client("iam", server.house.root).get_paginator(f"list_{kind}").paginate()
    return {each[f"{name}Name"]: each[f"{name}Id"] for page in pages for each in page[kind.capitalize()]}


def write_until_killed(folder: Path, turn: int, workers: int) -> list[Writer]:
    """One round. What the writers were told is theirs; the server is gone."""
    with serving(folder, listen={"workers": workers}) as server:
        writers = [Writer(server, f"w{turn}-{number}") for number in range(CLIENTS)]
        for writer in writers:
            writer.start()
        poll(lambda: sum(len(writer.users) for writer in writers) >= 10 * (turn + 1), "some users")
        for pid in (server.process.pid, *workers_of(server)):
            os.kill(pid, signal.SIGKILL)
        server.process.wait(timeout=20)
        for writer in writers:
            writer.join(timeout=30)
            assert not writer.is_alive()
    return writers


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path, workers: int) -> None:
    writers = [writer for turn in range(ROUNDS) for writer in write_until_killed(tmp_path, turn, workers)]
    users = {name: unique_id for writer in writers for name, unique_id in writer.users.items()}
    roles = {name: unique_id for writer in writers for name, unique_id in writer.roles.items()}
    keys = [key for writer in writers for key in writer.keys]
    request_ids = {request_id for writer in writers for request_id in writer.request_ids}

    with serving(tmp_path) as server:
        stored_users, stored_roles = found(server, "users", "User"), found(server, "roles", "Role")
        assert users.items() <= stored_users.items()
        assert roles.items() <= stored_roles.items()
        assert len(stored_users) - len(users) <= ROUNDS * CLIENTS, "at most one unanswered for each client"
        for held in (*keys[:5], *keys[-5:]):
            assert server.house.client("sts", held).get_caller_identity()["Account"] == server.house.account
        recorded = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().split("\n") if line]

    seen = [record["requestID"] for record in recorded]
    assert request_ids <= set(seen)
    assert len(set(seen)) == len(seen), "no call has two records"
    made = {r["requestParameters"]["userName"] for r in recorded if r["eventName"] == "CreateUser"}
    assert set(stored_users) <= made, "nothing is in the store that is not in the audit"


def workers_of(server: Server) -> list[int]:
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
