"""Why a request was denied: each layer, each statement that came near, what it wanted and what it received."""

import json

import pytest

from tabard.policy.compile import compile_policies
from tabard.policy.context import context_of
from tabard.policy.decide import AccessRequest, Layer, Layers, Outcome, decide
from tabard.policy.document import Effect, Kind
from tabard.policy.explain import MAXIMUM_STATEMENTS, Effected, Element, Mismatch, explain
from tabard.policy.parse import parse_policy
from tests.fuse import fuse

from .vectors import compiled, principals

PEOPLE = principals()
KEY = "arn:aws:s3:::b/k"


def ask(who="user", *, action="s3:GetObject", resource=KEY, account="111122223333", **keys):
    return AccessRequest(
        principal=PEOPLE[who],
        action=action,
        resource=resource,
        resource_account=account,
        context=context_of((key.replace("__", ":").replace("_of_", "/"), value) for key, value in keys.items()),
    )


def report_of(request, **layers):
    sets = Layers(**layers)
    return explain(request, sets, decide(request, sets))


def one(effect="Allow", **statement):
    return {
        "Version": "2012-10-17",
        "Statement": {"Effect": effect, "Action": "s3:GetObject", "Resource": "*", **statement},
    }


def only(report, layer):
    (found,) = [each for each in report.layers if each.layer is layer]
    return found


def mismatches(report, layer=Layer.IDENTITY):
    (statement,) = only(report, layer).statements
    return statement.mismatches


def test_a_condition_tells_what_it_wanted_and_what_it_received():
    condition = {"StringEquals": {"aws:PrincipalTag/Team": ["red", "blue"]}}
    report = report_of(ask(aws__PrincipalTag_of_Team="green"), identity=compiled(one(Condition=condition)))

    assert (report.outcome, report.layer) == (Outcome.IMPLICIT_DENY, Layer.IDENTITY)
    assert mismatches(report) == (
        Mismatch(
            element=Element.CONDITION,
            operator="StringEquals",
            key="aws:PrincipalTag/Team",
            wanted=("red", "blue"),
            received=("green",),
        ),
    )
    assert report.missing == ()


