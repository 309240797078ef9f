"""A day of an administrator: everything of IAM that is built, with the aws CLI and boto3, paginators and waiters."""

import datetime as dt
import itertools
import json
import re
from typing import Any
from urllib.parse import quote, unquote

import pyotp
import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import CommandFailed, House, Keys, allow, document, trust

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"adm-{next(_numbers)}"


@pytest.fixture
def iam(house: House) -> Any:
    return house.client("iam")


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return refused.value.response["Error"]["Code"]


# ── users, groups, keys ──────────────────────────────────────────────────────────────────────────────


def test_a_user_lives_with_the_aws_cli_from_beginning_to_end(house: House, name: str) -> None:
    def cli(command: str, *more: str) -> Any:
        return house.aws("iam", command, *more)

    made = cli("create-user", "--user-name", name, "--path", "/staff/eu/", "--tags", "Key=Team,Value=blue")["User"]
    assert made["Arn"] == f"arn:aws:iam::{house.account}:user/staff/eu/{name}"
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", made["UserId"])
    assert cli("get-user", "--user-name", name.upper())["User"]["UserName"] == name, "names are found in any case"

    cli("create-group", "--group-name", f"{name}-g")
    cli("add-user-to-group", "--user-name", name, "--group-name", f"{name}-g")
    assert [g["GroupName"] for g in cli("list-groups-for-user", "--user-name", name)["Groups"]] == [f"{name}-g"]
    cli(
        *("put-group-policy", "--group-name", f"{name}-g", "--policy-name", "p"),
        *("--policy-document", document(allow("iam:ListGroups"))),
    )
    keys = Keys.of(cli("create-access-key", "--user-name", name)["AccessKey"])
    assert house.aws("iam", "list-groups", keys=keys)["Groups"], "the group's policy is the user's"

    used = cli("get-access-key-last-used", "--access-key-id", keys.access_key_id)
    assert used["UserName"] == name
    cli("update-access-key", "--user-name", name, "--access-key-id", keys.access_key_id, "--status", "Inactive")
    assert cli("list-access-keys", "--user-name", name)["AccessKeyMetadata"][0]["Status"] == "Inactive"
    with pytest.raises(CommandFailed, match="InvalidClientTokenId"):
        house.aws("sts", "get-caller-identity", keys=keys)

    with pytest.raises(CommandFailed, match="DeleteConflict"):
        cli("delete-user", "--user-name", name)
    cli("delete-access-key", "--user-name", name, "--access-key-id", keys.access_key_id)
    cli("remove-user-from-group", "--user-name", name, "--group-name", f"{name}-g")
    cli("delete-user", "--user-name", name)
    with pytest.raises(CommandFailed, match="NoSuchEntity"):
        cli("get-user", "--user-name", name)
    cli("delete-group-policy", "--group-name", f"{name}-g", "--policy-name", "p")
    cli("delete-group", "--group-name", f"{name}-g")


def test_a_renamed_user_keeps_its_id_its_keys_and_its_groups(house: House, iam: Any, name: str) -> None:
    before = iam.create_user(UserName=name)["User"]
    iam.create_group(GroupName=name)
    iam.add_user_to_group(UserName=name, GroupName=name)
    keys = Keys.of(iam.create_access_key(UserName=name)["AccessKey"])

    iam.update_user(UserName=name, NewUserName=f"{name}-new", NewPath="/moved/")

    after = iam.get_user(UserName=f"{name}-new")["User"]
    assert (after["UserId"], after["Arn"]) == (
        before["UserId"],
        f"arn:aws:iam::{house.account}:user/moved/{name}-new",
    )
    assert house.client("sts", keys).get_caller_identity()["Arn"] == after["Arn"]
    assert [user["UserName"] for user in iam.get_group(GroupName=name)["Users"]] == [f"{name}-new"]
    with pytest.raises(ClientError) as refused:
        iam.get_user(UserName=name)
    assert code(refused) == "NoSuchEntity"


