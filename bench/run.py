"""`make bench`: everything that is compared, in one run, interleaved; prints ratios and writes docs/benchmarks.md.

The machine's own speed and its other work blur every number; a ratio within one round does not care. So each round
puts load on every contender in turn, a ratio is taken within the round, and the median of the rounds is told with the
lowest and the highest. `--only WORD` picks contenders, `--rounds` and `--seconds` shorten a trial run, which then
writes nothing.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import timeit
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Literal

from bench import decide, footprint, servers, tabard
from bench.load import Measured, load

ROUNDS = 5
SECONDS = 3.0
CONNECTIONS = 32
PAGE = servers.ROOT / "docs" / "benchmarks.md"

ECHO = "uvicorn's bare ASGI echo"
GUARDED = "bare echo of Tabard's HTTP server"
GET = "Tabard, GetCallerIdentity"
GET_2 = "Tabard with two workers, GetCallerIdentity"
ASSUME = "Tabard, AssumeRole"
ASSUME_2 = "Tabard with two workers, AssumeRole"
ASSUME_100_000 = "Tabard with 100,000 roles stored, AssumeRole"
MOTO_GET = "moto, GetCallerIdentity"
MOTO_ASSUME = "moto, AssumeRole"

CONTENDERS: Mapping[str, servers.Contender] = {
    ECHO: servers.uvicorn_echo,
    GUARDED: servers.guarded_echo,
    GET: tabard.get_caller_identity,
    GET_2: tabard.get_caller_identity_two,
    ASSUME: tabard.assume,
    ASSUME_2: tabard.assume_two,
    ASSUME_100_000: tabard.assume_of_100_000,
    MOTO_GET: tabard.moto_get_caller_identity,
    MOTO_ASSUME: tabard.moto_assume,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many times `this` is `that`: by answers a second, or by CPU time saved on each answer."""

    this: str
    that: str
    goal: str
    by: Literal["rate", "cpu"] = "rate"

    def ratio(self, of: Mapping[str, Measured]) -> float:
        this, that = of[self.this], of[self.that]
        return this.rate / that.rate if self.by == "rate" else that.server_micros / this.server_micros


COMPARISONS: Sequence[Comparison] = (
    Comparison(GUARDED, ECHO, "≥ 1.5"),
    Comparison(GUARDED, ECHO, "", by="cpu"),
    Comparison(GET, ECHO, "≥ 0.60, then ≥ 0.90"),
    Comparison(ASSUME, ECHO, "≥ 0.30, then ≥ 0.45"),
    Comparison(GET, MOTO_GET, "≥ 45", by="cpu"),
    Comparison(ASSUME, MOTO_ASSUME, "≥ 30", by="cpu"),
    Comparison(GET_2, GET, "≥ 1.8"),
    Comparison(ASSUME_2, ASSUME, "≥ 1.8"),
    Comparison(ASSUME, ASSUME_100_000, "≤ 1.2", by="cpu"),
)
CEDAR_GOALS = {1: "≥ 50", 10: "≥ 50", 1000: "≥ 1000"}
STATEMENTS = (1, 10, 100, 1000, 10_000)

Round = Mapping[str, Measured]
Decisions = Mapping[int, tuple[float, float]]
Footprint = Mapping[str, tuple[str, str]]
Cedar = Sequence[Mapping[str, float]]


def measure(names: Sequence[str], rounds: int, seconds: float) -> list[Round]:
    """Start all, then put load on one after the other, round by round."""
    with contextlib.ExitStack() as stack:
        targets = {name: stack.enter_context(CONTENDERS[name]()) for name in names}
        for target in targets.values():
            load(target.port, target.requests(), pid=target.pid, seconds=0.5, connections=CONNECTIONS)
        measured: list[Round] = []
        for number in range(rounds):
            this_round: dict[str, Measured] = {}
            for name, target in targets.items():
                this_round[name] = one = load(
                    target.port, target.requests(), pid=target.pid, seconds=seconds, connections=CONNECTIONS
                )
                print(f"{number + 1}/{rounds}  {one.rate:>8.0f}/s  {one.server_micros:>7.1f} µs  {name}", flush=True)
            measured.append(this_round)
        return measured


