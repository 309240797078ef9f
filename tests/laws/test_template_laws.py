"""Whatever a template holds, it is read and evaluated, or refused with its place; nothing else happens."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tabard.templates.evaluate import Evaluator, require_references
from tabard.templates.order import ordered
from tabard.templates.read import FUNCTIONS, read_template
from tabard.templates.source import MapNode, TemplateError, TextNode
from tabard.templates.template import parse_template
from tests.unit.templates.test_evaluate import PSEUDO, Made
from tests.unit.templates.test_read import plain

TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufffe\uffff\ufeff"), max_size=8
)
TREES = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)
PIECES = ("!Ref ", "!Sub ", "&a ", "*a", "- ", ": ", "? ", "{", "}", "[", "]", ", ", "\n", "\n  ", "'", '"', "|\n", "<<", "!!map ", "%YAML 1.1", "---", "...", "#", "\t", "Resources", "A", "Type", "AWS::IAM::Role", "\0", "\\u0000", "~")  # fmt: skip
NAMES = st.sampled_from(["Ref", *(f"Fn::{name}" for name in FUNCTIONS), "Condition", "a"])
WORDS = st.sampled_from(["A", "B", "A.Arn", "P", "Yes", "0", "7", "", "${A}", "${!x}", "${A.Arn", "${P.x}", "AWS::NoValue", "AWS::Region", "10.0.0.0/8", "M", "k"])  # fmt: skip
EXPRESSIONS = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=12
)


@given(TREES)
def test_json_is_read_as_it_was_written(tree: Any) -> None:
    for indent in (None, "\t"):
        text = json.dumps({"x": tree}, ensure_ascii=indent is None, indent=indent)
        assert plain(read_template(text.encode(), "t.json")) == {"x": tree}


@given(st.binary(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=25).map(lambda each: "".join(each).encode()))
def test_bytes_are_a_tree_or_refused_with_their_place(raw: bytes) -> None:
    said = "t.yaml:"
    try:
        tree = read_template(raw, "t.yaml")
        assert isinstance(tree, MapNode)
        parse_template(tree, "t.yaml")
    except TemplateError as error:
        said = str(error)
    assert said.startswith("t.yaml:")
    assert "\n" not in said


@given(EXPRESSIONS, EXPRESSIONS)
def test_expressions_come_to_something_or_are_refused_with_their_place(one: Any, other: Any) -> None:
    template = {
        "Parameters": {"P": {"Type": "String", "Default": "p"}},
        "Mappings": {"M": {"k": {"k": "v"}}},
        "Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}, "Maybe": one},
        "Resources": {
            "A": {"Type": "AWS::IAM::Group", "Properties": {"GroupName": one}},
            "B": {"Type": "AWS::IAM::User", "Properties": {"Groups": other, "UserName": one}},
        },
        "Outputs": {"X": {"Value": other}},
    }
    read = read_template(json.dumps(template).encode(), "t.json")
    said = "t.json:1:"
    try:
        parsed = parse_template(read, "t.json")
        require_references(parsed, PSEUDO)
        evaluator = Evaluator(parsed, parameters={"P": "p"}, pseudo=PSEUDO, imports={})
        ordered(parsed.resources, evaluator, "111122223333")
        evaluator.value(parsed.outputs["X"].value, Made(), "")
        evaluator.holds("Maybe", parsed.resources["A"].mark)
    except TemplateError as error:
        said = str(error)
    assert said.startswith("t.json:1:")


@given(TEXTS)
def test_a_text_is_never_anything_else(text: str) -> None:
    """No date, no number, no boolean, no null, no reference."""
    tree = read_template(f"a: {json.dumps(text, ensure_ascii=False)}".encode(), "t.yaml")
    node = tree.members["a"]
    assert isinstance(node, TextNode)
    assert node.text == text
