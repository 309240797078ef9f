from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest

from tabard.adapters.keyring import KeyNotRetirable, KeyRing, SealBroken, WrongMasterKeyError
from tabard.adapters.stores.memory import MemoryStore
from tabard.directory.entities import (
    AccessKey,
    KeyPurpose,
    LoginProfile,
    MFADevice,
    SAMLPrivateKey,
    SAMLProvider,
    SealingKey,
)
from tests.worlds import ACCOUNT, CountingEntropy, World

MASTER = b"m" * 32
AT_ONCE = timedelta(0)


class StandingClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 24, 10, 15, tzinfo=UTC)


def ring_of(store: MemoryStore, master: bytes = MASTER) -> KeyRing:
    return KeyRing(store, master, entropy=CountingEntropy(), clock=StandingClock())


def stored(store: MemoryStore, purpose: KeyPurpose) -> list[SealingKey]:
    with store.read() as records:
        return list(records.sealing_keys.of(purpose))


def test_the_first_start_makes_one_key_of_each_purpose():
    store = MemoryStore()
    ring_of(store)
    found = [key for purpose in KeyPurpose for key in stored(store, purpose)]
    assert [(key.purpose, key.active) for key in found] == [(purpose, True) for purpose in KeyPurpose]
    assert len({key.id for key in found}) == len(found)


def test_the_second_start_makes_none():
    store = MemoryStore()
    first = ring_of(store)
    sealed = first.seal("row", b"secret")
    revision = store.revision()
    assert ring_of(store).open("row", sealed) == b"secret"
    assert store.revision() == revision


def test_two_that_start_at_once_agree():
    store, barrier, rings = MemoryStore(), Barrier(4), []

    def start(number: int) -> None:
        entropy = CountingEntropy()
        entropy._next = number * 1000
        barrier.wait()
        rings.append(KeyRing(store, MASTER, entropy=entropy, clock=StandingClock()))

    threads = [Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rings) == 4
    for ring in rings:
        for other in rings:
            assert other.open("row", ring.seal("row", b"secret")) == b"secret"
    assert {len(stored(store, purpose)) for purpose in KeyPurpose} == {1}


def test_the_store_never_holds_a_key_in_clear():
    store = MemoryStore()
    ring = ring_of(store)
    entropy = CountingEntropy()
    handed_out = [entropy(12 if n % 2 == 0 else 32) for n in range(8)]
    for purpose in KeyPurpose:
        for key in stored(store, purpose):
            assert not any(secret in key.wrapped for secret in handed_out if len(secret) == 32)
            assert len(key.wrapped) == 12 + 32 + 16
    assert MASTER not in ring.seal("row", b"secret")


def test_another_master_key_opens_nothing_and_says_what_to_do():
    store = MemoryStore()
    ring_of(store)
    with pytest.raises(WrongMasterKeyError, match="start with the key it was made with") as caught:
        ring_of(store, b"x" * 32)
    assert "\n" not in str(caught.value)


def test_a_wrong_master_key_adds_nothing_to_a_ring_that_lacks_a_purpose():
    store = MemoryStore()
    ring_of(store)
    with store.write() as records:
        records.sealing_keys.delete(records.sealing_keys.of(KeyPurpose.RECORD_SECRET)[0])
    revision = store.revision()
    with pytest.raises(WrongMasterKeyError):
        ring_of(store, b"x" * 32)
    assert store.revision() == revision
    ring_of(store)


def test_a02_a_wrapped_key_cannot_be_moved_to_another_row_or_purpose():
    store = MemoryStore()
    ring_of(store)
    token_key, record_key = stored(store, KeyPurpose.SESSION_TOKEN)[0], stored(store, KeyPurpose.RECORD_SECRET)[0]
    for moved in (
        replace(token_key, wrapped=record_key.wrapped),
        replace(token_key, id=token_key.id + 10),
        replace(token_key, wrapped=b""),
        replace(token_key, wrapped=token_key.wrapped[:-1]),
    ):
        changed = MemoryStore()
        with changed.write() as records:
            records.sealing_keys.put(moved)
            records.sealing_keys.put(replace(record_key))
        with pytest.raises(WrongMasterKeyError):
            ring_of(changed)


def test_a02_a_secret_opens_in_its_own_row_only():
    ring = ring_of(MemoryStore())
    sealed = ring.seal("AKIAEXAMPLEEXAMPLE12", b"secret")
    assert ring.open("AKIAEXAMPLEEXAMPLE12", sealed) == b"secret"
    assert b"secret" not in sealed
    with pytest.raises(SealBroken):
        ring.open("AKIAEXAMPLEEXAMPLE13", sealed)
    for position in range(len(sealed)):
        broken = bytearray(sealed)
        broken[position] ^= 1
        with pytest.raises(SealBroken):
            ring.open("AKIAEXAMPLEEXAMPLE12", bytes(broken))
    for size in range(len(sealed)):
        with pytest.raises(SealBroken):
            ring.open("AKIAEXAMPLEEXAMPLE12", sealed[:size])


@pytest.mark.parametrize("purpose", KeyPurpose)
def test_after_a_rotation_the_new_key_seals_and_the_old_one_opens(purpose):
    store = MemoryStore()
    ring = ring_of(store)
    sealed = ring.seal("row", b"secret")
    old = stored(store, purpose)[0].id
    new = ring.rotate(purpose, settle=AT_ONCE)
    assert new > old
    assert {key.id: key.active for key in stored(store, purpose)} == {old: False, new: True}
    assert ring.open("row", sealed) == b"secret"
    assert ring.open("row", ring.seal("row", b"secret")) == b"secret"
    assert (ring.token_keys().active == new) == (purpose is KeyPurpose.SESSION_TOKEN)
    assert ring.token_keys().cipher(old if purpose is KeyPurpose.SESSION_TOKEN else ring.token_keys().active)


