"""What a simulation tells of decisions."""

import json
from dataclasses import replace

import pytest

from tabard.faults import PolicyEvaluation
from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.context import context_of
from tabard.policy.decide import AccessRequest, Layers, Outcome, decide
from tabard.policy.document import Kind
from tabard.policy.parse import parse_leniently, parse_policy
from tabard.policy.positions import Position, Span
from tabard.policy.principal import Principal, PrincipalKind
from tabard.policy.simulate import MatchedStatement, Simulation, Verdict, combined, context_keys
from tests.unit.policy.vectors import cases

ME = "111122223333"
ALICE = Principal(kind=PrincipalKind.USER, account=ME, arn=f"arn:aws:iam::{ME}:user/alice", unique_id="AIDAALICE")


def allow(action="s3:GetObject", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action="s3:GetObject", resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


def policies(*statements, kind=Kind.INLINE, name="p") -> PolicySet:
    return compile_policies([(name, parse_policy(text(*statements), kind))])


def text(*statements, version="2012-10-17"):
    return json.dumps({"Version": version, "Statement": list(statements)})


def judge(action="s3:GetObject", on="*", *, account=ME, context=(), **layers) -> Verdict:
    request = AccessRequest(
        principal=ALICE, action=action, resource=on, resource_account=account, context=context_of(context)
    )
    return Simulation(Layers(**layers)).judge(request)


def told(verdict):
    return [(each.policy, each.source_type) for each in verdict.matched]


def test_an_allow_lists_the_statement_and_its_place():
    verdict = judge(identity=policies(allow("s3:Put*"), allow()))
    assert verdict.outcome is Outcome.ALLOWED
    (matched,) = verdict.matched
    assert (matched.policy, matched.source_type) == ("p", "IAM Policy")
    assert matched.span.end == Position(1, len(text(allow("s3:Put*"), allow())) - 1)


def test_an_implicit_denial_lists_none():
    assert judge(identity=policies(allow("s3:PutObject"))) == Verdict(outcome=Outcome.IMPLICIT_DENY)


def test_an_explicit_denial_lists_all_that_applied():
    verdict = judge(identity=policies(allow(), deny("s3:*"), deny("s3:Put*")))
    assert verdict.outcome is Outcome.EXPLICIT_DENY
    assert len(verdict.matched) == 2


def test_a_boundary_that_denies_is_listed_beside_the_allow():
    verdict = judge(identity=policies(allow()), boundary=policies(deny(), name="limit"))
    assert verdict.outcome is Outcome.EXPLICIT_DENY
    assert told(verdict) == [("p", "IAM Policy"), ("limit", "Permissions Boundary Policy")]
    assert verdict.allowed_by_boundary is False


@pytest.mark.parametrize(("limit", "allows"), [(allow("s3:*"), True), (allow("s3:Put*"), False)])
def test_a_boundary_says_whether_it_allows(limit, allows):
    verdict = judge(identity=policies(allow()), boundary=policies(limit))
    assert verdict.allowed_by_boundary is allows
    assert verdict.outcome is (Outcome.ALLOWED if allows else Outcome.IMPLICIT_DENY)
    assert bool(verdict.matched) is allows


@pytest.mark.parametrize(
    ("levels", "outcome", "allows"),
    [
        ([allow("*"), allow("*")], Outcome.ALLOWED, True),
        ([allow("*"), allow("s3:Put*")], Outcome.IMPLICIT_DENY, False),
        ([allow("s3:Put*"), allow("*")], Outcome.IMPLICIT_DENY, False),
        ([allow("*"), deny("s3:*")], Outcome.EXPLICIT_DENY, False),
    ],
)
def test_where_the_organisation_denies_the_simulation_ends(levels, outcome, allows):
    sets = tuple(policies(level, kind=Kind.SERVICE_CONTROL) for level in levels)
    conditional = allow("s3:*", Condition={"StringLikeIfExists": {"aws:RequestedRegion": "*"}})
    verdict = judge(identity=policies(allow(), conditional), boundary=policies(allow("*")), service_control=sets)
    assert (verdict.outcome, verdict.allowed_by_organization) == (outcome, allows)
    assert bool(verdict.matched) is allows
    assert verdict.missing == (("aws:RequestedRegion",) if allows else ())
    assert (verdict.allowed_by_boundary is None) is not allows


def test_an_identity_that_denies_by_itself_is_told_of_though_the_organisation_is_silent():
    silent = (policies(allow("ec2:*"), kind=Kind.SERVICE_CONTROL),)
    verdict = judge(identity=policies(deny()), service_control=silent)
    assert (verdict.outcome, verdict.allowed_by_organization) == (Outcome.EXPLICIT_DENY, False)
    assert told(verdict) == [("p", "IAM Policy")]


def bucket(*principals, effect="Allow"):
    statement = {"Effect": effect, "Principal": {"AWS": list(principals)}, "Action": "s3:*", "Resource": "*"}
    return policies(statement, kind=Kind.RESOURCE, name="ResourcePolicy")


def test_a_resource_policy_that_names_the_user_allows_in_the_same_account():
    verdict = judge(resource=bucket(ALICE.arn))
    assert verdict.outcome is Outcome.ALLOWED
    assert told(verdict) == [("ResourcePolicy", "Resource Policy")]
    assert verdict.details == {}


@pytest.mark.parametrize(
    ("identity", "principal", "outcome", "details"),
    [
        (allow(), ALICE.arn, Outcome.ALLOWED, ["allowed", "allowed"]),
        (allow("ec2:*"), ALICE.arn, Outcome.IMPLICIT_DENY, ["implicitDeny", "allowed"]),
        (allow(), ALICE.arn + "x", Outcome.IMPLICIT_DENY, ["allowed", "implicitDeny"]),
        (deny(), ALICE.arn, Outcome.EXPLICIT_DENY, ["explicitDeny", "allowed"]),
    ],
)
def test_across_accounts_each_kind_of_policy_has_its_outcome(identity, principal, outcome, details):
    verdict = judge(identity=policies(identity), resource=bucket(principal), account="444455556666")
    assert verdict.outcome is outcome
    assert verdict.details == dict(zip(("IAM Policy", "Resource Policy"), details, strict=True))


@pytest.mark.parametrize(
    ("statement", "context", "missing"),
    [
        (allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), {}, ["aws:MultiFactorAuthPresent"]),
        (allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), {"AWS:multifactorauthpresent": "true"}, []),
        (allow("s3:Put*", Condition={"Bool": {"aws:SecureTransport": "true"}}), {}, []),
        (allow(resource="arn:aws:s3:::b", Condition={"Bool": {"aws:SecureTransport": "true"}}), {}, []),
        (allow(resource="arn:aws:s3:::a/${aws:username}/*"), {}, ["aws:username"]),
        (allow(resource="arn:aws:s3:::b/${aws:username}/*"), {}, []),
        (allow(resource="arn:aws:s3:::a/${aws:username, 'x'}/*"), {}, []),
        (
            deny(Condition={"StringEquals": {"s3:prefix": ["${aws:userid}", "${*}", "${aws:userid}"]}}),
            {},
            ["s3:prefix", "aws:userid"],
        ),
        (allow(Condition={"NumericEquals": {"s3:max-keys": "${aws:username}"}}), {"s3:max-keys": "1"}, []),
        (allow(Condition={"Null": {"aws:TokenIssueTime": "true"}}), {}, ["aws:TokenIssueTime"]),
    ],
)
def test_keys_that_statements_about_the_request_speak_of_and_nobody_supplied(statement, context, missing):
    verdict = judge(on="arn:aws:s3:::a/me/x", context=context.items(), identity=policies(statement))
    assert list(verdict.missing) == missing


