"""`tabard policy lint`: what AWS would refuse in a document, and what it would save and should not."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Final

import click

from tabard.apps.cli.shell import print_json
from tabard.apps.config import SettingsError, load_settings, require_rules
from tabard.faults import MalformedPolicy
from tabard.names.printable import masked
from tabard.policy.document import Kind
from tabard.policy.lint.check import Levels, Placed, check_text
from tabard.policy.lint.findings import Level, Purpose
from tabard.policy.lint.rules import RULES, Rule
from tabard.policy.positions import Position, path_text
from tabard.policy.strict_json import MAXIMUM_SIZE, load_strict

KINDS: Final[Mapping[str, tuple[Kind, Purpose]]] = {
    "identity": (Kind.MANAGED, Purpose.IDENTITY),
    "inline": (Kind.INLINE, Purpose.IDENTITY),
    "trust": (Kind.TRUST, Purpose.TRUST),
    "resource": (Kind.RESOURCE, Purpose.RESOURCE),
    "session": (Kind.SESSION, Purpose.SESSION),
    "scp": (Kind.SERVICE_CONTROL, Purpose.SCP),
    "rcp": (Kind.RESOURCE_CONTROL, Purpose.SCP),
}
"""What `--kind` takes → the grammar that the document is held to, and the rules."""
_STANDARD_INPUT: Final = "-"
_WINDOW: Final = 100
"""Characters of a source line that are shown."""
_BYTES_OF_A_CHARACTER: Final = 4
_MARKS: Final = ((Level.ERROR, "red"), (Level.WARNING, "yellow"), (Level.HINT, "cyan"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """One document and what was found in it."""

    name: str
    text: str
    kind: str
    findings: Sequence[Placed]


def lint(
    files: Sequence[str],
    *,
    kind: str | None,
    levels: Sequence[str],
    config: Path | None,
    as_json: bool,
    strict: bool,
) -> bool:
    """Check each file and print what was found. False: there are errors, or with `strict` warnings."""
    chosen = {**(load_settings(config).lint.levels if config is not None else {}), **_levels(levels)}
    linted = [_linted(name, kind, chosen) for name in files]
    counts = {level: sum(each.finding.level is level for one in linted for each in one.findings) for level, _ in _MARKS}
    if as_json:
        print_json({"files": [_described(one) for one in linted], **_counted(counts)})
    else:
        for one in linted:
            for each in one.findings:
                click.echo("\n".join(_shown(one, each)))
        click.echo(_summary(len(linted), counts), err=True)
    return not (counts[Level.ERROR] or (strict and counts[Level.WARNING]))


def explain(code: str) -> None:
    """Print a rule's page."""
    require_rules([code], "--explain")
    rule = RULES[code]
    click.echo(f"{rule.code}\n{rule.title}\n\n{fill(rule.why, 88)}\n")
    click.echo(f"Usually {_with_article(rule.level)}, in policies of the kind {_purposes(rule)}.")
    click.echo(f'To change that: --level {code}=LEVEL here, or for the server [lint] levels = {{"{code}" = "LEVEL"}};')
    click.echo(f"a level is {', '.join(Level)}.")


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────


def _levels(given: Sequence[str]) -> Levels:
    pairs = [each.partition("=")[::2] for each in given]
    require_rules([code for code, _ in pairs], "--level")
    try:
        return {code: Level(level) for code, level in pairs}
    except ValueError:
        raise SettingsError(f"--level: a level is one of {', '.join(Level)}, as in --level CODE=warning") from None


def _linted(name: str, kind: str | None, levels: Levels) -> Linted:
    text = _read(name)
    kind = kind or _guessed(text)
    grammar, purpose = KINDS[kind]
    shown = "<stdin>" if name == _STANDARD_INPUT else name
    return Linted(name=shown, text=text, kind=kind, findings=check_text(text, grammar, purpose, levels))


def _read(name: str) -> str:
    most = MAXIMUM_SIZE * _BYTES_OF_A_CHARACTER + 1
    try:
        if name == _STANDARD_INPUT:
            raw = sys.stdin.buffer.read(most)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(most)
        return raw.decode()
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{name} is no UTF-8 text, and so no policy") from None


def _guessed(text: str) -> str:
    """What the document seems to be for: only trust policies have principals and no resources."""
    try:
        document = load_strict(text, public="")
    except MalformedPolicy:
        return "identity"
    found = document.get("Statement") if isinstance(document, dict) else None
    elements = {element for each in _listed(found) if isinstance(each, dict) for element in each}
    if not elements & {"Principal", "NotPrincipal"}:
        return "identity"
    return "resource" if elements & {"Resource", "NotResource"} else "trust"


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────


def _shown(one: Linted, each: Placed) -> Iterator[str]:
    finding, start = each.finding, each.span.start
    colour = dict(_MARKS).get(finding.level)
    level = click.style(finding.level.value, fg=colour, bold=True)
    yield f"{masked(one.name)}:{start.line}:{start.column}: {level} {finding.code}: {finding.reason}"
    yield from (f"    | {line}" for line in _excerpt(one.text, start, each.span.end))
    if finding.safer:
        yield f"    safer: {finding.safer}"


def _excerpt(text: str, start: Position, end: Position) -> Iterator[str]:
    """The line and a caret under the place; of a long line, what stands around it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = masked(lines[start.line - 1].replace("\t", " "))
    last = end.column - 1 if end.line == start.line else len(line)
    cut = max(0, start.column - 1 - _WINDOW // 2) if len(line) > _WINDOW else 0
    shown = line[cut : cut + _WINDOW]
    at = start.column - 1 - cut
    yield shown.rstrip()
    yield " " * at + "^" + "~" * max(0, min(last - cut, len(shown)) - at - 1)


def _summary(files: int, counts: Mapping[Level, int]) -> str:
    said = ", ".join(_counted_word(count, level.value) for level, count in counts.items() if count)
    return f"{_counted_word(files, 'document')}: {said or 'nothing to say'}"


def _described(one: Linted) -> dict[str, object]:
    return {
        "file": one.name,
        "kind": one.kind,
        "findings": [
            {
                "code": each.finding.code,
                "level": each.finding.level,
                "path": path_text(each.finding.at),
                "line": each.span.start.line,
                "column": each.span.start.column,
                "endLine": each.span.end.line,
                "endColumn": each.span.end.column,
                "reason": each.finding.reason,
                "safer": each.finding.safer,
            }
            for each in one.findings
        ],
    }


def _counted(counts: Mapping[Level, int]) -> dict[str, int]:
    return {f"{level.value}s": count for level, count in counts.items()}


def _counted_word(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _with_article(level: Level) -> str:
    return f"{'an' if level is Level.ERROR else 'a'} {level}"


def _purposes(rule: Rule) -> str:
    return ", ".join(purpose for purpose in Purpose if purpose in rule.purposes)
