"""The key ring: sealing keys by purpose, kept in the store and wrapped by the master key.

One key of each purpose is active and seals; every other one only opens, until it is retired. A new key only opens at
first, for as long as any process may not have heard of it, and then becomes active: no process is ever shown what it
cannot open. Ids are never used twice, across purposes, and a key's purpose and id are in the AAD of its wrapping: a row
cannot be passed off as another. Secrets of records are sealed together with their row's identity, so that they cannot
be moved between rows.

    wrapped key   = nonce (12 bytes) · AES-256-GCM-SIV under the master key
    sealed secret = version (1 byte) · key id (4) · nonce (12) · AES-256-GCM-SIV under the active record key

The ring is read once and again on `reload` (whenever the store's change log shows a sealing key); what readers use is
one frozen value that is replaced whole, so any number of threads may read while one reloads.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tabard.adapters.clock import pause
from tabard.adapters.master_key import MasterKeyError
from tabard.directory.entities import (
    AccessKey,
    Account,
    KeyPurpose,
    LoginProfile,
    MFADevice,
    SAMLProvider,
    SealingKey,
)
from tabard.ports.identities import MAXIMUM_STALENESS
from tabard.ports.store import Records, Store
from tabard.ports.world import Clock
from tabard.sessions.seal import TokenKeys

T = TypeVar("T")

_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12
_TAG_SIZE: Final = 16
_VERSION: Final = 1
_HEAD: Final = struct.Struct(">BI12s")
_WRAP_LABEL: Final = b"tabard sealing key\0"
_DOCUMENTS: Final = 10
"""SAML providers read at a time: each may hold ten megabytes of metadata."""
_RECORD_LABEL: Final = b"tabard record secret\0"


class WrongMasterKeyError(MasterKeyError):
    """The store's keys were wrapped by another master key, or were changed."""


class SealBroken(ValueError):  # noqa: N818 - a fact about the store's own data, never an answer to a caller
    """A sealed secret does not belong to its row, or its key is gone."""


class KeyNotRetirable(ValueError):  # noqa: N818 - a message for the operator, in one line
    """The key is active, or there is none of that id."""


@dataclass(frozen=True, slots=True)
class _Ring:
    """What readers see: replaced, never changed."""

    tokens: TokenKeys
    records: Mapping[int, AESGCMSIV]
    active_record: int

    def seal(self, row: str, secret: bytes, *, nonce: bytes) -> bytes:
        head = _HEAD.pack(_VERSION, self.active_record, nonce)
        return head + self.records[self.active_record].encrypt(nonce, secret, _record_aad(head, row))

    def open(self, row: str, sealed: bytes) -> bytes:
        if len(sealed) < _HEAD.size + _TAG_SIZE:
            raise SealBroken(f"the secret of {row} is too short to be one")
        head = sealed[: _HEAD.size]
        version, key_id, nonce = _HEAD.unpack(head)
        cipher = self.records.get(key_id)
        if version != _VERSION or cipher is None:
            raise SealBroken(f"the secret of {row} needs sealing key {key_id}, which the ring does not have")
        try:
            return cipher.decrypt(nonce, sealed[_HEAD.size :], _record_aad(head, row))
        except InvalidTag as error:
            raise SealBroken(f"the secret of {row} was changed, or belongs to another record") from error


