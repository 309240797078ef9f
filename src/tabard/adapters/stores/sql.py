"""The record ports as SQLAlchemy statements, one set for SQLite and PostgreSQL.

A put looks at what stands under the entity's key and name, so that a taken name is told before anything
is written and the transaction lives on; the exclusive transaction makes the look worth something, and the
unique constraints stand behind it. What is derived from a record is rewritten only where it changed. The
change log is written once, when the transaction ends, under one new revision.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Integer,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tabard.adapters.stores.derived import (
    KINDS,
    LOG_LENGTH,
    Entity,
    Named,
    attachment_order,
    attachment_scope_of,
    attachments_of,
    change_of,
    deflate_denial,
    enabling_order,
    fold,
    folded_name_of,
    inflate_denial,
    key_of,
    owner_of,
    scope_of,
)
from tabard.adapters.stores.schema import SchemaState, prepare_schema, schema_state
from tabard.adapters.stores.tables import access_key_uses, attachments, changes, denials, entities, memberships, state
from tabard.adapters.stores.turns import PATIENCE, Turns
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
    Role,
    RoleDeletion,
    SAMLProvider,
    SealingKey,
    Stack,
    User,
)
from tabard.ports.store import Change, Changes, NameTaken, Records, StoreUnavailable

CONNECTIONS: Final = 16
"""The most connections that one process holds to its store."""

E = TypeVar("E", bound=Entity)
Row = Sequence[Any]  # Any: a column holds what its statement selected

_is_kind = entities.c.kind == bindparam("kind")
_is_it = and_(_is_kind, entities.c.id == bindparam("id"))
_has_name = and_(_is_kind, entities.c.scope == bindparam("scope"), entities.c.folded == bindparam("folded"))
_after = and_(_is_kind, entities.c.scope == bindparam("scope"), entities.c.folded > bindparam("after"))
_limit = bindparam("limit", type_=Integer)

_BY_KEY = select(entities.c.record).where(_is_it)
_BY_NAME = select(entities.c.record).where(_has_name)
_BY_OWNER = select(entities.c.record).where(_is_kind, entities.c.owner == bindparam("owner"))
_IN_SCOPE = select(entities.c.record).where(_is_kind, entities.c.scope == bindparam("scope"))
_PAGE = select(entities.c.record).where(_after).order_by(entities.c.folded).limit(_limit)
_PAGE_UNDER = _PAGE.where(
    func.substr(entities.c.path, 1, bindparam("length", type_=Integer)) == bindparam("path_prefix")
)
_PAGE_BY_KEY = (
    select(entities.c.record).where(_is_kind, entities.c.id > bindparam("after")).order_by(entities.c.id).limit(_limit)
)
_MEMBERS = (
    select(entities.c.record)
    .join(memberships, memberships.c.user_id == entities.c.id)
    .where(_is_kind, memberships.c.group_id == bindparam("group_id"), entities.c.folded > bindparam("after"))
    .order_by(entities.c.folded)
    .limit(_limit)
)
_COUNT = select(func.count()).select_from(entities).where(_is_kind, entities.c.scope == bindparam("scope"))
_standing = select(entities.c.id, entities.c.scope, entities.c.record)
_STANDING = union_all(  # not OR: each half is one look into a unique index, whatever the planner knows of the table
    _standing.where(_is_it), _standing.where(_has_name, entities.c.id != bindparam("id"))
)

_INSERT = insert(entities)
_UPDATE = update(entities).where(entities.c.kind == bindparam("of_kind"), entities.c.id == bindparam("of_id"))
_DELETE = delete(entities).where(_is_it)

_ATTACHMENTS = select(attachments.c.record).where(
    attachments.c.account == bindparam("account"), attachments.c.policy_arn == bindparam("policy_arn")
)
_ATTACH = insert(attachments)
_DETACH = delete(attachments).where(
    attachments.c.kind == bindparam("of_kind"), attachments.c.entity_id == bindparam("of_id")
)
_JOIN = insert(memberships)
_LEAVE = delete(memberships).where(memberships.c.user_id == bindparam("of_id"))

_LAST_USE = select(access_key_uses.c.record).where(access_key_uses.c.key_id == bindparam("key_id"))
_FORGET_USE = delete(access_key_uses).where(access_key_uses.c.key_id == bindparam("of_key"))
_RECORD_USE = insert(access_key_uses)

_DENIAL = select(denials.c.record).where(denials.c.id == bindparam("id"))
_newest_denials = select(denials.c.record).order_by(denials.c.id.desc()).limit(_limit)
_DENIALS_OF_REQUEST = _newest_denials.where(denials.c.request_id == bindparam("request_id"))
_DENIALS_OF_KEY = _newest_denials.where(denials.c.access_key_id == bindparam("access_key_id"))
_KEEP_DENIAL = insert(denials)
_in_account = denials.c.account == bindparam("of_account")
_one_too_many = (
    select(denials.c.id)
    .where(_in_account)
    .order_by(denials.c.id.desc())
    .limit(1)
    .offset(bindparam("keep", type_=Integer))
)
_PRUNE_DENIALS = delete(denials).where(
    _in_account, or_(denials.c.at < bindparam("before"), denials.c.id <= _one_too_many.scalar_subquery())
)

_REVISION = select(state.c.revision)
_STATE = select(state.c.revision, state.c.forgotten)
_LAST_SEALING_KEY = select(state.c.last_sealing_key)
_USE_SEALING_KEY = update(state)
_NEXT_REVISION = (
    update(state)
    .values(revision=state.c.revision + 1, sequence=state.c.sequence + bindparam("count", type_=Integer))
    .returning(state.c.revision, state.c.sequence)
)
_LOG = insert(changes)
_LOGGED = (
    select(changes.c.kind, changes.c.id)
    .where(changes.c.revision > bindparam("revision"))
    .order_by(changes.c.revision, changes.c.sequence)
)
_PRUNE = delete(changes).where(changes.c.sequence <= bindparam("last")).returning(changes.c.revision)
_FORGET = update(state)

_encode = msgspec.json.Encoder().encode
_DECODERS: Final[Mapping[type[object], msgspec.json.Decoder[Any]]] = {  # Any: the key says what
    stored: msgspec.json.Decoder(stored) for stored in (*KINDS, AccessKeyUse, Attachment)
}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


def _decode(stored: type[T], record: str) -> T:
    try:
        decoded: T = _DECODERS[stored].decode(record)
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(f"a stored record cannot be read: {error}") from error
    return decoded


class SQLStore:
    """A `ports.store.Store` in a database. `begin_read` and `begin_write` are all that differs between them."""

    def __init__(self, engine: Engine, *, name: str, begin_read: str, begin_write: str) -> None:
        self._engine = engine
        self._name = name
        self._begin_read = begin_read
        self._begin_write = begin_write
        self._turns = Turns()

    def prepare(self, *, create: bool) -> None:
        """Make or migrate the schema where that is needed.

        Raises:
            StoreUnavailable: the database cannot be used, or is no store of ours.
        """
        try:
            with self._transaction(self._begin_read) as connection:
                if schema_state(connection) is SchemaState.CURRENT:
                    return
            with self._transaction(self._begin_write) as connection:
                prepare_schema(connection, create=create)
        except StoreUnavailable as error:
            self.close()
            raise StoreUnavailable(f"{self._name}: {error}") from error

    @contextmanager
    def read(self) -> Iterator[Records]:
        with self._turns.read(), self._transaction(self._begin_read) as connection:
            yield _Transaction(connection, writes=False)

    @contextmanager
    def write(self) -> Iterator[Records]:
        with self._turns.write(), self._transaction(self._begin_write) as connection:
            transaction = _Transaction(connection, writes=True)
            yield transaction
            transaction.log_changes()

    def revision(self) -> int:
        with self._transaction(self._begin_read) as connection:
            return int(connection.execute(_REVISION).scalar_one())

    def changes_since(self, revision: int) -> Changes:
        with self._transaction(self._begin_read) as connection:
            now, forgotten = connection.execute(_STATE).one()
            if not forgotten <= revision <= now:
                return Changes(now, (), complete=False)
            logged = connection.execute(_LOGGED, {"revision": revision})
            return Changes(now, tuple(dict.fromkeys(Change(EntityKind(kind), name) for kind, name in logged)))

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with _translated(), self._begun(begin) as connection:
            yield connection
            connection.commit()

    def _begun(self, begin: str) -> Connection:
        """A connection inside a transaction. One that died while it lay in the pool is replaced, once."""
        try:
            return _begin(self._engine.connect(), begin)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return _begin(self._engine.connect(), begin)


def _begin(connection: Connection, begin: str) -> Connection:
    try:
        connection.exec_driver_sql(begin)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _translated() -> Iterator[None]:
    """Failures of the database become StoreUnavailable; mistakes in a statement stay what they are."""
    try:
        yield
    except (IntegrityError, ProgrammingError):
        raise
    except (DatabaseError, InterfaceError) as error:
        raise StoreUnavailable(str(error.orig).strip().partition("\n")[0]) from error
    except PoolTimeoutError as error:
        raise StoreUnavailable(f"no connection became free within {PATIENCE:g} seconds") from error


class _Transaction:
    """One transaction of the database. `Records`."""

    def __init__(self, connection: Connection, *, writes: bool) -> None:
        self._connection = connection
        self._writes = writes
        self._changes: dict[Change, None] = {}
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

    def rows(self, statement: Executable, values: Mapping[str, object]) -> Sequence[Row]:
        """What a query finds. It finds nothing by a text that no database can hold."""
        if not all(_is_storable(value) for value in values.values()):
            return ()
        return self._connection.execute(statement, values).all()

    def run(self, statement: Executable, values: Mapping[str, object] | Sequence[Mapping[str, object]]) -> int:
        """How many rows the statement changed."""
        if not self._writes:
            raise RuntimeError("a read transaction cannot write")
        return int(self._connection.execute(statement, values).rowcount) if values else 0

    def changed(self, entity: Entity) -> None:
        self._changes[change_of(entity)] = None

    def log_changes(self) -> None:
        """Give what this transaction changed one new revision, and forget the oldest changes."""
        if not self._changes:
            return
        count = len(self._changes)
        revision, last = self._connection.execute(_NEXT_REVISION, {"count": count}).one()
        numbered = list(enumerate(self._changes, start=last - count + 1))
        self.run(
            _LOG,
            [
                {"sequence": n, "revision": revision, "kind": c.kind.value, "id": c.id}
                for n, c in numbered[-LOG_LENGTH:]
            ],
        )
        pruned = self._connection.execute(_PRUNE, {"last": last - LOG_LENGTH}).scalars().all()
        forgotten = revision if count > LOG_LENGTH else max(pruned, default=0)
        if forgotten:
            self.run(_FORGET, {"forgotten": forgotten})


def _is_storable(value: object) -> bool:
    """PostgreSQL holds no NUL, and no database half of a surrogate pair."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return True
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)


