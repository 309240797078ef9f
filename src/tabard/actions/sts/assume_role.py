"""AssumeRole: a user, or a session of another role, takes a role.

(AWS STS API Reference, AssumeRole; IAM User Guide, "Passing session tags", "Monitor and control actions taken
with assumed roles", "Using an external ID".)

The checks, in order: the role's ARN · a second factor, when one is given · parameters against each other and the
inline session policy · the trust policy and the caller's own policies, for `sts:SetSourceIdentity`, when a source
identity is set or inherited, then `sts:AssumeRole`, then `sts:TagSession` · whether the managed session policies
exist · duration against the role's maximum, then against the limit for chains. A role that does not exist is
refused with the same words as one that does not trust the caller, and until a caller is trusted nothing tells what
the role's account holds.
"""

from datetime import timedelta
from typing import Protocol

import msgspec

from tabard.actions.authenticated import Authenticated
from tabard.actions.sts_shapes import (
    Credentials,
    PolicyDescriptor,
    Tag,
    duration,
    mint_credentials,
    policy_arns,
)
from tabard.faults import ConstraintViolated, Denied, Unsupported
from tabard.names.arn import ARN, assumed_role_arn, parse_arn
from tabard.policy.context import Context, Value
from tabard.policy.document import Policy
from tabard.policy.principal import PrincipalKind
from tabard.ports.identities import Identities, OrganizationEntry, RoleEntry
from tabard.ports.mint import Mint
from tabard.ports.second_factor import INCOMPLETE, UNKNOWN_DEVICE, MultiFactorAuthFailed, SecondFactor
from tabard.ports.world import Entropy
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.sessions.credentials import new_credentials
from tabard.sessions.rules import (
    MAXIMUM_POLICY_ARNS,
    require_attachable,
    role_session_duration,
    session_policies,
    session_tags,
    source_identity,
)
from tabard.trust.context import organization_keys, role_session_keys
from tabard.trust.evaluate import require_trust


