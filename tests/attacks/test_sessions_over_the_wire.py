"""K01 to K16 and A03 from outside: what can be done with a token, a key, or both, against the running server.

`test_session_token_attacks.py` holds the seal itself to account; here the whole is: the same words for every cause,
one audit record with its reason, and no secret anywhere but in the answer that gave it out.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tabard.adapters.mint import RingMint
from tabard.apps.config import dev_settings
from tabard.apps.wiring import Foundation
from tabard.sessions.claims import SessionClaims, SessionKind
from tests.journeys.conftest import TABARD, House, Keys, allow, document, trust
from tests.journeys.signing import CALL, FORM, presigned, send, signed
from tests.journeys.tenant import Tenant, new_name, refused

pytestmark = [pytest.mark.journey, pytest.mark.enable_socket]

INVALID = "The security token included in the request is invalid."
EXPIRED = "The security token included in the request is expired"


@pytest.fixture(scope="module")
def genuine(home: Tenant) -> Keys:
    """A role session that works."""
    return home.session(home.role(trust({"AWS": home.account}), allow("iam:ListUsers")), RoleSessionName="genuine")


def test_control_the_genuine_session_works(home: Tenant, genuine: Keys) -> None:
    assert home.client("sts", genuine).get_caller_identity()["Arn"].endswith("/genuine")
    assert home.client("iam", genuine).list_users()["Users"]


def assert_invalid(home: Tenant, keys: Keys, reason: str | None = None) -> None:
    """Refused in the one text for all causes, and recorded once with its own."""
    before = len(home.house.audit())
    with refused("InvalidClientTokenId", INVALID, status=403):
        home.client("sts", keys).get_caller_identity()
    (record,) = home.house.audit()[before:]
    assert (record["errorCode"], record["userIdentity"]) == ("InvalidClientTokenId", {"type": "Unknown"})
    if reason is not None:
        assert record["additionalEventData"]["tabard"]["reason"] == reason


# ── K01, K02, K03: tokens and keys ───────────────────────────────────────────────────────────────────


def test_k01_a_token_that_was_changed_anywhere_is_refused(home: Tenant, genuine: Keys) -> None:
    token = str(genuine.session_token)
    changed = [
        *(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, len(token), 40)),
        *(token[:-1], token[:-4], token[: len(token) // 2], token[:8], token[1:]),
        *(token + "A", token + "=", token * 2, token.swapcase(), token[::-1]),
        *("x", "IQoJb3JpZ2luX2Vj" * 20, "A" * 4096, "A" * 5000, "%00", "..", "null"),
    ]
    for tampered in changed:
        assert_invalid(home, replace(genuine, session_token=tampered))


def test_k01_the_token_has_one_spelling(home: Tenant, genuine: Keys) -> None:
    token = str(genuine.session_token)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for character in last:
        if character != token[-1]:
            assert_invalid(home, replace(genuine, session_token=token[:-1] + character))
    assert_invalid(home, replace(genuine, session_token=token.replace("-", "+").replace("_", "/") + "="))


def test_k02_a_token_opens_beside_its_own_key_only(home: Tenant, abroad: Tenant, genuine: Keys) -> None:
    other = home.session(home.role(trust({"AWS": home.account})))
    foreign = Keys.of(abroad.sts.get_session_token()["Credentials"])

    for wrong in (other, foreign):
        assert_invalid(home, replace(genuine, session_token=wrong.session_token), "token.forged")
        assert_invalid(home, replace(wrong, session_token=genuine.session_token), "token.forged")
    for keys in (genuine, other, foreign):
        assert home.client("sts", keys).get_caller_identity()


def test_k02_a_long_lived_key_takes_no_token_at_all(home: Tenant, abroad: Tenant, genuine: Keys) -> None:
    """MinIO 8d52c7d: a root key with any token beside it was believed."""
    for keys in (home.keys, home.house.root, abroad.keys, home.user().keys):
        for token in (genuine.session_token, "x", "A" * 200):
            assert_invalid(home, replace(keys, session_token=token), "token.with-long-term-key")
        assert home.client("sts", keys).get_caller_identity()


def test_k02_a_users_session_with_its_own_users_key(home: Tenant) -> None:
    user = home.user()
    session = Keys.of(home.client("sts", user.keys).get_session_token()["Credentials"])

    assert_invalid(home, replace(user.keys, session_token=session.session_token), "token.with-long-term-key")
    assert_invalid(home, replace(session, access_key_id=user.keys.access_key_id), "token.with-long-term-key")
    with refused("SignatureDoesNotMatch", status=403):
        home.client("sts", replace(session, secret_access_key=user.keys.secret_access_key)).get_caller_identity()
    assert home.client("sts", session).get_caller_identity()


def test_k03_a_temporary_key_without_its_token_is_nobody(home: Tenant, genuine: Keys) -> None:
    assert_invalid(home, replace(genuine, session_token=None), "token.absent")
    assert_invalid(home, replace(genuine, access_key_id="AKIA" + genuine.access_key_id[4:], session_token=None))
    assert_invalid(home, replace(genuine, access_key_id="ASIA" + home.keys.access_key_id[4:]))
    assert_invalid(home, replace(home.keys, access_key_id="ASIA" + home.keys.access_key_id[4:]), "token.absent")


def test_k03_the_token_must_be_signed_where_it_is_sent(home: Tenant, genuine: Keys) -> None:
    without = replace(genuine, session_token=None)
    call = signed(home.house, without, data=CALL, **FORM)

    status, _, body = send(call, **{"X-Amz-Security-Token": str(genuine.session_token)})

    assert (status, b"<Code>SignatureDoesNotMatch</Code>" in body) == (403, True)
    assert send(signed(home.house, genuine, data=CALL, **FORM))[0] == 200
    assert send(presigned(home.house, genuine))[0] == 200


def test_k16_nothing_that_a_client_holds_makes_a_session(home: Tenant, genuine: Keys) -> None:
    """GHSA-ccrv, GHSA-m77q: the secret of a key must not sign tokens. A wrong secret beside a right token is refused."""
    for secret in (home.keys.secret_access_key, "", "A" * 40, genuine.secret_access_key.swapcase()):
        if secret:
            with refused("SignatureDoesNotMatch", status=403):
                home.client("sts", replace(genuine, secret_access_key=secret)).get_caller_identity()


# ── K06: the end of a session; K15: one thing passed off as another ──────────────────────────────────


@contextmanager
def mint_of(house: House) -> Iterator[tuple[RingMint, Foundation]]:
    """The house's own mint, as whoever runs the machine could open it."""
    with Foundation.open(dev_settings(house.data, port=0)) as at:
        yield RingMint(at.ring, at.entropy), at


