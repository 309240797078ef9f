"""Audit records: CloudTrail's shape, the caller's identity, the reason of a refusal, and no secret (A03, A04)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tabard.apps.accounts import NewKey
from tests.houses import InProcessHouse, form, in_process_house, reasons, request, signed
from tests.saml import metadata, pem, rsa_key

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


@pytest.fixture
def house() -> Iterator[InProcessHouse]:
    with in_process_house() as started:
        yield started


def said(house: InProcessHouse, action: str, *, key: NewKey | None = None, **parameters: str) -> dict[str, str]:
    """The texts of the answer's elements, by name."""
    answer = house.call(action, key=key, **parameters)
    assert answer.status == 200, answer.body
    return dict(re.findall(r"<(\w+)>([^<]*)</", answer.body.decode()))


def last(house: InProcessHouse) -> dict[str, Any]:
    return json.loads(json.dumps(house.records[-1]))


def with_session(house: InProcessHouse, given: dict[str, str], action: str, **parameters: str) -> Any:
    """Answer a call of a session."""
    key = NewKey(given["AccessKeyId"], given["SecretAccessKey"])
    draft = house.draft(form(action, **parameters), service="iam" if action == "ListUsers" else "sts", key=key)
    return house.answer(signed(draft.plus((b"x-amz-security-token", given["SessionToken"].encode()))))


def trust_of(principal: str) -> str:
    return (
        f'{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},'
        '"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}'
    )


def make_role(house: InProcessHouse) -> str:
    return said(house, "CreateRole", RoleName="auditor", AssumeRolePolicyDocument=trust_of(house.account))["Arn"]


def test_a_record_has_cloudtrails_members_and_no_other(house: InProcessHouse) -> None:
    house.call("GetCallerIdentity")

    assert list(last(house)) == [
        *("eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress"),
        *("userAgent", "requestParameters", "responseElements", "requestID", "eventID", "readOnly", "eventType"),
        *("managementEvent", "eventCategory", "recipientAccountId"),
    ]


def test_a_record_of_assume_role(house: InProcessHouse) -> None:
    role = make_role(house)
    given = said(
        house,
        "AssumeRole",
        RoleArn=role,
        RoleSessionName="one",
        DurationSeconds="900",
        Tags__member__1__Key="Team",
        Tags__member__1__Value="blue",
        TransitiveTagKeys__member__1="Team",
        SourceIdentity="ana",
    )
    record = last(house)

    assert record["eventSource"] == "sts.amazonaws.com"
    assert (record["eventName"], record["readOnly"], record["eventTime"]) == (
        "AssumeRole",
        True,
        "2026-11-24T10:15:00Z",
    )
    assert record["requestParameters"] == {
        "roleArn": role,
        "roleSessionName": "one",
        "durationSeconds": 900,
        "tags": [{"key": "Team", "value": "blue"}],
        "transitiveTagKeys": ["Team"],
        "sourceIdentity": "ana",
    }
    elements = record["responseElements"]
    assert elements["credentials"] == {
        "accessKeyId": given["AccessKeyId"],
        "sessionToken": HIDDEN,
        "expiration": "Nov 24, 2026, 10:30:00 AM",
    }
    assert elements["assumedRoleUser"] == {"assumedRoleId": given["AssumedRoleId"], "arn": record_arn(house)}
    assert elements["sourceIdentity"] == "ana"
    assert record["resources"] == [{"accountId": house.account, "type": "AWS::IAM::Role", "ARN": role}]
    assert record["requestID"] == given["RequestId"] != record["eventID"]


def record_arn(house: InProcessHouse) -> str:
    return f"arn:aws:sts::{house.account}:assumed-role/auditor/one"


def test_who_called_is_told_for_each_kind_of_caller(house: InProcessHouse) -> None:
    account = house.account
    root_arn = f"arn:aws:iam::{account}:root"
    house.call("GetCallerIdentity", key=house.root)
    assert last(house)["userIdentity"] == {
        "type": "Root",
        "principalId": account,
        "arn": root_arn,
        "accountId": account,
        "accessKeyId": house.root.access_key_id,
    }

    admin = said(house, "GetCallerIdentity")
    user = last(house)["userIdentity"]
    assert user == {
        "type": "IAMUser",
        "principalId": admin["UserId"],
        "arn": admin["Arn"],
        "accountId": account,
        "accessKeyId": house.admin.access_key_id,
        "userName": "admin",
    }

    role = make_role(house)
    role_id = house.records[-1]["responseElements"]["role"]["roleId"]  # type: ignore[index]  # it was just made
    given = said(house, "AssumeRole", RoleArn=role, RoleSessionName="one", SourceIdentity="ana")
    with_session(house, given, "GetCallerIdentity")
    assert last(house)["userIdentity"] == {
        "type": "AssumedRole",
        "principalId": f"{role_id}:one",
        "arn": record_arn(house),
        "accountId": account,
        "accessKeyId": given["AccessKeyId"],
        "sessionContext": {
            "attributes": {"creationDate": "2026-11-24T10:15:00Z", "mfaAuthenticated": "false"},
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": role,
                "accountId": account,
                "userName": "auditor",
            },
            "sourceIdentity": "ana",
        },
    }

    for key, issuer in (
        (
            house.admin,
            {
                "type": "IAMUser",
                "principalId": admin["UserId"],
                "arn": admin["Arn"],
                "accountId": account,
                "userName": "admin",
            },
        ),
        (house.root, {"type": "Root", "principalId": account, "arn": root_arn, "accountId": account}),
    ):
        given = said(house, "GetFederationToken", key=key, Name="jean")
        with_session(house, given, "GetCallerIdentity")
        identity = last(house)["userIdentity"]
        assert (identity["type"], identity["principalId"]) == ("FederatedUser", f"{account}:jean")
        assert identity["sessionContext"]["sessionIssuer"] == issuer

    given = said(house, "GetSessionToken")
    with_session(house, given, "GetCallerIdentity")
    identity = last(house)["userIdentity"]
    assert (identity["type"], identity["userName"], identity["accessKeyId"]) == (
        "IAMUser",
        "admin",
        given["AccessKeyId"],
    )
    assert "sessionIssuer" not in identity["sessionContext"]


