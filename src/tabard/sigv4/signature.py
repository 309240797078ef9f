"""The derived key, the HMAC, and the comparison.

The body is always hashed: `X-Amz-Content-SHA256` may repeat its hash and may not replace it, for STS and IAM have no
unsigned or streaming payloads. Comparison takes the same time wherever the texts differ, and an unknown key costs
what a wrong signature costs (`verify_against_nobody`), so that time tells nobody which keys exist.
"""

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Final, NoReturn

from tabard.sigv4.canonical import TERMINATOR, SignedRequest, canonical_request, string_to_sign
from tabard.sigv4.claim import Claim
from tabard.sigv4.faults import InvalidClientTokenId, SignatureDoesNotMatch
from tabard.sigv4.presigned import SIGNATURE_PARAMETER

_CONTENT_SHA256: Final = b"x-amz-content-sha256"
_NOBODY: Final = "0000000000000000000000000000000000000000"
"""The secret of no key. What it signs is refused all the same."""


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key that a secret gives for one date, region and service."""
    key = hmac.digest(f"AWS4{secret}".encode(), date.encode(), "sha256")
    for part in (region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class SigningKeys:
    """Derived keys, the `maximum` last used. The secret is part of the entry's name: a new secret never finds an
    old key.
    """

    def __init__(self, maximum: int = 4096) -> None:
        self._derive = lru_cache(maxsize=maximum)(signing_key)

    def of(self, secret: str, claim: Claim) -> bytes:
        """The signing key for the claim's scope."""
        return self._derive(secret, claim.date, claim.region, claim.service)

    def __len__(self) -> int:
        return self._derive.cache_info().currsize


def sign(request: SignedRequest, claim: Claim, key: bytes, *, payload_hash: str) -> str:
    """The signature that the request should have, in hexadecimal."""
    canonical = canonical_request(
        request, claim.signed_headers, payload_hash, without=SIGNATURE_PARAMETER if claim.presigned else None
    )
    text = string_to_sign(canonical, timestamp=claim.stamp, scope=claim.scope)
    return hmac.digest(key, text, "sha256").hex()


def verify_signature(request: SignedRequest, claim: Claim, key: bytes) -> None:
    """Is this request signed with this key?

    Raises:
        SignatureDoesNotMatch: no, or its body's hash is withheld or wrong.
    """
    payload_hash = sha256(request.body).hexdigest()
    if _CONTENT_SHA256 in claim.signed_headers:
        _check_payload(dict(request.headers)[_CONTENT_SHA256], payload_hash)
    if not hmac.compare_digest(sign(request, claim, key, payload_hash=payload_hash), claim.signature):
        raise SignatureDoesNotMatch


def verify_against_nobody(request: SignedRequest, claim: Claim, keys: SigningKeys) -> NoReturn:
    """What a request signed with an unknown key is given: the work of a verification, and a refusal.

    Raises:
        InvalidClientTokenId: always.
    """
    payload_hash = sha256(request.body).hexdigest()
    hmac.compare_digest(sign(request, claim, keys.of(_NOBODY, claim), payload_hash=payload_hash), claim.signature)
    raise InvalidClientTokenId(reason="key.unknown")


def _check_payload(stated: bytes, payload_hash: str) -> None:
    """What the header states must be the body's own hash. It is sent once (`claim.py`)."""
    if stated == payload_hash.encode():
        return
    if stated.startswith(b"STREAMING-"):
        raise SignatureDoesNotMatch(reason="sigv4.payload.streaming")
    if stated == b"UNSIGNED-PAYLOAD":
        raise SignatureDoesNotMatch(reason="sigv4.payload.unsigned")
    raise SignatureDoesNotMatch(reason="sigv4.payload.mismatch")
