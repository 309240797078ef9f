"""Places in a text."""

import json

import pytest

from tabard.policy.positions import Places, Position, Span, path_text, place_of, statement_spans


def span(start, end):
    return Span(Position(*start), Position(*end))


def test_a_single_statement_begins_after_its_brace():
    # The document of a recorded answer of SimulatePrincipalPolicy: column 41 to column 113 of line 1.
    text = '{"Version": "2012-10-17", "Statement": {"Sid": "", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"   }}'
    assert text[39] == "{"
    assert statement_spans(text) == (span((1, 41), (1, text.rindex("}") + 1)),)


def test_a_later_statement_begins_where_the_one_before_it_ends():
    # A recorded answer of SimulateCustomPolicy: the fifth statement of five, column 475 to column 682 of line 1.
    layers = ("BatchCheckLayerAvailability", "CompleteLayerUpload", "GetAuthorizationToken", "InitiateLayerUpload")
    fifth = {
        "Action": [f"ecr:{each}" for each in (*layers, "PutImage", "UploadLayerPart")],
        "Resource": "*",
        "Effect": "Allow",
    }
    others = [{"Sid": "x" * length} for length in (107, 88, 106, 83)]
    text = json.dumps({"Version": "2012-10-17", "Statement": [*others, fifth]})
    assert statement_spans(text)[4] == span((1, 475), (1, 682))


def test_statements_of_a_list_begin_after_the_bracket_and_after_one_another():
    # AdministratorAccess, as AWS lays it out: line 3 column 17 to line 8 column 6.
    text = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"""
    assert statement_spans(text) == (span((3, 17), (8, 6)),)
    two = text.replace("    }\n  ]", '    } , {"Effect": "Deny"}\n  ]')
    assert statement_spans(two) == (span((3, 17), (8, 6)), span((8, 6), (8, 27)))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ('{"Statement":[]}', ()),
        ("{}", ()),
        ('{"Statement":{}}', (span((1, 15), (1, 16)),)),
        ('{"Statement":[{},{}]}', (span((1, 15), (1, 17)), span((1, 17), (1, 20)))),
        ('{"St\\u0061tement":[{}]}', (span((1, 20), (1, 22)),)),
        ('{"Id":"[{,}]\\"","Statement":[{"a":["}",1]}]}', (span((1, 30), (1, 43)),)),
        ('{"Statement":\r\n[\r{\n}\n,\n{}]}', (span((2, 2), (4, 2)), span((4, 2), (6, 3)))),
    ],
    ids=["empty list", "none", "single", "two", "escaped name", "braces in strings", "every line end"],
)
def test_statements_are_found_whatever_stands_around_them(text, spans):
    json.loads(text)
    assert statement_spans(text) == spans


TEXT = """{"Id": 5,
 "Statement": [{"Effect": "Allow"},
  {"Condition": {"Bool": {"k": [true,
     "é"  , null]}}}]}"""


@pytest.mark.parametrize(
    ("path", "start", "end", "name"),
    [
        ((), (1, 1), (4, 23), (1, 1)),
        (("Id",), (1, 8), (1, 9), (1, 2)),
        (("Statement",), (2, 15), (4, 22), (2, 2)),
        (("Statement", 0), (2, 16), (2, 35), (2, 16)),
        (("Statement", 0, "Effect"), (2, 27), (2, 34), (2, 17)),
        (("Statement", 0, "Effect", 0), (2, 27), (2, 34), (2, 17)),
        (("Statement", 1, "Condition", "Bool", "k"), (3, 32), (4, 18), (3, 27)),
        (("Statement", 1, "Condition", "Bool", "k", 0), (3, 33), (3, 37), (3, 33)),
        (("Statement", 1, "Condition", "Bool", "k", 1), (4, 6), (4, 9), (4, 6)),
        (("Statement", 1, "Condition", "Bool", "k", 2), (4, 13), (4, 17), (4, 13)),
        (("Statement", 0, "Gone", "x"), (2, 16), (2, 35), (2, 16)),
        (("Statement", 7), (2, 15), (4, 22), (2, 2)),
    ],
    ids=str,
)
def test_each_value_and_each_name_has_its_place(path, start, end, name):
    assert place_of(TEXT, path) == span(start, end)
    assert Places(TEXT).member(path) == span(name, end)


def test_a_path_is_written_as_people_write_it():
    path = ("Statement", 0, "Condition", "StringLike", 'token.example:"sub"', 2)
    assert path_text(path) == 'Statement[0].Condition.StringLike["token.example:\\"sub\\""][2]'
