"""The structures that several IAM operations answer with, and how records become them.

Field names are the model's members in snake case. Which members an answer carries differs by operation, not
by shape; the flags of `user_shape` and `role_shape` say what recorded answers show (a list carries no tags, a
new role no maximum duration). None leaves a member out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from tabard.directory.entities import Group, InstanceProfile, ManagedPolicy, PolicyVersion, Role, User
from tabard.names.arn import parse_arn

_BOUNDARY_TYPE: Final = "Policy"
"""What AWS answers; the model's enum says `PermissionsBoundaryPolicy`."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag, in requests and answers."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPermissionsBoundary:
    """A boundary as GetUser and GetRole show it."""

    permissions_boundary_type: str
    permissions_boundary_arn: str


@dataclass(frozen=True, slots=True)
class AttachedPolicy:
    """A managed policy on an identity."""

    policy_name: str
    policy_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserShape:
    """The model's `User`."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"PasswordLastUsed"})

    path: str
    user_name: str
    user_id: str
    arn: str
    create_date: datetime
    permissions_boundary: AttachedPermissionsBoundary | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupShape:
    """The model's `Group`."""

    path: str
    group_name: str
    group_id: str
    arn: str
    create_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLastUsed:
    """When a role was last used; empty for one that never was, and Tabard keeps no such record."""

    last_used_date: datetime | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleShape:
    """The model's `Role`."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"SourceRoleTemplate"})

    path: str
    role_name: str
    role_id: str
    arn: str
    create_date: datetime
    assume_role_policy_document: str
    description: str | None = None
    max_session_duration: int | None = None
    permissions_boundary: AttachedPermissionsBoundary | None = None
    tags: tuple[Tag, ...] | None = None
    role_last_used: RoleLastUsed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceProfileShape:
    """The model's `InstanceProfile`. Tags are shown by GetInstanceProfile alone."""

    path: str
    instance_profile_name: str
    instance_profile_id: str
    arn: str
    create_date: datetime
    roles: tuple[RoleShape, ...]
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionShape:
    """The model's `PolicyVersion`. The document is shown by GetPolicyVersion and GetAccountAuthorizationDetails."""

    version_id: str
    is_default_version: bool
    create_date: datetime
    document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPage:
    """The answer of every List…Tags."""

    tags: tuple[Tag, ...]
    is_truncated: bool
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNamePage:
    """The answer of every List…Policies that lists inline policies."""

    policy_names: tuple[str, ...]
    is_truncated: bool
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPolicyPage:
    """The answer of every ListAttached…Policies."""

    attached_policies: tuple[AttachedPolicy, ...]
    is_truncated: bool
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPage:
    """The answer of ListGroups and ListGroupsForUser."""

    groups: tuple[GroupShape, ...]
    is_truncated: bool
    marker: str | None = None


def tag_shapes(tags: Mapping[str, str]) -> tuple[Tag, ...]:
    """Stored tags as an answer shows them."""
    return tuple(Tag(key, value) for key, value in tags.items())


def tag_pairs(tags: tuple[Tag, ...] | None) -> tuple[tuple[str, str], ...]:
    """A request's tags as pairs; none were sent is no tags."""
    return tuple((tag.key, tag.value) for tag in tags or ())


def boundary_shape(arn: str | None) -> AttachedPermissionsBoundary | None:
    """A stored boundary as an answer shows it."""
    if arn is None:
        return None
    return AttachedPermissionsBoundary(permissions_boundary_type=_BOUNDARY_TYPE, permissions_boundary_arn=arn)


def attached_policy(arn: str) -> AttachedPolicy:
    """An attached policy: its name is the last segment of its ARN, for policies are never renamed."""
    return AttachedPolicy(parse_arn(arn).name, arn)


def user_shape(user: User, *, full: bool) -> UserShape:
    """A user; `full` adds boundary and tags, which lists leave out."""
    return UserShape(
        path=user.path,
        user_name=user.name,
        user_id=user.id,
        arn=user.arn,
        create_date=user.created,
        permissions_boundary=boundary_shape(user.permissions_boundary) if full else None,
        tags=(tag_shapes(user.tags) or None) if full else None,
    )


def group_shape(group: Group) -> GroupShape:
    """A group."""
    return GroupShape(
        path=group.path, group_name=group.name, group_id=group.id, arn=group.arn, create_date=group.created
    )


def role_shape(
    role: Role, trust_policy: str, *, full: bool = False, description: bool = True, duration: bool = True
) -> RoleShape:
    """A role; `trust_policy` is its document as it is to be shown.

    `full` adds boundary and tags, which lists and roles inside of instance profiles leave out.
    """
    return RoleShape(
        path=role.path,
        role_name=role.name,
        role_id=role.id,
        arn=role.arn,
        create_date=role.created,
        assume_role_policy_document=trust_policy,
        description=role.description if description else None,
        max_session_duration=int(role.max_session_duration.total_seconds()) if duration else None,
        permissions_boundary=boundary_shape(role.permissions_boundary) if full else None,
        tags=(tag_shapes(role.tags) or None) if full else None,
    )


def instance_profile_shape(profile: InstanceProfile, role: RoleShape | None) -> InstanceProfileShape:
    """An instance profile with the role inside."""
    return InstanceProfileShape(
        path=profile.path,
        instance_profile_name=profile.name,
        instance_profile_id=profile.id,
        arn=profile.arn,
        create_date=profile.created,
        roles=() if role is None else (role,),
    )


def policy_version_shape(policy: ManagedPolicy, version: PolicyVersion) -> PolicyVersionShape:
    """A version of a policy, without its document."""
    return PolicyVersionShape(
        version_id=version.id,
        is_default_version=version.id == policy.default_version_id,
        create_date=version.created,
    )