def test_paginators_walk_every_page_once_and_keep_to_their_path(iam: Any, name: str) -> None:
    wanted = [f"{name}-{number:02d}" for number in range(23)]
    for each in wanted:
        iam.create_role(RoleName=each, Path=f"/{name}/", AssumeRolePolicyDocument=trust({"AWS": "111122223333"}))

    pages = list(
        iam.get_paginator("list_roles").paginate(PathPrefix=f"/{name}/", PaginationConfig={"PageSize": 5})
    )  # fmt: skip

    assert [len(page["Roles"]) for page in pages] == [5, 5, 5, 5, 3]
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == wanted
    assert [page["IsTruncated"] for page in pages] == [True, True, True, True, False]
    with pytest.raises(ClientError) as refused:
        iam.list_roles(Marker="not a marker of ours")
    assert code(refused) == "ValidationError"
    for each in wanted:
        iam.delete_role(RoleName=each)
    assert iam.list_roles(PathPrefix=f"/{name}/")["Roles"] == []


def test_every_list_has_a_paginator_that_ends(iam: Any, name: str, house: House) -> None:
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": "111122223333"}))
    iam.create_instance_profile(InstanceProfileName=name)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    named = {"user": {"UserName": name}, "group": {"GroupName": name}, "role": {"RoleName": name}}
    lists: dict[str, dict[str, str]] = {
        "list_users": {}, "list_groups": {}, "list_roles": {}, "list_policies": {}, "list_instance_profiles": {},
        "list_virtual_mfa_devices": {}, "list_account_aliases": {},
        "list_access_keys": named["user"], "list_user_policies": named["user"], "list_user_tags": named["user"],
        "list_attached_user_policies": named["user"], "list_groups_for_user": named["user"],
        "list_mfa_devices": named["user"], "list_ssh_public_keys": named["user"],
        "list_signing_certificates": named["user"],
        "get_group": named["group"], "list_group_policies": named["group"],
        "list_attached_group_policies": named["group"],
        "list_role_policies": named["role"], "list_attached_role_policies": named["role"],
        "list_role_tags": named["role"], "list_instance_profiles_for_role": named["role"],
        "list_policy_versions": {"PolicyArn": arn}, "list_policy_tags": {"PolicyArn": arn},
        "list_entities_for_policy": {"PolicyArn": arn},
        "list_instance_profile_tags": {"InstanceProfileName": name},
    }  # fmt: skip

    for method, given in lists.items():
        pages = list(iam.get_paginator(method).paginate(**given, PaginationConfig={"PageSize": 1, "MaxItems": 50}))
        assert pages, method
        assert all("IsTruncated" in page for page in pages), method


def test_waiters_find_what_was_just_made(iam: Any, name: str) -> None:
    iam.create_user(UserName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": "111122223333"}))
    iam.create_instance_profile(InstanceProfileName=name)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    once = {"Delay": 1, "MaxAttempts": 1}

    iam.get_waiter("user_exists").wait(UserName=name, WaiterConfig=once)
    iam.get_waiter("role_exists").wait(RoleName=name, WaiterConfig=once)
    iam.get_waiter("policy_exists").wait(PolicyArn=arn, WaiterConfig=once)
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=name, WaiterConfig=once)


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_managed_policy_with_versions_decides_by_its_default(house: House, iam: Any, name: str) -> None:
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("iam:ListUsers")), Description="first")[
        "Policy"
    ]["Arn"]
    iam.create_user(UserName=name)
    keys = Keys.of(iam.create_access_key(UserName=name)["AccessKey"])
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    theirs = house.client("iam", keys)

    assert theirs.list_users()["Users"]
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("iam:ListRoles")))["PolicyVersion"][
        "VersionId"
    ] == "v2"  # fmt: skip
    assert theirs.list_users()["Users"], "a version that is no default decides nothing"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.list_users()
    assert theirs.list_roles()["Roles"] is not None

    for number in range(3, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")), SetAsDefault=number == 5)
        assert made["PolicyVersion"]["VersionId"] == f"v{number}"
    with pytest.raises(ClientError) as refused:
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")))
    assert code(refused) == "LimitExceeded"
    with pytest.raises(ClientError) as refused:
        iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    assert code(refused) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*")))["PolicyVersion"][
        "VersionId"
    ] == "v6", "a number is never given twice"  # fmt: skip
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert {version["VersionId"]: version["IsDefaultVersion"] for version in versions} == {
        "v2": False, "v3": False, "v4": False, "v5": True, "v6": False,
    }  # fmt: skip

    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [user["UserName"] for user in iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]] == [name]
    with pytest.raises(ClientError) as refused:
        iam.delete_policy(PolicyArn=arn)
    assert code(refused) == "DeleteConflict"


