"""IAM roles: the record, its trust policy, tags and permissions boundary.

The trust policy is checked and bound to unique ids when it is saved (`actions/trust_documents.py`). Deletion
does not cascade. Roles under `/aws-service-role/` belong to AWS services and are not made or changed here.
Policies of roles are in `role_policies.py`.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import RoleLastUsed, RoleShape, Tag, TagPage, role_shape, tag_pairs
from tabard.actions.identities import (
    ask_create,
    ask_list,
    ask_role,
    modifiable_role,
    requested_boundary,
    requested_tag_keys,
    requested_tags,
    role_named,
    stored_boundary,
)
from tabard.actions.identity_policies import (
    checked_boundary,
    require_bare,
    tag_page,
    with_boundary,
    without_boundary,
)
from tabard.actions.paging import page
from tabard.actions.trust_documents import bind_trust_policy, shown_trust_policy
from tabard.directory.entities import Role
from tabard.directory.rules import SERVICE_LINKED_PATH, require_path, tagged, tags_from, untagged
from tabard.faults import DeleteConflict, EntityAlreadyExists, InvalidInput
from tabard.names import ids
from tabard.names.tags import fold
from tabard.services.ask import Ask

DEFAULT_MAXIMUM = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RoleName:
    """A request that says no more than which role."""

    role_name: str


@dataclass(frozen=True, slots=True)
class RoleResponse:
    role: RoleShape


# ── create, get, list ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRoleRequest:
    role_name: str
    assume_role_policy_document: str
    path: str | None = None
    description: str | None = None
    max_session_duration: int | None = None
    permissions_boundary: str | None = None
    tags: tuple[Tag, ...] | None = None


def create_role(request: CreateRoleRequest, desk: Desk) -> RoleResponse:
    path = request.path or "/"
    require_path(path)
    if path.startswith(SERVICE_LINKED_PATH):
        raise InvalidInput(f"The path {SERVICE_LINKED_PATH} is reserved for AWS services.", reason="path.reserved")
    tags = tags_from(tag_pairs(request.tags))
    if desk.records.roles.get(desk.account, request.role_name) is not None:
        raise EntityAlreadyExists(f"Role with name {request.role_name} already exists.", reason="role.exists")
    boundary = request.permissions_boundary
    role = Role(
        account=desk.account,
        name=request.role_name,
        id=desk.new_id(ids.ROLE, desk.records.roles.get_by_id),
        created=desk.now,
        assume_role_policy_document=request.assume_role_policy_document,
        principal_ids=bind_trust_policy(desk, request.assume_role_policy_document),
        path=path,
        description=request.description,
        max_session_duration=_maximum(request.max_session_duration),
        tags=tags,
        permissions_boundary=checked_boundary(desk, boundary) if boundary is not None else None,
    )
    desk.records.roles.put(role)
    document = role.assume_role_policy_document
    return RoleResponse(role_shape(role, document, full=True, description=False, duration=False))


def _ask_create_role(request: CreateRoleRequest, desk: Desk) -> tuple[Ask, ...]:
    return ask_create("CreateRole", "TagRole", f"role{request.path or '/'}{request.role_name}", request, desk)


def get_role(request: RoleName, desk: Desk) -> RoleResponse:
    role = role_named(desk, request.role_name)
    shape = role_shape(role, shown_trust_policy(desk.records, role), full=True)
    return RoleResponse(replace(shape, role_last_used=RoleLastUsed()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRolesRequest:
    path_prefix: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRolesResponse:
    roles: tuple[RoleShape, ...]
    is_truncated: bool
    marker: str | None = None


def list_roles(request: ListRolesRequest, desk: Desk) -> ListRolesResponse:
    found = page(
        "ListRoles",
        lambda after, limit: desk.records.roles.list(
            desk.account, path_prefix=request.path_prefix or "/", after=after, limit=limit
        ),
        marker=request.marker,
        max_items=request.max_items,
        key=lambda role: fold(role.name),
    )
    return ListRolesResponse(
        roles=tuple(role_shape(role, shown_trust_policy(desk.records, role)) for role in found.items),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


# ── update, delete ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRoleRequest:
    role_name: str
    description: str | None = None
    max_session_duration: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateRoleResponse:
    """Nothing, but as a result element."""


def update_role(request: UpdateRoleRequest, desk: Desk) -> UpdateRoleResponse:
    """A description that is not given stays; a maximum that is not given becomes one hour, as AWS documents."""
    role = modifiable_role(desk, request.role_name)
    description = request.description if request.description is not None else role.description
    desk.records.roles.put(
        replace(role, description=description, max_session_duration=_maximum(request.max_session_duration))
    )
    return UpdateRoleResponse()


@dataclass(frozen=True, slots=True)
class UpdateRoleDescriptionRequest:
    role_name: str
    description: str


def update_role_description(request: UpdateRoleDescriptionRequest, desk: Desk) -> RoleResponse:
    """The one thing that may be changed of a service's role, too."""
    role = replace(role_named(desk, request.role_name), description=request.description)
    desk.records.roles.put(role)
    return RoleResponse(role_shape(role, shown_trust_policy(desk.records, role), duration=False))


