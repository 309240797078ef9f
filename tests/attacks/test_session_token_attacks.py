"""Session tokens under attack: row K of the checklist, as far as sealing itself can meet it.

Every refusal has one public text; the reason tells it apart. Beside each stands the genuine token.
"""

import base64
import hashlib
import json
import threading
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from msgspec.structs import replace

from tabard.actions.paging import page_of
from tabard.adapters.keyring import KeyRing
from tabard.adapters.stores.memory import MemoryStore
from tabard.directory.entities import KeyPurpose
from tabard.faults import (
    ConstraintViolated,
    ExpiredToken,
    InvalidClientTokenId,
    InvalidParameterValue,
    PackedPolicyTooLarge,
)
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.sessions.rules import require_current, role_session_duration, session_tags, source_identity
from tabard.sessions.seal import MAXIMUM, TokenKeys, open_token, packed_policy_size, seal_token
from tests.worlds import CountingEntropy

NOW = datetime(2026, 11, 24, 10, 15, tzinfo=UTC)
KEY_ID = "ASIAEXAMPLEEXAMPLE12"
KEYS = TokenKeys(7, {7: b"k" * 32, 3: b"o" * 32})
NONCE = bytes(range(12))
SETTLE = timedelta(milliseconds=300)
CLAIMS = SessionClaims(
    kind=SessionKind.ROLE,
    account="111122223333",
    access_key_id=KEY_ID,
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    issuer_id="AROAEXAMPLEEXAMPLE123",
    issued=NOW,
    expires=NOW + timedelta(hours=1),
    name="session-1",
    tags={"Department": "HR"},
    transitive_tag_keys=("Department",),
)
TOKEN = seal_token(CLAIMS, KEYS, nonce=NONCE)


class StandingClock:
    def now(self) -> datetime:
        return NOW


def refused(token: str, reason: str | set[str], *, key_id: str = KEY_ID, keys: TokenKeys = KEYS) -> None:
    with pytest.raises(InvalidClientTokenId) as caught:
        open_token(token, key_id, keys)
    assert caught.value.public == "The security token included in the request is invalid."
    assert caught.value.reason in ({reason} if isinstance(reason, str) else reason)


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def sealed_plain(plain: bytes) -> str:
    """What only the holder of the sealing key can make: any plaintext, properly sealed."""
    head = b"\1" + (7).to_bytes(4) + NONCE
    aad = b"tabard session token\0" + head[:5] + KEY_ID.encode()
    return encoded(head + AESGCMSIV(b"k" * 32).encrypt(NONCE, plain, aad))


def test_control_a_genuine_token_opens():
    assert open_token(TOKEN, KEY_ID, KEYS) == CLAIMS


def test_k01_flipping_any_bit_of_any_byte_closes_the_token():
    raw = decoded(TOKEN)
    for position in range(len(raw)):
        for bit in range(8):
            flipped = bytearray(raw)
            flipped[position] ^= 1 << bit
            # 7 with one bit flipped is 3 once: the other key of the ring.
            other_key = position < 5 and bytes(flipped[1:5]) != (3).to_bytes(4)
            reason = "token.version" if position < 1 else "token.key-unknown" if other_key else "token.forged"
            refused(encoded(bytes(flipped)), reason)


def test_k01_every_truncation_and_extension_is_refused():
    for size in range(len(TOKEN)):
        refused(TOKEN[:size], {"token.malformed", "token.forged"})
    for tail in ("A", "AA", "AAA", "AAAA", "=", "==", "\n", " ", "\0", "é", "+", "/"):
        refused(TOKEN + tail, {"token.malformed", "token.forged"})


