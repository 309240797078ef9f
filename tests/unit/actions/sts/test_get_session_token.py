from datetime import timedelta
from typing import Any

import pyotp
import pytest

from tabard.actions.authenticated import Authenticated
from tabard.actions.sts.get_session_token import Request, Response, handle
from tabard.directory.entities import MFADevice, User
from tabard.directory.totp import base32_seed
from tabard.faults import Denied
from tabard.ports.second_factor import MultiFactorAuthFailed
from tabard.sessions.claims import SessionClaims, SessionKind
from tests.unit.actions.sts.stage import Stage, authenticated, on_stage
from tests.worlds import ACCOUNT, NOW, refused

SEED = b"twenty bytes of seed"
HOUR = timedelta(hours=1)


def code(steps: int = 0) -> str:
    return pyotp.TOTP(base32_seed(SEED)).at(NOW + steps * timedelta(seconds=30))


def enabled_device(stage: Stage, owner: User) -> MFADevice:
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/phone"
    device = MFADevice(
        account=ACCOUNT,
        name="phone",
        created=NOW,
        sealed_seed=stage.ring.seal(serial, SEED),
        owner_id=owner.id,
        enabled=NOW,
    )
    assert device.serial_number == serial
    with stage.world.store.write() as records:
        records.mfa_devices.put(device)
    return device


def opened(stage: Stage, response: Response) -> SessionClaims:
    return stage.mint.open(response.credentials.session_token, response.credentials.access_key_id)


@pytest.mark.parametrize(
    ("seconds", "of_user", "of_root"),
    [(None, 12 * HOUR, HOUR), (900, HOUR / 4, HOUR / 4), (129600, 36 * HOUR, HOUR)],
)
def test_durations(seconds: int | None, of_user: timedelta, of_root: timedelta) -> None:
    async def play(stage: Stage) -> list[SessionClaims]:
        callers = [await stage.user(stage.world.user("alice")), stage.root()]
        return [opened(stage, await handle(Request(duration_seconds=seconds), who, stage)) for who in callers]

    user, root = on_stage(play)

    assert [user.expires - NOW, root.expires - NOW] == [of_user, of_root]
    assert [user.kind, root.kind] == [SessionKind.USER, SessionKind.ROOT]
    assert [user.issuing_key_id, root.issuer_id] == ["AKIAUSERUSERUSERUSER", ACCOUNT]
    assert user.mfa_at is root.mfa_at is None


def test_a_second_factor_is_remembered_with_its_time() -> None:
    async def play(stage: Stage) -> SessionClaims:
        alice = stage.world.user("alice")
        device = enabled_device(stage, alice)
        request = Request(serial_number=device.serial_number, token_code=code())
        return opened(stage, await handle(request, await stage.user(alice), stage))

    assert on_stage(play).mfa_at == NOW


def session_of(caller: Authenticated) -> Authenticated:
    claims = SessionClaims(
        kind=SessionKind.USER,
        account=ACCOUNT,
        access_key_id="ASIA",
        secret_access_key="secret",
        issuer_id=caller.caller.principal.unique_id,
        issued=NOW,
        expires=NOW + HOUR,
    )
    return authenticated(caller.caller, claims=claims)


def test_k11_a_session_makes_no_other_one() -> None:
    async def play(stage: Stage) -> None:
        for who in (await stage.user(stage.world.user("alice")), stage.root()):
            with refused(
                Denied, "Cannot call GetSessionToken with session credentials", "session.long-term-key-needed"
            ):
                await handle(Request(), session_of(who), stage)

    on_stage(play)


WRONG = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
UNKNOWN = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)
HALF = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "


@pytest.mark.parametrize(
    ("given", "text", "reason"),
    [
        ({"token_code": "000000"}, HALF, "mfa.incomplete"),
        ({"serial_number": "phone"}, HALF, "mfa.incomplete"),
        (
            {"serial_number": "arn:aws:iam::111122223333:mfa/other", "token_code": "000000"},
            UNKNOWN,
            "mfa.unknown-device",
        ),
        ({"serial_number": "phone", "token_code": "000000"}, WRONG, "mfa.wrong-code"),
    ],
)
def test_k20_what_proves_nothing_is_refused(given: dict[str, Any], text: str, reason: str) -> None:
    async def play(stage: Stage) -> None:
        alice = stage.world.user("alice")
        serial = enabled_device(stage, alice).serial_number
        named = {name: serial if value == "phone" else value for name, value in given.items()}
        with refused(MultiFactorAuthFailed, text, reason):
            await handle(Request(**named), await stage.user(alice), stage)

    on_stage(play)


def test_k20_a_code_is_good_once_and_five_wrong_ones_lock_the_device() -> None:
    async def play(stage: Stage) -> None:
        alice = stage.world.user("alice")
        who = await stage.user(alice)
        serial = enabled_device(stage, alice).serial_number
        await handle(Request(serial_number=serial, token_code=code()), who, stage)
        with refused(MultiFactorAuthFailed, WRONG, "mfa.wrong-code"):
            await handle(Request(serial_number=serial, token_code=code()), who, stage)
        for _ in range(4):
            with refused(MultiFactorAuthFailed, WRONG, "mfa.wrong-code"):
                await handle(Request(serial_number=serial, token_code="000000"), who, stage)
        with refused(MultiFactorAuthFailed, WRONG, "mfa.locked"):
            await handle(Request(serial_number=serial, token_code=code(1)), who, stage)

    on_stage(play)


def test_k20_anothers_device_is_unknown_and_its_code_is_not_used_up() -> None:
    async def play(stage: Stage) -> None:
        alice, bob = stage.world.user("alice"), stage.world.user("bob")
        serial = enabled_device(stage, alice).serial_number
        with refused(MultiFactorAuthFailed, UNKNOWN, "mfa.unknown-device"):
            await handle(Request(serial_number=serial, token_code=code()), await stage.user(bob), stage)
        assert await handle(Request(serial_number=serial, token_code=code()), await stage.user(alice), stage)

    on_stage(play)
