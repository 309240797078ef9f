"""The rules on what AWS saves and should not have been written: bad cases with good ones right beside them."""

import json

import pytest

from tabard.faults import MalformedPolicy
from tabard.policy.document import Kind
from tabard.policy.lint import keys
from tabard.policy.lint.check import check_text, find, place, refusal
from tabard.policy.lint.findings import PURPOSES, Level, Purpose
from tabard.policy.lint.rules import RULES
from tabard.policy.lint.spelling import Speller
from tabard.policy.parse import parse_policy
from tabard.policy.positions import Position, path_text

from .vectors import cases

CASES = cases("policy/lint.json")
RECORDED = cases("policy/recorded-verdicts.json")
GRAMMAR = {
    "identity": Kind.INLINE,
    "trust": Kind.TRUST,
    "resource": Kind.RESOURCE,
    "session": Kind.SESSION,
    "scp": Kind.SERVICE_CONTROL,
}
EVERYONE = (
    '{"Version": "2012-10-17",\n "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'
)


def found(document, purpose, levels=None):
    text = document if isinstance(document, str) else json.dumps(document)
    return find(parse_policy(text, GRAMMAR[purpose]), Purpose(purpose), levels or {})


@pytest.mark.parametrize("case", CASES, ids=[f"{case['rule']}: {case['name']}" for case in CASES])
def test_a_rule_finds_what_it_is_for_and_leaves_the_rest_alone(case):
    findings = found(case["document"], case["purpose"])
    assert [path_text(each.at) for each in findings if each.code == case["rule"]] == case["found"]


@pytest.mark.parametrize("code", RULES)
def test_every_rule_has_a_bad_case_and_a_good_one_beside_it(code):
    verdicts = {bool(case["found"]) for case in CASES if case["rule"] == code}
    assert verdicts == {True, False}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['rule']}: {case['name']}" for case in CASES])
def test_every_finding_has_a_reason_a_safer_form_and_a_place_in_the_text(case):
    text = json.dumps(case["document"], indent=2)
    for each in place(found(text, case["purpose"]), text):
        assert each.finding.reason.endswith(".")
        assert each.finding.safer
        assert each.span.start < each.span.end


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_rule_can_be_made_graver_lighter_and_silent(rule):
    case = next(case for case in CASES if case["rule"] == rule.code and case["found"])
    for level in Level:
        levels = {each.level for each in found(case["document"], case["purpose"], {rule.code: level})
                  if each.code == rule.code}  # fmt: skip
        assert levels == (set() if level is Level.OFF else {level})


def test_every_kind_of_document_has_its_rules():
    assert set(PURPOSES) == set(Kind)


# ── what honest people save ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", RECORDED, ids=[case["name"] for case in RECORDED])
def test_what_aws_saved_is_saved_and_what_it_refused_is_refused_in_its_words(case):
    errors = [each.finding for each in check_text(case["document"], Kind.MANAGED, Purpose.IDENTITY)
              if each.finding.level is Level.ERROR]  # fmt: skip
    if case["accepted"]:
        assert errors == []
    else:
        (error,) = errors
        assert error.reason.startswith(case["message"].rstrip("."))


GITHUB = "token.actions.githubusercontent.com"
HONEST = {
    "a role for machines": {"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    "a service account of a cluster": {
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/A1"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                "oidc.eks.eu-central-1.amazonaws.com/id/A1:aud": "sts.amazonaws.com",
                "oidc.eks.eu-central-1.amazonaws.com/id/A1:sub": "system:serviceaccount:prod:app",
            }
        },
    },
    "a repository": {
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{GITHUB}:sub": "repo:corp/app:*"},
        },
    },
    "people of a company": {
        "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
    },
    "another company": {
        "Principal": {"AWS": "444455556666"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "12345"}},
    },
}


@pytest.mark.parametrize("statement", HONEST.values(), ids=list(HONEST))
def test_usual_trust_policies_are_saved_without_a_warning(statement):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    assert {each.level for each in found(document, "trust")} <= {Level.HINT}