def test_k01_only_one_spelling_of_the_token_opens():
    """Set bits behind the last byte, the other base64 alphabet, padding and white space decode to the same bytes."""
    odd = next(
        t for n in range(3) if len(t := seal_token(replace(CLAIMS, name="s" * (n + 2)), KEYS, nonce=NONCE)) % 4 == 2
    )
    for token in (TOKEN, odd, seal_token(replace(CLAIMS, name="session-123"), KEYS, nonce=NONCE)):
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        twins = [token[:-1] + last for last in alphabet if token[-1] != last]
        twins += [
            token + "=" * (-len(token) % 4),
            token[:9] + "\n" + token[9:],
            token[:9] + "!" + token[9:],
            " " + token,
        ]
        twins += [token.replace("-", "+").replace("_", "/")] if set(token) & set("-_") else []
        for twin in twins:
            refused(twin, {"token.malformed", "token.forged"})
    assert decoded(odd[:-1] + alphabet[alphabet.index(odd[-1]) + 1]) == decoded(odd)
    refused(odd[:-1] + alphabet[alphabet.index(odd[-1]) + 1], "token.malformed")
    refused(odd + "=" * (-len(odd) % 4), "token.malformed")


def test_k01_swapped_segments_of_two_genuine_tokens_are_refused():
    other = decoded(seal_token(CLAIMS, KEYS, nonce=b"another-one!"))
    raw = decoded(TOKEN)
    refused(encoded(raw[:17] + other[17:]), "token.forged")
    refused(encoded(raw[:5] + other[5:17] + raw[17:]), "token.forged")
    refused(encoded(raw[:-16] + other[-16:]), "token.forged")


@pytest.mark.parametrize("version", [0, 2, 255])
def test_k01_another_version_is_refused(version):
    refused(encoded(bytes([version]) + decoded(TOKEN)[1:]), "token.version")


@pytest.mark.parametrize(
    "junk", ["", "A", "AAAA", "FwoGZXIvYXdzEXAMPLE", "IQoJb3JpZ2luX2VjEXAMPLE" * 20, "null", "{}", "\u0661" * 80]
)
def test_k01_what_is_no_token_is_refused(junk):
    refused(junk, {"token.malformed", "token.version"})


def test_k01_a_token_beyond_the_limit_is_not_even_decoded():
    refused("A" * (MAXIMUM + 1), "token.too-long")


@pytest.mark.parametrize("key_id", ["ASIAEXAMPLEEXAMPLE13", "AKIAEXAMPLEEXAMPLE12", KEY_ID.lower(), KEY_ID + "A", ""])
def test_k02_a_token_opens_beside_its_own_access_key_only(key_id):
    refused(TOKEN, "token.forged", key_id=key_id)


def test_k04_an_older_key_opens_and_a_retired_one_does_not():
    old = seal_token(CLAIMS, TokenKeys(3, {3: b"o" * 32}), nonce=NONCE)
    assert open_token(old, KEY_ID, KEYS) == CLAIMS
    refused(old, "token.key-unknown", keys=TokenKeys(7, {7: b"k" * 32}))


def test_k04_the_key_id_alone_chooses_the_key():
    """No trial decryption: the right key under another id opens nothing, nor does another key under the right id."""
    refused(TOKEN, "token.key-unknown", keys=TokenKeys(8, {8: b"k" * 32}))
    refused(TOKEN, "token.forged", keys=TokenKeys(7, {7: b"x" * 32, 8: b"k" * 32}))


def test_k04_both_nodes_know_a_new_key_before_either_seals_with_it():
    store, entropy, master = MemoryStore(), CountingEntropy(), b"m" * 32
    one = KeyRing(store, master, entropy=entropy, clock=StandingClock())
    other = KeyRing(store, master, entropy=entropy, clock=StandingClock())
    before = seal_token(CLAIMS, one.token_keys(), nonce=NONCE)
    rotating = threading.Thread(target=one.rotate, args=(KeyPurpose.SESSION_TOKEN,), kwargs={"settle": SETTLE})
    rotating.start()
    while rotating.is_alive():
        other.reload()
        assert open_token(seal_token(CLAIMS, one.token_keys(), nonce=NONCE), KEY_ID, other.token_keys()) == CLAIMS
    rotating.join()
    after = seal_token(CLAIMS, one.token_keys(), nonce=NONCE)
    assert decoded(after)[:5] != decoded(before)[:5]
    assert open_token(before, KEY_ID, other.token_keys()) == CLAIMS
    assert open_token(after, KEY_ID, other.token_keys()) == CLAIMS


