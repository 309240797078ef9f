"""T01 over every IAM operation that there is: what another account holds changes no answer and no question.

Two worlds differ in one thing: in one the other account holds a record of every kind, in the other it is
empty. A caller of the first account names those records in every operation and must not be able to tell the
worlds apart. The control is their owner, who finds every one of them.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from tabard.actions.desk import Caller
from tabard.directory.entities import MFADevice
from tabard.directory.totp import SEED_ENTROPY
from tabard.faults import EntityAlreadyExists, Fault, NoSuchEntity
from tests.saml import metadata
from tests.unit.actions.iam.calls import ROWS, call, request
from tests.worlds import ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, CountingEntropy, World, refused, trust

SAML = f"arn:aws:iam::{OTHER_ACCOUNT}:saml-provider/theirs"
OIDC = f"arn:aws:iam::{OTHER_ACCOUNT}:oidc-provider/idp.example.test"
PASSWORD = "Correct-Horse-7"
POLICY = f"arn:aws:iam::{OTHER_ACCOUNT}:policy/theirs"
PHONE = f"arn:aws:iam::{OTHER_ACCOUNT}:mfa/theirs"


@dataclass(frozen=True)
class Ids:
    """Ids that the other account's records have, or would have."""

    access_key: str = "AKIAIOSFODNN7EXAMPLE"
    task: str = "task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/1"


def world(*, full: bool) -> tuple[World, Ids]:
    """A world, and the ids of the other account's records as they are or would be."""
    made = World()
    made.account(OTHER_ACCOUNT, "other")
    made.user("mine")
    ids = fill(made) if full else Ids()
    made.entropy = CountingEntropy()  # so that new ids are the same in both worlds
    return made, ids


def fill(made: World) -> Ids:
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
    do("CreateLoginProfile", **named[0], password=PASSWORD)
    do("CreateSAMLProvider", name="theirs", saml_metadata_document=metadata(), tags={"secret": "tag"})
    do("CreateOpenIDConnectProvider", url="https://idp.example.test", client_id_list=["theirs"], tags={"secret": "tag"})
    do("CreateAccountAlias", account_alias="theirs")
    do("UpdateAccountPasswordPolicy", minimum_password_length=12)
    do("SetSecurityTokenServicePreferences", global_endpoint_token_version="v2Token")
    do("CreateServiceLinkedRole", aws_service_name="lex.amazonaws.com")
    do("CreateServiceLinkedRole", aws_service_name="ecs.amazonaws.com")
    task = do("DeleteServiceLinkedRole", role_name="AWSServiceRoleForECS").deletion_task_id
    return Ids(do("CreateAccessKey", **named[0]).access_key.access_key_id, task)


def naming(operation: str, ids: Ids) -> dict[str, Any]:
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
        "access_key_id": ids.access_key,
        "deletion_task_id": ids.task,
        "saml_provider_arn": SAML,
        "saml_metadata_document": metadata(),
        "open_id_connect_provider_arn": OIDC,
        "name": "theirs",
        "url": "https://idp.example.test",
        "client_id": "theirs",
        "thumbprint_list": ["a" * 40],
        "account_alias": "theirs",
        "aws_service_name": "lex.amazonaws.com",
        "arn": f"arn:aws:iam::{OTHER_ACCOUNT}:user/theirs",
        "policy_source_arn": f"arn:aws:iam::{OTHER_ACCOUNT}:user/theirs",
        "caller_arn": f"arn:aws:iam::{OTHER_ACCOUNT}:user/theirs",
        "policy_input_list": [ALLOW_ALL],
        "action_names": ["s3:GetObject"],
        "service_namespaces": ["s3"],
        "global_endpoint_token_version": "v1Token",
        "password": PASSWORD,
        "old_password": PASSWORD,
        "new_password": PASSWORD,
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


