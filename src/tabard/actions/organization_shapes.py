"""The structures that several operations of Organizations answer with, and how records become them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from tabard.directory.entities import (
    Account,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    OrganizationPolicyType,
    PolicyTarget,
)
from tabard.directory.organizations import AWS_POLICIES

FEATURES: Final = "ALL"
ROOT_NAME: Final = "Root"
"""What AWS calls every root."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag, in requests and answers."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class PolicyTypeSummary:
    """A policy type that counts."""

    type: str
    status: str = "ENABLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationShape:
    """The model's `Organization`. Accounts have no e-mail addresses here."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"MasterAccountEmail"})

    id: str
    arn: str
    feature_set: str
    master_account_arn: str
    master_account_id: str
    available_policy_types: tuple[PolicyTypeSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootShape:
    """The model's `Root`."""

    id: str
    arn: str
    name: str
    policy_types: tuple[PolicyTypeSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitShape:
    """The model's `OrganizationalUnit`."""

    id: str
    arn: str
    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShape:
    """The model's `Account`."""

    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"Email"})

    id: str
    arn: str
    name: str
    status: str
    state: str
    paths: tuple[str, ...]
    joined_method: str
    joined_timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySummary:
    """The model's `PolicySummary`."""

    id: str
    arn: str
    name: str
    description: str
    type: str
    aws_managed: bool


@dataclass(frozen=True, slots=True)
class PolicyShape:
    """The model's `Policy`."""

    policy_summary: PolicySummary
    content: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A root or unit, as the parent of something."""

    id: str
    type: str


@dataclass(frozen=True, slots=True)
class Child:
    """A unit or account, as the child of something."""

    id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The model's `PolicyTargetSummary`."""

    target_id: str
    arn: str
    name: str
    type: str


def organization_shape(organization: Organization) -> OrganizationShape:
    management = organization.management_account
    return OrganizationShape(
        id=organization.id,
        arn=organization.arn,
        feature_set=FEATURES,
        master_account_arn=organization.arn_of("account", management),
        master_account_id=management,
        available_policy_types=tuple(PolicyTypeSummary(each) for each in OrganizationPolicyType),
    )


def root_shape(organization: Organization) -> RootShape:
    return RootShape(
        id=organization.root_id,
        arn=organization.arn_of("root", organization.root_id),
        name=ROOT_NAME,
        policy_types=tuple(PolicyTypeSummary(each) for each in organization.enabled_policy_types),
    )


def unit_shape(organization: Organization, unit: OrganizationalUnit, *, path: str) -> UnitShape:
    """`path` leads to the unit and names it."""
    return UnitShape(id=unit.id, arn=organization.arn_of("ou", unit.id), name=unit.name, path=path)


def account_shape(
    organization: Organization, place: OrganizationAccount, account: Account | None, *, path: str
) -> AccountShape:
    """`path` leads to the account's parent and names it."""
    return AccountShape(
        id=place.id,
        arn=organization.arn_of("account", place.id),
        name=account.name if account is not None else place.id,
        status="ACTIVE",
        state="ACTIVE",
        paths=(f"{path}{place.id}/",),
        joined_method="INVITED",
        joined_timestamp=place.joined,
    )


def policy_summary(organization: Organization, policy: OrganizationPolicy) -> PolicySummary:
    return PolicySummary(
        id=policy.id,
        arn=policy.arn(organization),
        name=policy.name,
        description=policy.description,
        type=policy.type,
        aws_managed=policy.id in AWS_POLICIES,
    )


def policy_shape(organization: Organization, policy: OrganizationPolicy) -> PolicyShape:
    return PolicyShape(policy_summary(organization, policy), policy.content)


def target_id(target: PolicyTarget) -> str:
    """The id that callers know a target by: an organisation stands for its root."""
    return target.root_id if isinstance(target, Organization) else target.id


def target_shape(organization: Organization, target: PolicyTarget, account: Account | None) -> Target:
    match target:
        case Organization(root_id=root):
            return Target(target_id=root, arn=organization.arn_of("root", root), name=ROOT_NAME, type="ROOT")
        case OrganizationalUnit(id=unit, name=name):
            return Target(target_id=unit, arn=organization.arn_of("ou", unit), name=name, type="ORGANIZATIONAL_UNIT")
    return Target(
        target_id=target.id,
        arn=organization.arn_of("account", target.id),
        name=account.name if account is not None else target.id,
        type="ACCOUNT",
    )


def tag_shapes(tags: Mapping[str, str]) -> tuple[Tag, ...]:
    return tuple(Tag(key, value) for key, value in tags.items())


def tag_pairs(tags: Iterable[Tag] | None) -> tuple[tuple[str, str], ...]:
    """The tags of a request; None is none."""
    return tuple((tag.key, tag.value) for tag in tags or ())
