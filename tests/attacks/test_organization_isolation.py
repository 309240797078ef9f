"""T01, T02: an organisation to strangers, to other organisations and to its own members. Each with a valid control."""

import json
from typing import Any

import pytest

from tabard.actions import organization_faults as faults
from tabard.apps.accounts import AccountMaker, NewKey
from tabard.faults import Fault
from tests.attacks.test_json_protocol_attacks import code, draft
from tests.houses import InProcessHouse, in_process_house, signed
from tests.unit.actions.organizations.calls import DENY, ROWS, SCP, THIRD, Company
from tests.worlds import OTHER_ACCOUNT

NAMING = sorted(
    name for name, row in ROWS.items() if {field for field in row.request.__dataclass_fields__ if field.endswith("_id")}
)
MANAGING = sorted(set(ROWS) - {"CreateOrganization", "DescribeOrganization"})


def two_companies() -> tuple[Company, dict[str, Any]]:
    """The first account's organisation, and parameters that name what is in the third account's."""
    company = Company(SCP)
    world = company.world
    theirs = world.organization(management=THIRD)
    unit = world.unit(theirs, "theirs", tags={"secret": "tag"})
    policy = world.organization_policy(theirs, "theirs", DENY)
    world.member(theirs, OTHER_ACCOUNT, under=unit.id)
    return company, {
        "root_id": theirs.root_id,
        "parent_id": unit.id,
        "child_id": unit.id,
        "organizational_unit_id": unit.id,
        "account_id": OTHER_ACCOUNT,
        "source_parent_id": theirs.root_id,
        "destination_parent_id": unit.id,
        "policy_id": policy.id,
        "target_id": unit.id,
        "resource_id": unit.id,
    }


NEVER = {
    "root_id": "r-aaaaaaaaaa",
    "parent_id": "ou-aaaaaaaaaa-aaaaaaaaaa",
    "child_id": "ou-aaaaaaaaaa-aaaaaaaaaa",
    "organizational_unit_id": "ou-aaaaaaaaaa-aaaaaaaaaa",
    "account_id": "999999999999",
    "source_parent_id": "r-aaaaaaaaaa",
    "destination_parent_id": "ou-aaaaaaaaaa-aaaaaaaaaa",
    "policy_id": "p-aaaaaaaaaa",
    "target_id": "ou-aaaaaaaaaa-aaaaaaaaaa",
    "resource_id": "ou-aaaaaaaaaa-aaaaaaaaaa",
}
OTHERS: dict[str, Any] = {
    "name": "mine",
    "content": DENY,
    "type": SCP,
    "filter": SCP,
    "policy_type": SCP,
    "description": "",
    "child_type": "ACCOUNT",
    "tags": {"a": "b"},
    "tag_keys": ("secret",),
}


def parameters(operation: str, ids: dict[str, Any]) -> dict[str, Any]:
    fields = ROWS[operation].request.__dataclass_fields__
    return {name: value for name, value in {**OTHERS, **ids}.items() if name in fields}


def answer(company: Company, operation: str, ids: dict[str, Any], account: str | None = None) -> Any:
    caller = company.world.root(account) if account is not None else None
    try:
        return company(operation, caller=caller, **parameters(operation, ids))
    except Fault as fault:
        return type(fault), fault.public, fault.reason


@pytest.mark.parametrize("operation", NAMING)
def test_t01_what_another_organisation_holds_is_as_missing_as_what_never_was(operation: str) -> None:
    company, theirs = two_companies()
    missing = answer(company, operation, NEVER)
    assert isinstance(missing, tuple)
    assert answer(company, operation, theirs) == missing
    # Control: where its owner asks, it is there.
    assert answer(company, operation, theirs, THIRD) != missing


@pytest.mark.parametrize("operation", NAMING)
def test_t01_questions_tell_nothing_of_another_organisation(operation: str) -> None:
    company, theirs = two_companies()
    if operation == "AddAccountToOrganization":
        return  # asked of nobody
    for asked in company.asks(operation, **parameters(operation, theirs)):
        assert THIRD not in asked.resource
        assert "secret" not in str(asked.context).replace("'aws:tagkeys': ('secret',)", "")


