"""Session claims ⇄ the opaque token that a client carries. No session is stored anywhere else.

    token      = base64url without padding of: version (1 byte) · key id (4) · nonce (12) · ciphertext and tag
    ciphertext = AES-256-GCM-SIV (RFC 8452) of: form (1 byte) · body · 0x80 · zero or more 0x00
    AAD        = label · version · key id · access key id

The body is a MessagePack array of the claims, deflated where that makes it shorter (form 1). The access key id is in
the AAD and nowhere else: a token opens only beside its own key. The key id chooses the key; no other is tried.
GCM-SIV, because workers choose nonces without knowing of one another, and a repeated one must cost nothing.

Version 1 is for ever: tokens outlive the code that sealed them. A field may be added at the end of `_Body`, with a
default; a reader that does not know it refuses the token, for what it says might be a restriction. Anything else is a
new version. One text has one meaning and one meaning one text: base64 that decodes to the same bytes but is spelled
otherwise is refused.

Raises:
    InvalidClientTokenId: (open) whatever is wrong, in one public text; `reason` tells it apart.
    PackedPolicyTooLarge: (seal) the token would pass `MAXIMUM` characters.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tabard.faults import InvalidClientTokenId, PackedPolicyTooLarge
from tabard.sessions.claims import SessionClaims, SessionKind

MAXIMUM: Final = 4096
"""Characters of a token (AWS: the limit of the assembled session token since September 2026)."""
NONCE_SIZE: Final = 12

_VERSION: Final = 1
_LABEL: Final = b"tabard session token\0"
_HEAD: Final = struct.Struct(">BI12s")
_TAG_SIZE: Final = 16
_SHORTEST: Final = _HEAD.size + _TAG_SIZE + 2
_PLAIN, _DEFLATED = b"\0", b"\1"
_WORTH_DEFLATING: Final = 512
"""Shorter bodies are random ids and secrets for the most part, which do not deflate."""
_MAXIMUM_BODY: Final = 65_536
"""Bytes of a body before it is deflated and after it is inflated."""

_KINDS: Final = (SessionKind.ROLE, SessionKind.USER, SessionKind.ROOT, SessionKind.FEDERATED_USER)
"""The number of a kind is its place here; places are never given out again."""


class TokenKeys:
    """The keys that open session tokens, and the one that seals new ones."""

    __slots__ = ("_ciphers", "active")

    def __init__(self, active: int, secrets: Mapping[int, bytes]) -> None:
        self.active = active
        self._ciphers = {key_id: AESGCMSIV(secret) for key_id, secret in secrets.items()}

    def cipher(self, key_id: int) -> AESGCMSIV | None:
        """The cipher of a key, or None where there is no such key (any more)."""
        return self._ciphers.get(key_id)


class _Body(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """The claims as they are written. Instants are whole seconds since 1970."""

    kind: int
    account: str
    secret_access_key: str
    issuer_id: str
    issued: int
    expires: int
    name: str
    issuing_key_id: str
    tags: dict[str, str]
    transitive_tag_keys: tuple[str, ...]
    source_identity: str | None
    policy: str | None
    policy_arns: tuple[str, ...]
    mfa_at: int | None
    federated_provider: str | None
    context: dict[str, str]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Body).decode


def seal_token(claims: SessionClaims, keys: TokenKeys, *, nonce: bytes, minimum_size: int = 0) -> str:
    """The token, of at least `minimum_size` characters. Fractions of seconds are dropped."""
    cipher = keys.cipher(keys.active)
    if cipher is None:
        raise LookupError(f"sealing key {keys.active} is not in the ring")
    plain = _written(claims) + b"\x80"
    plain = plain.ljust((min(minimum_size, MAXIMUM) * 3 + 3) // 4 - _HEAD.size - _TAG_SIZE, b"\0")
    size = _characters(_HEAD.size + len(plain) + _TAG_SIZE)
    if size > MAXIMUM:
        raise _too_large(claims, size)
    head = _HEAD.pack(_VERSION, keys.active, nonce)
    return _text(head + cipher.encrypt(nonce, plain, _aad(head, claims.access_key_id)))


def open_token(token: str, access_key_id: str, keys: TokenKeys) -> SessionClaims:
    """The claims of a token that was sealed for this access key."""
    raw = _bytes(token)
    version, key_id, nonce = _HEAD.unpack_from(raw)
    if version != _VERSION:
        raise InvalidClientTokenId(reason="token.version")
    cipher = keys.cipher(key_id)
    if cipher is None:
        raise InvalidClientTokenId(reason="token.key-unknown", detail={"key": key_id})
    try:
        plain = cipher.decrypt(nonce, raw[_HEAD.size :], _aad(raw[: _HEAD.size], access_key_id))
    except InvalidTag as error:
        raise InvalidClientTokenId(reason="token.forged") from error
    return _read(plain, access_key_id)


def packed_policy_size(token: str) -> int:
    """The share of the largest token that this one is, in percent, rounded up."""
    return _percent(len(token))


def _written(claims: SessionClaims) -> bytes:
    body = _encode(
        _Body(
            kind=_KINDS.index(claims.kind),
            account=claims.account,
            secret_access_key=claims.secret_access_key,
            issuer_id=claims.issuer_id,
            issued=int(claims.issued.timestamp()),
            expires=int(claims.expires.timestamp()),
            name=claims.name,
            issuing_key_id=claims.issuing_key_id,
            tags=claims.tags,
            transitive_tag_keys=claims.transitive_tag_keys,
            source_identity=claims.source_identity,
            policy=claims.policy,
            policy_arns=claims.policy_arns,
            mfa_at=None if claims.mfa_at is None else int(claims.mfa_at.timestamp()),
            federated_provider=claims.federated_provider,
            context=claims.context,
        )
    )
    if len(body) > _MAXIMUM_BODY:
        raise _too_large(claims, _characters(len(body)))
    if len(body) > _WORTH_DEFLATING:
        deflated = zlib.compress(body, wbits=-zlib.MAX_WBITS)
        if len(deflated) < len(body):
            return _DEFLATED + deflated
    return _PLAIN + body


def _read(plain: bytes, access_key_id: str) -> SessionClaims:
    """Claims from what was proven to be ours; what cannot be read was sealed by newer code."""
    try:
        body = _decode(_inflated(plain))
        kind = _KINDS[body.kind]
    except (msgspec.MsgspecError, zlib.error, IndexError) as error:
        raise InvalidClientTokenId(reason="token.unreadable") from error
    return SessionClaims(
        kind=kind,
        account=body.account,
        access_key_id=access_key_id,
        secret_access_key=body.secret_access_key,
        issuer_id=body.issuer_id,
        issued=_instant(body.issued),
        expires=_instant(body.expires),
        name=body.name,
        issuing_key_id=body.issuing_key_id,
        tags=body.tags,
        transitive_tag_keys=body.transitive_tag_keys,
        source_identity=body.source_identity,
        policy=body.policy,
        policy_arns=body.policy_arns,
        mfa_at=None if body.mfa_at is None else _instant(body.mfa_at),
        federated_provider=body.federated_provider,
        context=body.context,
    )


def _inflated(plain: bytes) -> bytes:
    form, padded = plain[:1], plain[1:].rstrip(b"\0")
    if form not in (_PLAIN, _DEFLATED) or padded[-1:] != b"\x80":
        raise InvalidClientTokenId(reason="token.unreadable")
    body = padded[:-1]
    if form == _PLAIN:
        return body
    stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    inflated = stream.decompress(body, _MAXIMUM_BODY)
    if not stream.eof or stream.unused_data:
        raise InvalidClientTokenId(reason="token.inflated-too-large" if stream.unconsumed_tail else "token.unreadable")
    return inflated


def _bytes(token: str) -> bytes:
    if len(token) > MAXIMUM:
        raise InvalidClientTokenId(reason="token.too-long")
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError) as error:
        raise InvalidClientTokenId(reason="token.malformed") from error
    # `b64decode` passes over characters outside its alphabet and over set bits behind the last byte.
    if len(raw) < _SHORTEST or _text(raw) != token:
        raise InvalidClientTokenId(reason="token.malformed")
    return raw


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _aad(head: bytes, access_key_id: str) -> bytes:
    return _LABEL + head[:5] + access_key_id.encode()


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _characters(size: int) -> int:
    """Characters of base64 without padding that `size` bytes take."""
    return (size * 4 + 2) // 3


def _percent(size: int) -> int:
    return -(-size * 100 // MAXIMUM)


def _too_large(claims: SessionClaims, size: int) -> PackedPolicyTooLarge:
    """AWS's three sentences: the policies are to blame, the tags are, or all of it together."""
    policies = claims.policy is not None or bool(claims.policy_arns)
    if policies and not claims.tags:
        public = f"Packed policy consumes {_percent(size)}% of allotted space"
    elif claims.tags and not policies:
        public = f"Packed size of session tags consumes {_percent(size)}% of allotted space."
    else:
        public = "Serialized token too large for session"
    return PackedPolicyTooLarge(public, detail={"size": size})