def test_a_resource_statement_about_somebody_else_misses_nothing():
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ME}:user/bob"},
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    }
    assert judge(resource=policies(statement, kind=Kind.RESOURCE)).missing == ()


def test_the_verdict_is_the_decision():
    for case in cases("policy/statements.json"):
        identity = compile_policies([("p", parse_policy(json.dumps(case["policy"]), Kind.INLINE))])
        context = context_of(
            (key, tuple(value) if isinstance(value, list) else value) for key, value in case.get("context", {}).items()
        )
        request = AccessRequest(
            principal=ALICE,
            action=case["action"],
            resource=case["resource"],
            resource_account=ME,
            context=context,
        )
        layers = Layers(identity=identity)
        assert Simulation(layers).judge(request).outcome is decide(request, layers).outcome, case["name"]


def test_a_statement_that_cannot_be_evaluated_is_no_verdict():
    (good,) = policies(allow()).statements
    broken = replace(good, conditions=(lambda context: bool(context["absent"]),))
    with pytest.raises(PolicyEvaluation, match="could not be evaluated"):
        judge(identity=PolicySet((broken,)))


def at(column):
    return MatchedStatement("p", "IAM Policy", Span(Position(1, column), Position(1, column + 1)))


def test_several_verdicts_are_as_strict_as_the_strictest_and_list_what_made_it():
    whole = combined(
        [
            Verdict(outcome=Outcome.ALLOWED, matched=(at(1),), missing=("aws:a", "aws:b"), allowed_by_boundary=True),
            Verdict(outcome=Outcome.EXPLICIT_DENY, matched=(at(2), at(3)), missing=("aws:b",)),
            Verdict(outcome=Outcome.EXPLICIT_DENY, matched=(at(3),), allowed_by_boundary=False),
            Verdict(outcome=Outcome.IMPLICIT_DENY),
        ]
    )
    assert whole.outcome is Outcome.EXPLICIT_DENY
    assert whole.matched == (at(2), at(3))
    assert whole.missing == ("aws:a", "aws:b")
    assert whole.allowed_by_boundary is False
    assert whole.allowed_by_organization is None


@pytest.mark.parametrize(
    ("statements", "version", "keys"),
    [
        # AWS's own example of the aws CLI has these two, in this order.
        (
            [
                allow(
                    resource="arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}",
                    Condition={"DateGreaterThan": {"aws:CurrentTime": "2015-08-16T12:00:00Z"}},
                )
            ],
            "2012-10-17",
            ["aws:username", "aws:CurrentTime"],
        ),
        ([allow(resource="arn:aws:s3:::${aws:username}")], "2008-10-17", []),
        (
            [
                allow(Condition={"StringLike": {"aws:PrincipalTag/Team": "${aws:userid, 'x'}"}}),
                deny(Condition={"StringLike": {"AWS:principaltag/team": "${*}${", "AWS:SourceIp": "x"}}),
            ],
            "2012-10-17",
            ["aws:PrincipalTag/Team", "aws:userid", "AWS:SourceIp"],
        ),
    ],
)
def test_context_keys_are_listed_as_first_written(statements, version, keys):
    document = parse_leniently(text(*statements, version=version), Kind.INLINE)
    assert list(context_keys([document, document])) == keys