def test_a_retired_key_opens_nothing_and_its_id_is_never_used_again():
    store = MemoryStore()
    ring = ring_of(store)
    sealed = ring.seal("row", b"secret")
    old = stored(store, KeyPurpose.RECORD_SECRET)[0].id
    new = ring.rotate(KeyPurpose.RECORD_SECRET, settle=AT_ONCE)
    ring.retire(old, settle=AT_ONCE)
    with pytest.raises(SealBroken, match="which the ring does not have"):
        ring.open("row", sealed)
    assert ring.rotate(KeyPurpose.RECORD_SECRET, settle=AT_ONCE) > new


def test_retiring_a_key_of_records_loses_no_secret():
    world = World()
    ring = ring_of(world.store)
    now = StandingClock().now()
    users = [world.user(f"user-{number}") for number in range(3)]
    with world.store.write() as records:
        for owner in (*(user.id for user in users), ACCOUNT):
            key_id = f"AKIA{owner[-16:]:A>16}"
            secret = ring.seal(key_id, owner.encode())
            records.access_keys.put(
                AccessKey(id=key_id, account=ACCOUNT, owner_id=owner, sealed_secret=secret, created=now)
            )
        device = MFADevice(account=ACCOUNT, name="phone", created=now, sealed_seed=b"")
        records.mfa_devices.put(replace(device, sealed_seed=ring.seal(device.serial_number, b"seed")))
    old = stored(world.store, KeyPurpose.RECORD_SECRET)[0].id
    ring.rotate(KeyPurpose.RECORD_SECRET, settle=AT_ONCE)
    ring.retire(old, settle=AT_ONCE)
    with world.store.read() as records:
        for owner in (*(user.id for user in users), ACCOUNT):
            key = records.access_keys.of(owner)[0]
            assert ring.open(key.id, key.sealed_secret) == owner.encode()
        phone = records.mfa_devices.get(device.serial_number)
        assert phone is not None
        assert ring.open(phone.serial_number, phone.sealed_seed) == b"seed"


def test_retiring_a_key_of_records_loses_no_password_and_no_key_of_a_provider():
    world = World()
    ring = ring_of(world.store)
    now = StandingClock().now()
    user = world.user("alice")
    provider = SAMLProvider(account=ACCOUNT, name="idp", uuid="SAMLSP", created=now, metadata="<m/>")
    keys = [SAMLPrivateKey(id=f"SAMLPK{n}", created=now, sealed_pem=b"") for n in range(2)]
    sealed = tuple(replace(key, sealed_pem=ring.seal(provider.row_of(key), key.id.encode())) for key in keys)
    old = stored(world.store, KeyPurpose.RECORD_SECRET)[0].id
    before = ring.seal(user.id, b"before")
    ring.rotate(KeyPurpose.RECORD_SECRET, settle=AT_ONCE)
    hashes = (ring.seal(user.id, b"now"), before)
    profile = LoginProfile(account=ACCOUNT, user_id=user.id, created=now, changed=now, sealed_hashes=hashes)
    with world.store.write() as records:
        records.saml_providers.put(replace(provider, private_keys=sealed))
        records.login_profiles.put(profile)
    ring.retire(old, settle=AT_ONCE)
    with world.store.read() as records:
        opened = [ring.open(user.id, each) for each in records.login_profiles.get(user.id).sealed_hashes]
        assert opened == [b"now", b"before"]
        idp = records.saml_providers.get(provider.arn)
        assert [ring.open(idp.row_of(key), key.sealed_pem) for key in idp.private_keys] == [b"SAMLPK0", b"SAMLPK1"]
    with pytest.raises(SealBroken):
        ring.open(user.id, before)  # control: the retired key opens nothing


def test_a_secret_that_does_not_open_keeps_its_key_from_being_retired():
    world = World()
    ring = ring_of(world.store)
    foreign = ring.seal("another row", b"secret")
    with world.store.write() as records:
        records.access_keys.put(
            AccessKey(
                id="AKIAEXAMPLEEXAMPLE12",
                account=ACCOUNT,
                owner_id=ACCOUNT,
                sealed_secret=foreign,
                created=StandingClock().now(),
            )
        )
    old = stored(world.store, KeyPurpose.RECORD_SECRET)[0].id
    ring.rotate(KeyPurpose.RECORD_SECRET, settle=AT_ONCE)
    with pytest.raises(SealBroken):
        ring.retire(old, settle=AT_ONCE)
    assert old in {key.id for key in stored(world.store, KeyPurpose.RECORD_SECRET)}
    assert ring.open("another row", foreign) == b"secret"


def test_an_active_or_unknown_key_cannot_be_retired():
    store = MemoryStore()
    ring = ring_of(store)
    with pytest.raises(KeyNotRetirable, match="tabard keys rotate --purpose session-token"):
        ring.retire(ring.token_keys().active, settle=AT_ONCE)
    with pytest.raises(KeyNotRetirable, match="there is no sealing key 999"):
        ring.retire(999, settle=AT_ONCE)


def test_another_process_sees_a_rotation_when_it_reloads():
    store = MemoryStore()
    one, other = ring_of(store), ring_of(store)
    before = other.token_keys()
    one.rotate(KeyPurpose.SESSION_TOKEN, settle=AT_ONCE)
    assert other.token_keys() is before
    other.reload()
    assert other.token_keys().active == one.token_keys().active != before.active
