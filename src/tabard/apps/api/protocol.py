"""HTTP/1.1 on a socket, guarded: an application sees whole, bounded, unambiguous requests or nothing.

Two readers must agree on every message: the head is cut and checked here (RFC 9112 sections 2 to 6), then read
again by llhttp; a body is measured here and framed again by llhttp. Whatever is ambiguous, too large or too slow is
answered with an empty 4xx, and the connection ends: nothing behind it is believed. A chunked body is the last on
its connection. Trailers are read past and dropped. Targets are in origin form and stay the bytes that were sent.

One request is answered at a time. While it is, and while the client does not read, nothing more is read.

An application's coroutine is first driven in place, outside any task, and usually ends there. Only when it suspends
does it become a task. Hence it must not use what needs a task (`asyncio.timeout`, `TaskGroup`) before it has
suspended once.
"""

import asyncio
import logging
import re
import types
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum, auto
from functools import lru_cache, partial
from http import HTTPStatus
from math import inf
from typing import Any, NoReturn, Protocol, cast

import httptools

from tabard.apps.http import HTTPRequest, HTTPResponse

logger = logging.getLogger(__name__)

Respond = Callable[[HTTPRequest], Coroutine[Any, Any, HTTPResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one worker takes from the outside. Sizes are bytes, times are seconds."""

    target_bytes: int = 16 * 1024  # AWS refuses request heads of about this size
    head_bytes: int = 32 * 1024  # request line and headers together
    header_count: int = 100
    body_bytes: int = 10_000_000  # AWS's limit for the query protocol
    chunking_bytes: int = 256 * 1024  # chunk sizes, extensions and trailers of one body together
    waiting_bytes: int = 128 * 1024 * 1024  # unfinished bodies of all connections together
    connections: int = 900  # below the 1,024 open files that a process usually may have

    head_seconds: float = 10  # from a request's first byte to the end of its headers
    body_seconds: float = 30  # from there to the end of its body
    stall_seconds: float = 10  # between two pieces of a body
    idle_seconds: float = 75  # between two requests
    write_seconds: float = 30  # for the client to read an answer
    linger_seconds: float = 2  # for the client to notice that it was refused
    shutdown_seconds: int = 15  # for requests in flight when the server ends


class Refused(Exception):  # noqa: N818 - says what happened, like Fault; it never leaves the front door
    """The request is answered with `status` and no body, and its connection ends."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


# ── the head ─────────────────────────────────────────────────────────────────────────────────────────

_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) (/[!\"$->@-~]*)(?:\?([!\"$-~]*))? HTTP/1\.([01])\r\n")
_TARGET = re.compile(rb"/[!\"$-~]*")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

# Headers that decide how a request is framed, read or believed; a second one is somebody else's request.
_SINGLE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"date",
        b"expect",
        b"host",
        b"transfer-encoding",
        b"x-amz-content-sha256",
        b"x-amz-date",
        b"x-amz-security-token",
    }
)


Framing = tuple[int | None, bool, bool]  # the body's length (None: chunked) · no request after this · 100-continue


def read_framing(headers: Sequence[tuple[bytes, bytes]], minor: bytes, limits: Limits) -> Framing:
    """Judge the headers of an HTTP/1.`minor` request that has them lower-cased and stripped.

    Raises:
        Refused: they are ambiguous, ask for what is not spoken here, or announce too much.
    """
    if len(headers) > limits.header_count:
        _refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    fields = dict(headers)
    if len(fields) != len(headers):
        counts = Counter(name for name, _ in headers)
        if any(counts[name] > 1 for name in _SINGLE):
            _refuse(HTTPStatus.BAD_REQUEST)
        fields[b"connection"] = b",".join(value for name, value in headers if name == b"connection")
    old = minor == b"0"
    host = fields.get(b"host")
    if not (old if host is None else _is_host(host)):
        _refuse(HTTPStatus.BAD_REQUEST)
    expect = fields.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        _refuse(HTTPStatus.EXPECTATION_FAILED)
    length = fields.get(b"content-length")
    if b"transfer-encoding" in fields:
        if fields[b"transfer-encoding"] != b"chunked" or length is not None or old:
            _refuse(HTTPStatus.BAD_REQUEST)
        return None, True, expect is not None
    connection = fields.get(b"connection")
    last = old or (connection is not None and b"close" in [each.strip() for each in connection.lower().split(b",")])
    if length is None:
        return 0, last, False
    if not length.isdigit() or len(length) > 15:
        _refuse(HTTPStatus.BAD_REQUEST)
    size = int(length)
    if size > limits.body_bytes:
        _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return size, last, expect is not None and not old


