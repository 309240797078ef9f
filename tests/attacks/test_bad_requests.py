"""Requests that are wrong in form, put to the whole application: what is refused, in which words, in which order.

Every refusal is made from a request that is in order, and that request is answered beside it. The rows that concern
signatures alone (V01 to V23) are in `test_sigv4_attacks.py`; here they are met by everything that stands around them.
"""

from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabard.apps.http import HTTPRequest, HTTPResponse
from tests.attacks.forge_sigv4 import FORM, STAMP, authentication, presigned, signed_url
from tests.fuse import fuse
from tests.houses import InProcessHouse, code_of, form, in_process_house, message_of, reasons, request, signed

HOST = (b"host", b"sts.example.test")
FORM_HEADER = (b"content-type", FORM)
IDENTITY = form("GetCallerIdentity")
DISPATCH = b'xmlns="http://webservices.amazon.com/AWSFault/2005-15-09"'


@pytest.fixture(scope="module")
def whole() -> Iterator[InProcessHouse]:
    with in_process_house() as started:
        yield started


@pytest.fixture
def house(whole: InProcessHouse) -> InProcessHouse:
    whole.records.clear()
    return whole


def refusal(house: InProcessHouse, http: HTTPRequest) -> tuple[int, str, str, str | None]:
    """Status, code, message and recorded reason; there is exactly one record, and it agrees with the answer."""
    house.records.clear()
    answer = house.answer(http)
    (record,) = house.records
    assert record.get("errorCode", "") == code_of(answer)
    return answer.status, code_of(answer), message_of(answer), reasons(house.records)[0]


def presigned_get(house: InProcessHouse, parameters: bytes = IDENTITY, **changes: object) -> HTTPRequest:
    draft = presigned(parameters=parameters, key_id=house.admin.access_key_id, secret=house.admin.secret_access_key)
    made = signed_url(draft.but(**changes))
    return HTTPRequest(made.method, made.raw_path, made.raw_query, made.headers, made.body, peer="192.0.2.7")


# ── control ──────────────────────────────────────────────────────────────────────────────────────────


def test_control_a_call_in_order_is_answered_byte_for_byte_as_aws_answers(house: InProcessHouse) -> None:
    answer = house.call("GetCallerIdentity")

    request_id = answer.headers["x-amzn-RequestId"]
    (record,) = house.records
    user_id = record["userIdentity"]["principalId"]
    assert answer.headers["Content-Type"] == "text/xml"
    assert answer.body.decode() == (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
        "  <GetCallerIdentityResult>\n"
        f"    <Arn>arn:aws:iam::{house.account}:user/admin</Arn>\n"
        f"    <UserId>{user_id}</UserId>\n"
        f"    <Account>{house.account}</Account>\n"
        "  </GetCallerIdentityResult>\n"
        "  <ResponseMetadata>\n"
        f"    <RequestId>{request_id}</RequestId>\n"
        "  </ResponseMetadata>\n"
        "</GetCallerIdentityResponse>\n"
    )


def test_control_a_refusal_has_aws_layout_too(house: InProcessHouse) -> None:
    answer = house.answer(request(IDENTITY))

    assert answer.status == 403
    assert answer.body.decode() == (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
        "  <Error>\n"
        "    <Type>Sender</Type>\n"
        "    <Code>MissingAuthenticationToken</Code>\n"
        "    <Message>Request is missing Authentication Token</Message>\n"
        "  </Error>\n"
        f"  <RequestId>{answer.headers['x-amzn-RequestId']}</RequestId>\n"
        "</ErrorResponse>\n"
    )


def test_control_get_post_with_a_form_and_post_with_a_query_are_the_same_call(house: InProcessHouse) -> None:
    google = house.draft().but(
        query=IDENTITY,
        body=b"",
        headers=(HOST, (b"x-amz-date", STAMP.encode()), (b"x-goog-cloud-target-resource", b"//iam.example.test/pool")),
    )

    answers = [house.call("GetCallerIdentity"), house.answer(presigned_get(house)), house.answer(signed(google))]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({answer.body.split(b"<ResponseMetadata>")[0] for answer in answers}) == 1


