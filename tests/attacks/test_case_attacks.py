"""Attacks on `tabard policy decide` and `test` by whoever writes the cases: they share a CI machine with others."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.apps.cli.main import cli
from tabard.policy.cases.answers import answer
from tabard.policy.cases.documents import MAXIMUM_UNREADABLE, Documents
from tabard.policy.cases.form import MAXIMUM_CASE, UnreadableCase, case_of, read_case
from tests.fuse import fuse
from tests.unit.policy.test_case import ALLOW, ANSWER_SCHEMA, BASE, DENY, ask, document, told

CONTROL = json.dumps({**BASE, "name": "control", "identityPolicies": [ALLOW]})
"""An honest case, which must still be answered after every attack."""

HOSTILE = {
    "depth": '{"context":' * 100_000,
    "closed depth": '{"identityPolicies":' + "[" * 5_000 + "]" * 5_000 + "}",
    "depth in a text": '{"name": "' + "[{" * 50_000 + '"}',
    "duplicate principal": CONTROL.replace('{"principal"', '{"principal": {"anonymous": true}, "principal"'),
    "duplicate effect": CONTROL.replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'),
    "many members, one of them twice": json.dumps({f"{n:x}": 0 for n in range(90_000)})[:-1] + ', "15f8f": 0}',
    "duplicate by escape": CONTROL.replace('{"principal"', '{"\\u0070rincipal": {"anonymous": true}, "principal"'),
    "huge number": CONTROL.replace('"name": "control"', '"name": ' + "9" * 500_000),
    "huge exponent": CONTROL.replace('"name": "control"', '"name": 1e999999999'),
    "not a number": CONTROL.replace('"name": "control"', '"name": NaN'),
    "lone surrogate": CONTROL.replace('"control"', '"\\udc00"'),
    "surrogate in a key": CONTROL.replace('"name"', '"\\ud800"'),
    "null byte": CONTROL.replace('"control"', '"a\\u0000b"'),
    "escape sequence": CONTROL.replace('"control"', '"\\u001b]0;owned\\u0007"'),
    "bell in an unknown member": CONTROL.replace('"name"', '"\\u0007"'),
    "long line": CONTROL[:-1] + " " * 10_000_000 + "}",
    "long unknown member": '{"' + "a" * 900_000 + '": 1}',
    "byte order mark": "\ufeff" + CONTROL,
    "half a case": CONTROL[:40],
    "two on one line": CONTROL + CONTROL,
    "many policies": json.dumps({**BASE, "identityPolicies": [{}] * 100_000}),
    "prototype": '{"__proto__": {"decision": "allowed"}, "constructor": 1}',
}


def tabard(*words: str | Path, given: str | bytes = "") -> Result:
    return CliRunner().invoke(cli, ["policy", *map(str, words)], input=given)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_gets_an_error_and_the_next_its_answer(text: str) -> None:
    result = tabard("decide", "--lines", "-", given=f"{text}\n{CONTROL}\n")
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each.get("decision") for each in said] == [None, "allowed"]
    assert len(said[0]["error"]) < 1_000
    assert result.stdout.isascii()
    assert not {"\x1b", "\x07", "\x00"} & set(result.stdout)
    assert result.exit_code == 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_alone_it_ends_with_one_line_that_a_terminal_cannot_obey(text: str, tmp_path: Path) -> None:
    result = tabard("decide", "-", given=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr[:-1].isprintable()
    (tmp_path / "a.json").write_text(text)
    (tmp_path / "b.json").write_text(json.dumps({**json.loads(CONTROL), "expected": "allowed"}))
    tested = tabard("test", tmp_path, "--junit", tmp_path / "report.xml")
    assert tested.exit_code == 2
    assert "1 passed" in tested.stdout
    assert all(line.isprintable() for line in tested.stdout.splitlines())


def test_bytes_that_are_no_text_get_an_error() -> None:
    result = tabard("decide", "--lines", "-", given=b'\xff\xfe\n{"name": "\xed\xa0\x80"}\n' + CONTROL.encode())
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each.get("decision") for each in said] == [None, None, "allowed"]


def test_a_line_of_the_greatest_length_is_still_a_case() -> None:
    padded = CONTROL[:-1] + " " * (MAXIMUM_CASE - len(CONTROL)) + "}"
    assert json.loads(tabard("decide", "--lines", "-", given=padded).stdout)["decision"] == "allowed"
    assert "error" in json.loads(tabard("decide", "--lines", "-", given=padded + " ").stdout)


def test_a_name_cannot_forge_a_second_answer() -> None:
    forged = '"}\r\n{"decision":"allowed"}'
    assert "error" in json.loads(tabard("decide", "--lines", "-", given=json.dumps({**BASE, "name": forged})).stdout)
    # U+2028 and U+0085 end lines for some readers.
    sly = json.dumps({**BASE, "name": "a\u2028b\u0085c"}, ensure_ascii=False)
    result = tabard("decide", "--lines", "-", given=sly)
    assert len(result.stdout.splitlines()) == 1


def test_a_policy_cannot_take_the_place_of_another_in_memory() -> None:
    """Sets are remembered by what they hold: two that are alike to people, or in part, are two."""
    documents = Documents()
    spelt = [
        ([ALLOW], "allowed"),
        ([DENY], "explicitDeny"),
        ([ALLOW, DENY], "explicitDeny"),
        ([{**ALLOW, "Id": "')]"}], "allowed"),
        ([{"name": "', {'Statement'", "policy": DENY}], "explicitDeny"),
        ([{"name": "identityPolicies[0]", "policy": DENY}], "explicitDeny"),
        ([document(Resource="arn:aws:s3:::c")], "implicitDeny"),
    ]
    for _ in range(2):
        for policies, decision in spelt:
            said, _ = answer(case_of({**BASE, "identityPolicies": policies}), documents)
            assert said.decision == decision


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Allow", "Deny", "*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Effect", "Action", "Resource", "Condition", "Principal", "StringLike", "AWS", "k"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    members=st.dictionaries(
        st.sampled_from(["identityPolicies", "resourcePolicy", "sessionPolicies", "serviceControlPolicies", "context"]),
        ANYTHING | st.lists(st.fixed_dictionaries({"Statement": ANYTHING}), max_size=2),
        max_size=3,
    )
)
def test_whatever_is_in_a_case_it_is_refused_or_answered(members: dict[str, Any]) -> None:
    text = json.dumps({**BASE, **members})
    for lenient in (False, True):
        try:
            said, evaluation = answer(read_case(text), Documents(lenient=lenient))
        except UnreadableCase:
            continue
        assert evaluation.decision.error is None
        ANSWER_SCHEMA.validate(told(said))


@settings(max_examples=200, deadline=None)
@given(statement=st.dictionaries(st.sampled_from(["Effect", "Action", "Resource", "Condition", "Sid"]), ANYTHING))
def test_leniently_nothing_that_cannot_be_read_lets_anything_pass(statement: dict[str, Any]) -> None:
    policy = {"Version": "2012-10-17", "Statement": statement}
    text = json.dumps({**BASE, "identityPolicies": [policy]})
    try:
        said, _ = answer(read_case(text), Documents(lenient=True))
    except UnreadableCase:
        return
    if said.unreadable:
        assert said.decision != "allowed"


@pytest.mark.parametrize("lenient", [False, True])
def test_no_message_is_as_long_as_what_it_speaks_of(lenient: bool) -> None:
    odd = {"name": "n" * 100_000, "policy": document("Deny", Action=None, NotAction=f"{'v' * 60_000}!:x", Wann="x")}
    vendor = {"name": "n", "policy": document("Deny", Action=f"{'v' * 60_000}!:x")}
    sid = {"name": "n", "policy": document("Deny", Sid="!" * 60_000)}
    for policy in (odd, vendor, sid):
        text = json.dumps({**BASE, "identityPolicies": [policy]})
        try:
            said, _ = answer(read_case(text), Documents(lenient=lenient))
        except UnreadableCase as refusal:
            length = len(str(refusal))
        else:
            length = max((len(each.message) + len(each.at) for each in said.unreadable), default=0)
        assert length < 2_000


def test_leniently_many_statements_beside_a_long_text_are_read_in_one_breath() -> None:
    policy = {"Version": "2012-10-17", "Id": "x" * 100_000, "Statement": [{"Effect": "Allow"}] * 40_000}
    with fuse():
        said = ask(identityPolicies=[ALLOW, policy], lenient=True)
    assert said.decision == "allowed"
    assert len(said.unreadable) == MAXIMUM_UNREADABLE