def test_a_public_bucket_is_saved_with_a_warning():
    public = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}  # fmt: skip
    assert [(each.code, each.level) for each in found(public, "resource")] == [("resource.everyone", Level.WARNING)]


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_names_reason_place_and_safer_form():
    fault = refusal(found(EVERYONE, "trust"), EVERYONE, Purpose.TRUST)
    assert isinstance(fault, MalformedPolicy)
    assert fault.public == (
        "AssumeRole policy is not safe to save: Statement[0].Principal (line 2, column 36): Every principal of every "
        'account may take this role. Safer: name whom you mean, {"AWS": "arn:aws:iam::111122223333:role/caller"}, or add '
        '{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}} (trust.everyone)'
    )
    assert (fault.reason, fault.at) == ("policy.lint.trust.everyone", "Statement[0].Principal")
    # Terraform repeats a call for a minute when it reads these words.
    assert "Invalid principal in policy" not in fault.public


def test_a_refusal_counts_what_else_there_is():
    two = EVERYONE.replace("]}", ', {"Effect": "Allow", "Principal": "*", "Action": "sts:*"}]}')
    fault = refusal(found(two, "trust"), two, Purpose.TRUST)
    assert fault is not None
    assert fault.public.endswith("(trust.everyone), and 1 more")


def test_warnings_refuse_nothing():
    findings = found(EVERYONE, "trust", {"trust.everyone": Level.WARNING})
    assert [each.code for each in findings] == ["trust.everyone"]
    assert refusal(findings, EVERYONE, Purpose.TRUST) is None


@pytest.mark.parametrize(
    ("text", "code", "position", "safer"),
    [
        ('{"Version":\n "2012-10-17",}', "policy.json.syntax", (2, 15), ""),
        ('{"a": 1, "a": 2}', "policy.json.duplicate-key", (1, 1), ""),
        ('{"Statement": {"Effect": "Allow",\n "Acton": "*"}}', "policy.syntax.unknown-element", (2, 2), "`Action`"),
        ('{"Statement": [{"Effect": "Allow", "Condition":\n {"ForAllValues:StringEqualIfExists": {"a": "b"}}}]}',
         "policy.syntax.operator", (2, 3), "`ForAllValues:StringEqualsIfExists`"),
        ('{"Statement": [{"Effect": "Allow", "Condition":\n {"Xyzzy": {"a": "b"}}}]}', "policy.syntax.operator", (2, 3), ""),
        (('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*",\n "Condition": '
          '{"DateEquals": {"aws:CurrentTime":\n "soon"}}}]}'), "policy.legacy.date", (2, 31), ""),
        ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",\n "Resource": ["*", "b"]}]}',
         "policy.resource.form", (2, 20), ""),
        ('{"Version": "2012-10-17", "Statement": {"Effect": "Allow",\n "NotAction": "b", "Resource": "*"}}',
         "policy.action.vendor-missing", (2, 15), ""),
    ],
    ids=["trailing comma", "duplicate key", "element", "operator", "nonsense", "date", "resource", "action"],
)  # fmt: skip
def test_what_aws_refuses_has_a_place_too(text, code, position, safer):
    (only,) = check_text(text, Kind.MANAGED, Purpose.IDENTITY)
    assert (only.finding.code, only.finding.level) == (code, Level.ERROR)
    assert (only.span.start, only.finding.safer) == (Position(*position), safer)


# ── spelling ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("aws:PrincpalArn", "aws:PrincipalArn"),
        ("aws:SoucreIp", "aws:SourceIp"),
        ("aws:principalarnn", "aws:PrincipalArn"),
        ("sts:SourceIp", "aws:SourceIp"),
        ("username", "aws:username"),
        ("aws:PrincipalTags/team", "aws:PrincipalTag/team"),
        ("aws:RequestTag", "aws:RequestTag/team"),
        ("https://idp.example:sub", "idp.example:sub"),
        ("aws:nothing-of-the-kind", None),
        ("a" * 100_000, None),
    ],
)
def test_a_key_that_is_none_was_perhaps_meant_to_be_another(written, meant):
    assert not keys.is_known(written)
    assert keys.meant(written) == meant


@pytest.mark.parametrize(
    "key", ["aws:SourceIp", "AWS:sourceip", "aws:PrincipalTag/a/b", "s3:prefix", "idp.example/x:sub"]
)
def test_what_is_a_key_is_known(key):
    assert keys.is_known(key)


@pytest.mark.parametrize("written", ["Allow", "allow", "Alow", "Alllow", "Aloow", "Allpw", "lAlow"])
def test_one_slip_is_forgiven(written):
    assert Speller(["Deny", "Allow"]).meant(written) == "Allow"


def test_two_are_not():
    assert Speller(["Deny", "Allow"]).meant("Alw") is None
