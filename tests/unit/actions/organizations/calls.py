"""A company in memory, and its operations by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tabard.actions.desk import Action, Caller
from tabard.actions.organization_shapes import Tag
from tabard.actions.organizations import ACTIONS
from tabard.actions.organizations.accounts import ADD_ACCOUNT
from tests.worlds import OTHER_ACCOUNT, World

ROWS: Mapping[str, Action] = MappingProxyType({action.name: action for action in (*ACTIONS, ADD_ACCOUNT)})
THIRD = "777788889999"
DENY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}'
GUARD = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}'
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


class Company:
    """A world whose first account manages an organisation; the others are in none until they are added."""

    def __init__(self, *enabled: str) -> None:
        self.world = World()
        self.world.account(OTHER_ACCOUNT, "other")
        self.world.account(THIRD, "third")
        self.id = self("CreateOrganization").organization.id
        self.root = self("ListRoots").roots[0].id
        for policy_type in enabled:
            self("EnablePolicyType", root_id=self.root, policy_type=policy_type)

    def __call__(self, operation: str, *, caller: Caller | None = None, **parameters: Any) -> Any:
        row = ROWS[operation]
        if "tags" in parameters:
            parameters["tags"] = tuple(Tag(*pair) for pair in parameters["tags"].items())
        return self.world.call(row.handle, row.request(**parameters), caller=caller, writes=row.writes)

    def asks(self, operation: str, *, caller: Caller | None = None, **parameters: Any) -> Any:
        row = ROWS[operation]
        if "tags" in parameters:
            parameters["tags"] = tuple(Tag(*pair) for pair in parameters["tags"].items())
        return self.world.asks(row, row.request(**parameters), caller=caller)

    def unit(self, name: str, under: str = "") -> str:
        made: str = self("CreateOrganizationalUnit", parent_id=under or self.root, name=name).organizational_unit.id
        return made

    def policy(self, name: str, content: str = DENY, policy_type: str = SCP) -> str:
        made = self("CreatePolicy", name=name, content=content, type=policy_type, description="")
        policy_id: str = made.policy.policy_summary.id
        return policy_id

    def attached(self, target: str, policy_type: str = SCP) -> list[str]:
        found = self("ListPoliciesForTarget", target_id=target, filter=policy_type).policies
        return [policy.name for policy in found]
