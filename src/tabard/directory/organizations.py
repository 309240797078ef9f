"""What an organisation and its policies may look like, and the two policies that AWS brings.

Service control policies bound what the principals of an account may do, resource control policies what may be done
to its resources. Both count at every level from the root down to the account (AWS Organizations User Guide, "SCP
evaluation", "RCP evaluation"). Numbers are AWS's quotas (same guide, "Quotas and service limits").
"""

from collections.abc import Mapping
from typing import Final

from tabard.directory.entities import AWS_ACCOUNT, OrganizationPolicy, OrganizationPolicyType
from tabard.faults import MalformedPolicy
from tabard.policy.checks import ORGANIZATION_POLICY
from tabard.policy.document import Kind, Policy
from tabard.policy.parse import document_size, parse_policy

POLICIES_PER_TARGET: Final = 5
"""Of each type, on the root, a unit or an account; `RCPFullAWSAccess` is one of them."""
POLICY_SIZE: Final = 5120
"""Characters, without white space outside strings."""
UNIT_DEPTH: Final = 5
"""Units in one another, under the root."""

FULL_ACCESS: Final = OrganizationPolicy(
    organization_id=AWS_ACCOUNT,
    id="p-FullAWSAccess",
    name="FullAWSAccess",
    type=OrganizationPolicyType.SERVICE_CONTROL,
    content='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    description="Allows access to every operation",
)
"""Attached to whatever is new, so that nothing is forbidden before somebody forbids it. It can be detached."""
RESOURCE_FULL_ACCESS: Final = OrganizationPolicy(
    organization_id=AWS_ACCOUNT,
    id="p-RCPFullAWSAccess",
    name="RCPFullAWSAccess",
    type=OrganizationPolicyType.RESOURCE_CONTROL,
    content='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}',
    description="Allows access to every operation on every resource",
)
"""Attached everywhere, always, and so not written down anywhere."""
AWS_POLICIES: Final[Mapping[str, OrganizationPolicy]] = {
    policy.id: policy for policy in (FULL_ACCESS, RESOURCE_FULL_ACCESS)
}

_KINDS: Final[Mapping[OrganizationPolicyType, Kind]] = {
    OrganizationPolicyType.SERVICE_CONTROL: Kind.SERVICE_CONTROL,
    OrganizationPolicyType.RESOURCE_CONTROL: Kind.RESOURCE_CONTROL,
}


def parse_content(content: str, policy_type: OrganizationPolicyType) -> Policy:
    """The document of a policy that an organisation wrote.

    Raises:
        MalformedPolicy: in the one text that Organizations has for it; `at` says where.
    """
    try:
        return parse_policy(content, _KINDS[policy_type])
    except MalformedPolicy as refusal:
        raise MalformedPolicy(ORGANIZATION_POLICY, at=refusal.at, reason=refusal.reason) from refusal


def policy_of(policy: OrganizationPolicy) -> Policy:
    """The document of a stored policy. AWS's own resource control policy allows, which no other may."""
    if policy is RESOURCE_FULL_ACCESS:
        return parse_policy(policy.content, Kind.RESOURCE)
    return parse_content(policy.content, policy.type)


def content_size(content: str) -> int:
    """The characters that count towards `POLICY_SIZE`."""
    return document_size(content)
