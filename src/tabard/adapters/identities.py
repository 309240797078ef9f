"""The identities, compiled and kept in memory: what the hot path reads instead of the store.

Each worker keeps what it was asked for, within a bound. Every entry names the records that it was made from;
the store's change log says which records changed, and just those entries are dropped. The log is read every
`POLL` and once more when the last reading has become too old, so that no decision rests on anything older than
`MAXIMUM_STALENESS`: if the store does not answer then, the request is refused rather than judged by old law.

A stored policy that cannot be read any more is a bug, not a permission: compiling it raises, and the request
fails.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias, TypeVar

from tabard.adapters.clock import monotonic
from tabard.adapters.keyring import KeyRing
from tabard.directory.entities import EntityKind
from tabard.names.arn import parse_arn
from tabard.names.policies import trust_policy
from tabard.policy.compile import compile_policies
from tabard.policy.document import Kind, Policy
from tabard.ports.identities import MAXIMUM_STALENESS, KeyEntry, OrganizationEntry, RoleEntry, UserEntry
from tabard.ports.standing import (
    Loaded,
    Source,
    boundary_of,
    identity_policies,
    managed_policy,
    organization_of,
    parsed,
)
from tabard.ports.store import Records, Store

T = TypeVar("T")

Key: TypeAlias = tuple[str, str]
"""What an entry is found by: mostly the source itself."""

POLL: Final = timedelta(milliseconds=200)
_STALE: Final = MAXIMUM_STALENESS.total_seconds()
MAXIMUM_ENTRIES: Final = 20_000
"""Entries that a worker keeps. An entry of a typical role is 5 to 20 kB."""
MAXIMUM_UNKNOWN: Final = 10_000
"""Names that were looked for in vain, kept apart so that guessing cannot push out what is real."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """An account's organisation, or that it has none: kept as well as any other fact about an account."""

    entry: OrganizationEntry | None


