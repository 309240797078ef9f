"""The identities that requests are decided for, with their policies compiled.

The hot path asks nothing else of the store. What it answers is at most one second old
(`MAXIMUM_STALENESS`), whichever process made the change.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from tabard.directory.entities import AccessKey, Role, User
from tabard.policy.compile import PolicySet
from tabard.policy.document import Policy

MAXIMUM_STALENESS: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A long-lived key with its secret opened. It never leaves the process."""

    key: AccessKey
    secret: str

    def __repr__(self) -> str:
        return f"KeyEntry({self.key.id})"


@dataclass(frozen=True, slots=True)
class UserEntry:
    """A user, its identity policies (its groups' included) as one set, and its boundary if it has one."""

    user: User
    identity: PolicySet
    boundary: PolicySet | None


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """A role, its trust policy, its identity policies as one set, and its boundary if it has one."""

    role: Role
    trust: PolicySet
    identity: PolicySet
    boundary: PolicySet | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationEntry:
    """An account's place in its organisation, and the policies that it is under there.

    `path` is as in `aws:PrincipalOrgPaths`: `o-…/r-…/ou-…/`. `management`: it is the management account, which
    organisation policies do not bind. `service_control` and `resource_control` hold one set for each level from the
    root down to the account, and every one of them must allow; None where there are no such policies for this account:
    it is the management account, or their type is not enabled. Policies in a set go by their ARN.
    """

    organization_id: str
    path: str
    management: bool
    service_control: tuple[PolicySet, ...] | None
    resource_control: tuple[PolicySet, ...] | None


class Identities(Protocol):
    """Finds identities. None means: there is none such.

    Every method may be awaited often: what was found is kept, within a bound, until it changes.

    Raises:
        tabard.ports.store.StoreUnavailable: the store does not answer, and what is known may be too old.
    """

    def access_key(self, key_id: str) -> Awaitable[KeyEntry | None]: ...
    def user(self, user_id: str) -> Awaitable[UserEntry | None]: ...
    def role(self, role_id: str) -> Awaitable[RoleEntry | None]: ...
    def role_by_arn(self, arn: str) -> Awaitable[RoleEntry | None]: ...
    async def organization(self, account: str) -> OrganizationEntry | None: ...
    async def managed_policies(self, account: str, arns: Sequence[str]) -> tuple[tuple[str, Policy], ...]:
        """ARN and default version of each managed policy, the account's own and AWS's. What is gone is left out.

        The same `Policy` object is answered until the policy changes, so that a caller may keep what it
        compiled from it for as long as `is` holds.
        """
        ...
