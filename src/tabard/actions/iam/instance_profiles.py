"""Instance profiles: holders of at most one role.

Putting a role into a profile hands it to whoever may launch with the profile, so the caller must be allowed to
pass the role too (IAM User Guide, "Granting a user permissions to pass a role to an AWS service").
"""

from dataclasses import dataclass, replace

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import (
    InstanceProfileShape,
    Tag,
    TagPage,
    instance_profile_shape,
    role_shape,
    tag_pairs,
    tag_shapes,
)
from tabard.actions.identities import (
    AskFor,
    Keys,
    ask_list,
    ask_role,
    modifiable_role,
    question,
    requested_tag_keys,
    requested_tags,
    resource_tags,
    role_named,
)
from tabard.actions.identity_policies import page_by_position, tag_page
from tabard.actions.paging import page
from tabard.actions.tagged_records import ask_new, tagged_record, untagged_record
from tabard.actions.trust_documents import shown_trust_policy
from tabard.directory import quotas
from tabard.directory.entities import InstanceProfile
from tabard.directory.rules import require_path, require_quota, tags_from
from tabard.faults import DeleteConflict, EntityAlreadyExists, NoSuchEntity
from tabard.names import ids
from tabard.names.arn import iam_arn
from tabard.names.tags import fold
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceProfilePage:
    """The answer of ListInstanceProfiles and ListInstanceProfilesForRole."""

    instance_profiles: tuple[InstanceProfileShape, ...]
    is_truncated: bool
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRequest:
    """A request that names an instance profile and nothing else."""

    instance_profile_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileResponse:
    """The answer of CreateInstanceProfile and GetInstanceProfile."""

    instance_profile: InstanceProfileShape


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRoleRequest:
    """A request that names an instance profile and a role."""

    instance_profile_name: str
    role_name: str


# ── create, read, delete ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateInstanceProfileRequest:
    instance_profile_name: str
    path: str | None = None
    tags: tuple[Tag, ...] | None = None


def create_instance_profile(request: CreateInstanceProfileRequest, desk: Desk) -> ProfileResponse:
    path = request.path or "/"
    require_path(path)
    tags = tags_from(tag_pairs(request.tags))
    name = request.instance_profile_name
    if desk.records.instance_profiles.get(desk.account, name) is not None:
        raise EntityAlreadyExists(f"Instance Profile {name} already exists.", reason="instance-profile.exists")
    profile = InstanceProfile(
        account=desk.account,
        name=name,
        id=desk.new_id(ids.INSTANCE_PROFILE, desk.records.instance_profiles.get_by_id),
        created=desk.now,
        path=path,
        tags=tags,
    )
    desk.records.instance_profiles.put(profile)
    return ProfileResponse(instance_profile=_shape(desk, profile))


def get_instance_profile(request: ProfileRequest, desk: Desk) -> ProfileResponse:
    profile = _profile(desk, request.instance_profile_name)
    return ProfileResponse(instance_profile=replace(_shape(desk, profile), tags=tag_shapes(profile.tags)))


def delete_instance_profile(request: ProfileRequest, desk: Desk) -> None:
    profile = _profile(desk, request.instance_profile_name)
    if profile.role_id is not None:
        raise DeleteConflict(
            "Cannot delete entity, must remove roles from instance profile first.", reason="instance-profile.in-use"
        )
    desk.records.instance_profiles.delete(profile)


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInstanceProfilesRequest:
    path_prefix: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInstanceProfilesForRoleRequest:
    role_name: str
    marker: str | None = None
    max_items: int | None = None


def list_instance_profiles(request: ListInstanceProfilesRequest, desk: Desk) -> InstanceProfilePage:
    found = page(
        "ListInstanceProfiles",
        lambda after, limit: desk.records.instance_profiles.list(
            desk.account, path_prefix=request.path_prefix or "/", after=after, limit=limit
        ),
        marker=request.marker,
        max_items=request.max_items,
        key=lambda profile: fold(profile.name),
    )
    shapes = tuple(_shape(desk, profile) for profile in found.items)
    return InstanceProfilePage(instance_profiles=shapes, is_truncated=found.is_truncated, marker=found.marker)


def list_instance_profiles_for_role(request: ListInstanceProfilesForRoleRequest, desk: Desk) -> InstanceProfilePage:
    role = role_named(desk, request.role_name)
    profiles = desk.records.instance_profiles.for_role(role.id)
    found = page_by_position(
        "ListInstanceProfilesForRole", profiles, marker=request.marker, max_items=request.max_items
    )
    shapes = tuple(_shape(desk, profile) for profile in found.items)
    return InstanceProfilePage(instance_profiles=shapes, is_truncated=found.is_truncated, marker=found.marker)


# ── the role inside ──────────────────────────────────────────────────────────────────────────────────


def add_role_to_instance_profile(request: ProfileRoleRequest, desk: Desk) -> None:
    profile = _profile(desk, request.instance_profile_name)
    role = modifiable_role(desk, request.role_name)
    held = 0 if profile.role_id is None else 1
    require_quota("InstanceSessionsPerInstanceProfile", held + 1, quotas.ROLES_PER_INSTANCE_PROFILE)
    desk.records.instance_profiles.put(replace(profile, role_id=role.id))


def remove_role_from_instance_profile(request: ProfileRoleRequest, desk: Desk) -> None:
    profile = _profile(desk, request.instance_profile_name)
    role = role_named(desk, request.role_name)
    if profile.role_id != role.id:
        raise NoSuchEntity(
            f"Role {request.role_name} in Instance Profile {request.instance_profile_name} cannot be found.",
            reason="instance-profile.role-missing",
        )
    desk.records.instance_profiles.put(replace(profile, role_id=None))


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TagInstanceProfileRequest:
    instance_profile_name: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagInstanceProfileRequest:
    instance_profile_name: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInstanceProfileTagsRequest:
    instance_profile_name: str
    marker: str | None = None
    max_items: int | None = None