class KeptEntries:
    """A bounded map whose entries know what they were made from. Not thread-safe: it belongs to the event loop."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._entries: OrderedDict[Key, tuple[object, frozenset[Source]]] = OrderedDict()
        self._dependents: dict[Source, set[Key]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        """Whether there is an entry; if so, it is wanted again."""
        if key not in self._entries:
            return False
        self._entries.move_to_end(key)
        return True

    def get(self, key: Key) -> object | None:
        """The value of an entry, or None where there is none (or it is None)."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: object, made_from: Iterable[Source]) -> None:
        """Keep `value` until one of `made_from` changes."""
        sources = frozenset(made_from)
        self.drop(key)
        self._entries[key] = (value, sources)
        for source in sources:
            self._dependents.setdefault(source, set()).add(key)
        while len(self._entries) > self._maximum:
            self.drop(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        """Forget one entry."""
        _, sources = self._entries.pop(key, (None, frozenset[Source]()))
        for source in sources:
            dependents = self._dependents[source]
            dependents.discard(key)
            if not dependents:
                del self._dependents[source]

    def changed(self, source: Source) -> None:
        """Forget all entries made from a record."""
        for key in tuple(self._dependents.get(source, ())):
            self.drop(key)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._dependents.clear()


class StoredIdentities:
    """`ports.identities.Identities` over a store. One for each worker; used on its event loop only."""

    def __init__(self, store: Store, keys: KeyRing, executor: Executor) -> None:
        self._store = store
        self._keys = keys
        self._executor = executor
        self._kept = KeptEntries(MAXIMUM_ENTRIES)
        self._unknown = KeptEntries(MAXIMUM_UNKNOWN)
        self._revision = store.revision()
        self._read_at = monotonic()
        self._refreshing: asyncio.Task[None] | None = None

    # ── the port ─────────────────────────────────────────────────────────────────────────────────────

    def access_key(self, key_id: str) -> Awaitable[KeyEntry | None]:
        return self._find((EntityKind.ACCESS_KEY, key_id), self._load_access_key)

    def user(self, user_id: str) -> Awaitable[UserEntry | None]:
        return self._find((EntityKind.USER, user_id), self._load_user)

    def role(self, role_id: str) -> Awaitable[RoleEntry | None]:
        return self._find((EntityKind.ROLE, role_id), self._load_role)

    async def role_by_arn(self, arn: str) -> RoleEntry | None:
        role_id = await self._find(("role-arn", arn), self._load_role_id)
        return None if role_id is None else await self.role(role_id)

    async def managed_policies(self, account: str, arns: Sequence[str]) -> tuple[tuple[str, Policy], ...]:
        found: list[tuple[str, Policy]] = []
        for arn in arns:
            policy = await self._find(("policy-of", f"{account} {arn}"), self._load_policy)
            if policy is not None:
                found.append((arn, policy))
        return tuple(found)

    async def organization(self, account: str) -> OrganizationEntry | None:
        belonging = await self._find((EntityKind.ORGANIZATION_ACCOUNT, account), self._load_organization)
        return None if belonging is None else belonging.entry

    # ── keeping up with the store ────────────────────────────────────────────────────────────────────

    async def refresh(self) -> None:
        """Read the change log now. Raises StoreUnavailable when the store does not answer."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh())
            self._refreshing.add_done_callback(self._refreshed)
        await asyncio.shield(self._refreshing)

    def _refreshed(self, task: asyncio.Task[None]) -> None:
        self._refreshing = None
        if not task.cancelled():
            task.exception()  # every waiter gets it; with none waiting, the next request asks again

    async def _refresh(self) -> None:
        begun = monotonic()
        loop = asyncio.get_running_loop()
        changes = await loop.run_in_executor(self._executor, self._store.changes_since, self._revision)
        if any(change.kind is EntityKind.SEALING_KEY for change in changes.changes) or not changes.complete:
            await loop.run_in_executor(self._executor, self._keys.reload)
        # INVARIANT: nothing is awaited from here on. What `_find` put while we waited is dropped too, and what it
        # puts later sees the new revision.
        if not changes.complete:
            self._kept.clear()
            self._unknown.clear()
        for source in {s for change in changes.changes for s in ((change.kind, change.id), (change.kind, "*"))}:
            self._kept.changed(source)
            self._unknown.changed(source)
        self._revision = changes.revision
        self._read_at = begun

    async def _find(self, key: Key, load: Callable[[Records, str], Loaded[T]]) -> T | None:
        if monotonic() - self._read_at > _STALE:
            await self.refresh()
        if (kept := self._kept.get(key)) is not None:
            return kept  # type: ignore[return-value]  # the key's kind fixes the type of the entry
        if key in self._unknown:
            return None
        revision = self._revision
        loop = asyncio.get_running_loop()
        loaded, made_from = await loop.run_in_executor(self._executor, lambda: self._load(key[1], load))
        # A change that was read while we loaded may be newer than what we loaded: then it is good for this
        # one request only.
        if revision == self._revision:
            (self._unknown if loaded is None else self._kept).put(key, loaded, made_from)
        return loaded

    def _load(self, key: str, load: Callable[[Records, str], Loaded[T]]) -> Loaded[T]:
        with self._store.read() as records:
            return load(records, key)

    # ── reading and compiling; in a thread, inside one read transaction ──────────────────────────────

    def _load_access_key(self, records: Records, key_id: str) -> Loaded[KeyEntry]:
        key = records.access_keys.get(key_id)
        sources = ((EntityKind.ACCESS_KEY, key_id),)
        if key is None:
            return None, sources
        return KeyEntry(key, self._keys.open(key.id, key.sealed_secret).decode()), sources

    def _load_user(self, records: Records, user_id: str) -> Loaded[UserEntry]:
        user = records.users.get_by_id(user_id)
        if user is None:
            return None, ((EntityKind.USER, user_id),)
        policies, sources = identity_policies(records, user)
        boundary, more = boundary_of(records, user)
        entry = UserEntry(user, compile_policies(policies), boundary)
        return entry, ((EntityKind.USER, user_id), *sources, *more)

    def _load_role(self, records: Records, role_id: str) -> Loaded[RoleEntry]:
        role = records.roles.get_by_id(role_id)
        if role is None:
            return None, ((EntityKind.ROLE, role_id),)
        policies, sources = identity_policies(records, role)
        boundary, more = boundary_of(records, role)
        trust = compile_policies(
            [(trust_policy(role.arn), parsed(role.assume_role_policy_document, Kind.TRUST))],
            bindings=role.principal_ids,
        )
        entry = RoleEntry(role, trust, compile_policies(policies), boundary)
        return entry, ((EntityKind.ROLE, role_id), *sources, *more)

    def _load_role_id(self, records: Records, arn: str) -> Loaded[str]:
        named = parse_arn(arn)
        role = records.roles.get(named.account, named.name)
        # The name is found in any case and under any path; an ARN is exact. A role that is not there may be made
        # at any time, under an id that nobody knows yet.
        if role is None or role.arn != arn:
            return None, ((EntityKind.ROLE, "*"),)
        return role.id, ((EntityKind.ROLE, role.id),)

    def _load_organization(self, records: Records, account: str) -> Loaded[Belonging]:
        entry, sources = organization_of(records, account)
        known = entry is not None or records.accounts.get(account) is not None
        return Belonging(entry) if known else None, (*sources, (EntityKind.ACCOUNT, account))

    def _load_policy(self, records: Records, key: str) -> Loaded[Policy]:
        account, _, arn = key.partition(" ")
        policy = managed_policy(records, account, arn)
        sources = ((EntityKind.POLICY, arn),)
        return (None if policy is None else parsed(policy.document, Kind.INLINE)), sources