class _Table(Generic[E]):
    """The entities of one kind."""

    def __init__(self, transaction: _Transaction, entity: type[E]) -> None:
        self._transaction = transaction
        self._entity = entity
        self._kind = KINDS[entity].value

    def _find(self, statement: Executable, **values: object) -> list[E]:
        rows = self._transaction.rows(statement, {"kind": self._kind, **values})
        return [_decode(self._entity, record) for (record,) in rows]

    def _find_one(self, statement: Executable, **values: object) -> E | None:
        return next(iter(self._find(statement, **values)), None)

    def _count(self, scope: str) -> int:
        return sum(count for (count,) in self._transaction.rows(_COUNT, {"kind": self._kind, "scope": scope}))

    def _put(self, entity: E) -> None:
        transaction = self._transaction
        row = _row(entity)
        before = None
        for key, scope, record in transaction.rows(_STANDING, row):
            if key != row["id"] or scope != row["scope"]:
                raise NameTaken
            before = _decode(self._entity, record)
        if before is None:
            transaction.run(_INSERT, row)
        else:
            transaction.run(_UPDATE, {**row, "of_kind": row["kind"], "of_id": row["id"]})
        _derive(transaction, before, entity)
        transaction.changed(entity)

    def _delete(self, entity: E) -> bool:
        """Whether there was something to delete."""
        key = {"kind": self._kind, "id": str(key_of(entity))}
        before = self._find_one(_BY_KEY, **key)
        if not self._transaction.run(_DELETE, key) or before is None:
            return False
        _derive(self._transaction, before, None)
        self._transaction.changed(before)
        return True


