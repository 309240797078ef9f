"""The policies of an identity: inline, attached, and the permissions boundary.

Users, groups and roles differ here in a word and in three quotas (`Holder`); everything else is one rule. The
functions take an identity and return the changed one; the operation puts it back into the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from tabard.actions.desk import Desk
from tabard.actions.iam_shapes import AttachedPolicyPage, PolicyNamePage, TagPage, attached_policy, tag_shapes
from tabard.actions.identities import Identity, managed_policy, no_such, policy_arn
from tabard.actions.paging import Page, page_of
from tabard.actions.saved_documents import require_sound
from tabard.directory import quotas
from tabard.directory.entities import AWS_ACCOUNT, Group, Role, User
from tabard.directory.rules import SERVICE_LINKED_PATH, inline_size, require_quota
from tabard.faults import DeleteConflict, InvalidInput, LimitExceeded, NoSuchEntity, PolicyNotAttachable
from tabard.names.arn import parse_arn
from tabard.names.tags import fold
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy

I = TypeVar("I", User, Group, Role)  # noqa: E741 - I for identity, beside the B below and T in paging
B = TypeVar("B", User, Role)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What one kind of identity may hold."""

    word: str
    attached_quota_name: str
    attached: int
    inline_size: int


HOLDERS: Final[Mapping[type[Identity], Holder]] = {
    User: Holder(
        word="user",
        attached_quota_name="PoliciesPerUser",
        attached=quotas.ATTACHED_POLICIES_PER_USER,
        inline_size=quotas.USER_INLINE_SIZE,
    ),
    Group: Holder(
        word="group",
        attached_quota_name="PoliciesPerGroup",
        attached=quotas.ATTACHED_POLICIES_PER_GROUP,
        inline_size=quotas.GROUP_INLINE_SIZE,
    ),
    Role: Holder(
        word="role",
        attached_quota_name="PoliciesPerRole",
        attached=quotas.ATTACHED_POLICIES_PER_ROLE,
        inline_size=quotas.ROLE_INLINE_SIZE,
    ),
}


# ── inline ───────────────────────────────────────────────────────────────────────────────────────────


def with_inline_policy(desk: Desk, identity: I, name: str, document: str) -> I:
    """The identity with an inline policy set.

    Raises:
        MalformedPolicy: the document is refused, or dangerous.
        LimitExceeded: the identity's inline policies together are too large.
    """
    policy = parse_policy(document, Kind.INLINE)
    policies = {**identity.inline_policies, name: document}
    holder = HOLDERS[type(identity)]
    if inline_size(policies.values()) > holder.inline_size:
        raise LimitExceeded(
            f"Maximum policy size of {holder.inline_size} bytes exceeded for {holder.word} {identity.name}",
            reason="quota.inline-size",
        )
    require_sound(desk, policy, document, Kind.INLINE)
    return replace(identity, inline_policies=policies)


def inline_policy(identity: Identity, name: str) -> str:
    """An inline policy's text.

    Raises:
        NoSuchEntity: the identity has none of that name.
    """
    document = identity.inline_policies.get(name)
    if document is None:
        raise no_such(f"{HOLDERS[type(identity)].word} policy", name)
    return document


def without_inline_policy(identity: I, name: str) -> I:
    """The identity without an inline policy.

    Raises:
        NoSuchEntity: it has none of that name.
    """
    inline_policy(identity, name)
    return replace(identity, inline_policies={k: v for k, v in identity.inline_policies.items() if k != name})


def inline_page(operation: str, identity: Identity, marker: str | None, max_items: int | None) -> PolicyNamePage:
    """A page of an identity's inline policy names."""
    names = sorted(identity.inline_policies, key=lambda name: (fold(name), name))
    page = page_by_position(operation, names, marker=marker, max_items=max_items)
    return PolicyNamePage(policy_names=page.items, is_truncated=page.is_truncated, marker=page.marker)


# ── attached ─────────────────────────────────────────────────────────────────────────────────────────


