"""Virtual MFA devices: made with a seed, enabled for a user by two codes, and taken away again.

The seed is answered once, by CreateVirtualMFADevice, as base32 text and as a QR code, and stored only sealed
under the device's serial number. Two consecutive codes enable a device or, with ResyncMFADevice, open one that
too many wrong codes have locked (`directory/totp.py`); the codes used up by that are not good for anything
else. A device of another account is simply not there.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import ClassVar, Final

from tabard.actions.desk import Action, Desk
from tabard.actions.iam_shapes import Tag, TagPage, UserShape, tag_pairs, tag_shapes, user_shape
from tabard.actions.identities import (
    AskFor,
    Keys,
    ask_user,
    question,
    requested_tag_keys,
    requested_tags,
    resource_tags,
    user_named,
)
from tabard.actions.identity_policies import page_by_position, tag_page
from tabard.actions.owners import owner_of
from tabard.actions.paging import page, walk
from tabard.actions.tagged_records import ask_new, tagged_record, untagged_record
from tabard.directory import quotas
from tabard.directory.entities import MFADevice
from tabard.directory.rules import require_path, require_quota, tags_from
from tabard.directory.totp import SEED_ENTROPY, base32_seed, enrolment_uri, verify_consecutive_codes
from tabard.faults import (
    ConstraintViolated,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidAuthenticationCode,
    NoSuchEntity,
)
from tabard.names.arn import iam_arn
from tabard.names.tags import fold
from tabard.ports.store import NameTaken
from tabard.services.ask import Ask

_BATCH: Final = 200
"""Devices read at a time where a list is filtered."""
_PIXELS_PER_MODULE: Final = 5
_NAME_LENGTH: Final = 128
_SERIAL_NUMBER_LENGTH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMFADevice:
    """The model's `VirtualMFADevice`. Lists show the user and never the seed."""

    serial_number: str
    base32_string_seed: bytes | None = field(default=None, repr=False)
    qr_code_png: bytes | None = field(default=None, repr=False)
    user: UserShape | None = None
    enable_date: datetime | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnabledMFADevice:
    """The model's `MFADevice`. Root has no user name."""

    user_name: str | None
    serial_number: str
    enable_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesRequest:
    """A request that proves a device by two consecutive codes."""

    user_name: str
    serial_number: str
    authentication_code1: str = field(repr=False)
    authentication_code2: str = field(repr=False)


# ── CreateVirtualMFADevice ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVirtualMFADeviceRequest:
    virtual_mfa_device_name: str
    path: str | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVirtualMFADeviceResponse:
    virtual_mfa_device: VirtualMFADevice


def create_virtual_mfa_device(request: CreateVirtualMFADeviceRequest, desk: Desk) -> CreateVirtualMFADeviceResponse:
    path = request.path or "/"
    require_path(path)
    tags = tags_from(tag_pairs(request.tags))
    name, seed = request.virtual_mfa_device_name, desk.entropy(SEED_ENTROPY)
    serial_number = iam_arn(desk.account, f"mfa{path}{name}")
    _require_length(name, serial_number)
    device = MFADevice(
        account=desk.account,
        name=name,
        created=desk.now,
        sealed_seed=desk.secrets.seal(serial_number, seed),
        path=path,
        tags=tags,
    )
    _put_new(desk, device)
    return CreateVirtualMFADeviceResponse(
        virtual_mfa_device=VirtualMFADevice(
            serial_number=device.serial_number,
            base32_string_seed=base32_seed(seed).encode(),
            qr_code_png=_qr_code(enrolment_uri(seed, label=f"{name}@{desk.account}")),
            tags=tag_shapes(tags) or None,
        )
    )


def _require_length(name: str, serial_number: str) -> None:
    """The model bounds serial numbers, and forgets to bound the names that they are made of."""
    if len(name) > _NAME_LENGTH or len(serial_number) > _SERIAL_NUMBER_LENGTH:
        raise ConstraintViolated(
            f"A device's name may have {_NAME_LENGTH} characters, and its serial number {_SERIAL_NUMBER_LENGTH}.",
            reason="mfa.name-length",
        )


def _put_new(desk: Desk, device: MFADevice) -> None:
    """A store replaces what has the same serial number, so that is looked for first."""
    taken = EntityAlreadyExists("MFA device already exists.", reason="mfa.exists")
    if desk.records.mfa_devices.get(device.serial_number) is not None:
        raise taken
    try:
        desk.records.mfa_devices.put(device)
    except NameTaken:
        raise taken from None


def _qr_code(text: str) -> bytes:
    import segno  # here, because it takes longer to import than everything else that the server starts with

    image = io.BytesIO()
    segno.make_qr(text).save(image, kind="png", scale=_PIXELS_PER_MODULE)
    return image.getvalue()


# ── EnableMFADevice, ResyncMFADevice, DeactivateMFADevice, DeleteVirtualMFADevice ────────────────────


