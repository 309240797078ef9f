"""The command as its users have it: a process, a terminal or a pipe, signals, and files on a disk."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import TABARD, House, Keys
from tests.terminals import terminal

MEMBERS = {
    "endpoint",
    "account_id",
    "access_key_id",
    "secret_access_key",
    "root_access_key_id",
    "root_secret_access_key",
    "data",
}
PATIENCE = 20.0


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TABARD, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment()
    )


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TABARD_"))}


def read_until(descriptor: int, wanted: bytes) -> bytes:
    """What a process writes until it has written that."""
    seen = b""
    deadline = time.monotonic() + PATIENCE
    while wanted not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(descriptor, 65536) if ready else b""
        assert piece, f"it ended or fell silent after {seen!r}"
        seen += piece
    return seen


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes and ends them by their ids."""
    processes: list[subprocess.Popen[bytes]] = []

    def begin(*words: str | Path, **how: Any) -> subprocess.Popen[bytes]:
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(), **how}
        processes.append(subprocess.Popen([*TABARD, *map(str, words)], **how))
        return processes[-1]

    yield begin
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_version_in_both_forms() -> None:
    people, programs = run("version"), run("version", "--json")

    assert re.fullmatch(r"tabard \d+\.\d+\S*\n", people.stdout)
    assert people.stdout == f"tabard {json.loads(programs.stdout)['version']}\n"
    assert (people.stderr, programs.stderr) == ("", "")


def test_dev_prints_one_line_of_json_and_finds_the_same_keys_again(
    tmp_path: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    lines = []
    for _ in range(2):
        process = started("dev", "--port", "0", "--data", tmp_path / "data", "--json")
        assert process.stdout is not None
        lines.append(read_until(process.stdout.fileno(), b"\n"))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out, err) == (0, b"", b"")

    first, second = (json.loads(line) for line in lines)
    assert set(first) == MEMBERS
    assert first["data"] == str(tmp_path / "data")
    assert first["endpoint"].startswith("http://127.0.0.1:")
    assert {n: v for n, v in first.items() if n != "endpoint"} == {n: v for n, v in second.items() if n != "endpoint"}
    modes = {path.name: path.stat().st_mode & 0o077 for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]}
    assert set(modes.values()) == {0}, modes


def test_dev_makes_a_new_key_when_the_administrators_was_put_out_of_use(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    with start(tmp_path / "data") as house:
        assert isinstance(house, House)
        iam = house.client("iam", house.root)
        iam.update_access_key(UserName="admin", AccessKeyId=house.admin.access_key_id, Status="Inactive")
    with start(tmp_path / "data") as again:
        assert again.admin.access_key_id != house.admin.access_key_id
        assert again.client("sts").get_caller_identity()["Arn"].endswith(":user/admin")


def test_a_pipe_is_shown_no_secret(tmp_path: Path, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = started("dev", "--port", "0", "--data", tmp_path)
    assert process.stdout is not None

    said = read_until(process.stdout.fileno(), b"Ctrl-C").decode()

    assert "export AWS_SECRET_ACCESS_KEY=(shown on a terminal, or with --json)" in said
    assert not re.search(r"[A-Za-z0-9+/]{40}", said)


def test_a_terminal_is_shown_what_to_paste_and_it_works(
    tmp_path: Path, started: Callable[..., subprocess.Popen[bytes]]
) -> None:
    with terminal() as (ours, theirs):
        started("dev", "--port", "0", "--data", tmp_path, stdout=theirs, stdin=theirs)
        said = read_until(ours.fileno(), b"Ctrl-C").decode()

    exported = dict(re.findall(r"(AWS_[A-Z_]+)=(\S+)", said))
    house = House(
        endpoint=exported["AWS_ENDPOINT_URL"],
        account="",
        admin=Keys(
            access_key_id=exported["AWS_ACCESS_KEY_ID"], secret_access_key=exported["AWS_SECRET_ACCESS_KEY"]
        ),
        root=Keys(access_key_id="", secret_access_key=""),
        data=tmp_path,
        pid=0,
    )  # fmt: skip
    assert house.aws("sts", "get-caller-identity")["Arn"].endswith(":user/admin")


def test_a_taken_port_is_one_line_that_says_so(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        refused = run("dev", "--port", str(port), "--data", tmp_path)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"tabard: port {port} on 127.0.0.1 is taken; end what listens there, or choose another with --port"
        " (listen.port in the configuration file)\n"
    )


def test_an_account_that_is_made_while_the_server_runs_is_there_within_a_second(house: House) -> None:
    made = run("account", "create", "while-it-runs", "--json", "--data", house.data)

    assert made.returncode == 0, made.stderr
    new = json.loads(made.stdout)
    keys = Keys(access_key_id=new["root_access_key_id"], secret_access_key=new["root_secret_access_key"])
    identity = house.client("sts", keys).get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (new["account_id"], f"arn:aws:iam::{new['account_id']}:root")


def test_a_reader_that_left_is_no_reason_for_a_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [*TABARD, "version"], stdout=pipe, stderr=subprocess.PIPE, timeout=PATIENCE, check=False, env=environment()
        )

    assert b"Traceback" not in done.stderr
