"""Service-linked roles: made under AWS's name for a service, with its trust policy and permissions, and deleted.

Which services have one is `directory/service_linked.py`. Nobody but the service may change such a role (`roles.py`).
On AWS a deletion is a task that waits until the service lets go of the role. Here no service ever holds one, so the
role is gone at once, and the task that is answered has succeeded; it can be asked about for a day.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import RoleShape, role_shape
from tabard.actions.identities import ask_role, no_such, question, role_named
from tabard.directory.entities import Role, RoleDeletion
from tabard.directory.rules import SERVICE_LINKED_PATH
from tabard.directory.service_linked import LINKED_SERVICES, LinkedService
from tabard.faults import ConstraintViolated, InvalidInput, NoSuchEntity
from tabard.names import ids
from tabard.names.arn import iam_arn
from tabard.services.ask import Ask

_NAME_LENGTH: Final = 64
_REMEMBERED: Final = timedelta(days=1)
_TASK_ENTROPY: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateServiceLinkedRoleRequest:
    aws_service_name: str
    description: str | None = None
    custom_suffix: str | None = None


@dataclass(frozen=True, slots=True)
class CreateServiceLinkedRoleResponse:
    role: RoleShape


def create_service_linked_role(request: CreateServiceLinkedRoleRequest, desk: Desk) -> CreateServiceLinkedRoleResponse:
    service = LINKED_SERVICES.get(request.aws_service_name)
    if service is None:
        raise InvalidInput(f"Service {request.aws_service_name} has no service-linked role.", reason="slr.service")
    if request.custom_suffix is not None and not service.takes_suffix:
        raise InvalidInput(f"Custom suffix is not allowed for {service.principal}", reason="slr.suffix")
    name = _name(service, request.custom_suffix)
    if len(name) > _NAME_LENGTH:
        raise ConstraintViolated(f"Role names have at most {_NAME_LENGTH} characters: {name}", reason="slr.name-length")
    if desk.records.roles.get(desk.account, name) is not None:
        raise InvalidInput(
            f"Service role name {name} has been taken in this account, please try a different suffix.",
            reason="role.exists",
        )
    role = Role(
        account=desk.account,
        name=name,
        id=desk.new_id(ids.ROLE, desk.records.roles.get_by_id),
        created=desk.now,
        assume_role_policy_document=service.trust_policy,
        path=service.path,
        description=request.description,
        attached_policies=(service.policy_arn,),
    )
    desk.records.roles.put(role)
    return CreateServiceLinkedRoleResponse(
        role_shape(role, role.assume_role_policy_document, description=False, duration=False)
    )


@dataclass(frozen=True, slots=True)
class DeleteServiceLinkedRoleRequest:
    role_name: str


@dataclass(frozen=True, slots=True)
class DeleteServiceLinkedRoleResponse:
    deletion_task_id: str


def delete_service_linked_role(request: DeleteServiceLinkedRoleRequest, desk: Desk) -> DeleteServiceLinkedRoleResponse:
    role = role_named(desk, request.role_name)
    if not role.path.startswith(SERVICE_LINKED_PATH):
        raise no_such("role", request.role_name)
    desk.records.roles.delete(role)
    for old in desk.records.role_deletions.of(desk.account):
        if old.created <= desk.now - _REMEMBERED:
            desk.records.role_deletions.delete(old)
    number = uuid.UUID(bytes=desk.entropy(_TASK_ENTROPY), version=4)
    task_id = f"task{role.path}{role.name}/{number}"
    desk.records.role_deletions.put(RoleDeletion(account=desk.account, task_id=task_id, created=desk.now))
    return DeleteServiceLinkedRoleResponse(task_id)


@dataclass(frozen=True, slots=True)
class GetServiceLinkedRoleDeletionStatusRequest:
    deletion_task_id: str


@dataclass(frozen=True, slots=True)
class RoleUsage:
    """The model's `RoleUsageType`."""

    region: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeletionFailure:
    """The model's `DeletionTaskFailureReasonType`. Nothing fails here."""

    reason: str
    role_usage_list: tuple[RoleUsage, ...]


@dataclass(frozen=True, slots=True)
class GetServiceLinkedRoleDeletionStatusResponse:
    status: str
    reason: DeletionFailure | None = None


def get_service_linked_role_deletion_status(
    request: GetServiceLinkedRoleDeletionStatusRequest, desk: Desk
) -> GetServiceLinkedRoleDeletionStatusResponse:
    deletion = desk.records.role_deletions.get(request.deletion_task_id)
    if deletion is None or deletion.account != desk.account:
        raise NoSuchEntity(
            f"The deletion task with id {request.deletion_task_id} cannot be found.", reason="slr.task-missing"
        )
    return GetServiceLinkedRoleDeletionStatusResponse("SUCCEEDED")


def _name(service: LinkedService, suffix: str | None) -> str:
    return service.role_name if suffix is None else f"{service.role_name}_{suffix}"


def _ask_create(request: CreateServiceLinkedRoleRequest, desk: Desk) -> tuple[Ask, ...]:
    """About the role that will be made; of a service without one, about any role of that service."""
    service = LINKED_SERVICES.get(request.aws_service_name)
    name = "*" if service is None else _name(service, request.custom_suffix)
    arn = iam_arn(desk.account, f"role{SERVICE_LINKED_PATH}{request.aws_service_name}/{name}")
    return (question("CreateServiceLinkedRole", desk, arn, [("iam:AWSServiceName", request.aws_service_name)]),)


def _ask_status(request: GetServiceLinkedRoleDeletionStatusRequest, desk: Desk) -> tuple[Ask, ...]:
    """About the role that the task's id names: `task/aws-service-role/<service>/<role>/<uuid>`."""
    role = request.deletion_task_id.removeprefix("task/").rpartition("/")[0]
    return (question("GetServiceLinkedRoleDeletionStatus", desk, iam_arn(desk.account, f"role/{role}")),)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateServiceLinkedRole",
        request=CreateServiceLinkedRoleRequest,
        response=CreateServiceLinkedRoleResponse,
        ask=_ask_create,
        handle=create_service_linked_role,
        writes=True,
    ),
    Action(
        name="DeleteServiceLinkedRole",
        request=DeleteServiceLinkedRoleRequest,
        response=DeleteServiceLinkedRoleResponse,
        ask=ask_role("DeleteServiceLinkedRole"),
        handle=delete_service_linked_role,
        writes=True,
    ),
    Action(
        name="GetServiceLinkedRoleDeletionStatus",
        request=GetServiceLinkedRoleDeletionStatusRequest,
        response=GetServiceLinkedRoleDeletionStatusResponse,
        ask=_ask_status,
        handle=get_service_linked_role_deletion_status,
        writes=False,
    ),
)
