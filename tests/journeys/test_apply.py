"""An operator applies templates beside a running server, and real clients live with what came of it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import saml
from tests.journeys.conftest import TABARD, Keys
from tests.journeys.tenant import Tenant, new_account, new_name

TEMPLATE = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Ana:
    Type: AWS::IAM::User
    Properties:
      Groups: [!Ref Analysts]
      LoginProfile: {Password: !Ref Password}
      Tags: [{Key: team, Value: risk}]
  AnasKey: {Type: AWS::IAM::AccessKey, Properties: {UserName: !Ref Ana}}
  Analysts:
    Type: AWS::IAM::Group
    Properties:
      Policies:
        - PolicyName: assume
          PolicyDocument:
            Version: 2012-10-17
            Statement: {Effect: Allow, Action: sts:AssumeRole, Resource: !GetAtt Reader.Arn}
  Reader:
    Type: AWS::IAM::Role
    Properties:
      Path: /risk/
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {AWS: !Ref AWS::AccountId}
            Action: sts:AssumeRole
            Condition: {StringEquals: {'aws:PrincipalTag/team': risk}}
      ManagedPolicyArns: [!Ref Reading]
  Reading:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Sid: people, Effect: Allow, Action: 'iam:ListUsers', Resource: '*'}
          - Sid: own
            Effect: Allow
            Action: iam:GetRole
            Resource: !Sub 'arn:${AWS::Partition}:iam::*:role/${!aws:PrincipalTag/team}/*'
  Machine: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Reader]}}
  Builds:
    Type: AWS::IAM::OIDCProvider
    Properties: {Url: 'https://builds.example.test', ClientIdList: [sts.amazonaws.com]}
  Company:
    Type: AWS::IAM::SAMLProvider
    Properties:
      SamlMetadataDocument: |
        @METADATA
Outputs:
  Reader: {Value: !GetAtt Reader.Arn}
  Ana: {Value: !GetAtt Ana.Arn}
"""


@pytest.fixture
def tenant(home: Tenant) -> Tenant:
    """An account of its own."""
    return new_account(home.house, new_name("templates"))


