import json
from pathlib import Path
from typing import Any

import pytest

from tabard.wire.patterns import compile_pattern

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/wire/patterns.json").read_text())


@pytest.mark.parametrize("case", VECTORS, ids=[case["name"] for case in VECTORS])
def test_a_pattern_of_the_models_means_what_it_means_in_java(case: dict[str, Any]) -> None:
    assert bool(compile_pattern(case["pattern"]).fullmatch(case["text"])) is case["matches"]


@pytest.mark.parametrize("pattern", [r"[\p{Lu}]+", r"[\p{L}\p{Z}\p{N}_\w]", r"\d[\p{L}\p{Z}\p{N}_]"])
def test_a_construct_that_is_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="cannot translate"):
        compile_pattern(pattern)
