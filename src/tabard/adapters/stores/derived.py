"""What every store derives from an entity: its key, its folded name, its change and its attachments.

Stores keep an entity whole. What they find it by is computed here, so that the memory store and the
databases cannot disagree. Names are found without regard to ASCII case, and to ASCII case only: IAM's
names are ASCII, and Unicode folding would make two names of other scripts one.
"""

import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from tabard.directory.denials import Denial
from tabard.directory.entities import (
    AccessKey,
    Account,
    AccountSettings,
    Attachment,
    EntityKind,
    Group,
    InstanceProfile,
    LoginProfile,
    ManagedPolicy,
    MFADevice,
    OIDCProvider,
    Organization,
    OrganizationAccount,
    OrganizationalUnit,
    OrganizationPolicy,
    PolicyTarget,
    PolicyUsage,
    Role,
    RoleDeletion,
    SAMLProvider,
    SealingKey,
    Stack,
    User,
)
from tabard.ports.store import Change, StoreUnavailable

LOG_LENGTH: Final = 10_000
"""How many changes the log keeps. Whoever asks for older ones is told to forget everything."""

Identity = User | Group | Role
Provider = SAMLProvider | OIDCProvider
Entity = (
    Account
    | AccountSettings
    | Identity
    | ManagedPolicy
    | InstanceProfile
    | AccessKey
    | MFADevice
    | LoginProfile
    | Provider
    | RoleDeletion
    | SealingKey
    | PolicyTarget
    | OrganizationPolicy
    | Stack
)
Named = TypeVar("Named", User, Group, Role, ManagedPolicy, InstanceProfile)

KINDS: Final[Mapping[type[object], EntityKind]] = {
    Account: EntityKind.ACCOUNT,
    User: EntityKind.USER,
    Group: EntityKind.GROUP,
    Role: EntityKind.ROLE,
    ManagedPolicy: EntityKind.POLICY,
    InstanceProfile: EntityKind.INSTANCE_PROFILE,
    AccessKey: EntityKind.ACCESS_KEY,
    MFADevice: EntityKind.MFA_DEVICE,
    SealingKey: EntityKind.SEALING_KEY,
    Stack: EntityKind.STACK,
    Organization: EntityKind.ORGANIZATION,
    OrganizationalUnit: EntityKind.ORGANIZATIONAL_UNIT,
    OrganizationAccount: EntityKind.ORGANIZATION_ACCOUNT,
    OrganizationPolicy: EntityKind.ORGANIZATION_POLICY,
    AccountSettings: EntityKind.ACCOUNT_SETTINGS,
    LoginProfile: EntityKind.LOGIN_PROFILE,
    SAMLProvider: EntityKind.SAML_PROVIDER,
    OIDCProvider: EntityKind.OIDC_PROVIDER,
    RoleDeletion: EntityKind.ROLE_DELETION,
}

_encode_denial: Final = msgspec.json.Encoder().encode
_decode_denial: Final = msgspec.json.Decoder(Denial).decode

ATTACHABLE: Final = (EntityKind.USER, EntityKind.GROUP, EntityKind.ROLE)
"""The kinds that managed policies attach to, in the order in which `attachments` answers them."""
TARGETS: Final = (EntityKind.ORGANIZATION, EntityKind.ORGANIZATIONAL_UNIT, EntityKind.ORGANIZATION_ACCOUNT)
"""The kinds that organisation policies attach to, in the order in which `attachments` answers them."""
_ORDER: Final[Mapping[EntityKind, int]] = {kind: place for place, kind in enumerate((*ATTACHABLE, *TARGETS))}


def fold(name: str) -> str:
    """ASCII letters in lower case, everything else as it is."""
    return name.lower() if name.isascii() else "".join(c.lower() if c.isascii() else c for c in name)


def key_of(entity: Entity) -> str | int:
    """What the store holds the entity under."""
    match entity:
        case MFADevice():
            return entity.serial_number
        case AccountSettings():
            return entity.account
        case LoginProfile():
            return entity.user_id
        case SAMLProvider() | OIDCProvider():
            return entity.arn
        case RoleDeletion():
            return entity.task_id
        case _:
            return entity.id