@lru_cache(maxsize=64)  # clients name few hosts
def _is_host(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None


def require_target(raw_path: bytes, raw_query: bytes, *, limits: Limits) -> None:
    """The same rules for a target that another server has cut already.

    Raises:
        Refused: it is not in origin form, holds raw bytes that are not printable ASCII, or is too long.
    """
    if len(raw_path) + len(raw_query) > limits.target_bytes:
        _refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
    if _TARGET.fullmatch(raw_path) is None or _TARGET.fullmatch(b"/" + raw_query) is None:
        _refuse(HTTPStatus.BAD_REQUEST)


def _cut_request_line(head: bytes, limits: Limits) -> tuple[str, bytes, bytes, bytes]:
    """Method, path, query and HTTP's minor version of a head; with it, its size is checked before it is read on."""
    line = _REQUEST_LINE.match(head)
    if line is None:
        end = head.find(b"\r\n")
        _refuse(HTTPStatus.REQUEST_URI_TOO_LONG if end > limits.target_bytes + 32 else HTTPStatus.BAD_REQUEST)
    method, raw_path, raw_query, minor = line.groups(b"")
    if len(raw_path) + len(raw_query) > limits.target_bytes:
        _refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
    if len(head) > limits.head_bytes:
        _refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    return str(method, "ascii"), raw_path, raw_query, minor


def _require_promising(start: bytes, *, limits: Limits) -> None:
    """Refuse the beginning of a head as soon as no continuation could make it a good one."""
    if not start[:1].isupper() or start.count(b"\n") != start.count(b"\r\n"):
        _refuse(HTTPStatus.BAD_REQUEST)
    end = start.find(b"\r\n")
    if end < 0:
        if len(start) > limits.target_bytes + 32:
            _refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
    elif _REQUEST_LINE.match(start) is None:
        _refuse(HTTPStatus.REQUEST_URI_TOO_LONG if end > limits.target_bytes + 32 else HTTPStatus.BAD_REQUEST)
    if len(start) > limits.head_bytes:
        _refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _refuse(status: HTTPStatus) -> NoReturn:
    raise Refused(status)


# ── the answer ───────────────────────────────────────────────────────────────────────────────────────

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
FAILED = HTTPResponse(500)


def render_response(response: HTTPResponse, date: str, *, head_only: bool = False, last: bool = False) -> bytes:
    """The bytes of an answer.

    Raises:
        ValueError: a header holds a line break or what Latin-1 cannot say; that is a bug of the application.
    """
    status, headers = response.status, response.headers
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not fields.count("\r") == fields.count("\n") == len(headers):
        raise ValueError("a response header holds a line break")
    length = "" if status in _BODILESS else f"Content-Length: {len(response.body)}\r\n"
    closing = "Connection: close\r\n\r\n" if last else "\r\n"
    line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    head = f"{line}Date: {date}\r\n{fields}{length}{closing}".encode("latin-1")
    return head if head_only or status in _BODILESS else head + response.body


# ── the connection ───────────────────────────────────────────────────────────────────────────────────


class ServerState(Protocol):
    """What uvicorn's server shares with its connections."""

    total_requests: int
    connections: set[Any]
    tasks: set[asyncio.Task[None]]


class Door:
    """What the connections of one worker share: the application, the limits, the date, and one timer for all."""

    def __init__(self, respond: Respond, limits: Limits) -> None:
        self.respond = respond
        self.limits = limits
        self.date = ""
        self.waiting = 0  # bytes of unfinished bodies
        spans = (limits.head_seconds, limits.body_seconds, limits.stall_seconds, limits.idle_seconds)
        self._tick = max(0.02, min(1.0, *(span / 4 for span in (*spans, limits.write_seconds, limits.linger_seconds))))
        self._watching = False

    def watch(self, connections: set["GuardedProtocol"], loop: asyncio.AbstractEventLoop) -> None:
        """Keep deadlines and the date for as long as there are connections."""
        if not self._watching:
            self._watching = True
            self._sweep(connections, loop)

    def _sweep(self, connections: set["GuardedProtocol"], loop: asyncio.AbstractEventLoop) -> None:
        self.date = formatdate(usegmt=True)
        now = loop.time()
        for connection in [each for each in connections if each.deadline < now]:
            connection.expire()
        if connections:
            loop.call_later(self._tick, self._sweep, connections, loop)
        else:
            self._watching = False


class Phase(Enum):
    IDLE = auto()  # between requests
    HEAD = auto()  # within a head
    BODY = auto()  # within a body
    BUSY = auto()  # the application thinks
    CLOGGED = auto()  # the client does not read
    LEAVING = auto()  # the last answer is sent; what still comes is thrown away


_IDLE, _HEAD, _BODY, _BUSY, _CLOGGED, _LEAVING = Phase  # a member of an enumeration is slow to look up


class GuardedProtocol(asyncio.Protocol):
    """One connection. Made by uvicorn's server, which knows it by `shutdown` alone."""

    __slots__ = (
        "_body",
        "_clogged",
        "_complete",
        "_counted",
        "_door",
        "_expects_continue",
        "_head",
        "_headers",
        "_held",
        "_last",
        "_length",
        "_limits",
        "_loop",
        "_overall",
        "_parser",
        "_peer",
        "_phase",
        "_received",
        "_scanned",
        "_secure",
        "_size",
        "_state",
        "_transport",
        "deadline",
    )

    _transport: asyncio.Transport

    def __init__(
        self,
        door: Door,
        *,
        server_state: ServerState,
        _loop: asyncio.AbstractEventLoop | None = None,
        **_uvicorn: object,  # its configuration and lifespan state, which are not needed
    ) -> None:
        self._door = door
        self._limits = door.limits
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._peer = ""
        self._secure = False
        self._phase = _IDLE
        self._clogged = False
        self._last = False  # no request after this one
        self._held = b""  # read, and not yet looked at or not yet a whole head
        self._scanned = 0  # how much of `_held` cannot hold the end of a head
        self._counted = 0  # bytes of the body that the door counts as waiting
        self._overall = inf  # when the body must have ended
        self.deadline = inf
        self._expects_continue = False
        self._forget_request()

    def _forget_request(self) -> None:
        self._head: tuple[str, bytes, bytes] | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._length: int | None = 0  # of the body; None if it is chunked
        self._body: list[bytes] = []
        self._received = 0  # bytes of the body, with its chunking
        self._size = 0  # bytes of the body
        self._complete = False

    # the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclasses
        connections = self._state.connections
        connections.add(self)
        self._door.watch(connections, self._loop)
        if len(connections) > self._limits.connections:
            self._phase = _LEAVING
            self._transport.abort()
            return
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._secure = transport.get_extra_info("sslcontext") is not None
        self._allow(self._limits.idle_seconds)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        self._state.connections.discard(self)
        self._release_body()
        self._phase = _LEAVING
        self.deadline = inf
        del self._parser  # it holds this connection, which holds it

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        if phase is _LEAVING:
            return
        if phase is _BUSY or phase is _CLOGGED:  # a TLS layer may hand on what it had read before the pause
            self._held += data
            return
        if self._held:
            data = self._held + data
            self._held = b""
        try:
            self._advance(data)
        except Refused as refused:
            self._turn_away(refused.status)

    def pause_writing(self) -> None:
        self._clogged = True

    def resume_writing(self) -> None:
        self._clogged = False
        if self._phase is _CLOGGED:
            self._continue()

    def shutdown(self) -> None:
        """The server ends: let go of an idle connection, and of any other after its answer."""
        self._last = True
        if self._phase is _IDLE or self._phase is _LEAVING:
            self._leave()

    def expire(self) -> None:
        """The deadline of the present phase has passed."""
        if self._phase is _HEAD or self._phase is _BODY:
            self._turn_away(HTTPStatus.REQUEST_TIMEOUT)
        elif self._phase is _IDLE:
            self._leave()
        else:
            self._transport.abort()

    def _allow(self, seconds: float) -> None:
        self.deadline = self._loop.time() + seconds

    # requests

    def _advance(self, data: bytes) -> None:
        """Read as many requests as `data` holds and answer them, one at a time."""
        while True:
            if self._head is None:
                if not data:
                    self._rest()
                    return
                end = data.find(b"\r\n\r\n", self._scanned) + 4
                if end < 4:
                    self._await_head(data)
                    return
                self._scanned = 0
                self._read_head(data[:end])
                data = data[end:]
            if not self._complete:
                data = self._read_body(data)
                if not self._complete:
                    self._await_body()
                    return
            self._dispatch()
            if self._phase is _LEAVING:
                return
            if self._phase is _BUSY or self._clogged:
                self._held = data
                if self._phase is not _BUSY:
                    self._phase = _CLOGGED
                    self._allow(self._limits.write_seconds)
                self._transport.pause_reading()
                return

    def _await_head(self, start: bytes) -> None:
        _require_promising(start, limits=self._limits)
        self._held = start
        self._scanned = max(0, len(start) - 3)
        if self._phase is not _HEAD:
            self._phase = _HEAD
            self._allow(self._limits.head_seconds)

    def _read_head(self, head: bytes) -> None:
        method, raw_path, raw_query, minor = _cut_request_line(head, self._limits)
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:  # an offer that is not taken up; llhttp reads no further
            self._last = True
        except httptools.HttpParserError:
            _refuse(HTTPStatus.BAD_REQUEST)
        self._head = (method, raw_path, raw_query)
        self._length, last, self._expects_continue = read_framing(self._headers, minor, self._limits)
        if last:
            self._last = True
        if self._complete is not (self._length == 0):
            _refuse(HTTPStatus.BAD_REQUEST)

    def _read_body(self, data: bytes) -> bytes:
        """Take what belongs to the body, and hand back what follows it."""
        if not data:
            return data
        length = self._length
        if length is None:
            piece, rest = data, b""  # this request is the last: what follows it is thrown away
        else:
            missing = length - self._received
            piece, rest = data[:missing], data[missing:]
        self._received += len(piece)
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._complete:  # else it is about what follows a chunked body
                _refuse(HTTPStatus.BAD_REQUEST)
        if length is None:
            if self._size > self._limits.body_bytes:
                _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            if not self._complete and self._received - self._size > self._limits.chunking_bytes:
                _refuse(HTTPStatus.BAD_REQUEST)
        elif self._complete is not (self._received == length):
            _refuse(HTTPStatus.BAD_REQUEST)
        return rest

    def _await_body(self) -> None:
        limits = self._limits
        now = self._loop.time()
        if self._phase is not _BODY:
            self._phase = _BODY
            self._overall = now + limits.body_seconds
            if self._expects_continue and not self._received:
                self._transport.write(_CONTINUE)
        self.deadline = min(self._overall, now + limits.stall_seconds)
        self._door.waiting += self._size - self._counted
        self._counted = self._size
        if self._door.waiting > limits.waiting_bytes:
            _refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def _release_body(self) -> None:
        self._door.waiting -= self._counted
        self._counted = 0

    def _dispatch(self) -> None:
        assert self._head is not None  # noqa: S101 - for the type checker: `_advance` reads a head first
        if self._counted:
            self._release_body()
        body = self._body
        request = HTTPRequest(
            *self._head,
            tuple(self._headers),
            body[0] if len(body) == 1 else b"".join(body),
            self._peer,
            self._secure,
        )
        self._state.total_requests += 1
        coroutine = self._door.respond(request)
        try:
            first = coroutine.send(None)
        except StopIteration as done:
            self._answer(done.value)
        except Exception:
            logger.exception("the application failed")
            self._answer(FAILED)
        else:
            self._phase = _BUSY
            self.deadline = inf
            task = self._loop.create_task(self._conclude(coroutine, first))
            self._state.tasks.add(task)
            task.add_done_callback(self._state.tasks.discard)

    async def _conclude(self, coroutine: Coroutine[Any, Any, HTTPResponse], first: object) -> None:
        """Answer a request whose application suspended at `first`. If the client is gone, the answer is dropped."""
        try:
            response = await _resume(coroutine, first)
        except asyncio.CancelledError:  # the server ends, and waits no longer
            self._transport.abort()
            raise
        except Exception:
            logger.exception("the application failed")
            response = FAILED
        if self._transport.is_closing():
            return
        self._answer(response)
        if self._phase is not _LEAVING:
            self._continue()

    def _continue(self) -> None:
        """Go on with what was read before, then with the socket."""
        self._phase = _IDLE
        self._transport.resume_reading()
        self.data_received(b"")

    def _answer(self, response: HTTPResponse) -> None:
        assert self._head is not None  # noqa: S101 - for the type checker: only requests are answered
        head_only = self._head[0] == "HEAD"
        try:
            data = render_response(response, self._door.date, head_only=head_only, last=self._last)
        except Exception:
            logger.exception("the application's answer cannot be sent")
            data = render_response(FAILED, self._door.date, head_only=head_only, last=self._last)
        self._forget_request()
        self._transport.write(data)
        if self._last:
            self._leave()
        else:
            self._phase = _IDLE

    def _rest(self) -> None:
        """There is nothing to read: wait for the next request, if there may be one."""
        if self._last:
            self._leave()
        else:
            self._phase = _IDLE
            self._allow(self._limits.idle_seconds)

    def _leave(self) -> None:
        """Send what is still to be sent, and end."""
        self._phase = _LEAVING
        self._allow(self._limits.write_seconds)
        self._transport.close()

    def _turn_away(self, status: HTTPStatus) -> None:
        """Refuse, and end; but read on for a moment, because an unread rest would make the kernel drop the answer."""
        logger.info("refused with %d: %s", status, self._peer)
        self._release_body()
        self._forget_request()
        self._transport.write(render_response(HTTPResponse(status), self._door.date, last=True))
        if not self._transport.can_write_eof():  # TLS
            self._leave()
            return
        self._phase = _LEAVING
        self._allow(self._limits.linger_seconds)
        self._transport.write_eof()

    # llhttp

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:  # else it is a trailer
            self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_body(self, piece: bytes) -> None:
        if not self._complete:  # else it belongs to a request that is thrown away
            self._body.append(piece)
            self._size += len(piece)

    def on_message_complete(self) -> None:
        self._complete = True


@types.coroutine
def _resume(coroutine: Coroutine[Any, Any, HTTPResponse], waiting: object) -> Generator[object, object, HTTPResponse]:
    """Await a coroutine that has been driven to its first suspension, where it waits for `waiting`."""
    while True:
        try:
            sent = yield waiting
        except BaseException as error:  # noqa: BLE001 - handed on, whatever it is: this stands between a task and its coroutine
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, sent)
        try:
            waiting = step()
        except StopIteration as done:
            response: HTTPResponse = done.value
            return response
