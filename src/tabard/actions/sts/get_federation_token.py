"""GetFederationToken: a user hands out some of its own rights, narrowed by a session policy.

The session has what the user's identity policies and the session policy both allow; without a session policy
it has nothing (IAM User Guide, "Permissions for GetFederationToken"). Only long-lived keys may call it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tabard.actions.authenticated import Authenticated
from tabard.actions.sts_shapes import (
    Credentials,
    PolicyDescriptor,
    Tag,
    duration,
    mint_credentials,
    policy_arns,
)
from tabard.faults import Denied
from tabard.names.arn import federated_user_arn
from tabard.ports.identities import Identities
from tabard.ports.mint import Mint
from tabard.ports.world import Entropy
from tabard.services.ask import Ask
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.sessions.credentials import new_credentials
from tabard.sessions.rules import federation_token_duration, require_attachable, session_policies, session_tags
from tabard.trust.context import tag_request_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    name: str
    policy: str | None = None
    policy_arns: tuple[PolicyDescriptor, ...] = ()
    duration_seconds: int | None = None
    tags: tuple[Tag, ...] = ()
    minimum_session_token_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedUser:
    federated_user_id: str
    arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    credentials: Credentials
    federated_user: FederatedUser
    packed_policy_size: int
    session_token_utilization: int
    session_token_size: int


class Needs(Protocol):
    @property
    def identities(self) -> Identities: ...
    @property
    def mint(self) -> Mint: ...
    @property
    def entropy(self) -> Entropy: ...


def ask(request: Request, who: Authenticated) -> tuple[Ask, ...]:
    context = tag_request_keys({tag.key: tag.value for tag in request.tags})
    actions: Sequence[str] = (
        ("sts:GetFederationToken", "sts:TagSession") if request.tags else ("sts:GetFederationToken",)
    )
    return tuple(
        Ask(
            action=action,
            resource=federated_user_arn(who.account, request.name),
            resource_account=who.account,
            context=context,
        )
        for action in actions
    )


async def handle(request: Request, who: Authenticated, needs: Needs) -> Response:
    if who.claims is not None:
        raise Denied("Cannot call GetFederationToken with session credentials", reason="session.long-term-key-needed")
    arns = policy_arns(request.policy_arns)
    session_policies(request.policy, arns)
    require_attachable(arns, await needs.identities.managed_policies(who.account, arns))
    tags, _ = session_tags([(tag.key, tag.value) for tag in request.tags], (), inherited={})
    key_id, secret = new_credentials(who.account, entropy=needs.entropy)
    claims = SessionClaims(
        kind=SessionKind.FEDERATED_USER,
        account=who.account,
        access_key_id=key_id,
        secret_access_key=secret,
        issuer_id=who.caller.principal.unique_id,
        issuing_key_id=who.caller.access_key_id,
        issued=who.now,
        expires=who.now + federation_token_duration(duration(request.duration_seconds), is_root=who.caller.is_root),
        name=request.name,
        tags=dict(tags),
        policy=request.policy,
        policy_arns=arns,
    )
    minted = mint_credentials(needs.mint, claims, minimum_size=request.minimum_session_token_size)
    return Response(
        credentials=minted.credentials,
        federated_user=FederatedUser(
            federated_user_id=f"{who.account}:{request.name}", arn=federated_user_arn(who.account, request.name)
        ),
        packed_policy_size=minted.utilization if request.policy or arns or tags else 0,
        session_token_utilization=minted.utilization,
        session_token_size=minted.size,
    )
