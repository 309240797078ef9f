"""A small closed-loop load generator: N connections, each with one request in flight, raw bytes, checked answers.

It is much cheaper than what it measures: requests are prepared, an answer is recognised by its status line and its
`Content-Length`, and nothing else of it is read. What it takes itself is told, so that a reader can judge.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: answers a second, and microseconds of CPU for one answer on either side."""

    answers: int
    errors: int
    rate: float
    server_micros: float
    client_micros: float


class _Client(asyncio.Protocol):
    """One connection at a time. Sends the next request when the answer to the last has come wholly.

    A server that says that it closes the connection is asked again on a new one.
    """

    def __init__(self, requests: Sequence[bytes], *, port: int, start: int, until: float, expect: bytes) -> None:
        self._requests = requests
        self._port = port
        self._next = start
        self._until = until
        self._prefix = b"HTTP/1.1 " + expect
        self._missing = 0
        self._head = b""
        self._ends = False
        self._connecting: asyncio.Task[object] | None = None
        self.answers = 0
        self.errors = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Open a connection and begin to ask."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses
        self._send()

    def _send(self) -> None:
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            data = self._head + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = b""
            if not data.startswith(self._prefix):
                self.errors += 1
            self._ends = b"onnection: close" in data[:end]
            self._missing = _content_length(data[:end]) - (len(data) - end - 4)
        if self._missing == 0:
            self.answers += 1
            if self._ends or time.monotonic() >= self._until:
                self._transport.close()
            else:
                self._send()
        elif self._missing < 0:
            raise RuntimeError("an answer is longer than it says")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        if time.monotonic() >= self._until:
            self.done.set_result(None)
        elif self._ends:
            self._ends = False
            self._connecting = asyncio.get_running_loop().create_task(self.connect())
        else:
            self.errors += 1
            self.done.set_result(None)


def _content_length(head: bytes) -> int:
    at = head.find(b"ontent-")
    while at >= 0:
        if head[at : at + 15].lower() == b"ontent-length: ":
            end = head.find(b"\r\n", at)
            return int(head[at + 15 : end if end >= 0 else None])
        at = head.find(b"ontent-", at + 1)
    raise RuntimeError(f"an answer without Content-Length: {head[:200]!r}")


def load(
    port: int, requests: Sequence[bytes], *, pid: int, seconds: float, connections: int = 32, expect: int = 200
) -> Measured:
    """Put load on 127.0.0.1:`port`; `pid` and its children are the server whose CPU time counts.

    The requests are sent in turn; each connection starts at another one.
    """
    return uvloop.run(_load(port, requests, pid, seconds, connections, str(expect).encode()))


async def _load(
    port: int, requests: Sequence[bytes], pid: int, seconds: float, connections: int, expect: bytes
) -> Measured:
    begun, server_before, client_before = time.monotonic(), cpu_seconds(pid), time.process_time()
    until = begun + seconds
    clients = [
        _Client(requests, port=port, start=number * len(requests) // connections, until=until, expect=expect)
        for number in range(connections)
    ]
    for client in clients:
        await client.connect()
    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(client.done for client in clients))
    elapsed = time.monotonic() - begun
    answers = sum(client.answers for client in clients)
    return Measured(
        answers=answers,
        errors=sum(client.errors for client in clients),
        rate=answers / elapsed,
        server_micros=(cpu_seconds(pid) - server_before) / max(answers, 1) * 1e6,
        client_micros=(time.process_time() - client_before) / max(answers, 1) * 1e6,
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its living descendants."""
    return sum(_own_ticks(each) for each in (pid, *_descendants(pid))) / _TICK


def _own_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return 0
    return int(fields[11]) + int(fields[12])  # utime and stime, proc(5)


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [each for child in children for each in (child, *_descendants(child))]
