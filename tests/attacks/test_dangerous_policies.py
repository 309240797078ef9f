"""Policies that let strangers in are not saved, whichever call brings them. Safe ones beside them are."""

import json
from typing import Any

import pytest

from tabard.apps.config import DEV_LEVELS
from tabard.policy.lint.findings import Level
from tabard.policy.lint.rules import RULES
from tests.houses import InProcessHouse, code_of, in_process_house, message_of

GITHUB = "token.actions.githubusercontent.com"
CORP = "idp.corp.example"
AUDIENCE = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}


def federated(host: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{host}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        **({"Condition": condition} if condition else {}),
    }


def subject(operator: str, value: str) -> dict[str, Any]:
    return federated(GITHUB, {**AUDIENCE, operator: {**AUDIENCE.get(operator, {}), f"{GITHUB}:sub": value}})


REFUSED = {
    "P13 everybody": ("trust.everyone", {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}),
    "P13 everybody but one": (
        "trust.everyone",
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "444455556666"}},
        },
    ),
    "F02 no condition": ("trust.oidc.open", federated(CORP)),
    "F02 the audience alone": ("trust.oidc.no-subject", federated(GITHUB, AUDIENCE)),
    "F02 any subject": ("trust.oidc.subject-any", subject("StringLike", "*")),
    "F02 any repository": ("trust.oidc.subject-owner", subject("StringLike", "repo:*")),
    "F02 an organisation and its look-alikes": ("trust.oidc.subject-owner", subject("StringLike", "repo:corp*")),
    "F02 padded": ("trust.oidc.subject-owner", subject("StringLike", "repo:cor?/app:*")),
    "F02 all but one": ("trust.oidc.no-subject", subject("StringNotEquals", "repo:corp/app:ref:x")),
}
SAVED = {
    "one user": {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "sts:AssumeRole",
    },
    "everybody of an organisation": {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}},
    },
    "nobody": {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"},
    "a branch": subject("StringEquals", "repo:corp/app:ref:refs/heads/main"),
    "a repository": subject("StringLike", "repo:corp/app:*"),
    "a company's own": federated(CORP, {"StringEquals": {f"{CORP}:sub": "ana", f"{CORP}:aud": "tabard"}}),
}


def trusting(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create(house: InProcessHouse, statement: dict[str, Any], name: str = "r") -> tuple[str, str]:
    answer = house.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=trusting(statement))
    return code_of(answer), message_of(answer)


def warned(house: InProcessHouse) -> list[str]:
    told: Any = house.records[-1].get("additionalEventData", {})
    return [each["code"] for each in told.get("tabard", {}).get("lint", [])]


@pytest.mark.parametrize(("rule", "statement"), REFUSED.values(), ids=list(REFUSED))
def test_f02_a_trust_policy_that_lets_strangers_in_is_not_saved(rule: str, statement: dict[str, Any]) -> None:
    with in_process_house() as house:
        code, message = create(house, statement)
        assert code == "MalformedPolicyDocument"
        assert message.endswith(f"({rule})")
        assert "Safer: " in message

        assert create(house, SAVED["one user"])[0] == ""
        changed = house.call("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=trusting(statement))
        assert code_of(changed) == "MalformedPolicyDocument"
        assert "oidc-provider" not in house.call("GetRole", RoleName="r").body.decode()


@pytest.mark.parametrize("statement", SAVED.values(), ids=list(SAVED))
def test_what_names_whom_it_means_is_saved(statement: dict[str, Any]) -> None:
    with in_process_house() as house:
        assert create(house, statement) == ("", "")
        assert not [code for code in warned(house) if code.startswith("trust.oidc")]


def test_f02_what_is_wide_is_saved_and_the_audit_says_so() -> None:
    with in_process_house() as house:
        assert create(house, subject("StringLike", "repo:corp/*")) == ("", "")
        assert "trust.oidc.subject-wide" in warned(house)
        absent_is_all = subject("ForAllValues:StringEquals", "repo:corp/app:ref:refs/heads/main")
        assert create(house, absent_is_all, "another") == ("", "")
        assert "condition.for-all-values" in warned(house)


def test_p07_a_quantifier_without_a_guard_is_warned_of() -> None:
    bare = {
        "Effect": "Allow",
        "Action": "iam:TagUser",
        "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "team"}},
    }
    guarded = {**bare, "Condition": {**bare["Condition"], "Null": {"aws:TagKeys": "false"}}}  # type: ignore[dict-item]
    with in_process_house() as house:
        for statement, expected in ((bare, True), (guarded, False)):
            answer = house.call("CreatePolicy", PolicyName=f"p{expected}", PolicyDocument=trusting(statement))
            assert code_of(answer) == ""
            assert ("condition.for-all-values" in warned(house)) is expected


def test_the_operator_says_what_is_an_error() -> None:
    everyone = REFUSED["P13 everybody"][1]
    with in_process_house(levels={"trust.everyone": Level.WARNING}) as house:
        assert create(house, everyone) == ("", "")
        assert warned(house) == ["trust.everyone"]
    with in_process_house(levels={"trust.everyone": Level.OFF}) as house:
        assert create(house, everyone) == ("", "")
        assert warned(house) == []
    with in_process_house(levels={"trust.oidc.subject-wide": Level.ERROR}) as house:
        assert create(house, subject("StringLike", "repo:corp/*"))[0] == "MalformedPolicyDocument"


def test_dev_is_milder_in_what_aws_saves_and_in_nothing_else() -> None:
    assert {code for code in DEV_LEVELS if RULES[code].level is not Level.ERROR} == set()
    with in_process_house(levels=DEV_LEVELS) as house:
        for name, (rule, statement) in REFUSED.items():
            code, _ = create(house, statement, name=name.replace(" ", "-"))
            assert code == ("" if rule in DEV_LEVELS else "MalformedPolicyDocument"), name
