"""`tabard policy decide` and `tabard policy test`: policies as test cases, for anyone's CI.

Answers and reports go to stdout, what went wrong to stderr. What a case says is never printed as it stands where a
terminal could obey it: answers are JSON in ASCII, the report shows `?` instead.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO, Final

import click
from lxml import etree

from tabard.apps.cli.shell import print_json
from tabard.apps.cli.why import DENIED, Marks, marks_of, tree
from tabard.names.printable import masked
from tabard.policy.cases.answers import Answer, Undecided, answer, is_decided_by
from tabard.policy.cases.documents import Documents
from tabard.policy.cases.form import (
    MAXIMUM_CASE,
    MAXIMUM_FILE,
    Case,
    Deciding,
    UnreadableCase,
    case_of,
    labels,
    load,
    read_case,
    read_file,
)
from tabard.policy.decide import Evaluation
from tabard.policy.explain import explain, in_one_sentence
from tabard.policy.strict_json import JSON

FAILED: Final = 1
UNREADABLE: Final = 2
"""The exit code: there was something that is no case, or nothing at all."""
_STANDARD_INPUT: Final = "-"
_BYTES_OF_A_CHARACTER: Final = 4


# ── decide ───────────────────────────────────────────────────────────────────────────────────────────


def decide(name: str, *, lines: bool, lenient: bool) -> int:
    """Print the answer to a case, or to one on each line; the exit code.

    Raises:
        UnreadableCase: the file cannot be read, or it is to hold one case and holds none.
    """
    documents = Documents(lenient=lenient)
    with _opened(name) as source:
        if lines:
            return _decide_lines(source, documents)
        case = read_case(_text(source.read(MAXIMUM_CASE * _BYTES_OF_A_CHARACTER + 1)))
    said, evaluation = answer(case, documents)
    print_json(said)
    return 0 if evaluation.decision.allowed else DENIED


def _decide_lines(source: BinaryIO, documents: Documents) -> int:
    """One answer for each line that is not blank, each written before the next line is read."""
    all_decided = True
    for number, line in _lines(source):
        said = _decided(number, line, documents)
        all_decided &= isinstance(said, Answer)
        print_json(said)
    return 0 if all_decided else UNREADABLE


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines and their numbers. Of one that is too long, only its beginning is ever held."""
    most = MAXIMUM_CASE * _BYTES_OF_A_CHARACTER + 1
    number = 0
    while line := source.readline(most):
        number += 1
        rest = line
        while len(rest) == most and not rest.endswith(b"\n"):
            rest = source.readline(most)
        if line.strip():
            yield number, line


def _decided(number: int, line: bytes, documents: Documents) -> Answer | Undecided:
    value: JSON = None
    try:
        value = load(_text(line))
        return answer(case_of(value), documents)[0]
    except UnreadableCase as error:
        name, identifier = labels(value)
        return Undecided(name=name, id=identifier, line=number, error=str(error))


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == _STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except OSError as error:
        raise UnreadableCase(f"{name} cannot be read: {error.strerror}") from None


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnreadableCase("it is no UTF-8 text") from None


# ── test ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One case that was tried, or what is no case: then `error` tells why."""

    file: str
    place: int
    name: str
    case: Case | None = None
    said: Answer | None = None
    evaluation: Evaluation | None = None
    error: str = ""

    @property
    def passed(self) -> bool:
        return not self.error and not self.failure

    @property
    def failure(self) -> str:
        """In what the answer is not the expected one; empty where it is."""
        if self.case is None or self.case.expected is None or self.said is None or self.evaluation is None:
            return ""
        wanted = self.case.expected
        if self.said.decision is not wanted.decision:
            return f"expected {wanted.decision}, and it is {self.said.decision}"
        if not is_decided_by(self.said, self.evaluation.decision, wanted.by):
            return f"{wanted.decision} as expected, but not by {_deciding(wanted.by)}"
        return ""


def test(paths: Sequence[str], *, lenient: bool, as_json: bool, junit: Path | None) -> int:
    """Try all cases below the paths and report; the exit code.

    Raises:
        UnreadableCase: there is no case at all, or the report cannot be written.
    """
    documents = Documents(lenient=lenient)
    marks = marks_of(os.environ, sys.stdout.encoding or "ascii")
    tested: list[Tested] = []
    for path in _found(paths):
        results = [_reported(each, as_json=as_json) for each in _tested(path, documents)]
        tested += results
        if not as_json:
            click.echo(f"{masked(str(path))} {''.join(_letter(each) for each in results)}")
    if not tested:
        raise UnreadableCase(f"there is no case in {', '.join(paths)}: cases are in files whose names end in .json")
    if as_json:
        print_json({"cases": [_described(each) for each in tested], **_counts(tested)})
    else:
        for each in tested:
            if not each.passed:
                click.echo("\n".join(["", *_shown(each, marks)]))
        click.echo(f"\n{_summary(tested)}")
    if junit is not None:
        _write_junit(junit, tested)
    if any(each.error for each in tested):
        return UNREADABLE
    return 0 if all(each.passed for each in tested) else FAILED