def _row(entity: Entity) -> dict[str, str | None]:
    """The entity as a row of `entities`."""
    return {
        "kind": KINDS[type(entity)].value,
        "id": str(key_of(entity)),
        "scope": scope_of(entity),
        "folded": folded_name_of(entity),
        "path": getattr(entity, "path", None),
        "owner": owner_of(entity),
        "record": _encode(entity).decode(),
    }


def _derive(transaction: _Transaction, before: Entity | None, after: Entity | None) -> None:
    """Write what is derived from an entity, where it changed."""
    attached, attach = _attachment_rows(before), _attachment_rows(after)
    if attached != attach:
        if attached:
            transaction.run(_DETACH, {"of_kind": attached[0]["kind"], "of_id": attached[0]["entity_id"]})
        transaction.run(_ATTACH, attach)
    joined, join = _membership_rows(before), _membership_rows(after)
    if joined != join:
        if joined:
            transaction.run(_LEAVE, {"of_id": joined[0]["user_id"]})
        transaction.run(_JOIN, join)


def _attachment_rows(entity: Entity | None) -> list[dict[str, str]]:
    if entity is None:
        return []
    return [
        {
            "kind": attachment.kind.value,
            "entity_id": attachment.id,
            "policy_arn": arn,
            "usage": attachment.usage.value,
            "account": attachment_scope_of(entity),
            "record": _encode(attachment).decode(),
        }
        for arn, attachment in attachments_of(entity)
    ]


