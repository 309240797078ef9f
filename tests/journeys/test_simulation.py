"""Simulating policies with boto3 and the aws CLI, and whether the simulation says what the call then does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import CommandFailed, House, allow, document
from tests.journeys.tenant import Someone, Tenant, new_account, new_name, refused


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


@pytest.fixture
def tenant(house: House) -> Tenant:
    return Tenant(house=house, account=house.account, keys=house.admin)


def test_a_policy_is_tried_with_the_aws_cli_before_it_is_saved(house: House) -> None:
    home = document(
        allow("s3:*", "arn:aws:s3:::home/${aws:username}/*", Condition={"Bool": {"aws:SecureTransport": "true"}})
    )
    keys = house.aws("iam", "get-context-keys-for-custom-policy", "--policy-input-list", home)
    assert keys == {"ContextKeyNames": ["aws:username", "aws:SecureTransport"]}

    def simulate(*more: str) -> Any:
        words = ("--action-names", "s3:GetObject", "--resource-arns", "arn:aws:s3:::home/alice/a.txt")
        answer = house.aws("iam", "simulate-custom-policy", "--policy-input-list", home, *words, *more)
        (result,) = answer["EvaluationResults"]
        return result

    without = simulate()
    assert without["EvalDecision"] == "implicitDeny"
    assert without["MissingContextValues"] == keys["ContextKeyNames"]
    result = simulate(
        "--context-entries",
        "ContextKeyName=aws:username,ContextKeyValues=alice,ContextKeyType=string",
        "ContextKeyName=aws:SecureTransport,ContextKeyValues=true,ContextKeyType=boolean",
    )
    at = home.index("[") + 1
    matched = {
        "SourcePolicyId": "PolicyInputList.1",
        "SourcePolicyType": "IAM Policy",
        "StartPosition": {"Line": 1, "Column": at + 1},
        "EndPosition": {"Line": 1, "Column": home.rindex("}", 0, -1) + 2},
    }
    assert result == {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": "arn:aws:s3:::home/alice/a.txt",
        "EvalDecision": "allowed",
        "MatchedStatements": [matched],
        "MissingContextValues": [],
        "EvalDecisionDetails": {},
        "ResourceSpecificResults": [
            {
                "EvalResourceName": "arn:aws:s3:::home/alice/a.txt",
                "EvalResourceDecision": "allowed",
                "MatchedStatements": [matched],
                "MissingContextValues": [],
            }
        ],
    }
    with pytest.raises(CommandFailed, match=r"InvalidInput.*PolicyInputList\.1 is not a valid policy"):
        house.aws("iam", "simulate-custom-policy", "--policy-input-list", "{}", "--action-names", "s3:GetObject")


def test_a_users_own_policies_are_simulated_page_by_page_with_the_aws_cli(house: House, tenant: Tenant) -> None:
    limit = tenant.policy(allow("s3:*"), allow("iam:*"), name="limit")
    user = tenant.user(allow("iam:Get*"), deny("iam:GetRole"), PermissionsBoundary=limit)
    words = ("--policy-source-arn", user.arn, "--action-names", "iam:GetUser", "iam:GetRole", "s3:GetObject")

    whole = house.aws("iam", "simulate-principal-policy", *words)
    paged = house.aws("iam", "simulate-principal-policy", *words, "--page-size", "1")

    assert whole["EvaluationResults"] == paged["EvaluationResults"]
    told = {
        each["EvalActionName"]: (
            each["EvalDecision"],
            [statement["SourcePolicyId"] for statement in each["MatchedStatements"]],
            each["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"],
        )
        for each in whole["EvaluationResults"]
    }
    boundary = limit.rpartition("/")[2]
    assert told == {
        "iam:GetUser": ("allowed", ["own", boundary], True),
        "iam:GetRole": ("explicitDeny", ["own", "own", boundary], True),
        "s3:GetObject": ("implicitDeny", [], True),
    }
    without = tenant.iam.simulate_principal_policy(
        PolicySourceArn=user.arn,
        ActionNames=["iam:GetUser"],
        PolicyExclusionList=[{"PolicyType": "inline"}, {"PolicyType": "permission-boundary"}],
    )["EvaluationResults"]
    assert [each["EvalDecision"] for each in without] == ["implicitDeny"]


def test_who_may_not_simulate_learns_nothing_and_another_account_has_nobody(house: House, tenant: Tenant) -> None:
    someone = tenant.user(allow("iam:SimulateCustomPolicy"))
    iam = tenant.client("iam", someone.keys)
    given = {"ActionNames": ["s3:GetObject"]}
    assert iam.simulate_custom_policy(PolicyInputList=[document(allow("*"))], **given)["EvaluationResults"]
    for arn in (someone.arn, someone.arn + "x"):
        with refused("AccessDenied", status=403):
            iam.simulate_principal_policy(PolicySourceArn=arn, **given)
        with refused("AccessDenied", status=403):
            iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)
    tenant.allow_user(someone.name, allow("iam:SimulatePrincipalPolicy", someone.arn))
    assert iam.simulate_principal_policy(PolicySourceArn=someone.arn, **given)["EvaluationResults"]
    other = new_account(house, new_name("simulated"))
    theirs = other.user(allow("*"))
    with refused("NoSuchEntity", "Unable to retrieve specified IAM entity.", status=404):
        tenant.iam.simulate_principal_policy(PolicySourceArn=theirs.arn, **given)


Build = Callable[[Tenant], Someone]


def _in_a_group(tenant: Tenant) -> Someone:
    user = tenant.user(deny("iam:ListRoles"))
    group = new_name("team")
    tenant.iam.create_group(GroupName=group)
    tenant.iam.put_group_policy(GroupName=group, PolicyName="theirs", PolicyDocument=document(allow("iam:List*")))
    tenant.iam.add_user_to_group(GroupName=group, UserName=user.name)
    return user


@pytest.mark.parametrize(
    "build",
    [
        lambda tenant: tenant.user(),
        lambda tenant: tenant.user(allow("iam:*")),
        lambda tenant: tenant.user(allow("iam:List*"), deny("*", Condition={"Bool": {"aws:SecureTransport": "false"}})),
        lambda tenant: tenant.user(allow("iam:Get*", "arn:aws:iam::*:user/${aws:username}"), allow("iam:ListRoles")),
        lambda tenant: tenant.user(allow("*"), PermissionsBoundary=tenant.policy(allow("iam:ListUsers"))),
        lambda tenant: tenant.user({"Effect": "Allow", "NotAction": "iam:ListUsers", "Resource": "*"}),
        _in_a_group,
    ],
    ids=["nothing", "all", "denied without TLS", "itself", "bounded", "all but", "group"],
)
def test_the_simulation_says_what_the_call_does(tenant: Tenant, build: Build) -> None:
    user = build(tenant)
    iam = tenant.client("iam", user.keys)
    account = f"arn:aws:iam::{tenant.account}"
    calls: dict[str, tuple[str, Callable[[], Any]]] = {
        "iam:GetUser": (user.arn, lambda: iam.get_user(UserName=user.name)),
        "iam:ListUsers": (f"{account}:user/", iam.list_users),
        "iam:ListRoles": (f"{account}:role/", iam.list_roles),
        "iam:GetAccountSummary": ("*", iam.get_account_summary),
        "iam:GetRole": (f"{account}:role/absent", lambda: iam.get_role(RoleName="absent")),
    }
    entries = [
        {"ContextKeyName": "aws:username", "ContextKeyValues": [user.name], "ContextKeyType": "string"},
        {"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["false"], "ContextKeyType": "boolean"},
    ]
    for action, (resource, perform) in calls.items():
        (result,) = tenant.iam.simulate_principal_policy(
            PolicySourceArn=user.arn, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
        )["EvaluationResults"]
        assert (result["EvalDecision"] == "allowed") is _is_allowed(perform), (action, json.dumps(result))


def _is_allowed(perform: Callable[[], Any]) -> bool:
    try:
        perform()
    except ClientError as error:
        return error.response["Error"]["Code"] != "AccessDenied"
    return True
