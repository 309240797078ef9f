"""The API's front door: an application on a socket, in one process or several.

`serve` binds, then runs uvicorn's server with `GuardedProtocol` on uvloop, in this process or in forked workers, each
with a socket of its own on the same port: on a shared one the first worker to wake takes all that wait. A worker that
dies is replaced, more slowly each time it dies young; a worker whose parent is gone ends itself. SIGTERM and SIGINT
let the requests in flight finish, for `Limits.shutdown_seconds` at most.

`ASGIBridge` is the same application for any other ASGI server (ASGI 3.0, HTTP and lifespan), with the same bounds.
"""

import asyncio
import errno
import gc
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, cast

import uvicorn

from tabard.apps.api.protocol import FAILED, Door, GuardedProtocol, Limits, Refused, read_framing, require_target
from tabard.apps.http import HTTPRequest, HTTPResponse

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_BACKLOG = 2048
_YOUNG = 30.0  # seconds; a worker that dies younger is replaced more slowly
_LONGEST_PAUSE = 5.0  # short, because its socket's share of the connections waits for the next worker


class Application(Protocol):
    """What answers. `startup` and `shutdown` are called once, in the process and loop that serve."""

    async def respond(self, request: HTTPRequest) -> HTTPResponse: ...

    async def startup(self) -> None: ...

    async def shutdown(self) -> None: ...


class PortTaken(OSError):  # noqa: N818 - says what happened, as PermissionError's siblings do
    """Somebody else listens where we were told to listen."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"port {port} on {host} is taken")
        self.host = host
        self.port = port


class StartFailed(RuntimeError):  # noqa: N818 - says what happened
    """A worker process could not start; its own words are the message."""


# ── any ASGI server ──────────────────────────────────────────────────────────────────────────────────


class _ClientGone(Exception):  # noqa: N818 - says what happened
    """The client left within its request's body."""


class ASGIBridge:
    """An application as an ASGI callable. `failure` is what its `startup` raised, if it did."""

    def __init__(self, application: Application, limits: Limits) -> None:
        self.application = application
        self.limits = limits
        self.failure: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            raise NotImplementedError(f"no {scope['type']} is spoken here")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.application.startup()
        except Exception as error:  # noqa: BLE001 - told to the server in ASGI's way, and kept for `serve`
            self.failure = error
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.application.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = await self._read(scope, receive)
            response = await self.application.respond(request)
        except _ClientGone:
            return
        except Refused as refused:
            response = HTTPResponse(refused.status, headers={"connection": "close"})
        except Exception:
            logger.exception("the application failed")
            response = FAILED
        headers = {**response.headers, "content-length": str(len(response.body))}
        await send(
            {
                "type": "http.response.start",
                "status": int(response.status),
                "headers": [
                    (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
                ],
            }
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})

    async def _read(self, scope: Scope, receive: Receive) -> HTTPRequest:
        limits = self.limits
        headers = tuple((name.lower(), value.strip(b" \t")) for name, value in scope["headers"])
        raw_path: bytes = scope.get("raw_path") or b""  # without it the path's own bytes are lost: refused
        raw_query: bytes = scope["query_string"]
        require_target(raw_path, raw_query, limits=limits)
        if sum(len(name) + len(value) + 4 for name, value in headers) > limits.head_bytes:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        read_framing(headers, b"0" if scope["http_version"] == "1.0" else b"1", limits)
        try:
            async with asyncio.timeout(limits.body_seconds):
                body = await _read_body(receive, limits)
        except TimeoutError:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT) from None
        client = scope.get("client")
        return HTTPRequest(
            method=scope["method"],
            raw_path=raw_path,
            raw_query=raw_query,
            headers=headers,
            body=body,
            peer=client[0] if client else "",
            secure=scope["scheme"] == "https",
        )


async def _read_body(receive: Receive, limits: Limits) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        body += message.get("body", b"")
        if len(body) > limits.body_bytes:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not message.get("more_body", False):
            return bytes(body)


# ── our own server ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What each process that serves needs to know."""

    make_application: Callable[[], Application]
    limits: Limits
    tls: tuple[Path, Path] | None


