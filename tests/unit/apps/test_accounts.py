"""Making accounts, administrators and keys before anyone can sign a request."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tabard.apps.accounts import ADMINISTRATOR_ACCESS, AccountMaker
from tabard.directory.aws_managed import aws_managed_policy
from tabard.directory.entities import KeyStatus
from tabard.names.ids import is_account_id
from tests.worlds import ACCOUNT, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def maker(world: World) -> Iterator[AccountMaker]:
    with world.store.write() as records:
        yield AccountMaker(records=records, now=world.now, entropy=world.entropy, secrets=world.secrets)


def test_an_account_has_twelve_digits_and_one_root_key_that_is_stored_sealed(world: World, maker: AccountMaker) -> None:
    account, root = maker.account("team")

    assert is_account_id(account.id)
    assert maker.records.accounts.get_by_name("team") == account
    (key,) = maker.records.access_keys.of(account.id)
    assert (key.id, key.is_root, key.status) == (root.access_key_id, True, KeyStatus.ACTIVE)
    assert root.access_key_id.startswith("AKIA")
    assert len(root.access_key_id) == 20
    assert len(root.secret_access_key) == 40
    assert world.secrets.open(key.id, key.sealed_secret).decode() == root.secret_access_key


def test_an_account_may_be_given_its_id(maker: AccountMaker) -> None:
    assert maker.account("team", account_id="999988887777")[0].id == "999988887777"


def test_an_administrator_is_a_user_with_a_policy_that_exists(maker: AccountMaker) -> None:
    user, key = maker.administrator(ACCOUNT, "admin")

    assert maker.records.users.get(ACCOUNT, "ADMIN") == user
    assert user.attached_policies == (ADMINISTRATOR_ACCESS,)
    assert aws_managed_policy(ADMINISTRATOR_ACCESS) is not None
    assert [each.id for each in maker.records.access_keys.of(user.id)] == [key.access_key_id]


def test_the_first_key_is_the_same_each_time_and_never_one_that_was_put_out_of_use(maker: AccountMaker) -> None:
    user, key = maker.administrator(ACCOUNT, "admin")

    assert maker.first_key(ACCOUNT, owner_id=user.id) == key
    assert maker.first_key(ACCOUNT, owner_id=user.id) == key
    (stored,) = maker.records.access_keys.of(user.id)
    maker.records.access_keys.put(replace(stored, status=KeyStatus.INACTIVE))
    other = maker.first_key(ACCOUNT, owner_id=user.id)
    assert other.access_key_id != key.access_key_id
    assert maker.first_key(ACCOUNT, owner_id=user.id) == other


def test_a_new_key_shows_no_secret_by_accident(maker: AccountMaker) -> None:
    key = maker.key(ACCOUNT, owner_id=ACCOUNT)

    assert repr(key) == f"NewKey({key.access_key_id})"
    assert key.secret_access_key not in f"{key} {key!r} {[key]}"
