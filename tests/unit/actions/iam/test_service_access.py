import json

import pytest

from tabard.faults import InvalidInput, NoSuchEntity
from tests.unit.actions.iam.calls import asked, call
from tests.worlds import ACCOUNT, World, refused

USER = f"arn:aws:iam::{ACCOUNT}:user/alice"


def document(effect: str = "Allow", **actions) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": effect, "Resource": "*", **actions}})


def access(world: World, *namespaces: str, arn: str = USER) -> dict[str, list[str]]:
    answer = call(world, "ListPoliciesGrantingServiceAccess", arn=arn, service_namespaces=list(namespaces))
    assert not answer.is_truncated
    return {
        entry.service_namespace: [policy.policy_name for policy in entry.policies]
        for entry in answer.policies_granting_service_access
    }


@pytest.mark.parametrize(
    ("policy", "grants"),
    [
        (document(Action="s3:GetObject"), True),
        (document(Action=["iam:*", "S3:Get*"]), True),
        (document(Action="*"), True),
        (document(Action="iam:*"), False),
        (document("Deny", Action="s3:*"), False),
        (document(NotAction="iam:*"), True),
        (document(NotAction="s3:GetObject"), True),
        (document(NotAction=["iam:*", "S3:*"]), False),
        (document(Action="s3-outposts:Get"), False),
    ],
)
def test_what_grants_access_to_a_service(policy, grants):
    world = World()
    world.user("alice", inline_policies={"p": policy})
    assert access(world, "s3") == {"s3": ["p"] if grants else []}


def test_every_service_that_is_asked_for_is_told_once_and_in_order():
    world = World()
    world.user("alice", inline_policies={"p": document(Action=["iam:*", "s3:*"])})
    assert list(access(world, "s3", "sts", "iam", "s3")) == ["s3", "sts", "iam"]


def test_policies_say_what_they_are_and_whose():
    world = World()
    own = world.policy("own")
    team = world.group("team", attached_policies=(own.arn,), inline_policies={"theirs": document(Action="s3:*")})
    world.user("alice", groups=(team.id,), attached_policies=(own.arn,), inline_policies={"mine": document(Action="*")})
    answer = call(world, "ListPoliciesGrantingServiceAccess", arn=USER, service_namespaces=["s3"])
    (entry,) = answer.policies_granting_service_access
    told = [(p.policy_name, p.policy_type, p.policy_arn, p.entity_type, p.entity_name) for p in entry.policies]
    assert told == [
        ("own", "MANAGED", own.arn, None, None),
        ("mine", "INLINE", None, "USER", "alice"),
        ("theirs", "INLINE", None, "GROUP", "team"),
    ]


@pytest.mark.parametrize("kind", ["group", "role"])
def test_groups_and_roles_have_policies_too(kind):
    world = World()
    getattr(world, kind)("x", inline_policies={"p": document(Action="s3:*")})
    assert access(world, "s3", arn=f"arn:aws:iam::{ACCOUNT}:{kind}/x") == {"s3": ["p"]}


@pytest.mark.parametrize("arn", ["x" * 20, f"arn:aws:iam::{ACCOUNT}:policy/p", f"arn:aws:s3:::{'b' * 20}", USER[:-5]])
def test_an_arn_of_something_else_is_refused(arn):
    with refused(InvalidInput, f"ARN {arn} is not valid.", "identity-arn.malformed"):
        access(World(), "s3", arn=arn)


@pytest.mark.parametrize("twin", [USER, USER.replace("alice", "eu/alice"), USER.replace(ACCOUNT, "999999999999")])
def test_an_identity_that_is_not_there_is_missing(twin):
    world = World()
    world.user("alice", path="/us/")
    with refused(NoSuchEntity, "The user with name alice cannot be found.", "user.missing"):
        access(world, "s3", arn=twin)


def test_the_question_names_the_identity():
    world = World()
    world.user("alice", tags={"team": "red"})
    assert asked(world, "ListPoliciesGrantingServiceAccess", arn=USER, service_namespaces=["s3"]) == [
        ("iam:ListPoliciesGrantingServiceAccess", USER)
    ]
