"""Simulations that ask for too much work, for other accounts' secrets, or with documents that are weapons."""

import functools
import json
import operator

import pytest

from tabard.actions.simulation_inputs import ContextEntry
from tabard.faults import InvalidInput, NoSuchEntity
from tests.fuse import fuse
from tests.unit.actions.iam.calls import call, every_page
from tests.worlds import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, refused

TOO_LARGE = "The simulation is too large: give fewer resources, policies or context values in one request."
OBJECT = "arn:aws:s3:::b/" + "a" * 2000
ACTIONS = [f"s3:Get{number}" for number in range(100)]


def policy(count: int = 1, **statement) -> str:
    whole = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [whole] * count}, separators=(",", ":"))


def simulate(*policies: str, **parameters):
    parameters = {"action_names": ["s3:GetObject"], **parameters}
    return call(World(), "SimulateCustomPolicy", policy_input_list=list(policies), **parameters)


def test_ten_thousand_statements_come_a_few_actions_at_a_time_and_all_of_them():
    policies = [policy(1_250)] * 8
    given = {"policy_input_list": policies, "action_names": ACTIONS[:20]}
    pages = every_page(World(), "SimulateCustomPolicy", max_items=100, **given)
    told = [[len(each.matched_statements) for each in page.evaluation_results] for page in pages]
    assert functools.reduce(operator.iadd, told, []) == [10_000] * 20
    assert all(sum(page) <= 120_000 for page in told)
    assert len(simulate(policy(), action_names=ACTIONS).evaluation_results) == 100


@pytest.mark.parametrize(
    "parameters",
    [
        {"resource_arns": [f"{OBJECT}{number}" for number in range(10)]},
        {
            "context_entries": [
                ContextEntry(
                    context_key_name="aws:TagKeys", context_key_values=("a" * 100,) * 100, context_key_type="stringList"
                )
            ]
        },
    ],
    ids=["long resources", "many values"],
)
def test_patterns_of_the_slowest_kind_are_refused_where_they_would_take_long(parameters):
    slow = [f"arn:aws:s3:::*?b{number}*" for number in range(4_000)]
    condition = {"ForAnyValue:StringLike": {"aws:TagKeys": [f"*?b{number}*" for number in range(4_000)]}}
    hostile = [policy(Resource=slow), policy(Condition=condition)]
    with refused(InvalidInput, TOO_LARGE, "simulation.size"):
        simulate(*hostile, **parameters)
    assert simulate(policy(Resource=slow[:3]), **parameters).evaluation_results[0].eval_decision == "implicitDeny"


def test_a_pattern_full_of_stars_takes_one_reading():
    stars = "arn:aws:s3:::b/" + "a*" * 5_000 + "b"
    with fuse():
        (result,) = simulate(policy(Resource=stars), resource_arns=[OBJECT]).evaluation_results
    assert result.eval_decision == "implicitDeny"
    (result,) = simulate(policy(Resource=stars[:40] + "*"), resource_arns=[OBJECT]).evaluation_results
    assert result.eval_decision == "allowed"


@pytest.mark.parametrize(
    "text",
    [
        '{"Statement":' + "[" * 50_000,
        '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
        policy(Action="s3:Get\0"),
        "\t",
    ],
)
def test_a_document_that_is_a_weapon_is_refused(text):
    with fuse(), pytest.raises(InvalidInput):
        simulate(ALLOW_ALL, text)


@pytest.mark.parametrize("operation", ["SimulatePrincipalPolicy", "GetContextKeysForPrincipalPolicy"])
@pytest.mark.parametrize("kind", ["user", "group", "role"])
def test_an_identity_of_another_account_is_not_there(operation, kind):
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    getattr(world, kind)("theirs", account=OTHER_ACCOUNT, inline_policies={"secret": ALLOW_ALL})
    given = {"action_names": ["s3:GetObject"]} if operation.startswith("Simulate") else {}
    for account in (OTHER_ACCOUNT, "999999999999", ACCOUNT):
        arn = f"arn:aws:iam::{account}:{kind}/theirs"
        with refused(NoSuchEntity, "Unable to retrieve specified IAM entity.", "simulation.entity.missing"):
            call(world, operation, policy_source_arn=arn, **given)
    theirs = world.root(OTHER_ACCOUNT)
    call(world, operation, policy_source_arn=f"arn:aws:iam::{OTHER_ACCOUNT}:{kind}/theirs", caller=theirs, **given)


def test_naming_a_caller_of_another_account_tells_nothing_of_it():
    world = World()
    world.user("alice", inline_policies={"own": ALLOW_ALL})
    world.account(OTHER_ACCOUNT, "other")
    theirs = world.user("theirs", account=OTHER_ACCOUNT, permissions_boundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    organization = world.organization(management="777788889999")
    world.member(organization, OTHER_ACCOUNT)

    def result(caller: str):
        (one,) = call(
            world,
            "SimulatePrincipalPolicy",
            policy_source_arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
            action_names=["s3:PutObject"],
            caller_arn=caller,
        ).evaluation_results
        return one

    assert result(theirs.arn) == result(f"arn:aws:iam::{OTHER_ACCOUNT}:user/nobody")
    assert result(theirs.arn).organizations_decision_detail is None