def sealed(home: Tenant, **changes: Any) -> Keys:
    """A genuine token of this house over claims of our own choice."""
    role = home.iam.get_role(RoleName=home.role(trust({"AWS": home.account})).rsplit("/", 1)[-1])["Role"]
    now = datetime.now(UTC)
    claims = SessionClaims(
        **{
            "kind": SessionKind.ROLE,
            "account": home.account,
            "access_key_id": "ASIA" + home.keys.access_key_id[4:],
            "secret_access_key": "s" * 40,
            "issuer_id": role["RoleId"],
            "issued": now - timedelta(hours=1),
            "expires": now + timedelta(hours=1),
            "name": "sealed",
            **changes,
        }
    )
    with mint_of(home.house) as (mint, _):
        token = mint.seal(claims)
    return Keys(access_key_id=claims.access_key_id, secret_access_key=claims.secret_access_key, session_token=token)


def test_k06_a_session_that_is_over_is_told_so_before_anything_else(home: Tenant) -> None:
    now = datetime.now(UTC)
    assert home.client("sts", sealed(home)).get_caller_identity()["Arn"].endswith("/sealed")  # the control

    over = sealed(home, expires=now - timedelta(seconds=1))
    of_nobody = sealed(home, expires=now - timedelta(seconds=1), issuer_id="AROA" + "A" * 17)
    wrong_secret = replace(over, secret_access_key="x" * 40)
    for keys in (over, of_nobody, wrong_secret):
        with refused("ExpiredToken", EXPIRED, status=403):
            home.client("sts", keys).get_caller_identity()
    assert_invalid(home, sealed(home, issuer_id="AROA" + "A" * 17), "token.issuer-gone")


