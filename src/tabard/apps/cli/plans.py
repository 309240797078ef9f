"""Plans and outcomes, as people and as programs read them. Secrets are never part of a plan."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any, Final

import click

from tabard.apps.stacks.run import Outcome
from tabard.directory.entities import Account
from tabard.names.printable import escaped
from tabard.templates.plan import Action, Difference, OutputValue, Plan, Step
from tabard.templates.properties import HIDDEN, Kind, Normal
from tabard.templates.values import OnceSecret, Secret, Text, Unknown, is_secret

SIGNS: Final[Mapping[Action, tuple[str, str]]] = {
    Action.CREATE: ("+", "green"),
    Action.ADOPT: ("~", "yellow"),
    Action.UPDATE: ("~", "yellow"),
    Action.REPLACE: ("-/+", "magenta"),
    Action.DELETE: ("-", "red"),
    Action.FORGET: ("x", "red"),
    Action.LEAVE: (".", "bright_black"),
    Action.NONE: (" ", "bright_black"),
}
LATER: Final = "(known after apply)"
LONGEST_COMPARED: Final = 20_000
"""Characters of the longest document whose lines are compared; a policy that can be saved is a third of it."""
LONGEST_SHOWN: Final = 200
"""Characters of a text that a plan shows."""


def plan_lines(plans: Sequence[Plan], account: Account) -> Iterator[str]:
    """The plan for people."""
    for plan in plans:
        yield f"stack {plan.stack} in account {account.id} ({escaped(account.name)})"
        steps = [*plan.steps, *plan.removals, *plan.left]
        listed = [step for step in steps if step.action is not Action.NONE and not _is_old(step, plan)]
        for step in listed:
            yield ""
            yield from _step_lines(step)
        yield from [""] if listed else []
        yield _summary([plan])
        yield ""


def _step_lines(step: Step) -> Iterator[str]:
    sign, colour = SIGNS[step.action]
    physical = LATER if isinstance(step.physical_id, Unknown) else escaped(step.physical_id)
    if step.old_id is not None:
        physical = f"{escaped(step.old_id)} → {physical}"
    head = click.style(f"{sign:>3} {step.action:<8}", fg=colour)
    yield f"{head} {step.type.noun:<18} {step.logical_id}  {physical}"
    if step.action is Action.FORGET:
        yield "        is left where it is (DeletionPolicy: Retain)"
    if step.action is Action.LEAVE:
        yield "        is no longer in the template; --prune takes it away"
    if step.action is Action.CREATE:
        for name, value in step.wanted.items():
            kind = step.type.properties[name].kind
            yield from _indented(name, _rendered(kind, value))
    for difference in step.differences:
        yield from _difference_lines(difference)


def _difference_lines(difference: Difference) -> Iterator[str]:
    because = "  (needs another record)" if difference.replaces else ""
    before = _rendered(difference.kind, difference.before)
    after = _rendered(difference.kind, difference.after)
    yield f"        {difference.name}{because}"
    if before == after:
        yield "            changes, and is not shown" if is_secret(difference.after) else "            changes"
    elif sum(map(len, (*before, *after))) > LONGEST_COMPARED:
        yield "            is too long to compare here"
    else:
        for line in list(unified_diff(before, after, lineterm="", n=2))[2:]:
            if not line.startswith("@@"):
                colour = {"+": "green", "-": "red"}.get(line[:1])
                yield f"          {click.style(line, fg=colour) if colour else line}"


def _indented(name: str, lines: Sequence[str]) -> Iterator[str]:
    if len(lines) == 1:
        yield f"        {name}: {lines[0]}"
    elif lines:
        yield f"        {name}:"
        yield from (f"            {line}" for line in lines)


def _rendered(kind: Kind, value: Normal) -> list[str]:
    """A property as lines; nothing where it holds nothing."""
    if is_secret(value) and not isinstance(value, dict):
        return [HIDDEN]
    if isinstance(value, Unknown):
        return [LATER]
    if isinstance(value, str):
        return (_document(value) if kind is Kind.DOCUMENT else [_short(value)]) if value else []
    if isinstance(value, tuple):
        return sorted(_short_text(each) for each in value)
    lines: list[str] = []
    for name in sorted(value):
        inner = _rendered(Kind.DOCUMENT if kind is Kind.POLICIES else Kind.TEXT, value[name])
        lines += (
            [f"{escaped(name)}: {inner[0]}"]
            if len(inner) == 1
            else [f"{escaped(name)}:", *(f"    {line}" for line in inner)]
        )
    return lines


def _document(text: str) -> list[str]:
    try:
        pretty = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        pretty = text
    return [escaped(line) for line in pretty.split("\n")]


def _short_text(text: Text) -> str:
    if isinstance(text, Unknown):
        return LATER
    return HIDDEN if isinstance(text, Secret) else _short(text)


def _short(text: str) -> str:
    text = escaped(text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _is_old(step: Step, plan: Plan) -> bool:
    """The second half of a replacement is told with the first."""
    return step.action is Action.DELETE and any(each.old_id == step.physical_id for each in plan.steps)


def _summary(plans: Sequence[Plan]) -> str:
    counted: dict[str, int] = {}
    for plan in plans:
        for step in (*plan.steps, *plan.removals, *plan.left):
            if not _is_old(step, plan):
                counted[step.action] = counted.get(step.action, 0) + 1
    words = {
        Action.CREATE: "to create",
        Action.ADOPT: "to adopt",
        Action.UPDATE: "to update",
        Action.REPLACE: "to replace",
        Action.DELETE: "to delete",
        Action.FORGET: "to let go",
        Action.LEAVE: "no longer in the template",
        Action.NONE: "as they should be",
    }
    told = [f"{counted[action]} {word}" for action, word in words.items() if action in counted]
    return ", ".join(told) if told else "nothing in it"


def outcome_lines(outcome: Outcome, *, several: bool) -> Iterator[str]:
    """Outputs and new keys, for people on a terminal."""
    for stack, outputs in outcome.outputs.items():
        for name, output in outputs.items():
            at = f"{stack}." if several else ""
            yield f"{at}{name} = {_output(output, with_secrets=True)}"
    for key in outcome.keys:
        yield f"access key of {key.user_name} ({key.logical_id}): {key.access_key_id}"
        yield f"        secret, shown this once: {key.secret_access_key}"


def _output(output: OutputValue, *, with_secrets: bool) -> str:
    if isinstance(output.value, Unknown):
        return LATER
    if isinstance(output.value, OnceSecret) and with_secrets:
        return output.value
    return HIDDEN if isinstance(output.value, Secret) else escaped(output.value)


def as_json(
    plans: Sequence[Plan], account: Account, outcome: Outcome | None, *, applied: bool, rehearsed: bool
) -> dict[str, Any]:
    """Plan and outcome for programs. Values that are not known yet are null."""
    return {
        "account": account.id,
        "changes": any(plan.changes for plan in plans),
        "applied": applied,
        "rehearsed": rehearsed,
        "stacks": [
            {
                "stack": plan.stack,
                "resources": [
                    _step_json(step) for step in (*plan.steps, *plan.removals, *plan.left) if not _is_old(step, plan)
                ],
                "outputs": _outputs_json(outcome.outputs[plan.stack] if outcome is not None else plan.outputs),
            }
            for plan in plans
        ],
        "new_access_keys": [
            {
                "stack": key.stack,
                "logical_id": key.logical_id,
                "user_name": key.user_name,
                "access_key_id": key.access_key_id,
                "secret_access_key": key.secret_access_key,
            }
            for key in (outcome.keys if outcome is not None else ())
        ],
        "warnings": [
            {
                "stack": each.stack,
                "logical_id": each.logical_id,
                "code": each.finding.code,
                "reason": each.finding.reason,
            }
            for each in (outcome.warned if outcome is not None else ())
        ],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "logical_id": step.logical_id,
        "type": step.type.name,
        "action": str(step.action),
        "physical_id": _plain(step.physical_id),
        "replaced_id": step.old_id,
        "differences": [
            {
                "property": each.name,
                "before": _plain(each.before),
                "after": _plain(each.after),
                "replaces": each.replaces,
            }
            for each in step.differences
        ],
    }


def _outputs_json(outputs: Mapping[str, OutputValue]) -> dict[str, Any]:
    return {
        name: {
            "value": None if isinstance(output.value, Unknown) else _output_plain(output.value),
            "description": output.description,
            "export": output.export,
        }
        for name, output in outputs.items()
    }


def _output_plain(value: str) -> str:
    return HIDDEN if isinstance(value, Secret) and not isinstance(value, OnceSecret) else str(value)


def _plain(value: Normal) -> object:
    if isinstance(value, Unknown):
        return None
    if isinstance(value, str):
        return HIDDEN if isinstance(value, Secret) else value
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()}
