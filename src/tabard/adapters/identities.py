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
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar

from tabard.adapters.clock import monotonic
from tabard.adapters.keyring import KeyRing
from tabard.directory.aws_managed import aws_managed_policy
from tabard.directory.entities import (
    EntityKind,
    Group,
    ManagedPolicy,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    OrganizationPolicyType,
    PolicyTarget,
    Role,
    User,
)
from tabard.directory.organizations import AWS_POLICIES, RESOURCE_FULL_ACCESS, policy_of
from tabard.names.arn import ARN, parse_arn
from tabard.names.policies import inline_policy, trust_policy
from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.document import Kind, Policy
from tabard.policy.parse import parse_policy
from tabard.ports.identities import MAXIMUM_STALENESS, KeyEntry, OrganizationEntry, RoleEntry, UserEntry
from tabard.ports.store import Records, Store

T = TypeVar("T")

Source: TypeAlias = tuple[str, str]
"""A kind of record and its id, as the change log names it; the id `*` stands for any record of the kind."""
Key: TypeAlias = tuple[str, str]
"""What an entry is found by: mostly the source itself."""
Loaded: TypeAlias = tuple[T | None, Iterable[Source]]
"""What was found, and the records that it was made from."""

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
        groups = [group for group_id in user.groups if (group := records.groups.get_by_id(group_id)) is not None]
        sources = [(EntityKind.USER, user_id), *((EntityKind.GROUP, group_id) for group_id in user.groups)]
        owners: list[User | Group] = [user, *groups]
        policies = [policy for owner in owners for policy in _inline(owner)]
        attached = [arn for owner in owners for arn in owner.attached_policies]
        identity, more = _with_attached(records, user.account, policies, attached)
        boundary, boundary_sources = _boundary(records, user.account, user.permissions_boundary)
        return UserEntry(user, identity, boundary), (*sources, *more, *boundary_sources)

    def _load_role(self, records: Records, role_id: str) -> Loaded[RoleEntry]:
        role = records.roles.get_by_id(role_id)
        if role is None:
            return None, ((EntityKind.ROLE, role_id),)
        identity, sources = _with_attached(records, role.account, _inline(role), role.attached_policies)
        boundary, more = _boundary(records, role.account, role.permissions_boundary)
        trust = compile_policies(
            [(trust_policy(role.arn), _parsed(role.assume_role_policy_document, Kind.TRUST))],
            bindings=role.principal_ids,
        )
        return RoleEntry(role, trust, identity, boundary), ((EntityKind.ROLE, role_id), *sources, *more)

    def _load_role_id(self, records: Records, arn: str) -> Loaded[str]:
        parsed = parse_arn(arn)
        role = records.roles.get(parsed.account, parsed.name)
        # The name is found in any case and under any path; an ARN is exact. A role that is not there may be made
        # at any time, under an id that nobody knows yet.
        if role is None or role.arn != arn:
            return None, ((EntityKind.ROLE, "*"),)
        return role.id, ((EntityKind.ROLE, role.id),)

    def _load_organization(self, records: Records, account: str) -> Loaded[Belonging]:
        sources: list[Source] = [(EntityKind.ORGANIZATION_ACCOUNT, account), (EntityKind.ACCOUNT, account)]
        place = records.organization_accounts.get(account)
        if place is None:
            return None if records.accounts.get(account) is None else Belonging(None), sources
        organization, units = _above(records, place)
        sources.append((EntityKind.ORGANIZATION, place.organization_id))
        sources += [(EntityKind.ORGANIZATIONAL_UNIT, unit.id) for unit in units]
        layers: dict[OrganizationPolicyType, tuple[PolicySet, ...] | None] = dict.fromkeys(OrganizationPolicyType)
        management = organization.management_account == account
        for policy_type in () if management else organization.enabled_policy_types:
            targets: tuple[PolicyTarget, ...] = (organization, *units, place)
            levels = [_attached_to(records, organization, each, policy_type) for each in targets]
            layers[policy_type] = tuple(policies for policies, _ in levels)
            sources += [source for _, more in levels for source in more]
        entry = OrganizationEntry(
            organization_id=organization.id,
            path="".join(f"{each}/" for each in (organization.id, organization.root_id, *(unit.id for unit in units))),
            management=management,
            service_control=layers[OrganizationPolicyType.SERVICE_CONTROL],
            resource_control=layers[OrganizationPolicyType.RESOURCE_CONTROL],
        )
        return Belonging(entry), sources

    def _load_policy(self, records: Records, key: str) -> Loaded[Policy]:
        account, _, arn = key.partition(" ")
        policy = _managed_policy(records, account, arn)
        sources = ((EntityKind.POLICY, arn),)
        return (None if policy is None else _parsed(policy.document, Kind.INLINE)), sources


