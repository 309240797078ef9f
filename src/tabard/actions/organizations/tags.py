"""Tags of the root, of units, accounts and policies, as Organizations keeps them."""

from dataclasses import dataclass, replace
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.organization_faults import (
    InvalidOrganizationInput,
    OrganizationPolicyNotFound,
    TargetNotFound,
)
from tabard.actions.organization_records import (
    Tagged,
    ask_about,
    managed_organization,
    policy_named,
    put_target,
    results_of,
    target_of,
)
from tabard.actions.organization_shapes import Tag, tag_pairs, tag_shapes
from tabard.directory.entities import OrganizationPolicy
from tabard.directory.organizations import AWS_POLICIES
from tabard.directory.rules import tagged, tags_from, untagged
from tabard.names import ids
from tabard.names.tags import fold


@dataclass(frozen=True, slots=True)
class TagResourceRequest:
    resource_id: str
    tags: tuple[Tag, ...]


def tag_resource(request: TagResourceRequest, desk: Desk) -> None:
    record = _changeable(desk, request.resource_id)
    _put(desk, replace(record, tags=tagged(record.tags, tags_from(tag_pairs(request.tags)))))


@dataclass(frozen=True, slots=True)
class UntagResourceRequest:
    resource_id: str
    tag_keys: tuple[str, ...]


def untag_resource(request: UntagResourceRequest, desk: Desk) -> None:
    record = _changeable(desk, request.resource_id)
    _put(desk, replace(record, tags=untagged(record.tags, request.tag_keys)))


@dataclass(frozen=True, slots=True)
class ListTagsForResourceRequest:
    resource_id: str
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class ListTagsForResourceResponse:
    tags: tuple[Tag, ...]
    next_token: str | None = None


def list_tags(request: ListTagsForResourceRequest, desk: Desk) -> ListTagsForResourceResponse:
    shapes = tag_shapes(_record(desk, request.resource_id).tags)
    page = results_of("ListTagsForResource", request, shapes, key=lambda tag: fold(tag.key))
    return ListTagsForResourceResponse(page.items, page.marker)


def _record(desk: Desk, resource_id: str) -> Tagged:
    organization = managed_organization(desk)
    try:
        if resource_id.startswith(ids.ORGANIZATION_POLICY):
            return policy_named(desk.records, organization, resource_id)
        return target_of(desk.records, organization, resource_id)
    except OrganizationPolicyNotFound as missing:
        raise TargetNotFound from missing


def _changeable(desk: Desk, resource_id: str) -> Tagged:
    record = _record(desk, resource_id)
    if record.id in AWS_POLICIES:
        raise InvalidOrganizationInput(
            "You specified a policy that is managed by AWS and can't be modified.", rule="IMMUTABLE_POLICY"
        )
    return record


def _put(desk: Desk, record: Tagged) -> None:
    if isinstance(record, OrganizationPolicy):
        desk.records.organization_policies.put(record)
    else:
        put_target(desk.records, record)


ACTIONS: Final = (
    Action(
        name="TagResource",
        request=TagResourceRequest,
        response=None,
        ask=ask_about("TagResource", "resource_id"),
        handle=tag_resource,
        writes=True,
    ),
    Action(
        name="UntagResource",
        request=UntagResourceRequest,
        response=None,
        ask=ask_about("UntagResource", "resource_id"),
        handle=untag_resource,
        writes=True,
    ),
    Action(
        name="ListTagsForResource",
        request=ListTagsForResourceRequest,
        response=ListTagsForResourceResponse,
        ask=ask_about("ListTagsForResource", "resource_id"),
        handle=list_tags,
        writes=False,
    ),
)
