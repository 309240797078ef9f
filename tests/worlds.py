"""A small readable world in memory.

    world = World()
    alice = world.user("alice", tags={"team": "red"})
    world.call(tag_user, TagUserRequest(...), caller=world.as_user(alice))

Everything is deterministic: the clock stands, entropy counts. Without `account=` a record belongs to the first
account, and without `caller=` that account's root calls.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tabard.actions.desk import Action, Caller, Desk
from tabard.adapters.stores.memory import MemoryStore
from tabard.directory.entities import (
    Account,
    Group,
    ManagedPolicy,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    OrganizationPolicyType,
    PolicyVersion,
    Role,
    User,
)
from tabard.faults import Fault
from tabard.names import ids
from tabard.names.arn import assumed_role_arn, root_arn
from tabard.policy.principal import Principal, PrincipalKind
from tabard.ports.store import Store
from tabard.services.ask import Ask

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"

ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def trust(*principals: str) -> str:
    """A trust policy that lets these AWS principals in."""
    quoted = ",".join(f'"{principal}"' for principal in principals)
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
        f'"Principal":{{"AWS":[{quoted}]}},"Action":"sts:AssumeRole"}}]}}'
    )


class CountingEntropy:
    """Bytes that are never the same twice, and the same in every run."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, size: int, /) -> bytes:
        self._next += 1
        return hashlib.shake_128(self._next.to_bytes(8)).digest(size)


class RowBox:
    """Seals nothing, but opens only under the row that it sealed for."""

    def seal(self, row: str, secret: bytes) -> bytes:
        return row.encode() + b"\0" + secret

    def open(self, row: str, sealed: bytes) -> bytes:
        owner, _, secret = sealed.partition(b"\0")
        if owner != row.encode():
            raise ValueError("sealed for another row")
        return secret


