"""K07, K08, K04: what was granted ends when its ground is gone, whatever a session token says."""

import base64
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import TABARD, House, Keys, allow, document, trust
from tests.journeys.tenant import Tenant, new_name, refused

LIST = allow("iam:ListUsers")
GONE = ("InvalidClientTokenId", "The security token included in the request is invalid.")


def role_session(home: Tenant) -> tuple[str, str, Any, Any]:
    """A role that may list users, its name, and its session's two clients."""
    arn = home.role(trust({"AWS": home.account}), LIST)
    session = home.session(arn)
    iam = home.client("iam", session)
    assert iam.list_users()["Users"]
    return arn, arn.rsplit("/", 1)[-1], iam, home.client("sts", session)


def test_k07_a_role_that_is_deleted_takes_its_sessions_along(home: Tenant) -> None:
    _, name, iam, sts = role_session(home)
    home.iam.delete_role_policy(RoleName=name, PolicyName="own")
    home.iam.delete_role(RoleName=name)

    with refused(*GONE, status=403):
        iam.list_users()
    home.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": home.account}))
    home.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(LIST))
    with refused(*GONE, status=403):
        sts.get_caller_identity()


def test_k07_a_key_that_is_deactivated_or_deleted_ends_at_once_and_so_do_its_sessions(home: Tenant) -> None:
    user = home.user(LIST)
    key_id = user.keys.access_key_id
    sts = home.client("sts", user.keys)
    session = home.client("sts", Keys.of(sts.get_session_token()["Credentials"]))
    assert session.get_caller_identity()

    home.iam.update_access_key(UserName=user.name, AccessKeyId=key_id, Status="Inactive")
    for client in (sts, session):
        with refused(*GONE, status=403):
            client.get_caller_identity()
    home.iam.update_access_key(UserName=user.name, AccessKeyId=key_id, Status="Active")
    for client in (sts, session):
        assert client.get_caller_identity()
    home.iam.delete_access_key(UserName=user.name, AccessKeyId=key_id)
    for client in (sts, session):
        with refused(*GONE, status=403):
            client.get_caller_identity()


def test_k07_a_user_made_again_under_its_name_has_none_of_the_old_sessions(home: Tenant) -> None:
    user = home.user()
    session = home.client("sts", Keys.of(home.client("sts", user.keys).get_session_token()["Credentials"]))
    assert session.get_caller_identity()

    home.iam.delete_access_key(UserName=user.name, AccessKeyId=user.keys.access_key_id)
    home.iam.delete_user(UserName=user.name)
    home.iam.create_user(UserName=user.name)

    with refused(*GONE, status=403):
        session.get_caller_identity()


def test_k07_the_user_who_took_a_role_may_go_and_the_roles_session_stays(home: Tenant) -> None:
    """As on AWS: a role session lives on its role, not on who took it."""
    user = home.user()
    session = home.session(home.role(trust({"AWS": user.arn})), user.keys)
    home.iam.delete_access_key(UserName=user.name, AccessKeyId=user.keys.access_key_id)
    home.iam.delete_user(UserName=user.name)

    assert home.client("sts", session).get_caller_identity()


def test_k07_a_trust_policy_that_changes_touches_no_running_session(home: Tenant) -> None:
    arn, name, iam, _ = role_session(home)
    home.iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust({"AWS": home.user().arn}))

    assert iam.list_users()
    with refused("AccessDenied"):
        home.session(arn)


def _take_away(home: Tenant, name: str) -> None:
    home.iam.delete_role_policy(RoleName=name, PolicyName="own")


def _narrow(home: Tenant, name: str) -> None:
    home.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(allow("iam:ListGroups")))


def _fence(home: Tenant, name: str) -> None:
    fence = home.policy(allow("iam:ListGroups"))
    home.iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=fence)


def _deny(home: Tenant, name: str) -> None:
    deny = {"Effect": "Deny", "Action": "iam:List*", "Resource": "*"}
    home.iam.put_role_policy(RoleName=name, PolicyName="deny", PolicyDocument=document(deny))


def _deny_by_attachment(home: Tenant, name: str) -> None:
    policy = home.policy({"Effect": "Deny", "Action": "*", "Resource": "*"})
    home.iam.attach_role_policy(RoleName=name, PolicyArn=policy)


@pytest.mark.parametrize("change", [_take_away, _narrow, _fence, _deny, _deny_by_attachment])
def test_k07_a_change_of_the_roles_permissions_binds_running_sessions(
    home: Tenant, change: Callable[[Tenant, str], None]
) -> None:
    _, name, iam, sts = role_session(home)

    change(home, name)

    with refused("AccessDenied", status=403):
        iam.list_users()
    assert sts.get_caller_identity()


def test_k07_a_new_default_version_of_a_policy_binds_at_once(home: Tenant) -> None:
    policy = home.policy(LIST)
    user = home.user()
    home.iam.attach_user_policy(UserName=user.name, PolicyArn=policy)
    iam = home.client("iam", user.keys)
    assert iam.list_users()

    home.iam.create_policy_version(
        PolicyArn=policy, PolicyDocument=document(allow("iam:ListGroups")), SetAsDefault=True
    )
    with refused("AccessDenied"):
        iam.list_users()
    home.iam.set_default_policy_version(PolicyArn=policy, VersionId="v1")
    assert iam.list_users()


