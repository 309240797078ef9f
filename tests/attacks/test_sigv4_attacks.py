"""SigV4 under attack. Each test names its row; beside every refusal stands the valid request it was made from.

Rows that need a socket (V08, V09, V24 to V26) are in `test_http_framing.py`; S3's (V14, V18 to V20) come with S3.
"""

import inspect
import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import pytest

from tabard.faults import Fault
from tabard.sigv4 import signature as signature_module
from tabard.sigv4.canonical import SignedRequest
from tabard.sigv4.claim import check_scope, read_claim
from tabard.sigv4.faults import (
    IncompleteSignature,
    InvalidClientTokenId,
    MissingAuthenticationToken,
    SignatureDoesNotMatch,
)
from tabard.sigv4.signature import SigningKeys, verify_against_nobody, verify_signature
from tests.attacks.forge_sigv4 import (
    BODY,
    FORM,
    KEY_ID,
    NOW,
    SECRET,
    STAMP,
    Draft,
    authentication,
    presigned,
    signed_url,
)

VALID = Draft()
HOST = (b"host", b"sts.example.test")
DATE = (b"x-amz-date", STAMP.encode())


def verify(request: SignedRequest, *, service: str = "sts", regions: frozenset[str] | None = None, now=NOW) -> None:
    claim = read_claim(request)
    check_scope(claim, service=service, regions=regions, now=now)
    verify_signature(request, claim, SigningKeys().of(SECRET, claim))


def refused(request: SignedRequest, kind: type[Fault], reason: str, **how: object) -> str:
    """Verified, refused for exactly this reason; the public text."""
    with pytest.raises(kind) as caught:
        verify(request, **how)
    assert caught.value.reason == reason
    return caught.value.public


def header(authorization: bytes) -> SignedRequest:
    return SignedRequest(
        "POST", b"/", b"", (HOST, (b"content-type", FORM), DATE, (b"authorization", authorization)), BODY
    )


# ── controls ─────────────────────────────────────────────────────────────────────────────────────────


def test_control_a_signed_header_request_is_believed():
    verify(VALID.request())


def test_control_a_presigned_request_is_believed():
    verify(signed_url(presigned()))


def test_control_extra_signed_headers_are_believed():
    verify(VALID.plus((b"x-vault-aws-iam-server-id", b"vault.example.test")).request())


def test_control_unsigned_ordinary_headers_are_believed():
    request = VALID.request()
    verify(
        SignedRequest("POST", b"/", b"", (*request.headers, (b"user-agent", b"x"), (b"x-amzn-trace-id", b"y")), BODY)
    )


# ── V02, V03: time ───────────────────────────────────────────────────────────────────────────────────


def test_v02_a_replay_is_believed_inside_the_window_and_refused_after_it():
    request = VALID.request()
    verify(request)
    verify(request, now=NOW + timedelta(minutes=15))
    refused(request, SignatureDoesNotMatch, "sigv4.date.expired", now=NOW + timedelta(minutes=15, seconds=1))


def test_v02_a_presigned_request_lasts_15_minutes_whatever_x_amz_expires_says():
    for expires in ("1", "60", "604800"):
        draft = presigned()
        request = signed_url(draft, pairs=authentication(draft, expires=expires))
        verify(request, now=NOW + timedelta(minutes=15))
        refused(request, SignatureDoesNotMatch, "sigv4.date.expired", now=NOW + timedelta(minutes=15, seconds=1))


def test_v03_the_edges_of_the_window_tell_both_times():
    text = refused(VALID.request(), SignatureDoesNotMatch, "sigv4.date.expired", now=NOW + timedelta(minutes=16))
    assert (
        text == "Signature expired: 20261124T101500Z is now earlier than 20261124T101600Z (20261124T103100Z - 15 min.)"
    )
    text = refused(VALID.request(), SignatureDoesNotMatch, "sigv4.date.future", now=NOW - timedelta(minutes=16))
    assert text == (
        "Signature not yet current: 20261124T101500Z is still later than 20261124T101400Z (20261124T095900Z + 15 min.)"
    )
    verify(VALID.request(), now=NOW - timedelta(minutes=15))


