import asyncio
import contextlib
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tabard.apps.api.protocol import Limits
from tabard.apps.api.server import ASGIBridge
from tabard.apps.http import HTTPRequest, HTTPResponse
from tests.loopback import Client

SERVED = Path(__file__).with_name("served.py")
GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"


@contextlib.contextmanager
def served(
    *, port: int = 0, workers: int = 1, mood: str = "good", tls: tuple[Path, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process, and the first line it says: its port, or what is wrong."""
    command = [sys.executable, str(SERVED), str(port), str(workers), mood, *map(str, tls)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(10)


def ask(port: str, path: bytes = b"/") -> bytes:
    with Client(int(port)) as client:
        client.send(GET % path)
        return client.read().body


def said(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.read().split()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_says_its_port_answers_and_ends_when_told(workers: int, number: signal.Signals) -> None:
    with served(workers=workers) as (process, port):
        assert int(ask(port)) > 0
        process.send_signal(number)
        assert process.wait(10) == 0
        assert said(process) == ["ended"] * workers + ["returned"]


@pytest.mark.parametrize("workers", [1, 2])
def test_ending_finishes_what_is_in_flight(workers: int) -> None:
    with served(workers=workers) as (process, port), Client(int(port)) as client:
        client.send(GET % b"/slow")
        time.sleep(0.2)
        process.terminate()
        assert client.read().status == 200
        assert process.wait(10) == 0


def test_ending_does_not_wait_for_ever() -> None:
    with served() as (process, port), Client(int(port)) as client:
        client.send(GET % b"/forever")
        time.sleep(0.2)
        begun = time.monotonic()
        process.terminate()
        assert process.wait(10) == 0
        assert time.monotonic() - begun < 4


@pytest.mark.parametrize("workers", [1, 2])
def test_a_taken_port_is_told_as_such(workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with served(port=port, workers=workers) as (process, line):
            assert line == f"PortTaken [Errno 98] port {port} on 127.0.0.1 is taken"
            assert process.wait(10) == 7


def test_a_port_that_other_workers_share_is_taken_as_well() -> None:
    with served(workers=2) as (_, port), served(port=int(port), workers=2) as (_, line):
        assert line.startswith("PortTaken")


def test_workers_share_the_connections() -> None:
    with served(workers=2) as (_, port), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(int(port))) for _ in range(40)]
        for client in clients:
            client.send(GET % b"/")
        assert len({client.read().body for client in clients}) == 2


@pytest.mark.parametrize(
    ("workers", "mood", "line"),
    [
        (1, "unmade", "ValueError the file is unreadable"),
        (1, "unready", "ValueError the store is away"),
        (2, "unmade", "StartFailed the file is unreadable"),
        (2, "unready", "StartFailed the store is away"),
    ],
)
def test_an_application_that_cannot_start_says_why(workers: int, mood: str, line: str) -> None:
    with served(workers=workers, mood=mood) as (process, first):
        assert first == line
        assert process.wait(10) == 7


def test_a_worker_that_dies_is_replaced() -> None:
    with served(workers=2) as (process, port):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        before = set(children.read_text().split())
        with pytest.raises((EOFError, ConnectionResetError)):
            ask(port, b"/die")
        deadline = time.monotonic() + 10
        while len(after := set(children.read_text().split())) != 2 or after == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(before & after) == 1
        assert int(ask(port)) > 0


def test_workers_do_not_outlive_their_parent() -> None:
    with served(workers=2) as (process, port):
        assert int(ask(port)) > 0
        process.kill()
        process.wait(10)
        deadline = time.monotonic() + 10
        while True:
            try:
                ask(port)
            except (ConnectionError, EOFError):
                return
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_server_speaks_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    with served(tls=(certificate, key)) as (_, port):
        for request, status in ((GET % b"/", b"200"), (b"GET / HTTP/0.9\r\n\r\n", b"400")):
            with (
                socket.create_connection(("127.0.0.1", int(port)), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                secure.sendall(request)
                assert secure.recv(65536).startswith(b"HTTP/1.1 " + status)
                if status == b"400":
                    assert secure.recv(1) == b""


def make_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


# ── any ASGI server ──────────────────────────────────────────────────────────────────────────────────


class Echo:
    def __init__(self) -> None:
        self.requests: list[HTTPRequest] = []

    async def startup(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def respond(self, request: HTTPRequest) -> HTTPResponse:
        self.requests.append(request)
        return HTTPResponse(200, request.body, {"X-A": "b"})


def call(
    application: Echo, *messages: dict[str, Any], limits: Limits | None = None, **scope: Any
) -> list[dict[str, Any]]:
    """One request through the bridge: the scope's defaults are a good one."""
    sent: list[dict[str, Any]] = []
    waiting = list(messages) or [{"type": "http.request", "body": b"hello"}]

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "raw_path": b"/a%2Fb",
        "path": "/a/b",
        "query_string": b"c=d",
        "headers": [(b"host", b"a"), (b"X-A", b" b ")],
        "client": ("192.0.2.1", 1),
        **scope,
    }
    asyncio.run(ASGIBridge(application, limits or Limits())(whole, receive, send))
    return sent


def test_the_bridge_passes_a_request_on_as_it_was_sent() -> None:
    echo = Echo()
    sent = call(
        echo, {"type": "http.request", "body": b"hel", "more_body": True}, {"type": "http.request", "body": b"lo"}
    )
    assert sent[0]["status"] == 200
    assert sent[0]["headers"] == [(b"x-a", b"b"), (b"content-length", b"5")]
    assert sent[1]["body"] == b"hello"
    assert echo.requests == [
        HTTPRequest("POST", b"/a%2Fb", b"c=d", ((b"host", b"a"), (b"x-a", b"b")), b"hello", "192.0.2.1", False)
    ]


def test_v09_the_bridge_takes_a_disconnect_for_an_abort() -> None:
    echo = Echo()
    partial = {"type": "http.request", "body": b"hel", "more_body": True}
    assert call(echo, partial, {"type": "http.disconnect"}) == []
    assert echo.requests == []


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"headers": []}, 400),
        ({"headers": [(b"host", b"a"), (b"host", b"b")]}, 400),
        ({"headers": [(b"host", b"h/x?")]}, 400),
        ({"raw_path": None}, 400),
        ({"raw_path": "/ä".encode()}, 400),
        ({"raw_path": b"http://a/"}, 400),
        ({"raw_path": b"/" + b"a" * 20_000}, 414),
        ({"headers": [(b"host", b"a")] * 1 + [(b"x", b"y")] * 100}, 431),
        ({"headers": [(b"host", b"a"), (b"x", b"y" * 40_000)]}, 431),
        ({"headers": [(b"host", b"a"), (b"content-length", b"99999999")]}, 413),
    ],
)
def test_the_bridge_holds_to_the_same_bounds(scope: dict[str, Any], status: int) -> None:
    echo = Echo()
    sent = call(echo, **scope)
    assert (sent[0]["status"], sent[1]["body"]) == (status, b"")
    assert echo.requests == []


def test_the_bridge_bounds_a_body_in_size_and_time() -> None:
    echo = Echo()
    more = {"type": "http.request", "body": b"hello", "more_body": True}
    assert call(echo, more, more, limits=Limits(body_bytes=9))[0]["status"] == 413
    assert call(echo, more, limits=Limits(body_seconds=0.05))[0]["status"] == 408
    assert echo.requests == []


def test_the_bridge_answers_head_without_a_body() -> None:
    sent = call(Echo(), method="HEAD")
    assert (b"content-length", b"5") in sent[0]["headers"]
    assert sent[1]["body"] == b""
