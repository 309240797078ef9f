"""The seven operations on an identity's policies, once for users, groups and roles.

`PutUserPolicy`, `PutGroupPolicy` and `PutRolePolicy` differ in a word and in the member that names the identity.
A noun's module states its request types and how a request finds its identity (`Noun`); the rows are made here.
Handlers read only members that the three types share, so a request is `Any` to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import AttachedPolicyPage, PolicyNamePage
from tabard.actions.identities import AskFor, requested_policy, stored_boundary
from tabard.actions.identity_policies import (
    I,
    attached_page,
    inline_page,
    inline_policy,
    with_attached_policy,
    with_inline_policy,
    without_attached_policy,
    without_inline_policy,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """A noun's types: each has the member that names the identity, and what stands beside it."""

    document: type[Any]
    """policy_name, policy_document"""
    name: type[Any]
    """policy_name"""
    arn: type[Any]
    """policy_arn"""
    names: type[Any]
    """marker, max_items"""
    arns: type[Any]
    """path_prefix, marker, max_items"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun(Generic[I]):
    """How a kind of identity is named, found, asked about, put back, and answered with."""

    word: str
    find: Callable[[Any, Desk], I]
    find_to_change: Callable[[Any, Desk], I]
    put: Callable[[Desk, I], None]
    ask: Callable[..., AskFor]
    requests: Requests
    answer: type[Any]
    """What Get…Policy answers; it takes the identity's name, the policy's name and its text."""


def policy_actions(noun: Noun[I]) -> tuple[Action, ...]:
    """The rows of Put, Get, List and Delete…Policy, and of Attach, Detach and ListAttached."""
    return (*_inline_actions(noun), *_attached_actions(noun))


def _inline_actions(noun: Noun[I]) -> tuple[Action, ...]:
    put, get, delete = f"Put{noun.word}Policy", f"Get{noun.word}Policy", f"Delete{noun.word}Policy"
    names = f"List{noun.word}Policies"

    def put_policy(request: Any, desk: Desk) -> None:
        identity = noun.find_to_change(request, desk)
        noun.put(desk, with_inline_policy(desk, identity, request.policy_name, request.policy_document))

    def get_policy(request: Any, desk: Desk) -> Any:
        identity = noun.find(request, desk)
        return noun.answer(identity.name, request.policy_name, inline_policy(identity, request.policy_name))

    def delete_policy(request: Any, desk: Desk) -> None:
        noun.put(desk, without_inline_policy(noun.find_to_change(request, desk), request.policy_name))

    def list_policies(request: Any, desk: Desk) -> PolicyNamePage:
        return inline_page(names, noun.find(request, desk), request.marker, request.max_items)

    ask, types = noun.ask, noun.requests
    return (
        _writes(put, types.document, ask(put, stored_boundary), put_policy),
        _reads(get, types.name, noun.answer, ask(get), get_policy),
        _writes(delete, types.name, ask(delete, stored_boundary), delete_policy),
        _reads(names, types.names, PolicyNamePage, ask(names), list_policies),
    )


def _attached_actions(noun: Noun[I]) -> tuple[Action, ...]:
    attach, detach = f"Attach{noun.word}Policy", f"Detach{noun.word}Policy"
    attached = f"ListAttached{noun.word}Policies"

    def attach_policy(request: Any, desk: Desk) -> None:
        noun.put(desk, with_attached_policy(desk, noun.find_to_change(request, desk), request.policy_arn))

    def detach_policy(request: Any, desk: Desk) -> None:
        noun.put(desk, without_attached_policy(desk, noun.find_to_change(request, desk), request.policy_arn))

    def list_attached(request: Any, desk: Desk) -> AttachedPolicyPage:
        identity = noun.find(request, desk)
        return attached_page(
            attached, identity, path_prefix=request.path_prefix, marker=request.marker, max_items=request.max_items
        )

    ask, types = noun.ask, noun.requests
    return (
        _writes(attach, types.arn, ask(attach, stored_boundary, requested_policy), attach_policy),
        _writes(detach, types.arn, ask(detach, stored_boundary, requested_policy), detach_policy),
        _reads(attached, types.arns, AttachedPolicyPage, ask(attached), list_attached),
    )


def _writes(name: str, request: type[Any], ask: AskFor, handle: Callable[[Any, Desk], None]) -> Action:
    return Action(name=name, request=request, response=None, ask=ask, handle=handle, writes=True)


def _reads(
    name: str, request: type[Any], response: type[Any], ask: AskFor, handle: Callable[[Any, Desk], Any]
) -> Action:
    return Action(name=name, request=request, response=response, ask=ask, handle=handle, writes=False)
