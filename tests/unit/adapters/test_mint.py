from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import shake_128

import pytest
from msgspec.structs import replace

from tabard.adapters.keyring import KeyRing
from tabard.adapters.mint import MAXIMUM_OPENED, RingMint
from tabard.directory.entities import KeyPurpose
from tabard.faults import InvalidClientTokenId, PackedPolicyTooLarge
from tabard.sessions.claims import SessionClaims, SessionKind
from tests.unit.actions.sts.stage import StandingClock
from tests.worlds import ACCOUNT, NOW, World

AT_ONCE = timedelta(0)
CLAIMS = SessionClaims(
    kind=SessionKind.ROLE,
    account=ACCOUNT,
    access_key_id="ASIAEXAMPLEEXAMPLE12",
    secret_access_key="s" * 40,
    issuer_id="AROAEXAMPLE",
    issued=NOW,
    expires=NOW + timedelta(hours=1),
    name="one",
)


def ring_and_mint() -> tuple[KeyRing, RingMint]:
    world = World()
    ring = KeyRing(world.store, b"\x07" * 32, entropy=world.entropy, clock=StandingClock())
    return ring, RingMint(ring, world.entropy)


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(InvalidClientTokenId) as caught:
        yield
    assert caught.value.reason == reason


def test_what_is_sealed_opens_and_is_remembered() -> None:
    _, mint = ring_and_mint()
    token = mint.seal(CLAIMS)

    assert mint.open(token, CLAIMS.access_key_id) == CLAIMS
    assert mint.open(token, CLAIMS.access_key_id) is mint.open(token, CLAIMS.access_key_id)


def test_no_two_tokens_are_the_same() -> None:
    _, mint = ring_and_mint()

    assert len({mint.seal(CLAIMS) for _ in range(10)}) == 10


def test_k02_a_token_that_is_remembered_still_opens_beside_its_own_key_only() -> None:
    _, mint = ring_and_mint()
    token = mint.seal(CLAIMS)
    mint.open(token, CLAIMS.access_key_id)

    with refused("token.forged"):
        mint.open(token, "ASIAOTHEROTHEROTHER2")


def test_k04_what_is_remembered_is_forgotten_when_its_key_is_retired() -> None:
    ring, mint = ring_and_mint()
    old = ring.token_keys().active
    before = mint.seal(CLAIMS)
    assert mint.open(before, CLAIMS.access_key_id)

    ring.rotate(KeyPurpose.SESSION_TOKEN, settle=AT_ONCE)
    after = mint.seal(CLAIMS)
    assert mint.open(before, CLAIMS.access_key_id)
    assert mint.open(after, CLAIMS.access_key_id)

    ring.retire(old, settle=AT_ONCE)
    with refused("token.key-unknown"):
        mint.open(before, CLAIMS.access_key_id)
    assert mint.open(after, CLAIMS.access_key_id)


def test_a_refusal_is_not_remembered_and_memory_is_bounded() -> None:
    _, mint = ring_and_mint()
    for number in range(20):
        with refused("token.malformed"):
            mint.open(f"no token {number}", CLAIMS.access_key_id)

    remembered = mint._open.cache_info()  # type: ignore[attr-defined]  # the cache's own bookkeeping
    assert (remembered.currsize, remembered.maxsize) == (0, MAXIMUM_OPENED)


def test_a_minimum_size_is_kept_and_the_maximum_too() -> None:
    _, mint = ring_and_mint()

    assert len(mint.seal(CLAIMS, minimum_size=1000)) >= 1000
    with pytest.raises(PackedPolicyTooLarge):
        mint.seal(
            replace(CLAIMS, tags={f"{number:030x}": shake_128(b"%d" % number).hexdigest(128) for number in range(50)})
        )
