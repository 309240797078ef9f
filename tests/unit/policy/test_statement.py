import pytest

from tabard.policy.decide import AccessRequest, Layers, decide

from .vectors import cases, compiled, context, principals

STATEMENTS = cases("policy/statements.json")


@pytest.mark.parametrize("case", STATEMENTS, ids=[case["name"] for case in STATEMENTS])
def test_a_statement_applies_as_the_table_says(case):
    user = principals()["user"]
    request = AccessRequest(
        principal=user,
        action=case["action"],
        resource=case["resource"],
        resource_account=user.account,
        context=context(case["context"]),
    )
    decision = decide(request, Layers(identity=compiled(case["policy"])))
    assert (decision.allowed, decision.error) == (case["expected"], None)
