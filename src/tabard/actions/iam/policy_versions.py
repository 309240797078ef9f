"""The versions of managed policies.

A policy keeps at most five. Their numbers only grow and are never used twice; one of them is always the
default, and only the default decides (IAM User Guide, "Versioning IAM policies").
"""

from dataclasses import dataclass, replace
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import PolicyVersionShape, policy_version_shape
from tabard.actions.managed_policies import (
    PolicyPageRequest,
    ask_policy,
    attachable_policy,
    existing_policy,
    not_attachable,
    own_policy,
    require_document,
)
from tabard.actions.paging import page_of
from tabard.directory import quotas
from tabard.directory.entities import ManagedPolicy, PolicyVersion
from tabard.faults import DeleteConflict, LimitExceeded

_NO_VERSION_BEYOND: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRequest:
    """A request that names one version of a policy."""

    policy_arn: str
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionResponse:
    """The answer of CreatePolicyVersion and GetPolicyVersion."""

    policy_version: PolicyVersionShape


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyVersionRequest:
    policy_arn: str
    policy_document: str
    set_as_default: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPolicyVersionsResponse:
    versions: tuple[PolicyVersionShape, ...]
    is_truncated: bool
    marker: str | None = None


def create_policy_version(request: CreatePolicyVersionRequest, desk: Desk) -> VersionResponse:
    policy = own_policy(desk, request.policy_arn, "update policies")
    require_document(desk, request.policy_document)
    if len(policy.versions) >= quotas.VERSIONS_PER_POLICY:
        raise LimitExceeded(
            f"A managed policy can have up to {quotas.VERSIONS_PER_POLICY} versions. Before you create a new "
            "version, you must delete an existing version.",
            reason="quota.policy-versions",
        )
    number = policy.latest_version + 1
    version = PolicyVersion(id=f"v{number}", document=request.policy_document, created=desk.now)
    changed = replace(
        policy,
        versions=(*policy.versions, version),
        latest_version=number,
        default_version_id=version.id if request.set_as_default else policy.default_version_id,
        updated=desk.now,
    )
    desk.records.policies.put(changed)
    return VersionResponse(policy_version=policy_version_shape(changed, version))


def get_policy_version(request: VersionRequest, desk: Desk) -> VersionResponse:
    policy = attachable_policy(desk, request.policy_arn, named=f"{request.policy_arn} version {request.version_id}")
    version = _version(policy, request)
    shape = policy_version_shape(policy, version)
    return VersionResponse(policy_version=replace(shape, document=version.document))


def list_policy_versions(request: PolicyPageRequest, desk: Desk) -> ListPolicyVersionsResponse:
    policy = existing_policy(desk, request.policy_arn)
    found = page_of(
        "ListPolicyVersions",
        tuple(policy_version_shape(policy, version) for version in reversed(policy.versions)),
        marker=request.marker,
        max_items=request.max_items,
        key=_newest_first,
    )
    return ListPolicyVersionsResponse(versions=found.items, is_truncated=found.is_truncated, marker=found.marker)


def delete_policy_version(request: VersionRequest, desk: Desk) -> None:
    policy = own_policy(desk, request.policy_arn, "delete policy versions for policies")
    version = _version(policy, request)
    if version.id == policy.default_version_id:
        raise DeleteConflict("Cannot delete the default version of a policy.", reason="policy.default-version")
    kept = tuple(other for other in policy.versions if other.id != version.id)
    desk.records.policies.put(replace(policy, versions=kept))


def set_default_policy_version(request: VersionRequest, desk: Desk) -> None:
    policy = own_policy(desk, request.policy_arn, "update policies")
    desk.records.policies.put(replace(policy, default_version_id=_version(policy, request).id))


def _newest_first(shape: PolicyVersionShape) -> str:
    return f"{_NO_VERSION_BEYOND - int(shape.version_id.removeprefix('v')):010d}"


def _version(policy: ManagedPolicy, request: VersionRequest) -> PolicyVersion:
    version = policy.version(request.version_id)
    if version is None:
        raise not_attachable(f"{request.policy_arn} version {request.version_id}")
    return version


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreatePolicyVersion",
        request=CreatePolicyVersionRequest,
        response=VersionResponse,
        ask=ask_policy("CreatePolicyVersion"),
        handle=create_policy_version,
        writes=True,
    ),
    Action(
        name="GetPolicyVersion",
        request=VersionRequest,
        response=VersionResponse,
        ask=ask_policy("GetPolicyVersion"),
        handle=get_policy_version,
        writes=False,
    ),
    Action(
        name="ListPolicyVersions",
        request=PolicyPageRequest,
        response=ListPolicyVersionsResponse,
        ask=ask_policy("ListPolicyVersions"),
        handle=list_policy_versions,
        writes=False,
    ),
    Action(
        name="DeletePolicyVersion",
        request=VersionRequest,
        response=None,
        ask=ask_policy("DeletePolicyVersion"),
        handle=delete_policy_version,
        writes=True,
    ),
    Action(
        name="SetDefaultPolicyVersion",
        request=VersionRequest,
        response=None,
        ask=ask_policy("SetDefaultPolicyVersion"),
        handle=set_default_policy_version,
        writes=True,
    ),
)
