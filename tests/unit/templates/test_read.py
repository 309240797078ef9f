"""Templates are read with the place of everything in them, and what is no template is one error with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from tabard.templates.read import FUNCTIONS, TAGS, read_template
from tabard.templates.source import MAXIMUM_DEPTH, MAXIMUM_SIZE, ListNode, MapNode, Mark, Node, TemplateError, TextNode
from tabard.templates.template import MAXIMUM_ITEMS, OnRemoval, parse_template

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/templates/templates.json").read_text())


def plain(node: Node) -> Any:
    match node:
        case TextNode():
            return node.text
        case ListNode():
            return [plain(each) for each in node.items]
        case MapNode():
            return {key: plain(each) for key, each in node.members.items()}


def read(text: str, file: str = "t.yaml") -> Any:
    return plain(read_template(text.encode(), file))


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["name"])
def test_what_is_refused_and_where(case: dict[str, Any]) -> None:
    file = case.get("file", "t.yaml")
    with pytest.raises(TemplateError) as refused:
        parse_template(read_template(case["text"].encode(), file), file)
    assert str(refused.value).startswith(f"{file}:{case['at']}: ")
    assert case["error"] in str(refused.value)


def test_every_function_has_its_short_form() -> None:
    for name in FUNCTIONS:
        assert read(f"a: !{name} [x]") == {"a": {f"Fn::{name}": ["x"]}}
    assert read("a: !Ref x\nb: !Condition y\nc: !GetAtt A.Arn\nd: !Sub {a: b}") == {
        "a": {"Ref": "x"},
        "b": {"Condition": "y"},
        "c": {"Fn::GetAtt": "A.Arn"},
        "d": {"Fn::Sub": {"a": "b"}},
    }
    assert len(TAGS) == len(FUNCTIONS) + 2


def test_yaml_and_json_say_the_same() -> None:
    yaml = "A: [x, 'y', 1, true]\nB:\n  - {c: 2012-10-17}\n  - |\n    two\n    lines\nC: !!str 1\n"
    tree = {"A": ["x", "y", "1", "true"], "B": [{"c": "2012-10-17"}, "two\nlines\n"], "C": "1"}
    assert read(yaml) == tree
    typed = {**tree, "A": ["x", "y", 1, True]}
    assert read(json.dumps(typed, indent="\t"), "t.json") == tree
    assert read("\ufeff" + json.dumps(typed)) == tree
    assert read('{"a": "\\ud83d\\ude00"}', "t.json") == {"a": "😀"}


def test_yaml_that_begins_with_a_bracket_is_taken_too() -> None:
    assert read("{A: [b], 'C': !Ref d}") == {"A": ["b"], "C": {"Ref": "d"}}
    with pytest.raises(TemplateError, match="this is no JSON"):
        read("{A: [b]}", "t.json")


def test_everything_knows_its_place() -> None:
    tree = read_template(b"a:\n  - x\n  - {b: !Ref c}\n", "t.yaml")
    items = tree.members["a"]
    assert isinstance(items, ListNode)
    assert (tree.marks["a"], items.items[0].mark) == (Mark("t.yaml", 1, 1), Mark("t.yaml", 2, 5))
    inner = items.items[1]
    assert isinstance(inner, MapNode)
    assert (inner.marks["b"], inner.members["b"].mark) == (Mark("t.yaml", 3, 6), Mark("t.yaml", 3, 9))


def test_a_template_is_utf_8() -> None:
    with pytest.raises(TemplateError, match=r"^t.yaml:2:4: the template is not UTF-8"):
        read_template(b"a: b\n\xc3\xa9: \xff", "t.yaml")


# ── attacks ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_billion_laughs_are_an_anchor() -> None:
    lines = ["a: &a [lol, lol]"] + [
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(20)
    ]
    with pytest.raises(TemplateError, match=r"^t.yaml:1:4: YAML anchors are not taken"):
        read("\n".join(lines))


@pytest.mark.parametrize("file", ["t.yaml", "t.json"])
@pytest.mark.parametrize(("opening", "depth"), [("[", 1), ('{"a":', 1), ('[{"a":', 2)])
def test_depth_is_bounded(file: str, opening: str, depth: int) -> None:
    for text in (opening * 100_000, opening * (MAXIMUM_DEPTH // depth + 1)):
        with pytest.raises(TemplateError, match=f"nested more than {MAXIMUM_DEPTH} levels"):
            read('{"x":' + text, file)


def test_depth_up_to_the_bound_is_taken() -> None:
    text = '{"x":' + "[" * (MAXIMUM_DEPTH - 1) + "]" * (MAXIMUM_DEPTH - 1) + "}"
    assert read(text, "t.json") == read(text)


def test_size_is_bounded() -> None:
    with pytest.raises(TemplateError, match=r"^t.yaml:1:1: the template is larger than 1000000 bytes"):
        read_template(b"#" * (MAXIMUM_SIZE + 1), "t.yaml")
    assert read("a: b\n#" + "#" * (MAXIMUM_SIZE - 6)) == {"a": "b"}


def test_the_number_of_resources_is_bounded() -> None:
    text = "Resources:\n" + "".join(f"  R{n}: {{Type: AWS::IAM::Group}}\n" for n in range(MAXIMUM_ITEMS + 1))
    with pytest.raises(TemplateError, match="Resources has more than 500 entries"):
        parse_template(read_template(text.encode(), "t.yaml"), "t.yaml")


def test_what_an_error_repeats_is_short_and_printable() -> None:
    with pytest.raises(TemplateError) as refused:
        parse_template(
            read_template(f'Resources: {{}}\n? "{"x" * 100_000}"\n: 1\n'.encode(), "t\x1b.yaml"), "t\x1b.yaml"
        )
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()


# ── attributes of resources ──────────────────────────────────────────────────────────────────────────


def test_attributes_of_resources() -> None:
    text = """\
Resources:
  A:
    Type: AWS::IAM::Group
    Condition: C
    DependsOn: [B, C]
    DeletionPolicy: Retain
    UpdateReplacePolicy: Delete
    Metadata: {anything: !Sub '${Not.Looked.At}'}
  B: {Type: AWS::IAM::User, DependsOn: A, DeletionPolicy: RetainExceptOnCreate}
"""
    resources = parse_template(read_template(text.encode(), "t.yaml"), "t.yaml").resources
    a, b = resources["A"], resources["B"]
    assert (a.condition, [name for name, _ in a.depends_on], a.deletion, a.replacement) == (
        "C",
        ["B", "C"],
        OnRemoval.RETAIN,
        OnRemoval.DELETE,
    )
    assert ([name for name, _ in b.depends_on], b.deletion, b.condition) == (["A"], OnRemoval.RETAIN, None)
