"""Managed policies, instance profiles, MFA devices, providers: records that are no identities, and carry tags.

They differ in how they are found and in nothing about their tags. Functions answer the changed record; the
operation puts it back into the store.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeVar

from tabard.actions.desk import Desk
from tabard.actions.iam_shapes import Tag, tag_pairs
from tabard.actions.identities import AskFor, Keys, question, requested_tags, resource_tags
from tabard.directory import rules
from tabard.directory.entities import InstanceProfile, ManagedPolicy, MFADevice, OIDCProvider, SAMLProvider
from tabard.services.ask import Ask

R = TypeVar("R", ManagedPolicy, InstanceProfile, MFADevice, SAMLProvider, OIDCProvider)

POLICY_DUPLICATE_TAG: Final = "Duplicate tag keys found."
"""What AWS says about policies; about other records it says more."""


def tagged_record(record: R, tags: Iterable[Tag], *, duplicate: str = rules.DUPLICATE_TAG) -> R:
    """The record with tags set.

    Raises:
        InvalidInput: a key stands twice in the request, or belongs to AWS.
        LimitExceeded: more than fifty tags.
    """
    added = rules.tags_from(tag_pairs(tuple(tags)), duplicate=duplicate)
    return replace(record, tags=rules.tagged(record.tags, added))


def untagged_record(record: R, keys: Iterable[str]) -> R:
    """The record without the tags of those keys."""
    return replace(record, tags=rules.untagged(record.tags, keys))


def ask_new(operation: str, tagging: str, desk: Desk, arn: str, request: Any) -> tuple[Ask, ...]:
    """The questions about something new; tags at birth need the permission to tag as well.

    (IAM User Guide, "Tagging IAM resources": the create operation *and* the tag operation.)
    """
    pairs = tuple(requested_tags(request))
    asked = question(operation, desk, arn, pairs)
    return (asked, question(tagging, desk, arn, pairs)) if request.tags else (asked,)


def ask_provider(
    operation: str,
    named: Callable[[Any], str],
    find: Callable[[Desk, str], SAMLProvider | OIDCProvider | None],
    *keys: Keys,
) -> AskFor:
    """The question about the provider whose ARN `named` takes from the request."""

    def ask(request: Any, desk: Desk) -> tuple[Ask, ...]:
        provider = find(desk, named(request))
        tags = provider.tags if provider is not None else {}
        pairs = [pair for source in keys for pair in source(request, None)]
        return (question(operation, desk, named(request), [*resource_tags(tags), *pairs]),)

    return ask
