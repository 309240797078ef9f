from datetime import UTC, datetime

import pytest

from tabard.sigv4.claim import check_scope, parse_timestamp, read_claim
from tabard.sigv4.faults import SignatureDoesNotMatch
from tests.attacks.forge_sigv4 import KEY_ID, NOW, Draft, presigned, signed_url


def test_a_claim_tells_who_when_for_what_and_over_which_headers():
    claim = read_claim(Draft().request())
    assert claim.access_key_id == KEY_ID
    assert claim.scope == "20261124/eu-central-1/sts/aws4_request"
    assert claim.signed_headers == (b"content-type", b"host", b"x-amz-date")
    assert claim.timestamp == NOW
    assert claim.session_token is None
    assert not claim.presigned


def test_a_presigned_claim_says_so():
    assert read_claim(signed_url(presigned())).presigned


def test_the_date_is_judged_before_the_scope():
    claim = read_claim(Draft(scope="20200101/x/y/z").request())
    with pytest.raises(SignatureDoesNotMatch, match="Signature expired"):
        check_scope(claim, service="sts", regions=None, now=NOW.replace(year=2027))


def test_all_that_is_wrong_with_a_scope_is_told_in_order():
    claim = read_claim(Draft(scope="20200101/x/y/z").request())
    with pytest.raises(SignatureDoesNotMatch) as caught:
        check_scope(claim, service="sts", regions={"eu-central-1"}, now=NOW)
    assert caught.value.public == (
        "Credential should be scoped to a valid region. "
        "Credential should be scoped to correct service: 'sts'. "
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'z'. "
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        "'20200101' != '20261124', from '20261124T101500Z'."
    )
    assert caught.value.detail == {"wrong": ("region", "service", "terminator", "date")}


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 -0000", "19941106T084937Z"]
)
def test_both_spellings_of_a_date_are_read(text):
    assert parse_timestamp(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