@dataclass(frozen=True, slots=True)
class UpdateAssumeRolePolicyRequest:
    role_name: str
    policy_document: str


def update_assume_role_policy(request: UpdateAssumeRolePolicyRequest, desk: Desk) -> None:
    role = modifiable_role(desk, request.role_name)
    desk.records.roles.put(
        replace(
            role,
            assume_role_policy_document=request.policy_document,
            principal_ids=bind_trust_policy(desk, request.policy_document),
        )
    )


def delete_role(request: RoleName, desk: Desk) -> None:
    role = modifiable_role(desk, request.role_name)
    if desk.records.instance_profiles.for_role(role.id):
        raise DeleteConflict(
            "Cannot delete entity, must remove roles from instance profile first.", reason="in-use.instance-profile"
        )
    require_bare(role)
    desk.records.roles.delete(role)


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TagRoleRequest:
    role_name: str
    tags: tuple[Tag, ...]


def tag_role(request: TagRoleRequest, desk: Desk) -> None:
    tags = tags_from(tag_pairs(request.tags))
    role = modifiable_role(desk, request.role_name)
    desk.records.roles.put(replace(role, tags=tagged(role.tags, tags)))


@dataclass(frozen=True, slots=True)
class UntagRoleRequest:
    role_name: str
    tag_keys: tuple[str, ...]


def untag_role(request: UntagRoleRequest, desk: Desk) -> None:
    role = modifiable_role(desk, request.role_name)
    desk.records.roles.put(replace(role, tags=untagged(role.tags, request.tag_keys)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRoleTagsRequest:
    role_name: str
    marker: str | None = None
    max_items: int | None = None


def list_role_tags(request: ListRoleTagsRequest, desk: Desk) -> TagPage:
    role = role_named(desk, request.role_name)
    return tag_page("ListRoleTags", role.tags, request.marker, request.max_items)


# ── permissions boundary ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PutRolePermissionsBoundaryRequest:
    role_name: str
    permissions_boundary: str


def put_role_permissions_boundary(request: PutRolePermissionsBoundaryRequest, desk: Desk) -> None:
    role = modifiable_role(desk, request.role_name)
    desk.records.roles.put(with_boundary(desk, role, request.permissions_boundary))


def delete_role_permissions_boundary(request: RoleName, desk: Desk) -> None:
    desk.records.roles.put(without_boundary(modifiable_role(desk, request.role_name)))


def _maximum(seconds: int | None) -> timedelta:
    return timedelta(seconds=seconds) if seconds is not None else DEFAULT_MAXIMUM


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateRole",
        request=CreateRoleRequest,
        response=RoleResponse,
        ask=_ask_create_role,
        handle=create_role,
        writes=True,
    ),
    Action(
        name="GetRole", request=RoleName, response=RoleResponse, ask=ask_role("GetRole"), handle=get_role, writes=False
    ),
    Action(
        name="ListRoles",
        request=ListRolesRequest,
        response=ListRolesResponse,
        ask=ask_list("ListRoles", "role"),
        handle=list_roles,
        writes=False,
    ),
    Action(
        name="UpdateRole",
        request=UpdateRoleRequest,
        response=UpdateRoleResponse,
        ask=ask_role("UpdateRole"),
        handle=update_role,
        writes=True,
    ),
    Action(
        name="UpdateRoleDescription",
        request=UpdateRoleDescriptionRequest,
        response=RoleResponse,
        ask=ask_role("UpdateRoleDescription"),
        handle=update_role_description,
        writes=True,
    ),
    Action(
        name="UpdateAssumeRolePolicy",
        request=UpdateAssumeRolePolicyRequest,
        response=None,
        ask=ask_role("UpdateAssumeRolePolicy"),
        handle=update_assume_role_policy,
        writes=True,
    ),
    Action(
        name="DeleteRole",
        request=RoleName,
        response=None,
        ask=ask_role("DeleteRole"),
        handle=delete_role,
        writes=True,
    ),
    Action(
        name="TagRole",
        request=TagRoleRequest,
        response=None,
        ask=ask_role("TagRole", requested_tags),
        handle=tag_role,
        writes=True,
    ),
    Action(
        name="UntagRole",
        request=UntagRoleRequest,
        response=None,
        ask=ask_role("UntagRole", requested_tag_keys),
        handle=untag_role,
        writes=True,
    ),
    Action(
        name="ListRoleTags",
        request=ListRoleTagsRequest,
        response=TagPage,
        ask=ask_role("ListRoleTags"),
        handle=list_role_tags,
        writes=False,
    ),
    Action(
        name="PutRolePermissionsBoundary",
        request=PutRolePermissionsBoundaryRequest,
        response=None,
        ask=ask_role("PutRolePermissionsBoundary", requested_boundary),
        handle=put_role_permissions_boundary,
        writes=True,
    ),
    Action(
        name="DeleteRolePermissionsBoundary",
        request=RoleName,
        response=None,
        ask=ask_role("DeleteRolePermissionsBoundary", stored_boundary),
        handle=delete_role_permissions_boundary,
        writes=True,
    ),
)
