import json
from typing import Any

import pytest

from tabard.faults import Denied
from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.context import Context
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy
from tabard.policy.principal import Principal
from tabard.trust.evaluate import refused, require_trust
from tabard.trust.standing import Standing
from tests.worlds import ACCOUNT, OTHER_ACCOUNT, World

ROLE = f"arn:aws:iam::{ACCOUNT}:role/auditor"
ALL = ["sts:SetSourceIdentity", "sts:AssumeRole", "sts:TagSession"]


def alice(account: str = ACCOUNT) -> Principal:
    world = World()
    return world.as_user(world.user("alice", account=account)).principal


def policies(kind: Kind, *statements: dict[str, Any]) -> PolicySet:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return compile_policies([("p", parse_policy(document, kind))])


def trusting(principal: str, actions: list[str] | str, **more: Any) -> PolicySet:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, **more}
    return policies(Kind.TRUST, statement)


def allowing(actions: list[str] | str, **more: Any) -> PolicySet:
    return policies(Kind.INLINE, {"Effect": "Allow", "Action": actions, "Resource": "*", **more})


def missing(standing: Standing, trust: PolicySet, actions: list[str], context: Context | None = None) -> str | None:
    """The action that is refused, or None."""

    try:
        require_trust(
            standing, actions=actions, role_arn=ROLE, role_account=ACCOUNT, trust=trust, context=context or {}
        )
    except Denied as fault:
        action = fault.public.split(" perform: ")[1].split(" ")[0]
        expected = refused(standing, action=action, resource=ROLE)
        return action if (fault.public, fault.reason) == (expected.public, "trust.denied") else fault.public
    return None


@pytest.mark.parametrize("absent", ALL)
def test_the_first_action_that_is_missing_is_named(absent: str) -> None:
    rest = [action for action in ALL if action != absent]
    standing = Standing(principal=alice())

    assert missing(standing, trusting(standing.principal.arn, ALL), ALL) is None
    assert missing(standing, trusting(standing.principal.arn, rest), ALL) == absent
    assert missing(standing, trusting(standing.principal.arn, rest), rest) is None


def test_what_is_handed_to_the_account_needs_the_callers_own_policies() -> None:
    trust = trusting(ACCOUNT, ALL)

    assert missing(Standing(principal=alice()), trust, ALL) == ALL[0]
    assert missing(Standing(principal=alice(), identity=allowing(ALL)), trust, ALL) is None
    assert missing(Standing(principal=alice(), identity=allowing("sts:AssumeRole")), trust, ALL) == ALL[0]


def test_t03_another_account_needs_both_sides() -> None:
    principal = alice(OTHER_ACCOUNT)
    may = Standing(principal=principal, identity=allowing("*"))

    assert missing(may, trusting(principal.arn, "sts:AssumeRole"), ["sts:AssumeRole"]) is None
    assert missing(may, trusting(ACCOUNT, "sts:AssumeRole"), ["sts:AssumeRole"]) == "sts:AssumeRole"
    only_trusted = Standing(principal=principal, identity=compile_policies(()))
    for named in (principal.arn, OTHER_ACCOUNT, "*"):
        assert missing(only_trusted, trusting(named, "sts:AssumeRole"), ["sts:AssumeRole"]) == "sts:AssumeRole"


def test_without_a_trust_policy_nobody_gets_in() -> None:
    standing = Standing(principal=alice(), identity=allowing("*"))

    assert missing(standing, compile_policies(()), ["sts:AssumeRole"]) == "sts:AssumeRole"


def test_conditions_see_the_context() -> None:
    standing = Standing(principal=alice())
    trust = trusting(standing.principal.arn, "sts:AssumeRole", Condition={"StringEquals": {"sts:ExternalId": "42"}})

    assert missing(standing, trust, ["sts:AssumeRole"], {"sts:externalid": "42"}) is None
    for context in ({}, {"sts:externalid": "43"}, {"sts:externalid": ""}):
        assert missing(standing, trust, ["sts:AssumeRole"], context) == "sts:AssumeRole"


def test_a_session_policy_and_a_boundary_bind_where_the_account_decides() -> None:
    trust = trusting(ACCOUNT, "sts:AssumeRole")
    for layer in ("boundary", "session"):
        limited = Standing(principal=alice(), identity=allowing("*"), **{layer: allowing("iam:*")})
        assert missing(limited, trust, ["sts:AssumeRole"]) == "sts:AssumeRole"
        enough = Standing(principal=alice(), identity=allowing("*"), **{layer: allowing("sts:*")})
        assert missing(enough, trust, ["sts:AssumeRole"]) is None


def test_the_refusal_says_who_what_and_where_and_not_why() -> None:
    principal = alice()
    fault = refused(Standing(principal=principal), action="sts:TagSession", resource=ROLE)

    assert fault.public == (f"User: {principal.arn} is not authorized to perform: sts:TagSession on resource: {ROLE}")


def test_the_refusal_keeps_the_decision_for_operators_only() -> None:
    fault = refused(Standing(principal=alice()), action="sts:AssumeRole", resource=ROLE, detail={"decision": 1})

    assert fault.detail == {"decision": 1}
    assert "decision" not in fault.public
