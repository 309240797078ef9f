"""The accounts of an organisation: where each is, moving it, and taking it out.

How an account comes in is the operator's affair (`tabard org accounts add`): AWS makes accounts and sends invitations,
and neither is here.
"""

from dataclasses import dataclass, replace
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.organization_faults import (
    AccountNotFound,
    AlreadyInOrganization,
    ChildNotFound,
    DestinationParentNotFound,
    DuplicateAccount,
    ManagementCannotLeave,
    SourceParentNotFound,
    TargetNotFound,
)
from tabard.actions.organization_records import (
    account_of,
    ask_about,
    ask_everything,
    by_name,
    first_policies,
    managed_organization,
    parent_of,
    path_of,
    results,
    results_of,
    target_of,
)
from tabard.actions.organization_shapes import AccountShape, Child, Parent, account_shape
from tabard.directory.entities import Organization, OrganizationAccount


@dataclass(frozen=True, slots=True)
class AddAccountRequest:
    """Not one of AWS's: what stands in the place of CreateAccount and of invitations."""

    account_id: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class AddAccountResponse:
    account: AccountShape


def add_account(request: AddAccountRequest, desk: Desk) -> AddAccountResponse:
    """An account of this store joins, under the root if nothing else is said."""
    organization = managed_organization(desk)
    parent_id = request.parent_id or organization.root_id
    parent_of(desk.records, organization, parent_id, DestinationParentNotFound)
    if desk.records.accounts.get(request.account_id) is None:
        raise AccountNotFound
    if desk.records.organization_accounts.get(request.account_id) is not None:
        raise AlreadyInOrganization
    place = OrganizationAccount(
        organization_id=organization.id,
        parent_id=parent_id,
        id=request.account_id,
        joined=desk.now,
        attached_policies=first_policies(organization),
    )
    desk.records.organization_accounts.put(place)
    return AddAccountResponse(_shown(desk, organization, place))


@dataclass(frozen=True, slots=True)
class RemoveAccountFromOrganizationRequest:
    account_id: str


def remove_account(request: RemoveAccountFromOrganizationRequest, desk: Desk) -> None:
    organization = managed_organization(desk)
    place = account_of(desk.records, organization, request.account_id)
    if place.id == organization.management_account:
        raise ManagementCannotLeave
    desk.records.organization_accounts.delete(place)


@dataclass(frozen=True, slots=True)
class DescribeAccountRequest:
    account_id: str


@dataclass(frozen=True, slots=True)
class DescribeAccountResponse:
    account: AccountShape


def describe_account(request: DescribeAccountRequest, desk: Desk) -> DescribeAccountResponse:
    organization = managed_organization(desk)
    place = account_of(desk.records, organization, request.account_id)
    return DescribeAccountResponse(_shown(desk, organization, place))


@dataclass(frozen=True, slots=True)
class ListAccountsRequest:
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListAccountsResponse:
    accounts: tuple[AccountShape, ...]
    next_token: str | None = None


def list_accounts(request: ListAccountsRequest, desk: Desk) -> ListAccountsResponse:
    organization = managed_organization(desk)
    page = results(
        "ListAccounts",
        request,
        lambda after, limit: desk.records.organization_accounts.list(organization.id, after=after, limit=limit),
        key=lambda place: place.id,
    )
    return ListAccountsResponse(tuple(_shown(desk, organization, place) for place in page.items), page.marker)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountsForParentRequest:
    parent_id: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListAccountsForParentResponse:
    accounts: tuple[AccountShape, ...]
    next_token: str | None = None


def list_accounts_for_parent(request: ListAccountsForParentRequest, desk: Desk) -> ListAccountsForParentResponse:
    organization = managed_organization(desk)
    parent_of(desk.records, organization, request.parent_id)
    page = results_of(
        "ListAccountsForParent",
        request,
        desk.records.organization_accounts.under(request.parent_id),
        key=lambda place: place.id,
    )
    return ListAccountsForParentResponse(tuple(_shown(desk, organization, place) for place in page.items), page.marker)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListParentsRequest:
    child_id: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListParentsResponse:
    parents: tuple[Parent, ...]
    next_token: str | None = None