@pytest.mark.parametrize(
    "date",
    [b"201", b"20261124T101500", b"20261124t101500z", b"20261324T101500Z", b"20261124T251500Z", b"20261124T101560Z",
     b"2026-11-24T10:15:00Z", b"20261124T101500Z\xb2", "٢٠٢٦1124T101500Z".encode(), b"00000000T000000Z", b"1" * 9000],
)  # fmt: skip
def test_v03_a_malformed_date_is_refused(date):
    draft = VALID.but(headers=(HOST, (b"content-type", FORM), (b"x-amz-date", date)))
    text = refused(draft.request(), IncompleteSignature, "sigv4.date.format")
    assert len(text) < 200


def test_v03_x_amz_date_decides_where_there_is_a_date_header_too():
    old = (b"date", b"Tue, 24 Nov 2020 10:15:00 GMT")
    verify(VALID.plus(old).request())
    only_old = VALID.but(headers=(HOST, old), stamp="20201124T101500Z", scope="20201124/eu-central-1/sts/aws4_request")
    refused(only_old.request(), SignatureDoesNotMatch, "sigv4.date.expired")


def test_v03_a_date_header_alone_will_do():
    verify(VALID.but(headers=(HOST, (b"date", b"Tue, 24 Nov 2026 10:15:00 GMT"))).request())


@pytest.mark.parametrize(
    "date", [b"Tue, 24 Nov 2026 10:15:00 CET", b"Tue, 24 nov 2026 10:15:00 GMT", b"Tue, 24 Xyz 2026 10:15:00 GMT"]
)
def test_v03_other_dates_are_refused(date):
    refused(VALID.but(headers=(HOST, (b"date", date))).request(), IncompleteSignature, "sigv4.date.format")


def test_v03_no_date_at_all():
    text = refused(VALID.but(headers=(HOST,)).request(), IncompleteSignature, "sigv4.authorization.incomplete")
    assert text.startswith(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed"
    )


# ── V04, V28: scope ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("scope", "reason", "text"),
    [
        ("20261123/eu-central-1/sts/aws4_request", "date",
         ("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
          "'20261123' != '20261124', from '20261124T101500Z'.")),
        ("20261124/eu-west-1/sts/aws4_request", "region", "Credential should be scoped to a valid region. "),
        ("20261124/EU-CENTRAL-1/sts/aws4_request", "region", "Credential should be scoped to a valid region. "),
        ("20261124//sts/aws4_request", "region", "Credential should be scoped to a valid region. "),
        ("20261124/eu-central-1/iam/aws4_request", "service", "Credential should be scoped to correct service: 'sts'. "),
        ("20261124/eu-central-1/STS/aws4_request", "service", "Credential should be scoped to correct service: 'sts'. "),
        ("20261124/eu-central-1/sts/aws5_request", "terminator",
         "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. "),
        ("20261124/us-east-1/s3/aws4_request", "region",
         "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sts'. "),
    ],
)  # fmt: skip
def test_v04_v28_a_signature_for_another_scope_is_refused_in_awss_words(scope, reason, text):
    request = VALID.but(scope=scope).request()
    regions = frozenset({"eu-central-1"})
    assert refused(request, SignatureDoesNotMatch, f"sigv4.scope.{reason}", regions=regions) == text
    verify(VALID.request(), regions=regions)


def test_v04_any_region_means_any_text_that_could_be_a_region():
    verify(VALID.but(scope="20261124/mars-1/sts/aws4_request").request())
    refused(
        VALID.but(scope=f"20261124/{'a' * 33}/sts/aws4_request").request(), SignatureDoesNotMatch, "sigv4.scope.region"
    )


@pytest.mark.parametrize("key_id", ["AKIA/EXAMPLE", "a/b/c"])
def test_v04_an_access_key_id_with_a_slash_is_no_credential(key_id):
    text = refused(VALID.but(key_id=key_id).request(), IncompleteSignature, "sigv4.credential.parts")
    assert text.startswith(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"
    )


@pytest.mark.parametrize("key_id", ["", "A" * 129, "AKIA*", "AKIA EXAMPLE"])
def test_v04_an_access_key_id_of_the_wrong_form_is_unknown(key_id):
    refused(VALID.but(key_id=key_id).request(), InvalidClientTokenId, "sigv4.credential.key-id")