def serve(
    make_application: Callable[[], Application],
    *,
    host: str,
    port: int,
    workers: int = 1,
    limits: Limits | None = None,
    tls: tuple[Path, Path] | None = None,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is called with the real port once every process answers.

    `tls` names the files of a certificate chain and its key. `make_application` is called in each process.

    Raises:
        PortTaken: and any other OSError that binding, or reading `tls`, brings.
        StartFailed: a worker process could not start.
        Exception: whatever `make_application` or `startup` raises, when there is one process.
    """
    job = _Job(make_application=make_application, limits=limits or Limits(), tls=tls)
    with ExitStack() as stack:
        listeners = [stack.enter_context(each) for each in _bind(host, port, workers)]
        bound: int = listeners[0].getsockname()[1]
        announce = partial(ready, bound) if ready is not None else _say_nothing
        if workers == 1:
            _run(job, listeners[0], announce)
        else:
            _Supervisor(job, listeners).run(announce)


def _say_nothing() -> None:
    pass


def _bind(host: str, port: int, number: int) -> list[socket.socket]:
    listen = partial(socket.create_server, family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG)
    try:
        only = listen((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from None
        raise
    if number == 1:
        return [only]
    with only:  # it has shown that the port was free, also of others who would share theirs
        port = only.getsockname()[1]
    return [listen((host, port), reuse_port=True) for _ in range(number)]


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready and does not outlive its parent."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None], parent: int | None) -> None:
        super().__init__(config)
        self._announce = announce
        self._parent = parent

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.freeze()  # what is there now stays: the collector need not look at it again
        self._announce()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or (self._parent is not None and os.getppid() != self._parent)


def _run(job: _Job, listener: socket.socket, announce: Callable[[], None], *, parent: int | None = None) -> None:
    """Serve in this process."""
    application = job.make_application()
    bridge = ASGIBridge(application, job.limits)
    certificate, key = job.tls or (None, None)
    config = uvicorn.Config(
        bridge,
        http=cast("type[asyncio.Protocol]", partial(GuardedProtocol, Door(application.respond, job.limits))),
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=job.limits.shutdown_seconds,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    server = _Server(config, announce, parent)
    with _signals(server.handle_exit):
        try:
            server.run(sockets=[listener])
        except SystemExit:  # uvicorn's answer to a failed start
            raise bridge.failure or StartFailed("the server could not start") from None


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let `handler` have the signals that end a server, also those that come early or are raised again late."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@dataclass(slots=True)
class _Worker:
    process: ForkProcess
    news: Connection  # one message once it serves, or why it cannot
    born: float = field(default_factory=time.monotonic)


class _Supervisor:
    """Keeps a number of worker processes alive. Forks; hence it must run before any thread or loop is started."""

    def __init__(self, job: _Job, listeners: Sequence[socket.socket]) -> None:
        self._job = job
        self._listeners = listeners
        self._workers: list[_Worker] = []
        self._stopping = False
        self._pause = 0.0

    def run(self, announce: Callable[[], None]) -> None:
        with _signals(self._stop):
            try:
                self._workers = [self._start(listener) for listener in self._listeners]
                for worker in self._workers:
                    self._await_start(worker)
                if not self._stopping:
                    announce()
                while not self._stopping:
                    wait([worker.process.sentinel for worker in self._workers], timeout=0.2)
                    self._replace_dead()
            finally:
                self._end_all()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start(self, listener: socket.socket) -> _Worker:
        context = multiprocessing.get_context("fork")
        news, told = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(self._job, listener, told, os.getpid()))
        process.start()
        told.close()
        return _Worker(process, news)

    def _await_start(self, worker: _Worker) -> None:
        while not self._stopping:
            if not worker.news.poll(0.2):
                continue
            try:
                failure = worker.news.recv_bytes().decode()
            except EOFError:
                failure = "a worker died while it started"
            if failure:
                raise StartFailed(failure)
            return

    def _replace_dead(self) -> None:
        for index, worker in enumerate(self._workers):
            if self._stopping or worker.process.is_alive():
                continue
            worker.process.join()
            worker.news.close()
            young = time.monotonic() - worker.born < _YOUNG
            logger.error("worker %s died with %s", worker.process.pid, worker.process.exitcode)
            self._rest(self._pause if young else 0.0)
            self._pause = min(_LONGEST_PAUSE, max(0.5, self._pause * 2)) if young else 0.0
            if not self._stopping:
                self._workers[index] = self._start(self._listeners[index])

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _end_all(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        until = time.monotonic() + self._job.limits.shutdown_seconds + 2
        for worker in self._workers:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
            worker.news.close()


def _work(job: _Job, listener: socket.socket, told: Connection, parent: int) -> None:
    """A worker process."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent's handlers mean the parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C goes to all; the parent passes it on
    try:
        _run(job, listener, partial(told.send_bytes, b""), parent=parent)
    except Exception as error:
        logger.exception("a worker could not start")
        told.send_bytes(str(error).encode() or type(error).__name__.encode())
        raise SystemExit(1) from None
