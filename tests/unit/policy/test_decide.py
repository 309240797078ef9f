import pytest

from tabard.policy.compile import NOTHING
from tabard.policy.decide import AccessRequest, Layer, Layers, Outcome, StatementMatch, decide, denial_text
from tabard.policy.document import Effect, Kind
from tabard.policy.principals import PrincipalMatch

from .vectors import cases, compiled, layers_of, principals

DECISIONS = cases("policy/decisions.json")
PEOPLE = principals()
ALLOW = {"Statement": {"Sid": "yes", "Effect": "Allow", "Action": "*", "Resource": "*"}}
DENY = {"Statement": {"Sid": "no", "Effect": "Deny", "Action": "*", "Resource": "*"}}


def ask(who, *, account="111122223333", action="s3:GetObject", resource="arn:aws:s3:::b/k"):
    return AccessRequest(principal=PEOPLE[who], action=action, resource=resource, resource_account=account, context={})


@pytest.mark.parametrize("case", DECISIONS, ids=[case["name"] for case in DECISIONS])
def test_the_layers_combine_as_the_table_says(case):
    decision = decide(ask(case["principal"], account=case["resource_account"]), layers_of(case))
    assert (decision.outcome, decision.layer, decision.error) == (case["expected"], case["layer"], None)


def test_an_empty_session_policy_allows_nothing():
    layers = Layers(identity=compiled(ALLOW), session=NOTHING)
    assert decide(ask("federated-user"), layers).layer is Layer.SESSION


def test_a_decision_names_every_statement_that_applied():
    resource = {"Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "*", "Resource": "*"}}
    both = {"Statement": [ALLOW["Statement"], DENY["Statement"]]}
    layers = Layers(identity=compiled(both, name="both"), resource=compiled(resource, Kind.RESOURCE, name="bucket"))
    decision = decide(ask("user"), layers)
    identity, nobody = Layer.IDENTITY, None
    assert decision.matches == (
        StatementMatch(layer=identity, policy="both", sid="no", index=1, effect=Effect.DENY, principal=nobody),
        StatementMatch(layer=identity, policy="both", sid="yes", index=0, effect=Effect.ALLOW, principal=nobody),
        StatementMatch(
            layer=Layer.RESOURCE,
            policy="bucket",
            sid=None,
            index=0,
            effect=Effect.ALLOW,
            principal=PrincipalMatch.ACCOUNT,
        ),
    )


BASE = "is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k"
USER = "User: arn:aws:iam::111122223333:user/team/bob"
SESSION = "User: arn:aws:sts::111122223333:assumed-role/auditor/night"


@pytest.mark.parametrize(
    ("who", "layers", "text"),
    [
        ("user", {}, f"{USER} {BASE} because no identity-based policy allows the s3:GetObject action"),
        ("user", {"identity": DENY}, f"{USER} {BASE} with an explicit deny in an identity-based policy"),
        (
            "session",
            {"identity": ALLOW, "boundary": DENY},
            f"{SESSION} {BASE} with an explicit deny in a permissions boundary",
        ),
        (
            "session",
            {"identity": ALLOW, "session": {"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "*"}}},
            f"{SESSION} {BASE} because no session policy allows the s3:GetObject action",
        ),
        ("anonymous", {}, "Access Denied"),
        ("web", {}, "Not authorized to perform s3:GetObject"),
    ],
)
def test_a_denial_is_told_in_the_words_of_aws(who, layers, text):
    request = ask(who)
    decision = decide(request, Layers(**{layer: compiled(document) for layer, document in layers.items()}))
    assert denial_text(request, decision) == text


def test_a_denial_can_leave_the_layer_out():
    request = ask("user")
    assert denial_text(request, decide(request, Layers()), explained=False) == f"{USER} {BASE}"


def test_a_binding_holds_a_name_to_the_principal_that_had_it():
    for who, arn in (("user", PEOPLE["user"].arn), ("session", PEOPLE["session"].issuer_arn)):
        document = {"Statement": {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}}
        outcomes = []
        for bindings in ({}, {arn: PEOPLE[who].unique_id}, {arn: "AROASOMEONEELSE00000"}):
            trust = compiled(document, Kind.TRUST, bindings)
            request = ask(who, action="sts:AssumeRole")
            outcomes.append(decide(request, Layers(resource=trust, resource_must_allow=True)).outcome)
        assert outcomes == [Outcome.ALLOWED, Outcome.ALLOWED, Outcome.IMPLICIT_DENY]


def test_a_federated_user_is_bound_through_the_user_who_made_it():
    arn, maker = PEOPLE["user"].arn, PEOPLE["federated-user"].issuer_id
    document = {"Statement": {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "*", "Resource": "*"}}
    allowed = [
        decide(ask("federated-user"), Layers(resource=compiled(document, Kind.RESOURCE, {arn: bound}))).allowed
        for bound in (maker, "AIDASOMEONEELSE00000")
    ]
    assert allowed == [True, False]


def test_a_unique_id_names_its_principal():
    for who in ("user", "session"):
        document = {
            "Statement": {"Effect": "Allow", "Principal": {"AWS": PEOPLE[who].unique_id}, "Action": "sts:AssumeRole"}
        }
        layers = Layers(resource=compiled(document, Kind.TRUST), resource_must_allow=True)
        assert decide(ask(who, action="sts:AssumeRole"), layers).allowed
        assert not decide(ask("root", action="sts:AssumeRole"), layers).allowed
