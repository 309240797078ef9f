"""`tabard serve`: TLS, several workers, signals, and what is on the wire byte for byte."""

import datetime as dt
import ipaddress
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.journeys.conftest import AWS, House, allow, document
from tests.journeys.servers import Server, poll, serving
from tests.loopback import Client

REQUEST_ID_LENGTH = 36  # a UUID


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def raw(house: House) -> Iterator[Client]:
    with Client(int(house.endpoint.rpartition(":")[2])) as client:
        yield client


def test_an_answer_has_these_headers_and_no_others(raw: Client) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    raw.send(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )

    answer = raw.read()

    assert answer.status == 403
    assert set(answer.headers) == {"x-amzn-requestid", "content-type", "content-length", "date"}
    assert answer.headers["content-type"] == "text/xml"
    assert len(answer.headers["x-amzn-requestid"]) == REQUEST_ID_LENGTH
    assert answer.body.decode() == (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <Error>\n    <Type>Sender</Type>\n'
        "    <Code>MissingAuthenticationToken</Code>\n    <Message>Request is missing Authentication Token</Message>\n"
        f"  </Error>\n  <RequestId>{answer.headers['x-amzn-requestid']}</RequestId>\n</ErrorResponse>\n"
    )
    sent = dt.datetime.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
    assert abs(sent - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5), "SDKs correct their clock by it"


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        (b"GET / HTTP/1.1", 302, b""),
        (b"GET /?Version=2011-06-15 HTTP/1.1", 302, b""),
        (b"GET /nowhere HTTP/1.1", 404, b"<UnknownOperationException/>\n"),
        (b"DELETE / HTTP/1.1", 404, b"<UnknownOperationException/>\n"),
        (b"GET /%zz HTTP/1.1", 400, b""),
        (b"PROPFIND / HTTP/1.1", 400, b""),
        (b"GET /?" + b"a" * 20_000 + b" HTTP/1.1", 414, b""),
        (b"GET http://elsewhere.test/ HTTP/1.1", 400, b""),
        (b"GET /healthz HTTP/1.1", 200, b"ok\n"),
        (b"GET /readyz HTTP/1.1", 200, b"ready\n"),
    ],
    ids=lambda value: value[:24].decode() if isinstance(value, bytes) else None,
)
def test_what_is_no_call_is_answered_at_once(raw: Client, line: bytes, status: int, body: bytes) -> None:
    raw.send(line + b"\r\nHost: localhost\r\n\r\n")

    answer = raw.read()

    assert (answer.status, answer.body) == (status, body)


def test_head_on_another_path_tells_a_length_and_sends_no_body(raw: Client) -> None:
    raw.send(b"HEAD /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")

    answer = raw.read(head_only=True)

    assert (answer.status, answer.headers["content-length"]) == (404, "29")
    raw.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert raw.read().body == b"ok\n"


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────


def make_certificate(folder: Path) -> None:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tabard.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "chain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip


