"""The main journey: a user with a long-lived key takes a role, gives up what it had, and has the role's rights instead."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import CommandFailed, House, Keys, allow, document, trust


def make_user(house: House, name: str, *statements: dict) -> Keys:
    house.aws("iam", "create-user", "--user-name", name)
    if statements:
        house.aws(
            "iam",
            "put-user-policy",
            "--user-name",
            name,
            "--policy-name",
            "own",
            "--policy-document",
            document(*statements),
        )
    return Keys.of(house.aws("iam", "create-access-key", "--user-name", name)["AccessKey"])


def test_a_user_takes_a_role_with_the_stock_aws_cli_and_has_the_roles_rights_instead(
    house: House, tmp_path: Path
) -> None:
    role_arn = f"arn:aws:iam::{house.account}:role/HRReader"
    maria = make_user(
        house,
        "maria",
        allow(["sts:AssumeRole", "sts:TagSession"], role_arn),
        allow("iam:CreateGroup"),
        allow("iam:ListRoles"),
    )
    (tmp_path / "trust.json").write_text(
        trust({"AWS": f"arn:aws:iam::{house.account}:root"}, ["sts:AssumeRole", "sts:TagSession"])
    )
    house.aws(
        "iam",
        "create-role",
        "--role-name",
        "HRReader",
        "--assume-role-policy-document",
        f"file://{tmp_path}/trust.json",
    )
    house.aws(
        "iam",
        "put-role-policy",
        *("--role-name", "HRReader", "--policy-name", "list-users-of-hr"),
        *(
            "--policy-document",
            document(allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/Department": "HR"}})),
        ),
    )

    with pytest.raises(CommandFailed, match=r"AccessDenied.*not authorized to perform: iam:ListUsers"):
        house.aws("iam", "list-users", keys=maria)

    taken = house.aws(
        *("sts", "assume-role", "--role-arn", role_arn, "--role-session-name", "maria@corp"),
        *("--tags", "Key=Department,Value=HR", "--transitive-tag-keys", "Department", "--duration-seconds", "900"),
        keys=maria,
    )
    (tmp_path / "temp-credentials.json").write_text(json.dumps(taken))
    session = Keys.of(taken["Credentials"])

    assert session.access_key_id.startswith("ASIA")
    assert len(session.session_token or "") < 1500
    expires = datetime.fromisoformat(taken["Credentials"]["Expiration"])
    assert timedelta(minutes=14) < expires - datetime.now(UTC) <= timedelta(minutes=15)
    assert taken["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{house.account}:assumed-role/HRReader/maria@corp"

    identity = house.aws("sts", "get-caller-identity", keys=session)
    assert identity["Arn"] == f"arn:aws:sts::{house.account}:assumed-role/HRReader/maria@corp"
    assert identity["UserId"] == taken["AssumedRoleUser"]["AssumedRoleId"]
    assert identity["Account"] == house.account

    assert "maria" in [user["UserName"] for user in house.aws("iam", "list-users", keys=session)["Users"]]
    for given_up in (["iam", "list-roles"], ["iam", "create-group", "--group-name", "g"]):
        with pytest.raises(CommandFailed, match="AccessDenied"):
            house.aws(*given_up, keys=session)
    assert house.aws("iam", "list-roles", keys=maria)["Roles"]

    untagged = house.aws("sts", "assume-role", "--role-arn", role_arn, "--role-session-name", "plain", keys=maria)
    with pytest.raises(CommandFailed, match="AccessDenied"):
        house.aws("iam", "list-users", keys=Keys.of(untagged["Credentials"]))


def test_the_credentials_work_from_the_shared_credentials_file(house: House, tmp_path: Path) -> None:
    house.aws(
        *("iam", "create-role", "--role-name", "FromFile", "--assume-role-policy-document"),
        trust({"AWS": house.account}),
    )
    taken = house.aws(
        "sts", "assume-role", "--role-arn", f"arn:aws:iam::{house.account}:role/FromFile", "--role-session-name", "file"
    )["Credentials"]
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        f"[session]\naws_access_key_id = {taken['AccessKeyId']}\n"
        f"aws_secret_access_key = {taken['SecretAccessKey']}\naws_session_token = {taken['SessionToken']}\n"
    )

    identity = house.aws("sts", "get-caller-identity", home=tmp_path, profile="session")

    assert identity["Arn"].endswith(":assumed-role/FromFile/file")


def test_a_profile_with_role_arn_and_source_profile_lets_the_cli_take_the_role_itself(
    house: House, tmp_path: Path
) -> None:
    house.aws(
        *("iam", "create-role", "--role-name", "ByProfile", "--assume-role-policy-document"),
        trust({"AWS": house.account}),
    )
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        f"[base]\naws_access_key_id = {house.admin.access_key_id}\n"
        f"aws_secret_access_key = {house.admin.secret_access_key}\n"
    )
    (tmp_path / ".aws" / "config").write_text(
        f"[profile role]\nrole_arn = arn:aws:iam::{house.account}:role/ByProfile\nsource_profile = base\n"
        "role_session_name = from-profile\n"
    )

    identity = house.aws("sts", "get-caller-identity", home=tmp_path, profile="role")

    assert identity["Arn"].endswith(":assumed-role/ByProfile/from-profile")


def test_a_managed_policy_that_is_attached_takes_effect_and_stops_when_it_is_detached(house: House) -> None:
    arn = house.aws(
        *("iam", "create-policy", "--policy-name", "may-list-groups", "--policy-document"),
        document(allow("iam:ListGroups")),
    )["Policy"]["Arn"]
    house.aws(
        "iam", "create-role", "--role-name", "Attached", "--assume-role-policy-document", trust({"AWS": house.account})
    )
    session = Keys.of(
        house.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{house.account}:role/Attached", RoleSessionName="attached"
        )["Credentials"]
    )
    iam = house.client("iam", session)

    with pytest.raises(ClientError, match="AccessDenied"):
        iam.list_groups()
    house.aws("iam", "attach-role-policy", "--role-name", "Attached", "--policy-arn", arn)
    assert iam.list_groups()["Groups"] is not None
    house.aws("iam", "detach-role-policy", "--role-name", "Attached", "--policy-arn", arn)
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.list_groups()


def test_a_role_made_again_under_its_name_is_another_role(house: House) -> None:
    iam, sts = house.client("iam"), house.client("sts")
    arn = iam.create_role(RoleName="Phoenix", AssumeRolePolicyDocument=trust({"AWS": house.account}))["Role"]["Arn"]
    session = Keys.of(sts.assume_role(RoleArn=arn, RoleSessionName="before")["Credentials"])
    assert house.client("sts", session).get_caller_identity()["Account"] == house.account

    iam.delete_role(RoleName="Phoenix")
    iam.create_role(RoleName="Phoenix", AssumeRolePolicyDocument=trust({"AWS": house.account}))

    with pytest.raises(ClientError) as refused:
        house.client("sts", session).get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_chain_keeps_transitive_tags_and_source_identity_and_lasts_an_hour_at_most(house: House) -> None:
    iam, sts = house.client("iam"), house.client("sts")
    everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    for name in ("First", "Second"):
        iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=trust({"AWS": house.account}, everything), MaxSessionDuration=43200
        )
        iam.put_role_policy(
            RoleName=name,
            PolicyName="chain",
            PolicyDocument=document(
                allow(everything),
                allow(
                    "iam:ListUsers",
                    Condition={"StringEquals": {"aws:PrincipalTag/Team": "blue", "aws:SourceIdentity": "ana"}},
                ),
            ),
        )
    role = f"arn:aws:iam::{house.account}:role/"
    first = sts.assume_role(
        RoleArn=role + "First",
        RoleSessionName="one",
        Tags=[{"Key": "Team", "Value": "blue"}, {"Key": "Shift", "Value": "night"}],
        TransitiveTagKeys=["Team"],
        SourceIdentity="ana",
        DurationSeconds=43200,
    )
    one = house.client("sts", Keys.of(first["Credentials"]))

    with pytest.raises(ClientError, match="exceeds the 1 hour session limit for roles assumed by role chaining"):
        one.assume_role(RoleArn=role + "Second", RoleSessionName="two", DurationSeconds=3601)
    with pytest.raises(ClientError, match="conflicts with a transitive tag key from the calling session"):
        one.assume_role(RoleArn=role + "Second", RoleSessionName="two", Tags=[{"Key": "team", "Value": "red"}])
    second = one.assume_role(RoleArn=role + "Second", RoleSessionName="two")
    assert second["SourceIdentity"] == "ana"

    assert house.client("iam", Keys.of(second["Credentials"])).list_users()["Users"]


def test_a_session_policy_narrows_and_never_widens(house: House) -> None:
    iam, sts = house.client("iam"), house.client("sts")
    arn = iam.create_role(RoleName="Narrowed", AssumeRolePolicyDocument=trust({"AWS": house.account}))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="Narrowed", PolicyName="p", PolicyDocument=document(allow(["iam:ListUsers", "iam:ListGroups"]))
    )
    session = Keys.of(
        sts.assume_role(
            RoleArn=arn, RoleSessionName="narrow", Policy=document(allow(["iam:ListUsers", "iam:ListRoles"]))
        )["Credentials"]
    )
    narrowed = house.client("iam", session)

    assert narrowed.list_users()["Users"]
    for refused in (narrowed.list_groups, narrowed.list_roles):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()


def test_presigned_get_caller_identity_works_as_eks_and_vault_use_it(house: House) -> None:
    import urllib.request

    url = house.client("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "application/json"})) as answer:
        said = json.load(answer)

    assert said["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["Account"] == house.account
