"""Ids carry their account as AWS's do, and are never given out twice."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.names import ids

ACCOUNTS = st.integers(0, 10**12 - 1).map("{:012d}".format)


@pytest.mark.parametrize(
    ("published", "account"),
    [
        ("AIDARKEXDU3E7KD3L3CRF", "090511222473"),
        ("AROARYWSMSYIPWMOE25U2", "121774052880"),
        ("ASIA" + "QNZGKIQY56JQ7WML", "029608264753"),
    ],
)
def test_ids_that_aws_published_tell_their_account(published: str, account: str) -> None:
    assert ids.account_of(published) == account


@given(ACCOUNTS, st.binary(min_size=5, max_size=5))
def test_an_access_key_id_has_aws_shape_and_carries_its_account(account: str, entropy: bytes) -> None:
    made = ids.access_key_id(ids.TEMPORARY_KEY, account, entropy=entropy)

    assert ids.ACCESS_KEY_ID.fullmatch(made)
    assert ids.account_of(made) == account


@given(ACCOUNTS, st.binary(min_size=6, max_size=6))
def test_a_unique_id_is_21_characters_and_carries_its_account(account: str, entropy: bytes) -> None:
    made = ids.unique_id(ids.ROLE, account, entropy=entropy)

    assert re.fullmatch(r"AROA[A-Z2-7]{17}", made, re.ASCII)
    assert ids.account_of(made) == account


@given(st.binary(min_size=5, max_size=5), st.binary(min_size=5, max_size=5))
def test_other_entropy_makes_another_id_but_for_the_bit_that_belongs_to_the_account(one: bytes, other: bytes) -> None:
    same = one[0] & 0x7F == other[0] & 0x7F and one[1:] == other[1:]
    account = "123456789012"

    made = [ids.access_key_id(ids.LONG_TERM_KEY, account, entropy=entropy) for entropy in (one, other)]

    assert (made[0] == made[1]) == same


@pytest.mark.parametrize(
    "text", ["", "AKIA", "AKIAIOSFODNN7EXAMPLE", "AKIA" + "a" * 16, "ASIA" + "é" * 16, "AKIA" + "A" * 16]
)
def test_a_text_that_is_no_such_id_carries_no_account(text: str) -> None:
    assert ids.account_of(text) is None


@given(st.binary(min_size=8, max_size=8))
def test_an_account_id_is_twelve_digits_and_does_not_begin_with_zero(entropy: bytes) -> None:
    made = ids.account_id(entropy=entropy)

    assert ids.is_account_id(made)
    assert made[0] != "0"


@pytest.mark.parametrize(
    "text", ["12345678901", "1234567890123", "12345678901a", "１２３４５６７８９０１２", "123456789012\n"]
)
def test_only_twelve_ascii_digits_are_an_account_id(text: str) -> None:
    assert not ids.is_account_id(text)


@given(st.binary(min_size=30, max_size=30))
def test_a_secret_is_forty_characters_of_base64(entropy: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", ids.secret_access_key(entropy=entropy), re.ASCII)


def test_an_id_that_is_taken_is_not_given_out_again() -> None:
    candidates = iter(["taken", "taken", "free"])

    assert ids.free(lambda: next(candidates), {"taken": object()}.get) == "free"