REFUSALS: list[tuple[str, dict[str, str], str, str]] = [
    ("AssumeRole", {"RoleArn": "arn:aws:iam::111122223333:role/never"}, "AccessDenied", "trust.denied"),
    ("AssumeRole", {"RoleArn": "nothing-valid-in-here"}, "ValidationError", "arn.malformed"),
    ("AssumeRole", {"RoleArn": "arn:aws:iam::111122223333:user/x"}, "ValidationError", "arn.not-a-role"),
    ("AssumeRole", {"RoleArn": "short"}, "ValidationError", "constraint"),
    ("AssumeRole", {"SerialNumber": "a-device-1"}, "AccessDenied", "mfa.incomplete"),
    ("AssumeRole", {"SerialNumber": "a-device-1", "TokenCode": "123456"}, "AccessDenied", "mfa.unknown-device"),
    ("AssumeRole", {"Policy": "{"}, "MalformedPolicyDocument", "policy.json.syntax"),
    ("GetFederationToken", {"Name": "jean", "Policy": " " * 2049}, "ValidationError", "constraint"),
    ("GetAccessKeyInfo", {"AccessKeyId": "A" * 20}, "ValidationError", "access-key.shape"),
    ("GetUser", {"UserName": "never"}, "NoSuchEntity", "user.missing"),
    ("ListServerCertificates", {}, "UnsupportedOperation", "unsupported.operation"),
    ("Nonsense", {}, "InvalidAction", "operation.unknown"),
]


@pytest.mark.parametrize(("action", "parameters", "code", "reason"), REFUSALS)
def test_a_refusal_is_one_record_with_its_code_and_its_reason(
    house: InProcessHouse, action: str, parameters: dict[str, str], code: str, reason: str
) -> None:
    role = make_role(house)
    if action == "AssumeRole":
        parameters = {"RoleArn": role, "RoleSessionName": "one", **parameters}
    before = len(house.records)

    answer = house.call(action, **parameters)

    assert answer.status >= 400
    assert len(house.records) == before + 1
    record = last(house)
    assert record["errorCode"] == code
    assert record["additionalEventData"]["tabard"]["reason"] == reason
    assert ("authorizationId" in record["additionalEventData"]["tabard"]) is (reason == "trust.denied")
    assert record["responseElements"] is None
    assert "resources" not in record


def test_nobody_is_named_who_did_not_prove_who_he_is(house: InProcessHouse) -> None:
    wrong = NewKey(house.admin.access_key_id, "w" * 40)
    unknown = NewKey("AKIA" + "A" * 16, "w" * 40)
    house.answer(request(form("GetCallerIdentity")))
    house.call("GetCallerIdentity", key=wrong)
    house.call("GetCallerIdentity", key=unknown)

    records = [json.loads(json.dumps(record)) for record in house.records[-3:]]

    assert [record["userIdentity"] for record in records] == [{"type": "Unknown"}] * 3
    assert [record["errorCode"] for record in records] == [
        *("MissingAuthenticationToken", "SignatureDoesNotMatch", "InvalidClientTokenId")
    ]
    assert all("recipientAccountId" not in record for record in records)


def test_a03_one_time_codes_and_secrets_are_hidden_and_never_written(house: InProcessHouse) -> None:
    house.call("CreateVirtualMFADevice", VirtualMFADeviceName="phone")
    seed = house.records[-1]
    given = said(house, "CreateAccessKey", UserName="admin")
    made = last(house)
    house.call(
        "EnableMFADevice",
        UserName="admin",
        SerialNumber=f"arn:aws:iam::{house.account}:mfa/phone",
        AuthenticationCode1="314159",
        AuthenticationCode2="271828",
    )
    enabled = last(house)

    assert "base32StringSeed" not in str(seed)
    assert made["responseElements"]["accessKey"]["accessKeyId"] == given["AccessKeyId"]
    assert "secretAccessKey" not in made["responseElements"]["accessKey"]
    assert enabled["requestParameters"]["authenticationCode1"] == HIDDEN
    written = json.dumps(house.records)
    for secret in (given["SecretAccessKey"], "314159", "271828"):
        assert secret not in written


