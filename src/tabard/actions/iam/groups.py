"""IAM groups: the record and its members. Policies of groups are in `group_policies.py`.

Membership is kept by the user, as the group's unique id, so that it lives through renames of either.
"""

from dataclasses import dataclass, replace

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import GroupPage, GroupShape, UserShape, group_shape, user_shape
from tabard.actions.identities import ask_group, ask_list, group_named, no_such, question, user_named
from tabard.actions.identity_policies import require_bare
from tabard.actions.paging import page
from tabard.directory import quotas
from tabard.directory.entities import Group
from tabard.directory.rules import require_path, require_quota
from tabard.faults import DeleteConflict, EntityAlreadyExists
from tabard.names import ids
from tabard.names.arn import iam_arn
from tabard.names.tags import fold
from tabard.services.ask import Ask

# ── create, get, list ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CreateGroupRequest:
    group_name: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class CreateGroupResponse:
    group: GroupShape


def create_group(request: CreateGroupRequest, desk: Desk) -> CreateGroupResponse:
    require_path(request.path or "/")
    _require_free(desk, request.group_name)
    group = Group(
        account=desk.account,
        name=request.group_name,
        id=desk.new_id(ids.GROUP, desk.records.groups.get_by_id),
        created=desk.now,
        path=request.path or "/",
    )
    desk.records.groups.put(group)
    return CreateGroupResponse(group_shape(group))


def _ask_create_group(request: CreateGroupRequest, desk: Desk) -> tuple[Ask, ...]:
    resource = iam_arn(desk.account, f"group{request.path or '/'}{request.group_name}")
    return (question("CreateGroup", desk, resource),)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGroupRequest:
    group_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGroupResponse:
    group: GroupShape
    users: tuple[UserShape, ...]
    is_truncated: bool
    marker: str | None = None


def get_group(request: GetGroupRequest, desk: Desk) -> GetGroupResponse:
    group = group_named(desk, request.group_name)
    members = page(
        "GetGroup",
        lambda after, limit: desk.records.users.in_group(group.id, after=after, limit=limit),
        marker=request.marker,
        max_items=request.max_items,
        key=lambda user: fold(user.name),
    )
    return GetGroupResponse(
        group=group_shape(group),
        users=tuple(user_shape(user, full=False) for user in members.items),
        is_truncated=members.is_truncated,
        marker=members.marker,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupsRequest:
    path_prefix: str | None = None
    marker: str | None = None
    max_items: int | None = None


def list_groups(request: ListGroupsRequest, desk: Desk) -> GroupPage:
    found = page(
        "ListGroups",
        lambda after, limit: desk.records.groups.list(
            desk.account, path_prefix=request.path_prefix or "/", after=after, limit=limit
        ),
        marker=request.marker,
        max_items=request.max_items,
        key=lambda group: fold(group.name),
    )
    return GroupPage(
        groups=tuple(group_shape(group) for group in found.items),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


# ── update, delete ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateGroupRequest:
    group_name: str
    new_path: str | None = None
    new_group_name: str | None = None


def update_group(request: UpdateGroupRequest, desk: Desk) -> None:
    group = group_named(desk, request.group_name)
    path = request.new_path or group.path
    name = request.new_group_name or group.name
    require_path(path)
    if fold(name) != fold(group.name):
        _require_free(desk, name)
    desk.records.groups.put(replace(group, path=path, name=name))


def _ask_update_group(request: UpdateGroupRequest, desk: Desk) -> tuple[Ask, ...]:
    """Source and target, as for users."""
    group = desk.records.groups.get(desk.account, request.group_name)
    path, name = (group.path, group.name) if group is not None else ("/", request.group_name)
    source = iam_arn(desk.account, f"group{path}{name}")
    target = iam_arn(desk.account, f"group{request.new_path or path}{request.new_group_name or name}")
    return tuple(question("UpdateGroup", desk, arn) for arn in dict.fromkeys((source, target)))


@dataclass(frozen=True, slots=True)
class DeleteGroupRequest:
    group_name: str


def delete_group(request: DeleteGroupRequest, desk: Desk) -> None:
    group = group_named(desk, request.group_name)
    if desk.records.users.in_group(group.id, limit=1):
        raise DeleteConflict("Cannot delete entity, must remove users from group first.", reason="in-use.members")
    require_bare(group)
    desk.records.groups.delete(group)


# ── members ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class MembershipRequest:
    """AddUserToGroup and RemoveUserFromGroup."""

    group_name: str
    user_name: str


def add_user_to_group(request: MembershipRequest, desk: Desk) -> None:
    """A member that joins again stays one."""
    user = user_named(desk, request.user_name)
    group = group_named(desk, request.group_name)
    if group.id in user.groups:
        return
    require_quota("GroupsPerUser", len(user.groups) + 1, quotas.GROUPS_PER_USER)
    desk.records.users.put(replace(user, groups=(*user.groups, group.id)))


def remove_user_from_group(request: MembershipRequest, desk: Desk) -> None:
    user = user_named(desk, request.user_name)
    group = group_named(desk, request.group_name)
    if group.id not in user.groups:
        raise no_such("user", user.name)
    desk.records.users.put(replace(user, groups=tuple(g for g in user.groups if g != group.id)))


def _require_free(desk: Desk, name: str) -> None:
    if desk.records.groups.get(desk.account, name) is not None:
        raise EntityAlreadyExists(f"Group with name {name} already exists.", reason="group.exists")


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateGroup",
        request=CreateGroupRequest,
        response=CreateGroupResponse,
        ask=_ask_create_group,
        handle=create_group,
        writes=True,
    ),
    Action(
        name="GetGroup",
        request=GetGroupRequest,
        response=GetGroupResponse,
        ask=ask_group("GetGroup"),
        handle=get_group,
        writes=False,
    ),
    Action(
        name="ListGroups",
        request=ListGroupsRequest,
        response=GroupPage,
        ask=ask_list("ListGroups", "group"),
        handle=list_groups,
        writes=False,
    ),
    Action(
        name="UpdateGroup",
        request=UpdateGroupRequest,
        response=None,
        ask=_ask_update_group,
        handle=update_group,
        writes=True,
    ),
    Action(
        name="DeleteGroup",
        request=DeleteGroupRequest,
        response=None,
        ask=ask_group("DeleteGroup"),
        handle=delete_group,
        writes=True,
    ),
    Action(
        name="AddUserToGroup",
        request=MembershipRequest,
        response=None,
        ask=ask_group("AddUserToGroup"),
        handle=add_user_to_group,
        writes=True,
    ),
    Action(
        name="RemoveUserFromGroup",
        request=MembershipRequest,
        response=None,
        ask=ask_group("RemoveUserFromGroup"),
        handle=remove_user_from_group,
        writes=True,
    ),
)
