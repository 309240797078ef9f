"""What can be wrong with the proof that a request brings, in AWS STS's words.

`InvalidClientTokenId` and `ExpiredToken` are raised for session tokens too and live in `tabard.faults`.
"""

from typing import ClassVar

from tabard.faults import ExpiredToken, InvalidClientTokenId, Unproven

__all__ = [
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
]


class MissingAuthenticationToken(Unproven):
    """The request is not signed at all."""

    reason = "sigv4.missing"
    default_public: ClassVar[str] = "Request is missing Authentication Token"


class IncompleteSignature(Unproven):
    """The signature cannot be read: parts are missing, repeated, or of a kind that is not supported."""

    reason = "sigv4.incomplete"
    default_public: ClassVar[str] = "The request signature does not conform to AWS standards."


class SignatureDoesNotMatch(Unproven):
    """The signature is readable and wrong, out of time, for another service or region, or covers too little."""

    reason = "sigv4.signature.mismatch"
    default_public: ClassVar[str] = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )
