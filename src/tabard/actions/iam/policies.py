"""Managed policies and their versions.

A policy keeps at most five versions. Their numbers only grow, one of them is always the default, and only the
default decides (IAM User Guide, "Versioning IAM policies"). AWS's own policies can be read and attached by
every account and changed by none. A policy of another account is simply not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import Tag, TagPage, tag_pairs, tag_shapes
from tabard.actions.identities import (
    AskFor,
    Keys,
    ask_list,
    managed_policy,
    question,
    requested_tag_keys,
    requested_tags,
    resource_tags,
)
from tabard.actions.identity_policies import tag_page
from tabard.actions.paging import page, page_of, walk
from tabard.actions.tagged_records import POLICY_DUPLICATE_TAG, ask_new, tagged_record, untagged_record
from tabard.directory import quotas
from tabard.directory.aws_managed import AWS_MANAGED
from tabard.directory.entities import (
    AWS_ACCOUNT,
    Attachment,
    EntityKind,
    ManagedPolicy,
    PolicyUsage,
    PolicyVersion,
)
from tabard.directory.rules import require_quota, tags_from
from tabard.faults import DeleteConflict, Denied, EntityAlreadyExists, LimitExceeded, NoSuchEntity
from tabard.names import ids
from tabard.names.arn import iam_arn
from tabard.names.tags import fold
from tabard.policy.document import Kind
from tabard.policy.parse import document_size, parse_policy
from tabard.services.ask import Ask

_BATCH: Final = 200
"""Policies read at a time where a list is filtered."""
_NO_VERSION_BEYOND: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyShape:
    """The model's `Policy`. Description and tags are shown by GetPolicy; tags by CreatePolicy where any were given."""

    policy_name: str
    policy_id: str
    arn: str
    path: str
    default_version_id: str
    attachment_count: int
    permissions_boundary_usage_count: int
    is_attachable: bool
    create_date: datetime
    update_date: datetime
    description: str | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionShape:
    """The model's `PolicyVersion`. The document is shown by GetPolicyVersion alone."""

    version_id: str
    is_default_version: bool
    create_date: datetime
    document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    """A request that names a policy and nothing else."""

    policy_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResponse:
    """The answer of CreatePolicy and GetPolicy."""

    policy: PolicyShape


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPageRequest:
    """A request for a page of what one policy holds."""

    policy_arn: str
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRequest:
    """A request that names one version of a policy."""

    policy_arn: str
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionResponse:
    """The answer of CreatePolicyVersion and GetPolicyVersion."""

    policy_version: PolicyVersionShape


# ── create, read, delete ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicyRequest:
    policy_name: str
    policy_document: str
    path: str | None = None
    description: str | None = None
    tags: tuple[Tag, ...] | None = None


def create_policy(request: CreatePolicyRequest, desk: Desk) -> PolicyResponse:
    tags = tags_from(tag_pairs(request.tags), duplicate=POLICY_DUPLICATE_TAG)
    _require_document(request.policy_document)
    if desk.records.policies.get(desk.account, request.policy_name) is not None:
        raise EntityAlreadyExists(
            f"A policy called {request.policy_name} already exists. Duplicate names are not allowed.",
            reason="policy.exists",
        )
    policy = ManagedPolicy(
        account=desk.account,
        name=request.policy_name,
        id=ids.unique_id(ids.MANAGED_POLICY, desk.account, entropy=desk.entropy(ids.UNIQUE_ID_ENTROPY)),
        created=desk.now,
        updated=desk.now,
        versions=(PolicyVersion(id="v1", document=request.policy_document, created=desk.now),),
        path=request.path or "/",
        description=request.description,
        tags=tags,
    )
    desk.records.policies.put(policy)
    return PolicyResponse(policy=replace(_shape(policy, ()), tags=tag_shapes(tags) or None))


def get_policy(request: PolicyRequest, desk: Desk) -> PolicyResponse:
    policy = _existing(desk, request.policy_arn)
    shape = _shape(policy, _attachments(desk, policy))
    return PolicyResponse(policy=replace(shape, description=policy.description, tags=tag_shapes(policy.tags)))


def delete_policy(request: PolicyRequest, desk: Desk) -> None:
    policy = _own(desk, request.policy_arn, "delete policies")
    if _attachments(desk, policy):
        raise DeleteConflict("Cannot delete a policy attached to entities.", reason="policy.attached")
    if len(policy.versions) > 1:
        raise DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy.",
            reason="policy.versions",
        )
    desk.records.policies.delete(policy)