def tabard(tenant: Tenant, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TABARD, *map(str, words), "--data", str(tenant.house.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def apply(tenant: Tenant, file: Path, *words: str) -> Any:
    """What `tabard apply --json` tells; it must succeed."""
    done = tabard(tenant, "apply", file, "--account", tenant.account, "--yes", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "risk.yaml"
    path.write_text(TEMPLATE.replace("@METADATA", saml.metadata()))
    return path


GIVEN = ("--parameter", "Password=c0rrect-Horse")


def test_from_a_template_to_a_session_a_refusal_and_its_reasons(tenant: Tenant, file: Path) -> None:
    told = apply(tenant, file, *GIVEN)
    outputs = {name: each["value"] for name, each in told["stacks"][0]["outputs"].items()}
    (made,) = told["new_access_keys"]
    ana = Keys(access_key_id=made["access_key_id"], secret_access_key=made["secret_access_key"])

    # All of it is there for real clients.
    who = tenant.client("sts", ana).get_caller_identity()
    assert who["Arn"] == outputs["Ana"]
    assert tenant.iam.get_login_profile(UserName=made["user_name"])["LoginProfile"]["PasswordResetRequired"] is False
    (profile,) = tenant.iam.list_instance_profiles()["InstanceProfiles"]
    assert [role["Arn"] for role in profile["Roles"]] == [outputs["Reader"]]
    (oidc,) = tenant.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert oidc["Arn"].endswith(":oidc-provider/builds.example.test")
    assert len(tenant.iam.list_saml_providers()["SAMLProviderList"]) == 1

    # The role is taken, and does what its policy says and no more.
    session = tenant.session(outputs["Reader"], ana)
    iam = tenant.client("iam", session)
    assert [user["Arn"] for user in iam.list_users()["Users"]] == [outputs["Ana"]]
    with pytest.raises(ClientError) as caught:
        iam.list_groups()
    refusal = caught.value.response

    # Why: in the message, in the sealed header, and by the command.
    message = refusal["Error"]["Message"]
    assert "is not authorized to perform: iam:ListGroups on resource: " in message
    assert "because no identity-based policy allows the iam:ListGroups action" in message
    headers = refusal["ResponseMetadata"]["HTTPHeaders"]
    sealed = headers["x-tabard-authorization-message"]
    decoded = json.loads(tenant.sts.decode_authorization_message(EncodedMessage=sealed)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"]) == (False, False)
    assert decoded["context"]["action"] == "iam:ListGroups"
    reasons = tabard(tenant, "why", message)
    assert reasons.returncode == 3, reasons.stderr
    assert "iam:ListGroups" in reasons.stdout
    assert "risk-Reading-" in reasons.stdout


def test_drift_is_found_told_and_put_right(tenant: Tenant, file: Path) -> None:
    apply(tenant, file, *GIVEN)
    again = apply(tenant, file, *GIVEN)
    assert (again["changes"], again["applied"]) == (False, False)
    role = tenant.iam.list_roles()["Roles"][0]["RoleName"]
    tenant.iam.update_assume_role_policy(
        RoleName=role,
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Principal": {"AWS": tenant.account}, "Action": "sts:AssumeRole"},
            }
        ),
    )

    check = ("apply", file, "--account", tenant.account, "--check", *GIVEN)
    drifted = tabard(tenant, *check)
    assert drifted.returncode == 6
    assert "  ~ update   role               Reader" in drifted.stdout
    assert "AssumeRolePolicyDocument" in drifted.stdout
    assert "aws:PrincipalTag/team" in drifted.stdout
    apply(tenant, file, *GIVEN)

    assert tabard(tenant, *check).returncode == 0
    trust = tenant.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Condition"] == {"StringEquals": {"aws:PrincipalTag/team": "risk"}}


def test_a_template_that_fails_at_its_end_has_changed_nothing(tenant: Tenant, file: Path) -> None:
    text = file.read_text()
    last = "  Zed: {Type: AWS::IAM::UserToGroupAddition, Properties: {GroupName: nobody, Users: [!Ref Ana]}}\nOutputs:"
    file.write_text(text.replace("Outputs:", last))
    line = file.read_text()[: file.read_text().index("  Zed:")].count("\n") + 1

    done = tabard(tenant, "apply", file, "--account", tenant.account, "--yes", "--json", *GIVEN)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"tabard: {file}:{line}:3: Zed: to create the membership")
    assert "AddUserToGroup is refused: NoSuchEntity" in done.stderr
    assert done.stderr.count("\n") == 1
    for listing, member in (
        (tenant.iam.list_users, "Users"),
        (tenant.iam.list_roles, "Roles"),
        (tenant.iam.list_open_id_connect_providers, "OpenIDConnectProviderList"),
    ):
        assert listing()[member] == []
    # Control.
    file.write_text(text)
    apply(tenant, file, *GIVEN)
    assert len(tenant.iam.list_users()["Users"]) == 1


def test_what_was_applied_is_on_record_and_no_secret_with_it(tenant: Tenant, file: Path) -> None:
    told = apply(tenant, file, *GIVEN)
    (made,) = told["new_access_keys"]
    ours = [record for record in tenant.house.audit() if record.get("recipientAccountId") == tenant.account]
    operated = [record for record in ours if record["userIdentity"]["type"] == "Operator"]
    names = [record["eventName"] for record in operated]
    assert {"CreateUser", "CreateLoginProfile", "CreateRole", "CreatePolicy", "CreateSAMLProvider"} <= set(names)
    (key,) = [record for record in operated if record["eventName"] == "CreateAccessKey"]
    assert key["responseElements"]["accessKey"]["accessKeyId"] == made["access_key_id"]
    assert key["additionalEventData"]["tabard"] == {"stack": "risk", "logicalId": "AnasKey"}
    written = json.dumps(operated)
    assert made["secret_access_key"] not in written
    assert "c0rrect-Horse" not in written


def test_another_account_is_left_alone_and_everything_goes_with_prune(
    tenant: Tenant, abroad: Tenant, file: Path, tmp_path: Path
) -> None:
    before = abroad.iam.get_account_authorization_details()
    apply(tenant, file, *GIVEN)
    empty = tmp_path / "empty.yaml"
    empty.write_text("Resources: {}\n")

    apply(tenant, empty, "--stack-name", "risk", "--prune")

    after = tenant.iam.get_account_authorization_details()
    assert [after[name] for name in ("UserDetailList", "RoleDetailList", "GroupDetailList")] == [[], [], []]
    theirs = abroad.iam.get_account_authorization_details()
    for name in ("UserDetailList", "RoleDetailList", "GroupDetailList"):
        assert theirs[name] == before[name]
