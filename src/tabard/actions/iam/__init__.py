"""IAM: one module per noun, or per group of its operations. `ACTIONS` is the whole table.

Importing one of its modules imports all, so commands that serve nothing import none.
"""

from itertools import chain
from typing import Final

from tabard.actions.desk import Action
from tabard.actions.iam import (
    absent_credentials,
    access_keys,
    account,
    account_aliases,
    authorization_details,
    group_policies,
    groups,
    instance_profiles,
    login_profiles,
    mfa_devices,
    oidc_providers,
    password_policy,
    policies,
    policy_users,
    policy_versions,
    role_policies,
    roles,
    saml_providers,
    service_access,
    service_linked_roles,
    simulation,
    user_policies,
    users,
)

ACTIONS: Final[tuple[Action, ...]] = tuple(
    chain.from_iterable(
        module.ACTIONS
        for module in (
            users,
            user_policies,
            groups,
            group_policies,
            roles,
            role_policies,
            service_linked_roles,
            policies,
            policy_versions,
            policy_users,
            instance_profiles,
            saml_providers,
            oidc_providers,
            access_keys,
            login_profiles,
            absent_credentials,
            mfa_devices,
            account,
            account_aliases,
            password_policy,
            authorization_details,
            service_access,
            simulation,
        )
    )
)