def _membership_rows(entity: Entity | None) -> list[dict[str, str]]:
    if not isinstance(entity, User):
        return []
    return [{"user_id": entity.id, "group_id": group} for group in dict.fromkeys(entity.groups)]


class _NamedTable(_Table[Named]):
    """`Users`, `Groups`, `Roles`, `ManagedPolicies` and `InstanceProfiles`, as far as they are alike."""

    def get(self, account: str, name: str) -> Named | None:
        return self._find_one(_BY_NAME, scope=account, folded=fold(name))

    def get_by_id(self, entity_id: str, /) -> Named | None:
        return self._find_one(_BY_KEY, id=entity_id)

    def list(self, account: str, *, path_prefix: str = "/", after: str = "", limit: int = 1000) -> Sequence[Named]:
        page = {"scope": account, "after": fold(after), "limit": limit}
        if path_prefix == "/":
            return self._find(_PAGE, **page)
        return self._find(_PAGE_UNDER, **page, path_prefix=path_prefix, length=len(path_prefix))

    def count(self, account: str) -> int:
        return self._count(account)

    def put(self, entity: Named, /) -> None:
        self._put(entity)

    def delete(self, entity: Named, /) -> None:
        self._delete(entity)


class _Accounts(_Table[Account]):
    def get(self, account_id: str, /) -> Account | None:
        return self._find_one(_BY_KEY, id=account_id)

    def get_by_name(self, name: str) -> Account | None:
        return self._find_one(_BY_NAME, scope="", folded=fold(name))

    def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Account]:
        return self._find(_PAGE_BY_KEY, after=after, limit=limit)

    def put(self, account: Account, /) -> None:
        self._put(account)


class _Users(_NamedTable[User]):
    def in_group(self, group_id: str, *, after: str = "", limit: int = 1000) -> Sequence[User]:
        return self._find(_MEMBERS, group_id=group_id, after=fold(after), limit=limit)


class _ManagedPolicies(_NamedTable[ManagedPolicy]):
    def attachments(self, account: str, policy_arn: str) -> Sequence[Attachment]:
        rows = self._transaction.rows(_ATTACHMENTS, {"account": account, "policy_arn": policy_arn})
        return sorted((_decode(Attachment, record) for (record,) in rows), key=attachment_order)


class _InstanceProfiles(_NamedTable[InstanceProfile]):
    def for_role(self, role_id: str) -> Sequence[InstanceProfile]:
        return sorted(self._find(_BY_OWNER, owner=role_id), key=lambda profile: fold(profile.name))


class _AccessKeys(_Table[AccessKey]):
    def get(self, key_id: str) -> AccessKey | None:
        return self._find_one(_BY_KEY, id=key_id)

    def of(self, owner_id: str) -> Sequence[AccessKey]:
        return sorted(self._find(_BY_OWNER, owner=owner_id), key=lambda key: (key.created, key.id))

    def put(self, key: AccessKey, /) -> None:
        self._put(key)

    def delete(self, key: AccessKey, /) -> None:
        if self._delete(key):
            self._transaction.run(_FORGET_USE, {"of_key": key.id})

    def record_use(self, use: AccessKeyUse) -> None:
        before = self.last_use(use.key_id)
        if self.get(use.key_id) is None or (before is not None and use.at <= before.at):
            return
        self._transaction.run(_FORGET_USE, {"of_key": use.key_id})
        self._transaction.run(_RECORD_USE, {"key_id": use.key_id, "record": _encode(use).decode()})

    def last_use(self, key_id: str) -> AccessKeyUse | None:
        rows = self._transaction.rows(_LAST_USE, {"key_id": key_id})
        return next((_decode(AccessKeyUse, record) for (record,) in rows), None)