class ProvidedContext(msgspec.Struct, frozen=True, kw_only=True):
    provider_arn: str | None = None
    context_assertion: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    role_arn: str
    role_session_name: str
    policy_arns: tuple[PolicyDescriptor, ...] = ()
    policy: str | None = None
    duration_seconds: int | None = None
    tags: tuple[Tag, ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    external_id: str | None = None
    serial_number: str | None = None
    token_code: str | None = None
    source_identity: str | None = None
    provided_contexts: tuple[ProvidedContext, ...] = ()
    minimum_session_token_size: int | None = None


class AssumedRoleUser(msgspec.Struct, frozen=True, kw_only=True):
    assumed_role_id: str
    arn: str


class Response(msgspec.Struct, frozen=True, kw_only=True):
    credentials: Credentials
    assumed_role_user: AssumedRoleUser
    packed_policy_size: int | None
    source_identity: str | None
    session_token_utilization: int
    session_token_size: int


class Needs(Protocol):
    @property
    def identities(self) -> Identities: ...
    @property
    def mint(self) -> Mint: ...
    @property
    def entropy(self) -> Entropy: ...
    @property
    def second_factor(self) -> SecondFactor: ...


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What will be issued: everything about the session but its keys."""

    role: RoleEntry
    lasts: timedelta
    tags: dict[str, str]
    transitive_tag_keys: tuple[str, ...]
    source_identity: str | None


async def handle(request: Request, who: Authenticated, needs: Needs) -> Response:
    arn = parse_role_arn(request.role_arn)
    arns = policy_arns(request.policy_arns)
    role = await needs.identities.role_by_arn(request.role_arn)
    policies = await needs.identities.managed_policies(arn.account, arns[:MAXIMUM_POLICY_ARNS]) if arns else ()
    proven_now = await _second_factor(request, who, needs)

    organization = await needs.identities.organization(arn.account)

    grant = judge(request, who, role, organization, policies=policies, second_factor=proven_now)

    key_id, secret = new_credentials(grant.role.role.account, entropy=needs.entropy)
    # A role session never carries a second factor on (IAM User Guide, "Secure API access with MFA": credentials
    # returned by AssumeRole hold no MFA information); the caller's surviving identity-provider keys go along.
    claims = SessionClaims(
        kind=SessionKind.ROLE,
        account=grant.role.role.account,
        access_key_id=key_id,
        secret_access_key=secret,
        issuer_id=grant.role.role.id,
        issued=who.now,
        expires=who.now + grant.lasts,
        name=request.role_session_name,
        tags=grant.tags,
        transitive_tag_keys=grant.transitive_tag_keys,
        source_identity=grant.source_identity,
        policy=request.policy,
        policy_arns=arns,
        context=dict(who.claims.context) if who.claims else {},
    )
    minted = mint_credentials(needs.mint, claims, minimum_size=request.minimum_session_token_size)
    packed = bool(request.policy or arns or grant.tags)
    return Response(
        credentials=minted.credentials,
        assumed_role_user=AssumedRoleUser(
            assumed_role_id=f"{claims.issuer_id}:{claims.name}",
            arn=assumed_role_arn(claims.account, grant.role.role.name, claims.name),
        ),
        packed_policy_size=minted.utilization if packed else None,
        source_identity=grant.source_identity,
        session_token_utilization=minted.utilization,
        session_token_size=minted.size,
    )


def judge(
    request: Request,
    who: Authenticated,
    role: RoleEntry | None,
    organization: OrganizationEntry | None,
    *,
    policies: tuple[tuple[str, Policy], ...],
    second_factor: bool,
) -> Grant:
    """Everything that makes AssumeRole what it is, without touching the world. `organization` is the role's account's.

    Raises:
        ConstraintViolated, InvalidParameterValue, MalformedPolicy, PackedPolicyTooLarge: the parameters.
        Denied: the role does not let this caller in, or is not there.
    """
    if request.provided_contexts:
        raise Unsupported("ProvidedContexts is not supported by Tabard yet", reason="unsupported.provided-contexts")
    inherited = _inherited_tags(who.claims)
    requested = [(tag.key, tag.value) for tag in request.tags]
    tags, transitive = session_tags(requested, request.transitive_tag_keys, inherited=inherited)
    identity = source_identity(request.source_identity, inherited=who.claims.source_identity if who.claims else None)
    arns = policy_arns(request.policy_arns)
    session_policies(request.policy, arns)
    # AWS names a source identity that the trust policy does not want before it names the role (observed from outside).
    actions = ["sts:AssumeRole"] if identity is None else ["sts:SetSourceIdentity", "sts:AssumeRole"]
    if requested or inherited:
        actions.append("sts:TagSession")

    if who.caller.principal.kind is PrincipalKind.ROOT:
        raise Denied("Roles may not be assumed by root accounts.", reason="trust.root")
    # A federated user may call nothing of STS but GetCallerIdentity (IAM User Guide, "Comparing the AWS STS API
    # operations"), and a role that is not there lets nobody in: both get the words of any other refusal.
    account = parse_role_arn(request.role_arn).account
    is_federated = who.caller.principal.kind is PrincipalKind.FEDERATED_USER
    require_trust(
        who.standing,
        actions=actions,
        role_arn=request.role_arn,
        role_account=account,
        trust=None if role is None or is_federated else role.trust,
        context=_context(
            who,
            second_factor=second_factor,
            keys={
                **role_session_keys(
                    role_session_name=request.role_session_name,
                    requested_tags=dict(requested),
                    inherited_tags=inherited,
                    transitive_tag_keys=request.transitive_tag_keys,
                    source_identity=identity,
                    external_id=request.external_id,
                    role_tags=role.role.tags if role is not None else {},
                ),
                **_account_keys(account, organization),
            },
        ),
        resource_control=organization.resource_control if organization is not None else None,
    )
    if role is None:
        raise LookupError("a role that is not there was let through")
    require_attachable(arns, policies)
    lasts = role_session_duration(
        duration(request.duration_seconds),
        role_maximum=role.role.max_session_duration,
        chained=who.claims is not None and who.claims.kind is SessionKind.ROLE,
    )
    return Grant(
        role=role, lasts=lasts, tags=dict(tags), transitive_tag_keys=tuple(transitive), source_identity=identity
    )


def parse_role_arn(text: str) -> ARN:
    """A readable ARN that is not plainly the ARN of something else.

    Raises:
        ConstraintViolated: `<value> is invalid`, or `Request ARN is invalid` for another kind of IAM resource.
    """
    arn = parse_arn(text)
    if arn.service == "iam" and arn.resource_type != "role":
        raise ConstraintViolated("Request ARN is invalid", reason="arn.not-a-role")
    return arn


async def _second_factor(request: Request, who: Authenticated, needs: Needs) -> bool:
    """Whether this request itself proves a second factor."""
    if request.serial_number is None and request.token_code is None:
        return False
    if request.serial_number is None or request.token_code is None:
        raise MultiFactorAuthFailed(
            INCOMPLETE,
            reason="mfa.incomplete",
        )
    if who.caller.user is None:
        raise MultiFactorAuthFailed(
            UNKNOWN_DEVICE,
            reason="mfa.not-a-user",
        )
    await needs.second_factor.verify(
        owner_id=who.caller.user.id, serial_number=request.serial_number, code=request.token_code, now=who.now
    )
    return True


def _inherited_tags(claims: SessionClaims | None) -> dict[str, str]:
    """The transitive tags of the calling session."""
    if claims is None or not claims.transitive_tag_keys:
        return {}
    return {key: claims.tags[key] for key in claims.transitive_tag_keys if key in claims.tags}


def _account_keys(account: str, organization: OrganizationEntry | None) -> dict[str, Value]:
    """The keys that say whose the role is."""
    keys: dict[str, Value] = {"aws:resourceaccount": account}
    if organization is not None:
        keys.update(organization_keys("resource", organization.organization_id, organization.path))
    return keys


def _context(who: Authenticated, *, second_factor: bool, keys: dict[str, Value]) -> Context:
    """The action's own keys under the request's global ones; a second factor proven by this request is present."""
    context: dict[str, Value] = {**keys, **who.context}
    if second_factor:
        context["aws:multifactorauthpresent"] = "true"
        context["aws:multifactorauthage"] = "0"
    return context