def test_accept_json_is_answered_in_json_allowed_or_refused(house: InProcessHouse) -> None:
    accept = (b"accept", b"application/json")
    answer = house.answer(signed(house.draft(IDENTITY).plus(accept)))
    refused = house.answer(request(IDENTITY, headers=(HOST, FORM_HEADER, accept)))

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.body.startswith(b'{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Arn":"arn:aws:iam::')
    assert answer.body.endswith(
        b'"ResponseMetadata":{"RequestId":"' + answer.headers["x-amzn-RequestId"].encode() + b'"}}}'
    )
    assert refused.status == 403
    assert refused.body == (
        b'{"Error":{"Code":"MissingAuthenticationToken","Message":"Request is missing Authentication Token",'
        b'"Type":"Sender"},"RequestId":"' + refused.headers["x-amzn-RequestId"].encode() + b'"}'
    )


# ── which operation ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"Action=Foo&Version=2011-06-15", "Could not find operation Foo for version 2011-06-15"),
        (b"Action=GetCallerIdentity", "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED"),
        (b"Action=GetCallerIdentity&Version=", "Could not find operation GetCallerIdentity for version "),
        (
            b"Action=GetCallerIdentity&Version=2010-05-08",
            "Could not find operation GetCallerIdentity for version 2010-05-08",
        ),
        (b"Action=ListUsers&Version=2011-06-15", "Could not find operation ListUsers for version 2011-06-15"),
        (b"Action=&Version=2011-06-15", "Could not find operation  for version 2011-06-15"),
        (b"Action=getcalleridentity&Version=2011-06-15", "Could not find operation getcalleridentity for version 2011-06-15"),
        (b"Action=%3Cb%3E&Version=2011-06-15", "Could not find operation &lt;b&gt; for version 2011-06-15"),
    ],
)  # fmt: skip
def test_an_action_that_no_version_has_is_refused_before_anybody_is_asked_for(
    house: InProcessHouse, body: bytes, message: str
) -> None:
    answer = house.answer(request(body))

    assert (answer.status, code_of(answer), message_of(answer)) == (400, "InvalidAction", message)
    assert DISPATCH in answer.body
    assert reasons(house.records) == ["operation.unknown"]


def test_what_a_client_names_is_repeated_only_in_part(house: InProcessHouse) -> None:
    answer = house.answer(request(b"Action=" + b"A" * 100_000 + b"&Version=2011-06-15"))

    assert code_of(answer) == "InvalidAction"
    assert len(answer.body) < 1_000
    assert len(str(house.records[0])) < 20_000


@pytest.mark.parametrize("location", ["/", "/any/where"])
def test_an_operation_that_is_not_built_says_so_once_the_caller_is_known(house: InProcessHouse, location: str) -> None:
    draft = house.draft(form("ListServerCertificates"), service="iam").but(path=location.encode())

    unsigned = house.answer(request(form("ListServerCertificates"), path=location.encode()))
    answer = house.answer(signed(draft))

    assert (unsigned.status, code_of(unsigned)) == (403, "MissingAuthenticationToken")
    assert (answer.status, code_of(answer)) == (400, "UnsupportedOperation")
    assert "ListServerCertificates" in message_of(answer)
    assert reasons(house.records) == ["sigv4.missing", "unsupported.operation"]


# ── what is no call ──────────────────────────────────────────────────────────────────────────────────

UNKNOWN = (404, b"<UnknownOperationException/>\n")


def plain(answer: HTTPResponse) -> tuple[int, bytes]:
    return answer.status, answer.body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD", "POST"])
def test_another_path_is_not_found(house: InProcessHouse, method: str) -> None:
    assert plain(house.answer(request(method=method, path=b"/elsewhere", headers=(HOST,)))) == UNKNOWN
    assert not house.records


def test_another_path_is_not_found_whatever_the_signature(house: InProcessHouse) -> None:
    assert house.answer(presigned_get(house)).status == 200
    assert plain(house.answer(presigned_get(house, path=b"/elsewhere"))) == UNKNOWN
    broken = presigned_get(house, path=b"/elsewhere", secret="wrong")
    assert plain(house.answer(broken)) == UNKNOWN


