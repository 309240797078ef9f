"""A signature in the query: a pre-signed URL, as `GetCallerIdentity` proofs use it (EKS and others).

`X-Amz-Algorithm`, `X-Amz-Credential`, `X-Amz-Date`, `X-Amz-SignedHeaders`, `X-Amz-Signature`, and for sessions
`X-Amz-Security-Token`: each exactly once and spelled exactly so. Two spellings that one reader takes for the same
parameter and another does not let somebody change what was signed (CVE-2022-2385).

`X-Amz-Expires` is read and not obeyed, as AWS STS does: such a URL is good for 15 minutes from its date, whatever it
says, and clients rely on it (aws-iam-authenticator signs for 60 seconds and uses the URL for 14 minutes).

Raises:
    IncompleteSignature: parameters are missing, repeated or unreadable.
"""

import re
from collections.abc import Mapping
from typing import Final

from tabard.sigv4.canonical import ALGORITHM, decoded
from tabard.sigv4.faults import IncompleteSignature
from tabard.sigv4.fields import Fields
from tabard.sigv4.header import unsupported_algorithm

SIGNATURE_PARAMETER: Final = "X-Amz-Signature"
_REQUIRED: Final = ("X-Amz-Credential", SIGNATURE_PARAMETER, "X-Amz-SignedHeaders", "X-Amz-Date")
_PARAMETERS: Final = {
    name.lower(): name for name in (*_REQUIRED, "X-Amz-Algorithm", "X-Amz-Expires", "X-Amz-Security-Token")
}
_VERSION_2: Final = frozenset({"AWSAccessKeyId", "SignatureVersion"})
_EXPIRES: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
MAXIMUM: Final = 8192
"""Bytes of one authentication parameter that are read at all."""
MAXIMUM_PARAMETERS: Final = 500
"""Parameters of a query that are read at all: AssumeRole with all its tags has fewer than 200."""


def authentication_parameters(raw_query: bytes) -> dict[str, str]:
    """The query's authentication parameters, each once; empty for a query that holds none."""
    found: dict[str, str] = {}
    if not raw_query:
        return found
    if raw_query.count(b"&") >= MAXIMUM_PARAMETERS:
        raise IncompleteSignature("The query string has too many parameters.", reason="sigv4.query.too-many")
    for part in raw_query.split(b"&"):
        raw_name, _, raw_value = part.partition(b"=")
        name = decoded(raw_name).decode("latin-1")
        if name in _VERSION_2:
            raise unsupported_algorithm("SignatureVersion=2")
        known = _PARAMETERS.get(name.lower()) if name.isascii() else None
        if known is None:
            continue
        if name != known or known in found:
            raise IncompleteSignature(
                f"AWS query-string parameters must include '{known}' once. Re-examine the query-string parameters.",
                reason="sigv4.query.repeated" if name == known else "sigv4.query.spelling",
            )
        found[known] = _value(known, raw_value)
    return found


def read_query(parameters: Mapping[str, str]) -> Fields:
    """The fields of a pre-signed request."""
    algorithm = parameters.get("X-Amz-Algorithm", "")
    missing = [name for name in _REQUIRED if not parameters.get(name)]
    if not algorithm:
        missing.insert(0, "X-Amz-Algorithm")
    if missing:
        raise IncompleteSignature(
            "".join(f"AWS query-string parameters must include '{name}'. " for name in missing)
            + "Re-examine the query-string parameters.",
            reason="sigv4.query.incomplete",
        )
    if algorithm != ALGORITHM:
        raise unsupported_algorithm(algorithm)
    if not _EXPIRES.fullmatch(parameters.get("X-Amz-Expires", "0")):
        raise IncompleteSignature("X-Amz-Expires must be a number of seconds.", reason="sigv4.query.expires")
    return Fields(
        credential=parameters["X-Amz-Credential"],
        signed_headers=parameters["X-Amz-SignedHeaders"],
        signature=parameters[SIGNATURE_PARAMETER],
        date=parameters["X-Amz-Date"],
        session_token=parameters.get("X-Amz-Security-Token"),
        presigned=True,
    )


def _value(name: str, raw: bytes) -> str:
    value = decoded(raw[: MAXIMUM + 1]).decode("latin-1")
    if len(raw) > MAXIMUM or not value.isascii() or not value.isprintable():
        raise IncompleteSignature(f"'{name}' must be printable ASCII, and short.", reason="sigv4.query.value")
    return value
