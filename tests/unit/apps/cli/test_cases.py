"""`tabard policy decide`, `test` and `schema`: what they print, and how they end."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from tabard.apps.cli import cases
from tabard.apps.cli.main import cli
from tabard.policy.cases.form import MAXIMUM_CASE
from tests.unit.policy.test_case import ALLOW, ANSWER_SCHEMA, BASE, CASE_SCHEMA, DENY, document

YES = {**BASE, "name": "yes", "identityPolicies": [ALLOW]}
NO = {**BASE, "name": "no", "identityPolicies": [document(Action="s3:GetObject", Resource="arn:aws:s3:::c/*")]}
NEVER = {**BASE, "name": "never", "identityPolicies": [{"name": "guard", "policy": DENY}]}
ODD = {**BASE, "name": "odd", "identityPolicies": [document("deny")]}


def tabard(*words: str | Path, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["policy", *map(str, words)], input=given)


def lines(*forms: Any) -> str:
    return "".join(f"{form if isinstance(form, str) else json.dumps(form)}\n" for form in forms)


def refused(result: Result, *texts: str) -> None:
    """Exit code 2, nothing on stdout, and one line on stderr that holds the texts."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("tabard: ")
    assert result.stderr.count("\n") == 1
    for text in texts:
        assert text in result.stderr


# ── decide ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("form", "decision", "code"), [(YES, "allowed", 0), (NO, "implicitDeny", 3), (NEVER, "explicitDeny", 3)]
)
def test_one_case_gets_one_line_and_an_exit_code(
    form: dict[str, Any], decision: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "case.json").write_text(json.dumps(form, indent=2))
    from_file = tabard("decide", tmp_path / "case.json")
    assert (from_file.exit_code, from_file.stderr, from_file.stdout.count("\n")) == (code, "", 1)
    said = json.loads(from_file.stdout)
    assert (said["name"], said["decision"]) == (form["name"], decision)
    ANSWER_SCHEMA.validate(said)
    assert tabard("decide", "-", given=json.dumps(form)).stdout == from_file.stdout


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("", "it is not JSON"),
        ("[]", "the case must be an object"),
        (lines(YES, NO), "it is not JSON"),
        (json.dumps(ODD), "`identityPolicies[0]`: The policy failed legacy parsing"),
        (b"\xff", "it is no UTF-8 text"),
        ('{"\u202e": 1}', "has a member `?`"),
        (" " * (5 * MAXIMUM_CASE), "more than 1048576 characters"),
    ],
)
def test_what_is_no_case_ends_with_two(given: str | bytes, text: str) -> None:
    refused(tabard("decide", "-", given=given), text)


def test_a_file_that_is_not_there_ends_with_two(tmp_path: Path) -> None:
    refused(tabard("decide", tmp_path / "none.json"), "cannot be read: No such file")
    refused(tabard("decide", tmp_path), "cannot be read: Is a directory")


def test_each_line_gets_a_line() -> None:
    result = tabard("decide", "--lines", "-", given=lines(YES, "", NO, "  ", NEVER)[:-1])
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["decision"] for each in said] == ["allowed", "implicitDeny", "explicitDeny"]
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_line_that_is_no_case_gets_an_error_and_the_others_their_answers() -> None:
    too_long = json.dumps({**YES, "context": {"k": "x" * (5 * MAXIMUM_CASE)}})
    result = tabard(
        "decide",
        "--lines",
        "-",
        given=lines("{", YES, {**YES, "acton": 1}, ODD, too_long, '{"name": "a", "name": 1}', NO),
    )
    said = [json.loads(line) for line in result.stdout.splitlines()]
    for each in said:
        ANSWER_SCHEMA.validate(each)
    assert [each.get("decision") for each in said] == [None, "allowed", None, None, None, None, "implicitDeny"]
    assert [each.get("line") for each in said] == [1, None, 3, 4, 5, 6, None]
    assert [each.get("name") for each in said] == [None, "yes", "yes", "odd", None, None, "no"]
    assert "is `action` meant?" in said[2]["error"]
    assert "more than" in said[4]["error"]
    assert result.exit_code == 2


def test_leniently_such_documents_are_judged() -> None:
    result = tabard("decide", "--lenient", "--lines", "-", given=lines(ODD))
    said = json.loads(result.stdout)
    assert (said["decision"], said["unreadable"][0]["treatedAs"], result.exit_code) == ("explicitDeny", "denies", 0)
    ANSWER_SCHEMA.validate(said)


