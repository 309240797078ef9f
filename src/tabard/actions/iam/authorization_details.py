"""GetAccountAuthorizationDetails: every user, group, role and policy of the account in one answer, page by page.

Pages go through users, groups, roles, the account's policies, and those of AWS's policies that somebody in the account
uses, each in the order of the names. Which members an answer carries is as recorded.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final, TypeAlias

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import (
    AttachedPermissionsBoundary,
    AttachedPolicy,
    InstanceProfileShape,
    PolicyVersionShape,
    RoleLastUsed,
    Tag,
    attached_policy,
    boundary_shape,
    instance_profile_shape,
    policy_version_shape,
    role_shape,
    tag_shapes,
)
from tabard.actions.identities import Identity, ask_account
from tabard.actions.managed_policies import attachments_of
from tabard.actions.paging import page, walk
from tabard.actions.trust_documents import shown_trust_policy
from tabard.directory.aws_managed import AWS_MANAGED
from tabard.directory.entities import Group, ManagedPolicy, PolicyUsage, Role, User
from tabard.names.tags import fold

_BATCH: Final = 200
"""Records read at a time."""


@dataclass(frozen=True, slots=True)
class PolicyDetail:
    """An inline policy."""

    policy_name: str
    policy_document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetail:
    """The model's `UserDetail`. Inline policies are left out where there are none."""

    path: str
    user_name: str
    user_id: str
    arn: str
    create_date: datetime
    user_policy_list: tuple[PolicyDetail, ...] | None
    group_list: tuple[str, ...]
    attached_managed_policies: tuple[AttachedPolicy, ...]
    permissions_boundary: AttachedPermissionsBoundary | None
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDetail:
    """The model's `GroupDetail`."""

    path: str
    group_name: str
    group_id: str
    arn: str
    create_date: datetime
    group_policy_list: tuple[PolicyDetail, ...]
    attached_managed_policies: tuple[AttachedPolicy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDetail:
    """The model's `RoleDetail`."""

    path: str
    role_name: str
    role_id: str
    arn: str
    create_date: datetime
    assume_role_policy_document: str
    instance_profile_list: tuple[InstanceProfileShape, ...]
    role_policy_list: tuple[PolicyDetail, ...]
    attached_managed_policies: tuple[AttachedPolicy, ...]
    permissions_boundary: AttachedPermissionsBoundary | None
    tags: tuple[Tag, ...]
    role_last_used: RoleLastUsed


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicyDetail:
    """The model's `ManagedPolicyDetail`, with all versions and their documents, newest first."""

    policy_name: str
    policy_id: str
    arn: str
    path: str
    default_version_id: str
    attachment_count: int
    permissions_boundary_usage_count: int
    is_attachable: bool
    description: str | None
    create_date: datetime
    update_date: datetime
    policy_version_list: tuple[PolicyVersionShape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountAuthorizationDetailsRequest:
    filter: tuple[str, ...] | None = None
    max_items: int | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountAuthorizationDetailsResponse:
    user_detail_list: tuple[UserDetail, ...]
    group_detail_list: tuple[GroupDetail, ...]
    role_detail_list: tuple[RoleDetail, ...]
    policies: tuple[ManagedPolicyDetail, ...]
    is_truncated: bool
    marker: str | None = None


Detail: TypeAlias = UserDetail | GroupDetail | RoleDetail | ManagedPolicyDetail
Entry: TypeAlias = tuple[str, Detail]
"""A detail, and the key after which a page may start: its section's letter and its folded name."""


def get_account_authorization_details(
    request: GetAccountAuthorizationDetailsRequest, desk: Desk
) -> GetAccountAuthorizationDetailsResponse:
    def fetch(after: str, limit: int) -> Sequence[Entry]:
        return tuple(islice(_entries(desk, request.filter or _SECTIONS, after), limit))

    found = page(
        "GetAccountAuthorizationDetails",
        fetch,
        marker=request.marker,
        max_items=request.max_items,
        key=lambda entry: entry[0],
    )
    details = [detail for _, detail in found.items]
    return GetAccountAuthorizationDetailsResponse(
        user_detail_list=tuple(detail for detail in details if isinstance(detail, UserDetail)),
        group_detail_list=tuple(detail for detail in details if isinstance(detail, GroupDetail)),
        role_detail_list=tuple(detail for detail in details if isinstance(detail, RoleDetail)),
        policies=tuple(detail for detail in details if isinstance(detail, ManagedPolicyDetail)),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


_SECTIONS: Final = ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")
"""AWS's `EntityType`, in the order of the pages."""


def _entries(desk: Desk, wanted: Sequence[str], after: str) -> Iterator[Entry]:
    """What is wanted, from just after the key `after`."""
    records = desk.records
    users = partial(_listed, records.users.list, desk)
    groups = partial(_listed, records.groups.list, desk)
    roles = partial(_listed, records.roles.list, desk)
    policies = partial(_listed, records.policies.list, desk)
    sources: tuple[tuple[Callable[[str], Iterator[Any]], Callable[[Any, Desk], Detail]], ...] = (
        (users, _user),
        (groups, _group),
        (roles, _role),
        (policies, _policy),
        (partial(_used_of_aws, desk), _policy),
    )
    for letter, section, (source, detail) in zip("abcde", _SECTIONS, sources, strict=True):
        if section in wanted and after[:1] <= letter:
            for record in source(after[1:] if after[:1] == letter else ""):
                yield f"{letter}{fold(record.name)}", detail(record, desk)


def _listed(fetch: Callable[..., Sequence[Any]], desk: Desk, after: str) -> Iterator[Any]:
    return walk(
        lambda name: fetch(desk.account, after=name, limit=_BATCH), key=lambda record: fold(record.name), after=after
    )


def _used_of_aws(desk: Desk, after: str) -> Iterator[ManagedPolicy]:
    for policy in AWS_MANAGED.values():
        if fold(policy.name) > after and attachments_of(desk, policy):
            yield policy


def _user(user: User, desk: Desk) -> UserDetail:
    groups = (desk.records.groups.get_by_id(group_id) for group_id in user.groups)
    return UserDetail(
        path=user.path,
        user_name=user.name,
        user_id=user.id,
        arn=user.arn,
        create_date=user.created,
        user_policy_list=_inline(user) or None,
        group_list=tuple(sorted((group.name for group in groups if group is not None), key=fold)),
        attached_managed_policies=_attached(user),
        permissions_boundary=boundary_shape(user.permissions_boundary),
        tags=tag_shapes(user.tags),
    )


def _group(group: Group, _desk: Desk) -> GroupDetail:
    return GroupDetail(
        path=group.path,
        group_name=group.name,
        group_id=group.id,
        arn=group.arn,
        create_date=group.created,
        group_policy_list=_inline(group),
        attached_managed_policies=_attached(group),
    )


def _role(role: Role, desk: Desk) -> RoleDetail:
    trust_policy = shown_trust_policy(desk.records, role)
    inside = role_shape(role, trust_policy, duration=False)
    return RoleDetail(
        path=role.path,
        role_name=role.name,
        role_id=role.id,
        arn=role.arn,
        create_date=role.created,
        assume_role_policy_document=trust_policy,
        instance_profile_list=tuple(
            instance_profile_shape(profile, inside) for profile in desk.records.instance_profiles.for_role(role.id)
        ),
        role_policy_list=_inline(role),
        attached_managed_policies=_attached(role),
        permissions_boundary=boundary_shape(role.permissions_boundary),
        tags=tag_shapes(role.tags),
        role_last_used=RoleLastUsed(),
    )


def _policy(policy: ManagedPolicy, desk: Desk) -> ManagedPolicyDetail:
    attachments = attachments_of(desk, policy)
    bounding = sum(attachment.usage is PolicyUsage.BOUNDARY for attachment in attachments)
    return ManagedPolicyDetail(
        policy_name=policy.name,
        policy_id=policy.id,
        arn=policy.arn,
        path=policy.path,
        default_version_id=policy.default_version_id,
        attachment_count=len(attachments) - bounding,
        permissions_boundary_usage_count=bounding,
        is_attachable=True,
        description=policy.description,
        create_date=policy.created,
        update_date=policy.updated,
        policy_version_list=tuple(
            replace(policy_version_shape(policy, version), document=version.document)
            for version in reversed(policy.versions)
        ),
    )


def _inline(identity: Identity) -> tuple[PolicyDetail, ...]:
    policies = sorted(identity.inline_policies.items(), key=lambda pair: (fold(pair[0]), pair[0]))
    return tuple(PolicyDetail(name, document) for name, document in policies)


def _attached(identity: Identity) -> tuple[AttachedPolicy, ...]:
    return tuple(sorted(map(attached_policy, identity.attached_policies), key=lambda policy: fold(policy.policy_name)))


ACTIONS: tuple[Action, ...] = (
    Action(
        name="GetAccountAuthorizationDetails",
        request=GetAccountAuthorizationDetailsRequest,
        response=GetAccountAuthorizationDetailsResponse,
        ask=ask_account("GetAccountAuthorizationDetails"),
        handle=get_account_authorization_details,
        writes=False,
    ),
)
