"""Document → findings, and findings → places.

Each rule sees one statement at a time, so the cost is the document's length, and the order of statements changes
nothing but the places.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tabard.faults import MalformedPolicy
from tabard.policy.conditions import OPERATORS, Quantifier
from tabard.policy.document import Kind, Policy
from tabard.policy.lint.findings import Finding, Level, Purpose, quoted
from tabard.policy.lint.rules import RULES
from tabard.policy.lint.spelling import Speller, words
from tabard.policy.lint.view import View
from tabard.policy.parse import parse_policy
from tabard.policy.positions import Path, Places, Position, Span, path_text

Levels = Mapping[str, Level]
"""Code → level, where it is not the rule's own."""

DEFAULTS: Final[Levels] = {}
_ORDER: Final = {Level.ERROR: 0, Level.WARNING: 1, Level.HINT: 2}


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding and where in the text it is."""

    finding: Finding
    span: Span


def find(policy: Policy, purpose: Purpose, levels: Levels = DEFAULTS) -> tuple[Finding, ...]:
    """What the rules for this purpose find, statement by statement."""
    active = [
        (rule, level)
        for rule in RULES.values()
        if purpose in rule.purposes and (level := levels.get(rule.code, rule.level)) is not Level.OFF
    ]
    found: list[Finding] = []
    for statement in policy.statements:
        view = View(policy, statement)
        at: Path = ("Statement", statement.index)
        for rule, level in active:
            found.extend(
                Finding(
                    code=rule.code,
                    level=level,
                    at=(*at, *note.at) if note.at else (),
                    reason=note.reason,
                    safer=note.safer,
                )
                for note in rule.check(view)
            )
    return tuple(found)


def place(findings: Iterable[Finding], text: str) -> tuple[Placed, ...]:
    """Each finding with its place in the text that it was found in; in the text's order, graver ones first."""
    places = Places(text)
    placed = [Placed(finding, _span(places, finding.at)) for finding in findings]
    return tuple(sorted(placed, key=lambda each: (each.span.start, _ORDER[each.finding.level], each.finding.code)))


def _span(places: Places, at: Path) -> Span:
    """A finding about an element, an operator or a key is placed with its name, one about a value without."""
    return places.member(at) if at and isinstance(at[-1], str) else places.value(at)


def check_text(text: str, kind: Kind, purpose: Purpose, levels: Levels = DEFAULTS) -> tuple[Placed, ...]:
    """What is wrong with a text. One that AWS would not save has one finding: AWS's answer."""
    try:
        policy = parse_policy(text, kind)
    except MalformedPolicy as refusal:
        return (_refused(text, refusal),)
    return place(find(policy, purpose, levels), text)


def refusal(findings: Iterable[Finding], text: str, purpose: Purpose) -> MalformedPolicy | None:
    """The fault for a document with errors; it names the first and counts the others."""
    errors = place((each for each in findings if each.level is Level.ERROR), text)
    if not errors:
        return None
    finding, start = errors[0].finding, errors[0].span.start
    what = "AssumeRole policy" if purpose is Purpose.TRUST else "Policy document"
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    where = path_text(finding.at)
    public = (
        f"{what} is not safe to save: {where} (line {start.line}, column {start.column}): {finding.reason} "
        f"Safer: {finding.safer} ({finding.code}){more}"
    )
    return MalformedPolicy(public, at=where, reason=f"policy.lint.{finding.code}")


# ── what AWS refuses ─────────────────────────────────────────────────────────────────────────────────

