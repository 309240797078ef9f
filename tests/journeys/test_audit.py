"""The audit file, as whoever runs the house reads it: one line for each call, with who, what and why."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import Keys, allow, document, trust
from tests.journeys.tenant import Tenant


def record_of(home: Tenant, answer: dict[str, Any]) -> dict[str, Any]:
    """The one record of a call, by the request id that the client was told."""
    told = answer["ResponseMetadata"]["RequestId"]
    (record,) = [record for record in home.house.audit() if record["requestID"] == told]
    return record


def record_of_refusal(home: Tenant, call: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    record = record_of(home, caught.value.response)
    error = caught.value.response["Error"]
    assert (record["errorCode"], record["errorMessage"]) == (error["Code"], error.get("Message", ""))
    return record


def test_a_session_can_be_followed_from_the_user_to_what_it_did(home: Tenant) -> None:
    user = home.user(allow(["sts:*"]))
    role = home.role(trust({"AWS": user.arn}, ["sts:AssumeRole", "sts:SetSourceIdentity"]), allow("iam:ListUsers"))
    name = role.rsplit("/", 1)[-1]
    taken = home.client("sts", user.keys).assume_role(RoleArn=role, RoleSessionName="one", SourceIdentity="ana")
    given = Keys.of(taken["Credentials"])
    listed = home.client("iam", given).list_users()

    took, did = record_of(home, taken), record_of(home, listed)

    assert (took["userIdentity"]["type"], took["userIdentity"]["userName"]) == ("IAMUser", user.name)
    assert took["userIdentity"]["accessKeyId"] == user.keys.access_key_id
    assert took["responseElements"]["credentials"]["accessKeyId"] == given.access_key_id
    assert took["requestParameters"]["sourceIdentity"] == "ana"
    assert took["resources"][0]["ARN"] == role
    identity = did["userIdentity"]
    assert (identity["type"], identity["accessKeyId"]) == ("AssumedRole", given.access_key_id)
    assert identity["arn"] == f"arn:aws:sts::{home.account}:assumed-role/{name}/one"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role
    assert identity["sessionContext"]["sourceIdentity"] == "ana"
    assert did["recipientAccountId"] == home.account


def test_a_second_factor_is_told(home: Tenant) -> None:
    user = home.user(allow("iam:ListUsers"))
    device = home.device(user)
    given = home.client("sts", user.keys).get_session_token(
        SerialNumber=device.serial_number, TokenCode=device.next_code()
    )
    did = record_of(home, home.client("iam", Keys.of(given["Credentials"])).list_users())

    assert record_of(home, given)["requestParameters"]["serialNumber"] == device.serial_number
    assert did["userIdentity"]["type"] == "IAMUser"
    assert did["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] == "true"


def test_a_role_taken_from_another_account_is_told_with_both(home: Tenant, abroad: Tenant) -> None:
    caller = abroad.user(allow("sts:AssumeRole"))
    role = home.role(trust({"AWS": caller.arn}))

    record = record_of(home, abroad.client("sts", caller.keys).assume_role(RoleArn=role, RoleSessionName="one"))

    assert record["userIdentity"]["accountId"] == record["recipientAccountId"] == abroad.account
    assert record["resources"][0]["accountId"] == home.account


def test_every_refusal_is_told_with_its_reason(home: Tenant) -> None:
    user = home.user()
    device = home.device(user)
    role = home.role(trust({"AWS": user.arn}))
    denying = home.role(trust({"AWS": home.account}))
    sts, iam = home.client("sts", user.keys), home.client("iam", user.keys)
    session = Keys.of(sts.get_session_token()["Credentials"])
    serial = {"SerialNumber": device.serial_number}
    taking = {"RoleArn": role, "RoleSessionName": "one"}
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (sts.assume_role, {**taking, "RoleArn": denying}, "trust.denied"),
        (sts.assume_role, {**taking, "RoleArn": role + "x"}, "trust.denied"),
        (sts.assume_role, {**taking, "DurationSeconds": 3601}, "session.duration.role"),
        (sts.assume_role, {**taking, "Policy": "{"}, "policy.json.syntax"),
        (sts.assume_role, {**taking, **serial}, "mfa.incomplete"),
        (sts.assume_role, {**taking, **serial, "TokenCode": device.wrong_code()}, "mfa.wrong-code"),
        (sts.get_session_token, {"SerialNumber": "not-a-device", "TokenCode": "123456"}, "mfa.unknown-device"),
        (sts.get_federation_token, {"Name": "jean"}, "policy.denied"),
        (iam.list_users, {}, "policy.denied"),
        (home.client("sts", session).get_session_token, {}, "session.long-term-key-needed"),
    ]
    for call, parameters, reason in cases:
        record = record_of_refusal(home, call, **parameters)
        told = record["additionalEventData"]["tabard"]
        assert told["reason"] == reason
        assert ("authorizationId" in told) == (reason in {"trust.denied", "policy.denied"})
        assert record["userIdentity"]["userName"] == user.name
        assert record["responseElements"] is None
    unfit = record_of_refusal(home, home.client("iam", session).list_users)
    assert unfit["additionalEventData"] == {"tabard": {"reason": "session.not-for-iam"}}


def test_policies_are_told_word_for_word_and_codes_are_not(home: Tenant) -> None:
    narrow = document(allow("iam:ListUsers"))
    role = home.role(trust({"AWS": home.account}))
    answer = home.sts.assume_role(RoleArn=role, RoleSessionName="one", Policy=narrow)

    assert record_of(home, answer)["requestParameters"]["policy"] == narrow
