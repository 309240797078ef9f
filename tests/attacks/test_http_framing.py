"""Requests whose end, sender or size is in doubt: V07 to V09, V24 to V26, D01 to D03, D09."""

import time

import pytest

from tabard.apps.api.protocol import Limits
from tests.loopback import Loopback, listening

GOOD = b"POST / HTTP/1.1\r\nHost: sts.example\r\nContent-Length: 5\r\n\r\nhello"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: sts.example\r\n\r\n"


def post(*headers: bytes, body: bytes = b"", line: bytes = b"POST / HTTP/1.1", host: bytes = b"Host: a") -> bytes:
    return b"\r\n".join([line, *([host] if host else []), *headers, b"", body])


def require_refused(there: Loopback, data: bytes, status: int = 400) -> None:
    """It is answered once, with no body, and nothing of it or behind it reaches the application."""
    answers = there.send(data)
    assert [(answer.status, answer.body) for answer in answers] == [(status, b"")]
    assert answers[0].headers["connection"] == "close"
    assert there.requests == []


def test_a_valid_request_is_answered_and_the_connection_lives() -> None:
    with listening() as there, there.client() as client:
        for _ in range(3):
            client.send(GOOD)
            assert client.read().body == b"hello"
        assert len(there.requests) == 3


# ── V07: repeated headers ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        b"Host",
        b"Authorization",
        b"X-Amz-Date",
        b"X-Amz-Security-Token",
        b"X-Amz-Content-Sha256",
        b"Content-Type",
        b"Date",
        b"Expect",
    ],
)
def test_v07_a_header_that_decides_may_not_be_sent_twice(name: bytes) -> None:
    with listening() as there:
        value = b": 100-continue" if name == b"Expect" else b": a"
        require_refused(there, post(name + value, name.lower() + value, host=b"" if name == b"Host" else b"Host: a"))


def test_v07_control_other_headers_may_repeat_and_keep_their_order() -> None:
    with listening() as there, there.client() as client:
        client.send(post(b"X-A: 1", b"x-a:2", b"Content-Length: 0"))
        assert client.read().status == 200
        assert there.requests[0].headers[1:3] == ((b"x-a", b"1"), (b"x-a", b"2"))


# ── V08: trailers ────────────────────────────────────────────────────────────────────────────────────


def test_v08_trailers_never_become_headers() -> None:
    trailers = b"X-Amz-Security-Token: stolen\r\nHost: other\r\nX-Forwarded-For: 10.0.0.1\r\n"
    with listening() as there:
        body = b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n"
        answers = there.send(post(b"Transfer-Encoding: chunked", body=body))
        assert [answer.body for answer in answers] == [b"hello"]
        assert there.requests[0].headers == ((b"host", b"a"), (b"transfer-encoding", b"chunked"))


def test_v08_trailers_are_bounded() -> None:
    with listening(limits=Limits(chunking_bytes=4096)) as there:
        trailers = b"".join(b"x-%d: a\r\n" % number for number in range(10_000))
        require_refused(there, post(b"Transfer-Encoding: chunked", body=b"0\r\n" + trailers))


def test_v08_a_long_chunk_extension_is_bounded() -> None:
    with listening(limits=Limits(chunking_bytes=4096)) as there:
        require_refused(there, post(b"Transfer-Encoding: chunked", body=b"5;" + b"a" * 500_000))


def test_v08_control_a_chunked_body_is_put_together() -> None:
    with listening() as there:
        body = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\n\r\n"
        assert [answer.body for answer in there.send(post(b"Transfer-Encoding: chunked", body=body))] == [
            b"hello world"
        ]


# ── V09: two readings of where a request ends ────────────────────────────────────────────────────────

