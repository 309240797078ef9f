"""The account as a whole: its summary, and which session tokens it prefers.

Counts are real. Quotas on how much one entity may hold are enforced; those on how many entities an account may
hold are AWS's default numbers, told because clients read them, and not enforced (`directory/quotas.py`). What
Tabard does not keep (server and signing certificates, a password of root) is counted as none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import ask_account
from tabard.actions.paging import walk
from tabard.directory import quotas
from tabard.names.tags import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountSummaryRequest:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccountSummaryResponse:
    summary_map: dict[str, int]


def get_account_summary(_request: GetAccountSummaryRequest, desk: Desk) -> GetAccountSummaryResponse:
    return GetAccountSummaryResponse(summary_map={**_counts(desk), **_QUOTAS})


def _counts(desk: Desk) -> dict[str, int]:
    records, account = desk.records, desk.account
    devices = tuple(
        walk(lambda after: records.mfa_devices.list(account, after=after), key=lambda device: fold(device.name))
    )
    policies = walk(lambda after: records.policies.list(account, after=after), key=lambda policy: fold(policy.name))
    return {
        "Users": records.users.count(account),
        "Groups": records.groups.count(account),
        "Roles": records.roles.count(account),
        "Policies": records.policies.count(account),
        "PolicyVersionsInUse": sum(len(policy.versions) for policy in policies),
        "InstanceProfiles": records.instance_profiles.count(account),
        "MFADevices": len(devices),
        "MFADevicesInUse": sum(device.owner_id is not None for device in devices),
        "AccountMFAEnabled": int(bool(records.mfa_devices.of(account))),
        "AccountAccessKeysPresent": int(bool(records.access_keys.of(account))),
        "AccountPasswordPresent": 0,
        "AccountSigningCertificatesPresent": 0,
        "ServerCertificates": 0,
        "Providers": records.saml_providers.count(account) + records.oidc_providers.count(account),
        "GlobalEndpointTokenVersion": records.settings.get(account).global_endpoint_token_version,
    }


_QUOTAS = {
    "UsersQuota": quotas.USERS,
    "GroupsQuota": quotas.GROUPS,
    "RolesQuota": quotas.ROLES,
    "PoliciesQuota": quotas.POLICIES,
    "InstanceProfilesQuota": quotas.INSTANCE_PROFILES,
    "PolicyVersionsInUseQuota": quotas.POLICY_VERSIONS_IN_USE,
    "VersionsPerPolicyQuota": quotas.VERSIONS_PER_POLICY,
    "PolicySizeQuota": quotas.MANAGED_POLICY_SIZE,
    "UserPolicySizeQuota": quotas.USER_INLINE_SIZE,
    "GroupPolicySizeQuota": quotas.GROUP_INLINE_SIZE,
    "RolePolicySizeQuota": quotas.ROLE_INLINE_SIZE,
    "AssumeRolePolicySizeQuota": quotas.TRUST_POLICY_SIZE,
    "AttachedPoliciesPerUserQuota": quotas.ATTACHED_POLICIES_PER_USER,
    "AttachedPoliciesPerGroupQuota": quotas.ATTACHED_POLICIES_PER_GROUP,
    "AttachedPoliciesPerRoleQuota": quotas.ATTACHED_POLICIES_PER_ROLE,
    "GroupsPerUserQuota": quotas.GROUPS_PER_USER,
    "AccessKeysPerUserQuota": quotas.ACCESS_KEYS_PER_USER,
    "SigningCertificatesPerUserQuota": 2,
    "ServerCertificatesQuota": 20,
}


@dataclass(frozen=True, slots=True)
class SetSecurityTokenServicePreferencesRequest:
    global_endpoint_token_version: str


def set_security_token_service_preferences(request: SetSecurityTokenServicePreferencesRequest, desk: Desk) -> None:
    """Kept and told by GetAccountSummary; session tokens are of one kind and good everywhere."""
    version = _TOKEN_VERSIONS[request.global_endpoint_token_version]
    settings = desk.records.settings.get(desk.account)
    desk.records.settings.put(replace(settings, global_endpoint_token_version=version))


_TOKEN_VERSIONS: Final[Mapping[str, int]] = {"v1Token": 1, "v2Token": 2}


ACTIONS: tuple[Action, ...] = (
    Action(
        name="GetAccountSummary",
        request=GetAccountSummaryRequest,
        response=GetAccountSummaryResponse,
        ask=ask_account("GetAccountSummary"),
        handle=get_account_summary,
        writes=False,
    ),
    Action(
        name="SetSecurityTokenServicePreferences",
        request=SetSecurityTokenServicePreferencesRequest,
        response=None,
        ask=ask_account("SetSecurityTokenServicePreferences"),
        handle=set_security_token_service_preferences,
        writes=True,
    ),
)
