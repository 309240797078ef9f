"""Managed policies as records: finding one by its ARN, and asking about it.

AWS's own policies can be read and attached by every account and changed by none. A policy of another account
is simply not there. Which of two texts says that something is missing depends on the operation, as recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tabard.actions.desk import Desk
from tabard.actions.identities import AskFor, Keys, managed_policy, question, resource_tags
from tabard.actions.saved_documents import require_sound
from tabard.directory import quotas
from tabard.directory.entities import AWS_ACCOUNT, Attachment, ManagedPolicy
from tabard.directory.rules import require_quota
from tabard.faults import Denied, NoSuchEntity
from tabard.policy.document import Kind
from tabard.policy.parse import document_size, parse_policy
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    """A request that names a policy and nothing else."""

    policy_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPageRequest:
    """A request for a page of what one policy holds."""

    policy_arn: str
    marker: str | None = None
    max_items: int | None = None


def existing_policy(desk: Desk, arn: str) -> ManagedPolicy:
    """The account's own policy or AWS's.

    Raises:
        ConstraintViolated: the text is no policy ARN.
        NoSuchEntity: there is no such policy.
    """
    policy = managed_policy(desk, arn)
    if policy is None:
        raise NoSuchEntity(f"Policy {arn} was not found.", reason="policy.missing")
    return policy


def attachable_policy(desk: Desk, arn: str, *, named: str) -> ManagedPolicy:
    """The same, with the other text about what is `named`."""
    policy = managed_policy(desk, arn)
    if policy is None:
        raise not_attachable(named)
    return policy


def own_policy(desk: Desk, arn: str, doing: str) -> ManagedPolicy:
    """The account's own policy.

    Raises:
        Denied: it is AWS's, and may only be read.
        ConstraintViolated, NoSuchEntity: as `existing_policy`.
    """
    policy = existing_policy(desk, arn)
    if policy.account == AWS_ACCOUNT:
        raise Denied(f"Cannot {doing} outside your own account.", reason="policy.aws-managed")
    return policy


def not_attachable(named: str) -> NoSuchEntity:
    """The fault about a policy, or a version of one, that is not there."""
    return NoSuchEntity(f"Policy {named} does not exist or is not attachable.", reason="policy.missing")


def require_document(desk: Desk, document: str) -> None:
    """Check the document of a new policy or version.

    Raises:
        MalformedPolicy: it is refused, or dangerous.
        LimitExceeded: it is too large.
    """
    policy = parse_policy(document, Kind.MANAGED)
    require_quota("PolicySize", document_size(document), quotas.MANAGED_POLICY_SIZE)
    require_sound(desk, policy, document, Kind.MANAGED)


def attachments_of(desk: Desk, policy: ManagedPolicy) -> Sequence[Attachment]:
    """Who in the caller's account uses the policy."""
    return desk.records.policies.attachments(desk.account, policy.arn)


def ask_policy(operation: str, *keys: Keys) -> AskFor:
    """The question about the policy that `request.policy_arn` names."""

    def ask(request: PolicyRequest, desk: Desk) -> tuple[Ask, ...]:
        policy = managed_policy(desk, request.policy_arn)
        tags = policy.tags if policy is not None else {}
        pairs = [pair for source in keys for pair in source(request, None)]
        return (question(operation, desk, request.policy_arn, [*resource_tags(tags), *pairs]),)

    return ask
