"""`tabard why`: the reasons of a denial, as a tree.

What is asked for is an authorization id, a request id, an access key id (its latest denial), or any text with one of
them in it, such as the error that a client printed.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click

from tabard.apps.cli.shell import print_json
from tabard.apps.config import Settings
from tabard.apps.wiring import Foundation
from tabard.directory.denials import Denial
from tabard.names.ids import ACCESS_KEY_ID, AUTHORIZATION_ID
from tabard.names.instants import iso
from tabard.names.policies import short_name
from tabard.names.printable import masked
from tabard.policy.explain import (
    Effected,
    Element,
    LayerReport,
    Mismatch,
    Report,
    StatementReport,
    in_one_sentence,
    told,
)
from tabard.ports.store import Records

DENIED: Final = 3
"""The exit code: it was denied."""
MAXIMUM_NAMED: Final = 5
"""Policies that are named where none of their statements is told."""
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class NothingKnown(Exception):  # noqa: N818 - a message for people, in one line
    """No denial is kept under what was asked for."""


def why(where: Settings, asked: str, *, as_json: bool) -> int:
    """Print the reasons; the exit code.

    Raises:
        NothingKnown: there is nothing under this id.
    """
    with Foundation.open(where) as at, at.store.read() as records:
        denial = find(records, asked)
    if denial is None:
        raise NothingKnown(
            f"nothing is known of `{masked(asked[:80])}`; give the authorization id, the request id or the access key "
            f"id of a denial of the last {where.denials.days} days"
        )
    if as_json:
        print_json(denial)
    else:
        for line in lines(denial, marks_of(os.environ, sys.stdout.encoding or "ascii")):
            click.echo(masked(line))
    return DENIED


def find(records: Records, text: str) -> Denial | None:
    """The denial that a text names."""
    for authorization_id in AUTHORIZATION_ID.findall(text):
        if (denial := records.denials.get(authorization_id)) is not None:
            return denial
    for request_id in _REQUEST_ID.findall(text):
        if found := records.denials.find(request_id=request_id, limit=1):
            return found[0]
    for key_id in ACCESS_KEY_ID.findall(text):
        if found := records.denials.find(access_key_id=key_id, limit=1):
            return found[0]
    return None


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The characters that the tree is drawn with. Each state has a word beside its mark."""

    yes: str
    no: str
    none: str
    branch: str
    last: str
    stem: str
    caret: str = "^"


UNICODE: Final = Marks(yes="✓", no="✕", none="·", branch="├ ", last="└ ", stem="│ ")
ASCII: Final = Marks(yes="+", no="x", none="-", branch="|-", last="`-", stem="| ")


def marks_of(environment: "os._Environ[str] | dict[str, str]", encoding: str) -> Marks:
    """Unicode where the terminal says that it knows it."""
    known = encoding.lower().replace("-", "") == "utf8" and environment.get("TERM") != "dumb"
    return UNICODE if known else ASCII


def lines(denial: Denial, marks: Marks) -> Iterator[str]:
    """The tree, line by line."""
    asked = denial.asked[-1]
    who = denial.principal.rsplit("/", 1)[-1]
    explicit = "explicit deny" if asked.report.outcome == "explicitDeny" else "implicit deny"
    yield f"{marks.no} {asked.action} on {asked.resource}   {who}   {explicit}"
    source = denial.context.get("aws:sourceip", "")
    yield f"  {iso(denial.at)}   from {source}   {denial.principal}   key {denial.access_key_id}"
    yield f"  authorization id {denial.id}   request id {denial.request_id}"
    yield f"  In one sentence: {in_one_sentence(asked.report, asked.action)}."
    for each in denial.asked[:-1]:
        yield f"  {marks.yes} {each.action} was allowed before"
    yield from tree(asked.report, marks)


def tree(report: Report, marks: Marks) -> Iterator[str]:
    """The layers of one decision, and what is missing in the request; indented by two."""
    for place, layer in enumerate(report.layers):
        is_last = place == len(report.layers) - 1
        yield from _layer(layer, marks, is_last=is_last)
    if report.missing:
        yield f"  Not in the request: {', '.join(report.missing)}"


_STATES: Final = {
    Effected.ALLOW: "allows",
    Effected.EXPLICIT_DENY: "denies",
    Effected.IMPLICIT_DENY: "no statement allows",
    Effected.NO_IMPACT: "not needed",
}


def _layer(layer: LayerReport, marks: Marks, *, is_last: bool) -> Iterator[str]:
    mark = {Effected.ALLOW: marks.yes, Effected.NO_IMPACT: marks.none}.get(layer.effect, marks.no)
    target = f" of {short_name(layer.target)}" if layer.target else ""
    joint, stem = (marks.last, "  ") if is_last else (marks.branch, marks.stem)
    title = f"{mark} {layer.layer}{target}"
    yield f"  {joint}{title:<44}  {_STATES[layer.effect]}"
    shown = told(layer)
    for place, statement in enumerate(shown):
        last = place == len(shown) - 1
        yield from (f"  {stem}  {line}" for line in _statement(statement, marks, is_last=last))
    others = len(layer.statements) - len(shown) + layer.omitted
    if others and layer.effect is not Effected.ALLOW:
        yield f"  {stem}    {_others(layer, others, told=len(shown))}"
    elif layer.effect is Effected.IMPLICIT_DENY and not shown:
        yield f"  {stem}    there is no policy"


def _others(layer: LayerReport, number: int, *, told: int) -> str:
    """What else was asked: the policies by name, where no statement of theirs is told."""
    if told:
        return f"and {number} more statement{'' if number == 1 else 's'} that did not apply"
    names = ", ".join(short_name(policy) for policy in layer.policies[:MAXIMUM_NAMED])
    more = f" and {len(layer.policies) - MAXIMUM_NAMED} more" if len(layer.policies) > MAXIMUM_NAMED else ""
    return f"{number} statement{'' if number == 1 else 's'} of {names}{more} did not apply"


def _statement(statement: StatementReport, marks: Marks, *, is_last: bool) -> Iterator[str]:
    sid = f'"{statement.sid}"' if statement.sid else f"{statement.index + 1}"
    joint, stem = (marks.last, "  ") if is_last else (marks.branch, marks.stem)
    yield f"{joint}{short_name(statement.policy)}, statement {sid} ({statement.effect})"
    for amiss in statement.mismatches:
        yield from (f"{stem}  {line}" for line in _mismatch(amiss, marks))


def _mismatch(amiss: Mismatch, marks: Marks) -> Iterator[str]:
    what = f"{amiss.operator} {amiss.key}" if amiss.element is Element.CONDITION else str(amiss.element)
    yield what
    for text in amiss.wanted or ("(nothing)",):
        yield f"  wanted  {text}"
    received = ("(absent)",) if amiss.received is None else amiss.received
    for text in received:
        yield f"  got     {text}"
    if len(amiss.wanted) == 1 and amiss.received is not None and len(received) == 1:
        yield from _difference(amiss.wanted[0], received[0], marks)


def _difference(wanted: str, received: str, marks: Marks) -> Iterator[str]:
    """Where the two texts part. With a wildcard before that place nothing can be said."""
    at = next((i for i, (w, r) in enumerate(zip(wanted, received, strict=False)) if w != r), None)
    if at is None:
        at = min(len(wanted), len(received))
    only_in_case = wanted.lower() == received.lower()
    if any(wild in wanted[: at + 1] for wild in "*?") or (at == 0 and not only_in_case):
        return
    note = "differs only in case" if only_in_case else "differs from here"
    yield f"          {' ' * at}{marks.caret} {note}"