_WHY: Final[Mapping[str, str]] = {
    "policy.json.size": "The document is longer than any policy may be.",
    "policy.json.depth": "The document is nested too deeply.",
    "policy.json.duplicate-key": "A member occurs twice in one object, and two readers would read two policies.",
    "policy.json.number": "A number has too many digits.",
    "policy.json.constant": "NaN and Infinity are not JSON.",
    "policy.json.character": "A control character, or half of a surrogate pair, stands in a text.",
    "policy.syntax.operator": "There is no such condition operator.",
    "policy.syntax.unknown-element": "There is no such element.",
    "policy.syntax.both": "Only one of the two may be there.",
    "policy.syntax.no-effect": "A statement has an Effect.",
    "policy.syntax.effect": "An effect is Allow or Deny.",
    "policy.syntax.no-statement": "A policy has at least one statement.",
    "policy.syntax.version": "A version is 2012-10-17 or 2008-10-17.",
    "policy.syntax.type": "The value is of another type than belongs there.",
    "policy.legacy.effect": "An effect is Allow or Deny, spelt just so.",
    "policy.legacy.date": "The value is no date.",
    "policy.legacy.resource": "The ARN is too short.",
}
_OPERATORS: Final = Speller(OPERATORS)
_ELEMENTS: Final = Speller(
    words(
        "Version Id Statement Sid Effect Principal NotPrincipal Action NotAction Resource NotResource Condition "
        "AWS Federated Service CanonicalUser"
    )
)
_AT: Final = re.compile(
    r"(?:Statement\[(?P<index>[0-9]+)\])?(?:\.?(?P<element>[A-Za-z]+)(?:\.(?P<operator>[A-Za-z:]+)(?:\.(?P<key>.+))?)?)?"
    r"(?:: (?:`(?P<name>[^`]*)`.*|(?P<value>.+)))?",
    re.DOTALL,
)


def _refused(text: str, fault: MalformedPolicy) -> Placed:
    finding = Finding(
        code=fault.reason,
        level=Level.ERROR,
        at=_path_of(fault.at, text),
        reason=f"{fault.public.rstrip('.')}." + (f" {_WHY[fault.reason]}" if fault.reason in _WHY else ""),
        safer=_meant(fault),
    )
    return Placed(finding, _span_of(text, finding, fault))


def _meant(fault: MalformedPolicy) -> str:
    """What a name that there is none of was probably meant to be."""
    name = (_AT.fullmatch(fault.at) or {"name": None})["name"] or ""
    meant: str | None = None
    if fault.reason == "policy.syntax.operator":
        qualifier = next((each.value for each in Quantifier if name.startswith(each.value)), "")
        bare = name.removeprefix(qualifier).removesuffix("IfExists")
        meant = _OPERATORS.meant(bare)
        meant = meant and name.replace(bare, meant, 1)
    elif fault.reason == "policy.syntax.unknown-element":
        meant = _ELEMENTS.meant(name)
    return quoted(meant) if meant else ""


def _span_of(text: str, finding: Finding, fault: MalformedPolicy) -> Span:
    if not fault.reason.startswith("policy.json."):
        return _span(Places(text), finding.at)
    start = Position(1, 1)
    if fault.reason == "policy.json.syntax":
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            start = Position(error.lineno, error.colno)
        except (ValueError, RecursionError):
            pass
    return Span(start, Position(start.line, start.column + 1))


def _path_of(at: str, text: str) -> Path:
    """The path that a refusal's place means; as much of it as can be told."""
    found = _AT.fullmatch(at)
    if found is None:
        return ()
    path: Path = () if found["index"] is None else ("Statement", int(found["index"]))
    if found["element"] and found["element"] != "policy":
        path = (*path, found["element"])
    for step in (found["operator"], found["key"], found["name"]):
        if step:
            path = (*path, step)
    if found["value"] and found["index"] is not None and len(path) == 3:
        return _value_in(text, int(found["index"]), found["element"], found["value"]) or path
    return path


def _value_in(text: str, index: int, element: str, value: str) -> Path | None:
    """The path of a value of an element, in a list or without one. `Action` is NotAction too."""
    statements = json.loads(text)["Statement"]
    statement = statements[index] if isinstance(statements, list) else statements
    for name in (element, f"Not{element}"):
        values = statement.get(name)
        listed = values if isinstance(values, list) else [values]
        if value in listed:
            return ("Statement", index, name, listed.index(value))
    return None
