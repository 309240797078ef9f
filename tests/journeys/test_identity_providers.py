"""Identity providers, passwords and the account's own settings, with boto3 and the aws CLI."""

import itertools
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import CommandFailed, House, Keys, allow, document, trust
from tests.saml import RECORDED, metadata, pem, rsa_key

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"idp-{next(_numbers)}"


@pytest.fixture
def iam(house: House) -> Any:
    return house.client("iam")


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("provider", ["simplesamlphp", "auth0"])
def test_a_saml_provider_lives_with_the_aws_cli_from_beginning_to_end(
    house: House, name: str, provider: str, tmp_path: Path
) -> None:
    def cli(command: str, *more: str) -> Any:
        return house.aws("iam", command, *more)

    file = RECORDED / f"metadata-{provider}.xml"
    key = tmp_path / "key.pem"
    key.write_text(pem(rsa_key()))
    made = cli(
        *("create-saml-provider", "--name", name, "--saml-metadata-document", f"file://{file}"),
        *("--tags", "Key=Team,Value=blue", "--add-private-key", f"file://{key}"),
    )
    arn = made["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{house.account}:saml-provider/{name}"
    got = cli("get-saml-provider", "--saml-provider-arn", arn)
    assert got["SAMLMetadataDocument"] == file.read_text()
    assert got["Tags"] == [{"Key": "Team", "Value": "blue"}]
    assert got["AssertionEncryptionMode"] == "Allowed"
    (held,) = got["PrivateKeyList"]
    assert arn in [each["Arn"] for each in cli("list-saml-providers")["SAMLProviderList"]]

    cli("update-saml-provider", "--saml-provider-arn", arn, "--assertion-encryption-mode", "Required")
    with pytest.raises(CommandFailed, match="InvalidInput"):
        cli("update-saml-provider", "--saml-provider-arn", arn, "--remove-private-key", held["KeyId"])
    cli("tag-saml-provider", "--saml-provider-arn", arn, "--tags", "Key=A,Value=1")
    cli("untag-saml-provider", "--saml-provider-arn", arn, "--tag-keys", "Team")
    assert cli("list-saml-provider-tags", "--saml-provider-arn", arn)["Tags"] == [{"Key": "A", "Value": "1"}]
    cli("delete-saml-provider", "--saml-provider-arn", arn)
    with pytest.raises(CommandFailed, match="Manifest not found for arn"):
        cli("get-saml-provider", "--saml-provider-arn", arn)
    assert key.read_text().splitlines()[1] not in (house.data / "audit.jsonl").read_text()


def test_large_metadata_is_saved_and_answered_word_for_word(house: House, iam: Any, name: str) -> None:
    large = metadata(after="<a>" + ("<b>" + "é x" * 9_000 + "</b>") * 100 + "</a>")
    assert len(large) > 2_500_000

    arn = iam.create_saml_provider(Name=name, SAMLMetadataDocument=large)["SAMLProviderArn"]

    assert iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == large
    wrong = house.client("iam", Keys(access_key_id=house.admin.access_key_id, secret_access_key="w" * 40))
    assert refusal(wrong.update_saml_provider, SAMLProviderArn=arn, SAMLMetadataDocument=large)[0] == (
        "SignatureDoesNotMatch"
    )
    iam.delete_saml_provider(SAMLProviderArn=arn)


def test_metadata_that_is_a_weapon_is_refused_and_the_house_goes_on(iam: Any, name: str) -> None:
    bombs = (
        metadata(head='<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/hostname">]>', inside="&x;"),
        metadata(inside="<a/>" * 500_000),
        "x" * 1000,
    )
    for bomb in bombs:
        told = refusal(iam.create_saml_provider, Name=name, SAMLMetadataDocument=bomb)
        assert told == ("InvalidInput", "Could not parse metadata")
    arn = iam.create_saml_provider(Name=name, SAMLMetadataDocument=metadata())["SAMLProviderArn"]
    iam.delete_saml_provider(SAMLProviderArn=arn)


def test_an_openid_connect_provider_lives_with_the_aws_cli(house: House, name: str) -> None:
    def cli(command: str, *more: str) -> Any:
        return house.aws("iam", command, *more)

    url = f"https://{name}.EXAMPLE.test/Realms/One"
    made = cli("create-open-id-connect-provider", "--url", url, "--client-id-list", "a", "b")
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{house.account}:oidc-provider/{name}.example.test/Realms/One"
    named = ("--open-id-connect-provider-arn", arn)
    cli("add-client-id-to-open-id-connect-provider", *named, "--client-id", "c")
    cli("remove-client-id-from-open-id-connect-provider", *named, "--client-id", "a")
    cli("update-open-id-connect-provider-thumbprint", *named, "--thumbprint-list", "f" * 40)
    cli("tag-open-id-connect-provider", *named, "--tags", "Key=A,Value=1", "Key=B,Value=2")
    cli("untag-open-id-connect-provider", *named, "--tag-keys", "A")
    got = cli("get-open-id-connect-provider", *named)
    assert (got["Url"], got["ClientIDList"], got["ThumbprintList"]) == (
        f"{name}.example.test/Realms/One",
        ["b", "c"],
        ["f" * 40],
    )
    assert got["Tags"] == cli("list-open-id-connect-provider-tags", *named)["Tags"] == [{"Key": "B", "Value": "2"}]
    assert {"Arn": arn} in cli("list-open-id-connect-providers")["OpenIDConnectProviderList"]
    with pytest.raises(CommandFailed, match=r"Provider with url https://.* already exists\."):
        cli("create-open-id-connect-provider", "--url", url)
    cli("delete-open-id-connect-provider", *named)
    with pytest.raises(CommandFailed, match=r"OpenId connect Provider .* cannot be found"):
        cli("delete-open-id-connect-provider", *named)


def test_a_role_may_trust_a_provider_that_is_not_there_yet(house: House, iam: Any, name: str) -> None:
    arn = f"arn:aws:iam::{house.account}:oidc-provider/{name}.test"
    policy = trust({"Federated": arn}, "sts:AssumeRoleWithWebIdentity")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)
    assert iam.create_open_id_connect_provider(Url=f"https://{name}.test")["OpenIDConnectProviderArn"] == arn
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    stored = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert stored["Statement"][0]["Principal"] == {"Federated": arn}
    iam.delete_role(RoleName=name)


