"""The JSON protocol against malformed, ambiguous and oversized requests. Each with a valid control beside it."""

import json
from typing import Any

import pytest

from tabard.apps.http import HTTPRequest, HTTPResponse
from tabard.faults import ConstraintViolated
from tabard.wire.json_protocol import MAXIMUM_BODY, UnknownTarget, UnreadableBody, compile_json_operation, find_target
from tests.attacks.forge_sigv4 import Draft
from tests.houses import InProcessHouse, in_process_house, reasons, request, signed

PREFIX = "AWSOrganizationsV20161128"
JSON = b"application/x-amz-json-1.1"
CREATE = compile_json_operation(find_target(f"{PREFIX}.CreateOrganizationalUnit"))
GOOD = {"ParentId": "r-aaaa", "Name": "n", "Tags": [{"Key": "k", "Value": "v"}]}


def read(body: bytes | str | dict[str, Any]) -> Any:
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    return CREATE.decode(raw.encode() if isinstance(raw, str) else raw)


def draft(house: InProcessHouse, operation: str, body: bytes = b"{}", *, target: bytes | None = None) -> Draft:
    base = house.draft(body, service="organizations")
    plain = tuple((n, JSON if n == b"content-type" else v) for n, v in base.headers)
    return base.but(headers=(*plain, (b"x-amz-target", target or f"{PREFIX}.{operation}".encode())))


def code(answer: HTTPResponse) -> str:
    told: str = json.loads(answer.body)["__type"] if answer.body else ""
    assert answer.headers.get("x-amzn-ErrorType", "") == told
    return told


def test_the_control_is_read() -> None:
    assert read(GOOD)["Name"] == "n"
    assert find_target(f"{PREFIX}.ListRoots").name == "ListRoots"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param('{"ParentId":"r-aaaa","Name":"a","Name":"b"}', "json.duplicate", id="a member twice"),
        pytest.param('{"ParentId":"r-aaaa","Name":"a","N\\u0061me":"b"}', "json.duplicate", id="twice by an escape"),
        pytest.param(
            '{"ParentId":"r-aaaa","Name":"a","Tags":[{"Key":"k","Key":"l","Value":""}]}',
            "json.duplicate",
            id="twice inside",
        ),
        pytest.param('{"ParentId":"r-aaaa","Name":"a","x":NaN}', "json.constant", id="NaN"),
        pytest.param('{"ParentId":"r-aaaa","Name":"a","x":-Infinity}', "json.constant", id="infinity"),
        pytest.param('{"x":' + "9" * 5000 + "}", "json.number", id="a number to choke on"),
        pytest.param('{"x":1e999999}', "json.number", id="an exponent"),
        pytest.param("[" * 200_000, "json.depth", id="depth of arrays"),
        pytest.param('{"x":' * 13 + "1" + "}" * 13, "json.depth", id="depth of objects"),
        pytest.param('{"ParentId":"r-aaaa","Name":"\\ud800"}', "json.character", id="half a surrogate pair"),
        pytest.param('{"\\udc00":1}', "json.character", id="half a pair in a name"),
        pytest.param(b"\xff\xfe{}", "json.encoding", id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", "json.syntax", id="a byte order mark"),
        pytest.param("{} {}", "json.syntax", id="two values"),
        pytest.param("{'Name':'n'}", "json.syntax", id="single quotes"),
        pytest.param('{"Name":"a\nb"}', "json.syntax", id="a raw line break in a string"),
        pytest.param("{,}", "json.syntax", id="no JSON"),
        pytest.param("[]", "json.type", id="an array"),
        pytest.param("null", "json.type", id="null"),
        pytest.param('"x"', "json.type", id="a string"),
        pytest.param(b"{" + b" " * MAXIMUM_BODY + b"}", "json.size", id="size"),
        pytest.param({**GOOD, "Name": 5}, "json.type", id="a number for a string"),
        pytest.param({**GOOD, "Name": True}, "json.type", id="a boolean for a string"),
        pytest.param({**GOOD, "Name": ["n"]}, "json.type", id="an array for a string"),
        pytest.param({**GOOD, "Tags": {}}, "json.type", id="an object for an array"),
        pytest.param({**GOOD, "Tags": "k"}, "json.type", id="a string for an array"),
        pytest.param({**GOOD, "Tags": ["k"]}, "json.type", id="a string for an object"),
        pytest.param({**GOOD, "Tags": [None]}, "json.type", id="null for an object"),
    ],
)
def test_a_body_that_two_readers_could_read_differently_is_refused(body: Any, reason: str) -> None:
    with pytest.raises(UnreadableBody) as refused:
        read(body)
    assert refused.value.reason == reason


def test_a_boolean_is_no_number() -> None:
    codec = compile_json_operation(find_target(f"{PREFIX}.ListAccounts"))
    assert codec.decode(b'{"MaxResults":1}') == {"MaxResults": 1}
    for wrong in (b"true", b'"1"', b"1.0", b"1e0"):
        with pytest.raises(UnreadableBody):
            codec.decode(b'{"MaxResults":' + wrong + b"}")


def test_what_the_operation_does_not_know_is_ignored_and_null_is_absent() -> None:
    assert read({**GOOD, "Tags": None, "Nonsense": {"a": [1, True, None]}}) == {"ParentId": "r-aaaa", "Name": "n"}
    codec = compile_json_operation(find_target(f"{PREFIX}.DescribeOrganization"))
    assert codec.decode(b"") == codec.decode(b"{}") == codec.decode(b'{"x":1}') == {}