def test_a_boundary_is_the_most_that_a_user_may_do(house: House, iam: Any, name: str) -> None:
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("iam:List*")))["Policy"]["Arn"]
    iam.create_user(UserName=name, PermissionsBoundary=arn)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=document(allow("*")))
    theirs = house.client("iam", Keys.of(iam.create_access_key(UserName=name)["AccessKey"]))

    assert iam.get_user(UserName=name)["User"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": arn,
    }
    assert theirs.list_users()["Users"]
    with pytest.raises(ClientError, match="no permissions boundary allows the iam:CreateGroup action"):
        theirs.create_group(GroupName=name)
    iam.delete_user_permissions_boundary(UserName=name)
    theirs.create_group(GroupName=name)


def test_the_policies_of_aws_are_there_and_cannot_be_changed(iam: Any, name: str) -> None:
    arn = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn=arn)

    assert iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"] == [
        {"PolicyName": "IAMReadOnlyAccess", "PolicyArn": arn}
    ]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] >= 1
    for change in (
        lambda: iam.delete_policy(PolicyArn=arn),
        lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("*"))),
        lambda: iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": "b"}]),
    ):
        with pytest.raises(ClientError) as refused:
            change()
        assert code(refused) in {"AccessDenied", "InvalidInput", "NoSuchEntity"}
    names = {policy["PolicyName"] for policy in iam.list_policies(Scope="AWS")["Policies"]}
    assert {"AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "ReadOnlyAccess", "AmazonS3FullAccess"} <= names


WHITE_SPACE = (
    '{\n\t"Version" : "2012-10-17",\r\n  "Statement":[ {"Effect":"Allow", "Action":"*" ,"Resource":"*"} ]\n}\n'
)


@pytest.mark.parametrize(
    "text",
    [
        WHITE_SPACE,
        document(allow("s3:GetObject", "arn:aws:s3:::b/a+b c%20d/*")),
        document(allow("s3:GetObject", "arn:aws:s3:::b/é/ÿ/ ")),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "A", **allow("*", "arn:aws:s3:::é&<>\"'+%2B/*")}]},
                   ensure_ascii=False),
    ],
    ids=["white space", "plus and percent", "letters beyond ASCII", "all at once"],
)  # fmt: skip
def test_a_document_comes_back_exactly_as_it_was_sent(house: House, iam: Any, name: str, text: str) -> None:
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=text)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    seen: list[bytes] = []
    iam.meta.events.register("after-call", lambda http_response, **_: seen.append(http_response.content))

    assert iam.get_user_policy(UserName=name, PolicyName="p")["PolicyDocument"] == json.loads(text)
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(text)
    for body, element in zip(seen, ("PolicyDocument", "Document"), strict=True):
        sent = re.search(f"<{element}>(.*)</{element}>".encode(), body)
        assert sent is not None
        assert unquote(sent[1].decode("ascii")) == text
        assert sent[1].decode() == quote(text, safe="~"), "RFC 3986: nothing but unreserved characters as they are"


def test_instants_are_utc_in_whole_seconds(house: House, iam: Any, name: str) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": "111122223333"}))["Role"]["CreateDate"]
    seen: list[bytes] = []
    iam.meta.events.register("after-call", lambda http_response, **_: seen.append(http_response.content))

    told = iam.get_role(RoleName=name)["Role"]["CreateDate"]

    assert made == told
    assert before <= told <= dt.datetime.now(dt.UTC)
    assert re.search(rb"<CreateDate>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ</CreateDate>", seen[0])


