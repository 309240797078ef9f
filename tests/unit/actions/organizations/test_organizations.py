"""The rules of Organizations, one sentence each."""

import re
from typing import Any

import pytest

from tabard.actions import organization_faults as faults
from tabard.faults import Fault, InvalidInput, LimitExceeded, MalformedPolicy
from tests.unit.actions.organizations.calls import DENY, GUARD, RCP, SCP, THIRD, Company
from tests.worlds import ACCOUNT, OTHER_ACCOUNT


def raises(fault: type[Fault]) -> Any:
    return pytest.raises(fault)


# ── the organisation ─────────────────────────────────────────────────────────────────────────────────


def test_who_makes_an_organisation_manages_it_from_under_its_root() -> None:
    company = Company()
    made = company("DescribeOrganization").organization
    assert made.master_account_id == ACCOUNT
    assert re.fullmatch("o-[a-z0-9]{10}", made.id)
    assert made.arn == f"arn:aws:organizations::{ACCOUNT}:organization/{made.id}"
    assert made.feature_set == "ALL"
    assert [each.id for each in company("ListAccountsForParent", parent_id=company.root).accounts] == [ACCOUNT]
    assert company("ListRoots").roots[0].policy_types == ()


def test_an_account_is_in_one_organisation_at_most() -> None:
    company = Company()
    with raises(faults.AlreadyInOrganization):
        company("CreateOrganization")
    company("AddAccountToOrganization", account_id=OTHER_ACCOUNT)
    with raises(faults.AlreadyInOrganization):
        company("CreateOrganization", caller=company.world.root(OTHER_ACCOUNT))
    with raises(faults.AlreadyInOrganization):
        company("AddAccountToOrganization", account_id=OTHER_ACCOUNT)
    company("CreateOrganization", caller=company.world.root(THIRD))
    with raises(faults.AlreadyInOrganization):
        company("AddAccountToOrganization", account_id=THIRD)


def test_only_organisations_with_all_features_are_built() -> None:
    company = Company()
    with raises(faults.FeatureSetNotBuilt):
        company("CreateOrganization", feature_set="CONSOLIDATED_BILLING", caller=company.world.root(THIRD))
    company("CreateOrganization", feature_set="ALL", caller=company.world.root(THIRD))


def test_an_organisation_goes_when_no_member_is_left_and_takes_everything_with_it() -> None:
    company = Company(SCP)
    company.unit("inner", company.unit("outer"))
    company("AttachPolicy", policy_id=company.policy("deny"), target_id=company.root)
    company("AddAccountToOrganization", account_id=OTHER_ACCOUNT)
    with raises(faults.OrganizationNotEmpty):
        company("DeleteOrganization")
    company("RemoveAccountFromOrganization", account_id=OTHER_ACCOUNT)
    company("DeleteOrganization")
    with raises(faults.OrganizationsNotInUse):
        company("DescribeOrganization")
    with company.world.store.read() as records:
        assert list(records.organizations.list()) == []
        assert list(records.organizational_units.list(company.root)) == []
        assert list(records.organization_policies.list(company.id)) == []
        assert list(records.organization_accounts.list(company.id)) == []


# ── units ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_id_of_a_unit_carries_its_root_and_its_path_all_above() -> None:
    company = Company()
    outer = company.unit("outer")
    inner = company("CreateOrganizationalUnit", parent_id=outer, name="inner").organizational_unit
    assert re.fullmatch(f"ou-{company.root[2:]}-[a-z0-9]{{10}}", inner.id)
    assert inner.path == f"{company.id}/{company.root}/{outer}/{inner.id}/"
    assert inner.arn == f"arn:aws:organizations::{ACCOUNT}:ou/{company.id}/{inner.id}"
    assert company("DescribeOrganizationalUnit", organizational_unit_id=inner.id).organizational_unit == inner
    assert company("ListOrganizationalUnitsForParent", parent_id=outer).organizational_units == (inner,)
    assert company("ListParents", child_id=inner.id).parents[0].id == outer
    assert company("ListParents", child_id=outer).parents[0].type == "ROOT"