@pytest.mark.parametrize(("signed_for", "sent_to"), [("sts", "iam"), ("iam", "sts"), ("s3", "sts"), ("sts", "tabard")])
def test_v28_what_is_signed_for_one_service_is_refused_by_another(signed_for, sent_to):
    request = VALID.but(scope=f"20261124/eu-central-1/{signed_for}/aws4_request").request()
    verify(request, service=signed_for)
    refused(request, SignatureDoesNotMatch, "sigv4.scope.service", service=sent_to)


# ── V05, V06: what is signed ─────────────────────────────────────────────────────────────────────────


def test_v05_host_must_be_signed():
    request = VALID.but(signed="content-type;x-amz-date").request()
    text = refused(request, SignatureDoesNotMatch, "sigv4.signed-headers.host")
    assert text == "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."


@pytest.mark.parametrize(
    "added", [(b"x-amz-security-token", b"t"), (b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD"), (b"x-amz-target", b"x"), (b"content-md5", b"x")]
)  # fmt: skip
def test_v05_a_sensitive_header_added_on_the_way_is_refused(added):
    signed = VALID.request()
    request = SignedRequest("POST", b"/", b"", (*signed.headers, added), BODY)
    refused(request, SignatureDoesNotMatch, "sigv4.signed-headers.unsigned")
    url = signed_url(presigned())
    if added[0] != b"x-amz-security-token":
        added_to_url = SignedRequest("GET", b"/", url.raw_query, (*url.headers, added), b"")
        refused(added_to_url, SignatureDoesNotMatch, "sigv4.signed-headers.unsigned")


def test_v05_an_unsigned_date_is_refused():
    refused(VALID.but(signed="content-type;host").request(), SignatureDoesNotMatch, "sigv4.signed-headers.unsigned")


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        ("host;content-type;x-amz-date", "order"),
        ("content-type;host;host;x-amz-date", "order"),
        ("content-type;Host;x-amz-date", "form"),
        ("content-type;host;;x-amz-date", "form"),
        (";content-type;host;x-amz-date", "form"),
        ("content-type;host;x-amz-date;", "form"),
        ("content-type;host; x-amz-date", "form"),
        ("content-type;host:x;x-amz-date", "form"),
        ("content-type;host;not-sent;x-amz-date", "absent"),
    ],
)
def test_v06_the_list_of_signed_headers_has_one_form(signed, reason):
    refused(VALID.but(signed=signed).request(), SignatureDoesNotMatch, f"sigv4.signed-headers.{reason}")


def test_v06_authorization_cannot_be_signed():
    draft = VALID.but(signed="authorization;content-type;host;x-amz-date")
    refused(draft.request(), SignatureDoesNotMatch, "sigv4.signed-headers.authorization")


def test_v06_an_empty_list_is_a_missing_one():
    text = refused(
        header(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/a/b/c/d, SignedHeaders=, Signature={'0' * 64}".encode()),
        IncompleteSignature,
        "sigv4.authorization.incomplete",
    )
    assert text.startswith("Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256")


# ── V07, V10: two ways to read it ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name", ["host", "authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "content-type"]
)
def test_v07_a_header_that_must_be_single_is_refused_when_sent_twice(name):
    signed = VALID.plus((b"x-amz-security-token", b"t"), (b"x-amz-content-sha256", sha256(BODY).hexdigest().encode()))
    verify(signed.request())
    value = dict(signed.request().headers)[name.encode()]
    for twin in (value, b"other"):
        headers = (*signed.request().headers, (name.encode(), twin))
        refused(SignedRequest("POST", b"/", b"", headers, BODY), IncompleteSignature, f"sigv4.repeated.{name}")


def test_v07_other_repeated_headers_are_joined_in_the_order_sent():
    draft = VALID.plus((b"x-team", b"a")).but(canonical_headers={b"x-team": b"a,b"})
    signed = draft.request()
    verify(SignedRequest("POST", b"/", b"", (*signed.headers, (b"x-team", b"  b  ")), BODY))
    swapped = (*draft.headers[:-1], (b"x-team", b"b"), (b"x-team", b"a"), signed.headers[-1])
    refused(SignedRequest("POST", b"/", b"", swapped, BODY), SignatureDoesNotMatch, "sigv4.signature.mismatch")


