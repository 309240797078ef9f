import json
from pathlib import Path
from typing import Any

import pytest

from tabard.faults import ConstraintViolated
from tabard.wire.codec import compile_operation
from tabard.wire.model import service_model

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/wire/violations.json").read_text())


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_a_violation_is_told_in_aws_s_words(case: dict[str, Any]) -> None:
    operation = service_model(case["service"]).operations[case["operation"]]
    with pytest.raises(ConstraintViolated) as refused:
        compile_operation(operation).decode(case["fields"])
    assert refused.value.public == case["message"]
    assert refused.value.reason == "constraint"


def test_a_value_far_beyond_its_maximum_is_refused_by_its_length_alone() -> None:
    operation = service_model("iam").operations["CreatePolicy"]
    fields = {"PolicyName": "p", "PolicyDocument": "{}", "Path": "/a" * 1_000_000}
    with pytest.raises(ConstraintViolated) as refused:
        compile_operation(operation).decode(fields)
    assert refused.value.public == (
        "1 validation error detected: Value at 'path' failed to satisfy constraint: "
        "Member must have length less than or equal to 512"
    )