def test_names_of_units_are_unique_under_their_parent() -> None:
    company = Company()
    outer = company.unit("outer")
    company.unit("outer", outer)
    for name in ("outer", "OUTER"):
        with raises(faults.DuplicateUnit):
            company.unit(name)
    other = company.unit("other")
    with raises(faults.DuplicateUnit):
        company("UpdateOrganizationalUnit", organizational_unit_id=other, name="outer")
    renamed = company("UpdateOrganizationalUnit", organizational_unit_id=other, name="Third").organizational_unit
    assert (renamed.id, renamed.name) == (other, "Third")
    assert company("UpdateOrganizationalUnit", organizational_unit_id=other).organizational_unit.name == "Third"


def test_units_are_nested_five_deep_and_no_deeper() -> None:
    company = Company()
    parent = company.root
    for number in range(5):
        parent = company.unit(f"level{number}", parent)
    with raises(faults.ConstraintViolation) as refused:
        company.unit("too deep", parent)
    assert refused.value.rule == "OU_DEPTH_LIMIT_EXCEEDED"


def test_a_unit_goes_when_it_is_empty() -> None:
    company = Company()
    outer = company.unit("outer")
    inner = company.unit("inner", outer)
    with raises(faults.UnitNotEmpty):
        company("DeleteOrganizationalUnit", organizational_unit_id=outer)
    company("AddAccountToOrganization", account_id=OTHER_ACCOUNT, parent_id=inner)
    with raises(faults.UnitNotEmpty):
        company("DeleteOrganizationalUnit", organizational_unit_id=inner)
    company("MoveAccount", account_id=OTHER_ACCOUNT, source_parent_id=inner, destination_parent_id=outer)
    company("DeleteOrganizationalUnit", organizational_unit_id=inner)
    with raises(faults.UnitNotFound):
        company("DescribeOrganizationalUnit", organizational_unit_id=inner)


@pytest.mark.parametrize("name", ["a\x00b", "\x1b[31m", "\x7f", "\x9b"])
def test_a_name_has_no_control_characters(name: str) -> None:
    company = Company()
    with raises(faults.InvalidOrganizationInput):
        company.unit(name)
    with raises(faults.InvalidOrganizationInput):
        company.policy(name)
    assert company.unit("ä 名 -_.\n")


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_that_joins_is_shown_with_its_name_and_place() -> None:
    company = Company()
    unit = company.unit("u")
    added = company("AddAccountToOrganization", account_id=OTHER_ACCOUNT, parent_id=unit).account
    assert (added.id, added.name, added.status) == (OTHER_ACCOUNT, "other", "ACTIVE")
    assert added.paths == (f"{company.id}/{company.root}/{unit}/{OTHER_ACCOUNT}/",)
    assert company("DescribeAccount", account_id=OTHER_ACCOUNT).account == added
    assert [each.id for each in company("ListAccounts").accounts] == [ACCOUNT, OTHER_ACCOUNT]
    children = company("ListChildren", parent_id=unit, child_type="ACCOUNT").children
    assert [(each.id, each.type) for each in children] == [(OTHER_ACCOUNT, "ACCOUNT")]
    units = company("ListChildren", parent_id=company.root, child_type="ORGANIZATIONAL_UNIT").children
    assert [each.id for each in units] == [unit]


def test_only_accounts_of_the_store_can_join_and_only_where_there_is_something() -> None:
    company = Company()
    with raises(faults.AccountNotFound):
        company("AddAccountToOrganization", account_id="999999999999")
    with raises(faults.DestinationParentNotFound):
        company("AddAccountToOrganization", account_id=OTHER_ACCOUNT, parent_id="ou-aaaaaaaaaa-aaaaaaaaaa")


def test_an_account_moves_from_where_it_is() -> None:
    company = Company()
    unit = company.unit("u")
    company("AddAccountToOrganization", account_id=OTHER_ACCOUNT)
    where = {"source_parent_id": company.root, "destination_parent_id": unit}
    for wrong, fault in (
        ({"source_parent_id": unit}, faults.SourceParentNotFound),
        ({"source_parent_id": "ou-aaaaaaaaaa-aaaaaaaaaa"}, faults.SourceParentNotFound),
        ({"destination_parent_id": "r-aaaa"}, faults.DestinationParentNotFound),
        ({"destination_parent_id": company.root}, faults.DuplicateAccount),
    ):
        with raises(fault):
            company("MoveAccount", account_id=OTHER_ACCOUNT, **{**where, **wrong})
    with raises(faults.AccountNotFound):
        company("MoveAccount", account_id=THIRD, **where)
    company("MoveAccount", account_id=OTHER_ACCOUNT, **where)
    assert company("ListParents", child_id=OTHER_ACCOUNT).parents[0].id == unit
    company("MoveAccount", account_id=ACCOUNT, **where)


