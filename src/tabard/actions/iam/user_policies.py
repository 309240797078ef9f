"""The policies of users: inline and attached."""

from dataclasses import dataclass

from tabard.actions.identities import ask_user, user_named
from tabard.actions.policy_operations import Noun, Requests, policy_actions
from tabard.directory.entities import User


@dataclass(frozen=True, slots=True)
class PutUserPolicyRequest:
    user_name: str
    policy_name: str
    policy_document: str


@dataclass(frozen=True, slots=True)
class UserPolicyName:
    """GetUserPolicy and DeleteUserPolicy."""

    user_name: str
    policy_name: str


@dataclass(frozen=True, slots=True)
class GetUserPolicyResponse:
    user_name: str
    policy_name: str
    policy_document: str


@dataclass(frozen=True, slots=True)
class UserPolicyARN:
    """AttachUserPolicy and DetachUserPolicy."""

    user_name: str
    policy_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUserPoliciesRequest:
    user_name: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttachedUserPoliciesRequest:
    user_name: str
    path_prefix: str | None = None
    marker: str | None = None
    max_items: int | None = None


_NOUN: Noun[User] = Noun(
    word="User",
    find=lambda request, desk: user_named(desk, request.user_name),
    find_to_change=lambda request, desk: user_named(desk, request.user_name),
    put=lambda desk, user: desk.records.users.put(user),
    ask=ask_user,
    requests=Requests(
        document=PutUserPolicyRequest,
        name=UserPolicyName,
        arn=UserPolicyARN,
        names=ListUserPoliciesRequest,
        arns=ListAttachedUserPoliciesRequest,
    ),
    answer=GetUserPolicyResponse,
)

ACTIONS = policy_actions(_NOUN)