# ── list ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesRequest:
    scope: str | None = None
    only_attached: bool | None = None
    path_prefix: str | None = None
    policy_usage_filter: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesResponse:
    policies: tuple[PolicyShape, ...]
    is_truncated: bool
    marker: str | None = None


def list_policies(request: ListPoliciesRequest, desk: Desk) -> ListPoliciesResponse:
    def fetch(after: str, limit: int) -> Sequence[PolicyShape]:
        shapes = (_shape(policy, _attachments(desk, policy)) for policy in _listed(request, desk, after))
        return tuple(islice((shape for shape in shapes if _is_wanted(shape, request)), limit))

    found = page(
        "ListPolicies",
        fetch,
        marker=request.marker,
        max_items=request.max_items,
        key=lambda shape: _list_key(shape.arn, shape.policy_name),
    )
    return ListPoliciesResponse(policies=found.items, is_truncated=found.is_truncated, marker=found.marker)


def _listed(request: ListPoliciesRequest, desk: Desk, after: str) -> Iterator[ManagedPolicy]:
    """The policies of the scope and path: AWS's first, then the account's own, each by name."""
    prefix = request.path_prefix or "/"
    if request.scope != "Local":
        for policy in AWS_MANAGED.values():
            if policy.path.startswith(prefix) and _list_key(policy.arn, policy.name) > after:
                yield policy
    if request.scope != "AWS":
        yield from walk(
            lambda name: desk.records.policies.list(desk.account, path_prefix=prefix, after=name, limit=_BATCH),
            key=lambda policy: fold(policy.name),
            after=after.removeprefix(_OWN) if after.startswith(_OWN) else "",
        )


_AWS: Final = "0"
_OWN: Final = "1"


def _list_key(arn: str, name: str) -> str:
    return f"{_AWS if arn in AWS_MANAGED else _OWN}{fold(name)}"


def _is_wanted(shape: PolicyShape, request: ListPoliciesRequest) -> bool:
    """Every policy can give permissions, so that filter drops only those that serve as boundaries alone."""
    attached, bounding = shape.attachment_count > 0, shape.permissions_boundary_usage_count > 0
    match request.policy_usage_filter:
        case PolicyUsage.BOUNDARY:
            return bounding
        case PolicyUsage.PERMISSIONS:
            return attached or not (bounding or request.only_attached)
        case _:
            return attached or not request.only_attached


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────


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
    policy = _own(desk, request.policy_arn, "update policies")
    _require_document(request.policy_document)
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
    return VersionResponse(policy_version=_version_shape(changed, version))


def get_policy_version(request: VersionRequest, desk: Desk) -> VersionResponse:
    policy = _attachable(desk, request.policy_arn, named=f"{request.policy_arn} version {request.version_id}")
    version = _version(policy, request)
    shape = _version_shape(policy, version)
    return VersionResponse(policy_version=replace(shape, document=version.document))


def list_policy_versions(request: PolicyPageRequest, desk: Desk) -> ListPolicyVersionsResponse:
    policy = _existing(desk, request.policy_arn)
    found = page_of(
        "ListPolicyVersions",
        tuple(_version_shape(policy, version) for version in reversed(policy.versions)),
        marker=request.marker,
        max_items=request.max_items,
        key=_newest_first,
    )
    return ListPolicyVersionsResponse(versions=found.items, is_truncated=found.is_truncated, marker=found.marker)


def delete_policy_version(request: VersionRequest, desk: Desk) -> None:
    policy = _own(desk, request.policy_arn, "delete policy versions for policies")
    version = _version(policy, request)
    if version.id == policy.default_version_id:
        raise DeleteConflict("Cannot delete the default version of a policy.", reason="policy.default-version")
    kept = tuple(other for other in policy.versions if other.id != version.id)
    desk.records.policies.put(replace(policy, versions=kept))


def set_default_policy_version(request: VersionRequest, desk: Desk) -> None:
    policy = _own(desk, request.policy_arn, "update policies")
    desk.records.policies.put(replace(policy, default_version_id=_version(policy, request).id))


def _newest_first(shape: PolicyVersionShape) -> str:
    return f"{_NO_VERSION_BEYOND - int(shape.version_id.removeprefix('v')):010d}"


