"""Organisational units: create, rename, describe, delete, list."""

from dataclasses import dataclass, replace
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.organization_faults import ConstraintViolation, DuplicateUnit, UnitNotEmpty
from tabard.actions.organization_records import (
    ask_about,
    by_name,
    first_policies,
    lineage,
    managed_organization,
    new_id,
    parent_of,
    path_of,
    question,
    requested_tags,
    require_text,
    results,
    unit_of,
)
from tabard.actions.organization_shapes import Tag, UnitShape, tag_pairs, unit_shape
from tabard.directory.entities import OrganizationalUnit
from tabard.directory.organizations import UNIT_DEPTH
from tabard.directory.rules import tags_from
from tabard.names import ids
from tabard.ports.store import NameTaken
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrganizationalUnitRequest:
    parent_id: str
    name: str
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True)
class CreateOrganizationalUnitResponse:
    organizational_unit: UnitShape


def create_unit(request: CreateOrganizationalUnitRequest, desk: Desk) -> CreateOrganizationalUnitResponse:
    organization = managed_organization(desk)
    parent = parent_of(desk.records, organization, request.parent_id)
    require_text(request.name)
    if len(lineage(desk.records, organization, parent)) >= UNIT_DEPTH:
        raise ConstraintViolation(
            "You have exceeded the number of levels that organizational units can be nested.",
            rule="OU_DEPTH_LIMIT_EXCEEDED",
        )
    prefix = f"{ids.ORGANIZATIONAL_UNIT}{organization.root_id.removeprefix(ids.ORGANIZATION_ROOT)}-"
    unit = OrganizationalUnit(
        organization_id=organization.id,
        parent_id=request.parent_id,
        id=new_id(desk, prefix, desk.records.organizational_units.get),
        name=request.name,
        created=desk.now,
        attached_policies=first_policies(organization),
        tags=tags_from(tag_pairs(request.tags)),
    )
    _put(desk, unit)
    return CreateOrganizationalUnitResponse(
        unit_shape(organization, unit, path=path_of(desk.records, organization, unit))
    )


def _ask_create_unit(request: CreateOrganizationalUnitRequest, desk: Desk) -> tuple[Ask, ...]:
    asked = ask_about("CreateOrganizationalUnit", "parent_id")(request, desk)
    if not request.tags:
        return asked
    return (*asked, question("TagResource", desk, asked[0].resource, requested_tags(request)))


@dataclass(frozen=True, slots=True)
class UpdateOrganizationalUnitRequest:
    organizational_unit_id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateOrganizationalUnitResponse:
    organizational_unit: UnitShape


def update_unit(request: UpdateOrganizationalUnitRequest, desk: Desk) -> UpdateOrganizationalUnitResponse:
    organization = managed_organization(desk)
    unit = unit_of(desk.records, organization, request.organizational_unit_id)
    if request.name is not None:
        require_text(request.name)
        unit = replace(unit, name=request.name)
        _put(desk, unit)
    return UpdateOrganizationalUnitResponse(
        unit_shape(organization, unit, path=path_of(desk.records, organization, unit))
    )


@dataclass(frozen=True, slots=True)
class DescribeOrganizationalUnitRequest:
    organizational_unit_id: str


@dataclass(frozen=True, slots=True)
class DescribeOrganizationalUnitResponse:
    organizational_unit: UnitShape


def describe_unit(request: DescribeOrganizationalUnitRequest, desk: Desk) -> DescribeOrganizationalUnitResponse:
    organization = managed_organization(desk)
    unit = unit_of(desk.records, organization, request.organizational_unit_id)
    return DescribeOrganizationalUnitResponse(
        unit_shape(organization, unit, path=path_of(desk.records, organization, unit))
    )


@dataclass(frozen=True, slots=True)
class DeleteOrganizationalUnitRequest:
    organizational_unit_id: str


def delete_unit(request: DeleteOrganizationalUnitRequest, desk: Desk) -> None:
    unit = unit_of(desk.records, managed_organization(desk), request.organizational_unit_id)
    if desk.records.organizational_units.list(unit.id, limit=1) or desk.records.organization_accounts.under(unit.id):
        raise UnitNotEmpty
    desk.records.organizational_units.delete(unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrganizationalUnitsForParentRequest:
    parent_id: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True)
class ListOrganizationalUnitsForParentResponse:
    organizational_units: tuple[UnitShape, ...]
    next_token: str | None = None


def list_units(
    request: ListOrganizationalUnitsForParentRequest, desk: Desk
) -> ListOrganizationalUnitsForParentResponse:
    organization = managed_organization(desk)
    parent = parent_of(desk.records, organization, request.parent_id)
    above = path_of(desk.records, organization, parent)
    page = results(
        "ListOrganizationalUnitsForParent",
        request,
        lambda after, limit: desk.records.organizational_units.list(request.parent_id, after=after, limit=limit),
        key=by_name,
    )
    units = tuple(unit_shape(organization, unit, path=f"{above}{unit.id}/") for unit in page.items)
    return ListOrganizationalUnitsForParentResponse(units, page.marker)


def _put(desk: Desk, unit: OrganizationalUnit) -> None:
    try:
        desk.records.organizational_units.put(unit)
    except NameTaken:
        raise DuplicateUnit from None


ACTIONS: Final = (
    Action(
        name="CreateOrganizationalUnit",
        request=CreateOrganizationalUnitRequest,
        response=CreateOrganizationalUnitResponse,
        ask=_ask_create_unit,
        handle=create_unit,
        writes=True,
    ),
    Action(
        name="UpdateOrganizationalUnit",
        request=UpdateOrganizationalUnitRequest,
        response=UpdateOrganizationalUnitResponse,
        ask=ask_about("UpdateOrganizationalUnit", "organizational_unit_id"),
        handle=update_unit,
        writes=True,
    ),
    Action(
        name="DescribeOrganizationalUnit",
        request=DescribeOrganizationalUnitRequest,
        response=DescribeOrganizationalUnitResponse,
        ask=ask_about("DescribeOrganizationalUnit", "organizational_unit_id"),
        handle=describe_unit,
        writes=False,
    ),
    Action(
        name="DeleteOrganizationalUnit",
        request=DeleteOrganizationalUnitRequest,
        response=None,
        ask=ask_about("DeleteOrganizationalUnit", "organizational_unit_id"),
        handle=delete_unit,
        writes=True,
    ),
    Action(
        name="ListOrganizationalUnitsForParent",
        request=ListOrganizationalUnitsForParentRequest,
        response=ListOrganizationalUnitsForParentResponse,
        ask=ask_about("ListOrganizationalUnitsForParent", "parent_id"),
        handle=list_units,
        writes=False,
    ),
)
