"""Passwords of users: what an account's policy asks of them, how they are kept, and when they expire.

A password is kept as an Argon2id hash (RFC 9106 §4), whose parameters stand in the hash itself. An account without a
policy of its own has AWS's default one: eight characters of three kinds, and not the account's own name (IAM User
Guide, "Setting an account password policy for IAM users").
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tabard.directory.entities import LoginProfile, PasswordPolicy
from tabard.faults import PasswordPolicyViolation

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MAXIMUM_LENGTH: Final = 128
REMEMBERED: Final = 24
"""Passwords of a user that are remembered, the present one among them: the most that a policy may forbid."""
SALT_ENTROPY: Final = 16
"""Bytes of entropy that `hash_password` takes."""
DEFAULT_MINIMUM: Final = 8
DEFAULT_KINDS: Final = 3
SYMBOLS: Final = frozenset("!@#$%^&*()_+-=[]{}|'")
"""What AWS counts as a symbol."""
_PASSES: Final = 2
_MEMORY: Final = 19_456
"""KiB. With two passes and one lane it is OWASP's first choice for Argon2id: about 20 milliseconds."""


def require_conforming(password: str, policy: PasswordPolicy | None, *, names: Iterable[str]) -> None:
    """The password fits the policy; without one, it fits the default and is none of the account's `names`.

    Raises:
        PasswordPolicyViolation: it does not. AWS has one text for all causes.
    """
    fits = _fits(password, policy) if policy is not None else _fits_default(password, names)
    if len(password) > MAXIMUM_LENGTH or not fits:
        raise PasswordPolicyViolation(reason="password.policy")


def hash_password(password: str, *, entropy: bytes) -> str:
    """The hash to keep. Takes `SALT_ENTROPY` bytes."""
    return _hasher().hash(password, salt=entropy[:SALT_ENTROPY])


def is_password(hashed: str, password: str) -> bool:
    """Whether the hash is this password's; in constant time for those that it is not."""
    from argon2.exceptions import VerifyMismatchError  # as `_hasher`

    try:
        return _hasher().verify(hashed, password)
    except VerifyMismatchError:
        return False


def has_expired(profile: LoginProfile, policy: PasswordPolicy | None, *, now: datetime) -> bool:
    """Whether the present password is older than the policy lets it become."""
    return policy is not None and policy.maximum_age is not None and now >= profile.changed + policy.maximum_age


def forbidden_before(policy: PasswordPolicy | None) -> int:
    """How many of the last passwords, the present one among them, must not be chosen again."""
    return policy.reuse_prevention or 0 if policy is not None else 0


def _fits(password: str, policy: PasswordPolicy) -> bool:
    upper, lower, number, symbol = _kinds(password)
    return (
        len(password) >= policy.minimum_length
        and (upper or not policy.require_uppercase)
        and (lower or not policy.require_lowercase)
        and (number or not policy.require_numbers)
        and (symbol or not policy.require_symbols)
    )


def _fits_default(password: str, names: Iterable[str]) -> bool:
    return len(password) >= DEFAULT_MINIMUM and sum(_kinds(password)) >= DEFAULT_KINDS and password not in names


def _kinds(password: str) -> tuple[bool, bool, bool, bool]:
    """Whether there are upper-case letters, lower-case letters, digits and symbols; of ASCII, as AWS counts them."""
    upper = any("A" <= c <= "Z" for c in password)
    lower = any("a" <= c <= "z" for c in password)
    number = any("0" <= c <= "9" for c in password)
    return upper, lower, number, not SYMBOLS.isdisjoint(password)


def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # late: only passwords need it, and no other call has any

    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY, parallelism=1)
