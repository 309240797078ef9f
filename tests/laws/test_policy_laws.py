"""What holds for all policies."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.faults import MalformedPolicy
from tabard.policy.compile import compile_policies
from tabard.policy.conditions import OPERATORS, compile_condition
from tabard.policy.document import ConditionBlock, Kind
from tabard.policy.parse import document_size, parse_policy
from tabard.policy.pattern import glob, tokens_of
from tabard.policy.render import replace_principals
from tests.differential.test_policy_against_reference import (
    LAYERS,
    NAMING,
    REQUESTS,
    documents,
    engine,
    statements,
)
from tests.fuse import fuse

PATTERNS = st.text(alphabet="ab*?:\n", max_size=12)
TEXTS = st.text(alphabet="ab*?:\n", max_size=16)
RANK = {"explicitDeny": 0, "implicitDeny": 0, "allowed": 1}


@given(pattern=PATTERNS, text=TEXTS)
@settings(max_examples=1000, deadline=None)
def test_matching_agrees_with_a_regular_expression(pattern, text):
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    assert glob(tokens_of(pattern))(text) is (re.fullmatch(expression, text, re.DOTALL) is not None)


@given(pattern=st.text(alphabet="a*?", max_size=200), length=st.integers(0, 2048), tail=st.sampled_from(["", "b"]))
@settings(max_examples=60, deadline=None)
def test_no_pattern_runs_away(pattern, length, tail):
    matches = glob(tokens_of(pattern + "b"))
    with fuse():
        matches("a" * length + tail)


@given(
    request=REQUESTS, layers=LAYERS, statement=statements(), layer=st.sampled_from(["identity", "boundary", "session"])
)
@settings(max_examples=60, deadline=None)
def test_adding_a_denial_never_turns_no_into_yes(request, layers, statement, layer):
    denial = {"Version": "2012-10-17", "Statement": {**statement, "Effect": "Deny"}}
    if layers[layer] is None:
        return
    more = {**layers, layer: [*layers[layer], denial]}
    assert RANK[engine(request, more)] <= RANK[engine(request, layers)]


@given(request=REQUESTS, layers=LAYERS, statement=statements(principal=True))
@settings(max_examples=60, deadline=None)
def test_adding_a_denial_to_the_resource_never_turns_no_into_yes(request, layers, statement):
    if layers["resource"] is None:
        return
    document = layers["resource"][0]
    denying = {**document, "Statement": [*document["Statement"], {**statement, "Effect": "Deny"}]}
    assert RANK[engine(request, {**layers, "resource": [denying]})] <= RANK[engine(request, layers)]


@given(request=REQUESTS, layers=LAYERS, session=st.lists(documents(), max_size=2))
@settings(max_examples=60, deadline=None)
def test_a_session_policy_never_widens(request, layers, session):
    without = engine(request, {**layers, "session": None})
    assert RANK[engine(request, {**layers, "session": session})] <= RANK[without]


@given(request=REQUESTS, layers=LAYERS, boundary=st.lists(documents(), max_size=1))
@settings(max_examples=60, deadline=None)
def test_a_boundary_never_widens(request, layers, boundary):
    without = engine(request, {**layers, "boundary": None})
    assert RANK[engine(request, {**layers, "boundary": boundary})] <= RANK[without]


@given(request=REQUESTS, layers=LAYERS, level=st.lists(documents(), max_size=1))
@settings(max_examples=60, deadline=None)
def test_another_level_of_an_organisation_never_widens(request, layers, level):
    for layer in ("service_control", "resource_control"):
        more = {**layers, layer: [*(layers[layer] or ()), [named(each, layer) for each in level]]}
        assert RANK[engine(request, more)] <= RANK[engine(request, layers)]


@given(request=REQUESTS, layers=LAYERS, endpoint=documents(principal=True))
@settings(max_examples=60, deadline=None)
def test_an_endpoint_never_widens(request, layers, endpoint):
    without = engine(request, {**layers, "endpoint": None})
    assert RANK[engine(request, {**layers, "endpoint": [endpoint]})] <= RANK[without]


def named(document, layer):
    """The document as the layer's grammar wants it."""
    if layer not in NAMING:
        return document
    return {**document, "Statement": [{**each, "Principal": "*"} for each in document["Statement"]]}


