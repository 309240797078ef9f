"""`tabard apply`: make an account what templates say. Several files are several stacks, applied together or not at all.

Exit codes: 0 done, or nothing to do; 1 it did not work, and nothing was changed; 2 the command was misspelt; 6 (with
`--check`) there is something to change.
"""

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from tabard.actions.paging import walk
from tabard.apps.cli import plans as shown_plans
from tabard.apps.cli.organizations import account_named
from tabard.apps.cli.shell import print_json
from tabard.apps.config import Settings, SettingsError
from tabard.apps.operator import machine_user
from tabard.apps.pipeline import table
from tabard.apps.stacks.calls import Warned
from tabard.apps.stacks.faults import ApplyError
from tabard.apps.stacks.run import REGION, STACK_NAME, Options, Outcome, Run, makes_keys, prepare
from tabard.apps.wiring import Foundation, open_audit
from tabard.directory.entities import Account
from tabard.names.tags import fold
from tabard.ports.store import Records
from tabard.templates.plan import Plan
from tabard.templates.read import read_template
from tabard.templates.source import MAXIMUM_SIZE, TemplateError, as_list, as_map, as_text
from tabard.templates.template import Template, parse_template

PENDING: Final = 6
"""The exit code of `--check` where there is something to change."""
PATIENCE: Final = 3.0
"""Seconds that parameters may take to be checked."""
_ENDINGS: Final = (".yaml", ".yml", ".json", ".template")
_LISTED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options of the command."""

    files: tuple[str, ...]
    stack: str | None = None
    account: str | None = None
    parameters: tuple[str, ...] = ()
    parameter_files: tuple[str, ...] = ()
    region: str = REGION
    prune: bool = False
    adopt: bool = False
    check: bool = False
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False


def apply(where: Settings, wishes: Wishes) -> bool:
    """Plan, show, ask, carry out. Whether `--check` found something to change.

    Raises:
        SettingsError, TemplateError, ApplyError: one line for the operator; nothing was changed.
    """
    sources = [_source(file, wishes) for file in wishes.files]
    _require_different([stack for stack, _ in sources])
    given = _parameters(wishes)
    with _limited(PATIENCE):
        prepared = prepare(sources, given)
    with Foundation.open(where) as at:
        with at.store.read() as records:
            account = _account(records, wishes.account)
        run = Run(
            store=at.store,
            clock=at.clock,
            entropy=at.entropy,
            secrets=at.ring,
            rows=table(),
            levels=where.lint.levels,
            account=account,
            operator=machine_user(),
            sources=prepared,
            options=Options(region=wishes.region, prune=wishes.prune, adopt=wishes.adopt),
        )
        try:
            return _apply(where, wishes, run)
        except (ApplyError, TemplateError) as error:
            raise ApplyError(run.hide(str(error))) from error


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """An `AllowedPattern` can take for ever, and pattern and value may come from different people."""

    def stop(*_: object) -> None:
        raise ApplyError("the parameters take too long to check; give AllowedPattern a pattern that cannot backtrack")

    handler = signal.signal(signal.SIGALRM, stop)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def _apply(where: Settings, wishes: Wishes, run: Run) -> bool:
    plans = run.look()
    pending = any(plan.changes for plan in plans)
    if not wishes.as_json:
        _print_lines(shown_plans.plan_lines(plans, run.account))
    if wishes.check:
        _report(wishes, run, plans, None)
        return pending
    _print_warnings(run.rehearse(plans))
    if wishes.dry_run:
        _report(wishes, run, plans, None, rehearsed=True)
        return False
    if pending:
        _require_consent(wishes, plans)
    audit = open_audit(where.audit)
    try:
        outcome = run.carry_out(plans, audit)
    finally:
        audit.close()
    _report(wishes, run, plans, outcome, applied=pending, rehearsed=True)
    return False


def _require_consent(wishes: Wishes, plans: Sequence[Plan]) -> None:
    if makes_keys(plans) and not wishes.as_json and not sys.stdout.isatty():
        raise ApplyError(
            "a new access key's secret is shown once, and only on a terminal; add --json to write it elsewhere"
        )
    if wishes.yes:
        return
    if not sys.stdin.isatty():
        raise ApplyError("there is nobody here to ask; add --yes to go on, or --dry-run to look only")
    click.confirm("Apply this?", abort=True, err=True)


def _report(
    wishes: Wishes,
    run: Run,
    plans: Sequence[Plan],
    outcome: Outcome | None,
    *,
    applied: bool = False,
    rehearsed: bool = False,
) -> None:
    if wishes.as_json:
        made = shown_plans.as_json(plans, run.account, outcome, applied=applied, rehearsed=rehearsed)
        print_json(made)
    elif outcome is not None:
        _print_lines(shown_plans.outcome_lines(outcome, several=len(plans) > 1))
    if applied:
        click.echo("Applied.", err=True)
    elif not any(plan.changes for plan in plans):
        click.echo("Nothing to change.", err=True)
    elif outcome is None:
        click.echo("Nothing was changed.", err=True)


def _print_warnings(warned: Iterable[Warned]) -> None:
    for each in warned:
        finding = each.finding
        click.echo(f"warning: {each.logical_id}: {finding.code}: {finding.reason}", err=True)


def _print_lines(lines: Iterable[str]) -> None:
    colour = False if os.environ.get("NO_COLOR") else None
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        click.echo(line.encode(encoding, "replace").decode(encoding), color=colour)


# ── what was given ───────────────────────────────────────────────────────────────────────────────────


def _source(file: str, wishes: Wishes) -> tuple[str, Template]:
    if wishes.stack is not None and len(wishes.files) > 1:
        raise ApplyError("--stack-name names one stack, and several files are several; leave it out, or give one file")
    name = wishes.stack or _stack_name(file)
    if STACK_NAME.fullmatch(name) is None:
        raise ApplyError(
            f"`{name[:80]}` is no stack's name: a letter, then letters, digits and hyphens; give --stack-name"
        )
    label = "stdin" if file == "-" else file
    return name, parse_template(read_template(_read(file), label), label)


def _stack_name(file: str) -> str:
    if file == "-":
        raise ApplyError("a template from the standard input has no name; add --stack-name")
    name = Path(file).name
    while name.endswith(_ENDINGS):
        name = name.removesuffix(Path(name).suffix)
    return name


def _read(file: str) -> bytes:
    try:
        if file == "-":
            return sys.stdin.buffer.read(MAXIMUM_SIZE + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAXIMUM_SIZE + 1)
    except OSError as error:
        raise ApplyError(f"{file} cannot be read: {error.strerror}") from error


def _require_different(stacks: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for stack in stacks:
        if fold(stack) in seen:
            raise ApplyError(f"two files are both stack {stack}; rename one, or apply it by itself with --stack-name")
        seen[fold(stack)] = stack


def _parameters(wishes: Wishes) -> dict[str, str]:
    """The parameters from files, and over them those from the command line."""
    given: dict[str, str] = {}
    for file in wishes.parameter_files:
        given |= _parameter_file(file)
    named: set[str] = set()
    for each in wishes.parameters:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise ApplyError("a parameter is given as --parameter Name=Value")
        if name in named:
            raise ApplyError(f"parameter `{name[:80]}` is given twice; give it once")
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise ApplyError(f"the value of parameter `{name[:80]}` is not UTF-8")
        named.add(name)
        given[name] = value
    return given


def _parameter_file(file: str) -> dict[str, str]:
    """A mapping of names to values, or the list of `{ParameterKey, ParameterValue}` that the aws CLI takes."""
    raw = _read(file)
    if raw.lstrip().startswith(b"["):
        members = as_map(read_template(b'{"list": ' + raw + b"}", file), "a parameter file").members
        found: dict[str, str] = {}
        for item in as_list(members["list"], "a parameter file").items:
            pair = as_map(item, "a parameter").members
            if pair.keys() != {"ParameterKey", "ParameterValue"}:
                raise TemplateError(item.mark, "a parameter has ParameterKey and ParameterValue, and nothing else")
            found[as_text(pair["ParameterKey"], "ParameterKey")] = as_text(pair["ParameterValue"], "ParameterValue")
        return found
    return {name: as_text(node, f"parameter {name}") for name, node in read_template(raw, file).members.items()}


def _account(records: Records, asked: str | None) -> Account:
    """The account that is meant: the only one where none is named."""
    if asked is not None:
        return account_named(records, asked)
    accounts = list(walk(lambda after: records.accounts.list(after=after), key=lambda account: account.id))
    if len(accounts) == 1:
        return accounts[0]
    if not accounts:
        raise SettingsError("the store has no account; make one with `tabard account create NAME`")
    told = ", ".join(f"{account.id} ({account.name})" for account in accounts[:_LISTED])
    more = " and more" if len(accounts) > _LISTED else ""
    raise ApplyError(f"there are several accounts: {told}{more}; name one with --account")
