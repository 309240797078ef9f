"""The policies that stand in the records: of an identity, and over an account in its organisation.

What decides a call and what simulates one gather them here, so that both count the same. Everything found comes with
the records that it was made from, for whoever keeps it until one of them changes.

A stored policy that cannot be read any more is a bug, not a permission: reading it raises.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias, TypeVar

from tabard.directory.aws_managed import aws_managed_policy
from tabard.directory.entities import (
    EntityKind,
    Group,
    ManagedPolicy,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    OrganizationPolicyType,
    PolicyTarget,
    Role,
    User,
)
from tabard.directory.organizations import AWS_POLICIES, RESOURCE_FULL_ACCESS, policy_of
from tabard.names.arn import ARN, parse_arn
from tabard.names.policies import inline_policy
from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.document import Kind, Policy
from tabard.policy.parse import parse_policy
from tabard.ports.identities import OrganizationEntry
from tabard.ports.store import Records

T = TypeVar("T")

Source: TypeAlias = tuple[str, str]
"""A kind of record and its id, as the change log names it; the id `*` stands for any record of the kind."""
Loaded: TypeAlias = tuple[T | None, Iterable[Source]]
"""What was found, and the records that it was made from."""
Named: TypeAlias = tuple[str, Policy]
"""A policy under its name (`names.policies`)."""


@lru_cache(maxsize=4096)
def parsed(document: str, kind: Kind) -> Policy:
    """A stored document; parsed once for each text, however many identities hold it."""
    return parse_policy(document, kind)


def identity_policies(records: Records, identity: User | Group | Role) -> tuple[list[Named], list[Source]]:
    """The policies of an identity, inline ones before attached ones; a user's with those of its groups."""
    owners: list[User | Group | Role] = [identity]
    sources: list[Source] = []
    if isinstance(identity, User):
        owners += [group for group_id in identity.groups if (group := records.groups.get_by_id(group_id)) is not None]
        sources += [(EntityKind.GROUP, group_id) for group_id in identity.groups]
    inline = [
        (inline_policy(owner.arn, name), parsed(document, Kind.INLINE))
        for owner in owners
        for name, document in owner.inline_policies.items()
    ]
    attached, more = _attached(records, identity.account, [arn for owner in owners for arn in owner.attached_policies])
    return [*inline, *attached], [*sources, *more]


def boundary_of(records: Records, identity: User | Role) -> tuple[PolicySet | None, list[Source]]:
    """The boundary as a set. A boundary whose policy is gone allows nothing."""
    if identity.permissions_boundary is None:
        return None, []
    policies, sources = _attached(records, identity.account, [identity.permissions_boundary])
    return compile_policies(policies), sources


def managed_policy(records: Records, account: str, arn: str) -> ManagedPolicy | None:
    """A policy of AWS or of the account. The whole ARN is compared, and with it the account."""
    aws = aws_managed_policy(arn)
    if aws is not None:
        return aws
    named: ARN = parse_arn(arn)
    if named.account != account:
        return None
    policy = records.policies.get(account, named.name)
    return policy if policy is not None and policy.arn == arn else None


def organization_of(records: Records, account: str) -> Loaded[OrganizationEntry]:
    """An account's place in its organisation, with the policies that it is under; None where it is in none.

    Raises:
        LookupError: the records contradict one another. Then nobody of the account may do anything.
    """
    sources: list[Source] = [(EntityKind.ORGANIZATION_ACCOUNT, account)]
    place = records.organization_accounts.get(account)
    if place is None:
        return None, sources
    organization, units = _above(records, place)
    sources.append((EntityKind.ORGANIZATION, place.organization_id))
    sources += [(EntityKind.ORGANIZATIONAL_UNIT, unit.id) for unit in units]
    layers: dict[OrganizationPolicyType, tuple[PolicySet, ...] | None] = dict.fromkeys(OrganizationPolicyType)
    management = organization.management_account == account
    for policy_type in () if management else organization.enabled_policy_types:
        targets: tuple[PolicyTarget, ...] = (organization, *units, place)
        levels = [_attached_to(records, organization, each, policy_type) for each in targets]
        layers[policy_type] = tuple(policies for policies, _ in levels)
        sources += [source for _, more in levels for source in more]
    entry = OrganizationEntry(
        organization_id=organization.id,
        path="".join(f"{each}/" for each in (organization.id, organization.root_id, *(unit.id for unit in units))),
        management=management,
        service_control=layers[OrganizationPolicyType.SERVICE_CONTROL],
        resource_control=layers[OrganizationPolicyType.RESOURCE_CONTROL],
    )
    return entry, sources


def _attached(records: Records, account: str, arns: Iterable[str]) -> tuple[list[Named], list[Source]]:
    """Managed policies, each once; what is gone is left out."""
    wanted = tuple(dict.fromkeys(arns))
    found = [(arn, policy) for arn in wanted if (policy := managed_policy(records, account, arn)) is not None]
    named = [(arn, parsed(policy.document, Kind.INLINE)) for arn, policy in found]
    return named, [(EntityKind.POLICY, arn) for arn in wanted]


def _above(records: Records, place: OrganizationAccount) -> tuple[Organization, tuple[OrganizationalUnit, ...]]:
    """The organisation, and the units from the root down to an account.

    Raises:
        LookupError: the records contradict one another. Then nobody of the account may do anything.
    """
    organization = records.organizations.get(place.organization_id)
    if organization is None:
        raise LookupError(f"account {place.id} is in organisation {place.organization_id}, which is not there")
    units: list[OrganizationalUnit] = []
    parent = place.parent_id
    while parent != organization.root_id:
        unit = records.organizational_units.get(parent)
        if unit is None or unit in units:
            raise LookupError(f"account {place.id} is under {parent}, which does not lead to the root")
        units.insert(0, unit)
        parent = unit.parent_id
    return organization, tuple(units)


def _attached_to(
    records: Records,
    organization: Organization,
    target: PolicyTarget,
    policy_type: OrganizationPolicyType,
) -> tuple[PolicySet, list[Source]]:
    """The policies of one type at one level, and the records that they depend on."""
    sources: list[Source] = []
    found: list[OrganizationPolicy] = []
    for policy_id in target.attached_policies:
        policy = AWS_POLICIES.get(policy_id)
        if policy is None:
            sources.append((EntityKind.ORGANIZATION_POLICY, policy_id))
            policy = records.organization_policies.get(policy_id)
        if policy is not None and policy.type is policy_type:
            found.append(policy)
    if policy_type is OrganizationPolicyType.RESOURCE_CONTROL:
        found.insert(0, RESOURCE_FULL_ACCESS)
    policies = [(policy.arn(organization), policy_of(policy)) for policy in found]
    return compile_policies(policies, attached_to=_target_arn(organization, target)), sources


def _target_arn(organization: Organization, target: PolicyTarget) -> str:
    match target:
        case Organization():
            return organization.arn_of("root", target.root_id)
        case OrganizationalUnit():
            return organization.arn_of("ou", target.id)
        case OrganizationAccount():
            return organization.arn_of("account", target.id)