def test_the_management_account_never_leaves() -> None:
    company = Company()
    with raises(faults.ManagementCannotLeave):
        company("RemoveAccountFromOrganization", account_id=ACCOUNT)
    with raises(faults.AccountNotFound):
        company("RemoveAccountFromOrganization", account_id=OTHER_ACCOUNT)


# ── types of policies ────────────────────────────────────────────────────────────────────────────────


def test_full_access_is_attached_to_everything_that_there_is_and_that_comes() -> None:
    company = Company()
    before = company.unit("before")
    company("AddAccountToOrganization", account_id=OTHER_ACCOUNT)
    assert company.attached(company.root) == []
    root = company("EnablePolicyType", root_id=company.root, policy_type=SCP).root
    assert [(each.type, each.status) for each in root.policy_types] == [(SCP, "ENABLED")]
    after = company.unit("after")
    company("AddAccountToOrganization", account_id=THIRD, parent_id=after)
    for target in (company.root, before, after, ACCOUNT, OTHER_ACCOUNT, THIRD):
        assert company.attached(target) == ["FullAWSAccess"]
    with raises(faults.PolicyTypeAlreadyEnabled):
        company("EnablePolicyType", root_id=company.root, policy_type=SCP)


def test_a_type_that_is_disabled_is_detached_from_everything_and_the_other_stays() -> None:
    company = Company(SCP, RCP)
    deny, guard = company.policy("deny"), company.policy("guard", GUARD, RCP)
    for policy in (deny, guard):
        company("AttachPolicy", policy_id=policy, target_id=company.root)
    assert company("DisablePolicyType", root_id=company.root, policy_type=SCP).root.policy_types[0].type == RCP
    assert company.attached(company.root) == []
    assert company.attached(ACCOUNT) == []
    assert company.attached(company.root, RCP) == ["RCPFullAWSAccess", "guard"]
    with raises(faults.PolicyTypeNotEnabled):
        company("DisablePolicyType", root_id=company.root, policy_type=SCP)
    company("EnablePolicyType", root_id=company.root, policy_type=SCP)
    assert company.attached(company.root) == ["FullAWSAccess"]
    assert company.policy("deny2")


def test_other_types_and_other_roots_are_refused() -> None:
    company = Company()
    with raises(faults.PolicyTypeNotBuilt):
        company("EnablePolicyType", root_id=company.root, policy_type="TAG_POLICY")
    with raises(faults.PolicyTypeNotBuilt):
        company("ListPolicies", filter="TAG_POLICY")
    with raises(faults.RootNotFound):
        company("EnablePolicyType", root_id="r-aaaa", policy_type=SCP)


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_policy_is_made_changed_listed_after_aws_s_own_and_deleted() -> None:
    company = Company()
    made = company("CreatePolicy", name="b", content=DENY, type=SCP, description="why", tags={"k": "v"}).policy
    summary = made.policy_summary
    assert re.fullmatch("p-[a-z0-9]{10}", summary.id)
    assert summary.arn == f"arn:aws:organizations::{ACCOUNT}:policy/{company.id}/service_control_policy/{summary.id}"
    assert (made.content, summary.description, summary.aws_managed) == (DENY, "why", False)
    company.policy("A")
    company.policy("guard", GUARD, RCP)
    assert [each.name for each in company("ListPolicies", filter=SCP).policies] == ["FullAWSAccess", "A", "b"]
    assert [each.name for each in company("ListPolicies", filter=RCP).policies] == ["RCPFullAWSAccess", "guard"]
    changed = company("UpdatePolicy", policy_id=summary.id, name="c", content=DENY.replace("iam", "s3")).policy
    assert (changed.policy_summary.name, changed.policy_summary.description) == ("c", "why")
    assert company("DescribePolicy", policy_id=summary.id).policy == changed
    company("DeletePolicy", policy_id=summary.id)
    with raises(faults.OrganizationPolicyNotFound):
        company("DescribePolicy", policy_id=summary.id)


def test_names_of_policies_are_unique_in_the_organisation() -> None:
    company = Company()
    company.policy("deny")
    other = company.policy("other")
    with raises(faults.DuplicatePolicy):
        company.policy("Deny", GUARD, RCP)
    with raises(faults.DuplicatePolicy):
        company("UpdatePolicy", policy_id=other, name="deny")


