"""What a session may be: how long, with which tags, which source identity, which session policies.

(IAM User Guide, "Requesting temporary security credentials", "Passing session tags in AWS STS", "Monitor and control
actions taken with assumed roles".) Ranges and patterns of single parameters are in the API's model and are
checked before; here is what one parameter means for another, for the role and for the calling session.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from tabard.faults import ConstraintViolated, ExpiredToken, InvalidParameterValue, PackedPolicyTooLarge
from tabard.names.tags import MAXIMUM as MAXIMUM_TAGS
from tabard.names.tags import fold, is_reserved
from tabard.policy.document import Kind, Policy
from tabard.policy.parse import parse_policy
from tabard.sessions.claims import SessionClaims

DEFAULT_ROLE_SESSION: Final = timedelta(hours=1)
MAXIMUM_CHAINED: Final = timedelta(hours=1)
DEFAULT_USER_SESSION: Final = timedelta(hours=12)
MAXIMUM_ROOT_SESSION: Final = timedelta(hours=1)
MAXIMUM_POLICY_TEXT: Final = 2048
"""Characters of the inline session policy and of the managed policies' ARNs together."""
MAXIMUM_POLICY_ARNS: Final = 10


def require_current(claims: SessionClaims, *, now: datetime) -> None:
    """A session ends at the very instant that its credentials named.

    Raises:
        ExpiredToken: it is over.
    """
    if now >= claims.expires:
        raise ExpiredToken


def role_session_duration(requested: timedelta | None, *, role_maximum: timedelta, chained: bool) -> timedelta:
    """How long a role session lasts. `chained`: the caller is itself a role session.

    Raises:
        ConstraintViolated: longer than the role allows, or than a chain may last.
    """
    lasts = requested or DEFAULT_ROLE_SESSION
    if lasts > role_maximum:
        raise ConstraintViolated(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            reason="session.duration.role",
        )
    if chained and lasts > MAXIMUM_CHAINED:
        raise ConstraintViolated(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            reason="session.duration.chained",
        )
    return lasts


def session_token_duration(requested: timedelta | None, *, is_root: bool) -> timedelta:
    """How long a GetSessionToken session lasts: root's is cut to an hour without a word."""
    if is_root:
        return min(requested or MAXIMUM_ROOT_SESSION, MAXIMUM_ROOT_SESSION)
    return requested or DEFAULT_USER_SESSION


federation_token_duration = session_token_duration
"""How long a GetFederationToken session lasts: AWS gives both actions the same limits."""


def session_tags(
    requested: Sequence[tuple[str, str]], transitive_keys: Iterable[str], *, inherited: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The tags of a session, and the keys of those that the next role in a chain inherits.

    `inherited` are the calling session's transitive tags: they stay, and stay transitive.

    Raises:
        InvalidParameterValue: a tag twice, a reserved one, one that is inherited already, a transitive key that
            is no tag of this request, or too many in all.
    """
    tags = dict(requested)
    spelled = {fold(key): key for key in tags}
    if len(spelled) < len(requested):
        raise InvalidParameterValue(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            reason="session.tags.duplicate",
        )
    if any(map(is_reserved, spelled)):
        raise InvalidParameterValue(
            "Tag keys that begin with 'aws:' are reserved for AWS use.", reason="session.tags.reserved"
        )
    if inherited and not spelled.keys().isdisjoint(map(fold, inherited)):
        raise InvalidParameterValue(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
            "from the calling session.",
            reason="session.tags.inherited",
        )
    passed_on: dict[str, None] = dict.fromkeys(inherited)
    for key in transitive_keys:
        spelling = spelled.get(fold(key))
        if spelling is None:
            raise InvalidParameterValue(
                "The specified transitive tag key must be included in the requested tags.",
                reason="session.tags.transitive",
            )
        passed_on[spelling] = None
    if len(tags) + len(inherited) > MAXIMUM_TAGS:
        raise InvalidParameterValue(
            f"A session has at most {MAXIMUM_TAGS} tags, inherited ones included.", reason="session.tags.too-many"
        )
    return {**inherited, **tags}, tuple(passed_on)


def source_identity(requested: str | None, *, inherited: str | None) -> str | None:
    """The session's source identity. Once set, it holds for the whole chain.

    Raises:
        ConstraintViolated: the calling session has another.
    """
    if inherited is not None and requested not in (None, inherited):
        raise ConstraintViolated(
            "The source identity is already set for this assume role session", reason="session.source-identity"
        )
    return inherited if requested is None else requested


def session_policies(policy: str | None, arns: Sequence[str]) -> Policy | None:
    """The inline session policy, read; the managed ones are only counted.

    Raises:
        PackedPolicyTooLarge: more text than a session may bring.
        MalformedPolicy: the inline policy.
        ConstraintViolated: more than ten ARNs.
    """
    if len(arns) > MAXIMUM_POLICY_ARNS:
        raise ConstraintViolated(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAXIMUM_POLICY_ARNS}",
            reason="session.policies.too-many",
        )
    size = len(policy or "") + sum(map(len, arns))
    if size > MAXIMUM_POLICY_TEXT:
        percent = -(-size * 100 // MAXIMUM_POLICY_TEXT)
        raise PackedPolicyTooLarge(
            f"Packed policy consumes {percent}% of allotted space", reason="session.policies.too-large"
        )
    return None if policy is None else parse_policy(policy, Kind.SESSION)


def require_attachable(arns: Iterable[str], found: Iterable[tuple[str, Policy]]) -> None:
    """Every managed session policy exists in the account of the session; `found` are those that do.

    NOTE: ask this only of a caller who may have the session. It tells which policies an account holds.

    Raises:
        InvalidParameterValue: an ARN that names no policy.
    """
    known = {arn for arn, _ in found}
    for arn in arns:
        if arn not in known:
            raise InvalidParameterValue(
                f"Policy {arn} does not exist or is not attachable.", reason="session.policies.unknown"
            )
