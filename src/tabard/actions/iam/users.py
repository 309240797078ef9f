"""IAM users: the record, its tags and its permissions boundary.

A user's unique id stays through renames, and with it keys, password, groups and policies; only the ARN changes (IAM
User Guide, "Renaming an IAM user"). Deletion does not cascade. Policies of users are in `user_policies.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import (
    GroupPage,
    Tag,
    TagPage,
    UserShape,
    group_shape,
    tag_pairs,
    user_shape,
)
from tabard.actions.identities import (
    ask_create,
    ask_list,
    ask_user,
    question,
    requested_boundary,
    requested_tag_keys,
    requested_tags,
    resource_tags,
    stored_boundary,
    user_named,
    user_or_caller,
)
from tabard.actions.identity_policies import (
    checked_boundary,
    require_bare,
    tag_page,
    with_boundary,
    without_boundary,
)
from tabard.actions.paging import page, page_of
from tabard.directory.entities import Group, User
from tabard.directory.rules import require_path, tagged, tags_from, untagged
from tabard.faults import DeleteConflict, EntityAlreadyExists
from tabard.names import ids
from tabard.names.arn import iam_arn, root_arn
from tabard.names.tags import fold
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True)
class UserName:
    """A request that says no more than which user."""

    user_name: str


# ── create, get, list ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUserRequest:
    user_name: str
    path: str | None = None
    permissions_boundary: str | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True)
class UserResponse:
    user: UserShape


def create_user(request: CreateUserRequest, desk: Desk) -> UserResponse:
    require_path(request.path or "/")
    tags = tags_from(tag_pairs(request.tags))
    _require_free(desk, request.user_name)
    boundary = request.permissions_boundary
    user = User(
        account=desk.account,
        name=request.user_name,
        id=desk.new_id(ids.USER, desk.records.users.get_by_id),
        created=desk.now,
        path=request.path or "/",
        tags=tags,
        permissions_boundary=checked_boundary(desk, boundary) if boundary is not None else None,
    )
    desk.records.users.put(user)
    return UserResponse(user_shape(user, full=True))


def _ask_create_user(request: CreateUserRequest, desk: Desk) -> tuple[Ask, ...]:
    return ask_create("CreateUser", "TagUser", f"user{request.path or '/'}{request.user_name}", request, desk)


@dataclass(frozen=True, slots=True)
class GetUserRequest:
    user_name: str | None = None


def get_user(request: GetUserRequest, desk: Desk) -> UserResponse:
    if request.user_name is None and desk.caller.is_root:
        return UserResponse(_root_shape(desk))
    return UserResponse(user_shape(user_or_caller(desk, request.user_name), full=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersRequest:
    path_prefix: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersResponse:
    users: tuple[UserShape, ...]
    is_truncated: bool
    marker: str | None = None


def list_users(request: ListUsersRequest, desk: Desk) -> ListUsersResponse:
    found = page(
        "ListUsers",
        lambda after, limit: desk.records.users.list(
            desk.account, path_prefix=request.path_prefix or "/", after=after, limit=limit
        ),
        marker=request.marker,
        max_items=request.max_items,
        key=lambda user: fold(user.name),
    )
    return ListUsersResponse(
        users=tuple(user_shape(user, full=False) for user in found.items),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


# ── update, delete ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateUserRequest:
    user_name: str
    new_path: str | None = None
    new_user_name: str | None = None


def update_user(request: UpdateUserRequest, desk: Desk) -> None:
    user = user_named(desk, request.user_name)
    path = request.new_path or user.path
    name = request.new_user_name or user.name
    require_path(path)
    if fold(name) != fold(user.name):
        _require_free(desk, name)
    desk.records.users.put(replace(user, path=path, name=name))


def _ask_update_user(request: UpdateUserRequest, desk: Desk) -> tuple[Ask, ...]:
    """Source and target: who may change only bob may not make robert of him."""
    user = desk.records.users.get(desk.account, request.user_name)
    path, name = (user.path, user.name) if user is not None else ("/", request.user_name)
    source = iam_arn(desk.account, f"user{path}{name}")
    target = iam_arn(desk.account, f"user{request.new_path or path}{request.new_user_name or name}")
    tags = user.tags if user is not None else {}
    return tuple(question("UpdateUser", desk, arn, resource_tags(tags)) for arn in dict.fromkeys((source, target)))


def delete_user(request: UserName, desk: Desk) -> None:
    user = user_named(desk, request.user_name)
    if desk.records.login_profiles.get(user.id) is not None:
        raise DeleteConflict("Cannot delete entity, must delete login profile first.", reason="in-use.login-profile")
    if desk.records.access_keys.of(user.id):
        raise DeleteConflict("Cannot delete entity, must delete access keys first.", reason="in-use.access-keys")
    if desk.records.mfa_devices.of(user.id):
        raise DeleteConflict("Cannot delete entity, must delete MFA device first.", reason="in-use.mfa")
    require_bare(user)
    if user.groups:
        raise DeleteConflict("Cannot delete entity, must remove users from group first.", reason="in-use.groups")
    desk.records.users.delete(user)


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TagUserRequest:
    user_name: str
    tags: tuple[Tag, ...]


def tag_user(request: TagUserRequest, desk: Desk) -> None:
    tags = tags_from(tag_pairs(request.tags))
    user = user_named(desk, request.user_name)
    desk.records.users.put(replace(user, tags=tagged(user.tags, tags)))


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagUserRequest:
    user_name: str
    tag_keys: tuple[str, ...]


def untag_user(request: UntagUserRequest, desk: Desk) -> None:
    user = user_named(desk, request.user_name)
    desk.records.users.put(replace(user, tags=untagged(user.tags, request.tag_keys)))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPageRequest:
    """A page of something that a user has."""

    user_name: str
    marker: str | None = None
    max_items: int | None = None


def list_user_tags(request: UserPageRequest, desk: Desk) -> TagPage:
    user = user_named(desk, request.user_name)
    return tag_page("ListUserTags", user.tags, request.marker, request.max_items)


# ── permissions boundary ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class PutUserPermissionsBoundaryRequest:
    user_name: str
    permissions_boundary: str


def put_user_permissions_boundary(request: PutUserPermissionsBoundaryRequest, desk: Desk) -> None:
    user = user_named(desk, request.user_name)
    desk.records.users.put(with_boundary(desk, user, request.permissions_boundary))


def delete_user_permissions_boundary(request: UserName, desk: Desk) -> None:
    desk.records.users.put(without_boundary(user_named(desk, request.user_name)))


# ── groups ─────────────────────────────────────────────────────────────────────────────


def list_groups_for_user(request: UserPageRequest, desk: Desk) -> GroupPage:
    groups = sorted(_groups_of(user_named(desk, request.user_name), desk), key=lambda group: fold(group.name))
    found = page_of(
        "ListGroupsForUser",
        groups,
        marker=request.marker,
        max_items=request.max_items,
        key=lambda group: fold(group.name),
    )
    return GroupPage(
        groups=tuple(group_shape(group) for group in found.items),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


# ── inside ───────────────────────────────────────────────────────────────────────────────────────────


def _require_free(desk: Desk, name: str) -> None:
    if desk.records.users.get(desk.account, name) is not None:
        raise EntityAlreadyExists(f"User with name {name} already exists.", reason="user.exists")


def _groups_of(user: User, desk: Desk) -> Iterator[Group]:
    for group_id in user.groups:
        group = desk.records.groups.get_by_id(group_id)
        if group is not None:
            yield group


def _root_shape(desk: Desk) -> UserShape:
    """Root asks who it is: the account, by its alias or else its name."""
    account = desk.records.accounts.get(desk.account)
    if account is None:
        raise LookupError(f"account {desk.account} is not in the store")
    return UserShape(
        path="/",
        user_name=desk.records.settings.get(desk.account).alias or account.name,
        user_id=account.id,
        arn=root_arn(account.id),
        create_date=account.created,
    )


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateUser",
        request=CreateUserRequest,
        response=UserResponse,
        ask=_ask_create_user,
        handle=create_user,
        writes=True,
    ),
    Action(
        name="GetUser",
        request=GetUserRequest,
        response=UserResponse,
        ask=ask_user("GetUser"),
        handle=get_user,
        writes=False,
    ),
    Action(
        name="ListUsers",
        request=ListUsersRequest,
        response=ListUsersResponse,
        ask=ask_list("ListUsers", "user"),
        handle=list_users,
        writes=False,
    ),
    Action(
        name="UpdateUser",
        request=UpdateUserRequest,
        response=None,
        ask=_ask_update_user,
        handle=update_user,
        writes=True,
    ),
    Action(
        name="DeleteUser", request=UserName, response=None, ask=ask_user("DeleteUser"), handle=delete_user, writes=True
    ),
    Action(
        name="TagUser",
        request=TagUserRequest,
        response=None,
        ask=ask_user("TagUser", requested_tags),
        handle=tag_user,
        writes=True,
    ),
    Action(
        name="UntagUser",
        request=UntagUserRequest,
        response=None,
        ask=ask_user("UntagUser", requested_tag_keys),
        handle=untag_user,
        writes=True,
    ),
    Action(
        name="ListUserTags",
        request=UserPageRequest,
        response=TagPage,
        ask=ask_user("ListUserTags"),
        handle=list_user_tags,
        writes=False,
    ),
    Action(
        name="PutUserPermissionsBoundary",
        request=PutUserPermissionsBoundaryRequest,
        response=None,
        ask=ask_user("PutUserPermissionsBoundary", requested_boundary),
        handle=put_user_permissions_boundary,
        writes=True,
    ),
    Action(
        name="DeleteUserPermissionsBoundary",
        request=UserName,
        response=None,
        ask=ask_user("DeleteUserPermissionsBoundary", stored_boundary),
        handle=delete_user_permissions_boundary,
        writes=True,
    ),
    Action(
        name="ListGroupsForUser",
        request=UserPageRequest,
        response=GroupPage,
        ask=ask_user("ListGroupsForUser"),
        handle=list_groups_for_user,
        writes=False,
    ),
)