def test_tags_of_providers_decide(house: House, iam: Any, name: str) -> None:
    red, blue = (
        iam.create_open_id_connect_provider(Url=f"https://{name}.{team}.test", Tags=[{"Key": "team", "Value": team}])[
            "OpenIDConnectProviderArn"
        ]
        for team in ("red", "blue")
    )
    iam.create_user(UserName=name)
    policy = document(
        allow(
            "iam:AddClientIDToOpenIDConnectProvider",
            Condition={"StringEquals": {"aws:ResourceTag/team": "red"}},
        )
    )
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    keys = Keys.of(iam.create_access_key(UserName=name)["AccessKey"])
    add = house.client("iam", keys).add_client_id_to_open_id_connect_provider
    add(OpenIDConnectProviderArn=red, ClientID="x")
    code, text = refusal(add, OpenIDConnectProviderArn=blue, ClientID="x")
    assert code == "AccessDenied"
    assert f"on resource: {blue}" in text


def test_a_password_from_the_first_day_to_the_last(house: House, iam: Any, name: str) -> None:
    first, second = "Correct-Horse-7", "Battery-Staple-8"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("iam:ChangePassword")))
    keys = Keys.of(iam.create_access_key(UserName=name)["AccessKey"])
    assert refusal(iam.create_login_profile, UserName=name, Password="password") == (
        "PasswordPolicyViolation",
        "Password does not conform to the account password policy.",
    )
    made = iam.create_login_profile(UserName=name, Password=first, PasswordResetRequired=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == (name, True)
    assert (
        refusal(house.client("iam", keys).change_password, OldPassword=second, NewPassword=first)[0] == "AccessDenied"
    )
    house.aws("iam", "change-password", "--old-password", first, "--new-password", second, keys=keys)
    assert not house.aws("iam", "get-login-profile", "--user-name", name)["LoginProfile"]["PasswordResetRequired"]
    assert refusal(house.client("iam", house.root).change_password, OldPassword=first, NewPassword=second)[0] == (
        "InvalidUserType"
    )
    iam.update_login_profile(UserName=name, Password=first)
    iam.delete_access_key(UserName=name, AccessKeyId=keys.access_key_id)
    iam.delete_user_policy(UserName=name, PolicyName="p")
    assert refusal(iam.delete_user, UserName=name) == (
        "DeleteConflict",
        "Cannot delete entity, must delete login profile first.",
    )
    iam.delete_login_profile(UserName=name)
    iam.delete_user(UserName=name)
    audit = (house.data / "audit.jsonl").read_text()
    assert first not in audit
    assert second not in audit


def test_what_an_account_sets_for_itself(fresh_house: House) -> None:
    def cli(command: str, *more: str) -> Any:
        return fresh_house.aws("iam", command, *more)

    with pytest.raises(CommandFailed, match=f"The Password Policy with domain name {fresh_house.account} cannot be"):
        cli("get-account-password-policy")
    cli("update-account-password-policy", "--minimum-password-length", "12", "--max-password-age", "90")
    policy = cli("get-account-password-policy")["PasswordPolicy"]
    assert (policy["MinimumPasswordLength"], policy["MaxPasswordAge"], policy["ExpirePasswords"]) == (12, 90, True)
    assert "HardExpiry" not in policy
    cli("delete-account-password-policy")

    cli("create-account-alias", "--account-alias", "acme")
    assert cli("list-account-aliases")["AccountAliases"] == ["acme"]
    with pytest.raises(CommandFailed, match=r"The account alias acme already exists\."):
        cli("create-account-alias", "--account-alias", "acme")
    cli("delete-account-alias", "--account-alias", "acme")

    cli("set-security-token-service-preferences", "--global-endpoint-token-version", "v2Token")
    cli("create-open-id-connect-provider", "--url", "https://idp.example.test")
    summary = cli("get-account-summary")["SummaryMap"]
    assert (summary["GlobalEndpointTokenVersion"], summary["Providers"]) == (2, 1)


def test_a_service_linked_role_comes_and_goes(house: House, iam: Any) -> None:
    role = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com", Description="for tasks")["Role"]
    iam.get_waiter("role_exists").wait(RoleName=role["RoleName"])
    assert role["Arn"] == f"arn:aws:iam::{house.account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ecs.amazonaws.com"}
    assert refusal(iam.delete_role, RoleName=role["RoleName"])[0] == "UnmodifiableEntity"
    assert refusal(iam.create_service_linked_role, AWSServiceName="ecs.amazonaws.com", CustomSuffix="x") == (
        "InvalidInput",
        "Custom suffix is not allowed for ecs.amazonaws.com",
    )
    task = house.aws("iam", "delete-service-linked-role", "--role-name", role["RoleName"])["DeletionTaskId"]
    status = house.aws("iam", "get-service-linked-role-deletion-status", "--deletion-task-id", task)
    assert status == {"Status": "SUCCEEDED"}


