"""The account as a whole: its summary, and its aliases, of which it has none.

Counts are real. Quotas on how much one entity may hold are enforced; those on how many entities an account may
hold are AWS's default numbers, told because clients read them, and not enforced (`directory/quotas.py`). What
Tabard does not keep (server and signing certificates, passwords, identity providers) is counted as none.
"""

from dataclasses import dataclass

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import question
from tabard.actions.paging import page_of, walk
from tabard.directory import quotas
from tabard.names.tags import fold
from tabard.services.ask import Ask


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
        "Providers": 0,
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
    "GlobalEndpointTokenVersion": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountAliasesRequest:
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccountAliasesResponse:
    account_aliases: tuple[str, ...]
    is_truncated: bool
    marker: str | None = None


def list_account_aliases(request: ListAccountAliasesRequest, _desk: Desk) -> ListAccountAliasesResponse:
    aliases: tuple[str, ...] = ()
    found = page_of("ListAccountAliases", aliases, marker=request.marker, max_items=request.max_items, key=str)
    return ListAccountAliasesResponse(account_aliases=found.items, is_truncated=found.is_truncated)


def _ask_summary(_request: GetAccountSummaryRequest, desk: Desk) -> tuple[Ask, ...]:
    return (question("GetAccountSummary", desk, "*"),)


def _ask_aliases(_request: ListAccountAliasesRequest, desk: Desk) -> tuple[Ask, ...]:
    return (question("ListAccountAliases", desk, "*"),)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="GetAccountSummary",
        request=GetAccountSummaryRequest,
        response=GetAccountSummaryResponse,
        ask=_ask_summary,
        handle=get_account_summary,
        writes=False,
    ),
    Action(
        name="ListAccountAliases",
        request=ListAccountAliasesRequest,
        response=ListAccountAliasesResponse,
        ask=_ask_aliases,
        handle=list_account_aliases,
        writes=False,
    ),
)
