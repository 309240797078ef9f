"""The condition keys that a trust policy is judged with.

(Service Authorization Reference, "Actions, resources, and condition keys for AWS Security Token Service";
IAM User Guide, "Passing session tags in AWS STS".)
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from tabard.names.tags import fold, merge
from tabard.policy.context import Value


def tag_request_keys(tags: Mapping[str, str]) -> dict[str, Value]:
    """`aws:RequestTag/…` and `aws:TagKeys` for the tags that a request carries."""
    keys: dict[str, Value] = {fold(f"aws:requesttag/{key}"): value for key, value in tags.items()}
    if tags:
        keys["aws:tagkeys"] = tuple(tags)
    return keys


def resource_tag_keys(tags: Mapping[str, str]) -> dict[str, Value]:
    """`aws:ResourceTag/…` and its older twin `iam:ResourceTag/…`."""
    keys: dict[str, Value] = {}
    for key, value in tags.items():
        folded = fold(key)
        keys[f"aws:resourcetag/{folded}"] = value
        keys[f"iam:resourcetag/{folded}"] = value
    return keys


Whose: TypeAlias = Literal["principal", "resource"]


def organization_keys(whose: Whose, organization_id: str, path: str) -> dict[str, Value]:
    """The keys that say in which organisation, and where in it, the principal's or the resource's account is."""
    return {f"aws:{whose}orgid": organization_id, f"aws:{whose}orgpaths": (path,)}


def role_session_keys(
    *,
    role_session_name: str,
    requested_tags: Mapping[str, str],
    inherited_tags: Mapping[str, str],
    transitive_tag_keys: tuple[str, ...],
    source_identity: str | None,
    external_id: str | None,
    role_tags: Mapping[str, str],
) -> dict[str, Value]:
    """The keys that an AssumeRole request adds.

    `inherited_tags` are the transitive tags of the calling session. While the new role's trust policy is
    judged they stand in for the role's own tags of the same key. `sts:TransitiveTagKeys` shows what this
    request asks for.
    """
    keys = resource_tag_keys(merge(role_tags, inherited_tags) if inherited_tags else role_tags)
    keys.update(tag_request_keys(requested_tags))
    keys["sts:rolesessionname"] = role_session_name
    if transitive_tag_keys:
        keys["sts:transitivetagkeys"] = transitive_tag_keys
    if source_identity is not None:
        keys["sts:sourceidentity"] = source_identity
    if external_id is not None:
        keys["sts:externalid"] = external_id
    return keys