def test_the_whole_account_is_told_page_by_page(fresh_house: House) -> None:
    iam = fresh_house.client("iam")
    for number in range(7):
        iam.create_user(UserName=f"u{number}", Tags=[{"Key": "k", "Value": "v"}])
        iam.create_role(RoleName=f"r{number}", AssumeRolePolicyDocument=trust({"AWS": "*"}))
    iam.put_user_policy(UserName="u0", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="r0")
    paginator = iam.get_paginator("get_account_authorization_details")

    pages = list(paginator.paginate(PaginationConfig={"PageSize": 4}))

    users = [user for page in pages for user in page["UserDetailList"]]
    assert [user["UserName"] for user in users] == ["admin", *(f"u{number}" for number in range(7))]
    assert users[1]["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "s3:*"
    roles = [role for page in pages for role in page["RoleDetailList"]]
    assert [role["RoleName"] for role in roles] == [f"r{number}" for number in range(7)]
    assert roles[0]["InstanceProfileList"][0]["Roles"][0]["RoleName"] == "r0"
    policies = [policy for page in pages for policy in page["Policies"]]
    assert [policy["PolicyName"] for policy in policies] == ["AdministratorAccess"]
    only = fresh_house.aws("iam", "get-account-authorization-details", "--filter", "Role")
    assert (len(only["RoleDetailList"]), only["UserDetailList"], only["Policies"]) == (7, [], [])
    raw = json.dumps(only["RoleDetailList"][0]["AssumeRolePolicyDocument"])
    assert unquote(raw) == raw

    answer = fresh_house.aws(
        *("iam", "list-policies-granting-service-access", "--service-namespaces", "s3", "iam"),
        *("--arn", f"arn:aws:iam::{fresh_house.account}:user/u0"),
    )
    granted = {e["ServiceNamespace"]: e["Policies"] for e in answer["PoliciesGrantingServiceAccess"]}
    assert granted["iam"] == []
    assert granted["s3"] == [{"PolicyName": "p", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "u0"}]