AMBIGUOUS = {
    "length and chunked": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunked and length": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + SMUGGLED),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: 44", body=SMUGGLED),
    "two equal lengths": post(b"Content-Length: 0", b"Content-Length: 0", body=SMUGGLED),
    "a list of lengths": post(b"Content-Length: 0, 0", body=SMUGGLED),
    "a signed length": post(b"Content-Length: +3", body=b"abc"),
    "a negative length": post(b"Content-Length: -3", body=b"abc"),
    "a hexadecimal length": post(b"Content-Length: 0x3", body=b"abc"),
    "a length with a blank": post(b"Content-Length: 3 3", body=b"abc"),
    "an empty length": post(b"Content-Length:", body=SMUGGLED),
    "a length beyond 64 bits": post(b"Content-Length: 18446744073709551621", body=b"hello" + SMUGGLED),
    "a length in other digits": post("Content-Length: ٣".encode(), body=b"abc"),
    "chunked twice": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked, then identity": post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "gzip, then chunked": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "nearly chunked": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + SMUGGLED),
    "chunked in capitals": post(b"Transfer-Encoding: CHUNKED", body=b"0\r\n\r\n"),
    "chunked with a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "chunked with a comma": post(b"Transfer-Encoding: ,chunked", body=b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity", body=SMUGGLED),
    "chunked in HTTP/1.0": post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", line=b"POST / HTTP/1.0"),
    "a blank before the colon": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "a folded header": post(b"X-A: 1\r\n Content-Length: 5", body=b"hello"),
    "a header folded with a tab": post(b"X-A: 1\r\n\tb", body=b""),
    "a first header that begins with a blank": post(b" Host: b", host=b""),
    "a bare LF in a header": post(b"X-A: 1\nContent-Length: 5", body=b"hello"),
    "a bare CR in a header": post(b"X-A: 1\rContent-Length: 5", body=b"hello"),
    "NUL in a header": post(b"X-A: 1\x002"),
    "a control character in a header": post(b"X-A: 1\x012"),
    "DEL in a header": post(b"X-A: 1\x7f2"),
    "a header without a name": post(b": 1"),
    "a header without a colon": post(b"abc"),
    "a header name with a bracket": post(b"X(A: 1"),
    "a header name that is not ASCII": post("X-Ä: 1".encode()),
    "lines that end in LF": GOOD.replace(b"\r\n", b"\n"),
    "a head that ends in LF": b"GET / HTTP/1.1\r\nHost: a\n\n",
    "a head that ends in LF LF CR LF": b"GET / HTTP/1.1\r\nHost: a\r\n\n\r\n",
    "an empty line first": b"\r\n" + GOOD,
    "a chunk size with a sign": post(b"Transfer-Encoding: chunked", body=b"+5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with 0x": post(b"Transfer-Encoding: chunked", body=b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with a blank": post(b"Transfer-Encoding: chunked", body=b"5 \r\nhello\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": post(b"Transfer-Encoding: chunked", body=b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a chunk size that ends in LF": post(b"Transfer-Encoding: chunked", body=b"5\nhello\r\n0\r\n\r\n"),
    "an extension that ends in LF": post(b"Transfer-Encoding: chunked", body=b"5;a\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": post(b"Transfer-Encoding: chunked", body=b"4\r\nhello\r\n0\r\n\r\n"),
    "a trailer that is a length": post(b"Transfer-Encoding: chunked", body=b"0\r\nContent-Length: 5\r\n\r\nhello"),
    "a trailer that ends in LF": post(b"Transfer-Encoding: chunked", body=b"0\r\nA: b\n\r\n"),
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_v09_an_ambiguous_request_is_refused_and_nothing_behind_it_is_read(data: bytes) -> None:
    with listening() as there:
        require_refused(there, data)


@pytest.mark.parametrize(
    "cut", [b"POST / HTT", GOOD[:-1], GOOD[:50], post(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n")]
)
def test_v09_a_request_that_its_client_abandons_never_reaches_the_application(cut: bytes) -> None:
    with listening() as there:
        with there.client() as client:
            client.send(cut)
            client.socket.shutdown(1)
            assert client.closed()
        assert there.requests == []


@pytest.mark.parametrize(
    "rest",
    [
        SMUGGLED,
        b"\0garbage",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_v09_what_follows_a_chunked_body_is_not_a_request(rest: bytes) -> None:
    with listening() as there:
        answers = there.send(post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + rest))
        assert [answer.status for answer in answers] == [200]
        assert [request.raw_path for request in there.requests] == [b"/"]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_v09_control_a_request_may_come_in_pieces(size: int) -> None:
    with listening() as there, there.client() as client:
        for start in range(0, len(GOOD), size):
            client.send(GOOD[start : start + size])
            time.sleep(0.0005)
        assert client.read().body == b"hello"


@pytest.mark.parametrize("size", [1, 5])
def test_v09_an_ambiguous_request_in_pieces_is_refused_as_well(size: int) -> None:
    data = AMBIGUOUS["a head that ends in LF"]
    with listening() as there, there.client() as client:
        for start in range(0, len(data), size):
            client.send(data[start : start + size])
            time.sleep(0.0005)
        assert [answer.status for answer in client.rest()] == [400]
        assert there.requests == []


# ── V24: headers that claim to know the sender ───────────────────────────────────────────────────────


def test_v24_the_peer_is_the_sockets_whatever_the_headers_claim() -> None:
    with listening() as there, there.client() as client:
        client.send(
            post(b"X-Forwarded-For: 10.1.2.3", b"Forwarded: for=10.1.2.3;proto=https", b"X-Forwarded-Proto: https")
        )
        assert client.read().status == 200
        assert (there.requests[0].peer, there.requests[0].secure) == ("127.0.0.1", False)


# ── V25: targets and hosts that can be read in two ways ──────────────────────────────────────────────

TARGETS = {
    "absolute form": b"GET http://other/ HTTP/1.1",
    "authority form": b"CONNECT a:443 HTTP/1.1",
    "asterisk form": b"OPTIONS * HTTP/1.1",
    "no leading slash": b"GET path HTTP/1.1",
    "a fragment": b"GET /a#b HTTP/1.1",
    "a fragment in the query": b"GET /a?b#c HTTP/1.1",
    "bytes that are not ASCII": "GET /ä HTTP/1.1".encode(),
    "bytes that are not ASCII in the query": "GET /?ä HTTP/1.1".encode(),
    "a tab": b"GET /a\tb HTTP/1.1",
    "NUL": b"GET /a\x00b HTTP/1.1",
    "DEL": b"GET /a\x7fb HTTP/1.1",
    "two blanks": b"GET  / HTTP/1.1",
    "a blank in the target": b"GET /a b HTTP/1.1",
    "HTTP/0.9": b"GET /",
    "HTTP/0.9 by name": b"GET / HTTP/0.9",
    "HTTP/1.2": b"GET / HTTP/1.2",
    "HTTP/2.0": b"GET / HTTP/2.0",
    "another protocol": b"GET / ICE/1.1",
    "a lower-case method": b"get / HTTP/1.1",
    "a method nobody knows": b"FROB / HTTP/1.1",
    "a blank at the end": b"GET / HTTP/1.1 ",
    "no method": b" / HTTP/1.1",
}


@pytest.mark.parametrize("line", TARGETS.values(), ids=TARGETS.keys())
def test_v25_a_request_line_that_is_not_plain_is_refused(line: bytes) -> None:
    with listening() as there:
        require_refused(there, post(line=line))


@pytest.mark.parametrize(
    "host",
    [
        b"h/x?",
        b"a b",
        b"a,b",
        b"user@a",
        b"",
        b"a:port",
        b"a:123456",
        b"[::1",
        b"::1",
        b"a\\b",
        b"h%2f",
        b"a#b",
        "ä".encode(),
    ],
)
def test_v25_a_host_that_is_no_host_is_refused(host: bytes) -> None:
    with listening() as there:
        require_refused(there, post(host=b"Host: " + host))


def test_v25_no_host_is_refused() -> None:
    with listening() as there:
        require_refused(there, post(host=b""))


@pytest.mark.parametrize("host", [b"a", b"sts.eu-west-1.example:8443", b"127.0.0.1:80", b"[::1]:4566", b"my_service"])
def test_v25_control_hosts_that_are_hosts(host: bytes) -> None:
    with listening() as there, there.client() as client:
        client.send(post(host=b"Host: " + host))
        assert client.read().status == 200


def test_v25_control_path_and_query_stay_the_bytes_that_were_sent() -> None:
    with listening() as there, there.client() as client:
        client.send(post(line=b"GET /a/../%2e%2F//b?x=%41&y=?/ HTTP/1.1"))
        assert client.read().status == 200
        request = there.requests[0]
        assert (request.method, request.raw_path, request.raw_query) == ("GET", b"/a/../%2e%2F//b", b"x=%41&y=?/")


# ── V26: Expect ──────────────────────────────────────────────────────────────────────────────────────


def test_v26_a_body_is_not_asked_for_when_the_head_is_refused() -> None:
    with listening() as there:
        answers = there.send(post(b"Expect: 100-continue", b"Content-Length: 99999999"))
        assert [answer.status for answer in answers] == [413]


def test_v26_another_expectation_is_refused() -> None:
    with listening() as there:
        require_refused(there, post(b"Expect: miracles", b"Content-Length: 5"), 417)


def test_v26_control_the_body_is_asked_for_once() -> None:
    with listening() as there, there.client() as client:
        client.send(post(b"Expect: 100-continue", b"Content-Length: 5"))
        assert client.read().status == 100
        client.send(b"he")
        client.send(b"llo")
        assert client.read().body == b"hello"
        assert len(there.requests) == 1


# ── D01: slowness ────────────────────────────────────────────────────────────────────────────────────

SHORT = Limits(
    head_seconds=0.2, body_seconds=0.6, stall_seconds=0.2, idle_seconds=0.2, write_seconds=0.3, linger_seconds=0.2
)


def drip(there: Loopback, start: bytes, seconds: float) -> tuple[list[int], float]:
    """Send a byte at a time until the server has had enough: what it answers, and after how long."""
    begun = time.monotonic()
    with there.client() as client:
        client.send(start)
        client.socket.settimeout(0.02)
        while time.monotonic() < begun + seconds:
            try:
                answers = [client.read().status]
                break
            except TimeoutError:
                client.send(b"a")
        else:
            return [], seconds
        client.socket.settimeout(5)
        return answers, time.monotonic() - begun


def test_d01_headers_that_never_end_are_cut() -> None:
    with listening(limits=SHORT) as there:
        answers, after = drip(there, b"GET / HTTP/1.1\r\nX-A: ", 30)
        assert answers == [408]
        assert after > 0.15
        assert there.requests == []


def test_d01_a_body_that_drips_is_cut_in_all() -> None:
    with listening(limits=SHORT) as there:
        answers, after = drip(there, post(b"Content-Length: 500000"), 30)
        assert answers == [408]
        assert after > 0.5
        assert there.requests == []


def test_d01_a_body_that_stops_is_cut_sooner() -> None:
    patient = Limits(stall_seconds=0.2, body_seconds=3600)
    with listening(limits=patient) as there, there.client() as client:
        client.send(GOOD[:-1])
        assert [answer.status for answer in client.rest()] == [408]
        assert there.requests == []


@pytest.mark.parametrize("before", [b"", GOOD])
def test_d01_an_idle_connection_is_let_go(before: bytes) -> None:
    with listening(limits=SHORT) as there, there.client() as client:
        client.send(before)
        if before:
            assert client.read().status == 200
        assert client.closed()


def test_d01_a_client_that_does_not_read_is_cut() -> None:
    async def much(_: object) -> object:
        from tabard.apps.http import HTTPResponse

        return HTTPResponse(200, bytes(1_000_000))

    with listening(much, SHORT) as there, there.client(receive_buffer=4096) as client:
        client.send(post() * 100)
        deadline = time.monotonic() + 30
        while there.state.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not there.state.connections
        assert len(there.requests) < 20  # its answers were not piled up either


def test_d01_connections_beyond_the_cap_are_closed() -> None:
    with listening(limits=Limits(connections=2)) as there:
        with there.client() as one, there.client() as two:
            for client in (one, two):
                client.send(GOOD)
                assert client.read().status == 200
            with there.client() as three:
                assert three.closed()
            one.send(GOOD)
            assert one.read().status == 200
        deadline = time.monotonic() + 30
        while there.state.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        with there.client() as four:
            four.send(GOOD)
            assert four.read().status == 200


def test_d01_control_a_slow_but_honest_client_is_served() -> None:
    with listening(limits=Limits(head_seconds=2, body_seconds=2, stall_seconds=1)) as there, there.client() as client:
        for start in range(0, len(GOOD), 20):
            client.send(GOOD[start : start + 20])
            time.sleep(0.05)
        assert client.read().body == b"hello"


# ── D02, D03: size ───────────────────────────────────────────────────────────────────────────────────


def test_d02_an_announced_body_beyond_the_limit_is_not_read() -> None:
    with listening(limits=Limits(body_bytes=1000)) as there:
        require_refused(there, post(b"Content-Length: 1001"), 413)


def test_d02_a_chunked_body_beyond_the_limit_is_cut() -> None:
    with listening(limits=Limits(body_bytes=1000)) as there:
        require_refused(there, post(b"Transfer-Encoding: chunked", body=b"3e9\r\n" + bytes(1001)), 413)


def test_d02_a_client_that_still_sends_reads_why_it_was_refused() -> None:
    with listening(limits=Limits(body_bytes=1000)) as there:
        require_refused(there, post(b"Content-Length: 300000", body=bytes(300_000)), 413)


def test_d02_unfinished_bodies_share_a_bound() -> None:
    with listening(limits=Limits(waiting_bytes=1000)) as there:
        with there.client() as one:
            one.send(post(b"Content-Length: 900", body=bytes(800)))
            deadline = time.monotonic() + 5
            while there.door.waiting < 800 and time.monotonic() < deadline:
                time.sleep(0.01)
            with there.client() as two:
                two.send(post(b"Content-Length: 900", body=bytes(800)))
                assert [answer.status for answer in two.rest()] == [503]
            one.send(bytes(100))
            assert one.read().status == 200
        assert there.door.waiting == 0


@pytest.mark.parametrize("headers", [[b"Content-Length: 1000"], [b"Transfer-Encoding: chunked"]])
def test_d02_control_a_body_at_the_limit_is_read(headers: list[bytes]) -> None:
    body = bytes(1000) if b"Length" in headers[0] else b"3e8\r\n" + bytes(1000) + b"\r\n0\r\n\r\n"
    with listening(limits=Limits(body_bytes=1000)) as there, there.client() as client:
        client.send(post(*headers, body=body))
        assert client.read().body == bytes(1000)


OVERSIZED = {
    "5,000 headers": (post(*(b"X-%d: a" % number for number in range(5000))), 431),
    "101 headers": (post(*(b"X-%d: a" % number for number in range(100))), 431),
    "a header of 1 MB": (post(b"X-A: " + b"a" * 1_000_000), 431),
    "a header of 1 MB that never ends": (b"GET / HTTP/1.1\r\nX-A: " + b"a" * 1_000_000, 431),
    "a target of 100 kB": (post(line=b"GET /" + b"a" * 100_000 + b" HTTP/1.1"), 414),
    "a target of 100 kB that never ends": (b"GET /" + b"a" * 100_000, 414),
    "a target of 16 KB and a byte": (post(line=b"GET /" + b"a" * 16 * 1024 + b" HTTP/1.1"), 414),
}


@pytest.mark.parametrize(("data", "status"), OVERSIZED.values(), ids=OVERSIZED.keys())
def test_d03_a_head_that_is_too_large_is_refused(data: bytes, status: int) -> None:
    with listening() as there:
        require_refused(there, data, status)


def test_d03_control_a_hundred_headers_and_a_long_target_are_read() -> None:
    with listening() as there, there.client() as client:
        line = b"GET /" + b"a" * (16 * 1024 - 1) + b" HTTP/1.1"
        client.send(post(*(b"X-%d: %s" % (number, b"a" * 100) for number in range(99)), line=line))
        assert client.read().status == 200


# ── D09: HTTP/2 ──────────────────────────────────────────────────────────────────────────────────────


def test_d09_http2_by_prior_knowledge_is_refused() -> None:
    with listening() as there:
        require_refused(there, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9) * 1000)


def test_d09_an_upgrade_is_not_taken_up() -> None:
    with listening() as there:
        offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")
        answers = there.send(post(*offer, line=b"GET / HTTP/1.1", body=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        assert [answer.status for answer in answers] == [200]
        assert len(there.requests) == 1


def test_d09_an_upgrade_with_a_body_is_refused() -> None:
    with listening() as there:
        require_refused(there, post(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 5", body=b"hello"))


def test_d09_a_tls_greeting_on_the_plain_port_is_refused_at_once() -> None:
    with listening() as there:
        require_refused(there, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
