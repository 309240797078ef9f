"""Last uses are noted in memory, the newest for each long-lived key."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tabard.directory.entities import AccessKeyUse
from tests.attacks.forge_sigv4 import NOW
from tests.houses import InProcessHouse, in_process_house, request


@pytest.fixture
def house() -> Iterator[InProcessHouse]:
    with in_process_house() as started:
        yield started


def test_the_newest_use_of_a_key_is_taken_once(house: InProcessHouse) -> None:
    house.call("GetCallerIdentity")
    house.call("ListUsers")
    uses = house.pipeline._last_uses

    assert uses.take() == [
        AccessKeyUse(key_id=house.admin.access_key_id, at=NOW, service="iam", region="eu-central-1")
    ]  # fmt: skip
    assert uses.take() == []


def test_a_use_is_noted_when_it_is_proven_allowed_or_not(house: InProcessHouse) -> None:
    uses = house.pipeline._last_uses
    house.answer(request(b"Action=GetCallerIdentity&Version=2011-06-15"))
    house.call("GetCallerIdentity", key=type(house.admin)(house.admin.access_key_id, "wrong"))
    assert uses.take() == []

    house.call("AssumeRole", RoleArn="arn:aws:iam::111122223333:role/none", RoleSessionName="session")
    assert [use.service for use in uses.take()] == ["sts"]


def test_a_session_is_no_key_that_anybody_could_ask_about(house: InProcessHouse) -> None:
    answer = house.call("GetSessionToken", key=house.root)
    house.pipeline._last_uses.take()
    parts = {
        name: answer.body.partition(f"<{name}>".encode())[2].partition(b"<")[0]
        for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
    }
    from tests.houses import form, signed

    draft = house.draft(form("GetCallerIdentity")).but(
        key_id=parts["AccessKeyId"].decode(), secret=parts["SecretAccessKey"].decode()
    )

    assert house.answer(signed(draft.plus((b"x-amz-security-token", parts["SessionToken"])))).status == 200
    assert house.pipeline._last_uses.take() == []


def test_uses_are_written_to_the_store_and_a_key_that_is_gone_is_passed_over(house: InProcessHouse) -> None:
    house.call("CreateUser", UserName="bob")
    made = house.call("CreateAccessKey", UserName="bob").body
    key_id = made.partition(b"<AccessKeyId>")[2].partition(b"<")[0].decode()
    secret = made.partition(b"<SecretAccessKey>")[2].partition(b"<")[0].decode()
    house.clock.at = NOW + timedelta(seconds=5)
    house.call("GetCallerIdentity", key=type(house.admin)(key_id, secret))
    house.call("DeleteAccessKey", UserName="bob", AccessKeyId=key_id)

    house.run(house.pipeline._flush_last_uses())

    with house.world.store.read() as records:
        assert records.access_keys.last_use(key_id) is None
        used = records.access_keys.last_use(house.admin.access_key_id)
    assert used is not None
    assert (used.service, used.at) == ("iam", NOW + timedelta(seconds=5))
