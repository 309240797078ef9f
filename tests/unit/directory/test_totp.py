import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from tabard.directory.entities import MFADevice
from tabard.directory.totp import (
    MAXIMUM_FAILURES,
    SEED_ENTROPY,
    after_code,
    base32_seed,
    enrolment_uri,
    is_locked,
    verify_code,
    verify_consecutive_codes,
)

RFC = json.loads((Path(__file__).parents[2] / "vectors/totp/rfc6238.json").read_text())
SEED = bytes(range(SEED_ENTROPY))
NOW = datetime(2026, 11, 24, 12, 0, 15, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30
DEVICE = MFADevice(account="111122223333", name="phone", created=NOW, sealed_seed=b"", owner_id="AIDA", enabled=NOW)


def code(step: int) -> str:
    return pyotp.HOTP(base32_seed(SEED)).at(step)


@pytest.mark.parametrize("case", RFC["cases"], ids=lambda case: case["name"])
def test_codes_are_those_of_the_rfc(case):
    now = datetime.fromtimestamp(case["at"], UTC)
    assert verify_code(RFC["seed"].encode(), case["code"], now=now, last_step=0) == case["step"]


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_code_is_good_one_step_early_and_one_step_late(offset):
    assert verify_code(SEED, code(STEP + offset), now=NOW, last_step=0) == STEP + offset


@pytest.mark.parametrize("offset", [-20, -2, 2, 20])
def test_a_code_outside_the_window_proves_nothing(offset):
    assert verify_code(SEED, code(STEP + offset), now=NOW, last_step=0) is None


@pytest.mark.parametrize(
    "text", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", " 12345", "-12345", "１２３４５６"]
)
def test_only_six_ascii_digits_are_a_code(text):
    assert verify_code(SEED, text, now=NOW, last_step=0) is None


def test_a_step_is_accepted_once_and_so_are_those_before_it():
    assert verify_code(SEED, code(STEP), now=NOW, last_step=STEP - 1) == STEP
    assert verify_code(SEED, code(STEP), now=NOW, last_step=STEP) is None
    assert verify_code(SEED, code(STEP - 1), now=NOW, last_step=STEP) is None
    assert verify_code(SEED, code(STEP + 1), now=NOW, last_step=STEP) == STEP + 1


@pytest.mark.parametrize("start", [-2, -1, 0])
def test_two_codes_in_a_row_prove_the_step_of_the_second(start):
    first, second = code(STEP + start), code(STEP + start + 1)
    assert verify_consecutive_codes(SEED, first, second, now=NOW, last_step=0) == STEP + start + 1


@pytest.mark.parametrize(
    ("first", "second"), [(0, 0), (0, -1), (-1, 1), (-3, -2), (1, 2)], ids=["twice", "swapped", "gap", "old", "early"]
)
def test_two_codes_that_do_not_follow_one_another_in_the_window_prove_nothing(first, second):
    assert verify_consecutive_codes(SEED, code(STEP + first), code(STEP + second), now=NOW, last_step=0) is None


def test_consecutive_codes_are_not_taken_from_used_steps():
    assert verify_consecutive_codes(SEED, code(STEP - 1), code(STEP), now=NOW, last_step=STEP - 1) is None
    assert verify_consecutive_codes(SEED, code(STEP), code(STEP + 1), now=NOW, last_step=STEP - 1) == STEP + 1


def test_digits_may_not_move_between_two_codes():
    both = code(STEP - 1) + code(STEP)
    assert verify_consecutive_codes(SEED, both[:5], both[5:], now=NOW, last_step=0) is None


def test_a_right_code_is_written_down_and_forgets_the_failures():
    device, accepted = after_code(replace(DEVICE, failures=4), code(STEP), seed=SEED, now=NOW)
    assert (accepted, device.last_step, device.failures) == (True, STEP, 0)


def test_after_five_wrong_codes_in_a_row_the_right_one_is_refused_at_any_time():
    device = DEVICE
    for _ in range(MAXIMUM_FAILURES):
        assert not is_locked(device)
        device, accepted = after_code(device, code(STEP + 50), seed=SEED, now=NOW)
        assert not accepted
    assert is_locked(device)
    for days in (0, 1, 1000):
        later = NOW + timedelta(days=days)
        unchanged, accepted = after_code(device, pyotp.TOTP(base32_seed(SEED)).at(later), seed=SEED, now=later)
        assert (unchanged, accepted) == (device, False)


def test_the_seed_is_sixty_four_characters_without_padding():
    assert len(base32_seed(SEED)) == 64
    assert "=" not in base32_seed(SEED)


def test_the_enrolment_text_names_issuer_label_and_seed():
    parts = urlsplit(enrolment_uri(SEED, label="phone@111122223333"))
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", "/Tabard:phone@111122223333")
    assert parse_qs(parts.query) == {"secret": [base32_seed(SEED)], "issuer": ["Tabard"]}
