"""Finding what belongs to the caller's organisation, and asking whether the caller may.

Everything is looked up through the organisation that the caller's account manages: an id of another organisation is
simply not there (attack T01). Questions name resources as AWS's service authorization reference lists them. Whoever
manages no organisation is asked about `*`, and told nothing of what there is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias, TypeVar

from tabard.actions.desk import Desk
from tabard.actions.organization_faults import (
    AccountNotFound,
    InvalidOrganizationInput,
    NotManagementAccount,
    OrganizationPolicyNotFound,
    OrganizationsNotInUse,
    ParentNotFound,
    PolicyTypeNotBuilt,
    TargetNotFound,
    UnitNotFound,
)
from tabard.actions.paging import Page, page, walk
from tabard.directory.entities import (
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    OrganizationPolicyType,
    PolicyTarget,
)
from tabard.directory.organizations import AWS_POLICIES, FULL_ACCESS
from tabard.faults import ConstraintViolated, Missing
from tabard.names import ids
from tabard.names.tags import fold
from tabard.policy.context import Value, context_of
from tabard.ports.store import Records
from tabard.services.ask import Ask

T = TypeVar("T")
Pairs: TypeAlias = list[tuple[str, Value]]
Tagged: TypeAlias = PolicyTarget | OrganizationPolicy

_CONTROL: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")
MAXIMUM_RESULTS: Final = 20
"""Organizations' page size, and the most that may be asked for."""


# ── records ──────────────────────────────────────────────────────────────────────────────────────────


def own_organization(desk: Desk) -> Organization:
    """The organisation that the caller's account is in.

    Raises:
        OrganizationsNotInUse: it is in none.
    """
    place = desk.records.organization_accounts.get(desk.account)
    organization = desk.records.organizations.get(place.organization_id) if place is not None else None
    if organization is None:
        raise OrganizationsNotInUse
    return organization


def managed_organization(desk: Desk) -> Organization:
    """The organisation that the caller's account manages.

    Raises:
        OrganizationsNotInUse: the account is in no organisation.
        NotManagementAccount: it is in one that another account manages.
    """
    organization = own_organization(desk)
    if organization.management_account != desk.account:
        raise NotManagementAccount
    return organization


def unit_of(records: Records, organization: Organization, unit_id: str) -> OrganizationalUnit:
    """Raises UnitNotFound: the organisation has no such unit."""
    unit = records.organizational_units.get(unit_id)
    if unit is None or unit.organization_id != organization.id:
        raise UnitNotFound
    return unit


def account_of(records: Records, organization: Organization, account_id: str) -> OrganizationAccount:
    """Raises AccountNotFound: the account is not in the organisation."""
    place = records.organization_accounts.get(account_id)
    if place is None or place.organization_id != organization.id:
        raise AccountNotFound
    return place


def parent_of(
    records: Records, organization: Organization, parent_id: str, fault: type[Missing] = ParentNotFound
) -> Organization | OrganizationalUnit:
    """The root (as the organisation) or unit of that id; `fault` if there is none."""
    if parent_id == organization.root_id:
        return organization
    try:
        return unit_of(records, organization, parent_id)
    except UnitNotFound as missing:
        raise fault from missing


def target_of(records: Records, organization: Organization, target_id: str) -> PolicyTarget:
    """Raises TargetNotFound: the organisation has no such root, unit or account."""
    try:
        if ids.is_account_id(target_id):
            return account_of(records, organization, target_id)
        return parent_of(records, organization, target_id)
    except (AccountNotFound, ParentNotFound) as missing:
        raise TargetNotFound from missing


def policy_named(records: Records, organization: Organization, policy_id: str) -> OrganizationPolicy:
    """Raises OrganizationPolicyNotFound: neither the organisation nor AWS has such a policy."""
    policy = AWS_POLICIES.get(policy_id) or records.organization_policies.get(policy_id)
    if policy is None or (policy.id not in AWS_POLICIES and policy.organization_id != organization.id):
        raise OrganizationPolicyNotFound
    return policy


def policy_type(text: str) -> OrganizationPolicyType:
    """Raises PolicyTypeNotBuilt: the type is one of AWS's others."""
    try:
        return OrganizationPolicyType(text)
    except ValueError:
        raise PolicyTypeNotBuilt from None