class KeyRing:
    """The ring of one store, and the `ports.secret_box.SecretBox` of its records.

    Raises:
        WrongMasterKeyError: the master key does not open the ring.
    """

    def __init__(self, store: Store, master_key: bytes, *, entropy: Callable[[int], bytes], clock: Clock) -> None:
        self._store = store
        self._master = AESGCMSIV(master_key)
        self._entropy = entropy
        self._clock = clock
        self._ring = self._read()

    # ── for tokens ───────────────────────────────────────────────────────────────────────────────────

    def token_keys(self) -> TokenKeys:
        """The keys of session tokens, as they are now."""
        return self._ring.tokens

    # ── for secrets of records ───────────────────────────────────────────────────────────────────────

    def seal(self, row: str, secret: bytes) -> bytes:
        """Seal a record's secret together with the record's identity."""
        return self._ring.seal(row, secret, nonce=self._entropy(_NONCE_SIZE))

    def open(self, row: str, sealed: bytes) -> bytes:
        """The secret that was sealed for this row.

        Raises:
            SealBroken: it was sealed for another row, by a key that is gone, or was changed.
        """
        return self._ring.open(row, sealed)

    # ── for operators ────────────────────────────────────────────────────────────────────────────────

    def rotate(self, purpose: KeyPurpose, *, settle: timedelta = 2 * MAXIMUM_STALENESS) -> int:
        """Make a new active key; the old ones go on opening. Returns the new key's id.

        `settle` is waited twice: until every process can open what the new key seals, before any seals with it;
        and until every process seals with it, so that the old one may then be retired without harm to what is new.
        """
        with self._store.write() as records:
            made = self._make(records, purpose, active=False)
        pause(settle)
        with self._store.write() as records:
            for key in records.sealing_keys.of(purpose):
                if key.active:
                    records.sealing_keys.put(replace(key, active=False))
            records.sealing_keys.put(replace(made, active=True))
        self.reload()
        pause(settle)
        return made.id

    def retirable(self, key_id: int) -> SealingKey:
        """The key that `retire` would delete; what it would refuse is refused at once.

        Raises:
            KeyNotRetirable: the key is active, or there is none.
        """
        with self._store.read() as records:
            return _retirable(records, key_id)

    def retire(self, key_id: int, *, settle: timedelta = 2 * MAXIMUM_STALENESS) -> None:
        """Delete a key that is not active, after `settle`. The session tokens that it sealed are closed for ever; the
        secrets of records that it sealed are sealed anew, so that none is lost.

        Raises:
            KeyNotRetirable: it is active, or there is none.
            SealBroken: a record's secret does not open; nothing was changed.
        """
        pause(settle)  # a process that has not heard of the last rotation may still be sealing with this key
        with self._store.write() as records:
            key = _retirable(records, key_id)
            if key.purpose is KeyPurpose.RECORD_SECRET:
                self._reseal(records, key_id)
            records.sealing_keys.delete(key)
        self.reload()

    def reload(self) -> None:
        """Read the ring again."""
        self._ring = self._read()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _stored(self) -> tuple[SealingKey, ...]:
        """The keys of the store, or nothing if a purpose has none yet."""
        with self._store.read() as records:
            keys = tuple(_all(records))
        return keys if {key.purpose for key in keys if key.active} == set(KeyPurpose) else ()

    def _first(self) -> tuple[SealingKey, ...]:
        """Make the first key of each purpose; of two processes that start at once, one makes them."""
        with self._store.write() as records:
            for key in _all(records):
                self._unwrapped(key)  # nothing is added to a ring that this master key does not open
            for purpose in KeyPurpose:
                if not any(key.active for key in records.sealing_keys.of(purpose)):
                    self._make(records, purpose, active=True)
            return tuple(_all(records))

    def _make(self, records: Records, purpose: KeyPurpose, *, active: bool) -> SealingKey:
        key_id = records.sealing_keys.next_id()
        nonce = self._entropy(_NONCE_SIZE)
        wrapped = nonce + self._master.encrypt(nonce, self._entropy(_KEY_SIZE), _wrap_aad(purpose, key_id))
        key = SealingKey(id=key_id, purpose=purpose, wrapped=wrapped, created=self._clock.now(), active=active)
        records.sealing_keys.put(key)
        return key

    def _read(self) -> _Ring:
        return self._load(self._stored() or self._first())

    def _load(self, keys: tuple[SealingKey, ...]) -> _Ring:
        secrets = {key.id: self._unwrapped(key) for key in keys}
        active = {key.purpose: key.id for key in keys if key.active}
        tokens = {key.id: secrets[key.id] for key in keys if key.purpose is KeyPurpose.SESSION_TOKEN}
        return _Ring(
            tokens=TokenKeys(active[KeyPurpose.SESSION_TOKEN], tokens),
            records={key.id: AESGCMSIV(secrets[key.id]) for key in keys if key.purpose is KeyPurpose.RECORD_SECRET},
            active_record=active[KeyPurpose.RECORD_SECRET],
        )

    def _reseal(self, records: Records, key_id: int) -> None:
        """Seal every secret of a key with the active one."""
        ring = self._load(tuple(_all(records)))

        def anew(row: str, sealed: bytes) -> bytes | None:
            if sealed[1:5] != key_id.to_bytes(4):
                return None
            return ring.seal(row, ring.open(row, sealed), nonce=self._entropy(_NONCE_SIZE))

        for key in _access_keys(records):
            if (secret := anew(key.id, key.sealed_secret)) is not None:
                records.access_keys.put(replace(key, sealed_secret=secret))
        for device in _mfa_devices(records):
            if (seed := anew(device.serial_number, device.sealed_seed)) is not None:
                records.mfa_devices.put(replace(device, sealed_seed=seed))
        for profile in _login_profiles(records):
            hashes = tuple(anew(profile.user_id, sealed) or sealed for sealed in profile.sealed_hashes)
            if hashes != profile.sealed_hashes:
                records.login_profiles.put(replace(profile, sealed_hashes=hashes))
        for provider in _saml_providers(records):
            keys = tuple(
                replace(key, sealed_pem=anew(provider.row_of(key), key.sealed_pem) or key.sealed_pem)
                for key in provider.private_keys
            )
            if keys != provider.private_keys:
                records.saml_providers.put(replace(provider, private_keys=keys))

    def _unwrapped(self, key: SealingKey) -> bytes:
        try:
            return self._master.decrypt(
                key.wrapped[:_NONCE_SIZE], key.wrapped[_NONCE_SIZE:], _wrap_aad(key.purpose, key.id)
            )
        except (InvalidTag, ValueError) as error:
            raise WrongMasterKeyError(
                f"the master key does not open sealing key {key.id} of this store; start with the key it was made with"
            ) from error