def test_t01_lists_hold_nothing_of_another_organisation() -> None:
    company, _ = two_companies()
    shown = str([company("ListAccounts"), company("ListPolicies", filter=SCP), company("ListRoots")])
    assert "theirs" not in shown
    assert OTHER_ACCOUNT not in shown
    targets = company("ListTargetsForPolicy", policy_id="p-FullAWSAccess").targets
    assert {each.target_id for each in targets} == {company.root, company.world.main.id}


def test_t02_nothing_of_another_organisation_can_be_mixed_in() -> None:
    company, theirs = two_companies()
    mine = company.policy("mine")
    unit = company.unit("mine")
    for refused, call in (
        (faults.TargetNotFound, ("AttachPolicy", {"policy_id": mine, "target_id": theirs["target_id"]})),
        (faults.OrganizationPolicyNotFound, ("AttachPolicy", {"policy_id": theirs["policy_id"], "target_id": unit})),
        (faults.AlreadyInOrganization, ("AddAccountToOrganization", {"account_id": OTHER_ACCOUNT})),
        (faults.ParentNotFound, ("CreateOrganizationalUnit", {"parent_id": theirs["parent_id"], "name": "n"})),
    ):
        operation, given = call
        with pytest.raises(refused):
            company(operation, **given)
    # Control.
    company("AttachPolicy", policy_id=mine, target_id=unit)


@pytest.mark.parametrize("operation", MANAGING)
def test_t01_a_member_may_do_and_see_nothing_but_that_it_is_one(operation: str) -> None:
    company = Company(SCP)
    unit, policy = company.unit("u"), company.policy("p")
    company("AddAccountToOrganization", account_id=OTHER_ACCOUNT)
    own = {
        **dict.fromkeys(("parent_id", "child_id", "organizational_unit_id", "target_id", "resource_id"), unit),
        "root_id": company.root,
        "policy_id": policy,
        "account_id": OTHER_ACCOUNT,
        "source_parent_id": company.root,
        "destination_parent_id": unit,
    }
    member, stranger = company.world.root(OTHER_ACCOUNT), company.world.root(THIRD)
    with pytest.raises(faults.NotManagementAccount):
        company(operation, caller=member, **parameters(operation, own))
    with pytest.raises(faults.OrganizationsNotInUse):
        company(operation, caller=stranger, **parameters(operation, own))
    asked = company.asks(operation, caller=member, **parameters(operation, own))
    assert {each.resource for each in asked} == {"*"}
    # Control.
    assert company("DescribeOrganization", caller=member).organization.id == company.id
    with pytest.raises(faults.OrganizationsNotInUse):
        company("DescribeOrganization", caller=stranger)


def test_t01_over_the_wire_a_stranger_a_member_and_a_user_without_permission_learn_nothing() -> None:
    with in_process_house() as house:
        assert house.answer(signed(draft(house, "CreateOrganization"))).status == 200
        roots = json.loads(house.answer(signed(draft(house, "ListRoots"))).body)
        root = roots["Roots"][0]["Id"]
        stranger = another_account(house, "stranger")
        powerless = user_without_permission(house)
        body = json.dumps({"ParentId": root}).encode()
        listed = draft(house, "ListOrganizationalUnitsForParent", body)

        def as_(key: NewKey) -> Any:
            return house.answer(signed(listed.but(key_id=key.access_key_id, secret=key.secret_access_key)))

        assert code(as_(stranger)) == "AWSOrganizationsNotInUseException"
        refused = as_(powerless)
        assert code(refused) == "AccessDeniedException"
        assert "organizations:ListOrganizationalUnitsForParent" in json.loads(refused.body)["Message"]
        # Control.
        assert json.loads(house.answer(signed(listed)).body) == {"OrganizationalUnits": []}


def another_account(house: InProcessHouse, name: str) -> NewKey:
    with house.world.store.write() as records:
        maker = AccountMaker(
            records=records, now=house.clock.now(), entropy=house.world.entropy, secrets=house.world.secrets
        )
        return maker.account(name)[1]


def user_without_permission(house: InProcessHouse) -> NewKey:
    house.call("CreateUser", UserName="nobody")
    with house.world.store.write() as records:
        user = records.users.get(house.account, "nobody")
        assert user is not None
        maker = AccountMaker(
            records=records, now=house.clock.now(), entropy=house.world.entropy, secrets=house.world.secrets
        )
        return maker.key(house.account, owner_id=user.id)
