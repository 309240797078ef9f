"""The same decisions by Cedar: the statements of `bench.decide`, written as Cedar policies, parsed once.

Runs where cedarpy is installed (`.bench-venv`). Both engines take their turn within a round, so that a ratio compares
what the machine did at one time; prints one JSON object for each number of statements.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import Any

import cedarpy

from bench import decide
from tabard.policy.decide import AccessRequest
from tabard.policy.decide import decide as tabard_decide

STATEMENTS = (1, 10, 100, 1000)
ROUNDS = 5
SECONDS = 0.05


def policy(index: int) -> str:
    """`decide.statement(index)` in Cedar's language."""
    one = decide.statement(index)
    effect = "permit" if one["Effect"] == "Allow" else "forbid"
    condition: Mapping[str, Any] = one["Condition"]  # type: ignore[assignment]
    teams = json.dumps(condition["StringEquals"]["aws:PrincipalTag/Team"])
    return (
        f'{effect} (principal, action == Action::"{one["Action"]}", resource)\n'
        f'when {{ resource.arn like "{one["Resource"]}" && {teams}.contains(principal.team) }};\n'
    )


def question(request: AccessRequest, *, parsed: bool) -> Callable[[cedarpy.PolicySet], bool]:
    """The same request, to be asked of a set of policies.

    `parsed` says that its principal and resource were read before, as no server can that does not know them.
    """
    described = [
        {
            "uid": {"type": "Role", "id": decide.CALLER.arn},
            "attrs": {"team": decide.CONTEXT["aws:principaltag/team"]},
            "parents": [],
        },
        {"uid": {"type": "Object", "id": request.resource}, "attrs": {"arn": request.resource}, "parents": []},
    ]
    entities = cedarpy.Entities.from_json_str(json.dumps(described)) if parsed else described
    asked = {
        "principal": {"type": "Role", "id": decide.CALLER.arn},
        "action": {"type": "Action", "id": request.action},
        "resource": {"type": "Object", "id": request.resource},
        "context": {},
    }
    return lambda policies: cedarpy.is_authorized(asked, policies, entities).allowed is True


def compare(statements: int) -> dict[str, float]:
    """Microseconds of each for a request that is allowed (`match`) and one that is not (`miss`), and the ratios."""
    case = decide.build(statements)
    policies = cedarpy.PolicySet.from_str("".join(policy(index) for index in range(statements)))
    told: dict[str, float] = {"statements": statements}
    for name, request, expected in (("match", case.match, True), ("miss", case.miss, False)):
        contenders: dict[str, Callable[[], bool]] = {
            "tabard": partial(_ours, request, case),
            "cedar": partial(question(request, parsed=False), policies),
            "cedar_parsed": partial(question(request, parsed=True), policies),
        }
        for who, ask in contenders.items():
            if ask() is not expected:
                raise AssertionError(f"{who} decides otherwise with {statements} statements")
        rounds = [{who: _cost(ask) for who, ask in contenders.items()} for _ in range(ROUNDS)]
        for who in contenders:
            told[f"{name}_{who}"] = median(one[who] for one in rounds)
            told[f"{name}_{who}_ratio"] = median(one[who] / one["tabard"] for one in rounds)
    return told


def _ours(request: AccessRequest, case: decide.Case) -> bool:
    return tabard_decide(request, case.layers).allowed


def _cost(call: Callable[[], object]) -> float:
    """Microseconds of one call, over at least `SECONDS`."""
    calls, end = 0, time.perf_counter() + SECONDS
    start = time.perf_counter()
    while (now := time.perf_counter()) < end:
        for _ in range(10):
            call()
        calls += 10
    return (now - start) / calls * 1e6


def main() -> None:
    """Print a line of JSON for each number of statements."""
    for statements in STATEMENTS:
        json.dump(compare(statements), sys.stdout)
        print(flush=True)


if __name__ == "__main__":
    main()