# ── roles, instance profiles, tags, devices, summary ─────────────────────────────────────────────────


def test_a_role_as_terraform_makes_changes_and_deletes_it(iam: Any, name: str) -> None:
    made = iam.create_role(
        RoleName=name,
        Path="/",
        AssumeRolePolicyDocument=trust({"AWS": "111122223333"}),
        MaxSessionDuration=3600,
        Description="by terraform",
        Tags=[{"Key": "Name", "Value": name}],
    )["Role"]
    read = iam.get_role(RoleName=name)["Role"]
    assert read["AssumeRolePolicyDocument"] == json.loads(trust({"AWS": "111122223333"}))
    assert (read["RoleId"], read["Description"], read["MaxSessionDuration"]) == (made["RoleId"], "by terraform", 3600)
    assert read["Tags"] == [{"Key": "Name", "Value": name}]
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []

    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust({"AWS": read["Arn"]}))
    iam.update_role(RoleName=name, MaxSessionDuration=7200)
    iam.update_role_description(RoleName=name, Description="changed")
    iam.tag_role(RoleName=name, Tags=[{"Key": "Name", "Value": "other"}, {"Key": "Team", "Value": "red"}])
    iam.untag_role(RoleName=name, TagKeys=["Team"])
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document(allow("*")))
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    read = iam.get_role(RoleName=name)["Role"]
    assert (read["Description"], read["MaxSessionDuration"]) == ("changed", 7200)
    assert iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "Name", "Value": "other"}]

    with pytest.raises(ClientError) as refused:
        iam.delete_role(RoleName=name)
    assert code(refused) == "DeleteConflict"
    for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=name)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
    iam.delete_instance_profile(InstanceProfileName=name)
    with pytest.raises(ClientError) as refused:
        iam.get_role(RoleName=name)
    assert code(refused) == "NoSuchEntity"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_user_as_terraform_deletes_it_with_all_that_it_holds(iam: Any, name: str) -> None:
    """The provider asks for every kind of credential before it deletes; kinds that are not built are empty lists."""
    iam.create_user(UserName=name)
    iam.create_access_key(UserName=name)
    iam.create_group(GroupName=name)
    iam.add_user_to_group(UserName=name, GroupName=name)

    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    assert iam.list_ssh_public_keys(UserName=name)["SSHPublicKeys"] == []
    assert iam.list_signing_certificates(UserName=name)["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName=name)["ServiceSpecificCredentials"] == []
    assert iam.list_mfa_devices(UserName=name)["MFADevices"] == []
    for absent in (iam.get_login_profile, iam.delete_login_profile):
        with pytest.raises(ClientError) as refused:
            absent(UserName=name)
        assert code(refused) == "NoSuchEntity", "which the provider takes for done"
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []
    assert iam.list_attached_user_policies(UserName=name)["AttachedPolicies"] == []
    iam.delete_user(UserName=name)
    with pytest.raises(ClientError) as refused:
        iam.list_ssh_public_keys(UserName=name)
    assert code(refused) == "NoSuchEntity"


def test_a_device_is_made_enabled_listed_and_put_away(house: House, iam: Any, name: str) -> None:
    iam.create_user(UserName=name)
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    serial = made["SerialNumber"]
    assert serial == f"arn:aws:iam::{house.account}:mfa/{name}"
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    codes, now = pyotp.TOTP(made["Base32StringSeed"].decode()), dt.datetime.now(dt.UTC)

    iam.enable_mfa_device(
        UserName=name,
        SerialNumber=serial,
        AuthenticationCode1=codes.at(now - dt.timedelta(seconds=60)),
        AuthenticationCode2=codes.at(now - dt.timedelta(seconds=30)),
    )

    assert [device["SerialNumber"] for device in iam.list_mfa_devices(UserName=name)["MFADevices"]] == [serial]
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert serial in [device["SerialNumber"] for device in assigned]
    with pytest.raises(ClientError) as refused:
        iam.delete_user(UserName=name)
    assert code(refused) == "DeleteConflict"
    iam.deactivate_mfa_device(UserName=name, SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    iam.delete_user(UserName=name)


def test_tags_of_every_kind_that_has_them(iam: Any, name: str) -> None:
    tags = [{"Key": "Kostenstelle", "Value": "ä/ö=ü+1@x"}, {"Key": "leer", "Value": ""}]
    iam.create_user(UserName=name, Tags=tags)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": "111122223333"}), Tags=tags)
    iam.create_instance_profile(InstanceProfileName=name, Tags=tags)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("*")), Tags=tags)["Policy"]["Arn"]
    for kind, given in (
        ("user", {"UserName": name}),
        ("role", {"RoleName": name}),
        ("instance_profile", {"InstanceProfileName": name}),
        ("policy", {"PolicyArn": arn}),
    ):
        listed = getattr(iam, f"list_{kind}_tags")
        assert listed(**given)["Tags"] == tags
        with pytest.raises(ClientError) as refused:
            getattr(iam, f"tag_{kind}")(**given, Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}])
        assert code(refused) == "InvalidInput"
        getattr(iam, f"untag_{kind}")(**given, TagKeys=["leer", "Kostenstelle", "never there"])
        assert listed(**given)["Tags"] == []


