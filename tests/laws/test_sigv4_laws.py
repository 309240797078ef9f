"""Laws of signatures."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.faults import Fault, Unproven
from tabard.sigv4.canonical import SignedRequest, canonical_path, canonical_query
from tabard.sigv4.claim import check_scope, parse_timestamp, read_claim, render_timestamp
from tabard.sigv4.faults import SignatureDoesNotMatch
from tabard.sigv4.signature import signing_key, verify_signature
from tests.attacks.forge_sigv4 import BODY, NOW, SECRET, Draft

REQUEST = Draft().request()
CLAIM = read_claim(REQUEST)
KEY = signing_key(SECRET, CLAIM.date, CLAIM.region, CLAIM.service)
seconds = st.integers(-(10**8), 10**8)


@given(seconds)
def test_a_request_is_believed_within_15_minutes_of_its_date_and_never_outside(offset):
    now = NOW + timedelta(seconds=offset)
    if abs(offset) <= 900:
        check_scope(CLAIM, service="sts", regions=None, now=now)
    else:
        with pytest.raises(SignatureDoesNotMatch):
            check_scope(CLAIM, service="sts", regions=None, now=now)


@given(st.datetimes().map(lambda t: t.replace(tzinfo=NOW.tzinfo, microsecond=0)))
def test_reading_a_rendered_timestamp_gives_it_back(instant):
    assert parse_timestamp(render_timestamp(instant)) == instant


@given(st.binary(max_size=300), st.integers(0, 3))
def test_an_authorization_header_of_any_bytes_is_refused_as_a_fault(junk, kept):
    authorization = REQUEST.headers[-1][1]
    start = authorization[: kept * 40]
    request = SignedRequest("POST", b"/", b"", (*REQUEST.headers[:-1], (b"authorization", start + junk)), BODY)
    with pytest.raises(Unproven):
        verify_signature(request, read_claim(request), KEY)


@given(st.binary(max_size=200))
def test_any_bytes_in_the_query_are_canonical_or_a_fault(query):
    once = canonical_query(query)
    assert canonical_query(once) == once
    request = SignedRequest("POST", b"/", query, REQUEST.headers, BODY)
    try:
        verify_signature(request, read_claim(request), KEY)
    except Fault:
        return
    assert once == b""


@given(st.binary(max_size=100))
def test_a_canonical_path_is_absolute_ascii_without_dots_or_empty_segments(path):
    canonical = canonical_path(b"/" + path)
    assert canonical.startswith(b"/")
    assert canonical.isascii()
    inner = canonical.strip(b"/").split(b"/") if canonical != b"/" else []
    assert not {b"", b".", b".."} & set(inner)


@given(st.integers(0, len(BODY) * 8 - 1))
def test_any_bit_of_the_body_counts(bit):
    body = bytearray(BODY)
    body[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureDoesNotMatch):
        verify_signature(SignedRequest("POST", b"/", b"", REQUEST.headers, bytes(body)), CLAIM, KEY)