class _MFADevices(_Table[MFADevice]):
    def get(self, serial_number: str) -> MFADevice | None:
        return self._find_one(_BY_KEY, id=serial_number)

    def of(self, owner_id: str) -> Sequence[MFADevice]:
        return sorted(self._find(_BY_OWNER, owner=owner_id), key=enabling_order)

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[MFADevice]:
        return self._find(_PAGE, scope=account, after=fold(after), limit=limit)

    def put(self, device: MFADevice, /) -> None:
        self._put(device)

    def delete(self, device: MFADevice, /) -> None:
        self._delete(device)


class _AccountsSettings(_Table[AccountSettings]):
    def get(self, account: str, /) -> AccountSettings:
        return self._find_one(_BY_KEY, id=account) or AccountSettings(account=account)

    def by_alias(self, alias: str, /) -> AccountSettings | None:
        return self._find_one(_BY_NAME, scope="", folded=fold(alias))

    def put(self, settings: AccountSettings, /) -> None:
        self._put(settings)


class _LoginProfiles(_Table[LoginProfile]):
    def get(self, user_id: str, /) -> LoginProfile | None:
        return self._find_one(_BY_KEY, id=user_id)

    def put(self, profile: LoginProfile, /) -> None:
        self._put(profile)

    def delete(self, profile: LoginProfile, /) -> None:
        self._delete(profile)


class _SAMLProviders(_Table[SAMLProvider]):
    def get(self, arn: str, /) -> SAMLProvider | None:
        return self._find_one(_BY_KEY, id=arn)

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[SAMLProvider]:
        return self._find(_PAGE, scope=account, after=fold(after), limit=limit)

    def count(self, account: str) -> int:
        return self._count(account)

    def put(self, provider: SAMLProvider, /) -> None:
        self._put(provider)

    def delete(self, provider: SAMLProvider, /) -> None:
        self._delete(provider)


class _OIDCProviders(_Table[OIDCProvider]):
    def get(self, arn: str, /) -> OIDCProvider | None:
        return self._find_one(_BY_KEY, id=arn)

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[OIDCProvider]:
        return self._find(_PAGE, scope=account, after=after, limit=limit)

    def count(self, account: str) -> int:
        return self._count(account)

    def put(self, provider: OIDCProvider, /) -> None:
        self._put(provider)

    def delete(self, provider: OIDCProvider, /) -> None:
        self._delete(provider)


class _RoleDeletions(_Table[RoleDeletion]):
    def get(self, task_id: str, /) -> RoleDeletion | None:
        return self._find_one(_BY_KEY, id=task_id)

    def of(self, account: str) -> Sequence[RoleDeletion]:
        return sorted(self._find(_IN_SCOPE, scope=account), key=lambda deletion: (deletion.created, deletion.task_id))

    def put(self, deletion: RoleDeletion, /) -> None:
        self._put(deletion)

    def delete(self, deletion: RoleDeletion, /) -> None:
        self._delete(deletion)


class _SealingKeys(_Table[SealingKey]):
    def of(self, purpose: KeyPurpose) -> Sequence[SealingKey]:
        return sorted(self._find(_IN_SCOPE, scope=purpose.value), key=lambda key: key.id)

    def next_id(self) -> int:
        ((last,),) = self._transaction.rows(_LAST_SEALING_KEY, {})
        return int(last) + 1

    def put(self, key: SealingKey, /) -> None:
        self._put(key)
        if key.id >= self.next_id():
            self._transaction.run(_USE_SEALING_KEY, {"last_sealing_key": key.id})

    def delete(self, key: SealingKey, /) -> None:
        self._delete(key)


