"""What every store derives from an entity: its key, its folded name, its change and its attachments.

Stores keep an entity whole. What they find it by is computed here, so that the memory store and the
databases cannot disagree. Names are found without regard to ASCII case, and to ASCII case only: IAM's
names are ASCII, and Unicode folding would make two names of other scripts one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, TypeVar

from tabard.directory.entities import (
    AccessKey,
    Account,
    Attachment,
    EntityKind,
    Group,
    InstanceProfile,
    ManagedPolicy,
    MFADevice,
    PolicyUsage,
    Role,
    SealingKey,
    Stack,
    User,
)
from tabard.ports.store import Change

LOG_LENGTH: Final = 10_000
"""How many changes the log keeps. Whoever asks for older ones is told to forget everything."""

Identity = User | Group | Role
Entity = Account | Identity | ManagedPolicy | InstanceProfile | AccessKey | MFADevice | SealingKey | Stack
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
}

ATTACHABLE: Final = (EntityKind.USER, EntityKind.GROUP, EntityKind.ROLE)
"""The kinds that policies attach to, in the order in which `attachments` answers them."""


def fold(name: str) -> str:
    """ASCII letters in lower case, everything else as it is."""
    return name.lower() if name.isascii() else "".join(c.lower() if c.isascii() else c for c in name)


def key_of(entity: Entity) -> str | int:
    """What the store holds the entity under."""
    return entity.serial_number if isinstance(entity, MFADevice) else entity.id


def scope_of(entity: Entity) -> str:
    """Where an entity's key and name belong for good: its account; a sealing key's purpose; the store."""
    if isinstance(entity, Account):
        return ""
    return entity.purpose.value if isinstance(entity, SealingKey) else entity.account


def folded_name_of(entity: Entity) -> str | None:
    """The name that is unique within the scope, folded; None for what has only an id."""
    return None if isinstance(entity, AccessKey | SealingKey) else fold(entity.name)


def owner_of(entity: Entity) -> str | None:
    """The id of what the entity belongs to: a key's or enabled device's owner, the role in an instance profile."""
    match entity:
        case AccessKey(owner_id=owner) | InstanceProfile(role_id=owner):
            return owner
        case MFADevice(enabled=enabled, owner_id=owner) if enabled is not None:
            return owner
    return None


def change_of(entity: Entity) -> Change:
    """How the change log names the entity. Policies go by ARN, because that is what identities hold."""
    return Change(KINDS[type(entity)], entity.arn if isinstance(entity, ManagedPolicy) else str(key_of(entity)))


def attachments_of(entity: Entity) -> tuple[tuple[str, Attachment], ...]:
    """The managed policies that an identity uses, by ARN; nothing for what is no identity."""
    if not isinstance(entity, User | Group | Role):
        return ()
    return tuple(
        (arn, Attachment(kind=KINDS[type(entity)], id=entity.id, name=entity.name, path=entity.path, usage=usage))
        for arn, usage in _uses(entity)
    )


def attachment_order(attachment: Attachment) -> tuple[int, str, bool]:
    """Users, groups, roles; by folded name; the boundary last."""
    return (
        ATTACHABLE.index(attachment.kind),
        fold(attachment.name),
        attachment.usage is PolicyUsage.BOUNDARY,
    )


def enabling_order(device: MFADevice) -> tuple[datetime, str]:
    """By the instant of enabling."""
    return device.enabled or device.created, device.serial_number


def _uses(identity: Identity) -> Iterator[tuple[str, PolicyUsage]]:
    for arn in dict.fromkeys(identity.attached_policies):
        yield arn, PolicyUsage.PERMISSIONS
    if not isinstance(identity, Group) and identity.permissions_boundary is not None:
        yield identity.permissions_boundary, PolicyUsage.BOUNDARY
