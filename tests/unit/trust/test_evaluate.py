import json
from dataclasses import replace
from typing import Any

import pytest

from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.context import Context
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy
from tabard.policy.principal import Principal
from tabard.services.ask import Ask
from tabard.trust.evaluate import AccessDenied, require_allowed, require_trust
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


def missing(
    standing: Standing, trust: PolicySet | None, actions: list[str], context: Context | None = None
) -> str | None:
    """The action that is refused, or None."""

    try:
        require_trust(
            standing, actions=actions, role_arn=ROLE, role_account=ACCOUNT, trust=trust, context=context or {}
        )
    except AccessDenied as fault:
        *allowed, denied = fault.evaluations
        assert all(evaluation.decision.allowed for evaluation in allowed)
        assert not denied.decision.allowed
        action = denied.request.action
        expected = f"User: {standing.principal.arn} is not authorized to perform: {action} on resource: {ROLE}"
        return action if (fault.public, fault.reason) == (expected, "trust.denied") else fault.public
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
    assert missing(standing, None, ["sts:AssumeRole"]) == "sts:AssumeRole"


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


def test_t03_the_role_s_organisation_and_the_caller_s_bind_both() -> None:
    standing = Standing(principal=alice())
    trust = trusting(standing.principal.arn, "sts:AssumeRole")
    everything = policies(Kind.RESOURCE, {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
    nothing = policies(Kind.RESOURCE, {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Resource": "*"})

    def may(standing: Standing, resource_control: tuple[PolicySet, ...] | None) -> bool:
        try:
            require_trust(
                standing,
                actions=["sts:AssumeRole"],
                role_arn=ROLE,
                role_account=ACCOUNT,
                trust=trust,
                context={},
                resource_control=resource_control,
            )
        except AccessDenied:
            return False
        return True

    assert may(standing, (everything,))
    assert not may(standing, (everything, nothing))
    assert may(replace(standing, service_control=(allowing("*"),)), None)
    assert not may(replace(standing, service_control=(allowing("iam:*"),)), None)


def test_the_first_question_that_is_answered_no_is_the_last_one_asked() -> None:
    standing = Standing(principal=alice(), identity=allowing(["iam:GetUser", "iam:TagUser"]))
    asks = [
        Ask(action=f"iam:{name}", resource="*", resource_account=ACCOUNT)
        for name in ("GetUser", "DeleteUser", "TagUser")
    ]

    require_allowed(standing, [asks[0], asks[2]], {}, {})
    with pytest.raises(AccessDenied) as caught:
        require_allowed(standing, asks, {}, {})
    assert [each.request.action for each in caught.value.evaluations] == ["iam:GetUser", "iam:DeleteUser"]
    assert caught.value.public.endswith(
        "iam:DeleteUser on resource: * because no identity-based policy allows the iam:DeleteUser action"
    )


def test_p06_what_an_action_adds_never_stands_over_what_is_known_of_the_caller() -> None:
    condition = {"StringEquals": {"aws:PrincipalAccount": OTHER_ACCOUNT}}
    standing = Standing(principal=alice(), identity=allowing("iam:GetUser", Condition=condition))
    lying = Ask(
        action="iam:GetUser",
        resource="*",
        resource_account=ACCOUNT,
        context={"aws:principalaccount": OTHER_ACCOUNT, "aws:resourceaccount": OTHER_ACCOUNT},
    )

    with pytest.raises(AccessDenied) as caught:
        require_allowed(standing, [lying], {"aws:principalaccount": ACCOUNT}, {})
    context = caught.value.evaluations[0].request.context
    assert (context["aws:principalaccount"], context["aws:resourceaccount"]) == (ACCOUNT, ACCOUNT)
    require_allowed(standing, [lying], {"aws:principalaccount": OTHER_ACCOUNT}, {})
