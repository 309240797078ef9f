"""Templates applied to a store in this process, and IAM called by hand beside them."""

import json
from collections.abc import Sequence
from typing import Any

from tabard.actions.desk import Desk
from tabard.adapters.audit import MemoryAudit
from tabard.apps.operator import in_place_of_root
from tabard.apps.pipeline import table
from tabard.apps.stacks.calls import Calls
from tabard.apps.stacks.run import Options, Outcome, Run, prepare
from tabard.directory.entities import Account
from tabard.policy.lint.check import DEFAULTS
from tabard.ports.store import Records, Store
from tabard.templates.plan import Action, Plan, Step
from tabard.templates.read import read_template
from tabard.templates.template import parse_template
from tests.worlds import ACCOUNT, NOW, World

ROWS = table()
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
)


class _Clock:
    def now(self) -> Any:
        return NOW


class Stage:
    """One account, and what is done to it."""

    def __init__(self, store: Store | None = None) -> None:
        self.world = World(store)
        self.audit = MemoryAudit()

    def run(self, templates: str | dict[str, str], given: dict[str, str], **options: Any) -> Run:
        named = {"app": templates} if isinstance(templates, str) else templates
        sources = [
            (name, parse_template(read_template(text.encode(), f"{name}.yaml"), f"{name}.yaml"))
            for name, text in named.items()
        ]
        return Run(
            store=self.world.store,
            clock=_Clock(),
            entropy=self.world.entropy,
            secrets=self.world.secrets,
            rows=ROWS,
            levels=DEFAULTS,
            account=Account(id=ACCOUNT, name="main", created=NOW),
            operator="marta",
            sources=prepare(sources, given),
            options=Options(**options),
        )

    def plan(self, templates: str | dict[str, str], *, given: dict[str, str] | None = None, **options: Any) -> Plan:
        """The plan of the first stack."""
        return self.run(templates, given or {}, **options).look()[0]

    def apply(self, templates: str | dict[str, str], *, given: dict[str, str] | None = None, **options: Any) -> Outcome:
        run = self.run(templates, given or {}, **options)
        plans = run.look()
        run.rehearse(plans)
        return run.carry_out(plans, self.audit)

    def by_hand(self, operation: str, **parameters: Any) -> Any:
        """What somebody else does through the API."""
        with self.world.store.write() as records:
            return Calls(desk=self._desk(records), rows=ROWS, operator="someone")(operation, **parameters)

    def asked(self, operation: str, **parameters: Any) -> Any:
        """What the API answers."""
        return self.by_hand(operation, **parameters)

    def contents(self) -> list[object]:
        """Every record of the account that a template can make."""
        with self.world.store.read() as records:
            tables: Sequence[Any] = (
                records.users, records.groups, records.roles, records.policies, records.instance_profiles,
                records.saml_providers, records.oidc_providers, records.stacks,
            )  # fmt: skip
            users = records.users.list(ACCOUNT)
            keys = [key for user in users for key in records.access_keys.of(user.id)]
            passwords = [records.login_profiles.get(user.id) for user in users]
            return [*(each for one in tables for each in one.list(ACCOUNT)), *keys, *filter(None, passwords)]

    def _desk(self, records: Records) -> Desk:
        return Desk(
            records=records,
            caller=in_place_of_root(ACCOUNT),
            now=NOW,
            entropy=self.world.entropy,
            secrets=self.world.secrets,
        )


def actions(plan: Plan) -> dict[str, Action]:
    """What happens to each resource; of a replacement, that it is one."""
    return {step.logical_id: step.action for step in (*plan.removals, *plan.left, *plan.steps)}


def step(plan: Plan, logical_id: str) -> Step:
    return next(each for each in plan.steps if each.logical_id == logical_id)


def differing(plan: Plan, logical_id: str) -> list[str]:
    """The properties of a resource that are not as they should be."""
    return [each.name for each in step(plan, logical_id).differences]
