"""Why was I denied? Told three ways: by the refusal itself, by AWS's APIs, and by `tabard why`."""

import json
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import TABARD, CommandFailed, allow
from tests.journeys.tenant import Someone, Tenant, new_account, new_name, refused

TAGGED = {"Condition": {"StringEquals": {"aws:PrincipalTag/Department": "HR"}}, "Sid": "hr"}


def denial(home: Tenant, someone: Someone) -> dict[str, Any]:
    """What a client is told that may not list users."""
    with pytest.raises(ClientError) as caught:
        home.client("iam", someone.keys).list_users()
    return caught.value.response


def headers(answer: dict[str, Any]) -> dict[str, str]:
    return answer["ResponseMetadata"]["HTTPHeaders"]


def why(home: Tenant, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TABARD, "why", text, "--data", str(home.house.data)], capture_output=True, text=True, check=False
    )


def test_a_denial_is_explained_in_three_ways(home: Tenant) -> None:
    ana = home.user({**allow("iam:ListUsers"), **TAGGED}, Tags=[{"Key": "Department", "Value": "IT"}])
    told = denial(home, ana)
    authorization_id = headers(told)["x-tabard-authorization-id"]

    message = told["Error"]["Message"]
    assert message.startswith(f"User: {ana.arn} is not authorized to perform: iam:ListUsers on resource: arn:aws:iam:")
    assert "because no identity-based policy allows the iam:ListUsers action. Run `tabard why " in message
    assert message.endswith(authorization_id)

    sealed = headers(told)["x-tabard-authorization-message"]
    decoded = json.loads(home.sts.decode_authorization_message(EncodedMessage=sealed)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"]) == (False, False)
    assert decoded["context"]["action"] == "iam:ListUsers"
    assert decoded["context"]["principal"]["arn"] == ana.arn

    for text in (authorization_id, told["ResponseMetadata"]["RequestId"], ana.keys.access_key_id, message):
        reasons = why(home, text)
        assert reasons.returncode == 3, reasons.stderr
        assert "StringEquals aws:PrincipalTag/Department" in reasons.stdout
        assert "wanted  HR" in reasons.stdout
        assert "got     IT" in reasons.stdout

    with refused("AccessDenied"):
        home.client("sts", ana.keys).decode_authorization_message(EncodedMessage=sealed)
    assert "sts:DecodeAuthorizationMessage" in why(home, ana.keys.access_key_id).stdout


def test_the_details_come_in_the_form_of_aws_and_the_text_of_a_policy_needs_a_permission(home: Tenant) -> None:
    ana = home.user({**allow("iam:ListUsers"), **TAGGED})
    authorization_id = headers(denial(home, ana))["x-tabard-authorization-id"]

    own = home.client("iam-toolbox", ana.keys)
    details = own.get_request_authorization_details(authorizationId=authorization_id)
    assert details["requestContext"]["aws:username"] == ana.name
    (evaluation,) = details["evaluations"]
    assert (evaluation["action"], evaluation["evaluatedEffect"]) == ("iam:ListUsers", "IMPLICIT_DENY")
    assert [(check["checkType"], check["evaluatedEffect"]) for check in evaluation["checks"]] == [
        ("PRINCIPAL", "IMPLICIT_DENY")
    ]
    assert evaluation["context"]["tabard:missing"] == ["aws:PrincipalTag/Department"]
    (policy,) = details["policies"]
    assert (policy["type"], policy["inline"], policy["attachedTo"]) == (
        "IDENTITY_BASED_POLICY",
        True,
        [{"arn": ana.arn}],
    )

    asked = {"authorizationId": authorization_id, "policyUri": policy["uri"]}
    with refused("AccessDeniedException", status=403):
        own.get_request_authorization_policy(**asked)
    operator = home.client("iam-toolbox", home.keys)
    assert operator.get_request_authorization_policy(**asked)["policyDocument"]["Statement"][0]["Sid"] == "hr"
    with refused("ResourceNotFoundException", status=404):
        operator.get_request_authorization_policy(authorizationId=authorization_id, policyUri="arn:other")


def test_t01_details_are_for_the_account_that_was_denied(home: Tenant) -> None:
    ana = home.user()
    authorization_id = headers(denial(home, ana))["x-tabard-authorization-id"]
    neighbour = home.user(name="neighbour")
    stranger = new_account(home.house, new_name("stranger"))

    with refused("AccessDeniedException", status=403):
        home.client("iam-toolbox", neighbour.keys).get_request_authorization_details(authorizationId=authorization_id)
    for unknown in (authorization_id, "0" * 26):
        with refused("ResourceNotFoundException", status=404):
            stranger.client("iam-toolbox", stranger.keys).get_request_authorization_details(authorizationId=unknown)
    allowed = home.client("iam-toolbox", home.keys)
    assert allowed.get_request_authorization_details(authorizationId=authorization_id)["evaluations"]


def test_an_explicit_denial_names_the_managed_policy_that_denies(home: Tenant) -> None:
    never = home.policy({"Sid": "never", "Effect": "Deny", "Action": "iam:List*", "Resource": "*"})
    ana = home.user(allow("iam:*"))
    home.iam.attach_user_policy(UserName=ana.name, PolicyArn=never)

    told = denial(home, ana)

    assert f"with an explicit deny in an identity-based policy: {never}. Run `tabard why " in told["Error"]["Message"]
    reasons = why(home, told["Error"]["Message"])
    assert "explicit deny" in reasons.stdout
    assert '"never" (Deny)' in reasons.stdout


def test_what_the_stock_aws_cli_prints_may_be_pasted_as_it_is(home: Tenant) -> None:
    ana = home.user()

    with pytest.raises(CommandFailed) as failed:
        home.house.aws("iam", "list-users", keys=ana.keys)

    assert "iam:ListUsers" in why(home, failed.value.text).stdout
