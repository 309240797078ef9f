"""What a record of an account may look like: paths, tags and sizes.

The wire has already checked shapes (length, pattern); here are the rules that AWS states in prose (IAM User
Guide, "IAM identifiers", "Tagging IAM resources", "IAM and AWS STS quotas"). Pure, and the same for every
kind of record.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from tabard.faults import ConstraintViolated, InvalidInput, LimitExceeded
from tabard.names import tags as tag_names
from tabard.names.tags import fold
from tabard.policy.parse import document_size

_PATH: Final = re.compile(r"/|/[!-~]+/", re.ASCII)
_PATH_LENGTH: Final = 512

SERVICE_LINKED_PATH: Final = "/aws-service-role/"
"""Roles under this path belong to an AWS service; only AWS makes and changes them."""

DUPLICATE_TAG: Final = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
"""The text for users and roles; policies have a shorter one."""


def require_path(path: str) -> None:
    """A path is `/`, or printable ASCII between two slashes.

    Raises:
        ConstraintViolated: it is not.
    """
    if len(path) > _PATH_LENGTH or _PATH.fullmatch(path) is None:
        raise ConstraintViolated(
            "The specified value for path is invalid. It must begin and end with / and contain only "
            "alphanumeric characters and/or / characters.",
            reason="path",
        )


def tags_from(pairs: Iterable[tuple[str, str]], *, duplicate: str = DUPLICATE_TAG) -> dict[str, str]:
    """The tags of one request.

    Raises:
        InvalidInput: a key stands twice, in whatever case, or belongs to AWS.
        LimitExceeded: more than fifty.
    """
    listed = tuple(pairs)
    keys = [key for key, _ in listed]
    if tag_names.duplicate_key(keys) is not None:
        raise InvalidInput(duplicate, reason="tags.duplicate")
    if any(tag_names.is_reserved(key) for key in keys):
        raise InvalidInput("Tag keys that begin with aws: are reserved for AWS.", reason="tags.reserved")
    _require_tag_count(len(listed))
    return dict(listed)


def tagged(stored: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """The stored tags with the added ones over them.

    Raises:
        LimitExceeded: together they are more than fifty.
    """
    merged = tag_names.merge(stored, added)
    _require_tag_count(len(merged))
    return merged


def untagged(stored: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    """The stored tags without the named ones; a key that is not there is no error."""
    gone = {fold(key) for key in keys}
    return {key: value for key, value in stored.items() if fold(key) not in gone}


def inline_size(documents: Iterable[str]) -> int:
    """What an identity's inline policies count together."""
    return sum(document_size(document) for document in documents)


def require_quota(name: str, used: int, quota: int) -> None:
    """Refuse what goes beyond `quota`; `name` is AWS's word for it (`PoliciesPerRole`).

    Raises:
        LimitExceeded: `Cannot exceed quota for <name>: <quota>`.
    """
    if used > quota:
        raise LimitExceeded(f"Cannot exceed quota for {name}: {quota}", reason=f"quota.{name}")


def _require_tag_count(count: int) -> None:
    if count > tag_names.MAXIMUM:
        raise LimitExceeded("The number of tags has reached the maximum limit.", reason="quota.tags")
