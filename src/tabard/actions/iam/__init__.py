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
    group_policies,
    groups,
    instance_profiles,
    mfa_devices,
    policies,
    policy_users,
    policy_versions,
    role_policies,
    roles,
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
            policies,
            policy_versions,
            policy_users,
            instance_profiles,
            access_keys,
            absent_credentials,
            mfa_devices,
            account,
        )
    )
)
