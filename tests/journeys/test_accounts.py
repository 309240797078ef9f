"""T01, T02, T07: two accounts in one house see nothing of one another, but for what trust lets through."""

from typing import Any

import pytest

from tests.journeys.conftest import House, allow, document, trust
from tests.journeys.tenant import Tenant, bare, new_name, refused


def test_an_account_made_beside_a_running_server_can_be_used_at_once(abroad: Tenant) -> None:
    assert abroad.sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{abroad.account}:root"
    assert abroad.iam.list_users()["Users"] is not None


def test_t01_lists_show_nothing_of_another_account(home: Tenant, abroad: Tenant) -> None:
    user = home.user()
    role = home.role(trust({"AWS": user.arn}))
    policy = home.policy(allow("iam:*"))
    device = home.device(user)
    group = home.iam.create_group(GroupName=new_name("group"))["Group"]["Arn"]
    profile = home.iam.create_instance_profile(InstanceProfileName=new_name("profile"))["InstanceProfile"]["Arn"]

    def everything(at: Tenant) -> str:
        return "".join(
            str(at.iam.get_paginator(name).paginate().build_full_result())
            for name in (
                *("list_users", "list_roles", "list_groups", "list_policies", "list_instance_profiles"),
                "list_virtual_mfa_devices",
            )
        )

    mine, theirs = everything(home), everything(abroad)
    for shown in (user.id, user.arn, role, policy, device.serial_number, group, profile):
        assert shown in mine
        assert shown not in theirs
    assert home.account not in theirs


def test_t01_what_another_account_holds_is_as_missing_as_what_never_was(home: Tenant, abroad: Tenant) -> None:
    user = home.user()
    policy = home.policy(allow("iam:*"))
    device = home.device(user)
    never = f"arn:aws:iam::{home.account}:policy/never"
    iam = abroad.iam
    own = abroad.user()

    for operation, real, unreal in (
        (iam.get_policy, {"PolicyArn": policy}, {"PolicyArn": never}),
        (iam.delete_policy, {"PolicyArn": policy}, {"PolicyArn": never}),
        (
            iam.attach_user_policy,
            {"PolicyArn": policy, "UserName": own.name},
            {"PolicyArn": never, "UserName": own.name},
        ),
        (
            iam.put_user_permissions_boundary,
            {"PermissionsBoundary": policy, "UserName": own.name},
            {"PermissionsBoundary": never, "UserName": own.name},
        ),
        (iam.get_user, {"UserName": user.name}, {"UserName": "never"}),
        (
            iam.delete_access_key,
            {"UserName": own.name, "AccessKeyId": user.keys.access_key_id},
            {"UserName": own.name, "AccessKeyId": "AKIA" + "A" * 16},
        ),
        (
            iam.delete_virtual_mfa_device,
            {"SerialNumber": device.serial_number},
            {"SerialNumber": f"arn:aws:iam::{home.account}:mfa/never"},
        ),
        (
            iam.get_access_key_last_used,
            {"AccessKeyId": user.keys.access_key_id},
            {"AccessKeyId": "AKIA" + "A" * 16},
        ),
    ):
        assert _refusal(operation, real) == _refusal(operation, unreal)
    assert home.iam.get_policy(PolicyArn=policy)


def _refusal(operation: Any, parameters: dict[str, str]) -> tuple[str, str]:
    """Code and message, with the words of the request taken out."""
    with pytest.raises(operation.__self__.exceptions.ClientError) as caught:
        operation(**parameters)
    error = caught.value.response["Error"]
    message = error["Message"]
    for value in parameters.values():
        message = message.replace(value, "…")
    return error["Code"], message


def test_t01_a_page_marker_leads_nowhere_in_another_account(home: Tenant, abroad: Tenant) -> None:
    names = {home.user(name="page").name for _ in range(3)}
    abroad.user(name="page")
    page = home.iam.list_users(MaxItems=1)
    assert page["IsTruncated"]

    try:
        theirs = abroad.iam.list_users(MaxItems=1000, Marker=page["Marker"])["Users"]
    except abroad.iam.exceptions.ClientError as refusal:
        assert refusal.response["Error"]["Code"] in {"ValidationError", "InvalidInput"}  # noqa: PT017 - either is fine
    else:
        assert names.isdisjoint(user["UserName"] for user in theirs)


def test_t02_the_same_names_in_both_are_different_things(home: Tenant, abroad: Tenant) -> None:
    name = new_name("twin")
    for at, action in ((home, "iam:ListUsers"), (abroad, "iam:ListGroups")):
        at.iam.create_user(UserName=name)
        at.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": at.account}))
        at.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(allow(action)))
    caller = abroad.user(allow("sts:AssumeRole"))

    at_home = home.client("iam", home.session(f"arn:aws:iam::{home.account}:role/{name}"))
    away = abroad.client("iam", abroad.session(f"arn:aws:iam::{abroad.account}:role/{name}", caller.keys))

    assert name in str(at_home.list_users())
    assert away.list_groups()["Groups"] is not None
    with refused("AccessDenied", status=403):
        at_home.list_groups()
    with refused("AccessDenied", status=403):
        away.list_users()


def test_t01_a_role_is_taken_from_another_account_and_acts_in_its_own(home: Tenant, abroad: Tenant) -> None:
    caller = abroad.user(allow("sts:AssumeRole"))
    role = home.role(trust({"AWS": caller.arn}), allow("iam:ListUsers"))

    session = home.session(role, caller.keys)

    users = home.client("iam", session).get_paginator("list_users").paginate().build_full_result()["Users"]
    assert {user["Arn"].split(":")[4] for user in users} == {home.account}
    assert home.client("sts", session).get_caller_identity()["Account"] == home.account


def test_t01_managed_policies_of_another_account_cannot_be_told_apart_before_trust(
    home: Tenant, abroad: Tenant
) -> None:
    caller = abroad.user(allow("sts:AssumeRole"))
    role = home.role(trust({"AWS": home.account}))
    answers = set()

    for arn in (home.policy(allow("iam:*")), f"arn:aws:iam::{home.account}:policy/never"):
        with pytest.raises(abroad.sts.exceptions.ClientError) as caught:
            home.session(role, caller.keys, PolicyArns=[{"arn": arn}])
        answers.add((caught.value.response["Error"]["Code"], bare(caught.value.response["Error"]["Message"])))

    assert [code for code, _ in answers] == ["AccessDenied"]


def test_t01_a_record_is_about_the_account_of_the_caller(home: Tenant, abroad: Tenant) -> None:
    abroad.iam.list_users()
    record = home.house.audit()[-1]

    assert (record["eventName"], record["recipientAccountId"]) == ("ListUsers", abroad.account)


def test_the_aws_cli_meets_each_account_with_its_own_keys(house: House, abroad: Tenant) -> None:
    theirs = house.aws("iam", "list-users", keys=abroad.keys)["Users"]

    assert all(user["Arn"].split(":")[4] == abroad.account for user in theirs)
    assert "admin" not in [user["UserName"] for user in theirs]
