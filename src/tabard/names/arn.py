"""Amazon Resource Names: reading, writing, and the few shapes that identities have.

An ARN is six colon-separated parts, `arn:partition:service:region:account:resource`; the resource may
hold further colons (AWS General Reference, "Amazon Resource Names").
"""

from dataclasses import dataclass

from tabard.faults import ConstraintViolated

PARTITION = "aws"
"""The one partition that Tabard answers in. Policies may name others; nothing here has such a name."""


@dataclass(frozen=True, slots=True)
class ARN:
    """A parsed ARN. `str(arn)` is its text."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """The word before the first `/` (or `:`): `role` in `role/path/name`; the whole resource without one."""
        head = self.resource.split("/", 1)[0]
        return head.split(":", 1)[0]

    @property
    def name(self) -> str:
        """The last path segment: `auditor` in `role/eu/auditor`."""
        return self.resource.rsplit("/", 1)[-1]

    @property
    def path(self) -> str:
        """The IAM path with both slashes: `/eu/` in `role/eu/auditor`, `/` in `role/auditor`."""
        first, last = self.resource.find("/"), self.resource.rfind("/")
        return self.resource[first : last + 1] if first >= 0 else "/"


def parse_arn(text: str) -> ARN:
    """Text → ARN.

    Raises:
        ConstraintViolated: fewer than six parts, or no partition, service or resource. The text is the
            one that AWS STS answers for an unreadable role ARN (`<value> is invalid`).
    """
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
        raise ConstraintViolated(f"{text} is invalid", reason="arn.malformed")
    return ARN(parts[1], parts[2], parts[3], parts[4], parts[5])


def iam_arn(account: str, resource: str) -> str:
    """`iam_arn("111122223333", "role/auditor")` → the ARN's text."""
    return f"arn:{PARTITION}:iam::{account}:{resource}"


def organizations_arn(account: str, resource: str) -> str:
    """`organizations_arn("111122223333", "organization/o-…")` → the ARN's text."""
    return f"arn:{PARTITION}:organizations::{account}:{resource}"


def root_arn(account: str) -> str:
    """The account's root user."""
    return f"arn:{PARTITION}:iam::{account}:root"


def assumed_role_arn(account: str, role_name: str, session_name: str) -> str:
    """The ARN of a role session. It drops the role's path (IAM User Guide, "IAM identifiers")."""
    return f"arn:{PARTITION}:sts::{account}:assumed-role/{role_name}/{session_name}"


def federated_user_arn(account: str, name: str) -> str:
    """The ARN of a GetFederationToken session."""
    return f"arn:{PARTITION}:sts::{account}:federated-user/{name}"
