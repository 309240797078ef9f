"""The `userIdentity` of audit records: who called, as CloudTrail says it.

(AWS CloudTrail User Guide, "CloudTrail userIdentity element".)
"""

from collections.abc import Mapping
from typing import Final

from tabard.actions.desk import Caller
from tabard.names.arn import parse_arn
from tabard.names.instants import iso
from tabard.policy.principal import Principal, PrincipalKind
from tabard.sessions.claims import SessionClaims

Record = dict[str, object]

UNKNOWN: Final[Record] = {"type": "Unknown"}
"""Nobody has been proven."""
TYPES: Final[Mapping[PrincipalKind, str]] = {
    PrincipalKind.ROOT: "Root",
    PrincipalKind.USER: "IAMUser",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


def user_identity(caller: Caller, claims: SessionClaims | None) -> Record:
    """A proven caller; with a `sessionContext` when it holds temporary credentials."""
    principal = caller.principal
    identity: Record = {
        "type": TYPES[principal.kind],
        "principalId": _principal_id(principal, claims),
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": caller.access_key_id,
    }
    if caller.user is not None:
        identity["userName"] = caller.user.name
    if claims is not None:
        identity["sessionContext"] = _session(principal, claims)
    return identity


def _principal_id(principal: Principal, claims: SessionClaims | None) -> str:
    if principal.kind is PrincipalKind.ROLE_SESSION and claims is not None:
        return f"{principal.unique_id}:{claims.name}"
    return principal.unique_id


def _session(principal: Principal, claims: SessionClaims) -> Record:
    context: Record = {
        "attributes": {
            "creationDate": iso(claims.issued),
            "mfaAuthenticated": "true" if claims.mfa_at is not None else "false",
        }
    }
    if principal.issuer_arn:
        context["sessionIssuer"] = _issuer(principal)
    if claims.source_identity is not None:
        context["sourceIdentity"] = claims.source_identity
    return context


def _issuer(principal: Principal) -> Record:
    """The role, the user or the root user that a session came from; root has no name."""
    issuer: Record = {
        "type": "Role" if principal.kind is PrincipalKind.ROLE_SESSION else "IAMUser",
        "principalId": principal.issuer_id,
        "arn": principal.issuer_arn,
        "accountId": principal.account,
    }
    if principal.issuer_id == principal.account:
        return {**issuer, "type": "Root"}
    return {**issuer, "userName": parse_arn(principal.issuer_arn).name}