def policies_of(records: Records, organization: Organization) -> Iterator[OrganizationPolicy]:
    """All that the organisation wrote, by folded name."""
    return walk(
        lambda after: records.organization_policies.list(organization.id, after=after),
        key=lambda policy: policy.name,
    )


def units_under(records: Records, parent_id: str) -> Iterator[OrganizationalUnit]:
    """Every unit below a root or unit, each before those in it."""
    for unit in walk(lambda after: records.organizational_units.list(parent_id, after=after), key=lambda u: u.name):
        yield unit
        yield from units_under(records, unit.id)


def accounts_in(records: Records, organization: Organization) -> Iterator[OrganizationAccount]:
    """Every account of the organisation, by id."""
    return walk(
        lambda after: records.organization_accounts.list(organization.id, after=after), key=lambda account: account.id
    )


def all_targets(records: Records, organization: Organization) -> Iterator[PolicyTarget]:
    """The root, every unit, every account."""
    yield organization
    yield from units_under(records, organization.root_id)
    yield from accounts_in(records, organization)


def lineage(
    records: Records, organization: Organization, parent: Organization | OrganizationalUnit
) -> tuple[OrganizationalUnit, ...]:
    """The units from the root down to `parent`, which is the last; none for the root."""
    above: list[OrganizationalUnit] = []
    while isinstance(parent, OrganizationalUnit):
        above.insert(0, parent)
        parent = parent_of(records, organization, parent.parent_id)
    return tuple(above)


def path_of(records: Records, organization: Organization, parent: Organization | OrganizationalUnit) -> str:
    """`o-…/r-…/ou-…/`, down to `parent`."""
    units = lineage(records, organization, parent)
    return "".join(f"{each}/" for each in (organization.id, organization.root_id, *(unit.id for unit in units)))


def put_target(records: Records, target: PolicyTarget) -> None:
    """Write a root, unit or account back."""
    match target:
        case Organization():
            records.organizations.put(target)
        case OrganizationalUnit():
            records.organizational_units.put(target)
        case OrganizationAccount():
            records.organization_accounts.put(target)


def first_policies(organization: Organization) -> tuple[str, ...]:
    """What is attached to whatever is new."""
    enabled = OrganizationPolicyType.SERVICE_CONTROL in organization.enabled_policy_types
    return (FULL_ACCESS.id,) if enabled else ()


def with_policies(target: PolicyTarget, attached: Iterable[str]) -> PolicyTarget:
    """The target with these policies attached."""
    return replace(target, attached_policies=tuple(attached))


def require_text(text: str) -> None:
    """No control characters in names and descriptions, but for line breaks and tabs.

    Raises:
        InvalidOrganizationInput: there is one.
    """
    if _CONTROL.search(text):
        raise InvalidOrganizationInput(
            "You provided a value that does not match the required pattern.", rule="INVALID_PATTERN"
        )


def new_id(desk: Desk, prefix: str, find: Callable[[str], object | None]) -> str:
    """An id that `find` does not know."""
    return ids.free(lambda: ids.organization_id(prefix, entropy=desk.entropy(ids.ORGANIZATION_ENTROPY)), find)


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────


def results(
    operation: str, request: Any, fetch: Callable[[str, int], Sequence[T]], *, key: Callable[[T], str]
) -> Page[T]:
    """One page, by `request.next_token` and `request.max_results`.

    Raises:
        InvalidOrganizationInput: the token is none that this operation gave out.
    """
    limit = getattr(request, "max_results", None) or MAXIMUM_RESULTS
    try:
        return page(operation, fetch, marker=request.next_token, max_items=limit, key=key)
    except ConstraintViolated as refusal:
        raise InvalidOrganizationInput("You specified an invalid value.", rule="INVALID_NEXT_TOKEN") from refusal


def results_of(operation: str, request: Any, items: Iterable[T], *, key: Callable[[T], str]) -> Page[T]:
    """One page of what is at hand, in the order of `key`."""
    ordered = sorted(items, key=key)
    return results(operation, request, lambda after, limit: page_of_items(ordered, after, limit, key), key=key)


def page_of_items(ordered: Sequence[T], after: str, limit: int, key: Callable[[T], str]) -> list[T]:
    """The first `limit` after `after`."""
    return [item for item in ordered if key(item) > after][:limit]


