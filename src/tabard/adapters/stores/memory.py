"""The store in memory: for tests, and for nothing that must last.

It keeps the whole contract of `ports.store`: a reader sees the state that stood when it began, a writer
works on copies of the tables that it touches, and its copies become the state when its block ends well.
Lists scan, and the first write to a table copies it; it is meant for some thousands of records.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar, cast

from tabard.adapters.stores.derived import (
    ATTACHABLE,
    KINDS,
    LOG_LENGTH,
    TARGETS,
    Entity,
    Identity,
    Named,
    attachment_order,
    attachment_scope_of,
    attachments_of,
    change_of,
    enabling_order,
    fold,
    folded_name_of,
    key_of,
    owner_of,
    scope_of,
)
from tabard.adapters.stores.turns import Turns
from tabard.directory.denials import Denial
from tabard.directory.entities import (
    AccessKey,
    AccessKeyUse,
    Account,
    AccountSettings,
    Attachment,
    EntityKind,
    Group,
    InstanceProfile,
    KeyPurpose,
    LoginProfile,
    ManagedPolicy,
    MFADevice,
    OIDCProvider,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    PolicyTarget,
    Role,
    RoleDeletion,
    SAMLProvider,
    SealingKey,
    Stack,
    User,
)
from tabard.ports.store import Change, Changes, NameTaken, Records

E = TypeVar("E", bound=Entity)


class _Rows:
    """The entities of one kind, by key; and the key that holds each name."""

    def __init__(self, by_key: Mapping[str | int, Entity], keys: Mapping[tuple[str, str], str | int]) -> None:
        self.by_key = dict(by_key)
        self.keys = dict(keys)

    def put(self, entity: Entity) -> None:
        key, name = key_of(entity), _name_of(entity)
        before = self.by_key.get(key)
        if before is not None and scope_of(before) != scope_of(entity):
            raise NameTaken
        if name is not None and self.keys.get(name, key) != key:
            raise NameTaken
        self.pop(key)
        self.by_key[key] = entity
        if name is not None:
            self.keys[name] = key

    def pop(self, key: str | int) -> Entity | None:
        before = self.by_key.pop(key, None)
        name = None if before is None else _name_of(before)
        if name is not None:
            del self.keys[name]
        return before


def _name_of(entity: Entity) -> tuple[str, str] | None:
    folded = folded_name_of(entity)
    return None if folded is None else (scope_of(entity), folded)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """All that is stored at one revision. Nothing in it is ever changed in place."""

    revision: int
    tables: Mapping[EntityKind, _Rows]
    uses: Mapping[str, AccessKeyUse]
    denials: Mapping[str, Denial]
    last_sealing_key: int
    log: tuple[tuple[int, Change], ...]
    forgotten: int
    """The newest revision of which a change is no longer in the log."""


_NO_ROWS = _Rows({}, {})
_EMPTY = _State(revision=0, tables={}, uses={}, denials={}, last_sealing_key=0, log=(), forgotten=0)


class MemoryStore:
    """A `ports.store.Store` that forgets."""

    def __init__(self) -> None:
        self._state = _EMPTY
        self._turns = Turns()

    @contextmanager
    def read(self) -> Iterator[Records]:
        with self._turns.read():
            yield _Transaction(self._state, writes=False)

    @contextmanager
    def write(self) -> Iterator[Records]:
        with self._turns.write():
            transaction = _Transaction(self._state, writes=True)
            yield transaction
            self._state = transaction.outcome()

    def revision(self) -> int:
        return self._state.revision

    def changes_since(self, revision: int) -> Changes:
        state = self._state
        if not state.forgotten <= revision <= state.revision:
            return Changes(state.revision, (), complete=False)
        return Changes(state.revision, tuple(dict.fromkeys(change for at, change in state.log if at > revision)))

    def close(self) -> None:
        """Nothing is held open."""


class _Transaction:
    """One state as a reader or a writer sees it. `Records`."""

    def __init__(self, state: _State, *, writes: bool) -> None:
        self._began = state
        self._writes = writes
        self._copies: dict[EntityKind, _Rows] = {}
        self._changes: list[Change] = []
        self.uses = dict(state.uses) if writes else state.uses
        self.kept_denials = dict(state.denials) if writes else state.denials
        self.last_sealing_key = state.last_sealing_key
        self.accounts = _Accounts(self, Account)
        self.users = _Users(self, User)
        self.groups = _NamedTable(self, Group)
        self.roles = _NamedTable(self, Role)
        self.policies = _ManagedPolicies(self, ManagedPolicy)
        self.instance_profiles = _InstanceProfiles(self, InstanceProfile)
        self.access_keys = _AccessKeys(self, AccessKey)
        self.mfa_devices = _MFADevices(self, MFADevice)
        self.settings = _AccountsSettings(self, AccountSettings)
        self.login_profiles = _LoginProfiles(self, LoginProfile)
        self.saml_providers = _SAMLProviders(self, SAMLProvider)
        self.oidc_providers = _OIDCProviders(self, OIDCProvider)
        self.role_deletions = _RoleDeletions(self, RoleDeletion)
        self.sealing_keys = _SealingKeys(self, SealingKey)
        self.stacks = _Stacks(self, Stack)
        self.denials = _Denials(self)
        self.organizations = _Organizations(self, Organization)
        self.organizational_units = _OrganizationalUnits(self, OrganizationalUnit)
        self.organization_accounts = _OrganizationAccounts(self, OrganizationAccount)
        self.organization_policies = _OrganizationPolicies(self, OrganizationPolicy)

    def rows(self, kind: EntityKind) -> _Rows:
        return self._copies.get(kind) or self._began.tables.get(kind) or _NO_ROWS

    def copy(self, kind: EntityKind) -> _Rows:
        """The table to write to."""
        self.require_write()
        if kind not in self._copies:
            began = self.rows(kind)
            self._copies[kind] = _Rows(began.by_key, began.keys)
        return self._copies[kind]

    def require_write(self) -> None:
        if not self._writes:
            raise RuntimeError("a read transaction cannot write")

    def log(self, entity: Entity) -> None:
        self._changes.append(change_of(entity))

    def outcome(self) -> _State:
        began = self._began
        revision = began.revision + bool(self._changes)
        log = began.log + tuple((revision, change) for change in dict.fromkeys(self._changes))
        dropped = log[:-LOG_LENGTH]
        return _State(
            revision=revision,
            tables={**began.tables, **self._copies},
            uses=self.uses,
            denials=self.kept_denials,
            last_sealing_key=self.last_sealing_key,
            log=log[-LOG_LENGTH:],
            forgotten=dropped[-1][0] if dropped else began.forgotten,
        )


class _Table(Generic[E]):
    """The entities of one kind."""

    def __init__(self, transaction: _Transaction, entity: type[E]) -> None:
        self._transaction = transaction
        self._kind = KINDS[entity]

    def _all(self) -> Iterator[E]:
        return cast(Iterator[E], iter(self._transaction.rows(self._kind).by_key.values()))

    def _of_name(self, scope: str, name: str) -> E | None:
        key = self._transaction.rows(self._kind).keys.get((scope, fold(name)))
        return None if key is None else self._of_key(key)

    def _of_key(self, key: str | int) -> E | None:
        return cast(E | None, self._transaction.rows(self._kind).by_key.get(key))

    def _owned_by(self, owner_id: str) -> Iterator[E]:
        return (entity for entity in self._all() if owner_of(entity) == owner_id)

    def _put(self, entity: E) -> None:
        self._transaction.copy(self._kind).put(entity)
        self._transaction.log(entity)

    def _delete(self, entity: E) -> bool:
        """Whether there was something to delete."""
        before = self._transaction.copy(self._kind).pop(key_of(entity))
        if before is None:
            return False
        self._transaction.log(before)
        return True


class _NamedTable(_Table[Named]):
    """`Users`, `Groups`, `Roles`, `ManagedPolicies` and `InstanceProfiles`, as far as they are alike."""

    def get(self, account: str, name: str) -> Named | None:
        return self._of_name(account, name)

    def get_by_id(self, entity_id: str, /) -> Named | None:
        return self._of_key(entity_id)

    def list(self, account: str, *, path_prefix: str = "/", after: str = "", limit: int = 1000) -> Sequence[Named]:
        found = (e for e in self._all() if e.account == account and e.path.startswith(path_prefix))
        return _page(found, after, limit)

    def count(self, account: str) -> int:
        return sum(entity.account == account for entity in self._all())

    def put(self, entity: Named, /) -> None:
        self._put(entity)

    def delete(self, entity: Named, /) -> None:
        self._delete(entity)


class _Accounts(_Table[Account]):
    def get(self, account_id: str, /) -> Account | None:
        return self._of_key(account_id)

    def get_by_name(self, name: str) -> Account | None:
        return self._of_name("", name)

    def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Account]:
        return sorted((a for a in self._all() if a.id > after), key=lambda account: account.id)[:limit]

    def put(self, account: Account, /) -> None:
        self._put(account)


class _Users(_NamedTable[User]):
    def in_group(self, group_id: str, *, after: str = "", limit: int = 1000) -> Sequence[User]:
        return _page((user for user in self._all() if group_id in user.groups), after, limit)


class _ManagedPolicies(_NamedTable[ManagedPolicy]):
    def attachments(self, account: str, policy_arn: str) -> Sequence[Attachment]:
        identities = (cast(Identity, i) for kind in ATTACHABLE for i in self._transaction.rows(kind).by_key.values())
        found = [a for i in identities if i.account == account for arn, a in attachments_of(i) if arn == policy_arn]
        return sorted(found, key=attachment_order)


class _InstanceProfiles(_NamedTable[InstanceProfile]):
    def for_role(self, role_id: str) -> Sequence[InstanceProfile]:
        return sorted(self._owned_by(role_id), key=lambda profile: fold(profile.name))


class _AccessKeys(_Table[AccessKey]):
    def get(self, key_id: str) -> AccessKey | None:
        return self._of_key(key_id)

    def of(self, owner_id: str) -> Sequence[AccessKey]:
        return sorted(self._owned_by(owner_id), key=lambda key: (key.created, key.id))

    def put(self, key: AccessKey, /) -> None:
        self._put(key)

    def delete(self, key: AccessKey, /) -> None:
        if self._delete(key):
            self._uses().pop(key.id, None)

    def record_use(self, use: AccessKeyUse) -> None:
        before = self.last_use(use.key_id)
        if self._of_key(use.key_id) is not None and (before is None or before.at < use.at):
            self._uses()[use.key_id] = use

    def last_use(self, key_id: str) -> AccessKeyUse | None:
        return self._transaction.uses.get(key_id)

    def _uses(self) -> dict[str, AccessKeyUse]:
        self._transaction.require_write()
        return cast(dict[str, AccessKeyUse], self._transaction.uses)


class _MFADevices(_Table[MFADevice]):
    def get(self, serial_number: str) -> MFADevice | None:
        return self._of_key(serial_number)

    def of(self, owner_id: str) -> Sequence[MFADevice]:
        return sorted(self._owned_by(owner_id), key=enabling_order)

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[MFADevice]:
        return _page((device for device in self._all() if device.account == account), after, limit)

    def put(self, device: MFADevice, /) -> None:
        self._put(device)

    def delete(self, device: MFADevice, /) -> None:
        self._delete(device)


class _AccountsSettings(_Table[AccountSettings]):
    def get(self, account: str, /) -> AccountSettings:
        return self._of_key(account) or AccountSettings(account=account)

    def by_alias(self, alias: str, /) -> AccountSettings | None:
        return self._of_name("", alias)

    def put(self, settings: AccountSettings, /) -> None:
        self._put(settings)


class _LoginProfiles(_Table[LoginProfile]):
    def get(self, user_id: str, /) -> LoginProfile | None:
        return self._of_key(user_id)

    def put(self, profile: LoginProfile, /) -> None:
        self._put(profile)

    def delete(self, profile: LoginProfile, /) -> None:
        self._delete(profile)


class _SAMLProviders(_Table[SAMLProvider]):
    def get(self, arn: str, /) -> SAMLProvider | None:
        return self._of_key(arn)

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[SAMLProvider]:
        return _page((provider for provider in self._all() if provider.account == account), after, limit)

    def count(self, account: str) -> int:
        return sum(provider.account == account for provider in self._all())

    def put(self, provider: SAMLProvider, /) -> None:
        self._put(provider)

    def delete(self, provider: SAMLProvider, /) -> None:
        self._delete(provider)


class _OIDCProviders(_Table[OIDCProvider]):
    def get(self, arn: str, /) -> OIDCProvider | None:
        return self._of_key(arn)

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[OIDCProvider]:
        found = (provider for provider in self._all() if provider.account == account and provider.url > after)
        return sorted(found, key=lambda provider: provider.url)[:limit]

    def count(self, account: str) -> int:
        return sum(provider.account == account for provider in self._all())

    def put(self, provider: OIDCProvider, /) -> None:
        self._put(provider)

    def delete(self, provider: OIDCProvider, /) -> None:
        self._delete(provider)


class _RoleDeletions(_Table[RoleDeletion]):
    def get(self, task_id: str, /) -> RoleDeletion | None:
        return self._of_key(task_id)

    def of(self, account: str) -> Sequence[RoleDeletion]:
        found = (deletion for deletion in self._all() if deletion.account == account)
        return sorted(found, key=lambda deletion: (deletion.created, deletion.task_id))

    def put(self, deletion: RoleDeletion, /) -> None:
        self._put(deletion)

    def delete(self, deletion: RoleDeletion, /) -> None:
        self._delete(deletion)


class _SealingKeys(_Table[SealingKey]):
    def of(self, purpose: KeyPurpose) -> Sequence[SealingKey]:
        return sorted((key for key in self._all() if key.purpose is purpose), key=lambda key: key.id)

    def next_id(self) -> int:
        return self._transaction.last_sealing_key + 1

    def put(self, key: SealingKey, /) -> None:
        self._put(key)
        self._transaction.last_sealing_key = max(key.id, self._transaction.last_sealing_key)

    def delete(self, key: SealingKey, /) -> None:
        self._delete(key)


class _Stacks(_Table[Stack]):
    def get(self, account: str, name: str) -> Stack | None:
        return self._of_name(account, name)

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[Stack]:
        return _page((stack for stack in self._all() if stack.account == account), after, limit)

    def put(self, stack: Stack, /) -> None:
        self._put(stack)

    def delete(self, stack: Stack, /) -> None:
        self._delete(stack)


class _Denials:
    """Denials, by id."""

    def __init__(self, transaction: _Transaction) -> None:
        self._transaction = transaction

    def get(self, denial_id: str, /) -> Denial | None:
        return self._transaction.kept_denials.get(denial_id)

    def find(
        self, *, request_id: str | None = None, access_key_id: str | None = None, limit: int = 20
    ) -> Sequence[Denial]:
        def is_wanted(denial: Denial) -> bool:
            return denial.request_id == request_id if request_id is not None else denial.access_key_id == access_key_id

        return [denial for denial in self._newest_first() if is_wanted(denial)][:limit]

    def put(self, denial: Denial, /) -> None:
        self._transaction.require_write()
        self._transaction.kept_denials = {**self._transaction.kept_denials, denial.id: denial}

    def prune(self, account: str, *, before: datetime, keep: int) -> int:
        self._transaction.require_write()
        own = [denial for denial in self._newest_first() if denial.account == account]
        gone = {d.id for place, d in enumerate(own) if place >= keep or d.at < before}
        kept = self._transaction.kept_denials
        self._transaction.kept_denials = {key: denial for key, denial in kept.items() if key not in gone}
        return len(gone)

    def _newest_first(self) -> list[Denial]:
        return sorted(self._transaction.kept_denials.values(), key=lambda denial: denial.id, reverse=True)


class _Organizations(_Table[Organization]):
    def get(self, organization_id: str, /) -> Organization | None:
        return self._of_key(organization_id)

    def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Organization]:
        return sorted((each for each in self._all() if each.id > after), key=lambda each: each.id)[:limit]

    def put(self, organization: Organization, /) -> None:
        self._put(organization)

    def delete(self, organization: Organization, /) -> None:
        self._delete(organization)


class _OrganizationalUnits(_Table[OrganizationalUnit]):
    def get(self, unit_id: str, /) -> OrganizationalUnit | None:
        return self._of_key(unit_id)

    def list(self, parent_id: str, *, after: str = "", limit: int = 1000) -> Sequence[OrganizationalUnit]:
        return _page((unit for unit in self._all() if unit.parent_id == parent_id), after, limit)

    def put(self, unit: OrganizationalUnit, /) -> None:
        self._put(unit)

    def delete(self, unit: OrganizationalUnit, /) -> None:
        self._delete(unit)


class _OrganizationAccounts(_Table[OrganizationAccount]):
    def get(self, account_id: str, /) -> OrganizationAccount | None:
        return self._of_key(account_id)

    def list(self, organization_id: str, *, after: str = "", limit: int = 1000) -> Sequence[OrganizationAccount]:
        found = (each for each in self._all() if each.organization_id == organization_id and each.id > after)
        return sorted(found, key=lambda account: account.id)[:limit]

    def under(self, parent_id: str) -> Sequence[OrganizationAccount]:
        return sorted(self._owned_by(parent_id), key=lambda account: account.id)

    def put(self, account: OrganizationAccount, /) -> None:
        self._put(account)

    def delete(self, account: OrganizationAccount, /) -> None:
        self._delete(account)


class _OrganizationPolicies(_Table[OrganizationPolicy]):
    def get(self, policy_id: str, /) -> OrganizationPolicy | None:
        return self._of_key(policy_id)

    def list(self, organization_id: str, *, after: str = "", limit: int = 1000) -> Sequence[OrganizationPolicy]:
        return _page((each for each in self._all() if each.organization_id == organization_id), after, limit)

    def attachments(self, organization_id: str, policy_id: str) -> Sequence[Attachment]:
        targets = (cast(PolicyTarget, t) for kind in TARGETS for t in self._transaction.rows(kind).by_key.values())
        ours = (target for target in targets if attachment_scope_of(target) == organization_id)
        found = [attachment for target in ours for used, attachment in attachments_of(target) if used == policy_id]
        return sorted(found, key=attachment_order)

    def put(self, policy: OrganizationPolicy, /) -> None:
        self._put(policy)

    def delete(self, policy: OrganizationPolicy, /) -> None:
        self._delete(policy)


P = TypeVar(
    "P",
    User,
    Group,
    Role,
    ManagedPolicy,
    InstanceProfile,
    MFADevice,
    SAMLProvider,
    OrganizationalUnit,
    OrganizationPolicy,
    Stack,
)


def _page(found: Iterator[P], after: str, limit: int) -> list[P]:
    """The first `limit` by folded name, from just after `after`."""
    folded_after = fold(after)
    named = sorted(((fold(entity.name), entity) for entity in found), key=lambda pair: pair[0])
    return [entity for folded, entity in named if folded > folded_after][:limit]