def test_k06_a_session_ends_while_it_is_in_use(home: Tenant) -> None:
    keys = sealed(home, expires=datetime.now(UTC) + timedelta(seconds=1))
    sts = home.client("sts", keys)
    until = datetime.now(UTC) + timedelta(seconds=3)

    while datetime.now(UTC) < until:
        try:
            sts.get_caller_identity()
        except sts.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "ExpiredToken"  # noqa: PT017 - polled for
            return
    pytest.fail("the session outlived its end")


def test_k15_nothing_else_that_was_given_out_is_a_token_and_a_token_is_nothing_else(
    home: Tenant, genuine: Keys
) -> None:
    for _ in range(2):
        home.user(name="page")
    marker = home.iam.list_users(MaxItems=1)["Marker"]
    device = home.iam.create_virtual_mfa_device(VirtualMFADeviceName=new_name("phone"))["VirtualMFADevice"]
    user = home.user()
    for text in (
        marker,
        device["Base32StringSeed"].decode(),
        user.keys.secret_access_key,
        user.id,
        genuine.access_key_id,
    ):
        assert_invalid(home, replace(genuine, session_token=text))

    for not_a_marker in (genuine.session_token, marker[:-1], marker + "x", user.id, "x"):
        with refused("ValidationError", status=400):
            home.iam.list_users(Marker=not_a_marker)
    with refused("ValidationError", status=400):
        home.iam.list_roles(Marker=marker)
    assert home.iam.list_users(Marker=marker)["Users"]
    with refused("AccessDenied"):
        home.sts.get_session_token(SerialNumber=device["SerialNumber"], TokenCode="123456")
    with refused("InvalidAuthorizationMessageException", status=400):
        home.sts.decode_authorization_message(EncodedMessage=genuine.session_token)


def test_v02_a_replay_inside_the_window_is_answered_and_recorded_each_time(home: Tenant, genuine: Keys) -> None:
    call = presigned(home.house, genuine)
    before = len(home.house.audit())

    assert [send(call)[0] for _ in range(2)] == [200, 200]

    first, second = home.house.audit()[before:]
    assert first["requestID"] != second["requestID"]
    assert first["eventID"] != second["eventID"]
    assert first["userIdentity"] == second["userIdentity"]


def test_v28_a_call_signed_for_one_service_is_not_answered_by_the_other(home: Tenant) -> None:
    """The scope says `sts`; the action is IAM's."""
    as_iam = signed(home.house, home.keys, data="Action=ListUsers&Version=2010-05-08", **FORM)

    status, _, body = send(as_iam)

    assert (status, b"SignatureDoesNotMatch" in body) == (403, True)
    assert send(signed(home.house, home.keys, data=CALL, **FORM))[0] == 200


# ── A03: secrets ─────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def recorded_house(folder: Path) -> Iterator[tuple[House, Callable[[], dict[str, bytes]]]]:
    """A server of its own, and everything that it wrote: by file name, what it printed included."""
    data, out, err = folder / "data", folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        command = [*TABARD, "dev", "--port", "0", "--data", str(data), "--json"]
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
    try:
        while b"\n" not in out.read_bytes():
            assert process.poll() is None, err.read_bytes()
        line = out.read_bytes().partition(b"\n")[0]
        said = json.loads(line)
        house = House(
            endpoint=said["endpoint"],
            account=said["account_id"],
            admin=Keys(access_key_id=said["access_key_id"], secret_access_key=said["secret_access_key"]),
            root=Keys(access_key_id=said["root_access_key_id"], secret_access_key=said["root_secret_access_key"]),
            data=data,
            pid=process.pid,
        )

        def written() -> dict[str, bytes]:
            files = {path.name: path.read_bytes() for path in sorted(data.iterdir()) if path.is_file()}
            return {**files, "stdout": out.read_bytes().removeprefix(line), "stderr": err.read_bytes()}

        yield house, written
    finally:
        process.terminate()
        process.wait(timeout=15)