def test_a_document_must_fit_its_type_and_5120_characters() -> None:
    company = Company()
    policy = company.policy("deny")
    with raises(MalformedPolicy):
        company.policy("guard", GUARD, SCP)
    with raises(MalformedPolicy):
        company("UpdatePolicy", policy_id=policy, content=GUARD)
    with raises(MalformedPolicy):
        company.policy("allow", GUARD.replace("Deny", "Allow"), RCP)
    longest = DENY.replace('"iam:*"', '"iam:{}"'.format("x" * (5120 - len(DENY) + 1)))
    assert len(longest) == 5120
    assert company.policy("longest", longest.replace(",", ", \n"))
    with raises(faults.ConstraintViolation) as refused:
        company.policy("too long", longest.replace("xx", "xxx", 1))
    assert refused.value.rule == "POLICY_CONTENT_LIMIT_EXCEEDED"


def test_aws_s_policies_are_read_and_not_changed() -> None:
    company = Company()
    for policy in ("p-FullAWSAccess", "p-RCPFullAWSAccess"):
        shown = company("DescribePolicy", policy_id=policy).policy.policy_summary
        assert shown.aws_managed
        assert shown.arn.startswith("arn:aws:organizations::aws:policy/")
        for operation in ("UpdatePolicy", "DeletePolicy"):
            with raises(faults.InvalidOrganizationInput) as refused:
                company(operation, policy_id=policy)
            assert refused.value.rule == "IMMUTABLE_POLICY"
        with raises(faults.InvalidOrganizationInput):
            company("TagResource", resource_id=policy, tags={"a": "b"})


# ── attachments ──────────────────────────────────────────────────────────────────────────────────────


def test_a_policy_is_attached_once_to_what_there_is_of_an_enabled_type() -> None:
    company = Company(SCP)
    deny, guard = company.policy("deny"), company.policy("guard", GUARD, RCP)
    company("AttachPolicy", policy_id=deny, target_id=company.root)
    with raises(faults.DuplicatePolicyAttachment):
        company("AttachPolicy", policy_id=deny, target_id=company.root)
    with raises(faults.PolicyTypeNotEnabled):
        company("AttachPolicy", policy_id=guard, target_id=company.root)
    with raises(faults.TargetNotFound):
        company("AttachPolicy", policy_id=deny, target_id=OTHER_ACCOUNT)
    with raises(faults.OrganizationPolicyNotFound):
        company("AttachPolicy", policy_id="p-aaaaaaaaaa", target_id=company.root)
    with raises(faults.PolicyInUse):
        company("DeletePolicy", policy_id=deny)
    company("DetachPolicy", policy_id=deny, target_id=company.root)
    with raises(faults.PolicyNotAttached):
        company("DetachPolicy", policy_id=deny, target_id=company.root)
    company("DeletePolicy", policy_id=deny)


def test_five_policies_of_a_type_and_never_none_of_service_control() -> None:
    company = Company(SCP, RCP)
    for number in range(4):
        company("AttachPolicy", policy_id=company.policy(f"d{number}"), target_id=company.root)
        company("AttachPolicy", policy_id=company.policy(f"g{number}", GUARD, RCP), target_id=company.root)
    for policy in (company.policy("one more"), company.policy("one more guard", GUARD, RCP)):
        with raises(faults.ConstraintViolation) as refused:
            company("AttachPolicy", policy_id=policy, target_id=company.root)
        assert refused.value.rule == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    with raises(faults.ConstraintViolation) as refused:
        company("DetachPolicy", policy_id="p-FullAWSAccess", target_id=ACCOUNT)
    assert refused.value.rule == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    company("DetachPolicy", policy_id="p-FullAWSAccess", target_id=company.root)


def test_the_policy_that_is_everywhere_can_be_neither_attached_nor_detached() -> None:
    company = Company(RCP)
    with raises(faults.DuplicatePolicyAttachment):
        company("AttachPolicy", policy_id="p-RCPFullAWSAccess", target_id=company.root)
    with raises(faults.InvalidOrganizationInput):
        company("DetachPolicy", policy_id="p-RCPFullAWSAccess", target_id=company.root)