def test_all_broken_rules_are_told_at_once_and_no_value_is_repeated() -> None:
    with pytest.raises(ConstraintViolated) as refused:
        read({"Name": "n" * 129, "Tags": [{"Key": "", "Value": "\x00"}]})
    text = refused.value.public
    assert text.startswith("4 validation errors detected: ")
    assert "Value at 'parentId' failed to satisfy constraint: Member must not be null" in text
    assert "Value at 'name' failed to satisfy constraint: Member must have length less than or equal to 128" in text
    assert "Value at 'tags.1.member.key' failed to satisfy constraint" in text
    assert "Value at 'tags.1.member.value' failed to satisfy constraint" in text


@pytest.mark.parametrize(
    "target",
    [
        "",
        "ListRoots",
        f"{PREFIX}",
        f"{PREFIX}.",
        f"{PREFIX}.listroots",
        f" {PREFIX}.ListRoots",
        "iam.ListUsers",
        "x" * 5000,
    ],
)
def test_a_target_that_names_nothing_is_unknown(target: str) -> None:
    with pytest.raises(UnknownTarget) as refused:
        find_target(target)
    assert len(refused.value.public) < 400


def test_the_target_is_signed_and_given_once() -> None:
    with in_process_house() as house:
        good = draft(house, "CreateOrganization")
        listed = draft(house, "ListRoots")
        sent = listed.request()
        swapped = tuple(
            (n, f"{PREFIX}.DeleteOrganization".encode() if n == b"x-amz-target" else v) for n, v in sent.headers
        )
        unsigned = listed.but(signed="content-type;host;x-amz-date")
        twice = listed.plus((b"x-amz-target", f"{PREFIX}.DeleteOrganization".encode()))

        assert code(house.answer(HTTPRequest("POST", b"/", b"", swapped, b"{}"))) == "InvalidSignatureException"
        assert code(house.answer(signed(unsigned))) == "InvalidSignatureException"
        assert code(house.answer(signed(twice))) == "SerializationException"
        assert code(house.answer(signed(listed.but(query=b"Action=GetCallerIdentity")))) == "SerializationException"
        # Controls.
        assert house.answer(signed(good)).status == 200
        answer = house.answer(signed(listed))
        assert (answer.status, len(json.loads(answer.body)["Roots"])) == (200, 1)


def test_nobody_is_believed_without_a_signature_for_this_service() -> None:
    with in_process_house() as house:
        house.answer(signed(draft(house, "CreateOrganization")))
        house.records.clear()
        headers = ((b"host", b"x"), (b"content-type", JSON), (b"x-amz-target", f"{PREFIX}.ListRoots".encode()))
        unsigned = house.answer(request(b"{}", headers=headers))
        scope = draft(house, "ListRoots").scope
        other = draft(house, "ListRoots").but(scope=scope.replace("/organizations/", "/iam/"))
        stranger = draft(house, "ListRoots").but(key_id="AKIAIOSFODNN7EXAMPLE")

        assert code(unsigned) == "MissingAuthenticationTokenException"
        assert code(house.answer(signed(other))) == "InvalidSignatureException"
        assert code(house.answer(signed(stranger))) == "UnrecognizedClientException"
        assert code(house.answer(signed(draft(house, "ListRoots").but(secret="wrong")))) == "InvalidSignatureException"
        assert [each["userIdentity"] for each in house.records] == [{"type": "Unknown"}] * 4
        # Control.
        assert house.answer(signed(draft(house, "ListRoots"))).status == 200


def test_a_body_is_not_read_before_the_caller_is_proven() -> None:
    with in_process_house() as house:
        hostile = draft(house, "ListRoots", b"[" * 100_000)
        house.answer(signed(hostile.but(secret="wrong")))
        (reason,) = reasons(house.records)
        assert reason is not None
        assert reason.startswith("sigv4.")
        house.records.clear()
        house.answer(signed(hostile))
        assert reasons(house.records) == ["json.depth"]


def test_a_target_means_nothing_beside_another_type_of_body() -> None:
    with in_process_house() as house:
        for kind in (b"application/json", b"text/plain", b"application/x-amz-json-1.0", b""):
            headers = ((b"host", b"x"), (b"content-type", kind), (b"x-amz-target", f"{PREFIX}.ListRoots".encode()))
            assert house.answer(request(b"{}", headers=headers)).status == 302
        assert (
            house.answer(request(b"{}", path=b"/x", headers=((b"content-type", JSON), (b"x-amz-target", b"a")))).status
            == 404
        )
        form = house.draft(service="sts").plus((b"x-amz-target", f"{PREFIX}.DeleteOrganization".encode()))
        answer = house.answer(signed(form.but(body=b"Action=GetCallerIdentity&Version=2011-06-15")))
        assert b"GetCallerIdentityResult" in answer.body


def test_what_is_not_built_says_so_and_what_to_do() -> None:
    with in_process_house() as house:
        answer = house.answer(signed(draft(house, "CreateAccount", b'{"Email":"a@b.org","AccountName":"n"}')))
        assert code(answer) == "UnsupportedAPIEndpointException"
        assert "tabard org accounts add" in json.loads(answer.body)["Message"]
        assert reasons(house.records) == ["unsupported.operation"]
        answer = house.answer(signed(draft(house, "NoSuchOperation")))
        assert code(answer) == "UnknownOperationException"
