"""The policies of groups: inline and attached."""

from dataclasses import dataclass

from tabard.actions.identities import ask_group, group_named
from tabard.actions.policy_operations import Noun, Requests, policy_actions
from tabard.directory.entities import Group


@dataclass(frozen=True, slots=True)
class PutGroupPolicyRequest:
    group_name: str
    policy_name: str
    policy_document: str


@dataclass(frozen=True, slots=True)
class GroupPolicyName:
    """GetGroupPolicy and DeleteGroupPolicy."""

    group_name: str
    policy_name: str


@dataclass(frozen=True, slots=True)
class GetGroupPolicyResponse:
    group_name: str
    policy_name: str
    policy_document: str


@dataclass(frozen=True, slots=True)
class GroupPolicyARN:
    """AttachGroupPolicy and DetachGroupPolicy."""

    group_name: str
    policy_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroupPoliciesRequest:
    group_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedGroupPoliciesRequest:
    group_name: str
    path_prefix: str | None = None
    marker: str | None = None
    max_items: int | None = None


_NOUN: Noun[Group] = Noun(
    word="Group",
    find=lambda request, desk: group_named(desk, request.group_name),
    find_to_change=lambda request, desk: group_named(desk, request.group_name),
    put=lambda desk, group: desk.records.groups.put(group),
    ask=ask_group,
    requests=Requests(
        document=PutGroupPolicyRequest,
        name=GroupPolicyName,
        arn=GroupPolicyARN,
        names=ListGroupPoliciesRequest,
        arns=ListAttachedGroupPoliciesRequest,
    ),
    answer=GetGroupPolicyResponse,
)

ACTIONS = policy_actions(_NOUN)