def scope_of(entity: Entity) -> str:
    """Where an entity's key and name belong for good: its account, organisation or parent; a purpose; the store.

    An account's alias belongs to the store, so that no two accounts have the same.
    """
    match entity:
        case Account() | AccountSettings() | Organization():
            return ""
        case OrganizationalUnit(parent_id=parent):
            return parent
        case OrganizationAccount(organization_id=organization) | OrganizationPolicy(organization_id=organization):
            return organization
        case SealingKey(purpose=purpose):
            return purpose.value
    return entity.account


def folded_name_of(entity: Entity) -> str | None:
    """The name that is unique within the scope, folded; None for what has only an id. The case of URLs counts."""
    match entity:
        case AccessKey() | SealingKey() | LoginProfile() | RoleDeletion() | Organization():
            return None
        case AccountSettings():
            return entity.alias
        case OIDCProvider():
            return entity.url
        case OrganizationAccount(id=account):
            return account
    return fold(entity.name)


def owner_of(entity: Entity) -> str | None:
    """The id of what the entity belongs to: a key's or enabled device's owner, a profile's role, an account's unit."""
    match entity:
        case AccessKey(owner_id=owner) | InstanceProfile(role_id=owner) | OrganizationAccount(parent_id=owner):
            return owner
        case MFADevice(enabled=enabled, owner_id=owner) if enabled is not None:
            return owner
    return None


def change_of(entity: Entity) -> Change:
    """How the change log names the entity. Policies go by ARN, because that is what identities hold."""
    return Change(KINDS[type(entity)], entity.arn if isinstance(entity, ManagedPolicy) else str(key_of(entity)))


def attachments_of(entity: Entity) -> tuple[tuple[str, Attachment], ...]:
    """The policies that an identity (by ARN) or a target of organisation policies (by id) uses; nothing for others."""
    if isinstance(entity, Organization | OrganizationalUnit | OrganizationAccount):
        return _organization_policies_of(entity)
    if not isinstance(entity, User | Group | Role):
        return ()
    return tuple(
        (arn, Attachment(kind=KINDS[type(entity)], id=entity.id, name=entity.name, path=entity.path, usage=usage))
        for arn, usage in _uses(entity)
    )


def attachment_scope_of(entity: Entity) -> str:
    """Within what an entity's attachments are looked for: its account, or the whole organisation."""
    match entity:
        case Organization(id=organization) | OrganizationalUnit(organization_id=organization):
            return organization
    return scope_of(entity)


def attachment_order(attachment: Attachment) -> tuple[int, str, bool]:
    """Users, groups, roles; the root, units, accounts; by folded name; the boundary last."""
    return (
        _ORDER[attachment.kind],
        fold(attachment.name),
        attachment.usage is PolicyUsage.BOUNDARY,
    )


def enabling_order(device: MFADevice) -> tuple[datetime, str]:
    """By the instant of enabling."""
    return device.enabled or device.created, device.serial_number


def deflate_denial(denial: Denial) -> bytes:
    """A denial as it is kept. Policies are most of it, and deflate well."""
    return zlib.compress(_encode_denial(denial))


def inflate_denial(record: bytes) -> Denial:
    """The way back.

    Raises:
        StoreUnavailable: it cannot be read.
    """
    try:
        denial: Denial = _decode_denial(zlib.decompress(record))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise StoreUnavailable(f"a stored denial cannot be read: {error}") from error
    return denial


def _organization_policies_of(target: PolicyTarget) -> tuple[tuple[str, Attachment], ...]:
    kind = KINDS[type(target)]
    name = target.name if isinstance(target, OrganizationalUnit) else target.id
    attachment = Attachment(kind=kind, id=target.id, name=name, path="", usage=PolicyUsage.PERMISSIONS)
    return tuple((policy_id, attachment) for policy_id in dict.fromkeys(target.attached_policies))


def _uses(identity: Identity) -> Iterator[tuple[str, PolicyUsage]]:
    for arn in dict.fromkeys(identity.attached_policies):
        yield arn, PolicyUsage.PERMISSIONS
    if not isinstance(identity, Group) and identity.permissions_boundary is not None:
        yield identity.permissions_boundary, PolicyUsage.BOUNDARY