def test_a03_no_secret_is_written_anywhere(tmp_path: Path) -> None:
    secrets: set[str] = set()

    def keep(keys: Keys) -> Keys:
        secrets.update(text for text in (keys.secret_access_key, keys.session_token) if text)
        return keys

    with recorded_house(tmp_path) as (house, written):
        keep(house.root)
        home = Tenant(house=house, account=house.account, keys=keep(house.admin))
        user = home.user(allow("*"), name="canary")
        keep(user.keys)
        device = home.device(user)
        secrets.add(device.seed)
        sts = home.client("sts", user.keys)
        code = device.next_code()
        with_mfa = keep(
            Keys.of(sts.get_session_token(SerialNumber=device.serial_number, TokenCode=code)["Credentials"])
        )
        role = home.role(trust({"AWS": home.account}), allow("*"))
        session = keep(home.session(role, with_mfa, Policy=document(allow("iam:*"))))
        keep(Keys.of(sts.get_federation_token(Name="jean")["Credentials"]))
        keep(home.session(role, keep(home.session(role, user.keys))))
        home.client("iam", session).list_users()
        # And what is refused: secrets where they do not belong.
        for wrong in (
            replace(session, secret_access_key="CANARY" + "x" * 34),
            replace(session, session_token="CANARY" + str(session.session_token)),
            replace(user.keys, session_token=session.session_token),
            replace(session, session_token=None),
        ):
            keep(wrong)
            with refused_somehow(home):
                home.client("sts", wrong).get_caller_identity()
        with refused_somehow(home):
            home.client("iam", with_mfa).get_access_key_last_used(AccessKeyId="AKIA" + "A" * 16)
        for authorization in ("Bearer CANARY-bearer", "AWS4-HMAC-SHA256 CANARY-header", "AWS4-HMAC-SHA256 Credential"):
            call = signed(house, user.keys, data=CALL, **FORM)
            call.headers["Authorization"] = authorization
            assert send(call)[0] in {400, 403}
        secrets.update({"CANARY-bearer", "CANARY-header"})
        link = presigned(house, session)
        assert send(link)[0] == 200
        secrets.add(re.search(r"X-Amz-Signature=([0-9a-f]{64})", link.prepare().url)[1])  # type: ignore[index]
        seen = written()
        records = house.audit()

    assert set(seen) >= {"audit.jsonl", "tabard.db", "stdout", "stderr"}
    for name, content in seen.items():
        for secret in secrets:
            assert secret.encode() not in content, f"{name} holds {secret[:6]}…"
    issued = [record for record in records if record["eventName"] == "GetSessionToken" and "errorCode" not in record]
    assert issued
    assert all(f'"{code}"' not in json.dumps(record) for record in records)
    assert issued[0]["requestParameters"]["tokenCode"] == "HIDDEN_DUE_TO_SECURITY_REASONS"


@contextmanager
def refused_somehow(home: Tenant) -> Iterator[None]:
    with pytest.raises(home.sts.exceptions.ClientError) as caught:
        yield
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403, 404}


def test_a03_the_error_that_a_client_reads_holds_no_secret_either(home: Tenant, genuine: Keys) -> None:
    for keys in (replace(genuine, secret_access_key="x" * 40), replace(genuine, session_token="y" * 200)):
        status, _, body = send(signed(home.house, keys, data=CALL, **FORM))
        assert status == 403
        for secret in (genuine.secret_access_key, str(genuine.session_token), str(keys.session_token)):
            assert secret.encode() not in body
