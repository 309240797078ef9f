"""Decisions in process: what one costs with 1 to 1000 statements, when one matches and when none does.

The statements are alike: each allows one action on one bucket's objects to callers with a certain tag, one in
ten denies. A tenth of the actions are shared by all, so that the resource has to tell them apart.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.decide import AccessRequest, Layers, decide
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy
from tabard.policy.principal import Principal, PrincipalKind

ACCOUNT = "111122223333"
CALLER = Principal(
    kind=PrincipalKind.ROLE_SESSION,
    account=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/night",
    unique_id="AROAEXAMPLEEXAMPLE000",
    issuer_arn=f"arn:aws:iam::{ACCOUNT}:role/reader",
)
CONTEXT = {
    "aws:principalarn": CALLER.issuer_arn,
    "aws:principalaccount": ACCOUNT,
    "aws:principaltag/team": "blue",
    "aws:securetransport": "true",
    "aws:sourceip": "192.0.2.10",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A set of statements, a request that one of them allows, and one that none covers."""

    layers: Layers
    match: AccessRequest
    miss: AccessRequest


def statement(index: int) -> dict[str, object]:
    """The statement of that number."""
    return {
        "Sid": f"S{index}",
        "Effect": "Deny" if index % 10 == 9 else "Allow",
        "Action": "s3:GetObject" if index % 10 == 0 else f"s3:Get{index}Thing",
        "Resource": f"arn:aws:s3:::bucket-{index}/*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/Team": ["blue", f"team-{index}"]}},
    }


def compiled(statements: int) -> PolicySet:
    """That many statements, a hundred to a policy."""
    numbers = range(statements)
    documents = [
        json.dumps({"Version": "2012-10-17", "Statement": [statement(i) for i in numbers[start : start + 100]]})
        for start in range(0, statements, 100)
    ]
    return compile_policies([(f"policy-{i}", parse_policy(text, Kind.MANAGED)) for i, text in enumerate(documents)])


def request(bucket: str) -> AccessRequest:
    """May the caller read an object there?"""
    return AccessRequest(
        principal=CALLER,
        action="s3:GetObject",
        resource=f"arn:aws:s3:::{bucket}/reports/2026/november.csv",
        resource_account=ACCOUNT,
        context=CONTEXT,
    )


def build(statements: int) -> Case:
    """A case with that many statements; the match is in their middle."""
    middle = statements // 2 // 10 * 10
    return Case(
        layers=Layers(identity=compiled(statements)), match=request(f"bucket-{middle}"), miss=request("other-bucket")
    )


def run(case: Case, *, rounds: int = 20_000) -> tuple[float, float]:
    """Microseconds a decision: match, miss."""
    if not decide(case.match, case.layers).allowed or decide(case.miss, case.layers).allowed:
        raise AssertionError("the case does not decide as it should")
    return _cost(lambda: decide(case.match, case.layers), rounds), _cost(lambda: decide(case.miss, case.layers), rounds)


def _cost(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            call()
        times.append((time.perf_counter() - start) / rounds * 1e6)
    return median(times)


def main() -> None:
    """Prints a table; the last columns are ratios to one statement."""
    print(f"python {sys.version.split()[0]}; microseconds a decision")
    print(f"{'statements':>10} {'match':>8} {'miss':>8} {'match/1':>8} {'miss/1':>8}")
    first: tuple[float, float] | None = None
    for statements in (1, 10, 100, 1000, 10_000):
        match, miss = run(build(statements))
        first = first or (match, miss)
        print(f"{statements:>10} {match:>8.2f} {miss:>8.2f} {match / first[0]:>8.2f} {miss / first[1]:>8.2f}")


if __name__ == "__main__":
    main()
