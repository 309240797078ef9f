"""A signature in the `Authorization` header.

`AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`: the three parts in any order, once each, with commas
between them. Other schemes, SigV2 (`AWS …`), SigV4A and `Bearer` among them, are refused by name.

Raises:
    IncompleteSignature: parts are missing, repeated or unreadable.
"""

import base64
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from tabard.sigv4.canonical import ALGORITHM
from tabard.sigv4.faults import IncompleteSignature
from tabard.sigv4.fields import Fields

MAXIMUM: Final = 8192
"""Bytes of an Authorization header that are read at all."""
_PARTS: Final = ("Credential", "Signature", "SignedHeaders")
_USUAL: Final = re.compile(  # printable ASCII, without what separates the parts
    rb"AWS4-HMAC-SHA256 Credential=([!-+\--<>-~]+), SignedHeaders=([!-+\--<>-~]+), Signature=([!-+\--<>-~]+)"
)
"""The header as SDKs write it. It is read at once; any other way of writing it is read piece by piece."""


def read_authorization(headers: Mapping[bytes, bytes]) -> Fields:
    """The header's parts. `headers` holds each header once."""
    raw = headers[b"authorization"]
    date = headers.get(b"x-amz-date") or headers.get(b"date") or b""
    usual = _USUAL.fullmatch(raw) if date and len(raw) <= MAXIMUM else None
    credential, signed_headers, signature = _read(raw, date) if usual is None else map(bytes.decode, usual.groups())
    token = headers.get(b"x-amz-security-token")
    return Fields(
        credential=credential,
        signed_headers=signed_headers,
        signature=signature,
        date=date.decode("latin-1"),
        session_token=None if token is None else token.decode("latin-1"),
        presigned=False,
    )


def unsupported_algorithm(name: str) -> IncompleteSignature:
    """The refusal of any other kind of signature."""
    return IncompleteSignature(
        f"Unsupported AWS 'algorithm': '{name}' (only {ALGORITHM} for now). ", reason="sigv4.algorithm"
    )


def _read(raw: bytes, date: bytes) -> tuple[str, str, str]:
    """The parts of any header, or why it cannot be read."""
    text = _text(raw)
    scheme, _, rest = text.partition(" ")
    if scheme != ALGORITHM:
        raise unsupported_algorithm(scheme)
    parts = _parse(rest, text)
    if len(parts) < len(_PARTS) or not (all(parts.values()) and date):
        raise _incomplete(text, parts, date)
    return parts["Credential"], parts["SignedHeaders"], parts["Signature"]


def _incomplete(text: str, parts: Mapping[str, str], date: bytes) -> IncompleteSignature:
    missing = [f"Authorization header requires '{name}' parameter. " for name in _PARTS if not parts.get(name)]
    if not date:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
    digest = base64.b64encode(sha256(text.encode()).digest()).decode()
    return IncompleteSignature(
        f"{''.join(missing)}(Hashed with SHA-256 and encoded with Base64) Authorization={digest}",
        reason="sigv4.authorization.incomplete",
    )


def _text(header: bytes) -> str:
    """Bounded ASCII, or refused without repeating it."""
    if len(header) > MAXIMUM:
        raise IncompleteSignature("Authorization header is too long.", reason="sigv4.authorization.too-long")
    text = header.decode("latin-1")
    if not text.isascii() or not text.replace("\t", " ").isprintable():
        raise IncompleteSignature(
            "Authorization header must be printable ASCII.", reason="sigv4.authorization.characters"
        )
    return text


def _parse(rest: str, header: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for piece in rest.split(","):
        pair = piece.strip(" \t")
        name, equals, value = pair.partition("=")
        if not equals:
            raise IncompleteSignature(
                f"'{pair}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'.",
                reason="sigv4.authorization.pair",
            )
        if name in parts or name not in _PARTS:
            raise IncompleteSignature(
                f"Authorization header must have each of 'Credential', 'SignedHeaders' and 'Signature' once, "
                f"and nothing else. Got '{name}'.",
                reason="sigv4.authorization.repeated" if name in parts else "sigv4.authorization.unknown-part",
            )
        parts[name] = value
    return parts