def compare_with_cedar() -> Cedar:
    """Both engines on equal statements, where cedarpy is installed: a process of the benchmarks' own environment."""
    python = servers.ROOT / ".bench-venv" / "bin" / "python"
    environment = {**os.environ, "PYTHONPATH": str(servers.ROOT / "src")}
    done = subprocess.run(
        [python, "-m", "bench.cedar"], cwd=servers.ROOT, env=environment, stdout=subprocess.PIPE, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def render(rounds: Sequence[Round], decisions: Decisions, cedar: Cedar, taken: Footprint, *, seconds: float) -> str:
    """The page. Numbers of one run belong together; none is worth anything beside another machine's."""
    names = list(rounds[0])
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {_processor()}, {os.cpu_count()} cores,",
        f"{_interpreter()}.",
        "The load generator runs on the same machine and takes its share of it; see [speed](explanation/speed.md).",
        f"{len(rounds)} rounds of {seconds:g} s for each, interleaved; {CONNECTIONS} connections, one request in",
        "flight on each. Ratios are taken within a round; the median is told, with the lowest and the highest.",
        "",
        "| compared | with | by | ratio | range | goal |",
        "|---|---|---|---|---|---|",
    ]
    for each in COMPARISONS:
        if each.this in names and each.that in names:
            ratios = sorted(each.ratio(one) for one in rounds)
            by = "answers a second" if each.by == "rate" else "CPU an answer"
            seen = f"**{median(ratios):.2f}** | {ratios[0]:.2f} to {ratios[-1]:.2f}"
            lines.append(f"| {each.this} | {each.that} | {by} | {seen} | {each.goal} |")
    lines += ["", "| server | answers/s | server CPU µs | client CPU µs | errors |", "|---|---|---|---|---|"]
    for name in names:
        runs = [one[name] for one in rounds]
        lines.append(
            f"| {name} | {median(run.rate for run in runs):,.0f} | {median(run.server_micros for run in runs):.0f} |"
            f" {median(run.client_micros for run in runs):.0f} | {sum(run.errors for run in runs)} |"
        )
    lines += ["", "| statements | decision that matches, µs | decision that does not, µs |", "|---|---|---|"]
    lines += [f"| {number} | {match:.2f} | {miss:.2f} |" for number, (match, miss) in decisions.items()]
    lines += [
        "",
        "Cedar (cedarpy) on the same statements, parsed before. Principal and resource come with each request, or are",
        "parsed before, too. How many times as long as Tabard it takes:",
        "",
        "| statements | match | miss | match, all parsed before | miss, all parsed before | goal, match |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each['statements']:.0f} | **{each['match_cedar_ratio']:.0f}** | **{each['miss_cedar_ratio']:.0f}** |"
        f" {each['match_cedar_parsed_ratio']:.0f} | {each['miss_cedar_parsed_ratio']:.0f} |"
        f" {CEDAR_GOALS.get(int(each['statements']), '')} |"
        for each in cedar
    ]
    if taken:
        lines += ["", "| before it does anything | measured | goal |", "|---|---|---|"]
        lines += [f"| {name} | {value} | {goal} |" for name, (value, goal) in taken.items()]
    return "\n".join(lines) + "\n"


def _interpreter() -> str:
    """How fast the interpreter itself is here: builds of one version differ by as much as much of our code."""
    number = 1_000_000
    best = min(timeit.repeat("f(1)", "def f(a): return a + 1", number=number, repeat=7))
    return f"CPython {platform.python_version()}, in which calling a small function takes {best / number * 1e9:.0f} ns"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.machine()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.run")
    parser.add_argument("--only", default="", help="contenders whose name holds this word")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    names = [name for name in CONTENDERS if asked.only in name]
    if not names:
        sys.exit(f"no contender's name holds {asked.only!r}; there are: {', '.join(CONTENDERS)}")
    rounds = measure(names, asked.rounds, asked.seconds)
    whole = (asked.only, asked.rounds, asked.seconds) == ("", ROUNDS, SECONDS)
    decisions = {number: decide.run(decide.build(number)) for number in STATEMENTS}
    cedar = compare_with_cedar()
    page = render(rounds, decisions, cedar, footprint.measure() if whole else {}, seconds=asked.seconds)
    print("\n" + page)
    if whole:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page)
        print(f"written to {PAGE.relative_to(servers.ROOT)}")
    if any(measured.errors for one in rounds for measured in one.values()):
        sys.exit("some answers were not what they should be")


if __name__ == "__main__":
    main()
