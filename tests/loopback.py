"""A guarded server on loopback within the test's own process, and a client that sends bytes and reads answers."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import uvloop

from tabard.apps.api.protocol import Door, GuardedProtocol, Limits, Respond
from tabard.apps.http import HTTPRequest, HTTPResponse

PATIENCE = 10.0


@dataclass(slots=True)
class State:
    """What uvicorn's server would share."""

    total_requests: int = 0
    connections: set[Any] = field(default_factory=set)
    tasks: set[Any] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection. `read` is one answer; `rest` is everything until the server closes."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self._seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, *, head_only: bool = False) -> Answer:
        while b"\r\n\r\n" not in self._seen:
            self._more()
        head, _, self._seen = self._seen.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        status = int(line.split(" ")[1])
        length = 0 if head_only or status == 100 else int(headers["content-length"])
        while len(self._seen) < length:
            self._more()
        body, self._seen = self._seen[:length], self._seen[length:]
        return Answer(status, headers, body)

    def _more(self) -> None:
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError(self._seen)
        self._seen += piece

    def rest(self) -> list[Answer]:
        """All answers until the server closes, which it must do."""
        answers = []
        while True:
            try:
                answers.append(self.read())
            except (EOFError, ConnectionResetError):
                return answers

    def closed(self) -> bool:
        """Whether the server ends the connection, without another byte."""
        try:
            return not self._seen and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


class Loopback:
    """A running server and what reached its application."""

    def __init__(self, respond: Respond | None = None, limits: Limits | None = None) -> None:
        self.requests: list[HTTPRequest] = []
        self.state = State()
        self.door = Door(partial(self._record, respond or _echo), limits or Limits())
        self.loop = uvloop.new_event_loop()
        self.port = 0

    async def _record(self, respond: Respond, request: HTTPRequest) -> HTTPResponse:
        self.requests.append(request)
        return await respond(request)

    def client(self, **options: Any) -> Client:
        return Client(self.port, **options)

    def send(self, data: bytes) -> list[Answer]:
        """Send everything on a new connection and read until the server closes it."""
        with self.client() as client:
            with contextlib.suppress(ConnectionError):  # it may be turned away before it has said all
                client.send(data)
            return client.rest()

    def call(self, function: Any) -> None:
        """Run something in the server's loop."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (function(), done.set()))
        assert done.wait(PATIENCE)


async def _echo(request: HTTPRequest) -> HTTPResponse:
    return HTTPResponse(200, request.body)


@contextlib.contextmanager
def listening(respond: Respond | None = None, limits: Limits | None = None) -> Iterator[Loopback]:
    """A server for the block. Short time-outs come in with `limits`."""
    there = Loopback(respond, limits)
    ready, end = threading.Event(), asyncio.Event()

    async def live() -> None:
        factory = partial(GuardedProtocol, there.door, server_state=there.state, _loop=there.loop)
        server = await there.loop.create_server(factory, "127.0.0.1", 0)
        there.port = server.sockets[0].getsockname()[1]
        ready.set()
        await end.wait()
        server.close()
        for connection in list(there.state.connections):
            connection._transport.abort()
        for task in list(there.state.tasks):
            task.cancel()
        await asyncio.sleep(0)
        await server.wait_closed()

    thread = threading.Thread(target=lambda: there.loop.run_until_complete(live()))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield there
    finally:
        there.loop.call_soon_threadsafe(end.set)
        thread.join(PATIENCE)
        there.loop.close()
