"""The organisation, its root, and which types of policies count in it."""

from dataclasses import dataclass, replace
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.organization_faults import (
    AlreadyInOrganization,
    FeatureSetNotBuilt,
    OrganizationNotEmpty,
    PolicyTypeAlreadyEnabled,
    PolicyTypeNotEnabled,
    RootNotFound,
)
from tabard.actions.organization_records import (
    accounts_in,
    all_targets,
    ask_about,
    ask_everything,
    managed_organization,
    new_id,
    own_organization,
    policies_of,
    policy_type,
    put_target,
    units_under,
    with_policies,
)
from tabard.actions.organization_shapes import (
    FEATURES,
    OrganizationShape,
    RootShape,
    organization_shape,
    root_shape,
)
from tabard.directory.entities import Organization, OrganizationAccount, OrganizationPolicyType
from tabard.directory.organizations import AWS_POLICIES, FULL_ACCESS
from tabard.names import ids


@dataclass(frozen=True, slots=True)
class CreateOrganizationRequest:
    feature_set: str | None = None


@dataclass(frozen=True, slots=True)
class CreateOrganizationResponse:
    organization: OrganizationShape


def create_organization(request: CreateOrganizationRequest, desk: Desk) -> CreateOrganizationResponse:
    """The caller's account becomes the management account, right under the root."""
    if request.feature_set not in (None, FEATURES):
        raise FeatureSetNotBuilt
    if desk.records.organization_accounts.get(desk.account) is not None:
        raise AlreadyInOrganization
    organization = Organization(
        id=new_id(desk, ids.ORGANIZATION, desk.records.organizations.get),
        management_account=desk.account,
        root_id=new_id(desk, ids.ORGANIZATION_ROOT, lambda _: None),
        created=desk.now,
    )
    desk.records.organizations.put(organization)
    desk.records.organization_accounts.put(
        OrganizationAccount(
            organization_id=organization.id, parent_id=organization.root_id, id=desk.account, joined=desk.now
        )
    )
    return CreateOrganizationResponse(organization_shape(organization))


@dataclass(frozen=True, slots=True)
class DescribeOrganizationRequest:
    pass


@dataclass(frozen=True, slots=True)
class DescribeOrganizationResponse:
    organization: OrganizationShape


def describe_organization(_request: DescribeOrganizationRequest, desk: Desk) -> DescribeOrganizationResponse:
    """The one thing that a member account may see."""
    return DescribeOrganizationResponse(organization_shape(own_organization(desk)))


@dataclass(frozen=True, slots=True)
class DeleteOrganizationRequest:
    pass


def delete_organization(_request: DeleteOrganizationRequest, desk: Desk) -> None:
    """The organisation with its units and policies, once only the management account is left in it."""
    organization = managed_organization(desk)
    records = desk.records
    places = list(accounts_in(records, organization))
    if [place.id for place in places] != [organization.management_account]:
        raise OrganizationNotEmpty
    for unit in list(units_under(records, organization.root_id)):
        records.organizational_units.delete(unit)
    for policy in list(policies_of(records, organization)):
        records.organization_policies.delete(policy)
    records.organization_accounts.delete(places[0])
    records.organizations.delete(organization)


@dataclass(frozen=True, slots=True)
class ListRootsRequest:
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListRootsResponse:
    roots: tuple[RootShape, ...]
    next_token: str | None = None


def list_roots(_request: ListRootsRequest, desk: Desk) -> ListRootsResponse:
    return ListRootsResponse((root_shape(managed_organization(desk)),))


@dataclass(frozen=True, slots=True)
class EnablePolicyTypeRequest:
    root_id: str
    policy_type: str


@dataclass(frozen=True, slots=True)
class EnablePolicyTypeResponse:
    root: RootShape


def enable_policy_type(request: EnablePolicyTypeRequest, desk: Desk) -> EnablePolicyTypeResponse:
    """From now on the type counts; `FullAWSAccess` is attached everywhere, so that this alone forbids nothing."""
    organization = _with_root(desk, request.root_id)
    wanted = policy_type(request.policy_type)
    if wanted in organization.enabled_policy_types:
        raise PolicyTypeAlreadyEnabled
    enabled = tuple(each for each in OrganizationPolicyType if each in (*organization.enabled_policy_types, wanted))
    desk.records.organizations.put(replace(organization, enabled_policy_types=enabled))
    if wanted is OrganizationPolicyType.SERVICE_CONTROL:
        for target in list(all_targets(desk.records, managed_organization(desk))):
            put_target(desk.records, with_policies(target, (*target.attached_policies, FULL_ACCESS.id)))
    return EnablePolicyTypeResponse(root_shape(managed_organization(desk)))


@dataclass(frozen=True, slots=True)
class DisablePolicyTypeRequest:
    root_id: str
    policy_type: str


@dataclass(frozen=True, slots=True)
class DisablePolicyTypeResponse:
    root: RootShape


def disable_policy_type(request: DisablePolicyTypeRequest, desk: Desk) -> DisablePolicyTypeResponse:
    """The type counts no more, and all policies of it are detached from everything."""
    organization = _with_root(desk, request.root_id)
    unwanted = policy_type(request.policy_type)
    if unwanted not in organization.enabled_policy_types:
        raise PolicyTypeNotEnabled
    enabled = tuple(each for each in organization.enabled_policy_types if each is not unwanted)
    desk.records.organizations.put(replace(organization, enabled_policy_types=enabled))
    written = (*AWS_POLICIES.values(), *policies_of(desk.records, organization))
    gone = {policy.id for policy in written if policy.type is unwanted}
    for target in list(all_targets(desk.records, managed_organization(desk))):
        kept = tuple(each for each in target.attached_policies if each not in gone)
        if kept != target.attached_policies:
            put_target(desk.records, with_policies(target, kept))
    return DisablePolicyTypeResponse(root_shape(managed_organization(desk)))


def _with_root(desk: Desk, root_id: str) -> Organization:
    organization = managed_organization(desk)
    if root_id != organization.root_id:
        raise RootNotFound
    return organization


ACTIONS: Final = (
    Action(
        name="CreateOrganization",
        request=CreateOrganizationRequest,
        response=CreateOrganizationResponse,
        ask=ask_everything("CreateOrganization"),
        handle=create_organization,
        writes=True,
    ),
    Action(
        name="DescribeOrganization",
        request=DescribeOrganizationRequest,
        response=DescribeOrganizationResponse,
        ask=ask_everything("DescribeOrganization"),
        handle=describe_organization,
        writes=False,
    ),
    Action(
        name="DeleteOrganization",
        request=DeleteOrganizationRequest,
        response=None,
        ask=ask_everything("DeleteOrganization"),
        handle=delete_organization,
        writes=True,
    ),
    Action(
        name="ListRoots",
        request=ListRootsRequest,
        response=ListRootsResponse,
        ask=ask_everything("ListRoots"),
        handle=list_roots,
        writes=False,
    ),
    Action(
        name="EnablePolicyType",
        request=EnablePolicyTypeRequest,
        response=EnablePolicyTypeResponse,
        ask=ask_about("EnablePolicyType", "root_id"),
        handle=enable_policy_type,
        writes=True,
    ),
    Action(
        name="DisablePolicyType",
        request=DisablePolicyTypeRequest,
        response=DisablePolicyTypeResponse,
        ask=ask_about("DisablePolicyType", "root_id"),
        handle=disable_policy_type,
        writes=True,
    ),
)
