"""The things that are compared, and how each is started: a command that listens on the port it is given."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Started:
    """A server under load: where it listens, and the process whose CPU time (with its children's) is counted."""

    port: int
    pid: int


@contextlib.contextmanager
def started(command: Sequence[str], *, port: int, env: dict[str, str] | None = None) -> Iterator[Started]:
    """Run `command` until the block ends. It is ready when its port takes connections."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _await_port(process, port)
        yield Started(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it served")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen after {_PATIENCE:.0f} s")


# ── the yardsticks ───────────────────────────────────────────────────────────────────────────────────


def uvicorn_echo(port: int) -> list[str]:
    """uvicorn's own HTTP protocol with the smallest ASGI application there can be."""
    return [sys.executable, "-m", "bench.echo", "asgi", str(port), "1"]


def guarded_echo(port: int, workers: int = 1) -> list[str]:
    """The same answer from Tabard's HTTP server."""
    return [sys.executable, "-m", "bench.echo", "guarded", str(port), str(workers)]
