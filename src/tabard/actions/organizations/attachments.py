"""Which policies are attached to which root, unit or account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.organization_faults import (
    ConstraintViolation,
    DuplicatePolicyAttachment,
    InvalidOrganizationInput,
    PolicyNotAttached,
    PolicyTypeNotEnabled,
)
from tabard.actions.organization_records import (
    all_targets,
    ask_about,
    by_name,
    managed_organization,
    policy_named,
    policy_type,
    put_target,
    results_of,
    target_of,
    with_policies,
)
from tabard.actions.organization_shapes import (
    PolicySummary,
    Target,
    policy_summary,
    target_id,
    target_shape,
)
from tabard.directory.entities import Organization, OrganizationPolicy, OrganizationPolicyType, PolicyTarget
from tabard.directory.organizations import AWS_POLICIES, POLICIES_PER_TARGET, RESOURCE_FULL_ACCESS
from tabard.ports.store import Records

_TYPES: Final = ("ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT")


@dataclass(frozen=True, slots=True)
class AttachPolicyRequest:
    policy_id: str
    target_id: str


def attach_policy(request: AttachPolicyRequest, desk: Desk) -> None:
    organization = managed_organization(desk)
    policy = policy_named(desk.records, organization, request.policy_id)
    target = target_of(desk.records, organization, request.target_id)
    if policy.type not in organization.enabled_policy_types:
        raise PolicyTypeNotEnabled
    attached = list(_attached(desk.records, organization, target, policy.type))
    if policy in attached:
        raise DuplicatePolicyAttachment
    if len(attached) >= POLICIES_PER_TARGET:
        raise ConstraintViolation(
            "You have attached the maximum number of policies to the specified target.",
            rule="MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )
    put_target(desk.records, with_policies(target, (*target.attached_policies, policy.id)))


@dataclass(frozen=True, slots=True)
class DetachPolicyRequest:
    policy_id: str
    target_id: str


def detach_policy(request: DetachPolicyRequest, desk: Desk) -> None:
    organization = managed_organization(desk)
    policy = policy_named(desk.records, organization, request.policy_id)
    target = target_of(desk.records, organization, request.target_id)
    if policy is RESOURCE_FULL_ACCESS:
        raise InvalidOrganizationInput("RCPFullAWSAccess can't be detached.", rule="IMMUTABLE_POLICY")
    attached = list(_attached(desk.records, organization, target, policy.type))
    if policy not in attached:
        raise PolicyNotAttached
    if len(attached) == 1:
        raise ConstraintViolation(
            "You cannot remove the last policy attached to the specified target. "
            "You must have at least one attached at all times.",
            rule="MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        )
    put_target(desk.records, with_policies(target, (each for each in target.attached_policies if each != policy.id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesForTargetRequest:
    target_id: str
    filter: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListPoliciesForTargetResponse:
    policies: tuple[PolicySummary, ...]
    next_token: str | None = None


def list_policies_for_target(request: ListPoliciesForTargetRequest, desk: Desk) -> ListPoliciesForTargetResponse:
    """What is attached to the target itself; what is above it counts too and is not listed."""
    organization = managed_organization(desk)
    target = target_of(desk.records, organization, request.target_id)
    kind = policy_type(request.filter)
    page = results_of(
        "ListPoliciesForTarget",
        request,
        _attached(desk.records, organization, target, kind),
        key=lambda policy: f"{policy.id not in AWS_POLICIES:d}{by_name(policy)}",
    )
    return ListPoliciesForTargetResponse(
        tuple(policy_summary(organization, policy) for policy in page.items), page.marker
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTargetsForPolicyRequest:
    policy_id: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListTargetsForPolicyResponse:
    targets: tuple[Target, ...]
    next_token: str | None = None


def list_targets_for_policy(request: ListTargetsForPolicyRequest, desk: Desk) -> ListTargetsForPolicyResponse:
    organization = managed_organization(desk)
    policy = policy_named(desk.records, organization, request.policy_id)
    page = results_of(
        "ListTargetsForPolicy",
        request,
        _targets(desk.records, organization, policy),
        key=lambda target: f"{_TYPES.index(target.type)}{target.target_id}",
    )
    return ListTargetsForPolicyResponse(page.items, page.marker)


def _attached(
    records: Records, organization: Organization, target: PolicyTarget, kind: OrganizationPolicyType
) -> Iterator[OrganizationPolicy]:
    """The policies of one type on a target, with the one that is everywhere."""
    if kind is RESOURCE_FULL_ACCESS.type and kind in organization.enabled_policy_types:
        yield RESOURCE_FULL_ACCESS
    for policy_id in target.attached_policies:
        policy = policy_named(records, organization, policy_id)
        if policy.type is kind:
            yield policy


def _targets(records: Records, organization: Organization, policy: OrganizationPolicy) -> Iterator[Target]:
    if policy is RESOURCE_FULL_ACCESS:
        everything = all_targets(records, organization) if policy.type in organization.enabled_policy_types else ()
        for target in everything:
            yield target_shape(organization, target, records.accounts.get(target_id(target)))
        return
    for attachment in records.organization_policies.attachments(organization.id, policy.id):
        where = organization.root_id if attachment.id == organization.id else attachment.id
        target = target_of(records, organization, where)
        yield target_shape(organization, target, records.accounts.get(where))


ACTIONS: Final = (
    Action(
        name="AttachPolicy",
        request=AttachPolicyRequest,
        response=None,
        ask=ask_about("AttachPolicy", "policy_id", "target_id"),
        handle=attach_policy,
        writes=True,
    ),
    Action(
        name="DetachPolicy",
        request=DetachPolicyRequest,
        response=None,
        ask=ask_about("DetachPolicy", "policy_id", "target_id"),
        handle=detach_policy,
        writes=True,
    ),
    Action(
        name="ListPoliciesForTarget",
        request=ListPoliciesForTargetRequest,
        response=ListPoliciesForTargetResponse,
        ask=ask_about("ListPoliciesForTarget", "target_id"),
        handle=list_policies_for_target,
        writes=False,
    ),
    Action(
        name="ListTargetsForPolicy",
        request=ListTargetsForPolicyRequest,
        response=ListTargetsForPolicyResponse,
        ask=ask_about("ListTargetsForPolicy", "policy_id"),
        handle=list_targets_for_policy,
        writes=False,
    ),
)