@lru_cache(maxsize=4096)
def _parsed(document: str, kind: Kind) -> Policy:
    """Parsed once for each text, however many identities hold it."""
    return parse_policy(document, kind)


def _inline(owner: User | Group | Role) -> list[tuple[str, Policy]]:
    return [
        (inline_policy(owner.arn, name), _parsed(document, Kind.INLINE))
        for name, document in owner.inline_policies.items()
    ]


def _with_attached(
    records: Records, account: str, policies: list[tuple[str, Policy]], arns: Iterable[str]
) -> tuple[PolicySet, list[Source]]:
    """One set of inline and attached policies, and the records that it depends on."""
    sources: list[Source] = []
    for arn in dict.fromkeys(arns):
        sources.append((EntityKind.POLICY, arn))
        policy = _managed_policy(records, account, arn)
        if policy is not None:
            policies.append((arn, _parsed(policy.document, Kind.INLINE)))
    return compile_policies(policies), sources


def _boundary(records: Records, account: str, arn: str | None) -> tuple[PolicySet | None, list[Source]]:
    """The boundary as a set. A boundary whose policy is gone allows nothing."""
    return (None, []) if arn is None else _with_attached(records, account, [], [arn])


def _above(records: Records, place: OrganizationAccount) -> tuple[Organization, tuple[OrganizationalUnit, ...]]:
    """The organisation, and the units from the root down to an account.

    Raises:
        LookupError: the records contradict one another. Then nobody of the account may do anything.
    """
    organization = records.organizations.get(place.organization_id)
    if organization is None:
        raise LookupError(f"account {place.id} is in organisation {place.organization_id}, which is not there")
    units: list[OrganizationalUnit] = []
    parent = place.parent_id
    while parent != organization.root_id:
        unit = records.organizational_units.get(parent)
        if unit is None or unit in units:
            raise LookupError(f"account {place.id} is under {parent}, which does not lead to the root")
        units.insert(0, unit)
        parent = unit.parent_id
    return organization, tuple(units)


def _attached_to(
    records: Records,
    organization: Organization,
    target: PolicyTarget,
    policy_type: OrganizationPolicyType,
) -> tuple[PolicySet, list[Source]]:
    """The policies of one type at one level, and the records that they depend on."""
    sources: list[Source] = []
    found: list[OrganizationPolicy] = []
    for policy_id in target.attached_policies:
        policy = AWS_POLICIES.get(policy_id)
        if policy is None:
            sources.append((EntityKind.ORGANIZATION_POLICY, policy_id))
            policy = records.organization_policies.get(policy_id)
        if policy is not None and policy.type is policy_type:
            found.append(policy)
    if policy_type is OrganizationPolicyType.RESOURCE_CONTROL:
        found.insert(0, RESOURCE_FULL_ACCESS)
    policies = [(policy.arn(organization), policy_of(policy)) for policy in found]
    return compile_policies(policies, attached_to=_target_arn(organization, target)), sources


def _target_arn(organization: Organization, target: PolicyTarget) -> str:
    match target:
        case Organization():
            return organization.arn_of("root", target.root_id)
        case OrganizationalUnit():
            return organization.arn_of("ou", target.id)
        case OrganizationAccount():
            return organization.arn_of("account", target.id)


def _managed_policy(records: Records, account: str, arn: str) -> ManagedPolicy | None:
    aws = aws_managed_policy(arn)
    if aws is not None:
        return aws
    parsed: ARN = parse_arn(arn)
    if parsed.account != account:
        return None
    policy = records.policies.get(account, parsed.name)
    return policy if policy is not None and policy.arn == arn else None
