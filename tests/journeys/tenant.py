"""An account and the people in it, as its administrator makes them through the API. Names never repeat."""

import itertools
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pyotp
import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import TABARD, House, Keys, document

_numbers = itertools.count(1)


def new_name(base: str) -> str:
    """A name that no other test has."""
    return f"{base}-{next(_numbers)}"


@dataclass(frozen=True, kw_only=True)
class Someone:
    """A user with a key."""

    name: str
    arn: str
    id: str
    keys: Keys


class Device:
    """A virtual MFA device with its seed, as an authenticator app has it. Every code is one that was not used yet."""

    STEP = 30

    def __init__(self, serial_number: str, seed: str) -> None:
        self.serial_number = serial_number
        self.seed = seed
        self._codes = pyotp.TOTP(seed)
        self._last_step = 0

    def consecutive_codes(self) -> tuple[str, str]:
        """Two codes of the past, so that those of now and of the next half minute are still good."""
        while (now := datetime.now(UTC).timestamp()) % self.STEP > self.STEP - 1:
            pass
        step = int(now) // self.STEP
        self._last_step = step - 1
        return self._at(step - 2), self._at(step - 1)

    def next_code(self) -> str:
        """A code that is good and was not used."""
        self._last_step += 1
        return self._at(self._last_step)

    def wrong_code(self) -> str:
        """A code that is good at no time near now."""
        near = {self._at(self._last_step + offset) for offset in range(-5, 6)}
        return next(code for code in (f"{number:06}" for number in range(12)) if code not in near)

    def last_code(self) -> str:
        """The one that was used last."""
        return self._at(self._last_step)

    def _at(self, step: int) -> str:
        return self._codes.at(step * self.STEP)


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One account, by the keys of its administrator (or of its root user)."""

    house: House
    account: str
    keys: Keys

    def client(self, service: str, keys: Keys) -> Any:
        """A boto3 client that sends what it is given, so that the server is the one to refuse it."""
        return self.house.client(service, keys, parameter_validation=False)

    @cached_property
    def iam(self) -> Any:
        return self.client("iam", self.keys)

    @cached_property
    def sts(self) -> Any:
        return self.client("sts", self.keys)

    def user(self, *statements: dict[str, Any], name: str = "user", **fields: Any) -> Someone:
        """A new user with these permissions and one access key."""
        made = self.iam.create_user(UserName=new_name(name), **fields)["User"]
        if statements:
            self.allow_user(made["UserName"], *statements)
        key = self.iam.create_access_key(UserName=made["UserName"])["AccessKey"]
        return Someone(name=made["UserName"], arn=made["Arn"], id=made["UserId"], keys=Keys.of(key))

    def allow_user(self, name: str, *statements: dict[str, Any]) -> None:
        self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*statements))

    def role(self, trusting: str, *statements: dict[str, Any], name: str = "role", **fields: Any) -> str:
        """The ARN of a new role with this trust policy and these permissions."""
        made = self.iam.create_role(RoleName=new_name(name), AssumeRolePolicyDocument=trusting, **fields)["Role"]
        if statements:
            self.allow_role(made["Arn"], *statements)
        return made["Arn"]

    def allow_role(self, arn: str, *statements: dict[str, Any], name: str = "own") -> None:
        self.iam.put_role_policy(RoleName=arn.rsplit("/", 1)[-1], PolicyName=name, PolicyDocument=document(*statements))

    def policy(self, *statements: dict[str, Any], name: str = "policy") -> str:
        """The ARN of a new managed policy."""
        return self.iam.create_policy(PolicyName=new_name(name), PolicyDocument=document(*statements))["Policy"]["Arn"]

    def device(self, owner: Someone) -> Device:
        """A new virtual MFA device, enabled for a user."""
        made = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=new_name("phone"))["VirtualMFADevice"]
        device = Device(made["SerialNumber"], made["Base32StringSeed"].decode())
        first, second = device.consecutive_codes()
        self.iam.enable_mfa_device(
            UserName=owner.name,
            SerialNumber=device.serial_number,
            AuthenticationCode1=first,
            AuthenticationCode2=second,
        )
        return device

    def session(self, role_arn: str, keys: Keys | None = None, **parameters: Any) -> Keys:
        """Credentials of a new session of a role, taken by the administrator unless keys are given."""
        sts = self.sts if keys is None else self.client("sts", keys)
        parameters.setdefault("RoleSessionName", "session")
        return Keys.of(sts.assume_role(RoleArn=role_arn, **parameters)["Credentials"])


def new_account(house: House, name: str) -> Tenant:
    """A new account, made beside the running server."""
    command = [*TABARD, "account", "create", name, "--json", "--data", str(house.data)]
    made = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    root = Keys(access_key_id=made["root_access_key_id"], secret_access_key=made["root_secret_access_key"])
    return Tenant(house=house, account=made["account_id"], keys=root)


def denied(arn: str, action: str, resource: str) -> str:
    """The bare refusal of STS."""
    return f"User: {arn} is not authorized to perform: {action} on resource: {resource}"


def bare(message: str) -> str:
    """A refusal without the sentence that says where its reasons are, which differs each time."""
    return message.partition(". Run `tabard why ")[0]


@contextmanager
def refused(code: str, message: str | None = None, *, status: int | None = None) -> Iterator[None]:
    """The block is refused with this code and, where given, exactly this text and status.

    A denial says beyond its text where the reasons are; that is left out here.
    """
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["Error"]["Code"] == code, answer
    if message is not None:
        assert bare(answer["Error"].get("Message", "")) == message
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
