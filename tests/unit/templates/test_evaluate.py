"""Functions, conditions and pseudo parameters, by vectors; and that what is secret or unknown stays so."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tabard.templates.evaluate import Evaluator, NothingMade, require_references
from tabard.templates.parameters import read_parameters, values_of
from tabard.templates.read import read_template
from tabard.templates.source import Mark, TemplateError
from tabard.templates.template import parse_template
from tabard.templates.values import NoValue, OnceSecret, Secret, Text, Unknown

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/templates/functions.json").read_text())
PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "stack-id",
    "AWS::StackName": "app",
    "AWS::URLSuffix": "amazonaws.com",
}
HEAD = f"""\
Parameters:
  Name: {{Type: String, Default: {VECTORS["parameters"]["Name"]}}}
  Names: {{Type: CommaDelimitedList, Default: 'a, b'}}
  Count: {{Type: Number, Default: 3}}
  Hidden: {{Type: String, NoEcho: true, Default: s3cret}}
Mappings: {json.dumps(VECTORS["mappings"])}
Resources:
  Role: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {{}}}}}}
Conditions: {{Yes: {VECTORS["conditions"]["Yes"]}, No: {VECTORS["conditions"]["No"]}}}

Outputs:
  X:
"""


class Made:
    """Resources that are called `<Name>`."""

    def __init__(self, **attributes: Text) -> None:
        self._attributes = attributes

    def ref(self, logical_id: str, _mark: Mark) -> Text:
        return f"<{logical_id}>"

    def attribute(self, logical_id: str, name: str, _mark: Mark) -> Text:
        return self._attributes.get(name, f"<{logical_id}.{name}>")


def evaluator(text: str) -> Evaluator:
    template = parse_template(read_template(text.encode(), "t.yaml"), "t.yaml")
    require_references(template, PSEUDO)
    parameters = values_of(read_parameters(template.parameters), {})
    return Evaluator(
        template, parameters=parameters, pseudo=PSEUDO, imports={"base-arn": "imported", "app-x": "too", "app-y": "y"}
    )


def evaluated(expression: str, **attributes: Text) -> Any:
    found = evaluator(f"{HEAD}    Value: {expression}\n")
    return found.value(found.template.outputs["X"].value, Made(**attributes), "")


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_what_functions_come_to(case: dict[str, Any]) -> None:
    assert evaluated(case["expression"]) == case["value"]


@pytest.mark.parametrize("case", VECTORS["conditions_cases"], ids=lambda case: case["name"])
def test_what_conditions_come_to(case: dict[str, Any]) -> None:
    text = f"{HEAD}    Value: x\n".replace("No: !Not", f"Asked: {case['condition']}, No: !Not")
    assert evaluator(text).holds("Asked", Mark("t.yaml")) is case["holds"]


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["name"])
def test_what_is_refused_and_where(case: dict[str, Any]) -> None:
    with pytest.raises(TemplateError) as refused:
        evaluated(case["expression"])
    assert str(refused.value).startswith(f"t.yaml:{case['at']}: ")
    assert case["error"] in str(refused.value)


@pytest.mark.parametrize(
    "expression",
    [
        "!Ref Hidden",
        "!Sub 'x${Hidden}'",
        "!Sub ['${a}', {a: !Ref Hidden}]",
        "!Join ['', [a, !Ref Hidden]]",
        "!Base64 {Ref: Hidden}",
        "!ToJsonString {a: !Ref Hidden}",
        "!Select [0, !Split ['3', !Ref Hidden]]",
    ],
)
def test_what_is_made_of_a_secret_is_secret(expression: str) -> None:
    found = evaluated(expression)
    assert isinstance(found, Secret)
    assert "s3" not in repr(found)


def test_a_secret_that_was_just_made_is_told_apart() -> None:
    made = OnceSecret("fresh")
    assert isinstance(evaluated("!Sub 'key ${Role.Arn}'", Arn=made), OnceSecret)
    mixed = evaluated("!Sub '${Role.Arn} ${Hidden}'", Arn=made)
    assert isinstance(mixed, Secret)
    assert not isinstance(mixed, OnceSecret)


def test_what_is_made_of_the_unknown_is_unknown() -> None:
    later = Unknown("Role.Arn", secret=True)
    assert evaluated("!Sub '${Name} ${Role.Arn}'", Arn=later) == later
    assert evaluated("!ToJsonString [!GetAtt Role.Arn]", Arn=later) == later
    assert evaluated("!Base64 {'Fn::GetAtt': Role.Arn}", Arn=later) == later
    with pytest.raises(TemplateError, match=r"must be known beforehand, and Role.Arn is known only afterwards"):
        evaluated("!Split [',', !GetAtt Role.Arn]", Arn=later)


def test_nothing_may_stand_only_where_it_can_be_left_out() -> None:
    found = evaluator(f"{HEAD}    Value: !Ref AWS::NoValue\n")
    node = found.template.outputs["X"].value
    assert found.value(node, Made(), "") is NoValue.NO_VALUE
    with pytest.raises(TemplateError, match="it may not be AWS::NoValue"):
        found.value(node, Made(), "it")


def test_conditions_may_not_ask_resources_or_rest_on_themselves() -> None:
    asks = f"{HEAD}    Value: x\n".replace("No: !Not", "Asks: !Equals [!Ref Role, x], No: !Not")
    with pytest.raises(TemplateError, match=r"9:.*Role is a resource; a condition cannot depend on resources"):
        evaluator(asks).holds("Asks", Mark("t.yaml"))
    circle = f"{HEAD}    Value: x\n".replace("No: !Not", "A: !Not [!Condition B], B: !Not [!Condition A], No: !Not")
    with pytest.raises(TemplateError, match="the condition A rests on itself: A → B → A"):
        evaluator(circle).holds("A", Mark("t.yaml"))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("!If [Yes, a, b]", "a condition is one of Fn::Equals, Fn::And, Fn::Or, Fn::Not, Condition"),
        ("x", "a condition must be a mapping, and is a text"),
        ("!And [!Condition Yes]", "Fn::And takes 2 to 10 conditions"),
        ("!Not {}", "the argument of Fn::Not must be a list, and is a mapping"),
        ("!Equals [a]", "Fn::Equals takes two values, and has a list of 1"),
        ("!Condition Nope", "there is no condition `Nope`"),
    ],
)
def test_what_is_no_condition(condition: str, said: str) -> None:
    text = f"{HEAD}    Value: x\n".replace("No: !Not", f"Asked: {condition}, No: !Not")
    with pytest.raises(TemplateError, match=re.escape(said)) as refused:
        evaluator(text).holds("Asked", Mark("t.yaml"))
    assert str(refused.value).startswith("t.yaml:9:")


def test_conditions_may_not_rest_on_one_another_without_end() -> None:
    chain = "".join(f"C{n}: !Condition C{n + 1}, " for n in range(150))
    text = f"{HEAD}    Value: x\n".replace("No: !Not", f"{chain}C150: !Condition Yes, No: !Not")
    with pytest.raises(TemplateError, match="conditions rest on one another more than 100 levels deep"):
        evaluator(text).holds("C0", Mark("t.yaml"))


def test_a_name_in_a_branch_that_is_not_taken_must_be_there_too() -> None:
    with pytest.raises(TemplateError, match="there is no parameter or resource `Missing`"):
        evaluated("!If [Yes, a, !Ref Missing]")


def test_a_short_template_cannot_come_to_a_long_text() -> None:
    """Each level is a hundred times as long as the one inside it."""
    expression = "x" * 100
    for _ in range(6):
        expression = f"!Sub ['{'${a}' * 100}', {{a: {expression}}}]"
    with pytest.raises(TemplateError, match="the functions of this template come to more than 10000000 characters"):
        evaluated(expression)


def test_where_no_resource_may_be_asked() -> None:
    with pytest.raises(TemplateError, match="x cannot depend on resources"):
        NothingMade("x").attribute("Role", "Arn", Mark("t.yaml"))