def enable_mfa_device(request: CodesRequest, desk: Desk) -> None:
    user = user_named(desk, request.user_name)
    device = _device(desk, request.serial_number)
    if device.owner_id is not None:
        raise EntityAlreadyExists("MFA Device is already in use.", reason="mfa.in-use")
    held = len(desk.records.mfa_devices.of(user.id))
    require_quota("MFADevicesPerUser", held + 1, quotas.MFA_DEVICES_PER_USER)
    proven = _proven(desk, device, request)
    desk.records.mfa_devices.put(replace(proven, owner_id=user.id, enabled=desk.now))


def resync_mfa_device(request: CodesRequest, desk: Desk) -> None:
    user = user_named(desk, request.user_name)
    device = _device_of(desk, user.id, request.serial_number)
    desk.records.mfa_devices.put(_proven(desk, device, request))


def _proven(desk: Desk, device: MFADevice, request: CodesRequest) -> MFADevice:
    """The device with the two codes used up, and open if it was locked."""
    step = verify_consecutive_codes(
        desk.secrets.open(device.serial_number, device.sealed_seed),
        request.authentication_code1,
        request.authentication_code2,
        now=desk.now,
        last_step=device.last_step,
    )
    if step is None:
        raise InvalidAuthenticationCode(reason="mfa.wrong-codes")
    return replace(device, last_step=step, failures=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateMFADeviceRequest:
    serial_number: str
    user_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVirtualMFADeviceRequest:
    serial_number: str


def deactivate_mfa_device(request: DeactivateMFADeviceRequest, desk: Desk) -> None:
    device = _device_of(desk, owner_of(desk, request.user_name).id, request.serial_number)
    desk.records.mfa_devices.put(replace(device, owner_id=None, enabled=None))


def delete_virtual_mfa_device(request: DeleteVirtualMFADeviceRequest, desk: Desk) -> None:
    device = _device(desk, request.serial_number)
    if device.owner_id is not None:
        raise DeleteConflict("MFA VirtualDevice in use. Must deactivate first.", reason="mfa.in-use")
    desk.records.mfa_devices.delete(device)


# ── GetMFADevice, ListMFADevices, ListVirtualMFADevices ──────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMFADeviceRequest:
    serial_number: str
    user_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMFADeviceResponse:
    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"Certifications"})

    user_name: str | None
    serial_number: str
    enable_date: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMFADevicesRequest:
    user_name: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMFADevicesResponse:
    mfa_devices: tuple[EnabledMFADevice, ...]
    is_truncated: bool
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVirtualMFADevicesRequest:
    assignment_status: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVirtualMFADevicesResponse:
    virtual_mfa_devices: tuple[VirtualMFADevice, ...]
    is_truncated: bool
    marker: str | None = None


def get_mfa_device(request: GetMFADeviceRequest, desk: Desk) -> GetMFADeviceResponse:
    owner = owner_of(desk, request.user_name)
    device = _device_of(desk, owner.id, request.serial_number)
    return GetMFADeviceResponse(user_name=owner.name, serial_number=device.serial_number, enable_date=device.enabled)


def list_mfa_devices(request: ListMFADevicesRequest, desk: Desk) -> ListMFADevicesResponse:
    owner = owner_of(desk, request.user_name)
    enabled = tuple(
        EnabledMFADevice(user_name=owner.name, serial_number=device.serial_number, enable_date=device.enabled)
        for device in desk.records.mfa_devices.of(owner.id)
        if device.enabled is not None
    )
    found = page_by_position("ListMFADevices", enabled, marker=request.marker, max_items=request.max_items)
    return ListMFADevicesResponse(mfa_devices=found.items, is_truncated=found.is_truncated, marker=found.marker)