@given(request=REQUESTS, layers=LAYERS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_statements_does_not_matter(request, layers, data):
    def shuffled(found):
        if found is None:
            return None
        return [{**each, "Statement": data.draw(st.permutations(each["Statement"]))} for each in found]

    names = ("identity", "resource", "boundary", "session", "endpoint")
    assert engine(request, {**layers, **{n: shuffled(layers[n]) for n in names}}) == engine(request, layers)


@given(found=st.lists(statements(), min_size=4, max_size=40), request=REQUESTS)
@settings(max_examples=100, deadline=None)
def test_what_the_search_leaves_out_would_not_have_applied(found, request):
    policies = compile_policies(
        [("p", parse_policy(json.dumps({"Version": "2012-10-17", "Statement": found}), Kind.INLINE))]
    )
    action, resource = request["action"], request["resource"]
    candidates = policies.candidates(action, resource)
    assert list(candidates) == [each for each in policies.statements if each in candidates]
    for each in policies.statements:
        covers = each.covers_action(action.lower())
        if covers and each.covers_resource is not None:
            covers = any(each.covers_resource(resource, {"k": value}) for value in ("k", "ab", "*", ""))
        assert each in candidates or not covers


@given(
    operator=st.sampled_from([name for name in OPERATORS if name != "Null"]),
    values=st.lists(st.text(max_size=5), max_size=3),
)
def test_an_absent_key_makes_a_negated_operator_true_and_any_other_false(operator, values):
    test = compile_condition(ConditionBlock(operator=operator, key="k", values=tuple(values)), variables=True)
    assert test({}) is OPERATORS[operator].negated


@given(
    operator=st.sampled_from(list(OPERATORS)),
    quantifier=st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]),
    values=st.lists(st.text(max_size=20), max_size=3),
    value=st.one_of(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3).map(tuple)),
)
@settings(max_examples=500, deadline=None)
def test_no_value_makes_an_operator_raise(operator, quantifier, values, value):
    name = operator if operator == "Null" else quantifier + operator
    test = compile_condition(ConditionBlock(operator=name, key="k", values=tuple(values)), variables=True)
    assert test({"k": value}) in (True, False)


def reason_of(text, kind):
    try:
        parse_policy(text, kind)
    except MalformedPolicy as refusal:
        return refusal.reason
    return None


@given(text=st.text(max_size=200) | st.text(alphabet='{}[]",: *aEfct', max_size=40), kind=st.sampled_from(Kind))
def test_a_text_is_a_policy_or_is_refused_with_a_reason(text, kind):
    reason = reason_of(text, kind)
    assert reason is None or reason.startswith("policy.")


@given(document=documents(), indent=st.sampled_from([None, 1, 7]))
def test_layout_changes_neither_the_tree_nor_the_size(document, indent):
    dense = json.dumps(document, separators=(",", ":"))
    laid_out = json.dumps(document, indent=indent)
    assert parse_policy(laid_out, Kind.INLINE) == parse_policy(dense, Kind.INLINE)
    assert document_size(laid_out) == document_size(dense) == len(dense)


@given(document=documents(principal=True))
def test_replacing_principals_there_and_back_gives_the_same_document(document):
    text = json.dumps(document)
    arn, gone = "arn:aws:iam::111122223333:user/team/bob", "AIDAEXAMPLEEXAMPLE000"
    assert replace_principals(replace_principals(text, {arn: gone}), {gone: arn}) == text


@given(text=st.text(alphabet='{}[]",:\\ aAWSPrincipal', max_size=60))
def test_size_and_depth_are_counted_for_any_text(text):
    assert 0 <= document_size(text) <= len(text)