def test_the_aws_cli_speaks_tls_with_a_bundle_and_the_server_knows_that_it_does(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    with serving(tmp_path, listen={"tls_certificate": "chain.pem", "tls_key": "key.pem"}) as server:
        assert server.endpoint.startswith("https://127.0.0.1:")
        env = {**server.house.environment(server.house.root), "AWS_MAX_ATTEMPTS": "1"}

        def aws(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [AWS, "--output", "json", *words], env={**env, **more}, capture_output=True, text=True, check=False
            )

        distrustful = aws("sts", "get-caller-identity")
        trusting = aws("sts", "get-caller-identity", AWS_CA_BUNDLE=str(tmp_path / "chain.pem"))

        assert distrustful.returncode != 0
        assert "SSL" in distrustful.stderr
        assert json.loads(trusting.stdout)["Arn"] == f"arn:aws:iam::{server.house.account}:root"

        secure_only = document(allow("iam:ListGroups", Condition={"Bool": {"aws:SecureTransport": "true"}}))
        for words in (
            ("create-user", "--user-name", "careful"),
            ("put-user-policy", "--user-name", "careful", "--policy-name", "p", "--policy-document", secure_only),
        ):
            assert aws("iam", *words, AWS_CA_BUNDLE=str(tmp_path / "chain.pem")).returncode == 0
        key = json.loads(
            aws("iam", "create-access-key", "--user-name", "careful", AWS_CA_BUNDLE=str(tmp_path / "chain.pem")).stdout
        )["AccessKey"]
        listed = aws(
            "iam",
            "list-groups",
            AWS_CA_BUNDLE=str(tmp_path / "chain.pem"),
            AWS_ACCESS_KEY_ID=key["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"],
        )
        assert json.loads(listed.stdout) == {"Groups": []}


# ── workers and signals ──────────────────────────────────────────────────────────────────────────────


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def healthy(server: Server) -> bool:
    """A new connection is answered."""
    try:
        with urllib.request.urlopen(server.endpoint + "/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_two_workers_serve_and_one_that_is_killed_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, listen={"workers": 2}) as server:
        before = children(server.process.pid)
        assert len(before) == 2
        iam = server.house.client("iam", server.house.root)
        iam.create_group(GroupName="made-before")

        killed = min(before)
        os.kill(killed, signal.SIGKILL)

        poll(lambda: len(children(server.process.pid) - {killed}) == 2, "a new worker in its place")
        poll(lambda: all(healthy(server) for _ in range(8)), "every connection to be answered")
        for _ in range(8):  # a connection each, which the kernel gives to one worker or the other
            names = [
                group["GroupName"] for group in server.house.client("iam", server.house.root).list_groups()["Groups"]
            ]
            assert names == ["made-before"]
        records = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
        assert [record["eventName"] for record in records] == ["CreateGroup"] + ["ListGroups"] * 8


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_lets_the_calls_in_flight_finish_and_ends_with_zero(tmp_path: Path, workers: int) -> None:
    with serving(tmp_path, listen={"workers": workers}) as server:
        answered: list[str] = []
        stopped = threading.Event()

        def write() -> None:
            iam = server.house.client("iam", server.house.root)
            number = 0
            while not stopped.is_set():
                try:
                    iam.create_group(GroupName=f"g{number}")
                except Exception:  # noqa: BLE001 - however a client sees that the server has gone
                    return
                answered.append(f"g{number}")
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        poll(lambda: len(answered) > 5, "some groups")
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0
        assert time.monotonic() - begun < 10
        stopped.set()
        writer.join(timeout=20)

    with serving(tmp_path) as again:
        pages = again.house.client("iam", again.house.root).get_paginator("list_groups").paginate()
        stored = [group["GroupName"] for page in pages for group in page["Groups"]]
    assert set(answered) <= set(stored)
    assert len(stored) - len(answered) <= 1, "at most the one whose answer the client did not wait for"
    records = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    made = [
        r["requestParameters"]["groupName"] for r in records if r["eventName"] == "CreateGroup" and "errorCode" not in r
    ]
    assert sorted(made) == sorted(stored)


def test_the_audit_file_may_be_moved_away_while_the_server_runs(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        sts = server.house.client("sts", server.house.root)
        sts.get_caller_identity()
        (tmp_path / "audit.jsonl").rename(tmp_path / "audit.jsonl.1")

        def recorded_anew() -> bool:
            sts.get_caller_identity()
            return (tmp_path / "audit.jsonl").exists()

        poll(recorded_anew, "a new audit file")
        assert (tmp_path / "audit.jsonl.1").read_text().endswith("\n")


def test_a06_a_full_disk_under_the_audit_issues_nothing(tmp_path: Path) -> None:
    """`/dev/full` is a disk without room: each write to it fails."""
    (tmp_path / "audit.jsonl").symlink_to("/dev/full")
    with serving(tmp_path) as server:
        for service, method, given in (
            ("sts", "get_session_token", {}),
            ("sts", "get_caller_identity", {}),
            ("iam", "create_user", {"UserName": "never"}),
        ):
            client = server.house.client(service, server.house.root)
            with pytest.raises(client.exceptions.ClientError) as refused:
                getattr(client, method)(**given)
            assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503

        (tmp_path / "audit.jsonl").unlink()
        iam = server.house.client("iam", server.house.root)

        def works() -> bool:
            try:
                return iam.list_users()["Users"] == []
            except iam.exceptions.ClientError:
                return False

        poll(works, "the server to begin a new file, with nothing changed")