def test_the_account_summary_counts_what_is_there(house: House, iam: Any, name: str) -> None:
    before = iam.get_account_summary()["SummaryMap"]
    iam.create_user(UserName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": "111122223333"}))

    after = iam.get_account_summary()["SummaryMap"]

    assert {key for key in after if after[key] != before[key]} == {"Users", "Roles"}
    assert (after["Users"], after["Roles"]) == (before["Users"] + 1, before["Roles"] + 1)
    assert after["AccountAccessKeysPresent"] == 1


def test_a_caller_without_a_user_name_means_itself(house: House, iam: Any, name: str) -> None:
    iam.create_user(UserName=name)
    own = "arn:aws:iam::*:user/${aws:username}"
    iam.put_user_policy(
        UserName=name, PolicyName="own", PolicyDocument=document(allow(["iam:*AccessKey*", "iam:GetUser"], own))
    )
    theirs = house.client("iam", Keys.of(iam.create_access_key(UserName=name)["AccessKey"]))

    assert theirs.get_user()["User"]["UserName"] == name
    new = theirs.create_access_key()["AccessKey"]
    assert new["UserName"] == name
    assert len(theirs.list_access_keys()["AccessKeyMetadata"]) == 2
    with pytest.raises(ClientError) as refused:
        theirs.create_access_key()
    assert code(refused) == "LimitExceeded"
    theirs.delete_access_key(AccessKeyId=new["AccessKeyId"])
    with pytest.raises(
        ClientError, match=f"User: arn:aws:iam::{house.account}:user/{name} is not authorized to perform"
    ):
        theirs.list_access_keys(UserName="admin")


def test_many_writers_at_once_are_all_answered(house: House, name: str) -> None:
    """D08: more calls than there are places; each is done or told to slow down, and none hangs."""
    from concurrent.futures import ThreadPoolExecutor

    clients = [house.client("iam", max_pool_connections=1) for _ in range(4)]

    def write(number: int) -> str:
        try:
            clients[number % len(clients)].create_group(GroupName=f"{name}-{number}")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return ""

    with ThreadPoolExecutor(100) as threads:
        codes = list(threads.map(write, range(200)))

    assert set(codes) <= {"", "Throttling"}
    done = {f"{name}-{number}" for number, told in enumerate(codes) if told == ""}
    pages = house.client("iam").get_paginator("list_groups").paginate()
    stored = {
        group["GroupName"] for page in pages for group in page["Groups"] if group["GroupName"].startswith(f"{name}-")
    }
    assert stored == done