def test_k05_a_repeated_nonce_tells_no_more_than_that_two_tokens_are_equal():
    assert seal_token(CLAIMS, KEYS, nonce=NONCE) == TOKEN
    other = decoded(seal_token(replace(CLAIMS, name="session-2"), KEYS, nonce=NONCE))
    # With a stream cipher the two would differ in the name alone; SIV makes all of it differ.
    same = sum(a == b for a, b in zip(decoded(TOKEN)[17:], other[17:], strict=True))
    assert same < len(other) // 8


def test_k06_a_session_ends_at_the_instant_it_was_told():
    claims = open_token(TOKEN, KEY_ID, KEYS)
    require_current(claims, now=claims.expires - timedelta(microseconds=1))
    require_current(claims, now=claims.issued - timedelta(minutes=5))
    for late in (timedelta(0), timedelta(seconds=1), timedelta(days=1)):
        with pytest.raises(ExpiredToken) as caught:
            require_current(claims, now=claims.expires + late)
        assert caught.value.reason == "token.expired"
        assert caught.value.public == "The security token included in the request is expired"


def test_k11_a_chained_session_lasts_an_hour_at_most():
    hours = timedelta(hours=1)
    assert role_session_duration(hours, role_maximum=12 * hours, chained=True) == hours
    assert role_session_duration(12 * hours, role_maximum=12 * hours, chained=False) == 12 * hours
    with pytest.raises(ConstraintViolated) as caught:
        role_session_duration(hours + timedelta(seconds=1), role_maximum=12 * hours, chained=True)
    assert caught.value.reason == "session.duration.chained"


@pytest.mark.parametrize("key", ["Department", "DEPARTMENT", "department"])
def test_k12_an_inherited_transitive_tag_cannot_be_set_again(key):
    assert session_tags([("Team", "x")], (), inherited={"Department": "HR"})[0] == {"Department": "HR", "Team": "x"}
    with pytest.raises(InvalidParameterValue) as caught:
        session_tags([(key, "Finance")], (), inherited={"Department": "HR"})
    assert caught.value.reason == "session.tags.inherited"


def test_k12_the_source_identity_of_a_chain_cannot_be_changed():
    assert source_identity(None, inherited="alice") == "alice"
    with pytest.raises(ConstraintViolated) as caught:
        source_identity("mallory", inherited="alice")
    assert caught.value.reason == "session.source-identity"


def test_k13_no_longer_than_the_role_allows():
    hour = timedelta(hours=1)
    assert role_session_duration(2 * hour, role_maximum=2 * hour, chained=False) == 2 * hour
    with pytest.raises(ConstraintViolated) as caught:
        role_session_duration(2 * hour + timedelta(seconds=1), role_maximum=2 * hour, chained=False)
    assert caught.value.reason == "session.duration.role"


def noise(size: int, seed: int) -> str:
    """Text that hardly deflates."""
    return base64.b64encode(hashlib.shake_128(seed.to_bytes(8)).digest(size))[:size].decode()


def test_k14_what_does_not_fit_is_refused_in_awss_words():
    tags = {noise(100, n): noise(256, 100 + n) for n in range(50)}
    policy = noise(2048, 500)
    for claims, start in (
        (replace(CLAIMS, tags=tags, transitive_tag_keys=()), "Packed size of session tags consumes "),
        (replace(CLAIMS, tags={}, transitive_tag_keys=(), policy=noise(6000, 501)), "Packed policy consumes "),
        (replace(CLAIMS, tags=tags, policy=policy), "Serialized token too large for session"),
    ):
        with pytest.raises(PackedPolicyTooLarge) as caught:
            seal_token(claims, KEYS, nonce=NONCE)
        assert caught.value.public.startswith(start)
        assert caught.value.reason == "session.too-large"