class World:
    """A store and the builders of what is in it."""

    def __init__(self, store: Store | None = None) -> None:
        self.store: Store = store if store is not None else MemoryStore()
        self.entropy = CountingEntropy()
        self.secrets = RowBox()
        self.now = NOW
        self.main = self.account()

    # ── records ──

    def account(self, account_id: str = ACCOUNT, name: str = "main") -> Account:
        account = Account(id=account_id, name=name, created=self.now)
        with self.store.write() as records:
            records.accounts.put(account)
        return account

    def user(self, name: str, *, account: str = ACCOUNT, **fields: Any) -> User:
        user = User(account=account, name=name, id=self._id(ids.USER, account), created=self.now, **fields)
        with self.store.write() as records:
            records.users.put(user)
        return user

    def group(self, name: str, *, account: str = ACCOUNT, **fields: Any) -> Group:
        group = Group(account=account, name=name, id=self._id(ids.GROUP, account), created=self.now, **fields)
        with self.store.write() as records:
            records.groups.put(group)
        return group

    def role(self, name: str, *, account: str = ACCOUNT, **fields: Any) -> Role:
        fields.setdefault("assume_role_policy_document", trust(account))
        role = Role(account=account, name=name, id=self._id(ids.ROLE, account), created=self.now, **fields)
        with self.store.write() as records:
            records.roles.put(role)
        return role

    def policy(self, name: str, *, account: str = ACCOUNT, document: str = ALLOW_ALL, **fields: Any) -> ManagedPolicy:
        policy = ManagedPolicy(
            account=account,
            name=name,
            id=self._id(ids.MANAGED_POLICY, account),
            created=self.now,
            updated=self.now,
            versions=(PolicyVersion(id="v1", document=document, created=self.now),),
            **fields,
        )
        with self.store.write() as records:
            records.policies.put(policy)
        return policy

    def organization(self, *, management: str = ACCOUNT, **fields: Any) -> Organization:
        """An organisation with its management account under the root."""
        o, r = (self._organization_id(prefix) for prefix in (ids.ORGANIZATION, ids.ORGANIZATION_ROOT))
        made = Organization(id=o, management_account=management, root_id=r, created=self.now, **fields)
        with self.store.write() as records:
            records.organizations.put(made)
        self.member(made, management)
        return made

    def unit(self, organization: Organization, name: str, *, under: str = "", **fields: Any) -> OrganizationalUnit:
        unit_id = self._organization_id(f"{ids.ORGANIZATIONAL_UNIT}{organization.root_id.removeprefix('r-')}-")
        parent = under or organization.root_id
        made = OrganizationalUnit(
            organization_id=organization.id, parent_id=parent, id=unit_id, name=name, created=self.now, **fields
        )
        with self.store.write() as records:
            records.organizational_units.put(made)
        return made

    def member(self, organization: Organization, account: str, *, under: str = "", **fields: Any) -> None:
        place = OrganizationAccount(
            organization_id=organization.id,
            parent_id=under or organization.root_id,
            id=account,
            joined=self.now,
            **fields,
        )
        with self.store.write() as records:
            records.organization_accounts.put(place)

    def organization_policy(
        self,
        organization: Organization,
        name: str,
        content: str,
        *,
        policy_type: OrganizationPolicyType = OrganizationPolicyType.SERVICE_CONTROL,
    ) -> OrganizationPolicy:
        policy_id = self._organization_id(ids.ORGANIZATION_POLICY)
        made = OrganizationPolicy(
            organization_id=organization.id, id=policy_id, name=name, type=policy_type, content=content
        )
        with self.store.write() as records:
            records.organization_policies.put(made)
        return made

    # ── callers ──

    def root(self, account: str = ACCOUNT) -> Caller:
        principal = Principal(kind=PrincipalKind.ROOT, account=account, arn=root_arn(account), unique_id=account)
        return Caller(principal=principal, access_key_id="AKIAROOTROOTROOTROOT")

    def as_user(self, user: User) -> Caller:
        principal = Principal(kind=PrincipalKind.USER, account=user.account, arn=user.arn, unique_id=user.id)
        return Caller(principal=principal, access_key_id="AKIAUSERUSERUSERUSER", user=user)

    def as_role(self, role: Role, session: str = "session") -> Caller:
        principal = Principal(
            kind=PrincipalKind.ROLE_SESSION,
            account=role.account,
            arn=assumed_role_arn(role.account, role.name, session),
            unique_id=role.id,
            issuer_arn=role.arn,
            issuer_id=role.id,
        )
        return Caller(principal=principal, access_key_id="ASIAROLEROLEROLEROLE")

    # ── calls ──

    @contextmanager
    def desk(self, caller: Caller | None = None, *, writes: bool = True) -> Iterator[Desk]:
        with self.store.write() if writes else self.store.read() as records:
            yield Desk(
                records=records,
                caller=caller if caller is not None else self.root(),
                now=self.now,
                entropy=self.entropy,
                secrets=self.secrets,
            )

    def call(
        self, handle: Callable[[Any, Desk], Any], request: object, *, caller: Caller | None = None, writes: bool = True
    ) -> Any:
        """What the handler answers; what it wrote is in the store unless it raised."""
        with self.desk(caller, writes=writes) as desk:
            return handle(request, desk)

    def asks(self, action: Action, request: object, *, caller: Caller | None = None) -> tuple[Ask, ...]:
        """What the caller must be allowed to do; asking cannot write."""
        with self.desk(caller, writes=False) as desk:
            return action.ask(request, desk)

    def _organization_id(self, prefix: str) -> str:
        return ids.organization_id(prefix, entropy=self.entropy(ids.ORGANIZATION_ENTROPY))

    def _id(self, prefix: str, account: str) -> str:
        return ids.unique_id(prefix, account, entropy=self.entropy(ids.UNIQUE_ID_ENTROPY))


def row(actions: tuple[Action, ...], name: str) -> Action:
    """The row of that name."""
    return next(action for action in actions if action.name == name)


@contextmanager
def refused(fault: type[Fault], public: str, reason: str | None = None) -> Iterator[None]:
    """The block raises exactly this fault, with this text and for this reason."""
    with pytest.raises(fault) as caught:
        yield
    assert caught.value.public == public
    assert type(caught.value) is fault
    if reason is not None:
        assert caught.value.reason == reason
