"""What Tabard takes before it does anything: time to start, and memory at rest."""

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from bench import tabard
from bench.load import load
from bench.servers import ROOT

TRIES = 5
COMMAND = [sys.executable, "-m", "tabard"]


def measure() -> Mapping[str, tuple[str, str]]:
    """What was measured: name → (value, goal)."""
    with tempfile.TemporaryDirectory() as folder:
        first = dev_ready(Path(folder))
        later = median(dev_ready(Path(folder)) for _ in range(TRIES))
    at_rest, under_load = memory()
    return {
        "`tabard version`": (f"{median(version() for _ in range(TRIES)) * 1e3:.0f} ms", "≤ 150 ms"),
        "`tabard dev`, first start on an empty folder": (f"{first:.2f} s", "≤ 2 s"),
        "`tabard dev`, later starts": (f"{later:.2f} s", "≤ 2 s"),
        "start with 100,000 roles stored, until one is taken": (f"{cold_start():.2f} s", "≤ 2 s"),
        "memory of a worker at rest (PSS)": (f"{at_rest:.0f} MB", "≤ 60 MB"),
        "memory of a worker after load (PSS)": (f"{under_load:.0f} MB", "bounded"),
    }


def version() -> float:
    """Seconds that `tabard version` takes."""
    begun = time.monotonic()
    subprocess.run([*COMMAND, "version"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - begun


def dev_ready(folder: Path) -> float:
    """Seconds until `tabard dev` says that it is ready and answers."""
    begun = time.monotonic()
    command = [*COMMAND, "dev", "--port", "0", "--data", str(folder), "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        if process.stdout is None:
            raise RuntimeError("the pipe is missing")
        endpoint = json.loads(process.stdout.readline())["endpoint"]
        with urllib.request.urlopen(f"{endpoint}/healthz", timeout=10) as answer:
            answer.read()
        return time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def cold_start() -> float:
    """Seconds from the start of a server on 100,000 roles until it has answered an AssumeRole."""
    with tabard.stored(100_000) as stored:
        begun = time.monotonic()
        with stored.serving() as pid:
            tabard.take_role(stored)
            took = time.monotonic() - begun
        del pid
        return took


def memory() -> tuple[float, float]:
    """Megabytes of a single worker, at rest and after load."""
    with tabard.assume() as target:
        at_rest = pss(target.pid)
        load(target.port, target.requests(), pid=target.pid, seconds=5, connections=64)
        return at_rest, pss(target.pid)


def pss(pid: int) -> float:
    """The process's proportional share of memory, in megabytes (proc(5), `smaps_rollup`)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} tells nothing of its memory")