# ── who uses it ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntitiesForPolicyRequest:
    policy_arn: str
    entity_filter: str | None = None
    path_prefix: str | None = None
    policy_usage_filter: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUser:
    user_name: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyGroup:
    group_name: str
    group_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRole:
    role_name: str
    role_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntitiesForPolicyResponse:
    policy_users: tuple[PolicyUser, ...]
    policy_groups: tuple[PolicyGroup, ...]
    policy_roles: tuple[PolicyRole, ...]
    is_truncated: bool
    marker: str | None = None


_ORDER: Final[Mapping[EntityKind, str]] = {EntityKind.USER: "0", EntityKind.GROUP: "1", EntityKind.ROLE: "2"}


def list_entities_for_policy(request: ListEntitiesForPolicyRequest, desk: Desk) -> ListEntitiesForPolicyResponse:
    policy = _attachable(desk, request.policy_arn, named=request.policy_arn)
    # An identity that uses the policy both ways is one entity.
    entities = {a.id: a for a in _attachments(desk, policy) if _is_asked_for(a, request)}
    found = page_of(
        "ListEntitiesForPolicy",
        tuple(entities.values()),
        marker=request.marker,
        max_items=request.max_items,
        key=lambda entity: f"{_ORDER[entity.kind]}{fold(entity.name)}",
    )
    users, groups, roles = ([e for e in found.items if e.kind is kind] for kind in _ORDER)
    return ListEntitiesForPolicyResponse(
        policy_users=tuple(PolicyUser(user_name=user.name, user_id=user.id) for user in users),
        policy_groups=tuple(PolicyGroup(group_name=group.name, group_id=group.id) for group in groups),
        policy_roles=tuple(PolicyRole(role_name=role.name, role_id=role.id) for role in roles),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


def _is_asked_for(attachment: Attachment, request: ListEntitiesForPolicyRequest) -> bool:
    return (
        request.entity_filter in (None, attachment.kind.capitalize())
        and request.policy_usage_filter in (None, attachment.usage)
        and attachment.path.startswith(request.path_prefix or "/")
    )


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPolicyRequest:
    policy_arn: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagPolicyRequest:
    policy_arn: str
    tag_keys: tuple[str, ...]


def tag_policy(request: TagPolicyRequest, desk: Desk) -> None:
    policy = _own(desk, request.policy_arn, "update policies")
    desk.records.policies.put(tagged_record(policy, request.tags, duplicate=POLICY_DUPLICATE_TAG))


def untag_policy(request: UntagPolicyRequest, desk: Desk) -> None:
    policy = _own(desk, request.policy_arn, "update policies")
    desk.records.policies.put(untagged_record(policy, request.tag_keys))


def list_policy_tags(request: PolicyPageRequest, desk: Desk) -> TagPage:
    policy = _existing(desk, request.policy_arn)
    return tag_page("ListPolicyTags", policy.tags, request.marker, request.max_items)


# ── records, shapes, questions ───────────────────────────────────────────────────────────────────────


def _existing(desk: Desk, arn: str) -> ManagedPolicy:
    policy = managed_policy(desk, arn)
    if policy is None:
        raise NoSuchEntity(f"Policy {arn} was not found.", reason="policy.missing")
    return policy


def _attachable(desk: Desk, arn: str, *, named: str) -> ManagedPolicy:
    """The same with the text of the operations that look at a policy's use."""
    policy = managed_policy(desk, arn)
    if policy is None:
        raise _not_attachable(named)
    return policy


def _own(desk: Desk, arn: str, doing: str) -> ManagedPolicy:
    """The account's own policy; those of AWS may only be read."""
    policy = _existing(desk, arn)
    if policy.account == AWS_ACCOUNT:
        raise Denied(f"Cannot {doing} outside your own account.", reason="policy.aws-managed")
    return policy


def _version(policy: ManagedPolicy, request: VersionRequest) -> PolicyVersion:
    version = policy.version(request.version_id)
    if version is None:
        raise _not_attachable(f"{request.policy_arn} version {request.version_id}")
    return version


def _not_attachable(named: str) -> NoSuchEntity:
    return NoSuchEntity(f"Policy {named} does not exist or is not attachable.", reason="policy.missing")


def _require_document(document: str) -> None:
    parse_policy(document, Kind.MANAGED)
    require_quota("PolicySize", document_size(document), quotas.MANAGED_POLICY_SIZE)


def _attachments(desk: Desk, policy: ManagedPolicy) -> Sequence[Attachment]:
    return desk.records.policies.attachments(desk.account, policy.arn)


def _shape(policy: ManagedPolicy, attachments: Sequence[Attachment]) -> PolicyShape:
    bounding = sum(attachment.usage is PolicyUsage.BOUNDARY for attachment in attachments)
    return PolicyShape(
        policy_name=policy.name,
        policy_id=policy.id,
        arn=policy.arn,
        path=policy.path,
        default_version_id=policy.default_version_id,
        attachment_count=len(attachments) - bounding,
        permissions_boundary_usage_count=bounding,
        is_attachable=True,
        create_date=policy.created,
        update_date=policy.updated,
    )


def _version_shape(policy: ManagedPolicy, version: PolicyVersion) -> PolicyVersionShape:
    return PolicyVersionShape(
        version_id=version.id,
        is_default_version=version.id == policy.default_version_id,
        create_date=version.created,
    )


def _ask_create(request: CreatePolicyRequest, desk: Desk) -> tuple[Ask, ...]:
    arn = iam_arn(desk.account, f"policy{request.path or '/'}{request.policy_name}")
    return ask_new("CreatePolicy", "TagPolicy", desk, arn, request)


def _ask(operation: str, *keys: Keys) -> AskFor:
    """The question about the policy that `request.policy_arn` names."""

    def ask(request: PolicyRequest, desk: Desk) -> tuple[Ask, ...]:
        policy = managed_policy(desk, request.policy_arn)
        tags = policy.tags if policy is not None else {}
        pairs = [pair for source in keys for pair in source(request, None)]
        return (question(operation, desk, request.policy_arn, [*resource_tags(tags), *pairs]),)

    return ask


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreatePolicy",
        request=CreatePolicyRequest,
        response=PolicyResponse,
        ask=_ask_create,
        handle=create_policy,
        writes=True,
    ),
    Action(
        name="GetPolicy",
        request=PolicyRequest,
        response=PolicyResponse,
        ask=_ask("GetPolicy"),
        handle=get_policy,
        writes=False,
    ),
    Action(
        name="ListPolicies",
        request=ListPoliciesRequest,
        response=ListPoliciesResponse,
        ask=ask_list("ListPolicies", "policy"),
        handle=list_policies,
        writes=False,
    ),
    Action(
        name="DeletePolicy",
        request=PolicyRequest,
        response=None,
        ask=_ask("DeletePolicy"),
        handle=delete_policy,
        writes=True,
    ),
    Action(
        name="CreatePolicyVersion",
        request=CreatePolicyVersionRequest,
        response=VersionResponse,
        ask=_ask("CreatePolicyVersion"),
        handle=create_policy_version,
        writes=True,
    ),
    Action(
        name="GetPolicyVersion",
        request=VersionRequest,
        response=VersionResponse,
        ask=_ask("GetPolicyVersion"),
        handle=get_policy_version,
        writes=False,
    ),
    Action(
        name="ListPolicyVersions",
        request=PolicyPageRequest,
        response=ListPolicyVersionsResponse,
        ask=_ask("ListPolicyVersions"),
        handle=list_policy_versions,
        writes=False,
    ),
    Action(
        name="DeletePolicyVersion",
        request=VersionRequest,
        response=None,
        ask=_ask("DeletePolicyVersion"),
        handle=delete_policy_version,
        writes=True,
    ),
    Action(
        name="SetDefaultPolicyVersion",
        request=VersionRequest,
        response=None,
        ask=_ask("SetDefaultPolicyVersion"),
        handle=set_default_policy_version,
        writes=True,
    ),
    Action(
        name="ListEntitiesForPolicy",
        request=ListEntitiesForPolicyRequest,
        response=ListEntitiesForPolicyResponse,
        ask=_ask("ListEntitiesForPolicy"),
        handle=list_entities_for_policy,
        writes=False,
    ),
    Action(
        name="TagPolicy",
        request=TagPolicyRequest,
        response=None,
        ask=_ask("TagPolicy", requested_tags),
        handle=tag_policy,
        writes=True,
    ),
    Action(
        name="UntagPolicy",
        request=UntagPolicyRequest,
        response=None,
        ask=_ask("UntagPolicy", requested_tag_keys),
        handle=untag_policy,
        writes=True,
    ),
    Action(
        name="ListPolicyTags",
        request=PolicyPageRequest,
        response=TagPage,
        ask=_ask("ListPolicyTags"),
        handle=list_policy_tags,
        writes=False,
    ),
)