class _Stacks(_Table[Stack]):
    def get(self, account: str, name: str) -> Stack | None:
        return self._find_one(_BY_NAME, scope=account, folded=fold(name))

    def list(self, account: str, *, after: str = "", limit: int = 1000) -> Sequence[Stack]:
        return self._find(_PAGE, scope=account, after=fold(after), limit=limit)

    def put(self, stack: Stack, /) -> None:
        self._put(stack)

    def delete(self, stack: Stack, /) -> None:
        self._delete(stack)


class _Denials:
    """Denials: no entities, but rows of their own."""

    def __init__(self, transaction: _Transaction) -> None:
        self._transaction = transaction

    def get(self, denial_id: str, /) -> Denial | None:
        rows = self._transaction.rows(_DENIAL, {"id": denial_id})
        return next((inflate_denial(record) for (record,) in rows), None)

    def find(
        self, *, request_id: str | None = None, access_key_id: str | None = None, limit: int = 20
    ) -> Sequence[Denial]:
        if request_id is not None:
            rows = self._transaction.rows(_DENIALS_OF_REQUEST, {"request_id": request_id, "limit": limit})
        else:
            rows = self._transaction.rows(_DENIALS_OF_KEY, {"access_key_id": access_key_id, "limit": limit})
        return [inflate_denial(record) for (record,) in rows]

    def put(self, denial: Denial, /) -> None:
        self._transaction.run(
            _KEEP_DENIAL,
            {
                "id": denial.id,
                "account": denial.account,
                "at": _microseconds(denial.at),
                "request_id": denial.request_id,
                "access_key_id": denial.access_key_id,
                "record": deflate_denial(denial),
            },
        )

    def prune(self, account: str, *, before: datetime, keep: int) -> int:
        return self._transaction.run(
            _PRUNE_DENIALS, {"of_account": account, "before": _microseconds(before), "keep": keep}
        )


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


class _Organizations(_Table[Organization]):
    def get(self, organization_id: str, /) -> Organization | None:
        return self._find_one(_BY_KEY, id=organization_id)

    def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Organization]:
        return self._find(_PAGE_BY_KEY, after=after, limit=limit)

    def put(self, organization: Organization, /) -> None:
        self._put(organization)

    def delete(self, organization: Organization, /) -> None:
        self._delete(organization)


class _OrganizationalUnits(_Table[OrganizationalUnit]):
    def get(self, unit_id: str, /) -> OrganizationalUnit | None:
        return self._find_one(_BY_KEY, id=unit_id)

    def list(self, parent_id: str, *, after: str = "", limit: int = 1000) -> Sequence[OrganizationalUnit]:
        return self._find(_PAGE, scope=parent_id, after=fold(after), limit=limit)

    def put(self, unit: OrganizationalUnit, /) -> None:
        self._put(unit)

    def delete(self, unit: OrganizationalUnit, /) -> None:
        self._delete(unit)


class _OrganizationAccounts(_Table[OrganizationAccount]):
    def get(self, account_id: str, /) -> OrganizationAccount | None:
        return self._find_one(_BY_KEY, id=account_id)

    def list(self, organization_id: str, *, after: str = "", limit: int = 1000) -> Sequence[OrganizationAccount]:
        return self._find(_PAGE, scope=organization_id, after=after, limit=limit)

    def under(self, parent_id: str) -> Sequence[OrganizationAccount]:
        return sorted(self._find(_BY_OWNER, owner=parent_id), key=lambda account: account.id)

    def put(self, account: OrganizationAccount, /) -> None:
        self._put(account)

    def delete(self, account: OrganizationAccount, /) -> None:
        self._delete(account)


class _OrganizationPolicies(_Table[OrganizationPolicy]):
    def get(self, policy_id: str, /) -> OrganizationPolicy | None:
        return self._find_one(_BY_KEY, id=policy_id)

    def list(self, organization_id: str, *, after: str = "", limit: int = 1000) -> Sequence[OrganizationPolicy]:
        return self._find(_PAGE, scope=organization_id, after=fold(after), limit=limit)

    def attachments(self, organization_id: str, policy_id: str) -> Sequence[Attachment]:
        rows = self._transaction.rows(_ATTACHMENTS, {"account": organization_id, "policy_arn": policy_id})
        return sorted((_decode(Attachment, record) for (record,) in rows), key=attachment_order)

    def put(self, policy: OrganizationPolicy, /) -> None:
        self._put(policy)

    def delete(self, policy: OrganizationPolicy, /) -> None:
        self._delete(policy)