def test_an_absent_key_is_missing():
    condition = {"StringEquals": {"aws:PrincipalTag/Team": "red"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}
    report = report_of(ask(), identity=compiled(one(Condition=condition)))

    assert report.missing == ("aws:PrincipalTag/Team", "aws:MultiFactorAuthPresent")
    assert [each.received for each in mismatches(report)] == [None, None]


def test_variables_are_shown_with_their_values_and_without_as_they_were_written():
    statement = one(Resource="arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/Team}/*")
    report = report_of(ask(aws__username="bob"), identity=compiled(statement))

    (amiss,) = mismatches(report)
    assert (amiss.element, amiss.received) == (Element.RESOURCE, (KEY,))
    assert amiss.wanted == ("arn:aws:s3:::b/bob/${aws:principaltag/team}/*",)


@pytest.mark.parametrize(
    ("statement", "element", "wanted", "received"),
    [
        ({"Action": ["s3:PutObject", "s3:List*"]}, Element.ACTION, ("s3:PutObject", "s3:List*"), "s3:GetObject"),
        ({"Resource": "arn:aws:s3:::b/other"}, Element.RESOURCE, ("arn:aws:s3:::b/other",), KEY),
    ],
)
def test_an_element_that_does_not_fit_is_named(statement, element, wanted, received):
    (amiss,) = mismatches(report_of(ask(), identity=compiled(one(**statement))))
    assert amiss == Mismatch(element=element, wanted=wanted, received=(received,))


def test_a_principal_that_is_not_named_is_told():
    trust = compiled(one(Principal={"AWS": ["444455556666"]}), Kind.RESOURCE)
    report = report_of(ask("session"), identity=compiled(one()), resource=trust, resource_must_allow=True)

    (amiss,) = mismatches(report, Layer.RESOURCE)
    assert amiss == Mismatch(element=Element.PRINCIPAL, wanted=("444455556666",), received=(PEOPLE["session"].arn,))


def test_every_layer_says_what_it_came_to():
    everyone, nobody = one(Principal="*"), one(Principal="*", Action="other:Thing")
    report = report_of(
        ask(),
        identity=compiled(one()),
        boundary=compiled(one("Deny")),
        service_control=(compiled(one(), name="root"), compiled(one(Action="other:Thing"), name="unit")),
        resource_control=(compiled(everyone, Kind.RESOURCE),),
        endpoint=compiled(nobody, Kind.RESOURCE),
    )

    assert (report.outcome, report.layer) == (Outcome.EXPLICIT_DENY, Layer.BOUNDARY)
    assert [(layer.layer, layer.effect) for layer in report.layers] == [
        (Layer.SERVICE_CONTROL, Effected.ALLOW),
        (Layer.SERVICE_CONTROL, Effected.IMPLICIT_DENY),
        (Layer.RESOURCE_CONTROL, Effected.ALLOW),
        (Layer.ENDPOINT, Effected.IMPLICIT_DENY),
        (Layer.IDENTITY, Effected.ALLOW),
        (Layer.BOUNDARY, Effected.EXPLICIT_DENY),
    ]


def test_a_layer_that_need_not_allow_has_no_impact():
    silent = one(Principal={"AWS": "444455556666"})
    report = report_of(ask(), resource=compiled(silent, Kind.RESOURCE))
    assert only(report, Layer.RESOURCE).effect is Effected.NO_IMPACT
    assert only(report, Layer.IDENTITY).effect is Effected.IMPLICIT_DENY

    outright = one(Principal="*")
    report = report_of(ask(), identity=compiled(one(Action="a:b")), resource=compiled(outright, Kind.RESOURCE))
    assert report.outcome is Outcome.ALLOWED
    assert only(report, Layer.IDENTITY).effect is Effected.NO_IMPACT


def test_what_is_not_there_is_told_as_an_empty_layer():
    report = report_of(ask(account="444455556666"), identity=compiled(one()))
    assert [(layer.layer, layer.effect, layer.statements) for layer in report.layers][1:] == [
        (Layer.RESOURCE, Effected.IMPLICIT_DENY, ())
    ]


def test_what_came_nearest_stands_first_and_the_rest_is_counted():
    far = [{"Effect": "Allow", "Action": "other:Thing", "Resource": "*"}] * (MAXIMUM_STATEMENTS + 5)
    near = {"Sid": "near", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/other"}
    report = report_of(ask(), identity=compiled({"Version": "2012-10-17", "Statement": [*far, near]}))

    layer = only(report, Layer.IDENTITY)
    assert layer.statements[0].sid == "near"
    assert (len(layer.statements), layer.omitted) == (MAXIMUM_STATEMENTS, 6)


def test_a_denial_that_applied_stands_before_a_permission_that_did():
    both = {"Version": "2012-10-17", "Statement": [one()["Statement"], one("Deny")["Statement"]]}
    report = report_of(ask(), identity=compiled(both))
    assert [each.effect for each in only(report, Layer.IDENTITY).statements] == [Effect.DENY, Effect.ALLOW]


def test_the_policies_and_the_target_of_a_level_are_named():
    level = compile_policies(
        [("p-one", parse_policy('{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}', Kind.INLINE))],
        attached_to="arn:aws:organizations::111122223333:ou/o-a/ou-b",
    )
    (layer, _) = report_of(ask(), service_control=(level,)).layers
    assert (layer.policies, layer.target) == (("p-one",), "arn:aws:organizations::111122223333:ou/o-a/ou-b")


def test_ten_thousand_statements_are_explained_within_bounds():
    far = [{"Effect": "Allow", "Action": "a:b", "Resource": f"arn:aws:s3:::{n}"} for n in range(1_000)]
    near = {"Sid": "near", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/other"}
    documents = [[*far], *[[*far]] * 8, [*far[:-1], near]]
    policies = compile_policies(
        (str(number), parse_policy(json.dumps({"Version": "2012-10-17", "Statement": each}), Kind.INLINE))
        for number, each in enumerate(documents)
    )
    with fuse():
        report = report_of(ask(), identity=policies)
    layer = only(report, Layer.IDENTITY)
    assert (layer.statements[0].sid, layer.omitted) == ("near", 10_000 - MAXIMUM_STATEMENTS)
