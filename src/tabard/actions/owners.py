"""Whose access key or MFA device: a named user's, the calling user's, or root's.

(IAM API Reference, CreateAccessKey and its kin: without `UserName`, IAM takes the owner of the key that signed
the request, and that may be the account's root user.)
"""

from dataclasses import dataclass

from tabard.actions.desk import Desk
from tabard.actions.identities import user_or_caller


@dataclass(frozen=True, slots=True)
class Owner:
    """`id` is a user's id, or the account id for root. Root has no name."""

    id: str
    name: str | None


def owner_of(desk: Desk, user_name: str | None) -> Owner:
    """The owner that a request means.

    Raises:
        NoSuchEntity: there is no such user.
        ConstraintViolated: no name, and the caller is neither a user nor root.
    """
    if user_name is None and desk.caller.is_root:
        return Owner(desk.account, None)
    user = user_or_caller(desk, user_name)
    return Owner(user.id, user.name)