def test_v15_a_form_on_another_path_is_a_call_and_the_path_is_signed(house: InProcessHouse) -> None:
    there = house.draft(IDENTITY).but(path=b"/there")
    moved = signed(house.draft(IDENTITY))

    assert house.answer(signed(there)).status == 200
    moved = HTTPRequest("POST", b"/there", b"", moved.headers, moved.body, moved.peer)
    assert refusal(house, moved)[1] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("path", [b"/%", b"/%zz", b"/a%2", b"/%2x/b"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_broken_escape_in_the_path_is_refused_by_the_front_end(
    house: InProcessHouse, method: str, path: bytes
) -> None:
    http = request(IDENTITY if method == "POST" else b"", method=method, path=path)

    assert plain(house.answer(http)) == (400, b"")
    assert plain(house.answer(request(method="GET", path=b"/%20", headers=(HOST,)))) == UNKNOWN


@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "CONNECT", "get", "X"])
def test_an_odd_method_is_refused(house: InProcessHouse, method: str) -> None:
    assert plain(house.answer(request(method=method, headers=(HOST,)))) == (400, b"")


@pytest.mark.parametrize(
    ("method", "query", "headers", "body", "location"),
    [
        ("GET", b"", (HOST,), b"", "https://aws.amazon.com/iam"),
        ("GET", b"Version=2011-06-15", (HOST,), b"", "https://aws.amazon.com/iam?Version=2011-06-15"),
        ("POST", b"", (HOST,), IDENTITY, "https://aws.amazon.com/iam"),
        ("POST", b"a=b", (HOST, (b"content-type", b"text/plain")), IDENTITY, "https://aws.amazon.com/iam"),
        ("POST", b"", (HOST, (b"content-type", b"multipart/form-data; boundary=x")), IDENTITY, "https://aws.amazon.com/iam"),
        ("POST", b"", (HOST, FORM_HEADER), b"Version=2011-06-15", "https://aws.amazon.com/iam"),
        ("POST", b"", (HOST, FORM_HEADER), b"action=GetCallerIdentity&Version=2011-06-15", "https://aws.amazon.com/iam"),
    ],
)  # fmt: skip
def test_v12_without_an_action_or_a_form_a_browser_is_sent_away(
    house: InProcessHouse,
    method: str,
    query: bytes,
    headers: tuple[tuple[bytes, bytes], ...],
    body: bytes,
    location: str,
) -> None:
    answer = house.answer(request(body, method=method, query=query, headers=headers))

    assert plain(answer) == (302, b"")
    assert answer.headers["Location"] == location


@pytest.mark.parametrize(
    "kind",
    [FORM, b"application/x-www-form-urlencoded", b"Application/X-WWW-Form-URLEncoded ;charset=latin-1"],
)
def test_v12_control_a_form_is_a_form_in_any_spelling(house: InProcessHouse, kind: bytes) -> None:
    draft = house.draft(IDENTITY)
    headers = tuple((name, kind if name == b"content-type" else value) for name, value in draft.headers)

    assert house.answer(signed(draft.but(headers=headers))).status == 200


def test_preflight_is_answered_as_aws_answers_it(house: InProcessHouse) -> None:
    asking = (HOST, (b"origin", b"https://app.example.test"), (b"access-control-request-method", b"POST"))

    answer = house.answer(request(method="OPTIONS", headers=asking))

    assert plain(answer) == (200, b"")
    assert answer.headers == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Expose-Headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date,smithy-protocol",
        "Access-Control-Max-Age": "172800",
    }
    assert plain(house.answer(request(method="OPTIONS", headers=(HOST,)))) == UNKNOWN


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
def test_health_is_answered_to_anybody_and_is_no_call(house: InProcessHouse, path: bytes) -> None:
    answer = house.answer(request(method="GET", path=path, headers=(HOST,)))

    assert answer.status == 200
    assert not house.records


# ── the order of checks ──────────────────────────────────────────────────────────────────────────────


