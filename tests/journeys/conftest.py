"""A running Tabard and unmodified clients, as a user has them.

Every test here is a journey: it starts the real command in a process of its own, on loopback, and drives it with
the aws CLI or boto3. Processes are ended by their own id.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

HERE = Path(__file__).parent
TABARD = [sys.executable, "-m", "tabard"]
AWS = str(Path(sys.executable).parent / "aws")
REGION = "us-east-1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.enable_socket)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Credentials as a client holds them."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def of(cls, credentials: dict[str, Any]) -> "Keys":
        return cls(
            access_key_id=credentials["AccessKeyId"],
            secret_access_key=credentials["SecretAccessKey"],
            session_token=credentials.get("SessionToken"),
        )


@dataclass(kw_only=True)
class CommandFailed(Exception):  # noqa: N818 - a fact about the command
    """What the aws CLI said on stderr."""

    text: str
    status: int

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class House:
    """One running `tabard dev`."""

    endpoint: str
    account: str
    admin: Keys
    root: Keys
    data: Path
    pid: int

    def client(self, service: str, keys: Keys | None = None, **config: Any) -> Any:
        """A boto3 client, with nothing set but what a user would set."""
        keys = keys or self.admin
        return boto3.client(
            service,
            region_name=config.pop("region_name", REGION),
            endpoint_url=self.endpoint,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=Config(retries={"max_attempts": 0}, **config),
        )

    def environment(self, keys: Keys | None = None, *, home: Path | None = None) -> dict[str, str]:
        """The environment of a shell in which a user works; only what is meant to be there."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home or self.data),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            "XDG_DATA_HOME": str(self.data.parent.parent),
        }
        if keys is not None:
            env["AWS_ACCESS_KEY_ID"] = keys.access_key_id
            env["AWS_SECRET_ACCESS_KEY"] = keys.secret_access_key
            if keys.session_token is not None:
                env["AWS_SESSION_TOKEN"] = keys.session_token
        return env

    def aws(self, *words: str, keys: Keys | None = None, home: Path | None = None, profile: str | None = None) -> Any:
        """Run the stock aws CLI; its JSON answer, or CommandFailed."""
        env = self.environment(None if profile else keys or self.admin, home=home)
        if profile:
            env["AWS_PROFILE"] = profile
        done = subprocess.run(
            [AWS, "--output", "json", *words], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode != 0:
            raise CommandFailed(text=done.stderr.strip(), status=done.returncode)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def audit(self) -> list[dict[str, Any]]:
        """All audit records, oldest first."""
        return [json.loads(line) for line in (self.data / "audit.jsonl").read_text().split("\n") if line]


@contextlib.contextmanager
def running(data: Path, *arguments: str) -> Iterator[House]:
    """Start `tabard dev` on a free port and end it afterwards."""
    command = [*TABARD, "dev", "--port", "0", "--data", str(data), "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            assert process.stderr is not None
            raise AssertionError(f"tabard dev did not start: {process.stderr.read()}")
        said = json.loads(line)
        yield House(
            endpoint=said["endpoint"],
            account=said["account_id"],
            admin=Keys(access_key_id=said["access_key_id"], secret_access_key=said["secret_access_key"]),
            root=Keys(access_key_id=said["root_access_key_id"], secret_access_key=said["root_secret_access_key"]),
            data=Path(said["data"]),
            pid=process.pid,
        )
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Ask a server to end, and make it end if it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One server for all journeys that do not harm it; each uses names of its own."""
    with running(tmp_path_factory.mktemp("house") / "tabard" / "dev") as started:
        yield started


@pytest.fixture
def fresh_house(tmp_path: Path) -> Iterator[House]:
    """A server for one test."""
    with running(tmp_path / "tabard" / "dev") as started:
        yield started


@pytest.fixture
def start() -> Callable[..., Any]:
    """`running`, for tests that start and stop servers themselves."""
    return running


@pytest.fixture(scope="session")
def home(house: House) -> Any:
    """The account of the house, by its administrator."""
    from tests.journeys.tenant import Tenant  # here, because that module is built on this one

    return Tenant(house=house, account=house.account, keys=house.admin)


@pytest.fixture(scope="session")
def abroad(house: House) -> Any:
    """Another account of the same house, by its root user."""
    from tests.journeys.tenant import new_account  # as above

    return new_account(house, "abroad")


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: Any, action: str | list[str] = "sts:AssumeRole", **more: Any) -> str:
    """A trust policy of one statement."""
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})
