"""GetFederationToken: a user hands out some of its own rights."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journeys.conftest import Keys, allow, document, trust
from tests.journeys.tenant import Someone, Tenant, denied, refused

KEY_INFO = allow("sts:GetAccessKeyInfo")


@pytest.fixture
def broker(home: Tenant) -> Someone:
    return home.user(allow(["sts:GetFederationToken", "sts:TagSession", "iam:ListUsers"]), name="broker")


def federate(at: Tenant, keys: Keys, **parameters: Any) -> dict[str, Any]:
    return at.client("sts", keys).get_federation_token(**{"Name": "jean", **parameters})


def minutes_left(answer: dict[str, Any]) -> int:
    return round((answer["Credentials"]["Expiration"] - datetime.now(UTC)) / timedelta(minutes=1))


def test_a_federated_user_is_who_the_broker_says(home: Tenant, broker: Someone) -> None:
    answer = federate(home, broker.keys, Policy=document(allow("s3:GetObject")))
    identity = home.client("sts", Keys.of(answer["Credentials"])).get_caller_identity()

    arn = f"arn:aws:sts::{home.account}:federated-user/jean"
    assert answer["FederatedUser"] == {"FederatedUserId": f"{home.account}:jean", "Arn": arn}
    assert (identity["Arn"], identity["UserId"], identity["Account"]) == (arn, f"{home.account}:jean", home.account)


def test_packed_policy_size_is_0_when_nothing_is_packed_and_a_share_otherwise(home: Tenant, broker: Someone) -> None:
    assert federate(home, broker.keys)["PackedPolicySize"] == 0
    packed = federate(home, broker.keys, Policy=document(allow("iam:ListUsers")))
    assert packed["PackedPolicySize"] == packed["SessionTokenUtilization"] > 0
    assert len(packed["Credentials"]["SessionToken"]) == packed["SessionTokenSize"]


def test_durations(home: Tenant, abroad: Tenant, broker: Someone) -> None:
    assert minutes_left(federate(home, broker.keys)) == 12 * 60
    assert minutes_left(federate(home, broker.keys, DurationSeconds=129600)) == 36 * 60
    assert minutes_left(federate(abroad, abroad.keys)) == 60
    assert minutes_left(federate(abroad, abroad.keys, DurationSeconds=129600)) == 60
    with refused("ValidationError", status=400):
        federate(home, broker.keys, DurationSeconds=899)


def test_without_the_permission_there_is_no_federation_and_the_name_is_a_resource(home: Tenant) -> None:
    some = home.user(
        allow("sts:GetFederationToken", f"arn:aws:sts::{home.account}:federated-user/guest-*"), name="some"
    )

    assert federate(home, some.keys, Name="guest-1")
    arn = f"arn:aws:sts::{home.account}:federated-user/jean"
    with refused("AccessDenied", status=403):
        federate(home, some.keys)
    last = home.house.audit()[-1]
    assert last["errorMessage"].startswith(denied(some.arn, "sts:GetFederationToken", arn))


def test_k10_a_federated_user_may_call_nothing_of_iam_and_of_sts_only_who_am_i(home: Tenant) -> None:
    admin = home.user(allow("*"), name="admin")
    session = Keys.of(federate(home, admin.keys, Policy=document(allow("*")))["Credentials"])
    sts = home.client("sts", session)

    assert sts.get_caller_identity()
    with refused("InvalidClientTokenId", status=403):
        home.client("iam", session).list_users()
    with refused("AccessDenied", status=403):
        sts.get_access_key_info(AccessKeyId=admin.keys.access_key_id)
    with refused("AccessDenied", status=403):
        home.session(home.role(trust({"AWS": home.account})), session)
    with refused("AccessDenied", "Cannot call GetFederationToken with session credentials"):
        federate(home, session)


def test_tags_need_a_permission_of_their_own(home: Tenant, broker: Someone) -> None:
    tags = [{"Key": "Team", "Value": "blue"}]
    plain = home.user(allow("sts:GetFederationToken"), name="plain")

    assert federate(home, broker.keys, Tags=tags)["PackedPolicySize"] > 0
    with refused("AccessDenied", status=403):
        federate(home, plain.keys, Tags=tags)
    with refused("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."):
        federate(home, broker.keys, Tags=[*tags, {"Key": "TEAM", "Value": "red"}])


def test_a_tag_may_be_asked_for_by_a_condition(home: Tenant) -> None:
    only_blue = {"StringEquals": {"aws:RequestTag/Team": "blue"}, "ForAllValues:StringEquals": {"aws:TagKeys": "Team"}}
    user = home.user(allow("sts:GetFederationToken"), allow("sts:TagSession", Condition=only_blue), name="blue")

    assert federate(home, user.keys, Tags=[{"Key": "Team", "Value": "blue"}])
    for tags in (
        [{"Key": "Team", "Value": "red"}],
        [{"Key": "Team", "Value": "blue"}, {"Key": "Cost", "Value": "1"}],
    ):
        with refused("AccessDenied"):
            federate(home, user.keys, Tags=tags)


def test_session_policies_that_cannot_be(home: Tenant, broker: Someone) -> None:
    with refused("MalformedPolicyDocument", "Policy document should not specify a principal.", status=400):
        federate(home, broker.keys, Policy=document({**allow("s3:*"), "Principal": "*"}))
    with refused("MalformedPolicyDocument", status=400):
        federate(home, broker.keys, Policy="{")
    with refused("ValidationError", status=400):
        federate(home, broker.keys, Policy=document(allow("s3:*", "arn:aws:s3:::" + "b" * 2048)))
    with refused("InvalidParameterValue", status=400):
        federate(home, broker.keys, PolicyArns=[{"arn": f"arn:aws:iam::{home.account}:policy/never"}])


def test_managed_session_policies_are_those_of_the_account(home: Tenant, abroad: Tenant, broker: Someone) -> None:
    own, foreign = home.policy(allow("iam:*")), abroad.policy(allow("iam:*"))

    assert federate(home, broker.keys, PolicyArns=[{"arn": own}])
    with refused("InvalidParameterValue"):
        federate(home, broker.keys, PolicyArns=[{"arn": foreign}])


def test_the_session_ends_with_the_key_that_asked_for_it(home: Tenant, broker: Someone) -> None:
    sts = home.client("sts", Keys.of(federate(home, broker.keys)["Credentials"]))
    assert sts.get_caller_identity()

    home.iam.update_access_key(UserName=broker.name, AccessKeyId=broker.keys.access_key_id, Status="Inactive")

    with refused("InvalidClientTokenId", status=403):
        sts.get_caller_identity()
