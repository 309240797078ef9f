from datetime import UTC, datetime, timedelta

import pytest
from argon2.exceptions import VerificationError

from tabard.directory.entities import LoginProfile, PasswordPolicy
from tabard.directory.passwords import SYMBOLS, forbidden_before, has_expired, hash_password, is_password

SALT = bytes(range(16))
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_the_salt_makes_the_hash_and_the_hash_says_how_it_was_made():
    hashed = hash_password("word", entropy=SALT)
    assert hashed == hash_password("word", entropy=SALT)
    assert hashed != hash_password("word", entropy=SALT[::-1])
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$")


@pytest.mark.parametrize("password", ["word", "", "wörd", "\t\n\r ÿ", "x" * 128])
def test_a_hash_is_one_password_s(password):
    hashed = hash_password(password, entropy=SALT)
    assert is_password(hashed, password)
    assert not is_password(hashed, password + " ")
    assert not is_password(hashed, password.swapcase() + "x")


def test_what_is_no_hash_is_a_mistake_of_ours_and_no_wrong_password():
    with pytest.raises(VerificationError):
        is_password("$argon2id$nonsense", "word")


@pytest.mark.parametrize(
    ("policy", "days", "expired"),
    [
        (None, 1000, False),
        (PasswordPolicy(), 1000, False),
        (PasswordPolicy(maximum_age=timedelta(days=30)), 29, False),
        (PasswordPolicy(maximum_age=timedelta(days=30)), 30, True),
    ],
)
def test_a_password_expires_when_its_policy_says(policy, days, expired):
    profile = LoginProfile(account="1", user_id="A", created=NOW, changed=NOW, sealed_hashes=())
    assert has_expired(profile, policy, now=NOW + timedelta(days=days)) is expired


def test_how_many_passwords_must_not_come_again():
    assert forbidden_before(None) == forbidden_before(PasswordPolicy()) == 0
    assert forbidden_before(PasswordPolicy(reuse_prevention=5)) == 5


def test_symbols_are_those_that_aws_names():
    assert {
        "!",
        "@",
        "#",
        "$",
        "%",
        "^",
        "&",
        "*",
        "(",
        ")",
        "_",
        "+",
        "-",
        "=",
        "[",
        "]",
        "{",
        "}",
        "|",
        "'",
    } == SYMBOLS
