"""Tabard and its usual substitute, under the same calls.

AssumeRole is a whole one: the caller has a session token, ten identity statements and a trust policy with
conditions; the call brings a session policy and two tags; the audit record is written. moto answers the same call with
its access control on, from a user's key: it has no session that could call.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from bench.servers import ROOT, Contender, Target, free_port, post, running
from tabard.apps.accounts import AccountMaker
from tabard.apps.config import AuditSettings, Keys, Listen, Settings, StoreSettings
from tabard.apps.wiring import Foundation
from tabard.directory.entities import Role
from tabard.names import ids

REGION = "us-east-1"
BATCH = 200
ROLES = 10
"""Roles that are taken in turn, however many are stored."""
MOTO_ACCOUNT = "123456789012"
MOTO_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{MOTO_ACCOUNT}:user/bench"},
            "Action": "sts:AssumeRole",
        }
    ],
}
"""It knows users by their ARN alone, and not the conditions that Tabard's policy has: less work, in its favour."""


def statements(roles: str) -> str:
    """Ten statements, of which one lets the caller take the roles."""
    others = [
        {
            "Sid": f"Bucket{n}",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": f"arn:aws:s3:::lake-{n}/*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/Team": f"team-{n}"}},
        }
        for n in range(9)
    ]
    take = {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Resource": roles,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [*others, take]})


def trust(account: str) -> str:
    """A trust policy with conditions, met by the calls below."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {
                        "StringLike": {"sts:RoleSessionName": "bench-*"},
                        "StringEquals": {"aws:RequestTag/Department": "HR"},
                        "Bool": {"aws:SecureTransport": "false"},
                    },
                }
            ],
        }
    )


def assume_role(role_arn: str) -> dict[str, str]:
    """The form of the call; about 500 bytes once encoded."""
    session_policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    return {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": role_arn,
        "RoleSessionName": "bench-session",
        "DurationSeconds": "900",
        "Policy": json.dumps(session_policy, separators=(",", ":")),
        "Tags.member.1.Key": "Department",
        "Tags.member.1.Value": "HR",
        "Tags.member.2.Key": "Project",
        "Tags.member.2.Value": "Atlas",
    }


CALLER_IDENTITY = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}


def signed(form: dict[str, str], credentials: Credentials, port: int) -> bytes:
    """The call as botocore signs it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "User-Agent": "aws-cli/2.17"}
    request = AWSRequest("POST", f"http://127.0.0.1:{port}/", data=urlencode(form), headers=headers)
    SigV4Auth(credentials, "sts", REGION).add_auth(request)
    return post(urlencode(form).encode(), {"Host": f"127.0.0.1:{port}", **dict(request.headers.items())})


def client(service: str, port: int, credentials: Credentials) -> "boto3.client":  # type: ignore[valid-type]
    """A boto3 client of the server."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(retries={"max_attempts": 0}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A store on disk that a server can be started on."""

    folder: Path
    port: int
    account: str
    admin: Credentials

    def serving(self) -> "contextlib.AbstractContextManager[int]":
        """Run Tabard on it; yields the process id."""
        command = [sys.executable, "-m", "tabard", "serve", "--config", f"{self.folder}/tabard.toml"]
        return running(command, port=self.port, quiet=True)


@contextlib.contextmanager
def stored(roles: int, *, workers: int = 1) -> Iterator[Stored]:
    """A SQLite store with that many roles."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        account, admin = _prepare(Path(folder), port, workers=workers, roles=roles)
        yield Stored(folder=Path(folder), port=port, account=account, admin=admin)


@contextlib.contextmanager
def _tabard(action: str, *, workers: int = 1, roles: int = ROLES) -> Iterator[Target]:
    """Tabard on SQLite with `roles` roles stored."""
    with stored(roles, workers=workers) as at, at.serving() as pid:
        caller = take_role(at)
        forms = _forms(action, at.account)
        yield Target(
            port=at.port,
            pid=pid,
            requests=lambda: [signed(forms[n % len(forms)], caller, at.port) for n in range(BATCH)],
        )


def _prepare(folder: Path, port: int, *, workers: int, roles: int) -> tuple[str, Credentials]:
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{folder / 'tabard.db'}"),
        audit=AuditSettings(file=str(folder / "audit.jsonl")),
        listen=Listen(port=port, workers=workers),
        keys=Keys(master_key_file=str(folder / "master.key")),
    )
    (folder / "tabard.toml").write_text(
        f'[store]\nurl = "{settings.store.url}"\n[audit]\nfile = "{settings.audit.file}"\n'
        f'[listen]\nport = {port}\nworkers = {workers}\n[keys]\nmaster_key_file = "{settings.keys.master_key_file}"\n'
    )
    with Foundation.open(settings, create=True) as at, at.store.write() as records:
        maker = AccountMaker(records=records, now=at.clock.now(), entropy=at.entropy, secrets=at.ring)
        account, _ = maker.account("bench")
        _, admin = maker.administrator(account.id, "admin")
        for n in range(roles):
            records.roles.put(
                Role(
                    account=account.id,
                    name=f"Role{n}",
                    id=f"{ids.ROLE}{n:017d}",
                    created=at.clock.now(),
                    assume_role_policy_document=trust(account.id),
                    inline_policies={"ten": statements(f"arn:aws:iam::{account.id}:role/*")},
                )
            )
        records.roles.put(
            Role(
                account=account.id,
                name="Caller",
                id=f"{ids.ROLE}{10**16:017d}",
                created=at.clock.now(),
                assume_role_policy_document=trust(account.id),
                inline_policies={"ten": statements(f"arn:aws:iam::{account.id}:role/*")},
            )
        )
    return account.id, Credentials(admin.access_key_id, admin.secret_access_key)


def take_role(at: Stored) -> Credentials:
    """The session that the calls are made with."""
    taken = client("sts", at.port, at.admin).assume_role(
        RoleArn=f"arn:aws:iam::{at.account}:role/Caller",
        RoleSessionName="bench-caller",
        Tags=[{"Key": "Department", "Value": "HR"}],
    )["Credentials"]
    return Credentials(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])


def _forms(action: str, account: str) -> Sequence[dict[str, str]]:
    if action == "GetCallerIdentity":
        return [CALLER_IDENTITY]
    return [assume_role(f"arn:aws:iam::{account}:role/Role{n}") for n in range(ROLES)]


@contextlib.contextmanager
def _moto(action: str) -> Iterator[Target]:
    """moto's server with access control on, after a set-up that it does not control."""
    port = free_port()
    moto = ROOT / ".bench-venv" / "bin" / "moto_server"
    set_up = {"INITIAL_NO_AUTH_ACTION_COUNT": str(4 + ROLES), "PYTHONWARNINGS": "ignore"}
    command = [str(moto), "-H", "127.0.0.1", "-p", str(port)]
    with running(command, port=port, env={**os.environ, **set_up}, quiet=True) as pid:
        anybody = Credentials("anybody", "anything")
        iam = client("iam", port, anybody)
        iam.create_user(UserName="bench")
        iam.put_user_policy(UserName="bench", PolicyName="ten", PolicyDocument=statements("*"))  # it knows no resources
        for n in range(ROLES):
            iam.create_role(RoleName=f"Role{n}", AssumeRolePolicyDocument=json.dumps(MOTO_TRUST))
        key = iam.create_access_key(UserName="bench")["AccessKey"]
        caller = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        client("sts", port, caller).get_caller_identity()
        forms = _forms(action, MOTO_ACCOUNT)
        yield Target(
            port=port, pid=pid, requests=lambda: [signed(forms[n % len(forms)], caller, port) for n in range(BATCH)]
        )


get_caller_identity: Contender = partial(_tabard, "GetCallerIdentity")
get_caller_identity_two: Contender = partial(_tabard, "GetCallerIdentity", workers=2)
assume: Contender = partial(_tabard, "AssumeRole")
assume_two: Contender = partial(_tabard, "AssumeRole", workers=2)
assume_of_100_000: Contender = partial(_tabard, "AssumeRole", roles=100_000)
moto_get_caller_identity: Contender = partial(_moto, "GetCallerIdentity")
moto_assume: Contender = partial(_moto, "AssumeRole")
