"""Who signed this request? From an HTTP request to an `Authenticated` caller, or a fault.

The order of checks is AWS STS's, as it can be observed from outside: presence and shape of the signature · the
credential scope and the date · the key, or the session token and its binding to the key · the session's expiry ·
whether what issued it still exists · the signature. An unknown key costs the same as a wrong signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import is_
from typing import Final

from cachetools import LRUCache

from tabard.actions.authenticated import Authenticated
from tabard.actions.desk import Caller
from tabard.apps.http import HTTPRequest
from tabard.apps.user_identity import user_identity
from tabard.directory.entities import KeyStatus
from tabard.faults import InvalidClientTokenId
from tabard.names.arn import assumed_role_arn, federated_user_arn, root_arn
from tabard.names.ids import TEMPORARY_KEY
from tabard.names.instants import iso
from tabard.names.policies import SESSION_POLICY
from tabard.names.tags import fold, merge
from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.context import Value
from tabard.policy.document import Kind, Policy
from tabard.policy.parse import parse_policy
from tabard.policy.principal import Principal, PrincipalKind
from tabard.ports.identities import Identities, KeyEntry, OrganizationEntry, RoleEntry, UserEntry
from tabard.ports.mint import Mint
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.sessions.rules import require_current
from tabard.sigv4.canonical import SignedRequest
from tabard.sigv4.claim import Claim, check_scope, read_claim
from tabard.sigv4.signature import SigningKeys, verify_against_nobody, verify_signature
from tabard.trust.context import Whose, organization_keys
from tabard.trust.standing import Standing

MAXIMUM_SESSIONS: Final = 10_000
"""Callers that a worker remembers between requests."""
EVERYTHING: Final = compile_policies(
    [
        (
            "root",
            parse_policy(
                '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}', Kind.INLINE
            ),
        )
    ]
)
"""What root may hand on to a federated user, within the session policy."""


@dataclass(frozen=True, slots=True)
class Known:
    """A caller as it was worked out last, and from what; it holds for as long as those are the same objects."""

    secret: str
    caller: Caller
    standing: Standing
    claims: SessionClaims | None
    keys: Mapping[str, Value]
    own_resource_keys: Mapping[str, Value]
    user_identity: dict[str, object]
    made_from: tuple[object, ...]


class Authenticator:
    """Proves callers. One for each worker."""

    def __init__(self, identities: Identities, mint: Mint, *, regions: frozenset[str] | None) -> None:
        self._identities = identities
        self._mint = mint
        self._regions = regions
        self._signing_keys = SigningKeys(maximum=MAXIMUM_SESSIONS)
        self._known: LRUCache[str, Known] = LRUCache(maxsize=MAXIMUM_SESSIONS)

    async def authenticate(
        self, http: HTTPRequest, headers: Mapping[bytes, bytes], *, service: str, now: datetime
    ) -> Authenticated:
        """The caller of `http`; `headers` are its headers by name, to be looked at only.

        Raises:
            Unproven: one of `sigv4.faults`.
        """
        request = SignedRequest(http.method, http.raw_path, http.raw_query, http.headers, http.body)
        claim = read_claim(request)
        check_scope(claim, service=service, regions=self._regions, now=now)
        known = await self._known_caller(claim, now)
        if known is None:
            verify_against_nobody(request, claim, self._signing_keys)
        verify_signature(request, claim, self._signing_keys.of(known.secret, claim))
        return Authenticated(
            caller=known.caller,
            standing=known.standing,
            claims=known.claims,
            gather=partial(_context, known, http, headers, claim, now),
            own_resource_keys=known.own_resource_keys,
            now=now,
            region=claim.region,
            user_identity=known.user_identity,
        )

    async def _known_caller(self, claim: Claim, now: datetime) -> Known | None:
        if claim.access_key_id.startswith(TEMPORARY_KEY):
            return await self._session(claim, now)
        if claim.session_token is not None:
            raise InvalidClientTokenId(reason="token.with-long-term-key")
        return await self._long_term_key(claim.access_key_id)

    async def _long_term_key(self, key_id: str) -> Known | None:
        entry = await self._identities.access_key(key_id)
        if entry is None or entry.key.status is not KeyStatus.ACTIVE:
            return None
        user = None if entry.key.is_root else await self._identities.user(entry.key.owner_id)
        if user is None and not entry.key.is_root:
            return None
        organization = await self._identities.organization(entry.key.account)
        return self._remembered(key_id, (entry, user, organization)) or self._remember(
            key_id, _of_key(entry, user, organization)
        )

    async def _session(self, claim: Claim, now: datetime) -> Known | None:
        if claim.session_token is None:
            raise InvalidClientTokenId(reason="token.absent")
        claims = self._mint.open(claim.session_token, claim.access_key_id)
        require_current(claims, now=now)
        role: RoleEntry | None = None
        user: UserEntry | None = None
        if claims.kind is SessionKind.ROLE:
            role = await self._identities.role(claims.issuer_id)
            if role is None:
                raise InvalidClientTokenId(reason="token.issuer-gone")
        else:
            user = await self._issuing_user(claims)
        policies = (
            await self._identities.managed_policies(claims.account, claims.policy_arns) if claims.policy_arns else ()
        )
        organization = await self._identities.organization(claims.account)
        # The look-ups may have brought news of the key ring: a key that was retired opens nothing any more.
        claims = self._mint.open(claim.session_token, claim.access_key_id)
        made_from = (claims, role, user, organization, *(policy for _, policy in policies))
        return self._remembered(claims.access_key_id, made_from) or self._remember(
            claims.access_key_id,
            _of_session(
                claims, role=role, user=user, organization=organization, policies=policies, made_from=made_from
            ),
        )

    async def _issuing_user(self, claims: SessionClaims) -> UserEntry | None:
        """The user behind a GetSessionToken or GetFederationToken session; None for root.

        The session lives no longer than the long-lived key that asked for it.
        """
        entry = await self._identities.access_key(claims.issuing_key_id)
        if entry is None or entry.key.status is not KeyStatus.ACTIVE or entry.key.owner_id != claims.issuer_id:
            raise InvalidClientTokenId(reason="token.issuing-key-gone")
        if claims.issuer_id == claims.account:
            return None
        user = await self._identities.user(claims.issuer_id)
        if user is None:
            raise InvalidClientTokenId(reason="token.issuer-gone")
        return user

    def _remembered(self, key_id: str, made_from: tuple[object, ...]) -> Known | None:
        known = self._known.get(key_id)
        if known is None or len(known.made_from) != len(made_from):
            return None
        return known if all(map(is_, known.made_from, made_from)) else None

    def _remember(self, key_id: str, known: Known) -> Known:
        self._known[key_id] = known
        return known


# ── working out a caller ─────────────────────────────────────────────────────────────────────────────


def _of_key(entry: KeyEntry, user: UserEntry | None, organization: OrganizationEntry | None) -> Known:
    principal = _root(entry.key.account) if user is None else _user(user)
    caller = Caller(principal=principal, access_key_id=entry.key.id, user=user.user if user else None)
    return Known(
        secret=entry.secret,
        caller=caller,
        standing=_standing(principal, user, organization),
        claims=None,
        keys={
            **principal_keys(
                principal, user_name=user.user.name if user else None, tags=user.user.tags if user else {}
            ),
            **_organization_keys("principal", organization),
        },
        own_resource_keys=_organization_keys("resource", organization),
        user_identity=user_identity(caller, None),
        made_from=(entry, user, organization),
    )


def _of_session(
    claims: SessionClaims,
    *,
    role: RoleEntry | None,
    user: UserEntry | None,
    organization: OrganizationEntry | None,
    policies: tuple[tuple[str, Policy], ...],
    made_from: tuple[object, ...],
) -> Known:
    owner: dict[str, str] = role.role.tags if role else user.user.tags if user else {}
    principal = _session_principal(claims, role, user)
    is_user = claims.kind is SessionKind.USER
    caller = Caller(
        principal=principal, access_key_id=claims.access_key_id, user=user.user if user and is_user else None
    )
    # What an identity provider said comes first, so that it cannot take the place of what we know.
    keys: dict[str, Value] = {fold(key): value for key, value in claims.context.items()}
    keys.update(
        principal_keys(
            principal,
            user_name=caller.user.name if caller.user else None,
            tags=merge(owner, claims.tags),
            session_name=claims.name if role else None,
        )
    )
    keys.update(session_keys(claims))
    keys.update(_organization_keys("principal", organization))
    return Known(
        secret=claims.secret_access_key,
        caller=caller,
        standing=_standing(principal, role or user, organization, session=_session_policies(claims, policies)),
        claims=claims,
        keys=keys,
        own_resource_keys=_organization_keys("resource", organization),
        user_identity=user_identity(caller, claims),
        made_from=made_from,
    )


def _session_principal(claims: SessionClaims, role: RoleEntry | None, user: UserEntry | None) -> Principal:
    if role is not None:
        return Principal(
            kind=PrincipalKind.ROLE_SESSION,
            account=claims.account,
            arn=assumed_role_arn(claims.account, role.role.name, claims.name),
            unique_id=role.role.id,
            issuer_arn=role.role.arn,
            issuer_id=role.role.id,
        )
    if claims.kind is SessionKind.FEDERATED_USER:
        return Principal(
            kind=PrincipalKind.FEDERATED_USER,
            account=claims.account,
            arn=federated_user_arn(claims.account, claims.name),
            unique_id=f"{claims.account}:{claims.name}",
            issuer_arn=user.user.arn if user else root_arn(claims.account),
            issuer_id=claims.issuer_id,
        )
    return _root(claims.account) if user is None else _user(user)


def _session_policies(claims: SessionClaims, managed: tuple[tuple[str, Policy], ...]) -> PolicySet | None:
    """All session policies as one set; None where none narrows the session."""
    if claims.policy is None and not claims.policy_arns:
        # A federated user without a session policy has nothing (IAM User Guide, "Permissions for GetFederationToken").
        return compile_policies(()) if claims.kind is SessionKind.FEDERATED_USER else None
    policies = list(managed)
    if claims.policy is not None:
        policies.insert(0, (SESSION_POLICY, parse_policy(claims.policy, Kind.SESSION)))
    return compile_policies(policies)


def _standing(
    principal: Principal,
    entry: UserEntry | RoleEntry | None,
    organization: OrganizationEntry | None,
    *,
    session: PolicySet | None = None,
) -> Standing:
    service_control = organization.service_control if organization is not None else None
    if entry is None:
        handed_on = EVERYTHING if principal.kind is PrincipalKind.FEDERATED_USER else None
        return Standing(principal=principal, identity=handed_on, session=session, service_control=service_control)
    return Standing(
        principal=principal,
        identity=entry.identity,
        boundary=entry.boundary,
        session=session,
        service_control=service_control,
    )


def _root(account: str) -> Principal:
    return Principal(kind=PrincipalKind.ROOT, account=account, arn=root_arn(account), unique_id=account)


def _user(entry: UserEntry) -> Principal:
    user = entry.user
    return Principal(kind=PrincipalKind.USER, account=user.account, arn=user.arn, unique_id=user.id)


# ── global condition keys ────────────────────────────────────────────────────────────────────────────


def principal_keys(
    principal: Principal, *, user_name: str | None, tags: Mapping[str, str], session_name: str | None = None
) -> dict[str, Value]:
    """The keys that say who the principal is (IAM User Guide, "Principal key values")."""
    is_role = principal.kind is PrincipalKind.ROLE_SESSION
    keys: dict[str, Value] = {
        "aws:principalarn": principal.issuer_arn if is_role else principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": principal.kind.value,
        "aws:userid": f"{principal.unique_id}:{session_name}" if session_name is not None else principal.unique_id,
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
    }
    if user_name is not None:
        keys["aws:username"] = user_name
    for key, value in tags.items():
        keys[f"aws:principaltag/{fold(key)}"] = value
    return keys


def _organization_keys(whose: Whose, entry: OrganizationEntry | None) -> dict[str, Value]:
    return {} if entry is None else organization_keys(whose, entry.organization_id, entry.path)


def session_keys(claims: SessionClaims) -> dict[str, Value]:
    """The keys that only temporary credentials have."""
    keys: dict[str, Value] = {
        "aws:tokenissuetime": iso(claims.issued),
        "aws:multifactorauthpresent": "true" if claims.mfa_at is not None else "false",
    }
    if claims.source_identity is not None:
        keys["aws:sourceidentity"] = claims.source_identity
    if claims.federated_provider is not None:
        keys["aws:federatedprovider"] = claims.federated_provider
    return keys


def _context(
    known: Known, http: HTTPRequest, headers: Mapping[bytes, bytes], claim: Claim, now: datetime
) -> dict[str, Value]:
    """The principal's keys first: whatever a session carries on, the request's own keys stand over it."""
    context = dict(known.keys)
    context.update(request_keys(http, headers, claim, now))
    if known.claims is not None and known.claims.mfa_at is not None:
        context["aws:multifactorauthage"] = str(int((now - known.claims.mfa_at).total_seconds()))
    return context


def request_keys(http: HTTPRequest, headers: Mapping[bytes, bytes], claim: Claim, now: datetime) -> dict[str, Value]:
    """The keys that say what the request looks like. The address is the socket's; no header can change it."""
    keys: dict[str, Value] = {
        "aws:currenttime": iso(now),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:securetransport": "true" if http.secure else "false",
        "aws:requestedregion": claim.region,
        "aws:sourceip": http.peer,
    }
    if (agent := headers.get(b"user-agent")) is not None:
        keys["aws:useragent"] = agent.decode("latin-1")
    if (referer := headers.get(b"referer")) is not None:
        keys["aws:referer"] = referer.decode("latin-1")
    return keys
