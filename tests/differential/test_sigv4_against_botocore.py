"""Whatever botocore signs, Tabard believes; and it does not believe it any more when something is changed.

botocore is the signer of boto3 and the aws CLI. It signs what it is about to send; the tests then send just that.
"""

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from tabard.sigv4.canonical import SignedRequest
from tabard.sigv4.claim import check_scope, read_claim
from tabard.sigv4.faults import SignatureDoesNotMatch
from tabard.sigv4.signature import SigningKeys, verify_signature

KEY_ID, SECRET = "ASIAEXAMPLEEXAMPLE12", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2026, 11, 24, 10, 15, 0, tzinfo=UTC)
UNRESERVED = "ABCXYZabcxyz0189-_.~"

tokens = st.none() | st.text("ABab09-_/+=", min_size=1, max_size=60)
regions = st.sampled_from(["us-east-1", "eu-central-1", "mars-1"])
services = st.sampled_from(["sts", "iam"])
# Path segments as a client sends them: percent-encoded bytes, dots, and what RFC 3986 allows bare.
segments = st.lists(
    st.sampled_from([*UNRESERVED, "!", "$", "&", "'", "(", ")", "*", "+", ",", ";", "=", ":", "@", "%2F", "%20", "%C3%A9", "%00", "..", "."]),
    max_size=4,
).map("".join)  # fmt: skip
paths = st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts))
# Values as botocore encodes them: unreserved characters, everything else in upper-case escapes.
encoded = st.lists(st.sampled_from([*UNRESERVED, "%20", "%2B", "%2F", "%3D", "%26", "%3B", "%C3%A9", "%F0%9F%99%82"]), max_size=6).map("".join)  # fmt: skip
queries = st.lists(st.tuples(encoded.filter(bool), encoded), max_size=5).map(
    lambda q: "&".join(f"{k}={v}" for k, v in q)
)
header_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
header_names = st.sampled_from(["X-Vault-AWS-IAM-Server-ID", "X-Goog-Cloud-Target-Resource", "X-Amz-Target", "Content-Type", "X-K8s-Aws-Id", "Accept"])  # fmt: skip
headers = st.dictionaries(header_names, header_values, max_size=4)
bodies = st.binary(max_size=100)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE"])


def sent(request: AWSRequest) -> SignedRequest:
    """What goes over the wire: lower-cased names, and the Host header that the HTTP client adds."""
    parts = urlsplit(request.url)
    pairs = [(b"host", parts.netloc.encode())]
    for name, value in request.headers.items():
        raw = value if isinstance(value, bytes) else value.encode()
        pairs.append((name.lower().encode(), raw.strip(b" \t")))
    body = request.body or b""
    return SignedRequest(request.method, parts.path.encode(), parts.query.encode(), tuple(pairs), body)


def signed(auth: SigV4Auth, request: AWSRequest) -> SignedRequest:
    with patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        auth.add_auth(request)
    return sent(request)


def believe(request: SignedRequest, service: str, secret: str = SECRET) -> None:
    claim = read_claim(request)
    check_scope(claim, service=service, regions=None, now=NOW)
    verify_signature(request, claim, SigningKeys().of(secret, claim))


@given(methods, paths, queries, headers, bodies, tokens, regions, services)
def test_what_botocore_signs_in_the_header_is_believed(method, path, query, extra, body, token, region, service):
    request = AWSRequest(method, f"http://sts.example.test:8443{path}{'?' + query if query else ''}", extra, body)
    wire = signed(SigV4Auth(Credentials(KEY_ID, SECRET, token), service, region), request)

    believe(wire, service)
    assert read_claim(wire).session_token == (token or None)
    with pytest.raises(SignatureDoesNotMatch):
        believe(wire, service, secret=SECRET + "x")
    for changed in (
        SignedRequest(wire.method + "X", wire.raw_path, wire.raw_query, wire.headers, wire.body),
        SignedRequest(wire.method, wire.raw_path + b"/x", wire.raw_query, wire.headers, wire.body),
        SignedRequest(wire.method, wire.raw_path, wire.raw_query + b"&x=1", wire.headers, wire.body),
        SignedRequest(wire.method, wire.raw_path, wire.raw_query, wire.headers, wire.body + b"x"),
    ):
        with pytest.raises(SignatureDoesNotMatch):
            believe(changed, service)


@given(paths, queries, st.dictionaries(header_names.filter(lambda n: n != "Content-Type"), header_values, max_size=3), tokens, regions, st.integers(1, 604_800))  # fmt: skip
def test_what_botocore_signs_in_the_query_is_believed(path, query, extra, token, region, expires):
    url = f"https://sts.example.test{path}?Action=GetCallerIdentity&Version=2011-06-15{'&' + query if query else ''}"
    wire = signed(
        SigV4QueryAuth(Credentials(KEY_ID, SECRET, token), "sts", region, expires), AWSRequest("GET", url, extra)
    )

    believe(wire, "sts")
    claim = read_claim(wire)
    assert claim.presigned
    assert claim.session_token == (token or None)
    with pytest.raises(SignatureDoesNotMatch):
        believe(SignedRequest("GET", wire.raw_path, b"x=1&" + wire.raw_query, wire.headers, b""), "sts")


@given(bodies)
def test_a_request_dated_by_the_date_header_alone_is_believed(body):
    request = AWSRequest("POST", "https://sts.example.test/", {"Date": "to be replaced"}, body)
    wire = signed(SigV4Auth(Credentials(KEY_ID, SECRET), "sts", "us-east-1"), request)
    assert b"x-amz-date" not in dict(wire.headers)
    believe(wire, "sts")


@given(st.lists(header_values, min_size=2, max_size=4))
def test_repeated_headers_are_joined_as_botocore_joins_them(values):
    request = AWSRequest("POST", "https://sts.example.test/", data=b"x")
    for value in values:
        request.headers.add_header("X-Team", value)
    believe(signed(SigV4Auth(Credentials(KEY_ID, SECRET), "sts", "us-east-1"), request), "sts")
