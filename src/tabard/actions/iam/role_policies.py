"""The policies of roles: inline and attached."""

from dataclasses import dataclass

from tabard.actions.identities import ask_role, modifiable_role, role_named
from tabard.actions.policy_operations import Noun, Requests, policy_actions
from tabard.directory.entities import Role


@dataclass(frozen=True, slots=True)
class PutRolePolicyRequest:
    role_name: str
    policy_name: str
    policy_document: str


@dataclass(frozen=True, slots=True)
class RolePolicyName:
    """GetRolePolicy and DeleteRolePolicy."""

    role_name: str
    policy_name: str


@dataclass(frozen=True, slots=True)
class GetRolePolicyResponse:
    role_name: str
    policy_name: str
    policy_document: str


@dataclass(frozen=True, slots=True)
class RolePolicyARN:
    """AttachRolePolicy and DetachRolePolicy."""

    role_name: str
    policy_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRolePoliciesRequest:
    role_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedRolePoliciesRequest:
    role_name: str
    path_prefix: str | None = None
    marker: str | None = None
    max_items: int | None = None


_NOUN: Noun[Role] = Noun(
    word="Role",
    find=lambda request, desk: role_named(desk, request.role_name),
    find_to_change=lambda request, desk: modifiable_role(desk, request.role_name),
    put=lambda desk, role: desk.records.roles.put(role),
    ask=ask_role,
    requests=Requests(
        document=PutRolePolicyRequest,
        name=RolePolicyName,
        arn=RolePolicyARN,
        names=ListRolePoliciesRequest,
        arns=ListAttachedRolePoliciesRequest,
    ),
    answer=GetRolePolicyResponse,
)

ACTIONS = policy_actions(_NOUN)
