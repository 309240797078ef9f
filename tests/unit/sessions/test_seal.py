import json
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tabard.sessions.seal import MAXIMUM, TokenKeys, open_token, packed_policy_size, seal_token
from tests.vectors.session_claims import claims_from

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/sessions/tokens-v1.json").read_text())["cases"]
CLAIMS = claims_from(VECTORS[0]["claims"])
KEYS = TokenKeys(1, {1: b"k" * 32})
NONCE = bytes(12)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_tokens_of_version_1_open_for_ever(case):
    keys = TokenKeys(case["key_id"], {case["key_id"]: bytes.fromhex(case["key"])})
    assert open_token(case["token"], case["claims"]["access_key_id"], keys) == claims_from(case["claims"])


@pytest.mark.parametrize("case", [c for c in VECTORS if c["name"] != "deflated"], ids=lambda case: case["name"])
def test_sealing_is_a_function_of_claims_key_and_nonce(case):
    """Deflate's output may differ from one zlib to the next; what it inflates to may not."""
    keys = TokenKeys(case["key_id"], {case["key_id"]: bytes.fromhex(case["key"])})
    nonce = bytes.fromhex(case["nonce"])
    sealed = seal_token(claims_from(case["claims"]), keys, nonce=nonce, minimum_size=case.get("minimum_size", 0))
    assert sealed == case["token"]


def test_a_typical_token_is_short():
    claims = replace(CLAIMS, tags={"Department": "HR", "Team": "blue"}, source_identity="alice")
    assert len(seal_token(claims, KEYS, nonce=NONCE)) < 300


@pytest.mark.parametrize("size", [*range(250, 280), 1000, 4093, 4094, 4095, 4096])
def test_a_token_is_at_least_as_long_as_asked_for(size):
    token = seal_token(CLAIMS, KEYS, nonce=NONCE, minimum_size=size)
    assert size <= len(token) <= min(size + 2, MAXIMUM)
    assert open_token(token, CLAIMS.access_key_id, KEYS) == CLAIMS


def test_a_minimum_below_the_natural_size_changes_nothing():
    assert seal_token(CLAIMS, KEYS, nonce=NONCE, minimum_size=10) == seal_token(CLAIMS, KEYS, nonce=NONCE)


def test_fractions_of_seconds_are_dropped():
    claims = replace(CLAIMS, issued=CLAIMS.issued + timedelta(milliseconds=999))
    assert open_token(seal_token(claims, KEYS, nonce=NONCE), CLAIMS.access_key_id, KEYS) == CLAIMS


@pytest.mark.parametrize(("length", "percent"), [(1, 1), (40, 1), (41, 2), (2048, 50), (4096, 100)])
def test_the_packed_size_is_a_percentage_rounded_up(length, percent):
    assert packed_policy_size("x" * length) == percent


def test_a_ring_without_its_active_key_seals_nothing():
    with pytest.raises(LookupError):
        seal_token(CLAIMS, TokenKeys(2, {1: b"k" * 32}), nonce=NONCE)


def test_a03_claims_do_not_show_their_secret():
    assert CLAIMS.secret_access_key not in repr(CLAIMS)
