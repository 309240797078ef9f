"""The servers that are compared, and how each is started and asked.

A contender is a context manager: it starts its server, prepares what the server must hold, and yields a `Target`.
To compare one more, write one and name it in `bench/run.py`.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running server: where it listens, whose CPU time counts (with its children's), and what to send it.

    `requests` is called before each run, because signatures grow old.
    """

    port: int
    pid: int
    requests: Callable[[], Sequence[bytes]]


Contender = Callable[[], AbstractContextManager[Target]]


@contextlib.contextmanager
def running(
    command: Sequence[str], *, port: int, env: Mapping[str, str] | None = None, quiet: bool = False
) -> Iterator[int]:
    """Run a server until the block ends, and yield its process id once its port takes connections.

    `quiet` drops what it writes to stderr as well, for a server that logs each request.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if quiet else None,
    )
    try:
        _await_port(process, port)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it served")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not listen after {_PATIENCE:.0f} s")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def post(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of a `POST /` with a form, on a connection that stays."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


# ── the yardsticks: what reading a request and answering it costs before anything is done ────────────

_ECHO_REQUEST = post(
    b"Action=AssumeRole&Version=2011-06-15&" + b"a" * 563,
    {
        "Host": "127.0.0.1:8080",
        "Accept-Encoding": "identity",
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "User-Agent": "aws-cli/2.0",
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE00/20260101/us-east-1/sts/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature=" + "0" * 64,
    },
)


@contextlib.contextmanager
def _echo(kind: str) -> Iterator[Target]:
    port = free_port()
    command = [sys.executable, "-m", "bench.echo", kind, str(port)]
    with running(command, port=port) as pid:
        yield Target(port=port, pid=pid, requests=lambda: [_ECHO_REQUEST])


uvicorn_echo: Contender = partial(_echo, "asgi")
guarded_echo: Contender = partial(_echo, "guarded")
