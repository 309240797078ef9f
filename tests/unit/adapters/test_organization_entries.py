"""What the engine is told of an account's organisation: where it is, and one set of policies for each level."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tabard.adapters.identities import StoredIdentities
from tabard.directory.entities import OrganizationPolicyType
from tabard.directory.organizations import FULL_ACCESS
from tabard.policy.compile import PolicySet
from tabard.policy.decide import AccessRequest, Layers, decide
from tabard.policy.principal import Principal, PrincipalKind
from tests.worlds import ACCOUNT, OTHER_ACCOUNT, World

BOTH = tuple(OrganizationPolicyType)
SCP, RCP = BOTH
DENY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}'
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}'
GUARD = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*","Resource":"*"}]}'


@pytest.fixture
def world() -> World:
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    return world


def run(world: World, work: Any) -> Any:
    async def go() -> Any:
        with ThreadPoolExecutor(2) as executor:
            return await work(StoredIdentities(world.store, world.secrets, executor))  # type: ignore[arg-type]

    return asyncio.run(go())


def entry_of(world: World, account: str) -> Any:
    return run(world, lambda identities: identities.organization(account))


def lets_pass(policies: PolicySet, action: str) -> bool:
    """Whether one level allows, as the engine counts any layer of an identity."""
    who = Principal(kind=PrincipalKind.USER, account=ACCOUNT, arn="arn:aws:iam::1:user/u", unique_id="AIDA")
    request = AccessRequest(principal=who, action=action, resource="*", resource_account=ACCOUNT, context={})
    return decide(request, Layers(identity=policies)).allowed


def names(policies: PolicySet) -> list[str]:
    return [statement.policy for statement in policies.statements]


def test_an_account_without_an_organisation_has_no_entry(world: World) -> None:
    world.organization()
    assert entry_of(world, OTHER_ACCOUNT) is None
    assert entry_of(world, "999999999999") is None


def test_the_path_is_as_in_aws_principal_org_paths(world: World) -> None:
    company = world.organization()
    outer = world.unit(company, "outer")
    inner = world.unit(company, "inner", under=outer.id)
    world.member(company, OTHER_ACCOUNT, under=inner.id)
    entry, management = entry_of(world, OTHER_ACCOUNT), entry_of(world, ACCOUNT)
    assert entry.path == f"{company.id}/{company.root_id}/{outer.id}/{inner.id}/"
    assert (entry.organization_id, entry.management) == (company.id, False)
    assert management.path == f"{company.id}/{company.root_id}/"
    assert management.management


def test_each_level_is_a_set_of_its_own_and_its_policies_go_by_arn(world: World) -> None:
    company = world.organization(enabled_policy_types=(SCP,))
    deny, allow = (world.organization_policy(company, name, text) for name, text in (("deny", DENY), ("sts", ALLOW)))
    with world.store.write() as records:
        records.organizations.put(replace(company, attached_policies=(FULL_ACCESS.id, deny.id)))
    unit = world.unit(company, "u", attached_policies=(FULL_ACCESS.id,))
    world.member(company, OTHER_ACCOUNT, under=unit.id, attached_policies=(allow.id,))
    root, middle, own = entry_of(world, OTHER_ACCOUNT).service_control
    prefix = f"arn:aws:organizations::{ACCOUNT}:policy/{company.id}/service_control_policy"
    full = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
    assert sorted(names(root)) == sorted([f"{prefix}/{deny.id}", full])
    assert names(middle) == [full]
    assert names(own) == [f"{prefix}/{allow.id}"]
    assert [lets_pass(level, "iam:GetUser") for level in (root, middle, own)] == [False, True, False]
    assert [lets_pass(level, "sts:AssumeRole") for level in (root, middle, own)] == [True, True, True]


def test_a_level_without_any_policy_allows_nothing(world: World) -> None:
    company = world.organization(enabled_policy_types=(SCP,))
    world.member(company, OTHER_ACCOUNT, attached_policies=(FULL_ACCESS.id,))
    root, own = entry_of(world, OTHER_ACCOUNT).service_control
    assert not lets_pass(root, "s3:GetObject")
    assert lets_pass(own, "s3:GetObject")


def test_a_policy_that_is_gone_allows_nothing(world: World) -> None:
    company = world.organization(enabled_policy_types=(SCP,))
    world.member(company, OTHER_ACCOUNT, attached_policies=("p-gonegone00",))
    assert not lets_pass(entry_of(world, OTHER_ACCOUNT).service_control[1], "s3:GetObject")


def test_everything_is_allowed_at_every_level_of_resource_control_and_policies_only_deny(world: World) -> None:
    company = world.organization(enabled_policy_types=BOTH)
    guard = world.organization_policy(company, "guard", GUARD, policy_type=RCP)
    unit = world.unit(company, "u", attached_policies=(guard.id,))
    world.member(company, OTHER_ACCOUNT, under=unit.id)
    root, middle, own = entry_of(world, OTHER_ACCOUNT).resource_control
    everything = "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess"
    assert names(root) == names(own) == [everything]
    assert names(middle) == [
        f"arn:aws:organizations::{ACCOUNT}:policy/{company.id}/resource_control_policy/{guard.id}",
        everything,
    ]


def test_a_type_that_is_not_enabled_has_no_layer(world: World) -> None:
    company = world.organization(attached_policies=(FULL_ACCESS.id,))
    world.member(company, OTHER_ACCOUNT)
    entry = entry_of(world, OTHER_ACCOUNT)
    assert (entry.service_control, entry.resource_control) == (None, None)


def test_the_management_account_is_bound_by_nothing(world: World) -> None:
    world.organization(enabled_policy_types=BOTH)
    entry = entry_of(world, ACCOUNT)
    assert (entry.service_control, entry.resource_control) == (None, None)


def test_records_that_lead_nowhere_are_a_failure_and_no_permission(world: World) -> None:
    company = world.organization()
    world.member(company, OTHER_ACCOUNT, under="ou-gone-00000000")
    with pytest.raises(LookupError):
        entry_of(world, OTHER_ACCOUNT)


def test_units_in_a_circle_are_a_failure_and_no_endless_walk(world: World) -> None:
    company = world.organization()
    unit = world.unit(company, "u", under="ou-aaaaaaaaaa-0000000000")
    with world.store.write() as records:
        records.organizational_units.put(replace(unit, id=unit.parent_id, parent_id=unit.id))
    world.member(company, OTHER_ACCOUNT, under=unit.id)
    with pytest.raises(LookupError):
        entry_of(world, OTHER_ACCOUNT)


@pytest.mark.parametrize("what", ["policy", "account", "unit", "root", "type", "moved", "left"])
def test_p20_a_change_to_anything_above_an_account_is_seen_after_a_refresh(world: World, what: str) -> None:
    full = (FULL_ACCESS.id,)
    company = world.organization(enabled_policy_types=(SCP,), attached_policies=full)
    allow = world.organization_policy(company, "all", FULL_ACCESS.content)
    deny = world.organization_policy(company, "deny", DENY)
    unit = world.unit(company, "u", attached_policies=(allow.id,))
    other = world.unit(company, "v", attached_policies=(deny.id,))
    world.member(company, OTHER_ACCOUNT, under=unit.id, attached_policies=full)

    async def levels(identities: StoredIdentities) -> list[bool] | None:
        entry = await identities.organization(OTHER_ACCOUNT)
        if entry is None or entry.service_control is None:
            return None
        return [lets_pass(each, "iam:GetUser") for each in entry.service_control]

    async def work(identities: StoredIdentities) -> None:
        assert await levels(identities) == [True, True, True]
        kept = await identities.organization(OTHER_ACCOUNT)
        assert await identities.organization(OTHER_ACCOUNT) is kept
        with world.store.write() as records:
            place = records.organization_accounts.get(OTHER_ACCOUNT)
            assert place is not None
            match what:
                case "policy":
                    records.organization_policies.put(replace(allow, content=DENY))
                case "account":
                    records.organization_accounts.put(replace(place, attached_policies=(*full, deny.id)))
                case "unit":
                    records.organizational_units.put(replace(unit, attached_policies=(deny.id,)))
                case "root":
                    records.organizations.put(replace(company, attached_policies=()))
                case "type":
                    records.organizations.put(replace(company, enabled_policy_types=()))
                case "moved":
                    records.organization_accounts.put(replace(place, parent_id=other.id))
                case "left":
                    records.organization_accounts.delete(place)
        await identities.refresh()
        assert (
            await levels(identities)
            == {
                "policy": [True, False, True],
                "account": [True, True, False],
                "unit": [True, False, True],
                "root": [False, True, True],
                "type": None,
                "moved": [True, False, True],
                "left": None,
            }[what]
        )

    run(world, work)


def test_an_account_that_joins_is_seen_after_a_refresh(world: World) -> None:
    company = world.organization()

    async def work(identities: StoredIdentities) -> None:
        assert await identities.organization(OTHER_ACCOUNT) is None
        assert await identities.organization("999999999999") is None
        world.member(company, OTHER_ACCOUNT)
        world.account("999999999999", "new")
        world.member(company, "999999999999")
        await identities.refresh()
        for account in (OTHER_ACCOUNT, "999999999999"):
            found = await identities.organization(account)
            assert found is not None
            assert found.organization_id == company.id

    run(world, work)


def test_guessed_accounts_push_no_fact_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabard.adapters.identities.MAXIMUM_UNKNOWN", 3)

    async def work(identities: StoredIdentities) -> None:
        assert await identities.organization(OTHER_ACCOUNT) is None
        for number in range(20):
            assert await identities.organization(f"{number:012}") is None
        assert len(identities._unknown) <= 3
        assert len(identities._kept) == 1

    run(world, work)
