"""Two servers on one store: each sees within a second what was changed through the other.

A second is what is promised (`ports.identities.MAXIMUM_STALENESS`); it is measured by asking again and again.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.conftest import postgres_server, postgres_url
from tests.journeys.conftest import TABARD, Keys, allow, document, trust
from tests.journeys.servers import Server, poll, serving

__all__ = ["postgres_server", "postgres_url"]

PROMISED = 1.0
SLACK = 0.5
"""What the asking itself may take on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two servers on one store; `here` is where changes are made."""

    here: Server
    there: Server

    def client(self, server: Server, service: str, keys: Keys | None = None) -> Any:
        return server.house.client(service, keys or server.house.root)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    store = "sqlite:///tabard.db"
    if request.param == "postgres":
        store = _schema_of_its_own(request.getfixturevalue("postgres_server"))
    with ExitStack() as stack:
        here, there = (stack.enter_context(serving(folder, store=store, name=name)) for name in ("a.toml", "b.toml"))
        assert here.endpoint != there.endpoint
        yield Pair(here=here, there=there)


def _schema_of_its_own(address: str) -> str:
    import psycopg

    from tests.conformance.postgres_server import in_schema

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA two_servers")
    return in_schema(address, "two_servers")


def code(call: Callable[[], object]) -> str:
    """The code of the refusal; empty when it was allowed."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def soon(holds: Callable[[], bool], what: str) -> None:
    assert poll(holds, what, seconds=5) < PROMISED + SLACK, what


def test_what_is_changed_here_decides_there_within_a_second(pair: Pair) -> None:
    iam = pair.client(pair.here, "iam")
    iam.create_user(UserName="ana")
    keys = Keys.of(iam.create_access_key(UserName="ana")["AccessKey"])
    sts_there, iam_there = (pair.client(pair.there, service, keys) for service in ("sts", "iam"))

    soon(lambda: code(sts_there.get_caller_identity) == "", "a new key to be known")
    assert code(iam_there.list_groups) == "AccessDenied"
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=document(allow("iam:ListGroups")))
    soon(lambda: code(iam_there.list_groups) == "", "a policy to allow")
    iam.put_user_policy(
        UserName="ana",
        PolicyName="no",
        PolicyDocument=document({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
    )
    soon(lambda: code(iam_there.list_groups) == "AccessDenied", "a policy to deny")
    iam.update_access_key(UserName="ana", AccessKeyId=keys.access_key_id, Status="Inactive")
    soon(lambda: code(sts_there.get_caller_identity) == "InvalidClientTokenId", "a key to be out of use")


def test_a_key_that_was_looked_for_in_vain_is_found_once_it_is_there(pair: Pair) -> None:
    """What is not there is remembered too, and must be forgotten in time."""
    arn = f"arn:aws:iam::{pair.here.house.account}:role/to-be"
    sts_there = pair.client(pair.there, "sts")
    iam = pair.client(pair.here, "iam")
    iam.create_user(UserName="taker")
    iam.put_user_policy(UserName="taker", PolicyName="p", PolicyDocument=document(allow("sts:AssumeRole")))
    keys = Keys.of(iam.create_access_key(UserName="taker")["AccessKey"])
    sts_there = pair.client(pair.there, "sts", keys)
    soon(lambda: code(sts_there.get_caller_identity) == "", "a new key to be known")

    def take() -> str:
        return code(lambda: sts_there.assume_role(RoleArn=arn, RoleSessionName="session"))

    assert take() == "AccessDenied"
    iam.create_role(RoleName="to-be", AssumeRolePolicyDocument=trust({"AWS": pair.here.house.account}))
    soon(lambda: take() == "", "a new role to be taken")
    session = Keys.of(sts_there.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"])
    assert code(pair.client(pair.here, "sts", session).get_caller_identity) == "", "its session is believed by both"
    iam.delete_role(RoleName="to-be")
    soon(lambda: take() == "AccessDenied", "a deleted role to be refused")
    there = pair.client(pair.there, "sts", session)
    soon(lambda: code(there.get_caller_identity) == "InvalidClientTokenId", "its session to end")


def test_a_role_that_only_resembles_another_is_changed_at_once_where_the_change_was_asked_for(pair: Pair) -> None:
    iam = pair.client(pair.here, "iam")
    iam.create_user(UserName="impatient")
    keys = Keys.of(iam.create_access_key(UserName="impatient")["AccessKey"])

    assert code(pair.client(pair.here, "sts", keys).get_caller_identity) == "", "read your own writes"
    iam.put_user_policy(UserName="impatient", PolicyName="p", PolicyDocument=document(allow("iam:ListGroups")))
    assert code(pair.client(pair.here, "iam", keys).list_groups) == ""


def test_sealing_keys_are_rotated_and_retired_under_both(pair: Pair) -> None:
    def keys(*words: str) -> None:
        command = [*TABARD, "keys", *words, "--config", str(pair.here.config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr

    def session(server: Server) -> Keys:
        return Keys.of(pair.client(server, "sts").get_session_token()["Credentials"])

    def believed(server: Server, held: Keys) -> bool:
        return code(pair.client(server, "sts", held).get_caller_identity) == ""

    servers = (pair.here, pair.there)
    old = session(pair.here)
    keys("rotate")
    new = [session(server) for server in servers]
    assert all(believed(server, held) for server in servers for held in (old, *new))
    keys("retire", "1", "--yes")
    for server in servers:
        soon(lambda server=server: not believed(server, old), "a session of a retired key to end")
    assert all(believed(server, held) for server in servers for held in new)


def test_both_write_at_once_and_nothing_is_lost(pair: Pair) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(number: int) -> str:
        server = (pair.here, pair.there)[number % 2]
        return pair.client(server, "iam").create_group(GroupName=f"both-{number}")["Group"]["GroupName"]

    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(make, range(40)))

    for server in (pair.here, pair.there):
        pages = pair.client(server, "iam").get_paginator("list_groups").paginate()
        assert {group["GroupName"] for page in pages for group in page["Groups"]} >= made


def test_one_name_is_given_once(pair: Pair) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(number: int) -> str:
        server = (pair.here, pair.there)[number % 2]
        return code(lambda: pair.client(server, "iam").create_role(
            RoleName=("Only-One", "only-one")[number % 2], AssumeRolePolicyDocument=trust({"AWS": "111122223333"})
        ))  # fmt: skip

    with ThreadPoolExecutor(8) as threads:
        codes = sorted(threads.map(make, range(8)))

    assert codes == ["", *["EntityAlreadyExists"] * 7]
