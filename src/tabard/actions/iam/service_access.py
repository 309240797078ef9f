"""ListPoliciesGrantingServiceAccess: through which policies an identity may call a service at all.

It looks at what policies allow, and at nothing that narrows it: no denials, no boundaries, no conditions (IAM API
Reference). A user's answer has the policies of its groups. One page holds whole services.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import (
    Identity,
    ask_identity_arn,
    identity_arn,
    identity_with,
    managed_policy,
    no_such,
)
from tabard.actions.identity_policies import HOLDERS, page_by_position
from tabard.directory.entities import User
from tabard.faults import InvalidInput
from tabard.names.tags import fold
from tabard.policy.document import Effect, Kind, Policy, Statement
from tabard.policy.parse import parse_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantingPolicy:
    """The model's `PolicyGrantingServiceAccess`: a managed policy by its ARN, an inline one by whose it is."""

    policy_name: str
    policy_type: str
    policy_arn: str | None = None
    entity_type: str | None = None
    entity_name: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """The model's `ListPoliciesGrantingServiceAccessEntry`."""

    service_namespace: str
    policies: tuple[GrantingPolicy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesGrantingServiceAccessRequest:
    arn: str
    service_namespaces: tuple[str, ...]
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesGrantingServiceAccessResponse:
    policies_granting_service_access: tuple[ServiceAccess, ...]
    is_truncated: bool
    marker: str | None = None


def list_policies_granting_service_access(
    request: ListPoliciesGrantingServiceAccessRequest, desk: Desk
) -> ListPoliciesGrantingServiceAccessResponse:
    identity = _identity(desk, request.arn)
    held = tuple(_policies(desk, identity))
    access = tuple(
        ServiceAccess(namespace, tuple(shape for shape, policy in held if _grants(policy, namespace)))
        for namespace in dict.fromkeys(request.service_namespaces)
    )
    found = page_by_position("ListPoliciesGrantingServiceAccess", access, marker=request.marker, max_items=None)
    return ListPoliciesGrantingServiceAccessResponse(
        policies_granting_service_access=found.items, is_truncated=found.is_truncated, marker=found.marker
    )


def _policies(desk: Desk, identity: Identity) -> Iterator[tuple[GrantingPolicy, Policy]]:
    """The identity's policies and those of its groups; each managed one once."""
    groups = (desk.records.groups.get_by_id(i) for i in identity.groups) if isinstance(identity, User) else ()
    holders: list[Identity] = [identity, *(group for group in groups if group is not None)]
    for arn in dict.fromkeys(arn for holder in holders for arn in holder.attached_policies):
        policy = managed_policy(desk, arn)
        if policy is not None:
            shape = GrantingPolicy(policy_name=policy.name, policy_type="MANAGED", policy_arn=arn)
            yield shape, parse_policy(policy.document, Kind.MANAGED)
    for holder in holders:
        kind = HOLDERS[type(holder)].word.upper()
        for name, document in holder.inline_policies.items():
            shape = GrantingPolicy(policy_name=name, policy_type="INLINE", entity_type=kind, entity_name=holder.name)
            yield shape, parse_policy(document, Kind.INLINE)


def _grants(policy: Policy, namespace: str) -> bool:
    return any(s.effect is Effect.ALLOW and _reaches(s, fold(namespace)) for s in policy.statements)


def _reaches(statement: Statement, namespace: str) -> bool:
    """Whether some action of the service is among those of the statement."""
    if statement.not_actions:
        return not {"*", f"{namespace}:*"} & {fold(action) for action in statement.not_actions}
    return any(action == "*" or fold(action).partition(":")[0] in ("*", namespace) for action in statement.actions)


def _identity(desk: Desk, text: str) -> Identity:
    arn = identity_arn(text)
    if arn is None:
        raise InvalidInput(f"ARN {text} is not valid.", reason="identity-arn.malformed")
    found = identity_with(desk, arn)
    if found is None:
        raise no_such(arn.resource_type, arn.name)
    return found


ACTIONS: tuple[Action, ...] = (
    Action(
        name="ListPoliciesGrantingServiceAccess",
        request=ListPoliciesGrantingServiceAccessRequest,
        response=ListPoliciesGrantingServiceAccessResponse,
        ask=ask_identity_arn("ListPoliciesGrantingServiceAccess", lambda request: request.arn),
        handle=list_policies_granting_service_access,
        writes=False,
    ),
)