def test_each_check_comes_before_the_next_as_on_aws(house: InProcessHouse) -> None:
    """Action, form, presence, scope, key, signature, parameters, permission: one fault is added at a time, from behind."""
    powerless = house.draft(form("CreateUser", UserName="nobody-at-all"), service="iam")
    assert house.answer(signed(powerless)).status == 200
    nobodys = house.call("CreateAccessKey", UserName="nobody-at-all")
    key_id = nobodys.body.partition(b"<AccessKeyId>")[2].partition(b"</AccessKeyId>")[0].decode()
    secret = nobodys.body.partition(b"<SecretAccessKey>")[2].partition(b"</SecretAccessKey>")[0].decode()

    draft = house.draft(form("DeleteUser", UserName="admin"), service="iam").but(key_id=key_id, secret=secret)
    seen = [refusal(house, signed(draft))[1]]
    draft = draft.but(body=form("DeleteUser", UserName="a" * 129))
    seen.append(refusal(house, signed(draft))[1])
    draft = draft.but(secret="wrong")
    seen.append(refusal(house, signed(draft))[1])
    draft = draft.but(key_id="AKIAAAAAAAAAAAAAAAAA")
    seen.append(refusal(house, signed(draft))[1])
    draft = draft.but(scope="20261124/eu-central-1/s3/aws4_request")
    seen.append(refusal(house, signed(draft))[2])
    draft = draft.but(signed="content-type;x-amz-date")
    seen.append(refusal(house, signed(draft))[2])
    made = signed(draft)
    bare = tuple(header for header in made.headers if header[0] != b"authorization")
    seen.append(refusal(house, request(made.body, headers=bare))[1])
    seen.append(refusal(house, request(made.body + b"&x=%zz", headers=bare))[1])

    assert seen == [
        "AccessDenied",
        "ValidationError",
        "SignatureDoesNotMatch",
        "InvalidClientTokenId",
        "Credential should be scoped to correct service: 'iam'. ",
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        "MissingAuthenticationToken",
        "MalformedInput",
    ]


# ── rows of the catalogue that need the whole ────────────────────────────────────────────────────────


def test_v10_a_signature_in_the_header_and_another_in_the_query(house: InProcessHouse) -> None:
    url = presigned_get(house)
    draft = house.draft(b"").but(method="GET", query=url.raw_query, canonical_query=url.raw_query)
    both = HTTPRequest("GET", b"/", url.raw_query, signed(draft).headers, b"", url.peer)

    assert house.answer(url).status == 200
    assert refusal(house, both)[:2] == (400, "IncompleteSignature")


@pytest.mark.parametrize(
    "authorization",
    [b"AWS AKIAEXAMPLEEXAMPLE12:c2lnbmF0dXJl", b"AWS4-ECDSA-P256-SHA256 Credential=a", b"Bearer abc", b"Basic YTpi"],
)
def test_v10_another_kind_of_authorization_is_refused(house: InProcessHouse, authorization: bytes) -> None:
    headers = (HOST, FORM_HEADER, (b"x-amz-date", STAMP.encode()), (b"authorization", authorization))

    status, code, _, _ = refusal(house, request(IDENTITY, headers=headers))

    assert (status, code) in {(400, "IncompleteSignature"), (403, "MissingAuthenticationToken")}


def test_v11_an_action_in_the_query_and_another_in_the_body(house: InProcessHouse) -> None:
    both = house.draft(IDENTITY).but(query=b"Action=ListUsers&Version=2010-05-08")

    assert refusal(house, signed(both)) == (
        400,
        "MalformedInput",
        "The action must be given once, in the body or in the query string.",
        "form.two-actions",
    )


def test_v11_of_two_actions_the_first_is_checked_and_used(house: InProcessHouse) -> None:
    twice = b"Action=GetCallerIdentity&Action=ListUsers&Version=2011-06-15&Version=2010-05-08"

    answer = house.answer(signed(house.draft(twice)))

    assert answer.status == 200
    assert answer.body.startswith(b"<GetCallerIdentityResponse")
    assert house.records[0]["eventName"] == "GetCallerIdentity"


def test_v11_of_a_duplicate_parameter_the_first_is_checked_audited_and_used(house: InProcessHouse) -> None:
    body = form("CreateUser", UserName="first-wins") + b"&UserName=second&%55serName=third"

    answer = house.answer(signed(house.draft(body, service="iam")))

    assert b"<UserName>first-wins</UserName>" in answer.body
    assert house.records[0]["requestParameters"] == {"userName": "first-wins"}
    for other in ("second", "third"):
        assert code_of(house.call("GetUser", UserName=other)) == "NoSuchEntity"


def test_v11_names_are_case_sensitive_and_unknown_ones_mean_nothing(house: InProcessHouse) -> None:
    body = form("CreateUser", UserName="case") + b"&username=other&USERNAME=another&Unknown.member.1=x&UserName.x=y"

    assert b"<UserName>case</UserName>" in house.answer(signed(house.draft(body, service="iam"))).body


