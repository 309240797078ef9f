import pytest

from tabard.faults import MalformedPolicy
from tabard.policy.document import VERSION_2008, ConditionBlock, Effect, Kind, PrincipalSet
from tabard.policy.parse import document_size, parse_policy, principal_arns

from .vectors import cases

RECORDED = cases("policy/recorded-verdicts.json")
DOCUMENTS = cases("policy/documents.json")


@pytest.mark.parametrize("case", RECORDED, ids=[case["name"] for case in RECORDED])
def test_a_managed_policy_gets_the_verdict_that_aws_gave(case):
    if case["accepted"]:
        parse_policy(case["document"], Kind.MANAGED)
        return
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy(case["document"], Kind.MANAGED)
    assert refusal.value.public == case["message"]
    assert refusal.value.reason.startswith("policy.")


@pytest.mark.parametrize("case", DOCUMENTS, ids=[case["name"] for case in DOCUMENTS])
def test_a_document_is_accepted_or_refused_with_text_and_reason(case):
    kind = Kind(case["kind"])
    if "message" not in case:
        parse_policy(case["document"], kind)
        return
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy(case["document"], kind)
    assert (refusal.value.public, refusal.value.reason) == (case["message"], case["reason"])


def test_the_tree_holds_what_the_document_says():
    policy = parse_policy(
        '{"Id": "i", "Statement": [{"Sid": "s", "Effect": "Deny", "NotPrincipal": {"AWS": ["*", "111122223333"]},'
        ' "NotAction": "s3:*", "NotResource": ["arn:aws:s3:::b"], "Condition": {"Bool": {"k": [true, "false"]}}}]}',
        Kind.RESOURCE,
    )
    (statement,) = policy.statements
    assert (policy.version, policy.id) == (VERSION_2008, "i")
    assert (statement.index, statement.sid, statement.effect) == (0, "s", Effect.DENY)
    assert statement.principals is None
    assert statement.not_principals == PrincipalSet(everyone=True, aws=("111122223333",))
    assert (statement.actions, statement.not_actions) == ((), ("s3:*",))
    assert (statement.resources, statement.not_resources) == ((), ("arn:aws:s3:::b",))
    assert statement.conditions == (ConditionBlock(operator="Bool", key="k", values=("true", "false")),)


def test_a_refusal_says_where():
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy('{"Statement": [{"Effect": "Allow", "Acton": "s3:*"}]}', Kind.INLINE)
    assert refusal.value.at == "Statement[0]: `Acton`"


def test_a_document_beyond_the_size_limit_is_refused():
    with pytest.raises(MalformedPolicy) as refusal:
        parse_policy("{" + " " * 131_072, Kind.INLINE)
    assert refusal.value.reason == "policy.json.size"


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("{ }", 2), ('{"a b": "c  d"}', 14), ('{\n\t"a\\" b":\r 1}', 11), ('"open ended', 11), (" \u00a0 ", 1)],
)
def test_white_space_outside_strings_does_not_count(text, size):
    assert document_size(text) == size


def test_users_roles_and_unique_ids_are_named_once_and_nothing_else_is():
    text = """{"Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": [
            "arn:aws:iam::111122223333:user/a/bob", "111122223333", "arn:aws:iam::111122223333:root", "*",
            "arn:aws:sts::111122223333:assumed-role/r/s", "AIDAJQABLZS4A3QDU576Q"], "Service": "ec2.amazonaws.com"}},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": [
            "arn:aws:iam::111122223333:role/r", "arn:aws:iam::111122223333:user/a/bob"]}}]}"""
    assert principal_arns(parse_policy(text, Kind.TRUST)) == (
        "arn:aws:iam::111122223333:user/a/bob",
        "AIDAJQABLZS4A3QDU576Q",
        "arn:aws:iam::111122223333:role/r",
    )
