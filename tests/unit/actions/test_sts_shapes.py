from tabard.actions.sts_shapes import PolicyDescriptor, policy_arns
from tabard.faults import ConstraintViolated
from tests.worlds import refused

ARN = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"


def test_the_arns_of_managed_session_policies_keep_their_order() -> None:
    assert policy_arns(()) == ()
    assert policy_arns((PolicyDescriptor("b"), PolicyDescriptor("a"))) == ("b", "a")


def test_k09_a_policy_that_is_misspelt_is_not_passed_over() -> None:
    """`PolicyArns.member.1.Arn` is no parameter of STS, which passes over what it does not know; the session it
    was to narrow would have all that its role has."""
    with refused(
        ConstraintViolated,
        "1 validation error detected: Value null at 'policyArns.2.member.arn' failed to satisfy constraint: "
        "Member must not be null",
        "session.policies.no-arn",
    ):
        policy_arns((PolicyDescriptor(ARN), PolicyDescriptor()))
