"""Managed policies: the account's own, and AWS's beside them in lists.

A policy that is attached, or has versions besides its default, is not deleted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import Tag, TagPage, tag_pairs, tag_shapes
from tabard.actions.identities import ask_list, requested_tag_keys, requested_tags
from tabard.actions.identity_policies import tag_page
from tabard.actions.managed_policies import (
    PolicyPageRequest,
    PolicyRequest,
    ask_policy,
    attachments_of,
    existing_policy,
    own_policy,
    require_document,
)
from tabard.actions.paging import page, walk
from tabard.actions.tagged_records import POLICY_DUPLICATE_TAG, ask_new, tagged_record, untagged_record
from tabard.directory.aws_managed import AWS_MANAGED
from tabard.directory.entities import Attachment, ManagedPolicy, PolicyUsage, PolicyVersion
from tabard.directory.rules import tags_from
from tabard.faults import DeleteConflict, EntityAlreadyExists
from tabard.names import ids
from tabard.names.arn import iam_arn
from tabard.names.tags import fold
from tabard.services.ask import Ask

_BATCH: Final = 200
"""Policies read at a time where a list is filtered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyShape:
    """The model's `Policy`. Description and tags are shown by GetPolicy; tags by CreatePolicy where any were given."""

    policy_name: str
    policy_id: str
    arn: str
    path: str
    default_version_id: str
    attachment_count: int
    permissions_boundary_usage_count: int
    is_attachable: bool
    create_date: datetime
    update_date: datetime
    description: str | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResponse:
    """The answer of CreatePolicy and GetPolicy."""

    policy: PolicyShape


# ── create, read, delete ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyRequest:
    policy_name: str
    policy_document: str
    path: str | None = None
    description: str | None = None
    tags: tuple[Tag, ...] | None = None


def create_policy(request: CreatePolicyRequest, desk: Desk) -> PolicyResponse:
    tags = tags_from(tag_pairs(request.tags), duplicate=POLICY_DUPLICATE_TAG)
    require_document(desk, request.policy_document)
    if desk.records.policies.get(desk.account, request.policy_name) is not None:
        raise EntityAlreadyExists(
            f"A policy called {request.policy_name} already exists. Duplicate names are not allowed.",
            reason="policy.exists",
        )
    policy = ManagedPolicy(
        account=desk.account,
        name=request.policy_name,
        id=desk.new_id(ids.MANAGED_POLICY, desk.records.policies.get_by_id),
        created=desk.now,
        updated=desk.now,
        versions=(PolicyVersion(id="v1", document=request.policy_document, created=desk.now),),
        path=request.path or "/",
        description=request.description,
        tags=tags,
    )
    desk.records.policies.put(policy)
    return PolicyResponse(policy=replace(_shape(policy, ()), tags=tag_shapes(tags) or None))


def get_policy(request: PolicyRequest, desk: Desk) -> PolicyResponse:
    policy = existing_policy(desk, request.policy_arn)
    shape = _shape(policy, attachments_of(desk, policy))
    return PolicyResponse(policy=replace(shape, description=policy.description, tags=tag_shapes(policy.tags)))


def delete_policy(request: PolicyRequest, desk: Desk) -> None:
    policy = own_policy(desk, request.policy_arn, "delete policies")
    if attachments_of(desk, policy):
        raise DeleteConflict("Cannot delete a policy attached to entities.", reason="policy.attached")
    if len(policy.versions) > 1:
        raise DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy.",
            reason="policy.versions",
        )
    desk.records.policies.delete(policy)


# ── list ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesRequest:
    scope: str | None = None
    only_attached: bool | None = None
    path_prefix: str | None = None
    policy_usage_filter: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesResponse:
    policies: tuple[PolicyShape, ...]
    is_truncated: bool
    marker: str | None = None


def list_policies(request: ListPoliciesRequest, desk: Desk) -> ListPoliciesResponse:
    def fetch(after: str, limit: int) -> Sequence[PolicyShape]:
        shapes = (_shape(policy, attachments_of(desk, policy)) for policy in _listed(request, desk, after))
        return tuple(islice((shape for shape in shapes if _is_wanted(shape, request)), limit))

    found = page(
        "ListPolicies",
        fetch,
        marker=request.marker,
        max_items=request.max_items,
        key=lambda shape: _list_key(shape.arn, shape.policy_name),
    )
    return ListPoliciesResponse(policies=found.items, is_truncated=found.is_truncated, marker=found.marker)


