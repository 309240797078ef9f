"""How much an account and its identities may hold.

The numbers are AWS's defaults (IAM User Guide, "IAM and AWS STS quotas", and recorded GetAccountSummary
answers). Quotas on one entity (`*_PER_*`, `*_SIZE`) are enforced. Quotas on how many entities an account
holds are reported by GetAccountSummary and not enforced: a machine of one's own sets its own bounds.
"""

from typing import Final

USERS: Final = 5000
GROUPS: Final = 300
ROLES: Final = 1000
POLICIES: Final = 1500
INSTANCE_PROFILES: Final = 1000
POLICY_VERSIONS_IN_USE: Final = 10_000

GROUPS_PER_USER: Final = 10
ACCESS_KEYS_PER_USER: Final = 2
MFA_DEVICES_PER_USER: Final = 8
ATTACHED_POLICIES_PER_USER: Final = 10
ATTACHED_POLICIES_PER_GROUP: Final = 10
ATTACHED_POLICIES_PER_ROLE: Final = 10
VERSIONS_PER_POLICY: Final = 5
ROLES_PER_INSTANCE_PROFILE: Final = 1
CLIENT_IDS_PER_OIDC_PROVIDER: Final = 100
THUMBPRINTS_PER_OIDC_PROVIDER: Final = 5
PRIVATE_KEYS_PER_SAML_PROVIDER: Final = 2

# Sizes count characters without white space outside strings; an identity's inline policies count together.
USER_INLINE_SIZE: Final = 2048
GROUP_INLINE_SIZE: Final = 5120
ROLE_INLINE_SIZE: Final = 10_240
TRUST_POLICY_SIZE: Final = 2048
MANAGED_POLICY_SIZE: Final = 6144