def _reported(each: Tested, *, as_json: bool) -> Tested:
    """What passed is not looked at again, and so not kept, unless its answer is to be printed."""
    if each.passed and not as_json:
        return Tested(file=each.file, place=each.place, name=each.name)
    return each


def _found(paths: Sequence[str]) -> Iterator[Path]:
    for given in paths:
        path = Path(given)
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*.json") if each.is_file())
        elif path.exists():
            yield path
        else:
            raise UnreadableCase(f"{given} is not there")


def _tested(path: Path, documents: Documents) -> Iterator[Tested]:
    try:
        with _opened(str(path)) as source:
            cases = read_file(_text(source.read(MAXIMUM_FILE * _BYTES_OF_A_CHARACTER + 1)))
    except UnreadableCase as error:
        yield Tested(file=str(path), place=0, name="", error=str(error))
        return
    for place, value in enumerate(cases):
        name, identifier = labels(value)
        shown = name or identifier or f"case {place + 1}"
        try:
            case = case_of(value, must_expect=True)
            said, evaluation = answer(case, documents)
        except UnreadableCase as error:
            yield Tested(file=str(path), place=place, name=shown, error=str(error))
        else:
            yield Tested(file=str(path), place=place, name=shown, case=case, said=said, evaluation=evaluation)


def _letter(each: Tested) -> str:
    return "." if each.passed else "E" if each.error else "F"


def _shown(each: Tested, marks: Marks) -> Iterator[str]:
    """Why a case failed, with the tree of its reasons."""
    yield masked(f"{marks.no} {each.file}{f': {each.name}' if each.name else ''}")
    yield masked(f"  {each.error or each.failure}")
    if each.evaluation is None or each.said is None:
        return
    request, layers, decision = each.evaluation.request, each.evaluation.layers, each.evaluation.decision
    report = explain(request, layers, decision)
    yield masked(f"  {request.action} on {request.resource}")
    yield masked(f"  In one sentence: {in_one_sentence(report, request.action)}.")
    yield from map(masked, tree(report, marks))
    for one in each.said.unreadable:
        yield masked(f"  {one.policy} {one.at}: {one.message.rstrip('.')}; it {_TREATED[one.treated_as]}")


_TREATED: Final = {"allowsNothing": "allows nothing", "denies": "denies everything"}


def _deciding(wanted: Deciding) -> str:
    parts = (("the", wanted.layer), ("policy", wanted.policy), ("statement", wanted.sid))
    return ", ".join(f"{word} {text}" for word, text in parts if text is not None)


def _counts(tested: Sequence[Tested]) -> dict[str, int]:
    errors = sum(bool(each.error) for each in tested)
    passed = sum(each.passed for each in tested)
    return {"passed": passed, "failed": len(tested) - passed - errors, "errors": errors}


def _summary(tested: Sequence[Tested]) -> str:
    counts = _counts(tested)
    said = [f"{counts['passed']} passed"]
    if counts["failed"]:
        said.append(f"{counts['failed']} failed")
    if counts["errors"]:
        said.append(f"{counts['errors']} could not be read")
    return ", ".join(said)


def _described(each: Tested) -> dict[str, object]:
    outcome = "passed" if each.passed else "error" if each.error else "failed"
    described: dict[str, object] = {"file": each.file, "place": each.place, "name": each.name, "outcome": outcome}
    if not each.passed:
        described["message"] = each.error or each.failure
    if each.said is not None:
        described["answer"] = each.said
    return described


def _write_junit(path: Path, tested: Sequence[Tested]) -> None:
    """The report as most CI services read it: a suite, and in it a case with a failure or an error, or with neither."""
    counts = _counts(tested)
    suite = etree.Element(
        "testsuite",
        name="tabard policy test",
        tests=str(len(tested)),
        failures=str(counts["failed"]),
        errors=str(counts["errors"]),
    )
    for each in tested:
        case = etree.SubElement(suite, "testcase", classname=masked(each.file), name=masked(each.name or each.file))
        if not each.passed:
            outcome = etree.SubElement(
                case, "error" if each.error else "failure", message=masked(each.error or each.failure)
            )
            outcome.text = "\n".join(_shown(each, _PLAIN))
    suites = etree.Element("testsuites")
    suites.append(suite)
    try:
        path.write_bytes(etree.tostring(suites, xml_declaration=True, encoding="utf-8", pretty_print=True))
    except OSError as error:
        raise UnreadableCase(f"{path} cannot be written: {error.strerror}") from None


_PLAIN: Final = marks_of({}, "ascii")


# ── schema ───────────────────────────────────────────────────────────────────────────────────────────


def schema(name: str) -> None:
    """Print a JSON Schema."""
    click.echo((files("tabard.policy") / "schemas" / f"{name}.json").read_text("utf-8"), nl=False)
