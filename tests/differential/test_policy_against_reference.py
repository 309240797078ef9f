"""The engine and a naive evaluator answer generated requests alike."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tabard.policy.compile import compile_policies
from tabard.policy.context import context_of
from tabard.policy.decide import AccessRequest, Layers, Outcome, decide
from tabard.policy.document import Kind
from tabard.policy.explain import Effected, explain
from tabard.policy.parse import parse_policy
from tests.differential.reference_evaluator import OPERATIONS, evaluate
from tests.unit.policy.vectors import cases, context, principals

PEOPLE = principals()
HERE, THERE = "111122223333", "444455556666"
KEYS = ["k", "K", "aws:PrincipalTag/Team", "m"]
VALUES = {
    "String": [
        "a",
        "A",
        "ab",
        "a*",
        "?b",
        "",
        "*",
        "${k}",
        "x${aws:PrincipalTag/Team}*",
        "${gone}",
        "${gone, 'a'}",
        "${*}",
    ],
    "Numeric": ["1", "1.0", "2", "-3", "x"],
    "Date": ["2026-11-24T10:00:00+00:00", "2026-11-24T11:00:00+01:00", "2020-01-01T00:00:00+00:00"],
    "Bool": ["true", "FALSE", "x", "${k}"],
    "Ip": ["192.0.2.0/24", "192.0.2.7", "0.0.0.0/0", "2001:db8::/32", "x"],
    "Arn": ["arn:aws:s3:::b", "arn:aws:s3:::*", "arn:*:s3:::b?", "x", "arn:aws:s3:::${k}"],
    "Null": ["true", "false"],
}
REQUESTED = [
    "a", "A", "ab", "*", "?b", "", "1", "1.00", "2", "x", "true", "False", "192.0.2.7", "2001:db8::1",
    "arn:aws:s3:::b", "arn:aws:s3:::bc", "2026-11-24T10:00:00+00:00",
]  # fmt: skip
ACTIONS = ["s3:GetObject", "s3:Get*", "S3:getobject", "s3:?etObject", "*", "s3:PutObject", "iam:*"]
RESOURCES = [
    "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::B/k", "arn:aws:s3:::b/${k}", "arn:aws:s3:::b/${gone}",
    "arn:aws:s3:::*/k", "arn:*:s3::*:b/?", "arn:aws:s3:::b/${gone, 'k'}*", "arn:aws:s3:::b", "arn:aws:s3:::${*}",
]  # fmt: skip
AWS_NAMES = [
    "*", HERE, THERE, *(f"arn:aws:iam::{a}:root" for a in (HERE, THERE)), PEOPLE["user"].arn, PEOPLE["session"].arn,
    PEOPLE["session"].issuer_arn, PEOPLE["federated-user"].arn, f"arn:aws:iam::{HERE}:user/eve",
]  # fmt: skip


def one_or_more(values):
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1, max_size=3))


def family(operation):
    return next(values for name, values in VALUES.items() if name in operation)


@st.composite
def conditions(draw):
    blocks = {}
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from([*OPERATIONS, "Null"]))
        if name != "Null":
            operator = draw(st.sampled_from(["", "ForAllValues:", "ForAnyValue:"])) + name
            operator += draw(st.sampled_from(["", "IfExists"]))
        else:
            operator = name
        blocks.setdefault(operator, {})[draw(st.sampled_from(KEYS))] = draw(one_or_more(family(name)))
    return blocks


@st.composite
def statements(draw, principal=False):
    statement = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))}
    statement[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(one_or_more(ACTIONS))
    statement[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(one_or_more(RESOURCES))
    if draw(st.booleans()):
        statement["Condition"] = draw(conditions())
    if principal:
        names = draw(
            st.one_of(
                st.just("*"),
                st.fixed_dictionaries({"AWS": st.lists(st.sampled_from(AWS_NAMES), min_size=1, max_size=4)}),
                st.just({"Service": "ec2.amazonaws.com"}),
                st.just({"Federated": PEOPLE["web"].provider, "AWS": HERE}),
            )
        )
        statement[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = names
    return statement


def documents(principal=False):
    return st.fixed_dictionaries(
        {
            "Version": st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"]),
            "Statement": st.lists(statements(principal), min_size=1, max_size=6),
        }
    )


LAYERS = st.fixed_dictionaries(
    {
        "identity": st.none() | st.lists(documents(), max_size=2),
        "resource": st.none() | st.lists(documents(principal=True), min_size=1, max_size=1),
        "boundary": st.none() | st.lists(documents(), max_size=1),
        "session": st.none() | st.lists(documents(), max_size=2),
        "service_control": st.none() | st.lists(st.lists(documents(), max_size=2), max_size=2),
        "resource_control": st.none() | st.lists(st.lists(documents(principal=True), max_size=1), max_size=2),
        "endpoint": st.none() | st.lists(documents(principal=True), min_size=1, max_size=1),
        "resource_must_allow": st.booleans(),
    }
)
REQUESTS = st.fixed_dictionaries(
    {
        "principal": st.sampled_from(list(PEOPLE.values())),
        "action": st.sampled_from(["s3:GetObject", "s3:PutObject", "iam:GetUser"]),
        "resource": st.sampled_from(["arn:aws:s3:::b/k", "arn:aws:s3:::b", "arn:aws:s3:::b/ab", "*", "arn:aws:s3:::*"]),
        "resource_account": st.sampled_from([HERE, HERE, THERE]),
        "context": st.dictionaries(
            st.sampled_from(["k", "aws:PrincipalTag/Team", "m"]),
            st.one_of(st.sampled_from(REQUESTED), st.lists(st.sampled_from(REQUESTED), max_size=3)),
        ),
    }
)


NAMING = {"resource", "resource_control", "endpoint"}
"""The layers whose documents name principals."""
LEVELLED = ("service_control", "resource_control")


def compiled(layer, documents):
    kind = Kind.RESOURCE if layer in NAMING else Kind.INLINE
    return compile_policies([(str(i), parse_policy(json.dumps(each), kind)) for i, each in enumerate(documents)])


def layers_of(layers):
    sets = {
        layer: None if layers[layer] is None else compiled(layer, layers[layer])
        for layer in ("identity", "resource", "boundary", "session", "endpoint")
    }
    for layer in LEVELLED:
        levels = layers[layer]
        sets[layer] = None if levels is None else tuple(compiled(layer, each) for each in levels)
    return Layers(**sets, resource_must_allow=layers["resource_must_allow"])


def engine(request, layers):
    asked = AccessRequest(
        principal=request["principal"],
        action=request["action"],
        resource=request["resource"],
        resource_account=request["resource_account"],
        context=context_of(context(request["context"]).items()),
    )
    decision = decide(asked, layers_of(layers))
    assert decision.error is None
    require_consistent(explain(asked, layers_of(layers), decision), decision)
    return decision.outcome.value


def require_consistent(report, decision):
    """An explanation says what the decision says, and tells of every statement that applied."""
    effects = [layer.effect for layer in report.layers]
    assert (Effected.EXPLICIT_DENY in effects) is (decision.outcome is Outcome.EXPLICIT_DENY)
    if decision.outcome is Outcome.IMPLICIT_DENY:
        assert Effected.IMPLICIT_DENY in effects or Effected.ALLOW in effects
    told = {(layer.layer, s.policy, s.index) for layer in report.layers for s in layer.statements if s.applied}
    assert told == {(match.layer, match.policy, match.index) for match in decision.matches}
    assert report.error is None


@settings(max_examples=300, deadline=None)
@given(request=REQUESTS, layers=LAYERS)
@example(
    request={
        "principal": PEOPLE["user"],
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/k",
        "resource_account": HERE,
        "context": {"k": "k"},
    },
    layers={
        "identity": [
            {
                "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b/${k}"},
                "Version": "2012-10-17",
            }
        ],
        "resource": None,
        "boundary": None,
        "session": None,
        "service_control": None,
        "resource_control": None,
        "endpoint": None,
        "resource_must_allow": False,
    },
)
def test_the_engine_agrees_with_the_reference(request, layers):
    assert engine(request, layers) == evaluate(request, layers)


def test_the_reference_knows_the_tables_too():
    wrong = []
    for case in cases("policy/decisions.json"):
        request = {
            "principal": PEOPLE[case["principal"]],
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b/k",
            "resource_account": case["resource_account"],
            "context": {},
        }
        layers = {
            layer: [[each] for each in found] if layer in LEVELLED else [found]
            for layer, found in case["layers"].items()
        }
        if evaluate(request, {**layers, "resource_must_allow": case["resource_must_allow"]}) != case["expected"]:
            wrong.append(case["name"])
    assert wrong == []