def tag_instance_profile(request: TagInstanceProfileRequest, desk: Desk) -> None:
    profile = _profile(desk, request.instance_profile_name)
    desk.records.instance_profiles.put(tagged_record(profile, request.tags))


def untag_instance_profile(request: UntagInstanceProfileRequest, desk: Desk) -> None:
    profile = _profile(desk, request.instance_profile_name)
    desk.records.instance_profiles.put(untagged_record(profile, request.tag_keys))


def list_instance_profile_tags(request: ListInstanceProfileTagsRequest, desk: Desk) -> TagPage:
    profile = _profile(desk, request.instance_profile_name)
    return tag_page("ListInstanceProfileTags", profile.tags, request.marker, request.max_items)


# ── records, shapes, questions ───────────────────────────────────────────────────────────────────────


def _profile(desk: Desk, name: str) -> InstanceProfile:
    profile = desk.records.instance_profiles.get(desk.account, name)
    if profile is None:
        raise NoSuchEntity(f"Instance Profile {name} cannot be found.", reason="instance-profile.missing")
    return profile


def _shape(desk: Desk, profile: InstanceProfile) -> InstanceProfileShape:
    role = desk.records.roles.get_by_id(profile.role_id) if profile.role_id is not None else None
    if role is None:
        return instance_profile_shape(profile, None)
    return instance_profile_shape(profile, role_shape(role, shown_trust_policy(desk.records, role), duration=False))


def _ask_create(request: CreateInstanceProfileRequest, desk: Desk) -> tuple[Ask, ...]:
    arn = iam_arn(desk.account, f"instance-profile{request.path or '/'}{request.instance_profile_name}")
    return ask_new("CreateInstanceProfile", "TagInstanceProfile", desk, arn, request)


def _ask(operation: str, *keys: Keys) -> AskFor:
    """The question about the profile that `request.instance_profile_name` names."""

    def ask(request: ProfileRequest, desk: Desk) -> tuple[Ask, ...]:
        profile = desk.records.instance_profiles.get(desk.account, request.instance_profile_name)
        pairs = [pair for source in keys for pair in source(request, None)]
        if profile is None:
            absent = iam_arn(desk.account, f"instance-profile/{request.instance_profile_name}")
            return (question(operation, desk, absent, pairs),)
        return (question(operation, desk, profile.arn, [*resource_tags(profile.tags), *pairs]),)

    return ask


def _ask_add_role(request: ProfileRoleRequest, desk: Desk) -> tuple[Ask, ...]:
    """The role goes to EC2, the one service that takes instance profiles."""
    role = desk.records.roles.get(desk.account, request.role_name)
    role_arn = role.arn if role is not None else iam_arn(desk.account, f"role/{request.role_name}")
    passing = question("PassRole", desk, role_arn, [("iam:PassedToService", "ec2.amazonaws.com")])
    return (*_ask("AddRoleToInstanceProfile")(request, desk), passing)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateInstanceProfile",
        request=CreateInstanceProfileRequest,
        response=ProfileResponse,
        ask=_ask_create,
        handle=create_instance_profile,
        writes=True,
    ),
    Action(
        name="GetInstanceProfile",
        request=ProfileRequest,
        response=ProfileResponse,
        ask=_ask("GetInstanceProfile"),
        handle=get_instance_profile,
        writes=False,
    ),
    Action(
        name="ListInstanceProfiles",
        request=ListInstanceProfilesRequest,
        response=InstanceProfilePage,
        ask=ask_list("ListInstanceProfiles", "instance-profile"),
        handle=list_instance_profiles,
        writes=False,
    ),
    Action(
        name="DeleteInstanceProfile",
        request=ProfileRequest,
        response=None,
        ask=_ask("DeleteInstanceProfile"),
        handle=delete_instance_profile,
        writes=True,
    ),
    Action(
        name="AddRoleToInstanceProfile",
        request=ProfileRoleRequest,
        response=None,
        ask=_ask_add_role,
        handle=add_role_to_instance_profile,
        writes=True,
    ),
    Action(
        name="RemoveRoleFromInstanceProfile",
        request=ProfileRoleRequest,
        response=None,
        ask=_ask("RemoveRoleFromInstanceProfile"),
        handle=remove_role_from_instance_profile,
        writes=True,
    ),
    Action(
        name="ListInstanceProfilesForRole",
        request=ListInstanceProfilesForRoleRequest,
        response=InstanceProfilePage,
        ask=ask_role("ListInstanceProfilesForRole"),
        handle=list_instance_profiles_for_role,
        writes=False,
    ),
    Action(
        name="TagInstanceProfile",
        request=TagInstanceProfileRequest,
        response=None,
        ask=_ask("TagInstanceProfile", requested_tags),
        handle=tag_instance_profile,
        writes=True,
    ),
    Action(
        name="UntagInstanceProfile",
        request=UntagInstanceProfileRequest,
        response=None,
        ask=_ask("UntagInstanceProfile", requested_tag_keys),
        handle=untag_instance_profile,
        writes=True,
    ),
    Action(
        name="ListInstanceProfileTags",
        request=ListInstanceProfileTagsRequest,
        response=TagPage,
        ask=_ask("ListInstanceProfileTags"),
        handle=list_instance_profile_tags,
        writes=False,
    ),
)
