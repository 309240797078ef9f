"""Where things stand: what holds for all texts."""

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.policy.positions import Places, statement_spans
from tabard.policy.strict_json import load_strict
from tests.fuse import fuse

NAMES = st.text(alphabet='ab"\\{}[],: é\u2028😀', max_size=4)
SCALARS = st.one_of(NAMES, st.booleans(), st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
LAYOUTS = st.sampled_from(
    [
        {},
        {"indent": 2},
        {"indent": "\t", "ensure_ascii": False},
        {"separators": (" ,\r\n", "\r:  ")},
        {"separators": (",", ":"), "ensure_ascii": False},
    ]
)


def offset(text: str, position) -> int:
    """The character at a position, found by walking there."""
    line, column, at = 1, 1, 0
    while (line, column) != (position.line, position.column):
        if text[at] == "\n" or (text[at] == "\r" and text[at + 1 : at + 2] != "\n"):
            line, column = line + 1, 1
        else:
            column += 1
        at += 1
    return at


def cut(text: str, span) -> str:
    return text[offset(text, span.start) : offset(text, span.end)]


def paths(value, at=()):
    yield at, value
    match value:
        case dict():
            for name, inner in value.items():
                yield from paths(inner, (*at, name))
        case list():
            for index, inner in enumerate(value):
                yield from paths(inner, (*at, index))


@given(value=VALUES, layout=LAYOUTS)
@settings(deadline=None)
def test_what_stands_at_the_place_of_a_path_is_its_value(value, layout):
    text = json.dumps(value, **layout)
    places = Places(text)
    for path, inner in paths(value):
        assert json.loads(cut(text, places.value(path))) == inner
        if path and isinstance(path[-1], str):
            name, _ = json.JSONDecoder().raw_decode(cut(text, places.member(path)))
            assert name == path[-1]


@given(statements=st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=4), layout=LAYOUTS)
@settings(deadline=None)
def test_statements_follow_one_another_without_a_gap(statements, layout):
    text = json.dumps({"Id": "x", "Statement": statements}, **layout)
    spans = statement_spans(text)
    assert [json.loads(cut(text, span).lstrip().removeprefix(",")) for span in spans] == statements
    for before, after in pairwise(spans):
        assert before.end == after.start


def test_a_text_of_many_statements_is_read_once():
    text = json.dumps({"Statement": [{"Sid": '"' * 20, "Action": ["a"] * 10}] * 40_000}, indent=1)
    with fuse():
        assert len(statement_spans(text)) == 40_000


def test_a_string_that_is_all_escapes_is_read_once():
    text = json.dumps({"Id": '\\"' * 30_000, "Statement": {}})
    load_strict(text, public="")
    with fuse():
        assert len(statement_spans(text)) == 1