def test_the_targets_of_a_policy_are_the_root_then_units_then_accounts() -> None:
    company = Company(SCP, RCP)
    unit = company.unit("u")
    company("AddAccountToOrganization", account_id=OTHER_ACCOUNT)
    expected = [("ROOT", "Root"), ("ORGANIZATIONAL_UNIT", "u"), ("ACCOUNT", "main"), ("ACCOUNT", "other")]
    for policy in ("p-FullAWSAccess", "p-RCPFullAWSAccess"):
        targets = company("ListTargetsForPolicy", policy_id=policy).targets
        assert [(each.type, each.name) for each in targets] == expected
        assert [each.target_id for each in targets] == [company.root, unit, ACCOUNT, OTHER_ACCOUNT]
        assert targets[0].arn == f"arn:aws:organizations::{ACCOUNT}:root/{company.id}/{company.root}"


# ── tags, pages ──────────────────────────────────────────────────────────────────────────────────────


def test_root_units_accounts_and_policies_carry_tags() -> None:
    company = Company()
    for resource in (company.root, company.unit("u"), ACCOUNT, company.policy("p")):
        company("TagResource", resource_id=resource, tags={"b": "2", "a": "1"})
        company("TagResource", resource_id=resource, tags={"A": "3"})
        company("UntagResource", resource_id=resource, tag_keys=("b", "never there"))
        tags = company("ListTagsForResource", resource_id=resource).tags
        assert [(each.key.lower(), each.value) for each in tags] == [("a", "3")]
        with raises(InvalidInput):
            company("TagResource", resource_id=resource, tags={"aws:x": "1"})
        with raises(LimitExceeded):
            company("TagResource", resource_id=resource, tags={f"k{n}": "" for n in range(50)})
    with raises(faults.TargetNotFound):
        company("ListTagsForResource", resource_id="p-aaaaaaaaaa")


def test_pages_hold_everything_once_and_a_token_is_good_for_its_list_only() -> None:
    company = Company()
    made = [company.unit(f"unit{number:02}") for number in range(25)]
    seen: list[str] = []
    token = None
    while True:
        page = company("ListOrganizationalUnitsForParent", parent_id=company.root, next_token=token)
        seen += [unit.id for unit in page.organizational_units]
        token = page.next_token
        if token is None:
            break
    assert seen == made
    first = company("ListOrganizationalUnitsForParent", parent_id=company.root, max_results=1)
    for wrong in (first.next_token, "x", ""):
        with raises(faults.InvalidOrganizationInput) as refused:
            company("ListAccounts", next_token=wrong)
        assert refused.value.rule == "INVALID_NEXT_TOKEN"


# ── questions ────────────────────────────────────────────────────────────────────────────────────────


def test_questions_name_what_aws_s_reference_lists() -> None:
    company = Company(SCP)
    unit, policy = company.unit("u"), company.policy("deny")
    company("TagResource", resource_id=unit, tags={"team": "red"})
    prefix = f"arn:aws:organizations::{ACCOUNT}"
    policy_arn = f"{prefix}:policy/{company.id}/service_control_policy/{policy}"
    unit_arn = f"{prefix}:ou/{company.id}/{unit}"
    attach = company.asks("AttachPolicy", policy_id=policy, target_id=unit)
    assert [(each.action, each.resource) for each in attach] == [
        ("organizations:AttachPolicy", policy_arn),
        ("organizations:AttachPolicy", unit_arn),
    ]
    assert all(each.context["organizations:policytype"] == SCP for each in attach)
    assert attach[1].context["aws:resourcetag/team"] == "red"
    move = company.asks(
        "MoveAccount", account_id=OTHER_ACCOUNT, source_parent_id=company.root, destination_parent_id=unit
    )
    assert [each.resource for each in move] == [
        f"{prefix}:account/{company.id}/{OTHER_ACCOUNT}",
        f"{prefix}:root/{company.id}/{company.root}",
        unit_arn,
    ]
    create = company.asks("CreatePolicy", name="n", content=DENY, type=SCP, description="", tags={"a": "b"})
    assert [each.action for each in create] == ["organizations:CreatePolicy", "organizations:TagResource"]
    assert create[0].resource == f"{prefix}:policy/{company.id}/service_control_policy/*"
    assert create[0].context["aws:requesttag/a"] == "b"
    (described,) = company.asks("DescribePolicy", policy_id="p-FullAWSAccess")
    assert described.resource == "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
    (listed,) = company.asks("ListPolicies", filter=RCP)
    assert (listed.resource, listed.context["organizations:policytype"]) == ("*", RCP)
