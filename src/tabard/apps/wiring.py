"""The only place that makes adapters."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from tabard.adapters.audit import JSONLinesAudit
from tabard.adapters.clock import SystemClock
from tabard.adapters.entropy import PooledEntropy
from tabard.adapters.identities import StoredIdentities
from tabard.adapters.keyring import KeyRing
from tabard.adapters.master_key import VARIABLE, load_master_key
from tabard.adapters.mint import RingMint
from tabard.adapters.second_factor import StoredDevices
from tabard.apps.api.application import APIApplication
from tabard.apps.authentication import Authenticator
from tabard.apps.config import AuditSettings, Settings, SettingsError
from tabard.apps.denials import Keeping
from tabard.apps.pipeline import Pipeline, World
from tabard.policy.lint.check import DEFAULTS, Levels
from tabard.ports.audit import Audit
from tabard.ports.store import Store
from tabard.ports.world import Clock, Entropy

DEFAULT_KEEPING: Final = Keeping()
THREADS: Final = 8
"""Threads of a worker in which IAM actions run."""
READERS: Final = 2
"""Threads that look identities up: their own, so that they never stand in line behind actions that wait to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What every door and every command stands on: the store and its key ring."""

    store: Store
    ring: KeyRing
    clock: Clock
    entropy: Entropy

    @staticmethod
    @contextmanager
    def open(settings: Settings, *, create: bool = False) -> "Iterator[Foundation]":
        """Open the store of these settings and close it afterwards; with `create`, make what is not there.

        Raises:
            SettingsError, StoreUnavailable, MasterKeyError: one line for the operator.
        """
        foundation = lay_foundation(settings, create=create)
        try:
            yield foundation
        finally:
            foundation.store.close()


def lay_foundation(settings: Settings, *, create: bool) -> Foundation:
    """The same, for whoever closes the store itself."""
    clock, entropy = SystemClock(), PooledEntropy()
    store = open_store(settings.store.url, create=create)
    file = settings.keys.master_key_file
    if file is None and VARIABLE not in os.environ:
        raise SettingsError(
            f"there is no master key; set {VARIABLE}, or keys.master_key_file in the configuration file"
        )
    master_key = load_master_key(os.environ, Path(file or ""), entropy=entropy)
    return Foundation(
        store=store, ring=KeyRing(store, master_key, entropy=entropy, clock=clock), clock=clock, entropy=entropy
    )


def open_store(url: str, *, create: bool) -> Store:
    """The store that a URL names. Each kind is imported when it is asked for."""
    if url.startswith("sqlite:///"):
        from tabard.adapters.stores.sqlite import open_sqlite

        return open_sqlite(Path(url.removeprefix("sqlite:///")), create=create)
    if url.startswith(("postgresql://", "postgres://")):
        from tabard.adapters.stores.postgres import open_postgres

        return open_postgres(url, create=create)
    raise SettingsError("store.url must begin with sqlite:/// or postgresql://")


def open_audit(settings: AuditSettings) -> JSONLinesAudit:
    """The audit file, made if it is not there.

    Raises:
        SettingsError: it cannot be written.
    """
    try:
        return JSONLinesAudit(Path(settings.file), fsync=settings.fsync)
    except OSError as error:
        raise SettingsError(
            f"the audit file {settings.file} cannot be opened: {error.strerror}; make it writable, or change audit.file"
        ) from error


def make_application(settings: Settings) -> APIApplication:
    """One worker's application. Called in the worker's own process."""
    at = lay_foundation(settings, create=False)
    regions = frozenset(settings.api.regions) or None
    keeping = Keeping(lasts=timedelta(days=settings.denials.days), maximum=settings.denials.maximum)
    audit = open_audit(settings.audit)
    return APIApplication(make_pipeline(at, audit, regions=regions, levels=settings.lint.levels, keeping=keeping))


def make_pipeline(
    at: Foundation,
    audit: Audit,
    *,
    regions: frozenset[str] | None,
    levels: Levels = DEFAULTS,
    keeping: Keeping = DEFAULT_KEEPING,
) -> Pipeline:
    """The pipeline and all that it needs of the world."""
    executor = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="store")
    readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="identities")
    identities = StoredIdentities(at.store, at.ring, readers)
    mint = RingMint(at.ring, at.entropy)
    world = World(
        store=at.store,
        executor=executor,
        readers=readers,
        identities=identities,
        mint=mint,
        secrets=at.ring,
        second_factor=StoredDevices(at.store, at.ring, executor),
        audit=audit,
        clock=at.clock,
        entropy=at.entropy,
        levels=levels,
    )
    return Pipeline(world, Authenticator(identities, mint, regions=regions), keeping=keeping)