def _all(records: Records) -> list[SealingKey]:
    return [key for purpose in KeyPurpose for key in records.sealing_keys.of(purpose)]


def _access_keys(records: Records) -> Iterator[AccessKey]:
    for account in _accounts(records):
        yield from records.access_keys.of(account.id)
        for user in _paged(partial(records.users.list, account.id), lambda user: user.name):
            yield from records.access_keys.of(user.id)


def _mfa_devices(records: Records) -> Iterator[MFADevice]:
    for account in _accounts(records):
        yield from _paged(partial(records.mfa_devices.list, account.id), lambda device: device.name)


def _login_profiles(records: Records) -> Iterator[LoginProfile]:
    for account in _accounts(records):
        for user in _paged(partial(records.users.list, account.id), lambda user: user.name):
            if (profile := records.login_profiles.get(user.id)) is not None:
                yield profile


def _saml_providers(records: Records) -> Iterator[SAMLProvider]:
    for account in _accounts(records):
        page = partial(records.saml_providers.list, account.id, limit=_DOCUMENTS)
        yield from _paged(page, lambda provider: provider.name)


def _accounts(records: Records) -> Iterator[Account]:
    return _paged(records.accounts.list, lambda account: account.id)


def _paged(fetch: Callable[..., Sequence[T]], name: Callable[[T], str]) -> Iterator[T]:
    """All of a list, page by page."""
    after = ""
    while page := fetch(after=after):
        yield from page
        after = name(page[-1])


def _retirable(records: Records, key_id: int) -> SealingKey:
    key = next((key for key in _all(records) if key.id == key_id), None)
    if key is None:
        raise KeyNotRetirable(f"there is no sealing key {key_id}; `tabard keys list` shows those there are")
    if key.active:
        raise KeyNotRetirable(
            f"sealing key {key_id} is the active one; run `tabard keys rotate --purpose {key.purpose}` first"
        )
    return key


def _wrap_aad(purpose: KeyPurpose, key_id: int) -> bytes:
    return _WRAP_LABEL + purpose.value.encode() + b"\0" + key_id.to_bytes(4)


def _record_aad(head: bytes, row: str) -> bytes:
    return _RECORD_LABEL + head[:5] + row.encode()