def test_v10_a_signature_in_the_header_and_another_in_the_query():
    url = signed_url(presigned())
    both = SignedRequest("GET", b"/", url.raw_query, (*url.headers, (b"authorization", VALID.authorization())), b"")
    refused(both, IncompleteSignature, "sigv4.ambiguous.header-and-query")
    part = SignedRequest("POST", b"/", b"X-Amz-Security-Token=t", VALID.request().headers, BODY)
    refused(part, IncompleteSignature, "sigv4.ambiguous.header-and-query")


@pytest.mark.parametrize(
    ("authorization", "algorithm"),
    [
        (b"AWS AKIAEXAMPLE:c2lnbmF0dXJl", "AWS"),
        (b"Bearer eyJhbGciOiJub25lIn0", "Bearer"),
        (b"Basic YTpi", "Basic"),
        (VALID.but(algorithm="AWS4-ECDSA-P256-SHA256").authorization(), "AWS4-ECDSA-P256-SHA256"),
        (VALID.but(algorithm="AWS4-HMAC-SHA1").authorization(), "AWS4-HMAC-SHA1"),
        (VALID.authorization().lower(), "aws4-hmac-sha256"),
        (b"", ""),
    ],
)
def test_v10_other_kinds_of_signature_are_refused_by_name(authorization, algorithm):
    text = refused(header(authorization), IncompleteSignature, "sigv4.algorithm")
    assert text == f"Unsupported AWS 'algorithm': '{algorithm}' (only AWS4-HMAC-SHA256 for now). "


@pytest.mark.parametrize("query", [b"AWSAccessKeyId=AKIA&Signature=x", b"SignatureVersion=2", b"AWSAccessKey%49d=AKIA"])
def test_v10_signature_version_2_in_the_query(query):
    refused(SignedRequest("GET", b"/", query, (HOST,), b""), IncompleteSignature, "sigv4.algorithm")


def test_v10_no_signature_at_all():
    text = refused(SignedRequest("POST", b"/", b"a=b", (HOST,), BODY), MissingAuthenticationToken, "sigv4.missing")
    assert text == "Request is missing Authentication Token"


# ── V11, V12, V15, V16: what was signed is what is read ──────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [
        SignedRequest("GET", b"/", b"", VALID.request().headers, BODY),
        SignedRequest("POST", b"/admin", b"", VALID.request().headers, BODY),
        SignedRequest("POST", b"/", b"Action=ListUsers", VALID.request().headers, BODY),
        SignedRequest("POST", b"/", b"", VALID.request().headers, BODY + b"&Action=ListUsers"),
        SignedRequest("POST", b"/", b"", VALID.request().headers, b""),
    ],
)
def test_v11_v12_method_path_query_and_body_are_all_signed(changed):
    refused(changed, SignatureDoesNotMatch, "sigv4.signature.mismatch")


