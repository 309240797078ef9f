import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import pytest

from tabard.faults import ConstraintViolated
from tabard.names.instants import iso
from tabard.ports.store import StoreUnavailable
from tabard.wire.codec import compile_operation
from tabard.wire.faults import answer_to
from tabard.wire.model import OperationModel, service_model
from tabard.wire.query import MalformedInput, UnknownOperation
from tabard.wire.xml import escape

STS = service_model("sts").operations
IAM = service_model("iam").operations
IDENTITY = {"UserId": "AIDA1", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/Alice"}


def xml(operation: OperationModel, value: dict[str, Any]) -> str:
    return compile_operation(operation).encode_xml(value, "id-1").decode()


def test_an_answer_is_laid_out_as_aws_lays_it_out() -> None:
    assert xml(STS["GetCallerIdentity"], IDENTITY) == (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
        "  <GetCallerIdentityResult>\n"
        "    <Arn>arn:aws:iam::123456789012:user/Alice</Arn>\n"
        "    <UserId>AIDA1</UserId>\n"
        "    <Account>123456789012</Account>\n"
        "  </GetCallerIdentityResult>\n"
        "  <ResponseMetadata>\n"
        "    <RequestId>id-1</RequestId>\n"
        "  </ResponseMetadata>\n"
        "</GetCallerIdentityResponse>\n"
    )


def test_an_operation_without_output_has_no_result_element() -> None:
    assert "Result" not in xml(IAM["DeleteUser"], {})


def test_an_operation_with_an_empty_output_has_an_empty_result_element() -> None:
    assert "  <UpdateRoleResult/>\n" in xml(IAM["UpdateRole"], {})


def test_lists_maps_and_truths_are_written_as_aws_writes_them() -> None:
    assert (
        "    <Tags>\n      <member>\n        <Key>k</Key>\n        <Value></Value>\n      </member>\n    </Tags>\n"
        "    <IsTruncated>false</IsTruncated>\n"
    ) in xml(IAM["ListUserTags"], {"Tags": ({"Key": "k", "Value": ""},), "IsTruncated": False})
    assert "    <Tags/>\n" in xml(IAM["ListUserTags"], {"Tags": (), "IsTruncated": True})
    assert (
        "    <SummaryMap>\n      <entry>\n        <key>Users</key>\n        <value>3</value>\n      </entry>\n"
    ) in xml(IAM["GetAccountSummary"], {"SummaryMap": {"Users": 3}})


def test_a_policy_document_is_percent_encoded_and_plus_is_no_space() -> None:
    answer = xml(IAM["GetRolePolicy"], {"RoleName": "r+s", "PolicyName": "p", "PolicyDocument": '{"a b":"c+d/é"}\n'})
    assert "<PolicyDocument>%7B%22a%20b%22%3A%22c%2Bd%2F%C3%A9%22%7D%0A</PolicyDocument>" in answer
    assert "<RoleName>r+s</RoleName>" in answer


def test_instants_are_whole_seconds_of_utc() -> None:
    assert iso(datetime(2026, 11, 24, 12, 0, 0, 999_999, timezone(timedelta(hours=2)))) == "2026-11-24T10:00:00Z"


def test_json_has_the_same_names_and_numbers_for_instants() -> None:
    credentials = {"AccessKeyId": "ASIA", "Expiration": datetime(2026, 11, 24, 10, tzinfo=UTC)}
    answer = compile_operation(STS["GetSessionToken"]).encode_json({"Credentials": credentials}, "id-1")
    assert json.loads(answer) == {
        "GetSessionTokenResponse": {
            "GetSessionTokenResult": {"Credentials": {"AccessKeyId": "ASIA", "Expiration": 1795514400}},
            "ResponseMetadata": {"RequestId": "id-1"},
        }
    }
    assert json.loads(compile_operation(IAM["DeleteUser"]).encode_json({}, "id-1")) == {
        "DeleteUserResponse": {"ResponseMetadata": {"RequestId": "id-1"}}
    }


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a<b>&\"'", "a<b>&\"'"),
        ("]]>", "]]>"),
        ("tab\tnewline\nreturn\r", "tab\tnewline\nreturn\r"),
        ("nul\x00bell\x07\x1b", "nul\ufffdbell\ufffd\ufffd"),
        ("\ud800\ufffe\uffff", "\ufffd\ufffd\ufffd"),
        ("\x7f\x85\u2028\U0001f600", "\x7f\x85\u2028\U0001f600"),
    ],
)
def test_every_text_leaves_an_answer_readable(text: str, read: str) -> None:
    assert ET.fromstring(f"<a>{escape(text)}</a>".encode()).text == read


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_is_laid_out_as_aws_lays_it_out() -> None:
    answer = answer_to(ConstraintViolated("Value 'x' is < 2"), STS["AssumeRole"])
    assert answer.status == 400
    assert answer.render("id-1").decode() == (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
        "  <Error>\n"
        "    <Type>Sender</Type>\n"
        "    <Code>ValidationError</Code>\n"
        "    <Message>Value 'x' is &lt; 2</Message>\n"
        "  </Error>\n"
        "  <RequestId>id-1</RequestId>\n"
        "</ErrorResponse>\n"
    )
    assert json.loads(answer.render("id-1", as_json=True)) == {
        "Error": {"Code": "ValidationError", "Message": "Value 'x' is < 2", "Type": "Sender"},
        "RequestId": "id-1",
    }


