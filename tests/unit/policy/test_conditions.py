import pytest

from tabard.policy.conditions import OPERATORS, compile_condition, read_operator
from tabard.policy.document import ConditionBlock

from .vectors import cases

OPERATOR_CASES = cases("conditions/operators.json")


@pytest.mark.parametrize("case", OPERATOR_CASES, ids=[case["name"] for case in OPERATOR_CASES])
def test_a_condition_holds_as_the_table_says(case):
    test = compile_condition(
        ConditionBlock(operator=case["operator"], key="K", values=tuple(case["values"])), variables=True
    )
    request = case["request"]
    value = {} if request is None else {"k": tuple(request) if isinstance(request, list) else request}
    assert test(value) is case["expected"]


def test_every_operator_has_vectors():
    tried = {use.operator.name for case in OPERATOR_CASES if (use := read_operator(case["operator"]))}
    assert tried == set(OPERATORS)


def test_an_unknown_operator_is_not_passed_over():
    with pytest.raises(ValueError, match="unknown condition operator"):
        compile_condition(ConditionBlock(operator="StringAlmostEquals", key="k", values=("a",)), variables=True)
