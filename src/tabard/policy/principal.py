"""Who asks, as far as policies can tell."""

from dataclasses import dataclass
from enum import StrEnum


class PrincipalKind(StrEnum):
    """The values are those of the condition key `aws:PrincipalType` where AWS documents one."""

    ROOT = "Account"
    USER = "User"
    ROLE_SESSION = "AssumedRole"
    FEDERATED_USER = "FederatedUser"
    FEDERATED = "Federated"
    """A proven identity of an identity provider that has no role yet: the subject of a trust policy."""
    SERVICE = "Service"
    ANONYMOUS = "Anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One principal.

    `arn` is what calls show (for a role session the assumed-role ARN). `unique_id` is `AIDA…` for a user
    and its GetSessionToken session, `AROA…` without the session name for a role session, the account id for
    root. `issuer_arn` is the role's ARN with its path for a role session, and the user's ARN for a
    federated user (whose `issuer_id` is that user's id). `provider` is the SAML or OIDC provider's ARN (or
    domain name) of a FEDERATED principal, and the service name (`ec2.amazonaws.com`) of a SERVICE.
    """

    kind: PrincipalKind
    account: str = ""
    arn: str = ""
    unique_id: str = ""
    issuer_arn: str = ""
    issuer_id: str = ""
    provider: str = ""


ANONYMOUS = Principal(kind=PrincipalKind.ANONYMOUS)
