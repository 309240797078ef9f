from dataclasses import replace

import pytest

from tabard.directory.entities import AccessKeyUse, KeyStatus
from tabard.faults import ConstraintViolated, Denied, InvalidInput, NoSuchEntity
from tabard.names.ids import ACCESS_KEY_ID, account_of
from tests.unit.actions.iam.calls import asked, call, every_page, play_refusal, refusals
from tests.worlds import ACCOUNT, NOW, OTHER_ACCOUNT, World, refused


@pytest.mark.parametrize("case", refusals("access_keys"))
def test_refusals(case):
    play_refusal(World(), case)


def test_a_new_key_carries_its_account_and_its_secret_is_answered_once():
    world = World()
    user = world.user("alice")
    key = call(world, "CreateAccessKey", user_name="ALICE").access_key
    assert ACCESS_KEY_ID.fullmatch(key.access_key_id)
    assert (account_of(key.access_key_id), key.user_name, key.status) == (ACCOUNT, "alice", "Active")
    assert (len(key.secret_access_key), key.create_date) == (40, NOW)
    with world.store.read() as records:
        stored = records.access_keys.get(key.access_key_id)
    assert stored is not None
    assert (stored.owner_id, stored.is_root) == (user.id, False)
    assert world.secrets.open(key.access_key_id, stored.sealed_secret) == key.secret_access_key.encode()


def test_a03_the_secret_is_in_no_repr():
    """Attack A03: what is logged by accident is a repr."""
    world = World()
    answer = call(world, "CreateAccessKey")
    assert answer.access_key.access_key_id in repr(answer)
    assert answer.access_key.secret_access_key not in repr(answer)


def test_a_key_without_user_name_is_the_callers_own():
    world = World()
    alice = world.as_user(world.user("alice"))
    key = call(world, "CreateAccessKey", caller=alice).access_key
    assert key.user_name == "alice"
    listed = call(world, "ListAccessKeys", caller=alice).access_key_metadata
    assert [(entry.user_name, entry.access_key_id, entry.status) for entry in listed] == [
        ("alice", key.access_key_id, "Active")
    ]


def test_root_makes_a_root_key():
    world = World()
    key = call(world, "CreateAccessKey").access_key
    assert key.user_name is None
    with world.store.read() as records:
        assert records.access_keys.get(key.access_key_id).is_root
    assert [k.access_key_id for k in call(world, "ListAccessKeys").access_key_metadata] == [key.access_key_id]
    call(world, "DeleteAccessKey", access_key_id=key.access_key_id)
    assert call(world, "ListAccessKeys").access_key_metadata == ()


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("CreateAccessKey", {}),
        ("ListAccessKeys", {}),
        ("UpdateAccessKey", {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "status": "Inactive"}),
        ("DeleteAccessKey", {"access_key_id": "AKIAIOSFODNN7EXAMPLE"}),
    ],
)
def test_a_role_session_has_no_keys_of_its_own(operation, parameters):
    world = World()
    session = world.as_role(world.role("r"))
    text = "Must specify userName when calling with non-User credentials"
    with refused(ConstraintViolated, text, "user.unnamed"):
        call(world, operation, caller=session, **parameters)


def test_a_key_is_switched_off_and_on():
    world = World()
    world.user("alice")
    key_id = call(world, "CreateAccessKey", user_name="alice").access_key.access_key_id
    for status in ("Inactive", "Inactive", "Active"):
        call(world, "UpdateAccessKey", user_name="alice", access_key_id=key_id, status=status)
        with world.store.read() as records:
            assert records.access_keys.get(key_id).status is KeyStatus(status)
    with pytest.raises(InvalidInput):
        call(world, "UpdateAccessKey", user_name="alice", access_key_id=key_id, status="Expired")


def test_two_keys_can_be_rotated():
    world = World()
    world.user("alice")
    old, new = (call(world, "CreateAccessKey", user_name="alice").access_key.access_key_id for _ in range(2))
    call(world, "DeleteAccessKey", user_name="alice", access_key_id=old)
    newest = call(world, "CreateAccessKey", user_name="alice").access_key.access_key_id
    pages = every_page(world, "ListAccessKeys", user_name="alice", max_items=1)
    assert {k.access_key_id for page in pages for k in page.access_key_metadata} == {new, newest}
    assert len(pages) == 2


@pytest.mark.parametrize("operation", ["UpdateAccessKey", "DeleteAccessKey"])
def test_a_key_of_somebody_else_is_not_there(operation):
    world = World()
    world.user("alice")
    bob = world.as_user(world.user("bob"))
    key_id = call(world, "CreateAccessKey", user_name="alice").access_key.access_key_id
    status = {"status": "Inactive"} if operation == "UpdateAccessKey" else {}
    text = f"The Access Key with id {key_id} cannot be found."
    for caller, names in ((bob, {}), (bob, {"user_name": "bob"}), (None, {}), (None, {"user_name": "bob"})):
        with refused(NoSuchEntity, text, "access-key.missing"):
            call(world, operation, caller=caller, access_key_id=key_id, **names, **status)


def test_last_use_of_a_key_that_was_never_used():
    world = World()
    world.user("alice")
    key_id = call(world, "CreateAccessKey", user_name="alice").access_key.access_key_id
    answer = call(world, "GetAccessKeyLastUsed", access_key_id=key_id)
    used = answer.access_key_last_used
    assert answer.user_name == "alice"
    assert (used.last_used_date, used.service_name, used.region) == (None, "N/A", "N/A")


def test_last_use_of_a_key_that_was():
    world = World()
    key_id = call(world, "CreateAccessKey").access_key.access_key_id
    with world.store.write() as records:
        records.access_keys.record_use(AccessKeyUse(key_id=key_id, at=NOW, service="sts", region="us-east-1"))
    answer = call(world, "GetAccessKeyLastUsed", access_key_id=key_id)
    used = answer.access_key_last_used
    assert answer.user_name is None
    assert (used.last_used_date, used.service_name, used.region) == (NOW, "sts", "us-east-1")


def test_questions_name_the_user_whose_key_it_is():
    world = World()
    alice = world.user("alice", path="/x/")
    key_id = call(world, "CreateAccessKey", user_name="alice").access_key.access_key_id
    assert asked(world, "CreateAccessKey", user_name="ALICE") == [("iam:CreateAccessKey", alice.arn)]
    assert asked(world, "ListAccessKeys", caller=world.as_user(alice)) == [("iam:ListAccessKeys", alice.arn)]
    assert asked(world, "GetAccessKeyLastUsed", access_key_id=key_id) == [("iam:GetAccessKeyLastUsed", alice.arn)]


def test_t01_a_key_of_another_account_and_an_unknown_one_are_the_same():
    """Attack T01: neither question nor answer tells which keys another account has."""
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    theirs = call(world, "CreateAccessKey", caller=world.root(OTHER_ACCOUNT)).access_key.access_key_id
    unknown = replace(world.root(), access_key_id=theirs).access_key_id[:-4] + "AAAA"
    told = []
    for key_id in (theirs, unknown):
        (question,) = asked(world, "GetAccessKeyLastUsed", access_key_id=key_id)
        with pytest.raises(Denied) as denied:
            call(world, "GetAccessKeyLastUsed", access_key_id=key_id)
        told.append((question[1].replace(key_id, "<key>"), denied.value.public.replace(key_id, "<key>")))
        for operation, more in (("DeleteAccessKey", {}), ("UpdateAccessKey", {"status": "Inactive"})):
            with refused(NoSuchEntity, f"The Access Key with id {key_id} cannot be found."):
                call(world, operation, access_key_id=key_id, **more)
    assert told[0] == told[1]