def told(made: World, ids: Ids, operation: str, caller: Caller) -> str:
    """All that a caller of the first account gets to see, with the ids that differ taken out."""
    parameters = naming(operation, ids)
    asks = made.asks(ROWS[operation], request(operation, **parameters), caller=caller)
    seen = repr((asks, outcome(made, operation, parameters, caller)))
    role = ids.task.removeprefix("task/").rpartition("/")[0]
    return seen.replace(ids.access_key, "<key>").replace(ids.task, "<task>").replace(role, "<role>")


def callers(made: World) -> list[Caller]:
    with made.store.read() as records:
        mine = records.users.get(ACCOUNT, "mine")
    assert mine is not None
    return [made.root(), made.as_user(mine)]


def held_by_the_other_account(made: World) -> str:
    lists = (
        "ListUsers",
        "ListGroups",
        "ListRoles",
        "ListInstanceProfiles",
        "ListVirtualMFADevices",
        "ListSAMLProviders",
        "ListOpenIDConnectProviders",
        "ListAccountAliases",
        "GetAccountPasswordPolicy",
        "GetAccountSummary",
        "GetAccountAuthorizationDetails",
    )
    theirs = made.root(OTHER_ACCOUNT)
    listed = [call(made, name, caller=theirs) for name in lists]
    listed.append(call(made, "ListPolicies", caller=theirs, scope="Local"))
    listed.append(call(made, "GetPolicyVersion", caller=theirs, policy_arn=POLICY, version_id="v2"))
    listed.append(call(made, "ListAccessKeys", caller=theirs, user_name="theirs"))
    listed.append(call(made, "GetLoginProfile", caller=theirs, user_name="theirs"))
    listed.append(call(made, "GetSAMLProvider", caller=theirs, saml_provider_arn=SAML))
    listed.append(call(made, "GetOpenIDConnectProvider", caller=theirs, open_id_connect_provider_arn=OIDC))
    return repr(listed)


# An alias is unique among all accounts, so that it is told that one is taken; as on AWS.
TOLD_ACROSS_ACCOUNTS = {"CreateAccountAlias"}


@pytest.mark.parametrize("operation", sorted(set(ROWS) - TOLD_ACROSS_ACCOUNTS))
def test_t01_no_operation_tells_what_another_account_holds_or_changes_it(operation):
    full, theirs = world(full=True)
    empty, nobodys = world(full=False)
    before = held_by_the_other_account(full)
    for mine, same in zip(callers(full), callers(empty), strict=True):
        assert told(full, theirs, operation, mine).replace(mine.principal.unique_id, "<me>") == told(
            empty, nobodys, operation, same
        ).replace(same.principal.unique_id, "<me>")
    assert held_by_the_other_account(full) == before


# Root has no password, so whoever asks must be the user.
ASKED_BY_THE_USER = {"ChangePassword"}


@pytest.mark.parametrize("operation", ROWS)
def test_t01_control_the_owner_finds_everything(operation):
    full, ids = world(full=True)
    caller = full.root(OTHER_ACCOUNT)
    if operation in ASKED_BY_THE_USER:
        with full.store.read() as records:
            user = records.users.get(OTHER_ACCOUNT, "theirs")
        assert user is not None
        caller = full.as_user(user)
    parameters = naming(operation, ids)
    if operation == "DeleteServiceLinkedRole":
        parameters["role_name"] = "AWSServiceRoleForLexBots"
    answer = outcome(full, operation, parameters, caller)
    assert not (isinstance(answer, tuple) and answer[0] is NoSuchEntity), answer


def test_t01_a_taken_alias_says_nothing_of_who_has_it():
    full, _ = world(full=True)
    with refused(EntityAlreadyExists, "The account alias theirs already exists.", "alias.exists"):
        call(full, "CreateAccountAlias", account_alias="theirs")
    assert call(full, "ListAccountAliases").account_aliases == ()
    call(full, "CreateAccountAlias", account_alias="mine")  # control