def test_v11_gaps_in_a_list_close_and_its_order_is_by_number(house: InProcessHouse) -> None:
    tags = "&".join(f"Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=v{n}" for n in (10, 9, 700))
    body = form("CreateUser", UserName="gaps") + b"&" + tags.encode()

    answer = house.answer(signed(house.draft(body, service="iam")))

    assert answer.status == 200
    answer = house.call("ListUserTags", UserName="gaps")
    assert [key in answer.body for key in (b"<Key>k9<", b"<Key>k10<", b"<Key>k700<")] == [True] * 3


@pytest.mark.parametrize("index", ["0", "-1", "01", "1e3", "٣", "x", "99999999999999999999"])
def test_v11_what_is_no_number_of_an_element_is_refused(house: InProcessHouse, index: str) -> None:
    body = form("CreateUser", UserName="never") + f"&Tags.member.{quote(index)}.Key=k".encode()

    assert refusal(house, signed(house.draft(body, service="iam")))[:2] == (400, "MalformedInput")
    assert code_of(house.call("GetUser", UserName="never")) == "NoSuchEntity"


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"&a=%", "form.escape"),
        (b"&a=%zz", "form.escape"),
        (b"&a=%e2%82", "form.encoding"),
        (b"&a=%ff", "form.encoding"),
        (b"&a=\xff", "form.encoding"),
        (b"&%c3=a", "form.encoding"),
        (b"&" + b"n" * 513 + b"=a", "form.name"),
        (b"&a=b" * 2000, "form.fields"),
    ],
)
def test_v12_d03_a_form_that_cannot_be_read_is_refused_before_the_signature(
    house: InProcessHouse, tail: bytes, reason: str
) -> None:
    status, code, _, recorded = refusal(house, signed(house.draft(IDENTITY + tail)))

    assert (status, code, recorded) == (400, "MalformedInput", reason)


def test_v12_control_plus_and_percent_twenty_are_the_same_space_and_a_semicolon_is_no_separator(
    house: InProcessHouse,
) -> None:
    for value, expected in ((b"a+b", b"a b"), (b"a%20b", b"a b"), (b"a%2Bb", b"a+b"), (b"a;Key=c", None)):
        body = form("TagUser", UserName="admin") + b"&Tags.member.1.Key=k&Tags.member.1.Value=" + value
        answer = house.answer(signed(house.draft(body, service="iam")))
        if expected is None:
            assert code_of(answer) == "ValidationError"
        else:
            assert answer.status == 200
            assert b"<Value>" + expected + b"</Value>" in house.call("ListUserTags", UserName="admin").body


def test_v13_a_body_swapped_under_a_valid_signature(house: InProcessHouse) -> None:
    made = house.request("ListUsers")
    swapped = HTTPRequest(made.method, b"/", b"", made.headers, form("ListRoles"), made.peer)

    assert house.answer(made).status == 200
    assert refusal(house, swapped)[1] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("claimed", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sha256(b"").hexdigest()])
def test_v13_the_body_is_hashed_whatever_the_client_states(house: InProcessHouse, claimed: str) -> None:
    draft = house.draft(IDENTITY)
    honest = draft.plus((b"x-amz-content-sha256", sha256(IDENTITY).hexdigest().encode()))
    lying = draft.plus((b"x-amz-content-sha256", claimed.encode())).but(payload=claimed)

    assert house.answer(signed(honest)).status == 200
    assert refusal(house, signed(lying))[:2] == (403, "SignatureDoesNotMatch")


def test_v16_a_presigned_query_is_read_in_one_way(house: InProcessHouse) -> None:
    made = presigned_get(house)
    query = made.raw_query

    def with_query(changed: bytes) -> HTTPRequest:
        return HTTPRequest("GET", b"/", changed, made.headers, b"", made.peer)

    assert house.answer(made).status == 200
    parts = query.split(b"&")
    assert house.answer(with_query(b"&".join(reversed(parts)))).status == 200, "the order of parameters is free"
    signature = next(part for part in parts if part.startswith(b"X-Amz-Signature="))
    for changed in (
        query + b"&" + signature,
        query.replace(b"X-Amz-Signature", b"x-amz-signature"),
        query + b"&extra=1",
        query + b"&extra",
        query.replace(b"Action=GetCallerIdentity", b"Action=GetCallerIdentity&Action=GetSessionToken"),
    ):
        assert refusal(house, with_query(changed))[1] in {
            "IncompleteSignature",
            "MalformedInput",
            "SignatureDoesNotMatch",
        }


