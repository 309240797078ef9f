import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable

import pytest

from tabard.apps.api.protocol import Limits, Refused, read_framing, render_response, require_target
from tabard.apps.http import HTTPRequest, HTTPResponse
from tests.loopback import Loopback, listening

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


class Gate:
    """An application that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.future: asyncio.Future[None] | None = None

    async def respond(self, request: HTTPRequest) -> HTTPResponse:
        self.future = asyncio.get_running_loop().create_future()
        self.entered.set()
        await self.future
        await asyncio.sleep(0)
        return HTTPResponse(200, request.raw_path)

    def open(self, there: Loopback) -> None:
        assert self.entered.wait(5)
        self.entered.clear()
        there.call(lambda: self.future is None or self.future.done() or self.future.set_result(None))


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# ── answering ────────────────────────────────────────────────────────────────────────────────────────


def test_an_application_that_never_suspends_answers_without_a_task() -> None:
    tasks = []

    async def respond(request: HTTPRequest) -> HTTPResponse:
        tasks.append(asyncio.current_task())
        return HTTPResponse(200, b"at once")

    with listening(respond) as there, there.client() as client:
        client.send(POST)
        assert client.read().body == b"at once"
        assert tasks == [None]
        assert there.state.total_requests == 1


def test_an_application_that_suspends_answers_later_from_a_task() -> None:
    gate = Gate()
    with listening(gate.respond) as there, there.client() as client:
        client.send(GET % 1)
        gate.open(there)
        assert client.read().body == b"/1"
        wait_until(lambda: not there.state.tasks)


def test_work_in_a_thread_can_be_awaited() -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        first = await asyncio.to_thread(lambda: b"one ")
        async with asyncio.timeout(5):  # there is a task by now
            second = await asyncio.to_thread(lambda: b"two")
        return HTTPResponse(200, first + second)

    with listening(respond) as there, there.client() as client:
        client.send(POST)
        assert client.read().body == b"one two"


def test_an_awaitable_that_fails_is_caught_by_the_application() -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        try:
            await asyncio.to_thread(lambda: 1 / 0)
        except ZeroDivisionError:
            return HTTPResponse(200, b"caught")
        return HTTPResponse(500)

    with listening(respond) as there, there.client() as client:
        client.send(POST)
        assert client.read().body == b"caught"


@pytest.mark.parametrize("suspends", [False, True])
def test_a_bug_of_the_application_is_a_500_without_its_text(suspends: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        if suspends:
            await asyncio.sleep(0)
        raise RuntimeError("secret")

    with listening(respond) as there, there.client() as client, caplog.at_level(logging.ERROR):
        client.send(POST)
        answer = client.read()
        assert (answer.status, answer.body) == (500, b"")
        client.send(POST)
        assert client.read().status == 500
        assert "secret" in caplog.text


def test_an_answer_with_a_line_break_in_a_header_is_a_500() -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(302, b"", {"Location": "https://a/\r\nSet-Cookie: b"})

    with listening(respond) as there, there.client() as client:
        client.send(POST)
        answer = client.read()
        assert answer.status == 500
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("suspends", [False, True])
def test_an_answer_that_is_none_is_a_500(suspends: bool) -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        if suspends:
            await asyncio.sleep(0)
        return None  # type: ignore[return-value]  # the bug in question

    with listening(respond) as there, there.client() as client:
        client.send(POST)
        assert client.read().status == 500


def test_an_answer_has_a_date_and_a_length_and_no_server_name() -> None:
    with listening() as there, there.client() as client:
        client.send(POST)
        headers = client.read().headers
        assert set(headers) == {"date", "content-length"}
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])


def test_an_answer_to_head_has_the_length_and_no_body() -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(404, b"<UnknownOperationException/>\n")

    with listening(respond) as there, there.client() as client:
        client.send(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read(head_only=True).headers["content-length"] == "29"
        client.send(POST)
        assert client.read().body == b"<UnknownOperationException/>\n"


def test_an_answer_without_content_has_no_length() -> None:
    sent = render_response(HTTPResponse(204, b"ignored"), "D")
    assert sent == b"HTTP/1.1 204 No Content\r\nDate: D\r\n\r\n"


# ── connections ──────────────────────────────────────────────────────────────────────────────────────


def test_pipelined_requests_are_answered_in_order() -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(200, request.raw_path)

    with listening(respond) as there, there.client() as client:
        client.send(b"".join(GET % number for number in range(200)))
        assert [client.read().body for _ in range(200)] == [b"/%d" % number for number in range(200)]


def test_a_pipelined_request_waits_while_another_is_answered() -> None:
    gate = Gate()
    with listening(gate.respond) as there, there.client() as client:
        client.send(GET % 1 + GET % 2 + (GET % 3)[:10])
        assert gate.entered.wait(5)
        client.send((GET % 3)[10:])
        time.sleep(0.05)
        assert len(there.requests) == 1
        for number in (1, 2, 3):
            gate.open(there)
            assert client.read().body == b"/%d" % number


def test_what_a_client_sends_while_it_waits_stays_in_the_kernel() -> None:
    gate = Gate()
    with listening(gate.respond) as there, there.client() as client:
        client.send(GET % 1)
        assert gate.entered.wait(5)
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.send(bytes(64 * 1024 * 1024))
        (connection,) = there.state.connections
        assert len(connection._held) < 1_000_000
        gate.open(there)


def test_a_client_that_does_not_read_stops_being_read() -> None:
    async def respond(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(200, bytes(500_000))

    with listening(respond) as there, there.client(receive_buffer=4096) as client:
        client.send((GET % 1) * 50)
        wait_until(lambda: there.requests)
        time.sleep(0.1)
        assert len(there.requests) < 20
        assert sum(len(client.read().body) for _ in range(50)) == 25_000_000
        assert len(there.requests) == 50


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x-a\r\nConnection: y , Close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab",
    ],
)
def test_the_last_request_ends_its_connection(request_: bytes) -> None:
    with listening() as there:
        answers = there.send(request_ + GET % 2)
        assert [(answer.status, answer.headers["connection"]) for answer in answers] == [(200, "close")]
        assert len(there.requests) == 1


def test_a_client_that_goes_away_does_not_stop_its_request() -> None:
    gate, done = Gate(), threading.Event()

    async def respond(request: HTTPRequest) -> HTTPResponse:
        response = await gate.respond(request)
        done.set()
        return response

    with listening(respond) as there:
        with there.client() as client:
            client.send(GET % 1)
            assert gate.entered.wait(5)
        gate.open(there)
        assert done.wait(5)
        wait_until(lambda: not there.state.connections)


def test_a_client_may_end_its_side_before_the_answer() -> None:
    gate = Gate()
    with listening(gate.respond) as there, there.client() as client:
        client.send(GET % 1)
        client.socket.shutdown(1)
        gate.open(there)
        assert client.read().body == b"/1"
        assert client.closed()


def test_headers_are_lower_case_and_without_outer_white_space() -> None:
    with listening() as there, there.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost:a\r\nX-A: \t b\tc \t\r\nX-B:\r\nX-C: \xff\r\n\r\n")
        assert client.read().status == 200
        assert there.requests[0].headers == ((b"host", b"a"), (b"x-a", b"b\tc"), (b"x-b", b""), (b"x-c", b"\xff"))


def test_a_large_body_arrives_whole() -> None:
    body = bytes(range(256)) * 20_000
    with listening() as there, there.client() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert client.read().body == body
        assert there.door.waiting == 0


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────


def shut_down(there: Loopback) -> None:
    there.call(lambda: [connection.shutdown() for connection in list(there.state.connections)])


def test_shutting_down_lets_go_of_idle_connections() -> None:
    with listening() as there, there.client() as client:
        client.send(POST)
        assert client.read().status == 200
        shut_down(there)
        assert client.closed()


def test_shutting_down_finishes_the_request_in_flight() -> None:
    gate = Gate()
    with listening(gate.respond) as there, there.client() as client:
        client.send(GET % 1 + GET % 2)
        assert gate.entered.wait(5)
        shut_down(there)
        gate.open(there)
        answer = client.read()
        assert (answer.body, answer.headers["connection"]) == (b"/1", "close")
        assert client.closed()
        assert len(there.requests) == 1


def test_shutting_down_lets_a_request_arrive_that_has_begun() -> None:
    with listening() as there, there.client() as client:
        client.send(POST[:-1])
        wait_until(lambda: any(each._received for each in there.state.connections))
        shut_down(there)
        client.send(POST[-1:])
        assert [answer.body for answer in client.rest()] == [b"hello"]


def test_a_request_that_is_cancelled_ends_its_connection() -> None:
    gate = Gate()
    with listening(gate.respond) as there, there.client() as client:
        client.send(GET % 1)
        assert gate.entered.wait(5)
        there.call(lambda: [task.cancel() for task in there.state.tasks])
        assert client.closed()


# ── the pure parts ───────────────────────────────────────────────────────────────────────────────────

HOST = (b"host", b"a")


@pytest.mark.parametrize(
    ("headers", "minor", "framing"),
    [
        ([HOST], b"1", (0, False, False)),
        ([], b"0", (0, True, False)),
        ([HOST, (b"content-length", b"007")], b"1", (7, False, False)),
        ([HOST, (b"transfer-encoding", b"chunked")], b"1", (None, True, False)),
        ([HOST, (b"content-length", b"7"), (b"expect", b"100-Continue")], b"1", (7, False, True)),
        ([HOST, (b"content-length", b"7"), (b"expect", b"100-continue")], b"0", (7, True, False)),
        ([HOST, (b"connection", b"keep-alive, CLOSE")], b"1", (0, True, False)),
        ([HOST, (b"connection", b"closed")], b"1", (0, False, False)),
    ],
)
def test_framing(headers: list[tuple[bytes, bytes]], minor: bytes, framing: tuple[object, ...]) -> None:
    assert read_framing(headers, minor, Limits()) == framing


@pytest.mark.parametrize(
    ("path", "query"), [(b"", b""), (b"a", b""), (b"/a?b", b""), (b"/a", b"b\xff"), (b"/a\n", b"")]
)
def test_a_target_that_another_server_cut_is_held_to_the_same_rules(path: bytes, query: bytes) -> None:
    if path == b"/a?b":
        path = b"/a#b"
    with pytest.raises(Refused):
        require_target(path, query, limits=Limits())
