import json
from pathlib import Path

import pytest

from tabard.sigv4.canonical import SignedRequest, canonical_request, string_to_sign
from tabard.sigv4.claim import check_scope, parse_timestamp, read_claim, render_timestamp
from tabard.sigv4.signature import SigningKeys, verify_signature

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/sigv4/valid.json").read_text())


def request_of(case: dict) -> SignedRequest:
    sent = case["request"]
    headers = tuple((name.encode(), value.strip().encode()) for name, value in sent["headers"])
    return SignedRequest(sent["method"], sent["path"].encode(), sent["query"].encode(), headers, sent["body"].encode())


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_every_intermediate_is_the_signers(case):
    request = request_of(case)
    claim = read_claim(request)
    payload_hash = case["canonical_request"].rsplit("\n", 1)[1]
    canonical = canonical_request(
        request, claim.signed_headers, payload_hash, without="X-Amz-Signature" if claim.presigned else None
    )
    assert canonical.decode() == case["canonical_request"]
    text = string_to_sign(canonical, timestamp=render_timestamp(claim.timestamp), scope=claim.scope)
    assert text.decode() == case["string_to_sign"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_every_vector_is_believed(case):
    request = request_of(case)
    claim = read_claim(request)
    assert claim.access_key_id == VECTORS["access_key_id"]
    assert claim.session_token == case["session_token"]
    assert claim.region == case["region"]
    check_scope(claim, service=case["service"], regions={case["region"]}, now=parse_timestamp(VECTORS["timestamp"]))
    verify_signature(request, claim, SigningKeys().of(VECTORS["secret_access_key"], claim))
