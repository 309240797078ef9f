"""The policies that an organisation writes, and AWS's two beside them: create, change, describe, delete, list."""

from dataclasses import dataclass, replace
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.organization_faults import (
    ConstraintViolation,
    DuplicatePolicy,
    InvalidOrganizationInput,
    PolicyInUse,
)
from tabard.actions.organization_records import (
    ask_about,
    ask_everything,
    ask_new,
    by_name,
    managed_organization,
    new_id,
    policies_of,
    policy_named,
    policy_type,
    require_text,
    results_of,
)
from tabard.actions.organization_shapes import (
    PolicyShape,
    PolicySummary,
    Tag,
    policy_shape,
    policy_summary,
    tag_pairs,
)
from tabard.directory.entities import OrganizationPolicy, OrganizationPolicyType
from tabard.directory.organizations import AWS_POLICIES, POLICY_SIZE, content_size, parse_content
from tabard.directory.rules import tags_from
from tabard.names import ids
from tabard.ports.store import NameTaken
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyRequest:
    content: str
    description: str
    name: str
    type: str
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True)
class CreatePolicyResponse:
    policy: PolicyShape


def create_policy(request: CreatePolicyRequest, desk: Desk) -> CreatePolicyResponse:
    organization = managed_organization(desk)
    kind = policy_type(request.type)
    require_text(request.name)
    require_text(request.description)
    _require_content(request.content, kind)
    policy = OrganizationPolicy(
        organization_id=organization.id,
        id=new_id(desk, ids.ORGANIZATION_POLICY, desk.records.organization_policies.get),
        name=request.name,
        type=kind,
        content=request.content,
        description=request.description,
        tags=tags_from(tag_pairs(request.tags)),
    )
    _put(desk, policy)
    return CreatePolicyResponse(policy_shape(organization, policy))


def _ask_create_policy(request: CreatePolicyRequest, desk: Desk) -> tuple[Ask, ...]:
    return ask_new("CreatePolicy", "policy", lambda asked: f"{asked.type.lower()}/*", request, desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePolicyRequest:
    policy_id: str
    name: str | None = None
    description: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class UpdatePolicyResponse:
    policy: PolicyShape


def update_policy(request: UpdatePolicyRequest, desk: Desk) -> UpdatePolicyResponse:
    """What the request leaves out stays as it is."""
    organization = managed_organization(desk)
    policy = policy_named(desk.records, organization, request.policy_id)
    _require_changeable(policy)
    name = policy.name if request.name is None else request.name
    description = policy.description if request.description is None else request.description
    require_text(name)
    require_text(description)
    if request.content is not None:
        _require_content(request.content, policy.type)
        policy = replace(policy, content=request.content)
    policy = replace(policy, name=name, description=description)
    _put(desk, policy)
    return UpdatePolicyResponse(policy_shape(organization, policy))


@dataclass(frozen=True, slots=True)
class DescribePolicyRequest:
    policy_id: str


@dataclass(frozen=True, slots=True)
class DescribePolicyResponse:
    policy: PolicyShape


def describe_policy(request: DescribePolicyRequest, desk: Desk) -> DescribePolicyResponse:
    organization = managed_organization(desk)
    return DescribePolicyResponse(
        policy_shape(organization, policy_named(desk.records, organization, request.policy_id))
    )


@dataclass(frozen=True, slots=True)
class DeletePolicyRequest:
    policy_id: str


def delete_policy(request: DeletePolicyRequest, desk: Desk) -> None:
    organization = managed_organization(desk)
    policy = policy_named(desk.records, organization, request.policy_id)
    _require_changeable(policy)
    if desk.records.organization_policies.attachments(organization.id, policy.id):
        raise PolicyInUse
    desk.records.organization_policies.delete(policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesRequest:
    filter: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListPoliciesResponse:
    policies: tuple[PolicySummary, ...]
    next_token: str | None = None


def list_policies(request: ListPoliciesRequest, desk: Desk) -> ListPoliciesResponse:
    """AWS's own first."""
    organization = managed_organization(desk)
    kind = policy_type(request.filter)
    found = (*AWS_POLICIES.values(), *policies_of(desk.records, organization))
    page = results_of(
        f"ListPolicies.{kind}",
        request,
        [policy for policy in found if policy.type is kind],
        key=lambda policy: f"{policy.id not in AWS_POLICIES:d}{by_name(policy)}",
    )
    return ListPoliciesResponse(tuple(policy_summary(organization, policy) for policy in page.items), page.marker)


def _require_content(content: str, kind: OrganizationPolicyType) -> None:
    if content_size(content) > POLICY_SIZE:
        raise ConstraintViolation(
            f"The policy's content exceeds the maximum size of {POLICY_SIZE} characters.",
            rule="POLICY_CONTENT_LIMIT_EXCEEDED",
        )
    parse_content(content, kind)


def _require_changeable(policy: OrganizationPolicy) -> None:
    if policy.id in AWS_POLICIES:
        raise InvalidOrganizationInput(
            "You specified a policy that is managed by AWS and can't be modified.", rule="IMMUTABLE_POLICY"
        )


def _put(desk: Desk, policy: OrganizationPolicy) -> None:
    try:
        desk.records.organization_policies.put(policy)
    except NameTaken:
        raise DuplicatePolicy from None


ACTIONS: Final = (
    Action(
        name="CreatePolicy",
        request=CreatePolicyRequest,
        response=CreatePolicyResponse,
        ask=_ask_create_policy,
        handle=create_policy,
        writes=True,
    ),
    Action(
        name="UpdatePolicy",
        request=UpdatePolicyRequest,
        response=UpdatePolicyResponse,
        ask=ask_about("UpdatePolicy", "policy_id"),
        handle=update_policy,
        writes=True,
    ),
    Action(
        name="DescribePolicy",
        request=DescribePolicyRequest,
        response=DescribePolicyResponse,
        ask=ask_about("DescribePolicy", "policy_id"),
        handle=describe_policy,
        writes=False,
    ),
    Action(
        name="DeletePolicy",
        request=DeletePolicyRequest,
        response=None,
        ask=ask_about("DeletePolicy", "policy_id"),
        handle=delete_policy,
        writes=True,
    ),
    Action(
        name="ListPolicies",
        request=ListPoliciesRequest,
        response=ListPoliciesResponse,
        ask=ask_everything("ListPolicies"),
        handle=list_policies,
        writes=False,
    ),
)