def test_a03_passwords_and_private_keys_are_hidden_and_never_written(house: InProcessHouse) -> None:
    word, other, key = "Correct-Horse-7", "Battery-Staple-8", pem(rsa_key())
    arn = f"arn:aws:iam::{house.account}:saml-provider/idp"
    house.call("CreateLoginProfile", UserName="admin", Password=word)
    created = last(house)
    for action, parameters in (
        ("CreateLoginProfile", {"UserName": "admin", "Password": word}),
        ("UpdateLoginProfile", {"UserName": "admin", "Password": other}),
        ("ChangePassword", {"OldPassword": word, "NewPassword": other}),
        ("ChangePassword", {"OldPassword": other, "NewPassword": word}),
        ("UpdateLoginProfile", {"UserName": "admin", "Password": "short" * 30}),
        ("CreateSAMLProvider", {"Name": "idp", "SAMLMetadataDocument": metadata(), "AddPrivateKey": key}),
        ("UpdateSAMLProvider", {"SAMLProviderArn": arn, "AddPrivateKey": key}),
        ("UpdateSAMLProvider", {"SAMLProviderArn": arn, "AddPrivateKey": key}),
        ("UpdateSAMLProvider", {"SAMLProviderArn": arn, "AddPrivateKey": key[:-60]}),
        ("GetSAMLProvider", {"SAMLProviderArn": arn}),
    ):
        answer = house.call(action, **parameters)
        for secret in (word, other, "shortshort", *key.split("\n")[1:-2]):
            assert secret.encode() not in answer.body

    assert created["requestParameters"] == {"userName": "admin", "password": HIDDEN}
    assert created["responseElements"]["loginProfile"]["userName"] == "admin"
    assert created["eventName"] == "CreateLoginProfile"
    written = json.dumps(house.records)
    for secret in (word, other, "shortshort", *key.split("\n")[1:-2]):
        assert secret not in written
    assert reasons(house.records[-10:]) == [
        "login-profile.exists",
        None,
        "password.wrong",
        None,
        "constraint",
        None,
        None,
        "quota.PrivateKeysPerSAMLProvider",
        "saml-key.malformed",
        None,
    ]


@pytest.mark.parametrize(
    "authorization",
    [b"AWS4-HMAC-SHA256 canary", b"AWS4-HMAC-SHA256 Credential=canary", b"canary x", b"AWS4-HMAC-SHA256 a=b, canary"],
)
def test_a03_an_authorization_header_that_cannot_be_read_is_not_quoted(
    house: InProcessHouse, authorization: bytes
) -> None:
    headers = ((b"host", b"h"), (b"content-type", b"application/x-www-form-urlencoded"))
    house.answer(request(form("GetCallerIdentity"), headers=(*headers, (b"authorization", authorization))))

    assert last(house)["errorCode"] == "IncompleteSignature"
    assert last(house)["errorMessage"] == HIDDEN
    assert "canary" not in json.dumps(house.records)


NASTY = 'a"b\\c\r\n{"eventName":"x"}\x1b[31m\u202e\x00'


def test_a04_what_a_client_writes_is_one_json_text_in_one_place(house: InProcessHouse) -> None:
    draft = house.draft(form("GetUser", UserName="never"), service="iam")
    agent = NASTY.replace("\u202e", "").replace("\r\n", "").replace("\x00", "").encode()
    house.answer(signed(draft.plus((b"user-agent", agent), (b"x-amzn-requestid", b"mine"))))
    record = last(house)

    assert record["userAgent"] == agent.decode()
    assert (record["eventName"], record["errorCode"]) == ("GetUser", "NoSuchEntity")
    assert "mine" not in (record["requestID"], record["eventID"])

    house.call("Get" + NASTY)
    assert last(house)["eventName"] == "Get" + NASTY


def test_a04_a_text_without_end_is_cut(house: InProcessHouse) -> None:
    house.call("X" * 100_000)
    record = last(house)

    assert len(record["eventName"]) == 16_384
    assert record["eventName"].endswith("…")
    assert len(record["errorMessage"]) <= 16_384


def test_reading_is_not_described_and_changing_is(house: InProcessHouse) -> None:
    house.call("GetUser", UserName="admin")
    assert last(house)["responseElements"] is None
    assert (last(house)["readOnly"], last(house)["requestParameters"]) == (True, {"userName": "admin"})

    house.call("CreateUser", UserName="ana")
    assert last(house)["responseElements"]["user"]["userName"] == "ana"
    assert last(house)["readOnly"] is False
    house.call("DeleteUser", UserName="ana")
    assert last(house)["responseElements"] is None
