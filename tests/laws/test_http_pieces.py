"""However the bytes of a connection are cut into pieces, they are the same requests."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tabard.apps.api.protocol import Door, GuardedProtocol, Limits
from tabard.apps.http import HTTPRequest, HTTPResponse
from tests.loopback import State

LIMITS = Limits(body_bytes=50, head_bytes=400, target_bytes=60, header_count=6, chunking_bytes=100)

GOOD = [
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /x?y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
]
ODD = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b"\0", b"\xff", b"0", b"HTTP/1.1", b"CONNECT", b"PRI"),
    *(b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"Connection: close\r\n"),
]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.ended = True


@dataclass(frozen=True, slots=True)
class Outcome:
    requests: list[HTTPRequest]
    answers: int
    ended: bool


def outcome(pieces: list[bytes]) -> Outcome:
    requests: list[HTTPRequest] = []

    async def respond(request: HTTPRequest) -> HTTPResponse:
        requests.append(request)
        return HTTPResponse(200)

    async def live() -> Outcome:
        state, wire, door = State(), Wire(), Door(respond, LIMITS)
        connection = GuardedProtocol(door, server_state=state, _loop=asyncio.get_running_loop())
        connection.connection_made(wire)
        for piece in pieces:
            connection.data_received(piece)
        connection.connection_lost(None)
        assert door.waiting == 0
        return Outcome(requests, wire.written.count(b"Date: "), wire.ended)

    return asyncio.run(live())


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    """Good requests in a row, damaged in some places."""
    data = b"".join(draw(st.lists(st.sampled_from(GOOD), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 5))
        data = data[:at] + draw(st.sampled_from([b"", *ODD])) + data[at + cut :]
    return data


@given(conversations(), st.lists(st.integers(0, 300), max_size=12))
def test_pieces_do_not_change_what_was_said(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges) if start < end]
    whole = outcome([data])
    assert outcome(pieces) == whole
    assert outcome([data[at : at + 1] for at in range(len(data))]) == whole
    assert whole.answers in {len(whole.requests), len(whole.requests) + 1}  # the last may be a refusal
