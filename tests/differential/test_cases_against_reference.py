"""Cases, read and decided, get the answers of the engine's vectors and of the naive evaluator."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.policy.cases.answers import Said, answer
from tabard.policy.cases.documents import Documents
from tabard.policy.cases.form import read_case
from tabard.policy.decide import Outcome
from tests.differential.reference_evaluator import evaluate
from tests.differential.test_policy_against_reference import HERE, LAYERS, LEVELLED, PEOPLE, REQUESTS
from tests.unit.policy.vectors import case_form, cases

FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}
SAID = {
    Outcome.ALLOWED: Said.ALLOW,
    Outcome.IMPLICIT_DENY: Said.IMPLICIT_DENY,
    Outcome.EXPLICIT_DENY: Said.EXPLICIT_DENY,
}


def decided(form: dict[str, Any], *, lenient: bool = False) -> tuple[str, str | None]:
    """The decision, and the layer that is named first."""
    said, evaluation = answer(read_case(json.dumps(form)), Documents(lenient=lenient))
    assert evaluation.decision.error is None
    assert not said.unreadable
    assert {reason.effect for reason in said.reasons} <= {SAID[said.decision]}
    layer = None if said.decision is Outcome.ALLOWED or not said.reasons else said.reasons[0].layer
    return said.decision, layer


DECISIONS = [
    case
    for case in cases("policy/decisions.json")
    # In a case, RCPFullAWSAccess is attached everywhere, as it is at AWS, so that no level is silent.
    if "a level of resource control policies is silent" not in case["name"]
]


@pytest.mark.parametrize("case", DECISIONS, ids=[case["name"] for case in DECISIONS])
def test_a_case_is_decided_as_the_table_says(case: dict[str, Any]) -> None:
    layers = {
        layer: [[each] for each in found] if layer in LEVELLED else [found] for layer, found in case["layers"].items()
    }
    if case["principal"] == "federated-user" and "session" not in layers:
        # Such a session without session policies may do nothing, which the table leaves to whoever makes its layers.
        layers["session"] = [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]
    on_key = case["resource_must_allow"]
    form = case_form(
        PEOPLE[case["principal"]],
        layers,
        account=case["resource_account"],
        action="kms:Decrypt" if on_key else "s3:GetObject",
        resource="arn:aws:kms:us-east-1::key/k" if on_key else "arn:aws:s3:::b/k",
    )
    outcome, layer = decided(form, lenient=True)
    assert outcome == case["expected"]
    if case["layer"] is not None:
        # A resource's policy that hands over to the account is the layer that AWS names, and not the one that is silent.
        assert case["layer"] in (layer, "resource-based policy")


@pytest.mark.parametrize("case", cases("policy/statements.json"), ids=lambda case: case["name"])
def test_a_statement_applies_as_the_table_says(case: dict[str, Any]) -> None:
    form = case_form(
        # A session, for it has no aws:username that a case would put in.
        PEOPLE["session"],
        {"identity": [case["policy"]]},
        action=case["action"],
        resource=case["resource"],
        context=case["context"],
    )
    assert (decided(form, lenient=True)[0] == "allowed") is case["expected"]


def in_play(layers: dict[str, Any], principal: Any) -> dict[str, Any]:
    """What the lists of a case mean: an empty one is none, and a federated user's session is always narrowed."""
    meant = {layer: found or None for layer, found in layers.items() if layer != "resource_must_allow"}
    if principal.kind.value == "FederatedUser":
        meant["session"] = layers["session"] or []
    if meant["resource_control"] is not None:
        meant["resource_control"] = [[*level, FULL_ACCESS] for level in meant["resource_control"]]
    return meant


@settings(max_examples=200, deadline=None)
@given(request=REQUESTS, layers=LAYERS)
def test_cases_agree_with_the_reference(request: dict[str, Any], layers: dict[str, Any]) -> None:
    form = case_form(
        request["principal"],
        layers,
        action=request["action"],
        resource=request["resource"],
        account=request["resource_account"],
        context=request["context"],
    )
    meant = in_play(layers, request["principal"])
    # Leniently, for documents of version 2008 stand in every place, and no policy of an organisation may.
    assert decided(form, lenient=True)[0] == evaluate(request, meant)


def broken(document: dict[str, Any], place: int) -> dict[str, Any]:
    """The document with a statement that nobody can read."""
    statements = list(document["Statement"])
    place %= len(statements)
    statements[place] = {**statements[place], "Wann": "immer"}
    return {**document, "Statement": statements}


@settings(max_examples=200, deadline=None)
@given(
    request=REQUESTS, layers=LAYERS, layer=st.sampled_from(["identity", "boundary", "session"]), place=st.integers(0, 5)
)
def test_what_cannot_be_read_never_turns_no_into_yes(
    request: dict[str, Any], layers: dict[str, Any], layer: str, place: int
) -> None:
    if not layers[layer]:
        return
    whole = case_form(request["principal"], layers, account=HERE, context=request["context"])
    spoilt = {**layers, layer: [broken(layers[layer][0], place), *layers[layer][1:]]}
    form = case_form(request["principal"], spoilt, account=HERE, context=request["context"])
    said, _ = answer(read_case(json.dumps(form)), Documents(lenient=True))
    assert said.unreadable
    if said.decision is Outcome.ALLOWED:
        assert decided(whole, lenient=True)[0] == "allowed"