@pytest.mark.parametrize("header_name", [b"host", b"content-type"])
def test_v12_a_signed_header_cannot_be_changed(header_name):
    headers = tuple((n, b"other" if n == header_name else v) for n, v in VALID.request().headers)
    refused(SignedRequest("POST", b"/", b"", headers, BODY), SignatureDoesNotMatch, "sigv4.signature.mismatch")


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        (b"/a%2Fb", b"/a%252Fb"), (b"/a%2fb", b"/a%252fb"), (b"//", b"/"), (b"/a//b", b"/a/b"), (b"/a/./b", b"/a/b"),
        (b"/a/../b", b"/b"), (b"/../..", b"/"), (b"/a/..", b"/"), (b"/a/", b"/a/"), (b"/a/../", b"/"), (b"", b"/"),
        (b"/%2e%2e/a", b"/%252e%252e/a"), (b"/a+b", b"/a%2Bb"), (b"/%00", b"/%2500"), (b"/\xff", b"/%FF"), (b"/~", b"/~"),
    ],
)  # fmt: skip
def test_v15_paths_are_normalised_and_encoded_once_more(sent, canonical):
    verify(VALID.but(path=sent, canonical_path=canonical).request())
    refused(
        VALID.but(path=sent, canonical_path=canonical + b"x").request(),
        SignatureDoesNotMatch,
        "sigv4.signature.mismatch",
    )


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        (b"b=2&a=1", b"a=1&b=2"), (b"a=2&a=1", b"a=1&a=2"), (b"a=1&a-b=1", b"a=1&a-b=1"), (b"a", b"a="), (b"a=", b"a="),
        (b"a=b=c", b"a=b%3Dc"), (b"a=;", b"a=%3B"), (b"a=%7e%2d", b"a=~-"), (b"a=%c3%a9", b"a=%C3%A9"), (b"a=\xc3\xa9", b"a=%C3%A9"),
        (b"a=b+c", b"a=b%20c"), (b"a=b%2Bc", b"a=b%2Bc"), (b"a=%zz", b"a=%25zz"), (b"&&a=1&", b"a=1"), (b"A=1&a=1", b"A=1&a=1"),
    ],
)  # fmt: skip
def test_v16_queries_have_one_canonical_form(sent, canonical):
    verify(VALID.but(query=sent, canonical_query=canonical).request())


def test_v16_duplicates_sort_by_value_too_so_that_order_cannot_be_changed_into_meaning():
    signed = VALID.but(query=b"a=1&a=2", canonical_query=b"a=1&a=2").request()
    verify(SignedRequest("POST", b"/", b"a=2&a=1", signed.headers, BODY))
    refused(
        SignedRequest("POST", b"/", b"a=2&a=2", signed.headers, BODY), SignatureDoesNotMatch, "sigv4.signature.mismatch"
    )


@pytest.mark.parametrize("name", ["x-amz-signature", "X-AMZ-SIGNATURE", "X-Amz-signature"])
def test_v16_a_signature_parameter_in_another_case_is_refused(name):
    refused(signed_url(presigned(), signature_name=name), IncompleteSignature, "sigv4.query.spelling")


@pytest.mark.parametrize(
    "extra", [b"X-Amz-Signature=00", b"X-Amz-Credential=x", b"X%2DAmz-Date=20261124T101500Z", b"X-Amz-Expires=9"]
)
def test_v16_an_authentication_parameter_twice_is_refused(extra):
    url = signed_url(presigned())
    for query in (url.raw_query + b"&" + extra, extra + b"&" + url.raw_query):
        refused(SignedRequest("GET", b"/", query, url.headers, b""), IncompleteSignature, "sigv4.query.repeated")


def test_v16_the_encoded_name_of_a_parameter_is_the_same_parameter():
    url = signed_url(presigned())
    verify(
        SignedRequest("GET", b"/", url.raw_query.replace(b"X-Amz-Signature", b"X%2DAmz%2DSignature"), url.headers, b"")
    )


# ── V13, V17: payload and pre-signed requests ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("UNSIGNED-PAYLOAD", "unsigned"),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "streaming"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "streaming"),
        (sha256(b"other").hexdigest(), "mismatch"),
        (sha256(BODY).hexdigest().upper(), "mismatch"),
        ("", "mismatch"),
    ],
)
def test_v13_the_body_is_always_hashed(value, reason):
    draft = VALID.plus((b"x-amz-content-sha256", value.encode()))
    refused(draft.but(payload=value or None).request(), SignatureDoesNotMatch, f"sigv4.payload.{reason}")
    right = sha256(BODY).hexdigest()
    verify(VALID.plus((b"x-amz-content-sha256", right.encode())).request())


def test_v13_a_body_swapped_under_a_valid_signature():
    request = VALID.request()
    swapped = SignedRequest("POST", b"/", b"", request.headers, BODY.replace(b"GetCallerIdentity", b"GetSessionToken"))
    refused(swapped, SignatureDoesNotMatch, "sigv4.signature.mismatch")


def test_v13_a_presigned_url_does_not_cover_a_body_that_is_added():
    url = signed_url(presigned())
    refused(
        SignedRequest("GET", b"/", url.raw_query, url.headers, b"Action=x"),
        SignatureDoesNotMatch,
        "sigv4.signature.mismatch",
    )