def test_v16_an_action_added_in_front_of_a_presigned_one_is_not_believed(house: InProcessHouse) -> None:
    made = presigned_get(house)
    changed = b"Action=GetSessionToken&" + made.raw_query

    status, _, _, _ = refusal(house, HTTPRequest("GET", b"/", changed, made.headers, b"", made.peer))

    assert status in {400, 403}


@pytest.mark.parametrize(
    "body",
    [
        b"Action=AssumeRoleWithSAML&Action=GetCallerIdentity&Version=2011-06-15",
        b"Action=GetCallerIdentity&Action=AssumeRoleWithSAML&Version=2011-06-15",
        b"Action=ASSUMEROLEWITHSAML&Version=2011-06-15",
        b"Action=AssumeRoleWithSAML%00&Version=2011-06-15",
        b"Action=%41ssumeRoleWithWebIdentity&Version=2011-06-15&Action=ListUsers&Version=2010-05-08",
    ],
)
def test_v27_the_unsigned_actions_open_no_way_to_a_signed_one(house: InProcessHouse, body: bytes) -> None:
    status, code, _, _ = refusal(house, request(body))

    assert status in {400, 403}
    assert code in {"MissingAuthenticationToken", "InvalidAction", "UnsupportedOperation"}
    assert house.records[0]["userIdentity"] == {"type": "Unknown"}


def test_v28_what_is_signed_for_sts_is_refused_by_iam_and_the_other_way_round(house: InProcessHouse) -> None:
    for body, service, other in ((form("ListUsers"), "iam", "sts"), (IDENTITY, "sts", "iam")):
        assert house.answer(signed(house.draft(body, service=service))).status == 200
        assert refusal(house, signed(house.draft(body, service=other))) == (
            403,
            "SignatureDoesNotMatch",
            f"Credential should be scoped to correct service: '{service}'. ",
            "sigv4.scope.service",
        )


def test_v23_no_refusal_and_no_record_shows_a_secret_or_the_right_signature(house: InProcessHouse) -> None:
    right = signed(house.draft(IDENTITY))
    authorization = dict(right.headers)[b"authorization"]
    signature = authorization.rpartition(b"=")[2]
    wrong = authorization[:-64] + b"0" * 64
    headers = tuple((n, wrong if n == b"authorization" else v) for n, v in right.headers)

    answers = [
        house.answer(HTTPRequest("POST", b"/", b"", headers, IDENTITY, right.peer)),
        house.answer(signed(house.draft(form("DeleteUser", UserName="x" * 200), service="iam"))),
        house.answer(signed(house.draft(IDENTITY).but(signed="x-amz-date"))),
        house.answer(signed(house.draft(IDENTITY, service="s3"))),
    ]

    assert house.answer(right).status == 200
    seen = b"".join(answer.body for answer in answers) + str(house.records).encode()
    for secret in (house.admin.secret_access_key.encode(), house.root.secret_access_key.encode(), signature):
        assert secret not in seen


def test_v17_expiry_of_a_presigned_url_is_by_its_date(house: InProcessHouse) -> None:
    made = presigned(key_id=house.admin.access_key_id, secret=house.admin.secret_access_key)
    old = made.but(stamp="20261124T095959Z")
    url = signed_url(old, pairs=authentication(old, expires="604800"))
    http = HTTPRequest("GET", b"/", url.raw_query, url.headers, b"", "192.0.2.7")

    assert refusal(house, http) == (
        403,
        "SignatureDoesNotMatch",
        "Signature expired: 20261124T095959Z is now earlier than 20261124T100000Z (20261124T101500Z - 15 min.)",
        "sigv4.date.expired",
    )


# ── whatever comes ───────────────────────────────────────────────────────────────────────────────────

names = st.one_of(
    st.sampled_from(
        ["Action", "Version", "UserName", "RoleArn", "RoleSessionName", "DurationSeconds", "Tags.member.1.Key",
         "Tags.member.1.Value", "Tags", "Tags.member", "Tags.member.x", "PolicyDocument", "MaxItems", "Marker",
         "PathPrefix", "PolicyArns.member.1.arn", "Policy", "TransitiveTagKeys.member.2", "TokenCode"]
    ),
    st.text(max_size=20),
)  # fmt: skip
values = st.one_of(
    st.sampled_from(["", "1", "-1", "99999999999", "GetCallerIdentity", "2011-06-15", "arn:aws:iam::1:role/x", "{}"]),
    st.text(max_size=60),
    st.text(alphabet='{}[]":,ab*?$', max_size=200),
)
actions = st.sampled_from(
    [("sts", "GetCallerIdentity"), ("sts", "AssumeRole"), ("sts", "GetSessionToken"), ("sts", "GetFederationToken"),
     ("iam", "CreateUser"), ("iam", "ListUsers"), ("iam", "PutUserPolicy"), ("iam", "CreateRole"), ("iam", "TagUser"),
     ("iam", "CreatePolicy"), ("iam", "EnableMFADevice"), ("iam", "ListPolicies"), ("iam", "SimulateCustomPolicy"),
     ("iam", "GetAccountAuthorizationDetails")]
)  # fmt: skip