def list_virtual_mfa_devices(request: ListVirtualMFADevicesRequest, desk: Desk) -> ListVirtualMFADevicesResponse:
    def fetch(after: str, limit: int) -> Sequence[MFADevice]:
        devices = walk(
            lambda name: desk.records.mfa_devices.list(desk.account, after=name, limit=_BATCH),
            key=_list_key,
            after=after,
        )
        return tuple(islice((device for device in devices if _is_wanted(device, request)), limit))

    found = page("ListVirtualMFADevices", fetch, marker=request.marker, max_items=request.max_items, key=_list_key)
    return ListVirtualMFADevicesResponse(
        virtual_mfa_devices=tuple(_shape(desk, device) for device in found.items),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


def _list_key(device: MFADevice) -> str:
    return fold(device.name)


def _is_wanted(device: MFADevice, request: ListVirtualMFADevicesRequest) -> bool:
    if request.assignment_status in (None, "Any"):
        return True
    return (device.owner_id is not None) == (request.assignment_status == "Assigned")


def _shape(desk: Desk, device: MFADevice) -> VirtualMFADevice:
    user = desk.records.users.get_by_id(device.owner_id) if device.owner_id is not None else None
    return VirtualMFADevice(
        serial_number=device.serial_number,
        user=user_shape(user, full=False) if user is not None else None,
        enable_date=device.enabled,
    )


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMFADeviceRequest:
    serial_number: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagMFADeviceRequest:
    serial_number: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMFADeviceTagsRequest:
    serial_number: str
    marker: str | None = None
    max_items: int | None = None


def tag_mfa_device(request: TagMFADeviceRequest, desk: Desk) -> None:
    device = _device(desk, request.serial_number)
    desk.records.mfa_devices.put(tagged_record(device, request.tags))


def untag_mfa_device(request: UntagMFADeviceRequest, desk: Desk) -> None:
    device = _device(desk, request.serial_number)
    desk.records.mfa_devices.put(untagged_record(device, request.tag_keys))


def list_mfa_device_tags(request: ListMFADeviceTagsRequest, desk: Desk) -> TagPage:
    device = _device(desk, request.serial_number)
    return tag_page("ListMFADeviceTags", device.tags, request.marker, request.max_items)


# ── records and questions ────────────────────────────────────────────────────────────────────────────


def _device(desk: Desk, serial_number: str) -> MFADevice:
    device = _found(desk, serial_number)
    if device is None:
        raise _no_device(serial_number)
    return device


def _device_of(desk: Desk, owner_id: str, serial_number: str) -> MFADevice:
    """The owner's own device; somebody else's is not there."""
    device = _found(desk, serial_number)
    if device is None or device.owner_id != owner_id:
        raise _no_device(serial_number)
    return device


def _found(desk: Desk, serial_number: str) -> MFADevice | None:
    device = desk.records.mfa_devices.get(serial_number)
    return device if device is not None and device.account == desk.account else None


def _no_device(serial_number: str) -> NoSuchEntity:
    return NoSuchEntity(f"MFA Device with serial number {serial_number} does not exist.", reason="mfa.missing")


def _ask_create(request: CreateVirtualMFADeviceRequest, desk: Desk) -> tuple[Ask, ...]:
    arn = iam_arn(desk.account, f"mfa{request.path or '/'}{request.virtual_mfa_device_name}")
    return ask_new("CreateVirtualMFADevice", "TagMFADevice", desk, arn, request)


def _ask(operation: str, *keys: Keys) -> AskFor:
    """The question about the device itself, which its serial number names."""

    def ask(request: DeleteVirtualMFADeviceRequest, desk: Desk) -> tuple[Ask, ...]:
        device = _found(desk, request.serial_number)
        tags = device.tags if device is not None else {}
        pairs = [pair for source in keys for pair in source(request, None)]
        return (question(operation, desk, request.serial_number, [*resource_tags(tags), *pairs]),)

    return ask


def _ask_list(_request: ListVirtualMFADevicesRequest, desk: Desk) -> tuple[Ask, ...]:
    return (question("ListVirtualMFADevices", desk, iam_arn(desk.account, "mfa/")),)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateVirtualMFADevice",
        request=CreateVirtualMFADeviceRequest,
        response=CreateVirtualMFADeviceResponse,
        ask=_ask_create,
        handle=create_virtual_mfa_device,
        writes=True,
    ),
    Action(
        name="EnableMFADevice",
        request=CodesRequest,
        response=None,
        ask=ask_user("EnableMFADevice"),
        handle=enable_mfa_device,
        writes=True,
    ),
    Action(
        name="ResyncMFADevice",
        request=CodesRequest,
        response=None,
        ask=ask_user("ResyncMFADevice"),
        handle=resync_mfa_device,
        writes=True,
    ),
    Action(
        name="DeactivateMFADevice",
        request=DeactivateMFADeviceRequest,
        response=None,
        ask=ask_user("DeactivateMFADevice"),
        handle=deactivate_mfa_device,
        writes=True,
    ),
    Action(
        name="DeleteVirtualMFADevice",
        request=DeleteVirtualMFADeviceRequest,
        response=None,
        ask=_ask("DeleteVirtualMFADevice"),
        handle=delete_virtual_mfa_device,
        writes=True,
    ),
    Action(
        name="GetMFADevice",
        request=GetMFADeviceRequest,
        response=GetMFADeviceResponse,
        ask=ask_user("GetMFADevice"),
        handle=get_mfa_device,
        writes=False,
    ),
    Action(
        name="ListMFADevices",
        request=ListMFADevicesRequest,
        response=ListMFADevicesResponse,
        ask=ask_user("ListMFADevices"),
        handle=list_mfa_devices,
        writes=False,
    ),
    Action(
        name="ListVirtualMFADevices",
        request=ListVirtualMFADevicesRequest,
        response=ListVirtualMFADevicesResponse,
        ask=_ask_list,
        handle=list_virtual_mfa_devices,
        writes=False,
    ),
    Action(
        name="TagMFADevice",
        request=TagMFADeviceRequest,
        response=None,
        ask=_ask("TagMFADevice", requested_tags),
        handle=tag_mfa_device,
        writes=True,
    ),
    Action(
        name="UntagMFADevice",
        request=UntagMFADeviceRequest,
        response=None,
        ask=_ask("UntagMFADevice", requested_tag_keys),
        handle=untag_mfa_device,
        writes=True,
    ),
    Action(
        name="ListMFADeviceTags",
        request=ListMFADeviceTagsRequest,
        response=TagPage,
        ask=_ask("ListMFADeviceTags"),
        handle=list_mfa_device_tags,
        writes=False,
    ),
)
