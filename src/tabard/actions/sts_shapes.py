"""Parts of requests and answers that several STS actions share."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from tabard.faults import ConstraintViolated
from tabard.ports.mint import Mint
from tabard.sessions.claims import SessionClaims
from tabard.sessions.seal import packed_policy_size


class Tag(msgspec.Struct, frozen=True):
    """A session tag as a client sends it."""

    key: str
    value: str


class PolicyDescriptor(msgspec.Struct, frozen=True):
    """A managed session policy as a client sends it."""

    arn: str | None = None


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Temporary credentials, ready for the client."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id})"


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials and the size of their token, which STS reports as a share of what it may be."""

    credentials: Credentials
    utilization: int
    size: int


def mint_credentials(mint: Mint, claims: SessionClaims, *, minimum_size: int | None) -> Minted:
    """Seal the claims into credentials.

    Raises:
        PackedPolicyTooLarge: session policies, tags and the rest do not fit into a token.
    """
    token = mint.seal(claims, minimum_size=minimum_size or 0)
    credentials = Credentials(
        access_key_id=claims.access_key_id,
        secret_access_key=claims.secret_access_key,
        session_token=token,
        expiration=claims.expires,
    )
    return Minted(credentials=credentials, utilization=packed_policy_size(token), size=len(token))


def duration(seconds: int | None) -> timedelta | None:
    """`DurationSeconds` as a timedelta."""
    return None if seconds is None else timedelta(seconds=seconds)


def policy_arns(descriptors: Iterable[PolicyDescriptor]) -> tuple[str, ...]:
    """The ARNs of managed session policies, in order.

    Raises:
        ConstraintViolated: one names no ARN. Passing over it would leave a session wider than its maker meant.
    """
    arns = []
    for number, descriptor in enumerate(descriptors, 1):
        if descriptor.arn is None:
            raise ConstraintViolated(
                f"1 validation error detected: Value null at 'policyArns.{number}.member.arn' failed to satisfy "
                "constraint: Member must not be null",
                reason="session.policies.no-arn",
            )
        arns.append(descriptor.arn)
    return tuple(arns)
