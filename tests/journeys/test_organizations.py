"""Organisations by unmodified clients: boto3 and the aws CLI against the API, the operator's command beside them."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import TABARD, CommandFailed, House, Keys, allow, document
from tests.journeys.documents import blocks, run, script

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
NO_IAM = document({"Effect": "Deny", "Action": "iam:*", "Resource": "*"})


def tabard(house: House, *words: str) -> Any:
    """The operator's command on the running server's data."""
    done = subprocess.run(
        [*TABARD, *words, "--data", str(house.data), "--json"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def new_account(house: House, name: str) -> tuple[str, Keys]:
    made = tabard(house, "account", "create", name)
    keys = Keys(access_key_id=made["root_access_key_id"], secret_access_key=made["root_secret_access_key"])
    return made["account_id"], keys


def within_a_second(what: Callable[[], bool]) -> None:
    """A change is in force within a second, in every worker."""
    deadline = time.monotonic() + 5
    while not what():
        assert time.monotonic() < deadline


def refusal(call: Callable[..., Any], **parameters: Any) -> ClientError:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value


def allowed(call: Callable[..., Any], **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def test_a_company_is_built_with_boto3_and_its_policies_bind_its_members(fresh_house: House) -> None:
    house = fresh_house
    organizations = house.client("organizations")
    made = organizations.create_organization(FeatureSet="ALL")["Organization"]
    assert made == organizations.describe_organization()["Organization"]
    root = organizations.list_roots()["Roots"][0]
    unit = organizations.create_organizational_unit(
        ParentId=root["Id"], Name="prod", Tags=[{"Key": "team", "Value": "é"}]
    )["OrganizationalUnit"]
    team, team_root = new_account(house, "team")
    tabard(house, "org", "accounts", "add", team, "--under", unit["Id"])
    account = organizations.describe_account(AccountId=team)["Account"]
    assert (account["Name"], account["Status"], account["JoinedTimestamp"].tzinfo is not None) == (
        "team",
        "ACTIVE",
        True,
    )
    organizations.enable_policy_type(RootId=root["Id"], PolicyType=SCP)
    policy = organizations.create_policy(Name="no-iam", Description="", Content=NO_IAM, Type=SCP)["Policy"]
    summary = policy["PolicySummary"]
    assert json.loads(policy["Content"]) == json.loads(NO_IAM)
    iam, sts = house.client("iam", team_root), house.client("sts", team_root)
    assert iam.list_users()["Users"] == []

    organizations.attach_policy(PolicyId=summary["Id"], TargetId=unit["Id"])

    within_a_second(lambda: not allowed(iam.list_users))  # even the root user of a member account
    assert sts.get_caller_identity()["Account"] == team
    assert house.client("iam").list_users()["Users"]  # the management account is bound by nothing
    in_use = refusal(organizations.delete_policy, PolicyId=summary["Id"])
    assert isinstance(in_use, organizations.exceptions.PolicyInUseException)
    assert in_use.response["Message"]
    assert in_use.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert in_use.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == "PolicyInUseException"
    targets = organizations.list_targets_for_policy(PolicyId=summary["Id"])["Targets"]
    assert [(each["TargetId"], each["Type"]) for each in targets] == [(unit["Id"], "ORGANIZATIONAL_UNIT")]
    organizations.detach_policy(PolicyId=summary["Id"], TargetId=unit["Id"])
    within_a_second(lambda: allowed(iam.list_users))
    last = refusal(organizations.detach_policy, PolicyId="p-FullAWSAccess", TargetId=unit["Id"])
    assert last.response["Error"]["Code"] == "ConstraintViolationException"
    assert last.response["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    organizations.delete_policy(PolicyId=summary["Id"])

    names = [(each["eventName"], each["userIdentity"]["type"]) for each in house.audit()]
    assert ("AttachPolicy", "IAMUser") in names
    assert ("AddAccountToOrganization", "Operator") in names


def test_a_member_sees_that_it_is_one_and_a_stranger_nothing(fresh_house: House) -> None:
    house = fresh_house
    organizations = house.client("organizations")
    made = organizations.create_organization()["Organization"]
    team, team_root = new_account(house, "team")
    tabard(house, "org", "accounts", "add", team)
    _, stranger_root = new_account(house, "stranger")
    member, stranger = house.client("organizations", team_root), house.client("organizations", stranger_root)

    assert member.describe_organization()["Organization"]["Id"] == made["Id"]
    for listing in ("list_accounts", "list_roots"):
        denied = refusal(getattr(member, listing))
        assert isinstance(denied, member.exceptions.AccessDeniedException)
        absent = refusal(getattr(stranger, listing))
        assert isinstance(absent, stranger.exceptions.AWSOrganizationsNotInUseException)
    assert refusal(stranger.describe_organization).response["Error"]["Code"] == "AWSOrganizationsNotInUseException"
    # Control.
    assert {each["Id"] for each in organizations.list_accounts()["Accounts"]} == {house.account, team}


def test_paginators_give_everything_once(fresh_house: House) -> None:
    organizations = fresh_house.client("organizations")
    organizations.create_organization()
    root = organizations.list_roots()["Roots"][0]["Id"]
    units = {
        organizations.create_organizational_unit(ParentId=root, Name=f"unit{n}")["OrganizationalUnit"]["Id"]
        for n in range(25)
    }
    policies = {
        organizations.create_policy(Name=f"p{n}", Description="d", Content=NO_IAM, Type=SCP)["Policy"]["PolicySummary"][
            "Id"
        ]
        for n in range(22)
    }

    def everything(operation: str, member: str, **parameters: Any) -> list[dict[str, Any]]:
        pages = organizations.get_paginator(operation).paginate(**parameters)
        found: list[dict[str, Any]] = pages.build_full_result()[member]
        return found

    listed = everything("list_organizational_units_for_parent", "OrganizationalUnits", ParentId=root)
    assert len(listed) == 25
    assert {each["Id"] for each in listed} == units
    children = everything("list_children", "Children", ParentId=root, ChildType="ORGANIZATIONAL_UNIT")
    assert {each["Id"] for each in children} == units
    assert {each["Id"] for each in everything("list_policies", "Policies", Filter=SCP)} == {
        *policies,
        "p-FullAWSAccess",
    }
    organizations.enable_policy_type(RootId=root, PolicyType=SCP)
    targets = everything("list_targets_for_policy", "Targets", PolicyId="p-FullAWSAccess")
    assert {each["TargetId"] for each in targets} == {root, fresh_house.account, *units}
    assert [each["Id"] for each in everything("list_accounts", "Accounts")] == [fresh_house.account]
    assert everything("list_parents", "Parents", ChildId=fresh_house.account) == [{"Id": root, "Type": "ROOT"}]


def test_permissions_of_organizations_are_policies_like_any(fresh_house: House) -> None:
    house = fresh_house
    organizations, iam = house.client("organizations"), house.client("iam")
    organizations.create_organization()
    root = organizations.list_roots()["Roots"][0]
    iam.create_user(UserName="reader")
    keys = Keys.of(iam.create_access_key(UserName="reader")["AccessKey"])
    reader = house.client("organizations", keys)
    denied = refusal(reader.list_roots)
    assert "is not authorized to perform: organizations:ListRoots on resource: *" in str(denied)
    iam.put_user_policy(
        UserName="reader",
        PolicyName="p",
        PolicyDocument=document(
            allow("organizations:ListRoots"),
            allow("organizations:ListChildren", root["Arn"]),
            allow("organizations:Tag*"),
        ),
    )
    within_a_second(lambda: bool(_answers(reader.list_roots)))
    assert reader.list_children(ParentId=root["Id"], ChildType="ACCOUNT")["Children"][0]["Id"] == house.account
    assert isinstance(refusal(reader.list_accounts), reader.exceptions.AccessDeniedException)


def _answers(call: Callable[..., Any]) -> bool:
    try:
        call()
    except ClientError:
        return False
    return True


def test_the_aws_cli_sets_up_a_resource_control_policy(fresh_house: House) -> None:
    def aws(*words: str) -> Any:
        return fresh_house.aws("organizations", *words)

    organization = aws("create-organization")["Organization"]
    root = aws("list-roots")["Roots"][0]["Id"]
    aws("enable-policy-type", "--root-id", root, "--policy-type", RCP)
    guard = document(
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*",
         "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization["Id"]}}}
    )  # fmt: skip
    made = aws("create-policy", "--name", "perimeter", "--description", "d", "--type", RCP, "--content", guard)
    policy = made["Policy"]["PolicySummary"]["Id"]
    aws("attach-policy", "--policy-id", policy, "--target-id", root)
    listed = aws("list-policies-for-target", "--target-id", root, "--filter", RCP)["Policies"]
    assert [each["Name"] for each in listed] == ["RCPFullAWSAccess", "perimeter"]
    aws("tag-resource", "--resource-id", policy, "--tags", "Key=a,Value=b")
    assert aws("list-tags-for-resource", "--resource-id", policy)["Tags"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(CommandFailed, match="MalformedPolicyDocumentException"):
        aws("update-policy", "--policy-id", policy, "--content", NO_IAM)
    with pytest.raises(CommandFailed, match=r"UnsupportedAPIEndpointException.*tabard org accounts add"):
        aws("create-account", "--email", "a@b.org", "--account-name", "n")
    aws("detach-policy", "--policy-id", policy, "--target-id", root)
    aws("delete-policy", "--policy-id", policy)
    aws("delete-organization")


def test_the_how_to_page_works_as_it_stands(fresh_house: House, tmp_path: Any) -> None:
    steps = blocks("docs/how-to/organisation-policies.md", "organisations")
    assert {mark for mark, _ in steps} == {None, "refused"}
    env = fresh_house.environment(fresh_house.admin)
    text = script(steps).replace("tabard ", "mytabard ")
    tool = f'mytabard() {{ {" ".join(TABARD)} "$@" --data {fresh_house.data}; }}\n'

    said = run(tool + text, home=tmp_path, env=env)

    assert "no-iam" in said
