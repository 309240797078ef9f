"""Parameters, by vectors: their types, defaults and constraints, and that secrets stay secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from tabard.templates.parameters import read_parameters, values_of
from tabard.templates.read import read_template
from tabard.templates.source import TemplateError
from tabard.templates.template import parse_template
from tabard.templates.values import Secret, Value

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/templates/parameters.json").read_text())


def value(declared: str, given: str | None) -> Value:
    text = f"Parameters:\n  P: {declared}\nResources: {{}}\n"
    template = parse_template(read_template(text.encode(), "t.yaml"), "t.yaml")
    return values_of(read_parameters(template.parameters), {} if given is None else {"P": given})["P"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_what_parameters_come_to(case: dict[str, Any]) -> None:
    assert value(case["declared"], case.get("given")) == case["value"]


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["name"])
def test_what_is_refused_and_where(case: dict[str, Any]) -> None:
    given = "x" * case["given_times"] if "given_times" in case else case.get("given")
    with pytest.raises(TemplateError) as refused:
        value(case["declared"], given)
    assert str(refused.value).startswith(f"t.yaml:{case['at']}: ")
    assert case["error"] in str(refused.value)
    assert case.get("never", "\0") not in str(refused.value)


def test_noecho_makes_secrets() -> None:
    secret, items = (
        value("{Type: String, NoEcho: 'true'}", "x"),
        value("{Type: CommaDelimitedList, NoEcho: true}", "a,b"),
    )
    assert isinstance(secret, Secret)
    assert isinstance(items, list)
    assert all(isinstance(each, Secret) for each in items)
    assert not isinstance(value("{Type: String, NoEcho: false}", "x"), Secret)