def test_v13_a_presigned_url_signed_over_unsigned_payload_is_refused():
    refused(signed_url(presigned(payload="UNSIGNED-PAYLOAD")), SignatureDoesNotMatch, "sigv4.signature.mismatch")


@pytest.mark.parametrize("expires", ["-1", "1e3", "", "+60", "60s", "9" * 11])
def test_v17_x_amz_expires_must_be_a_number(expires):
    draft = presigned()
    url = signed_url(draft, pairs=authentication(draft, expires=expires))
    refused(url, IncompleteSignature, "sigv4.query.expires")


def test_v17_digits_of_other_scripts_are_no_digits():
    draft = presigned()
    url = signed_url(draft, pairs=authentication(draft, expires="%D9%A3"))
    refused(url, IncompleteSignature, "sigv4.query.value")


@pytest.mark.parametrize("expires", ["0", "604801", None])
def test_v17_x_amz_expires_is_not_obeyed_as_on_aws(expires):
    draft = presigned()
    verify(signed_url(draft, pairs=authentication(draft, expires=expires)))


@pytest.mark.parametrize(
    "missing", ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"]
)
def test_v17_a_parameter_left_out(missing):
    url = signed_url(presigned())
    query = b"&".join(part for part in url.raw_query.split(b"&") if not part.startswith(missing.encode()))
    text = refused(SignedRequest("GET", b"/", query, url.headers, b""), IncompleteSignature, "sigv4.query.incomplete")
    assert text == f"AWS query-string parameters must include '{missing}'. Re-examine the query-string parameters."


def test_v17_the_session_token_is_signed_and_travels_in_the_query():
    draft = presigned()
    url = signed_url(draft, pairs=authentication(draft, token="dG9rZW4"))
    verify(url)
    assert read_claim(url).session_token == "dG9rZW4"
    other = SignedRequest("GET", b"/", url.raw_query.replace(b"dG9rZW4", b"dG9rZW5"), url.headers, b"")
    refused(other, SignatureDoesNotMatch, "sigv4.signature.mismatch")
    later = SignedRequest("GET", b"/", signed_url(draft).raw_query + b"&X-Amz-Security-Token=dG9rZW4", url.headers, b"")
    refused(later, SignatureDoesNotMatch, "sigv4.signature.mismatch")


def test_v17_a_token_header_beside_a_presigned_url_is_refused():
    url = signed_url(presigned().plus((b"x-amz-security-token", b"t")))
    refused(url, IncompleteSignature, "sigv4.ambiguous.token")


def test_v17_a_header_signed_into_the_url_must_be_sent_unchanged():
    url = signed_url(presigned())
    without = SignedRequest("GET", b"/", url.raw_query, url.headers[:1], b"")
    refused(without, SignatureDoesNotMatch, "sigv4.signed-headers.absent")
    other = SignedRequest("GET", b"/", url.raw_query, (url.headers[0], (b"x-k8s-aws-id", b"cluster-2")), b"")
    refused(other, SignatureDoesNotMatch, "sigv4.signature.mismatch")


def test_v17_another_method_is_another_request():
    url = signed_url(presigned())
    refused(
        SignedRequest("POST", b"/", url.raw_query, url.headers, b""), SignatureDoesNotMatch, "sigv4.signature.mismatch"
    )


# ── V21, V22, V23: the parser, the clock, the answer ─────────────────────────────────────────────────

CREDENTIAL = f"Credential={KEY_ID}/20261124/eu-central-1/sts/aws4_request"
LISTED = "SignedHeaders=content-type;host;x-amz-date"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"AWS4-HMAC-SHA256 {CREDENTIAL} {LISTED} Signature=00", "incomplete"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {CREDENTIAL}, {LISTED}, Signature=00", "repeated"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature=00, Extra=1", "unknown-part"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature=00,", "pair"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature", "pair"),
        ("AWS4-HMAC-SHA256", "pair"),
        ("AWS4-HMAC-SHA256 x", "pair"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}", "incomplete"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature=00\0", "characters"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature=é", "characters"),
        (f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature={'0' * 65536}", "too-long"),
    ],
)
def test_v21_an_authorization_header_that_cannot_be_read(text, reason):
    refused(header(text.encode()), IncompleteSignature, f"sigv4.authorization.{reason}")


