"""Whom a `Principal` or `NotPrincipal` element speaks of, and how it names them.

How a principal is named decides what an allow is worth (`decide`): an account's ARN or id only hands the
decision to that account, a role's ARN does not outweigh the session's own limits, a user's or session's ARN
and `*` do. Names are compared whole; no wildcard exists but the lone `*` (IAM User Guide, "AWS JSON policy
elements: Principal").

A user or role ARN may be bound to the unique id that it had when the document was saved; then only the
principal with that id has the name, not a namesake made later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tabard.policy.document import PrincipalSet
from tabard.policy.principal import Principal, PrincipalKind


class PrincipalMatch(StrEnum):
    """How a principal was named."""

    SESSION = "session"
    """The exact ARN of a role session or federated user."""
    USER = "user"
    """The user itself, or its GetSessionToken session."""
    EVERYONE = "*"
    ROLE = "role"
    """The role of a session."""
    ISSUER = "issuer"
    """The user who made a federated user's session."""
    ACCOUNT = "account"
    SERVICE = "service"
    PROVIDER = "federated"


# Reading an enumeration's member costs as much as a comparison; what every decision needs is read once.
_USER, _ROLE_SESSION = PrincipalKind.USER, PrincipalKind.ROLE_SESSION
_FEDERATED_USER, _FEDERATED = PrincipalKind.FEDERATED_USER, PrincipalKind.FEDERATED
_SERVICE: Final = PrincipalKind.SERVICE
_WITHOUT_ACCOUNT: Final = frozenset({PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE, PrincipalKind.FEDERATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """A principal element, ready to be matched. `names` maps an ARN or unique id to the id that it is bound to."""

    everyone: bool
    names: Mapping[str, str | None]
    accounts: frozenset[str]
    services: frozenset[str]
    providers: frozenset[str]

    def match(self, principal: Principal) -> PrincipalMatch | None:
        """The most particular way in which the element names the principal."""
        kind = principal.kind
        if kind is _FEDERATED:
            # INVARIANT: only `Federated` lets a provider's identity in; a `*` means AWS principals.
            return PrincipalMatch.PROVIDER if principal.provider in self.providers else None
        if kind is _SERVICE:
            if principal.provider in self.services:
                return PrincipalMatch.SERVICE
        elif kind is _USER:
            if self._names_self(principal):
                return PrincipalMatch.USER
        elif (kind is _ROLE_SESSION or kind is _FEDERATED_USER) and principal.arn in self.names:
            return PrincipalMatch.SESSION
        if self.everyone:
            return PrincipalMatch.EVERYONE
        if self._names_issuer(principal):
            return PrincipalMatch.ROLE if kind is _ROLE_SESSION else PrincipalMatch.ISSUER
        return PrincipalMatch.ACCOUNT if self._names_account(principal) else None

    def spares(self, principal: Principal) -> bool:
        """For `NotPrincipal` with `Deny`: a principal is spared only if each of its names is listed.

        A user's names are its ARN and its account, a role session's the session, the role and the account.
        """
        if principal.kind is PrincipalKind.FEDERATED:
            return principal.provider in self.providers
        if self.everyone:
            return True
        match principal.kind:
            case PrincipalKind.SERVICE:
                return principal.provider in self.services
            case PrincipalKind.ROOT:
                return self._names_account(principal)
            case PrincipalKind.USER:
                return self._names_account(principal) and self._names_self(principal)
            case PrincipalKind.ROLE_SESSION:
                listed = principal.arn in self.names and self._names_issuer(principal)
                return listed and self._names_account(principal)
            case PrincipalKind.FEDERATED_USER:
                return principal.arn in self.names and self._names_account(principal)
            case _:
                return False

    def leaves_in(self, principal: Principal) -> bool:
        """For `NotPrincipal` with `Allow`: whoever is not named in any way, and could be meant by a `*`."""
        return principal.kind is not PrincipalKind.FEDERATED and self.match(principal) is None

    def _names_self(self, principal: Principal) -> bool:
        return self._is_named(principal.arn, principal.unique_id)

    def _names_issuer(self, principal: Principal) -> bool:
        kind = principal.kind
        if kind is _ROLE_SESSION:
            return self._is_named(principal.issuer_arn, principal.unique_id)
        if kind is _FEDERATED_USER:
            return self._is_named(principal.issuer_arn, principal.issuer_id)
        return False

    def _is_named(self, arn: str, unique_id: str) -> bool:
        if arn in self.names:
            bound = self.names[arn]
            if bound is None or bound == unique_id:
                return True
        return unique_id in self.names

    def _names_account(self, principal: Principal) -> bool:
        return principal.account in self.accounts and principal.kind not in _WITHOUT_ACCOUNT


def audience_of(principals: PrincipalSet, bindings: Mapping[str, str]) -> Audience:
    """The element, with its user and role ARNs bound.

    A bound principal is also known by its id alone: one that was renamed or moved since is still the same.
    """
    accounts = {text: _account(text) for text in principals.aws}
    names = {text: bindings.get(text) for text, account in accounts.items() if account is None}
    return Audience(
        everyone=principals.everyone,
        names=names | dict.fromkeys(bound for bound in names.values() if bound is not None),
        accounts=frozenset(account for account in accounts.values() if account is not None),
        services=frozenset(principals.service),
        providers=frozenset(principals.federated),
    )


def _account(text: str) -> str | None:
    """The account that stands for itself: twelve digits, or the ARN of its root."""
    if text.isdigit():
        return text
    head, _, resource = text.rpartition(":")
    return head.rpartition(":")[2] if resource == "root" and text.startswith("arn:") else None
