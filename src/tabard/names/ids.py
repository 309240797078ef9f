"""Account ids, access key ids and unique ids: their shape, and how to build one from given entropy.

An access key id or unique id is a four-letter prefix and base32 text. The first six bytes of that text
hold the account: a leading 1 bit, 40 bits of account, 7 bits of the id's own randomness; this is how ids
issued by AWS since about 2019 carry their account (decoded from published ids).
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

ACCOUNT_ID: Final = re.compile(r"[0-9]{12}", re.ASCII)
ACCESS_KEY_ID: Final = re.compile(r"A(?:KI|SI)A[A-Z2-7]{16}", re.ASCII)

LONG_TERM_KEY: Final = "AKIA"
TEMPORARY_KEY: Final = "ASIA"
USER: Final = "AIDA"
ROLE: Final = "AROA"
GROUP: Final = "AGPA"
INSTANCE_PROFILE: Final = "AIPA"
MANAGED_POLICY: Final = "ANPA"
ORGANIZATION: Final = "o-"
ORGANIZATION_ROOT: Final = "r-"
ORGANIZATIONAL_UNIT: Final = "ou-"
ORGANIZATION_POLICY: Final = "p-"
SAML_PROVIDER: Final = "SAMLSP"
SAML_PRIVATE_KEY: Final = "SAMLPK"

ACCOUNT_ENTROPY: Final = 8
"""Bytes of entropy that `account_id` takes."""
UNIQUE_ID_ENTROPY: Final = 6
"""Bytes of entropy that `unique_id` takes."""
ACCESS_KEY_ENTROPY: Final = 5
"""Bytes of entropy that `access_key_id` takes."""
SAML_ENTROPY: Final = 10
"""Bytes of entropy that `saml_provider_id` and `saml_key_id` take."""
SECRET_ENTROPY: Final = 30
"""Bytes of entropy that `secret_access_key` takes; 30 bytes are 40 characters of base64."""
ORGANIZATION_ENTROPY: Final = 8
"""Bytes of entropy that `organization_id` takes."""

AUTHORIZATION_ID: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{26}", re.ASCII)
AUTHORIZATION_ID_ENTROPY: Final = 10
"""Bytes of entropy that `authorization_id` takes."""
_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"

_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS: Final = tuple(one + other for one in _BASE32 for other in _BASE32)
"""Base32 (RFC 4648 §6), ten bits at a time."""
_PLACES: Final = range(70, -1, -10)
_OWN: Final = (1 << 39) - 1
"""The bits of an access key id that are its own."""


def is_account_id(text: str) -> bool:
    """Twelve ASCII digits."""
    return ACCOUNT_ID.fullmatch(text) is not None


def account_id(*, entropy: bytes) -> str:
    """A new twelve-digit account id from `ACCOUNT_ENTROPY` bytes; never one that starts with zero."""
    return str(100_000_000_000 + int.from_bytes(entropy[:8]) % 900_000_000_000)


def access_key_id(prefix: str, account: str, *, entropy: bytes) -> str:
    """`AKIA…` or `ASIA…`, 20 characters, carrying the account. Takes `ACCESS_KEY_ENTROPY` bytes."""
    number = 1 << 79 | int(account) << 39 | int.from_bytes(entropy[:5]) & _OWN
    return prefix + "".join([_PAIRS[number >> place & 0x3FF] for place in _PLACES])


def unique_id(prefix: str, account: str, *, entropy: bytes) -> str:
    """`AROA…`, `AIDA…` and so on, 21 characters, carrying the account. Takes `UNIQUE_ID_ENTROPY` bytes."""
    number = 1 << 87 | int(account) << 47 | int.from_bytes(entropy[:6]) & (1 << 47) - 1
    return prefix + base64.b32encode(number.to_bytes(11)).decode()[:17]


def saml_provider_id(*, entropy: bytes) -> str:
    """`SAMLSP` and 15 characters, as AWS's `SAMLProviderUUID`; it carries no account."""
    return SAML_PROVIDER + base64.b32encode(entropy[:10]).decode()[:15]


def saml_key_id(*, entropy: bytes) -> str:
    """The id of a SAML provider's private key: 22 characters, the fewest that AWS's model allows."""
    return SAML_PRIVATE_KEY + base64.b32encode(entropy[:10]).decode()


def secret_access_key(*, entropy: bytes) -> str:
    """Forty characters of the base64 alphabet from `SECRET_ENTROPY` bytes."""
    return base64.b64encode(entropy[:30]).decode()


def authorization_id(at: datetime, *, entropy: bytes) -> str:
    """The id of a denial: 26 digits and small letters, in the order of time (a ULID in small letters).

    Takes `AUTHORIZATION_ID_ENTROPY` bytes.
    """
    number = int(at.timestamp() * 1000) << 80 | int.from_bytes(entropy[:10])
    return "".join([_CROCKFORD[number >> place & 31] for place in range(125, -1, -5)])


def organization_id(prefix: str, *, entropy: bytes) -> str:
    """`o-…`, `r-…`, `ou-…-…` or `p-…`: the prefix and ten characters. Takes `ORGANIZATION_ENTROPY` bytes."""
    number = int.from_bytes(entropy[:8])
    return prefix + "".join([_BASE36[number // 36**place % 36] for place in range(10)])


def account_of(key_or_unique_id: str) -> str | None:
    """The account that an id carries, or None for a text that is no such id (or an older one)."""
    body = key_or_unique_id[4:20]
    try:
        raw = base64.b32decode(body)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 10 or not raw[0] & 0x80:
        return None
    account = (int.from_bytes(raw[:6]) & 0x7FFFFFFFFF80) >> 7
    return f"{account:012d}" if account < 10**12 else None


def free(make: Callable[[], str], taken: Callable[[str], object | None]) -> str:
    """An id from `make` that `taken` does not know: the account leaves ids too few random bits to trust to chance."""
    while taken(made := make()) is not None:
        pass
    return made