def test_k07_leaving_a_group_ends_its_permissions(home: Tenant) -> None:
    group = home.iam.create_group(GroupName=new_name("group"))["Group"]["GroupName"]
    home.iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document(LIST))
    user = home.user()
    home.iam.add_user_to_group(GroupName=group, UserName=user.name)
    iam = home.client("iam", user.keys)
    assert iam.list_users()

    home.iam.remove_user_from_group(GroupName=group, UserName=user.name)

    with refused("AccessDenied"):
        iam.list_users()


def test_k08_older_sessions_are_revoked_by_the_time_of_their_issue(home: Tenant) -> None:
    """The statement is AWS's own `AWSRevokeOlderSessions`."""
    arn, name, iam, sts = role_session(home)
    begun = datetime.now(UTC).replace(microsecond=0)
    revoke_before = begun + timedelta(seconds=1)
    deny = {
        "Effect": "Deny",
        "Action": ["*"],
        "Resource": ["*"],
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": revoke_before.strftime("%Y-%m-%dT%H:%M:%S.000Z")}},
    }
    home.iam.put_role_policy(RoleName=name, PolicyName="AWSRevokeOlderSessions", PolicyDocument=document(deny))

    with refused("AccessDenied", status=403):
        iam.list_users()
    assert sts.get_caller_identity()
    younger = _first(
        lambda: home.client("iam", home.session(arn)).list_users(), until=revoke_before + timedelta(seconds=3)
    )
    assert younger["Users"]
    with refused("AccessDenied"):
        iam.list_users()


def _first(call: Callable[[], Any], *, until: datetime) -> Any:
    """The first answer that is not a refusal."""
    while True:
        try:
            return call()
        except ClientError:
            assert datetime.now(UTC) < until


def test_k08_a_long_lived_key_has_no_time_of_issue_and_is_not_meant(home: Tenant) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2099-01-01T00:00:00Z"}},
    }
    user = home.user(LIST, deny)

    assert home.client("iam", user.keys).list_users()


def test_k09_a_managed_session_policy_that_is_deleted_later_leaves_nothing(home: Tenant) -> None:
    arn = home.role(trust({"AWS": home.account}), allow("iam:*"))
    kept, lost = home.policy(LIST), home.policy(allow("iam:ListGroups"))
    both = home.client("iam", home.session(arn, PolicyArns=[{"arn": kept}, {"arn": lost}]))
    one = home.client("iam", home.session(arn, PolicyArns=[{"arn": lost}]))
    assert both.list_users()
    assert both.list_groups()
    assert one.list_groups()

    home.iam.delete_policy(PolicyArn=lost)

    assert both.list_users()
    for client in (both, one):
        with refused("AccessDenied", status=403):
            client.list_groups()
    with refused("AccessDenied"):
        one.list_users()


def tabard(*words: str) -> str:
    done = subprocess.run([*TABARD, *words], capture_output=True, text=True, check=True)
    return done.stdout


def sealed_with(keys: Keys) -> bytes:
    """The sealing key's id, which stands in clear behind the version byte."""
    assert keys.session_token is not None
    return base64.urlsafe_b64decode(keys.session_token[:8])[1:5]


def test_k04_old_tokens_open_after_a_rotation_and_end_within_a_second_of_retirement(fresh_house: House) -> None:
    where = ("--data", str(fresh_house.data))
    sts = fresh_house.client("sts")
    before = Keys.of(sts.get_session_token()["Credentials"])
    old = next(key for key in json.loads(tabard("keys", "list", "--json", *where)) if key["purpose"] == "session-token")

    tabard("keys", "rotate", *where)
    until = datetime.now(UTC) + timedelta(seconds=2)
    while sealed_with(after := Keys.of(sts.get_session_token()["Credentials"])) == sealed_with(before):
        assert datetime.now(UTC) < until, "the server still seals with the old key"
    for keys in (before, after):
        assert fresh_house.client("sts", keys).get_caller_identity()

    tabard("keys", "retire", str(old["id"]), "--yes", *where)
    retired = datetime.now(UTC)
    client = fresh_house.client("sts", before)
    while _opens(client):
        assert datetime.now(UTC) - retired < timedelta(seconds=1), "a retired key still opens"
    with refused(*GONE, status=403):
        client.get_caller_identity()
    assert fresh_house.client("sts", after).get_caller_identity()


def _opens(client: Any) -> bool:
    try:
        client.get_caller_identity()
    except ClientError:
        return False
    return True


def test_k04_sessions_outlive_a_restart(tmp_path: Path, start: Callable[..., Any]) -> None:
    with start(tmp_path / "data") as house:
        session = Keys.of(house.client("sts").get_session_token()["Credentials"])
    with start(tmp_path / "data") as again:
        assert again.client("sts", session).get_caller_identity()["Account"] == again.account


def test_k04_another_house_does_not_know_the_token(house: House, fresh_house: House) -> None:
    session = Keys.of(house.client("sts").get_session_token()["Credentials"])
    assert house.client("sts", session).get_caller_identity()

    with refused(*GONE, status=403):
        fresh_house.client("sts", session).get_caller_identity()
