"""All that a session token remembers.

The sealed form outlives the code that wrote it: tokens live for up to 36 hours, through upgrades. Fields may
be added at the end with a default; none may be moved, removed or given another meaning without a new
version byte in `seal.py`.
"""

from datetime import datetime
from enum import StrEnum

import msgspec


class SessionKind(StrEnum):
    """Which action made the session."""

    ROLE = "role"
    """AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity."""
    USER = "user"
    """GetSessionToken by a user."""
    ROOT = "root"
    """GetSessionToken by the account's root user."""
    FEDERATED_USER = "federated-user"
    """GetFederationToken."""


class SessionClaims(msgspec.Struct, frozen=True, kw_only=True):
    """One session.

    `issuer_id` is the role's `AROA…` id, the user's `AIDA…` id, or the account id for root. `name` is the role
    session name or the federated user's name, empty for GetSessionToken. `issuing_key_id` is the long-lived
    key that asked for a USER, ROOT or FEDERATED_USER session. `tags` are the session tags, those inherited
    through the chain included; `transitive_tag_keys` names the ones that the next role inherits. `policy` is
    the inline session policy's text, `policy_arns` the managed ones. `mfa_at` is when a second factor was
    proven. `context` holds further condition keys that persist in the session (`saml:sub`, …).
    """

    kind: SessionKind
    account: str
    access_key_id: str
    secret_access_key: str
    issuer_id: str
    issued: datetime
    expires: datetime
    name: str = ""
    issuing_key_id: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    mfa_at: datetime | None = None
    federated_provider: str | None = None
    context: dict[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"SessionClaims({self.kind.value} {self.issuer_id}:{self.name} {self.access_key_id})"  # no secrets
