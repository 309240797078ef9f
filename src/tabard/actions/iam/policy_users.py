"""Which users, groups and roles use a managed policy: AWS's or the account's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.managed_policies import ask_policy, attachable_policy, attachments_of
from tabard.actions.paging import page_of
from tabard.directory.entities import Attachment, EntityKind
from tabard.names.tags import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntitiesForPolicyRequest:
    policy_arn: str
    entity_filter: str | None = None
    path_prefix: str | None = None
    policy_usage_filter: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUser:
    user_name: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyGroup:
    group_name: str
    group_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRole:
    role_name: str
    role_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntitiesForPolicyResponse:
    policy_users: tuple[PolicyUser, ...]
    policy_groups: tuple[PolicyGroup, ...]
    policy_roles: tuple[PolicyRole, ...]
    is_truncated: bool
    marker: str | None = None


_ORDER: Final[Mapping[EntityKind, str]] = {EntityKind.USER: "0", EntityKind.GROUP: "1", EntityKind.ROLE: "2"}


def list_entities_for_policy(request: ListEntitiesForPolicyRequest, desk: Desk) -> ListEntitiesForPolicyResponse:
    policy = attachable_policy(desk, request.policy_arn, named=request.policy_arn)
    # An identity that uses the policy both ways is one entity.
    entities = {a.id: a for a in attachments_of(desk, policy) if _is_asked_for(a, request)}
    found = page_of(
        "ListEntitiesForPolicy",
        tuple(entities.values()),
        marker=request.marker,
        max_items=request.max_items,
        key=lambda entity: f"{_ORDER[entity.kind]}{fold(entity.name)}",
    )
    users, groups, roles = ([e for e in found.items if e.kind is kind] for kind in _ORDER)
    return ListEntitiesForPolicyResponse(
        policy_users=tuple(PolicyUser(user_name=user.name, user_id=user.id) for user in users),
        policy_groups=tuple(PolicyGroup(group_name=group.name, group_id=group.id) for group in groups),
        policy_roles=tuple(PolicyRole(role_name=role.name, role_id=role.id) for role in roles),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


def _is_asked_for(attachment: Attachment, request: ListEntitiesForPolicyRequest) -> bool:
    return (
        request.entity_filter in (None, attachment.kind.capitalize())
        and request.policy_usage_filter in (None, attachment.usage)
        and attachment.path.startswith(request.path_prefix or "/")
    )


ACTIONS: tuple[Action, ...] = (
    Action(
        name="ListEntitiesForPolicy",
        request=ListEntitiesForPolicyRequest,
        response=ListEntitiesForPolicyResponse,
        ask=ask_policy("ListEntitiesForPolicy"),
        handle=list_entities_for_policy,
        writes=False,
    ),
)