def test_v21_all_that_is_missing_is_told_at_once():
    request = SignedRequest("POST", b"/", b"", (HOST, (b"authorization", b"AWS4-HMAC-SHA256 Credential=")), BODY)
    text = refused(request, IncompleteSignature, "sigv4.authorization.incomplete")
    digest = b64encode(sha256(b"AWS4-HMAC-SHA256 Credential=").digest()).decode()
    assert text == (
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
        f"'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization={digest}"
    )


def test_v21_tabs_and_other_orders_of_the_parts_are_read():
    signature = VALID.signature()
    verify(header(f"AWS4-HMAC-SHA256 Signature={signature},{LISTED},\t{CREDENTIAL}".encode()))


@pytest.mark.parametrize("signature", ["0" * 63, "0" * 65, "0" * 63 + "g", VALID.signature().upper(), "٠" * 64])
def test_v21_a_signature_has_64_lower_case_hexadecimal_digits(signature):
    request = header(f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature={signature}".encode())
    with pytest.raises(Fault) as caught:
        verify(request)
    assert caught.value.reason in {"sigv4.signature.form", "sigv4.authorization.characters"}


def test_v22_an_unknown_key_costs_the_work_of_a_wrong_signature_and_is_always_refused():
    keys = SigningKeys()
    request = VALID.request()
    with pytest.raises(InvalidClientTokenId) as caught:
        verify_against_nobody(request, read_claim(request), keys)
    assert caught.value.reason == "key.unknown"
    assert len(keys) == 1
    # Even a request signed with nobody's secret is refused.
    forged = VALID.but(secret="0" * 40).request()
    with pytest.raises(InvalidClientTokenId):
        verify_against_nobody(forged, read_claim(forged), keys)
    verify(request)


def test_v22_a_wrong_signature_is_refused_wherever_it_differs():
    signature = VALID.signature()
    for position in range(64):
        digit = "0" if signature[position] != "0" else "1"
        wrong = signature[:position] + digit + signature[position + 1 :]
        request = header(f"AWS4-HMAC-SHA256 {CREDENTIAL}, {LISTED}, Signature={wrong}".encode())
        refused(request, SignatureDoesNotMatch, "sigv4.signature.mismatch")


def test_v22_signatures_are_compared_in_constant_time():
    source = inspect.getsource(signature_module.verify_signature)
    assert "compare_digest" in source
    assert not re.search(r"signature\s*[!=]=", source)


def test_v23_the_refusal_tells_nothing_of_the_right_signature():
    wrong = VALID.but(secret="another").request()
    with pytest.raises(SignatureDoesNotMatch) as caught:
        verify(wrong)
    shown = f"{caught.value.public} {caught.value.detail} {caught.value!r}"
    assert VALID.signature() not in shown
    assert SECRET not in shown
    assert "AWS4-HMAC" not in shown


def test_v23_a_claim_does_not_show_its_session_token():
    claim = read_claim(VALID.plus((b"x-amz-security-token", b"secret-token")).request())
    assert claim.session_token == "secret-token"
    assert "secret-token" not in repr(claim)


def test_d06_derived_keys_are_bounded_and_a_new_secret_finds_no_old_key():
    keys = SigningKeys(maximum=10)
    claims = [read_claim(VALID.but(scope=f"20261124/r-{n}/sts/aws4_request").request()) for n in range(100)]
    for claim in claims:
        keys.of(SECRET, claim)
    assert len(keys) == 10
    assert keys.of(SECRET, claims[0]) != keys.of("rotated", claims[0])


def test_d03_a_query_of_thousands_of_parameters_is_refused_before_it_is_sorted():
    many = b"&".join(b"k%03d=v" % n for n in range(500))
    draft = VALID.but(query=many, canonical_query=b"&".join(sorted(many.split(b"&"))))
    verify(draft.request())
    longer = SignedRequest("POST", b"/", many + b"&x=1", draft.request().headers, BODY)
    refused(longer, IncompleteSignature, "sigv4.query.too-many")
