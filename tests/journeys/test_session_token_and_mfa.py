"""GetSessionToken, and what a second factor opens (IAM User Guide, "Secure API access with MFA")."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import House, Keys, allow, trust
from tests.journeys.tenant import Someone, Tenant, denied, refused

UNKNOWN_DEVICE = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)
WRONG_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
ONLY_ONE = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. "
INVALID = "The security token included in the request is invalid."
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def lasts(credentials: dict) -> timedelta:
    """How long credentials last, to the next minute."""
    left = credentials["Expiration"] - datetime.now(UTC)
    return timedelta(minutes=-(-left.total_seconds() // 60))


@pytest.fixture
def ana(home: Tenant) -> Someone:
    return home.user(allow("*"), name="ana")


def test_a_users_session_lasts_12_hours_unless_asked_otherwise(home: Tenant, ana: Someone) -> None:
    sts = home.client("sts", ana.keys)

    assert lasts(sts.get_session_token()["Credentials"]) == timedelta(hours=12)
    assert lasts(sts.get_session_token(DurationSeconds=900)["Credentials"]) == timedelta(minutes=15)
    assert lasts(sts.get_session_token(DurationSeconds=129600)["Credentials"]) == timedelta(hours=36)
    for seconds in (899, 129601):
        with refused("ValidationError"):
            sts.get_session_token(DurationSeconds=seconds)


def test_roots_session_is_cut_to_an_hour_without_a_word(abroad: Tenant) -> None:
    for parameters in ({}, {"DurationSeconds": 129600}):
        assert lasts(abroad.sts.get_session_token(**parameters)["Credentials"]) == timedelta(hours=1)
    session = Keys.of(abroad.sts.get_session_token(DurationSeconds=900)["Credentials"])

    identity = abroad.client("sts", session).get_caller_identity()

    assert (identity["Arn"], identity["UserId"]) == (f"arn:aws:iam::{abroad.account}:root", abroad.account)


def test_a_session_without_a_second_factor_is_the_user_and_may_not_call_iam(home: Tenant, ana: Someone) -> None:
    session = Keys.of(home.client("sts", ana.keys).get_session_token()["Credentials"])
    sts = home.client("sts", session)

    assert sts.get_caller_identity()["UserId"] == ana.id
    with refused("InvalidClientTokenId", INVALID, status=403):
        home.client("iam", session).list_users()
    role = home.role(trust({"AWS": ana.arn}))
    assert sts.assume_role(RoleArn=role, RoleSessionName="ana")["AssumedRoleUser"]["Arn"].endswith("/ana")


def test_a_session_may_not_make_another_one(home: Tenant, ana: Someone) -> None:
    session = Keys.of(home.client("sts", ana.keys).get_session_token()["Credentials"])
    of_role = home.session(home.role(trust({"AWS": ana.arn}), allow("sts:*")), ana.keys)

    for keys in (session, of_role):
        sts = home.client("sts", keys)
        with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", status=403):
            sts.get_session_token()
        with refused("AccessDenied", "Cannot call GetFederationToken with session credentials", status=403):
            sts.get_federation_token(Name="feda")
    with refused("AccessDenied"):
        home.client("sts", session).get_access_key_info(AccessKeyId=ana.keys.access_key_id)


def test_with_a_second_factor_the_session_may_call_iam_and_roles_that_ask_for_it(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    guarded = home.role(trust({"AWS": home.account}, Condition=WITH_MFA))
    young = home.role(trust({"AWS": home.account}, Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}))
    without = Keys.of(home.client("sts", ana.keys).get_session_token()["Credentials"])

    for keys in (ana.keys, without):
        for role in (guarded, young):
            with refused("AccessDenied", denied(ana.arn, "sts:AssumeRole", role), status=403):
                home.session(role, keys)

    code = {"SerialNumber": device.serial_number, "TokenCode": device.next_code()}
    session = Keys.of(home.client("sts", ana.keys).get_session_token(**code)["Credentials"])
    assert home.client("iam", session).list_users()["Users"]
    for role in (guarded, young):
        assert home.session(role, session)


def test_assume_role_itself_takes_a_second_factor(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    guarded = home.role(trust({"AWS": home.account}, Condition=WITH_MFA), allow("iam:ListUsers"))

    code = {"SerialNumber": device.serial_number, "TokenCode": device.next_code()}
    session = home.session(guarded, ana.keys, **code)

    assert home.client("iam", session).list_users()["Users"]
    # The session of a role carries no second factor on, so that a chain cannot live on one.
    with refused("AccessDenied"):
        home.session(guarded, session)


def test_an_identity_policy_asks_for_a_second_factor_and_if_exists_is_the_trap(home: Tenant) -> None:
    strict = home.user(allow("iam:ListUsers", Condition=WITH_MFA), name="strict")
    lax = home.user(
        allow("iam:ListUsers", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}), name="lax"
    )

    with refused("AccessDenied"):
        home.client("iam", strict.keys).list_users()
    # A long-lived key has no such key in its context at all, and `IfExists` then holds.
    assert home.client("iam", lax.keys).list_users()["Users"]

    device = home.device(strict)
    code = {"SerialNumber": device.serial_number, "TokenCode": device.next_code()}
    session = Keys.of(home.client("sts", strict.keys).get_session_token(**code)["Credentials"])
    assert home.client("iam", session).list_users()["Users"]


def test_k20_a_code_is_good_once(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    sts = home.client("sts", ana.keys)

    assert sts.get_session_token(SerialNumber=device.serial_number, TokenCode=device.next_code())
    with refused("AccessDenied", WRONG_CODE, status=403):
        sts.get_session_token(SerialNumber=device.serial_number, TokenCode=device.last_code())
    with refused("AccessDenied", WRONG_CODE):
        home.session(
            home.role(trust({"AWS": ana.arn})),
            ana.keys,
            SerialNumber=device.serial_number,
            TokenCode=device.last_code(),
        )
    assert sts.get_session_token(SerialNumber=device.serial_number, TokenCode=device.next_code())


def test_k20_a_code_that_is_given_many_times_at_once_is_good_once(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    code = {"SerialNumber": device.serial_number, "TokenCode": device.next_code()}
    clients = [home.client("sts", ana.keys) for _ in range(8)]

    def ask(sts: Any) -> str:
        try:
            sts.get_session_token(**code)
        except ClientError as refusal:
            return refusal.response["Error"]["Message"]
        return "given"

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(ask, clients))

    assert answers["given"] == 1
    assert set(answers) <= {"given", WRONG_CODE}


def test_k20_the_codes_that_enabled_a_device_are_used_up(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)

    with refused("AccessDenied", WRONG_CODE):
        home.client("sts", ana.keys).get_session_token(SerialNumber=device.serial_number, TokenCode=device.last_code())


def test_k20_another_users_device_is_as_unknown_as_one_that_never_was(
    home: Tenant, abroad: Tenant, ana: Someone
) -> None:
    others = home.device(home.user(name="bo"))
    foreign = abroad.device(abroad.user(name="ana"))
    sts = home.client("sts", ana.keys)

    for serial in (others.serial_number, foreign.serial_number, f"arn:aws:iam::{home.account}:mfa/never"):
        for code in (others.next_code(), "000000"):
            with refused("AccessDenied", UNKNOWN_DEVICE, status=403):
                sts.get_session_token(SerialNumber=serial, TokenCode=code)


def test_k20_one_parameter_without_the_other(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    sts = home.client("sts", ana.keys)

    for parameters in ({"SerialNumber": device.serial_number}, {"TokenCode": device.next_code()}):
        with refused("AccessDenied", ONLY_ONE, status=403):
            sts.get_session_token(**parameters)
        with refused("AccessDenied", ONLY_ONE, status=403):
            sts.assume_role(RoleArn=home.role(trust({"AWS": ana.arn})), RoleSessionName="ana", **parameters)


def test_k20_five_wrong_codes_lock_the_device_until_two_codes_open_it(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    other = home.device(ana)
    sts = home.client("sts", ana.keys)

    for _ in range(5):
        with refused("AccessDenied", WRONG_CODE):
            sts.get_session_token(SerialNumber=device.serial_number, TokenCode=device.wrong_code())
    with refused("AccessDenied", WRONG_CODE):
        sts.get_session_token(SerialNumber=device.serial_number, TokenCode=device.next_code())

    assert sts.get_session_token(SerialNumber=other.serial_number, TokenCode=other.next_code())
    home.iam.resync_mfa_device(
        UserName=ana.name,
        SerialNumber=device.serial_number,
        AuthenticationCode1=device.last_code(),
        AuthenticationCode2=device.next_code(),
    )
    locked_no_more = home.house.audit()[-1]
    assert (locked_no_more["eventName"], locked_no_more.get("errorCode")) == ("ResyncMFADevice", None)


def test_k20_a_device_that_was_taken_away_is_good_for_nothing(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    home.iam.deactivate_mfa_device(UserName=ana.name, SerialNumber=device.serial_number)

    with refused("AccessDenied", UNKNOWN_DEVICE):
        home.client("sts", ana.keys).get_session_token(SerialNumber=device.serial_number, TokenCode=device.next_code())


def test_a_code_of_a_wrong_form_is_a_bad_parameter_and_not_a_guess(home: Tenant, ana: Someone) -> None:
    device = home.device(ana)
    sts = home.client("sts", ana.keys)

    for code in ("12345", "1234567", "12345x", "١٢٣٤٥٦"):
        with refused("ValidationError", status=400):
            sts.get_session_token(SerialNumber=device.serial_number, TokenCode=code)
    assert sts.get_session_token(SerialNumber=device.serial_number, TokenCode=device.next_code())


def test_the_aws_cli_takes_a_role_with_a_second_factor(home: Tenant, house: House, ana: Someone) -> None:
    device = home.device(ana)
    guarded = home.role(trust({"AWS": ana.arn}, Condition=WITH_MFA))

    taken = house.aws(
        *("sts", "assume-role", "--role-arn", guarded, "--role-session-name", "cli"),
        *("--serial-number", device.serial_number, "--token-code", device.next_code()),
        keys=ana.keys,
    )

    assert taken["AssumedRoleUser"]["Arn"].endswith("/cli")