def test_of_a_long_line_only_the_beginning_is_held() -> None:
    class Counting(io.BytesIO):
        longest = 0

        def readline(self, size: int | None = -1) -> bytes:
            line = super().readline(size)
            self.longest = max(self.longest, len(line))
            return line

    source = Counting(b"x" * 10_000_000 + b"\n{}\n")
    numbers = [(number, line[:3]) for number, line in cases._lines(source)]
    assert numbers == [(1, b"xxx"), (2, b"{}\n")]
    assert source.longest == 4 * MAXIMUM_CASE + 1


def test_an_answer_is_there_before_the_next_line_is_read() -> None:
    talk = subprocess.Popen(
        [sys.executable, "-m", "tabard", "policy", "decide", "--lines", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert talk.stdin is not None
    assert talk.stdout is not None
    for form, decision in ((YES, "allowed"), (NO, "implicitDeny")):
        talk.stdin.write(lines(form))
        talk.stdin.flush()
        assert json.loads(talk.stdout.readline())["decision"] == decision
    talk.communicate(timeout=20)
    assert talk.returncode == 0


def test_no_character_that_a_terminal_obeys_is_printed(tmp_path: Path) -> None:
    sly = "\u009b31m\u202eevil"
    result = tabard("decide", "-", given=json.dumps({**NO, "name": sly}))
    assert result.stdout.isascii()
    assert json.loads(result.stdout)["name"] == sly
    (tmp_path / "a.json").write_text(json.dumps({**NO, "name": sly, "action": f"s3:{sly}", "expected": "allowed"}))
    said = tabard("test", tmp_path, "--junit", tmp_path / "report.xml")
    assert "?31m?evil" in said.stdout
    assert not set("\u009b\u202e") & set(said.stdout + (tmp_path / "report.xml").read_text())


# ── test ─────────────────────────────────────────────────────────────────────────────────────────────


def folder(at: Path, **contents: Any) -> Path:
    for name, content in contents.items():
        path = at / f"{name.replace('__', '/')}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return at


def wants(form: dict[str, Any], expected: Any) -> dict[str, Any]:
    return {**form, "expected": expected}


def test_all_cases_of_all_files_are_tried(tmp_path: Path) -> None:
    shared = {"defaults": {**YES, "expected": "allowed"}, "cases": [{"name": "a"}, {"id": "b"}]}
    at = folder(
        tmp_path, b=wants(NO, "implicitDeny"), a__c=[wants(YES, "allowed"), wants(NEVER, "explicitDeny")], d=shared
    )
    (tmp_path / "readme.txt").write_text("no case")
    result = tabard("test", at)
    assert result.stdout.splitlines() == [
        f"{at}/a/c.json ..",
        f"{at}/b.json .",
        f"{at}/d.json ..",
        "",
        "5 passed",
    ]
    assert (result.exit_code, result.stderr) == (0, "")
    assert tabard("test", at / "b.json", at / "a").stdout.endswith("3 passed\n")


def test_a_failure_is_told_with_its_reasons(tmp_path: Path) -> None:
    result = tabard("test", folder(tmp_path, a=[wants(NO, "allowed"), wants(YES, "allowed")]))
    assert result.exit_code == 1
    assert f"{tmp_path}/a.json F.\n" in result.stdout
    assert "a.json: no\n  expected allowed, and it is implicitDeny\n" in result.stdout
    assert (
        "In one sentence: no identity-based policy allows s3:GetObject; nearest comes statement 1 of" in result.stdout
    )
    assert "wanted  arn:aws:s3:::c/*" in result.stdout
    assert result.stdout.endswith("\n1 passed, 1 failed\n")


def test_one_that_should_be_denied_is_told_with_what_allowed(tmp_path: Path) -> None:
    result = tabard("test", folder(tmp_path, a=wants(YES, "explicitDeny")))
    assert "expected explicitDeny, and it is allowed" in result.stdout
    assert "identity-based policy" in result.stdout


IDENTITY = "identity-based policy"


@pytest.mark.parametrize(
    ("form", "by", "passes"),
    [
        (NEVER, {"policy": "guard", "sid": "Never", "layer": IDENTITY}, True),
        (NEVER, {"policy": "guard"}, True),
        (NEVER, {"sid": "Never"}, True),
        (NEVER, {"layer": IDENTITY}, True),
        (NEVER, {}, True),
        (NEVER, {"policy": "other"}, False),
        (NEVER, {"sid": "other"}, False),
        (NEVER, {"policy": "guard", "layer": "session policy"}, False),
        (NEVER, {"layer": "session policy"}, False),
        (YES, {"policy": "identityPolicies[0]"}, True),
        (YES, {"layer": IDENTITY}, True),
        (YES, {"policy": "guard"}, False),
        (NO, {"layer": IDENTITY}, True),
        (NO, {"layer": "permissions boundary"}, False),
        (NO, {"policy": "identityPolicies[0]"}, False),
    ],
)
def test_what_decided_can_be_expected_too(
    form: dict[str, Any], by: dict[str, str], passes: bool, tmp_path: Path
) -> None:
    decision = {"yes": "allowed", "no": "implicitDeny", "never": "explicitDeny"}[form["name"]]
    result = tabard("test", folder(tmp_path, a=wants(form, {"decision": decision, "by": by})))
    assert result.exit_code == (0 if passes else 1), result.stdout
    assert ("but not by" in result.stdout) is not passes


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{", "it is not JSON"),
        (YES, "the case has no `expected`"),
        (wants(ODD, "allowed"), "The policy failed legacy parsing"),
        ([7], "the case must be an object"),
    ],
)
def test_what_is_no_case_is_told_and_the_others_are_tried(content: Any, text: str, tmp_path: Path) -> None:
    result = tabard("test", folder(tmp_path, a=content, b=[wants(YES, "allowed"), wants(NO, "allowed")]))
    assert text in result.stdout
    assert result.stdout.endswith("\n1 passed, 1 failed, 1 could not be read\n")
    assert result.exit_code == 2


def test_nothing_to_try_ends_with_two(tmp_path: Path) -> None:
    refused(tabard("test", tmp_path), "there is no case in")
    refused(tabard("test", folder(tmp_path, a=[]), "--json"), "there is no case in")
    refused(tabard("test", tmp_path / "none"), "is not there")
    assert tabard("test").exit_code == 2


def test_the_report_is_one_object_for_programs(tmp_path: Path) -> None:
    result = tabard("test", folder(tmp_path, a=[wants(YES, "allowed"), wants(NO, "allowed"), YES]), "--json")
    said = json.loads(result.stdout)
    assert {name: said[name] for name in ("passed", "failed", "errors")} == {"passed": 1, "failed": 1, "errors": 1}
    assert [each["outcome"] for each in said["cases"]] == ["passed", "failed", "error"]
    assert [each["name"] for each in said["cases"]] == ["yes", "no", "yes"]
    assert said["cases"][1]["message"] == "expected allowed, and it is implicitDeny"
    for each in said["cases"][:2]:
        ANSWER_SCHEMA.validate(each["answer"])


def test_the_report_is_junit_for_ci_services(tmp_path: Path) -> None:
    at = folder(tmp_path, a=[wants(YES, "allowed"), wants(NO, "allowed"), YES], b="{")
    result = tabard("test", at, "--junit", tmp_path / "report.xml")
    assert result.exit_code == 2
    (suite,) = etree.parse(tmp_path / "report.xml").getroot()
    assert dict(suite.attrib) == {"name": "tabard policy test", "tests": "4", "failures": "1", "errors": "2"}
    assert [(each.get("name"), [child.tag for child in each]) for each in suite] == [
        ("yes", []),
        ("no", ["failure"]),
        ("yes", ["error"]),
        (f"{at}/b.json", ["error"]),
    ]
    assert "wanted  arn:aws:s3:::c/*" in suite[1][0].text
    unwritten = tabard("test", at, "--junit", tmp_path / "none" / "report.xml")
    assert unwritten.exit_code == 2
    assert "report.xml cannot be written" in unwritten.stderr


def test_leniently_what_could_not_be_evaluated_is_told(tmp_path: Path) -> None:
    at = folder(tmp_path, a=wants(ODD, "allowed"))
    result = tabard("test", "--lenient", at)
    assert result.exit_code == 1
    assert "The policy failed legacy parsing; it denies everything" in result.stdout


# ── schema ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_schemas_are_printed() -> None:
    assert json.loads(tabard("schema", "case").stdout) == CASE_SCHEMA.schema
    assert json.loads(tabard("schema", "answer").stdout) == ANSWER_SCHEMA.schema
    assert tabard("schema", "other").exit_code == 2