def test_k14_a_large_session_still_fits():
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::bucket-{n}/*"} for n in range(20)]})  # fmt: skip
    claims = replace(
        CLAIMS,
        policy=policy,
        policy_arns=tuple(f"arn:aws:iam::111122223333:policy/policy-{n}" for n in range(10)),
        tags={f"Tag{n}": f"value-{n}" for n in range(50)},
    )
    token = seal_token(claims, KEYS, nonce=NONCE)
    assert len(token) <= MAXIMUM
    assert open_token(token, KEY_ID, KEYS) == claims
    assert packed_policy_size(token) <= 100


def test_k14_a_decompression_bomb_is_cut_off():
    bomb = zlib.compress(b"\0" * 50_000_000, 9, wbits=-15)
    assert len(bomb) > MAXIMUM  # it takes a smaller one to get into a token at all
    small = zlib.compress(b"\0" * 2_000_000, 9, wbits=-15)
    refused(sealed_plain(b"\1" + small + b"\x80"), "token.inflated-too-large")


@pytest.mark.parametrize(
    "plain",
    [
        b"\x80", b"\0\x80", b"\0no padding mark", b"\2\x80", b"\0\xc0\x80", b"\0\x91\x00\x80", b"\1\xff\xff\x80", b"\1\x80",
        b"\0\x90\x80", b"\1" + zlib.compress(b"x", wbits=-15) + b"trailing\x80",
    ],
)  # fmt: skip
def test_k14_a_genuine_seal_over_something_unreadable_is_refused(plain):
    refused(sealed_plain(plain.ljust(2, b"\0")), {"token.unreadable", "token.malformed"})


def test_k15_nothing_else_that_tabard_gives_out_is_a_token():
    ring = KeyRing(MemoryStore(), b"m" * 32, entropy=CountingEntropy(), clock=StandingClock())
    marker = page_of("ListUsers", ["a", "b"], marker=None, max_items=1, key=str).marker
    assert marker is not None
    refused(marker, {"token.malformed", "token.version"}, keys=ring.token_keys())
    secret = encoded(ring.seal(KEY_ID, b"a record's secret"))
    refused(secret, "token.key-unknown", keys=ring.token_keys())
    genuine = seal_token(CLAIMS, ring.token_keys(), nonce=NONCE)
    with pytest.raises(ValueError, match="which the ring does not have"):
        ring.open(KEY_ID, decoded(genuine))
    assert open_token(genuine, KEY_ID, ring.token_keys()) == CLAIMS


def test_k15_the_label_keeps_one_key_from_opening_two_kinds_of_things():
    """Even under one and the same key, the AAD of a record's secret is not that of a token."""
    head = b"\1" + (7).to_bytes(4) + NONCE
    raw = decoded(TOKEN)
    plain = AESGCMSIV(b"k" * 32).decrypt(NONCE, raw[17:], b"tabard session token\0" + head[:5] + KEY_ID.encode())
    relabelled = AESGCMSIV(b"k" * 32).encrypt(NONCE, plain, b"tabard record secret\0" + head[:5] + KEY_ID.encode())
    refused(encoded(head + relabelled), "token.forged")


def test_k16_nothing_that_a_client_holds_seals_a_token():
    for held in (CLAIMS.secret_access_key, TOKEN[:32], KEY_ID + "0" * 12):
        forged = seal_token(
            replace(CLAIMS, issuer_id="AROAADMIN"), TokenKeys(7, {7: held.encode()[:32].ljust(32)}), nonce=NONCE
        )
        refused(forged, "token.forged")


def test_a03_the_token_tells_nothing_in_clear():
    for secret in (CLAIMS.secret_access_key, CLAIMS.name, CLAIMS.account, "Department"):
        assert secret.encode() not in decoded(TOKEN)