def list_parents(request: ListParentsRequest, desk: Desk) -> ListParentsResponse:
    """The one parent of a unit or account."""
    organization = managed_organization(desk)
    try:
        child = target_of(desk.records, organization, request.child_id)
    except TargetNotFound as missing:
        raise ChildNotFound from missing
    if isinstance(child, Organization):
        raise ChildNotFound
    is_root = child.parent_id == organization.root_id
    return ListParentsResponse((Parent(child.parent_id, "ROOT" if is_root else "ORGANIZATIONAL_UNIT"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChildrenRequest:
    parent_id: str
    child_type: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListChildrenResponse:
    children: tuple[Child, ...]
    next_token: str | None = None


def list_children(request: ListChildrenRequest, desk: Desk) -> ListChildrenResponse:
    parent_of(desk.records, managed_organization(desk), request.parent_id)
    if request.child_type == "ACCOUNT":
        places = desk.records.organization_accounts.under(request.parent_id)
        accounts = results_of("ListChildren.ACCOUNT", request, places, key=lambda place: place.id)
        return ListChildrenResponse(tuple(Child(each.id, "ACCOUNT") for each in accounts.items), accounts.marker)
    units = results(
        "ListChildren.ORGANIZATIONAL_UNIT",
        request,
        lambda after, limit: desk.records.organizational_units.list(request.parent_id, after=after, limit=limit),
        key=by_name,
    )
    return ListChildrenResponse(tuple(Child(each.id, "ORGANIZATIONAL_UNIT") for each in units.items), units.marker)


@dataclass(frozen=True, slots=True)
class MoveAccountRequest:
    account_id: str
    source_parent_id: str
    destination_parent_id: str


def move_account(request: MoveAccountRequest, desk: Desk) -> None:
    """From the parent where it is to another; what is attached to the account goes with it."""
    organization = managed_organization(desk)
    place = account_of(desk.records, organization, request.account_id)
    parent_of(desk.records, organization, request.source_parent_id, SourceParentNotFound)
    parent_of(desk.records, organization, request.destination_parent_id, DestinationParentNotFound)
    if place.parent_id != request.source_parent_id:
        raise SourceParentNotFound
    if place.parent_id == request.destination_parent_id:
        raise DuplicateAccount
    desk.records.organization_accounts.put(replace(place, parent_id=request.destination_parent_id))


def _shown(desk: Desk, organization: Organization, place: OrganizationAccount) -> AccountShape:
    above = path_of(desk.records, organization, parent_of(desk.records, organization, place.parent_id))
    return account_shape(organization, place, desk.records.accounts.get(place.id), path=above)


ACTIONS: Final = (
    Action(
        name="RemoveAccountFromOrganization",
        request=RemoveAccountFromOrganizationRequest,
        response=None,
        ask=ask_about("RemoveAccountFromOrganization", "account_id"),
        handle=remove_account,
        writes=True,
    ),
    Action(
        name="DescribeAccount",
        request=DescribeAccountRequest,
        response=DescribeAccountResponse,
        ask=ask_about("DescribeAccount", "account_id"),
        handle=describe_account,
        writes=False,
    ),
    Action(
        name="ListAccounts",
        request=ListAccountsRequest,
        response=ListAccountsResponse,
        ask=ask_everything("ListAccounts"),
        handle=list_accounts,
        writes=False,
    ),
    Action(
        name="ListAccountsForParent",
        request=ListAccountsForParentRequest,
        response=ListAccountsForParentResponse,
        ask=ask_about("ListAccountsForParent", "parent_id"),
        handle=list_accounts_for_parent,
        writes=False,
    ),
    Action(
        name="ListParents",
        request=ListParentsRequest,
        response=ListParentsResponse,
        ask=ask_about("ListParents", "child_id"),
        handle=list_parents,
        writes=False,
    ),
    Action(
        name="ListChildren",
        request=ListChildrenRequest,
        response=ListChildrenResponse,
        ask=ask_about("ListChildren", "parent_id"),
        handle=list_children,
        writes=False,
    ),
    Action(
        name="MoveAccount",
        request=MoveAccountRequest,
        response=None,
        ask=ask_about("MoveAccount", "account_id", "source_parent_id", "destination_parent_id"),
        handle=move_account,
        writes=True,
    ),
)

ADD_ACCOUNT: Final = Action(
    name="AddAccountToOrganization",
    request=AddAccountRequest,
    response=AddAccountResponse,
    ask=ask_everything("AddAccountToOrganization"),
    handle=add_account,
    writes=True,
)
"""The operator's alone: it is in no table of the API."""