def visible(raw: bytes) -> bytes:
    """Only the bytes that the front door lets through in a target."""
    return bytes(byte for byte in raw if 0x20 < byte < 0x7F and byte != ord("#"))


quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=False
)


def answered(house: InProcessHouse, http: HTTPRequest, *, calls: int | None = None) -> HTTPResponse:
    """Answered without a 5xx, before the fuse blows, and with as many records as it is calls."""
    house.records.clear()
    with fuse():
        answer = house.answer(http)
    assert answer.status < 500, (http, answer)
    if calls is not None:
        assert len(house.records) == calls
    else:
        assert len(house.records) <= 1
    return answer


@quick
@given(action=actions, fields=st.lists(st.tuples(names, values), max_size=8))
def test_any_parameters_of_a_signed_call_are_answered_or_refused_once(
    house: InProcessHouse, action: tuple[str, str], fields: list[tuple[str, str]]
) -> None:
    service, name = action
    body = form(name, version={"sts": "2011-06-15", "iam": "2010-05-08"}[service])
    body += "".join(f"&{quote(n)}={quote(v)}" for n, v in fields).encode()

    answered(house, signed(house.draft(body, service=service)), calls=1)


@quick
@given(body=st.binary(max_size=400), prefix=st.sampled_from([b"Action=", b"Action=ListUsers&Version=2010-05-08&", b""]))
def test_any_body_is_answered(house: InProcessHouse, body: bytes, prefix: bytes) -> None:
    answered(house, request(prefix + body), calls=1 if prefix else None)


@quick
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD"]),
    path=st.binary(max_size=40).map(lambda raw: b"/" + visible(raw).replace(b"?", b"")),
    query=st.binary(max_size=120).map(visible),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [b"host", b"content-type", b"authorization", b"x-amz-date", b"x-amz-security-token", b"accept", b"date",
                 b"x-amz-content-sha256", b"origin", b"user-agent", b"referer"]
            ),
            st.one_of(st.binary(max_size=80), st.just(FORM), st.just(STAMP.encode())),
        ),
        max_size=8,
    ),
)  # fmt: skip
def test_any_method_path_query_and_headers_are_answered(
    house: InProcessHouse, method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    answered(house, request(IDENTITY, method=method, path=path, query=query, headers=tuple(headers)))


@quick
@given(
    credential=st.text(alphabet="AKIS/20261124eu-central-1stsaws4_request.%", max_size=80),
    signature=st.one_of(st.text(alphabet="0123456789abcdefG", max_size=70), st.just("0" * 64)),
    signed_headers=st.text(alphabet="host;x-amz-dateauthorization ,=", max_size=60),
    token=st.one_of(st.none(), st.binary(max_size=200)),
    tail=st.binary(max_size=30),
)
def test_any_authorization_is_refused(
    house: InProcessHouse, credential: str, signature: str, signed_headers: str, token: bytes | None, tail: bytes
) -> None:
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}".encode()
    )
    headers = [HOST, FORM_HEADER, (b"x-amz-date", STAMP.encode()), (b"authorization", authorization + tail)]
    if token is not None:
        headers.append((b"x-amz-security-token", token))

    assert answered(house, request(IDENTITY, headers=tuple(headers)), calls=1).status in {400, 403}


@quick
@given(token=st.one_of(st.binary(max_size=300), st.text(alphabet="ABab01+/=", max_size=5000).map(str.encode)))
def test_any_session_token_is_refused(house: InProcessHouse, token: bytes) -> None:
    draft = house.draft(IDENTITY).but(key_id="ASIA" + "A" * 16).plus((b"x-amz-security-token", token))

    answer = answered(house, signed(draft), calls=1)

    assert (answer.status, code_of(answer)) == (403, "InvalidClientTokenId")