def with_attached_policy(desk: Desk, identity: I, arn: str) -> I:
    """The identity with a managed policy attached; attaching twice is attaching once.

    Raises:
        ConstraintViolated: no policy ARN.
        NoSuchEntity: no such policy in this account or AWS's.
        PolicyNotAttachable: it is for service-linked roles alone.
        LimitExceeded: too many policies.
    """
    policy = managed_policy(desk, arn)
    if policy is None:
        raise NoSuchEntity(f"Policy {arn} does not exist or is not attachable.", reason="policy.missing")
    if policy.account == AWS_ACCOUNT and policy.path.startswith(SERVICE_LINKED_PATH):
        word = HOLDERS[type(identity)].word.capitalize()
        raise PolicyNotAttachable(f"Cannot attach a Service Role Policy to a Customer {word}.")
    if arn in identity.attached_policies:
        return identity
    holder = HOLDERS[type(identity)]
    attached = (*identity.attached_policies, arn)
    require_quota(holder.attached_quota_name, len(attached), holder.attached)
    return replace(identity, attached_policies=attached)


def without_attached_policy(desk: Desk, identity: I, arn: str) -> I:
    """The identity with a managed policy detached.

    Raises:
        ConstraintViolated: no policy ARN.
        NoSuchEntity: there is no such policy, or it is not attached.
    """
    managed_policy(desk, arn)
    if arn not in identity.attached_policies:
        raise NoSuchEntity(f"Policy {arn} was not found.", reason="policy.not-attached")
    return replace(identity, attached_policies=tuple(a for a in identity.attached_policies if a != arn))


def attached_page(
    operation: str, identity: Identity, *, path_prefix: str | None, marker: str | None, max_items: int | None
) -> AttachedPolicyPage:
    """A page of an identity's attached policies, by name."""
    arns = [arn for arn in identity.attached_policies if parse_arn(arn).path.startswith(path_prefix or "/")]
    arns.sort(key=lambda arn: (fold(parse_arn(arn).name), arn))
    page = page_by_position(operation, arns, marker=marker, max_items=max_items)
    return AttachedPolicyPage(
        attached_policies=tuple(attached_policy(arn) for arn in page.items),
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


# ── boundary ─────────────────────────────────────────────────────────────────────────────────────────


def checked_boundary(desk: Desk, arn: str) -> str:
    """The ARN of a policy that may serve as a boundary.

    Raises:
        InvalidInput: no policy ARN.
        NoSuchEntity: no such policy in this account or AWS's.
    """
    if policy_arn(arn) is None:
        raise InvalidInput(f"ARN {arn} is not valid.", reason="boundary.malformed")
    if managed_policy(desk, arn) is None:
        raise NoSuchEntity(f"Scope ARN: {arn} does not exist or is not attachable.", reason="boundary.missing")
    return arn


def with_boundary(desk: Desk, identity: B, arn: str) -> B:
    """The identity with a permissions boundary set. Raises as `checked_boundary` does."""
    return replace(identity, permissions_boundary=checked_boundary(desk, arn))


def without_boundary(identity: B) -> B:
    """The identity without a permissions boundary; that it had none is no error."""
    return replace(identity, permissions_boundary=None)


# ── what all have ────────────────────────────────────────────────────────────────────────────────────


def require_bare(identity: Identity) -> None:
    """An identity that is to be deleted must hold no policies.

    Raises:
        DeleteConflict: it does; attached ones are named before inline ones.
    """
    if identity.attached_policies:
        raise DeleteConflict("Cannot delete entity, must detach all policies first.", reason="in-use.attached")
    if identity.inline_policies:
        raise DeleteConflict("Cannot delete entity, must delete policies first.", reason="in-use.inline")


def tag_page(operation: str, tags: Mapping[str, str], marker: str | None, max_items: int | None) -> TagPage:
    """A page of tags, by key."""
    pairs = sorted(tags.items(), key=lambda pair: fold(pair[0]))
    page = page_by_position(operation, pairs, marker=marker, max_items=max_items)
    return TagPage(tags=tag_shapes(dict(page.items)), is_truncated=page.is_truncated, marker=page.marker)


def page_by_position(operation: str, items: Sequence[T], *, marker: str | None, max_items: int | None) -> Page[T]:
    """A page of what one entity holds: at most dozens, and too long a key for a marker's 320 characters."""
    numbered = [(f"{position:06d}", item) for position, item in enumerate(items)]
    page = page_of(operation, numbered, marker=marker, max_items=max_items, key=lambda pair: pair[0])
    return Page(tuple(item for _, item in page.items), page.marker)