def test_malformed_input_may_have_no_message_at_all() -> None:
    answer = answer_to(MalformedInput(), STS["AssumeRole"])
    assert b"Message" not in answer.render("id-1")
    assert "Message" not in json.loads(answer.render("id-1", as_json=True))["Error"]


def test_an_operation_that_is_not_found_is_answered_in_the_dispatcher_s_namespace() -> None:
    rendered = answer_to(UnknownOperation("Could not find …"), None).render("id-1")
    assert b'xmlns="http://webservices.amazon.com/AWSFault/2005-15-09"' in rendered


def test_a_mistake_of_ours_is_withheld() -> None:
    answer = answer_to(KeyError("secret"), STS["AssumeRole"])
    assert (answer.code, answer.status) == ("InternalFailure", 500)
    assert b"secret" not in answer.render("id-1")
    assert b"<Type>Receiver</Type>" in answer.render("id-1")


def test_a_store_that_is_away_is_told_as_unavailable() -> None:
    answer = answer_to(StoreUnavailable("secret host"), STS["AssumeRole"])
    assert (answer.code, answer.status) == ("ServiceUnavailable", 503)
    assert b"secret" not in answer.render("id-1")


# ── dataclasses and the model ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GetUserRequest:
    user_name: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteUserRequest:
    user_name: str


@dataclass(frozen=True, slots=True)
class WithMore:
    user_name: str
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class WithLess:
    pass


@dataclass(frozen=True, slots=True)
class WithLessOnPurpose:
    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"UserName"})


@dataclass(frozen=True, slots=True)
class WithAnotherType:
    user_name: int


@pytest.mark.parametrize("request_class", [DeleteUserRequest, WithLessOnPurpose])
def test_a_class_that_agrees_with_the_model_is_taken(request_class: type[Any]) -> None:
    decoded = compile_operation(IAM["DeleteUser"], request_class).decode({"UserName": "u"})
    assert isinstance(decoded, request_class)


@pytest.mark.parametrize(
    ("request_class", "difference"),
    [
        (WithMore, "WithMore has fields that DeleteUserRequest has not: colour"),
        (WithLess, "WithLess lacks fields of DeleteUserRequest: user_name"),
        (WithAnotherType, "user_name is <class 'int'>, and existingUserNameType is a string"),
    ],
)
def test_a_class_that_differs_from_the_model_is_refused(request_class: type[Any], difference: str) -> None:
    with pytest.raises(TypeError, match=difference):
        compile_operation(IAM["DeleteUser"], request_class)


def test_an_output_without_a_class_for_it_is_refused() -> None:
    with pytest.raises(TypeError, match="GetUser has an output"):
        compile_operation(IAM["GetUser"], GetUserRequest)