def _listed(request: ListPoliciesRequest, desk: Desk, after: str) -> Iterator[ManagedPolicy]:
    """The policies of the scope and path: AWS's first, then the account's own, each by name."""
    prefix = request.path_prefix or "/"
    if request.scope != "Local":
        for policy in AWS_MANAGED.values():
            if policy.path.startswith(prefix) and _list_key(policy.arn, policy.name) > after:
                yield policy
    if request.scope != "AWS":
        yield from walk(
            lambda name: desk.records.policies.list(desk.account, path_prefix=prefix, after=name, limit=_BATCH),
            key=lambda policy: fold(policy.name),
            after=after.removeprefix(_OWN) if after.startswith(_OWN) else "",
        )


_AWS: Final = "0"
_OWN: Final = "1"


def _list_key(arn: str, name: str) -> str:
    return f"{_AWS if arn in AWS_MANAGED else _OWN}{fold(name)}"


def _is_wanted(shape: PolicyShape, request: ListPoliciesRequest) -> bool:
    """Every policy can give permissions, so that filter drops only those that serve as boundaries alone."""
    attached, bounding = shape.attachment_count > 0, shape.permissions_boundary_usage_count > 0
    match request.policy_usage_filter:
        case PolicyUsage.BOUNDARY:
            return bounding
        case PolicyUsage.PERMISSIONS:
            return attached or not (bounding or request.only_attached)
        case _:
            return attached or not request.only_attached


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPolicyRequest:
    policy_arn: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagPolicyRequest:
    policy_arn: str
    tag_keys: tuple[str, ...]


def tag_policy(request: TagPolicyRequest, desk: Desk) -> None:
    policy = own_policy(desk, request.policy_arn, "update policies")
    desk.records.policies.put(tagged_record(policy, request.tags, duplicate=POLICY_DUPLICATE_TAG))


def untag_policy(request: UntagPolicyRequest, desk: Desk) -> None:
    policy = own_policy(desk, request.policy_arn, "update policies")
    desk.records.policies.put(untagged_record(policy, request.tag_keys))


def list_policy_tags(request: PolicyPageRequest, desk: Desk) -> TagPage:
    policy = existing_policy(desk, request.policy_arn)
    return tag_page("ListPolicyTags", policy.tags, request.marker, request.max_items)


# ── shapes and questions ─────────────────────────────────────────────────────────────────────────────


def _shape(policy: ManagedPolicy, attachments: Sequence[Attachment]) -> PolicyShape:
    bounding = sum(attachment.usage is PolicyUsage.BOUNDARY for attachment in attachments)
    return PolicyShape(
        policy_name=policy.name,
        policy_id=policy.id,
        arn=policy.arn,
        path=policy.path,
        default_version_id=policy.default_version_id,
        attachment_count=len(attachments) - bounding,
        permissions_boundary_usage_count=bounding,
        is_attachable=True,
        create_date=policy.created,
        update_date=policy.updated,
    )


def _ask_create(request: CreatePolicyRequest, desk: Desk) -> tuple[Ask, ...]:
    arn = iam_arn(desk.account, f"policy{request.path or '/'}{request.policy_name}")
    return ask_new("CreatePolicy", "TagPolicy", desk, arn, request)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreatePolicy",
        request=CreatePolicyRequest,
        response=PolicyResponse,
        ask=_ask_create,
        handle=create_policy,
        writes=True,
    ),
    Action(
        name="GetPolicy",
        request=PolicyRequest,
        response=PolicyResponse,
        ask=ask_policy("GetPolicy"),
        handle=get_policy,
        writes=False,
    ),
    Action(
        name="ListPolicies",
        request=ListPoliciesRequest,
        response=ListPoliciesResponse,
        ask=ask_list("ListPolicies", "policy"),
        handle=list_policies,
        writes=False,
    ),
    Action(
        name="DeletePolicy",
        request=PolicyRequest,
        response=None,
        ask=ask_policy("DeletePolicy"),
        handle=delete_policy,
        writes=True,
    ),
    Action(
        name="TagPolicy",
        request=TagPolicyRequest,
        response=None,
        ask=ask_policy("TagPolicy", requested_tags),
        handle=tag_policy,
        writes=True,
    ),
    Action(
        name="UntagPolicy",
        request=UntagPolicyRequest,
        response=None,
        ask=ask_policy("UntagPolicy", requested_tag_keys),
        handle=untag_policy,
        writes=True,
    ),
    Action(
        name="ListPolicyTags",
        request=PolicyPageRequest,
        response=TagPage,
        ask=ask_policy("ListPolicyTags"),
        handle=list_policy_tags,
        writes=False,
    ),
)
