"""Request → canonical request → string to sign, for every service but S3.

(AWS General Reference, "Create a signed AWS API request", steps 1 to 3.) The path is normalised as RFC 3986 §5.2.4
says, empty segments dropped, and percent-encoded once more than it was sent. Query parameters are decoded and encoded
again, so that every spelling of one value has one canonical form; a bare `+` is a space, as it is in forms. Whoever
reads parameters from the query must read them the same way, or a signature would cover other values than those used.
Header values lose outer white space, inner runs of it become one space, and repeated headers are joined with commas.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"

_UNRESERVED: Final = re.compile(rb"[A-Za-z0-9_.~-]*")


class SignedRequest(msgspec.Struct, frozen=True):
    """One request as it was sent: the target's raw bytes, header names lower-cased and in order."""

    method: str
    raw_path: bytes
    raw_query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"SignedRequest({self.method} {self.raw_path!r})"  # the rest holds what may be a secret


def canonical_path(raw_path: bytes) -> bytes:
    """`/a//b/../c%20d` → `/a/c%2520d`."""
    if raw_path in (b"/", b""):
        return b"/"
    kept: list[bytes] = []
    for segment in raw_path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    end = b"/" if kept and raw_path.endswith(b"/") else b""
    return quote_from_bytes(b"/" + b"/".join(kept) + end, safe="/~").encode()


def canonical_query(raw_query: bytes, *, without: str | None = None) -> bytes:
    """The parameters but `without`, encoded, sorted by encoded name and then by encoded value."""
    if not raw_query:
        return b""
    omitted = None if without is None else without.encode()
    pairs: list[tuple[bytes, bytes]] = []
    for part in raw_query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            encoded = _encoded(name)
            if encoded != omitted:
                pairs.append((encoded, _encoded(value)))
    pairs.sort()
    return b"&".join([name + b"=" + value for name, value in pairs])


def canonical_headers(headers: Sequence[tuple[bytes, bytes]], signed: tuple[bytes, ...]) -> bytes:
    """The signed headers' lines. Every name in `signed` must be among `headers`."""
    values = dict(headers)
    if len(values) < len(headers):
        values = {name: b",".join([_trimmed(value) for each, value in headers if each == name]) for name in signed}
    return b"".join([b"%b:%b\n" % (name, b" ".join(values[name].split())) for name in signed])


def canonical_request(
    request: SignedRequest, signed: tuple[bytes, ...], payload_hash: str, *, without: str | None = None
) -> bytes:
    """The canonical request. `without` names the query parameter that holds the signature itself."""
    return b"%b\n%b\n%b\n%b\n%b\n%b" % (
        request.method.encode(),
        canonical_path(request.raw_path),
        canonical_query(request.raw_query, without=without) if request.raw_query else b"",
        canonical_headers(request.headers, signed),
        b";".join(signed),
        payload_hash.encode(),
    )


def string_to_sign(canonical: bytes, *, timestamp: str, scope: str) -> bytes:
    """What the signature is made over. `scope` is `date/region/service/aws4_request`."""
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{sha256(canonical).hexdigest()}".encode()


def decoded(text: bytes) -> bytes:
    """One name or value of the query, decoded."""
    return unquote_to_bytes(text.replace(b"+", b" "))


def _trimmed(value: bytes) -> bytes:
    return b" ".join(value.split())


def _encoded(text: bytes) -> bytes:
    if _UNRESERVED.fullmatch(text):
        return text
    return quote_from_bytes(decoded(text), safe="~").encode()
