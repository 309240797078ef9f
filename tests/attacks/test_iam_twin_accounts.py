"""T01 over every IAM operation that there is: what another account holds changes no answer and no question.

Two worlds differ in one thing: in one the other account holds a record of every kind, in the other it is
empty. A caller of the first account names those records in every operation and must not be able to tell the
worlds apart. The control is their owner, who finds every one of them.
"""

from typing import Any

import pytest

from tabard.actions.desk import Caller
from tabard.directory.entities import MFADevice
from tabard.directory.totp import SEED_ENTROPY
from tabard.faults import Fault, NoSuchEntity
from tests.unit.actions.iam.calls import ROWS, call, request
from tests.worlds import ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, CountingEntropy, World, trust

POLICY = f"arn:aws:iam::{OTHER_ACCOUNT}:policy/theirs"
PHONE = f"arn:aws:iam::{OTHER_ACCOUNT}:mfa/theirs"


def world(*, full: bool) -> tuple[World, str]:
    """A world, and the id of the other account's access key as it is or would be."""
    made = World()
    made.account(OTHER_ACCOUNT, "other")
    made.user("mine")
    key_id = "AKIAIOSFODNN7EXAMPLE"
    if full:
        key_id = fill(made)
    made.entropy = CountingEntropy()  # so that new ids are the same in both worlds
    return made, key_id


def fill(made: World) -> str:
    def do(operation: str, **parameters: Any) -> Any:
        return call(made, operation, caller=made.root(OTHER_ACCOUNT), **parameters)

    named = {"user_name": "theirs"}, {"group_name": "theirs"}, {"role_name": "theirs"}
    do("CreatePolicy", policy_name="theirs", policy_document=ALLOW_ALL, tags={"secret": "tag"})
    do("CreatePolicyVersion", policy_arn=POLICY, policy_document=ALLOW_ALL)
    do("CreateUser", **named[0], tags={"secret": "tag"})
    do("CreateGroup", **named[1])
    do("CreateRole", **named[2], assume_role_policy_document=trust(OTHER_ACCOUNT), tags={"secret": "tag"})
    do("AddUserToGroup", **named[0], **named[1])
    for kind, name in zip(("User", "Group", "Role"), named, strict=True):
        do(f"Put{kind}Policy", **name, policy_name="theirs", policy_document=ALLOW_ALL)
        do(f"Attach{kind}Policy", **name, policy_arn=POLICY)
    do("CreateInstanceProfile", instance_profile_name="theirs", tags={"secret": "tag"})
    do("AddRoleToInstanceProfile", instance_profile_name="theirs", **named[2])
    with made.store.write() as records:
        owner = records.users.get(OTHER_ACCOUNT, "theirs")
        assert owner is not None
        device = MFADevice(
            account=OTHER_ACCOUNT,
            name="theirs",
            created=NOW,
            sealed_seed=made.secrets.seal(PHONE, bytes(SEED_ENTROPY)),
            owner_id=owner.id,
            enabled=NOW,
            tags={"secret": "tag"},
        )
        records.mfa_devices.put(device)
    return do("CreateAccessKey", **named[0]).access_key.access_key_id


def naming(operation: str, key_id: str) -> dict[str, Any]:
    """Parameters that name the other account's records wherever the operation takes a name."""
    values: dict[str, Any] = {
        "user_name": "theirs",
        "group_name": "theirs",
        "role_name": "theirs",
        "policy_name": "theirs",
        "instance_profile_name": "theirs",
        "virtual_mfa_device_name": "theirs",
        "policy_arn": POLICY,
        "permissions_boundary": POLICY,
        "serial_number": PHONE,
        "access_key_id": key_id,
        "version_id": "v1",
        "policy_document": trust(ACCOUNT) if operation == "UpdateAssumeRolePolicy" else ALLOW_ALL,
        "assume_role_policy_document": trust(ACCOUNT),
        "authentication_code1": "123456",
        "authentication_code2": "654321",
        "status": "Inactive",
        "tags": {"a": "b"},
        "tag_keys": ["secret"],
        "description": "mine now",
    }
    fields = ROWS[operation].request.__dataclass_fields__
    return {name: value for name, value in values.items() if name in fields}


def outcome(made: World, operation: str, parameters: dict[str, Any], caller: Caller | None = None) -> object:
    try:
        return call(made, operation, caller=caller, **parameters)
    except Fault as fault:
        return type(fault), fault.public, fault.reason


def told(made: World, key_id: str, operation: str, caller: Caller) -> str:
    """All that a caller of the first account gets to see, with the one thing that differs taken out."""
    parameters = naming(operation, key_id)
    asks = made.asks(ROWS[operation], request(operation, **parameters), caller=caller)
    return repr((asks, outcome(made, operation, parameters, caller))).replace(key_id, "<key>")


def callers(made: World) -> list[Caller]:
    with made.store.read() as records:
        mine = records.users.get(ACCOUNT, "mine")
    assert mine is not None
    return [made.root(), made.as_user(mine)]


def held_by_the_other_account(made: World) -> str:
    lists = ("ListUsers", "ListGroups", "ListRoles", "ListInstanceProfiles", "ListVirtualMFADevices")
    theirs = made.root(OTHER_ACCOUNT)
    listed = [call(made, name, caller=theirs) for name in lists]
    listed.append(call(made, "ListPolicies", caller=theirs, scope="Local"))
    listed.append(call(made, "GetPolicyVersion", caller=theirs, policy_arn=POLICY, version_id="v2"))
    listed.append(call(made, "ListAccessKeys", caller=theirs, user_name="theirs"))
    return repr(listed)


@pytest.mark.parametrize("operation", ROWS)
def test_t01_no_operation_tells_what_another_account_holds_or_changes_it(operation):
    full, key_id = world(full=True)
    empty, no_key_id = world(full=False)
    before = held_by_the_other_account(full)
    for mine, same in zip(callers(full), callers(empty), strict=True):
        assert told(full, key_id, operation, mine).replace(mine.principal.unique_id, "<me>") == told(
            empty, no_key_id, operation, same
        ).replace(same.principal.unique_id, "<me>")
    assert held_by_the_other_account(full) == before


# Nobody ever has one: the owner is told so, and of the user that is there, not that there is none.
NEVER_THERE = {"GetLoginProfile", "DeleteLoginProfile"}


@pytest.mark.parametrize("operation", ROWS)
def test_t01_control_the_owner_finds_everything(operation):
    full, key_id = world(full=True)
    answer = outcome(full, operation, naming(operation, key_id), full.root(OTHER_ACCOUNT))
    if operation in NEVER_THERE:
        assert answer[:2] == (NoSuchEntity, "Login Profile for User theirs cannot be found.")
    else:
        assert not (isinstance(answer, tuple) and answer[0] is NoSuchEntity)