# ── questions ────────────────────────────────────────────────────────────────────────────────────────


def ask_everything(operation: str) -> Callable[[Any, Desk], tuple[Ask, ...]]:
    """The question of an operation that has no resource; with the policy type, where the request names one."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        named = getattr(request, "filter", None)
        return (question(operation, desk, "*", [("organizations:PolicyType", named)] if named else []),)

    return ask


def ask_about(operation: str, *fields: str) -> Callable[[Any, Desk], tuple[Ask, ...]]:
    """The questions about everything that these fields of the request name by id."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        organization = _managed(desk)
        if organization is None:
            return (question(operation, desk, "*"),)
        named = [getattr(request, field) for field in fields]
        found = [(each, _find(desk.records, organization, each)) for each in named]
        common = _policy_type_of(request, [record for _, record in found])
        return tuple(
            question(
                operation,
                desk,
                _arn(organization, resource_id, record),
                [*common, *_resource_tags(record), *requested_tags(request)],
            )
            for resource_id, record in found
        )

    return ask


def ask_new(
    operation: str, resource_type: str, resource: Callable[[Any], str], request: Any, desk: Desk
) -> tuple[Ask, ...]:
    """The questions about something new; tags at birth need the permission to tag as well."""
    organization = _managed(desk)
    arn = "*" if organization is None else organization.arn_of(resource_type, resource(request))
    pairs = [*_policy_type_of(request, []), *requested_tags(request)]
    asked = question(operation, desk, arn, pairs)
    return (asked, question("TagResource", desk, arn, pairs)) if request.tags else (asked,)


def question(operation: str, desk: Desk, resource: str, pairs: Pairs | None = None) -> Ask:
    """One question. What is asked about belongs to the caller's account, or is nobody's."""
    return Ask(
        action=f"organizations:{operation}",
        resource=resource,
        resource_account=desk.account,
        context=context_of(pairs or []),
    )


def requested_tags(request: Any) -> Pairs:
    """The tags that a request brings or takes away."""
    if tags := getattr(request, "tags", None):
        pairs: Pairs = [("aws:TagKeys", tuple(tag.key for tag in tags))]
        return pairs + [(f"aws:RequestTag/{tag.key}", tag.value) for tag in tags]
    keys = getattr(request, "tag_keys", None)
    return [("aws:TagKeys", tuple(keys))] if keys else []


def _managed(desk: Desk) -> Organization | None:
    try:
        return managed_organization(desk)
    except (OrganizationsNotInUse, NotManagementAccount):
        return None


def _find(records: Records, organization: Organization, resource_id: str) -> Tagged | None:
    try:
        if resource_id.startswith(ids.ORGANIZATION_POLICY):
            return policy_named(records, organization, resource_id)
        return target_of(records, organization, resource_id)
    except (OrganizationPolicyNotFound, TargetNotFound):
        return None


def _arn(organization: Organization, resource_id: str, record: Tagged | None) -> str:
    """The ARN of what an id names; of what is not there, the ARN that it would have."""
    if isinstance(record, OrganizationPolicy):
        return record.arn(organization)
    if resource_id.startswith(ids.ORGANIZATION_POLICY):
        return organization.arn_of("policy", f"{OrganizationPolicyType.SERVICE_CONTROL.lower()}/{resource_id}")
    if ids.is_account_id(resource_id):
        return organization.arn_of("account", resource_id)
    return organization.arn_of("ou" if resource_id.startswith(ids.ORGANIZATIONAL_UNIT) else "root", resource_id)


def _policy_type_of(request: Any, records: list[Tagged | None]) -> Pairs:
    for record in records:
        if isinstance(record, OrganizationPolicy):
            return [("organizations:PolicyType", record.type)]
    for field in ("policy_type", "type", "filter"):
        if named := getattr(request, field, None):
            return [("organizations:PolicyType", named)]
    return []


def _resource_tags(record: Tagged | None) -> Pairs:
    return [(f"aws:ResourceTag/{key}", value) for key, value in record.tags.items()] if record is not None else []


def by_name(named: OrganizationalUnit | OrganizationPolicy) -> str:
    """The order of lists: the folded name."""
    return fold(named.name)
