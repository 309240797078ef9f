from datetime import timedelta

import pyotp
import pytest

from tabard.directory.totp import MAXIMUM_FAILURES, after_code
from tabard.faults import (
    ConstraintViolated,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidAuthenticationCode,
    LimitExceeded,
    NoSuchEntity,
)
from tests.unit.actions.iam.calls import ROWS, asked, call, every_page, play_refusal, present, refusals, request
from tests.worlds import ACCOUNT, NOW, OTHER_ACCOUNT, World, refused

PHONE = f"arn:aws:iam::{ACCOUNT}:mfa/phone"


@pytest.mark.parametrize("case", refusals("mfa_devices"))
def test_refusals(case):
    play_refusal(World(), case)


class Phone:
    """An authenticator app that has scanned a device's seed."""

    def __init__(self, world: World, name: str = "phone", **parameters) -> None:
        self.world = world
        self.answer = call(world, "CreateVirtualMFADevice", virtual_mfa_device_name=name, **parameters)
        self.device = self.answer.virtual_mfa_device
        self.serial_number = self.device.serial_number
        self.app = pyotp.TOTP(self.device.base32_string_seed.decode())

    def codes(self) -> dict[str, str]:
        """The last code and the one that is shown now."""
        return {
            "authentication_code1": self.app.at(self.world.now, counter_offset=-1),
            "authentication_code2": self.app.at(self.world.now),
        }

    def enable(self, user_name: str = "alice", **caller) -> None:
        call(
            self.world,
            "EnableMFADevice",
            user_name=user_name,
            serial_number=self.serial_number,
            **self.codes(),
            **caller,
        )

    def stored(self):
        with self.world.store.read() as records:
            return records.mfa_devices.get(self.serial_number)

    def give(self, code: str) -> bool:
        """A single code, as STS takes it."""
        with self.world.store.write() as records:
            device = records.mfa_devices.get(self.serial_number)
            seed = self.world.secrets.open(device.serial_number, device.sealed_seed)
            after, accepted = after_code(device, code, seed=seed, now=self.world.now)
            records.mfa_devices.put(after)
        return accepted


def enabled() -> Phone:
    world = World()
    world.user("alice")
    phone = Phone(world)
    phone.enable()
    return phone


# ── create ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_device_answers_its_seed_and_a_qr_code_and_keeps_the_seed_sealed():
    phone = Phone(World(), path="/x/", tags={"a": "b"})
    assert present(phone.device) == {"serial_number", "base32_string_seed", "qr_code_png", "tags"}
    assert phone.serial_number == f"arn:aws:iam::{ACCOUNT}:mfa/x/phone"
    assert len(phone.device.base32_string_seed) == 64
    assert phone.device.qr_code_png.startswith(b"\x89PNG\r\n\x1a\n")
    seed = phone.world.secrets.open(phone.serial_number, phone.stored().sealed_seed)
    assert pyotp.TOTP(phone.device.base32_string_seed.decode()).byte_secret() == seed


def test_names_are_bounded_so_that_serial_numbers_and_markers_fit():
    world, text = World(), "A device's name may have 128 characters, and its serial number 256."
    with refused(ConstraintViolated, text, "mfa.name-length"):
        Phone(world, "x" * 129)
    with refused(ConstraintViolated, text, "mfa.name-length"):
        Phone(world, "x" * 128, path="/" + "y" * 100 + "/")
    for letter in "xyz":
        assert len(Phone(world, letter * 128, path="/" + "y" * 97 + "/").serial_number) == 256
    pages = every_page(world, "ListVirtualMFADevices", max_items=1)
    assert len(pages) == 3
    assert all(len(page.marker) <= 320 for page in pages[:-1])


def test_a03_seed_and_codes_are_in_no_repr():
    """Attack A03: what is logged by accident is a repr."""
    phone = Phone(World())
    assert "phone" in repr(phone.answer)
    assert phone.device.base32_string_seed.decode() not in repr(phone.answer)
    assert "PNG" not in repr(phone.answer)
    codes = phone.codes()
    sent = request("EnableMFADevice", user_name="alice", serial_number=PHONE, **codes)
    assert not any(code in repr(sent) for code in codes.values())


# ── enable, resync, deactivate, delete ───────────────────────────────────────────────────────────────


def test_two_codes_in_a_row_enable_a_device_for_a_user():
    phone = enabled()
    listed = call(phone.world, "ListMFADevices", user_name="alice").mfa_devices
    assert [(d.user_name, d.serial_number, d.enable_date) for d in listed] == [("alice", PHONE, NOW)]
    got = call(phone.world, "GetMFADevice", user_name="alice", serial_number=PHONE)
    assert (got.user_name, got.serial_number, got.enable_date) == ("alice", PHONE, NOW)


def test_a_user_enables_and_sees_its_own():
    world = World()
    alice = world.as_user(world.user("alice"))
    phone = Phone(world)
    phone.enable(caller=alice)
    assert [d.serial_number for d in call(world, "ListMFADevices", caller=alice).mfa_devices] == [PHONE]
    call(world, "DeactivateMFADevice", caller=alice, serial_number=PHONE)
    assert call(world, "ListMFADevices", caller=alice).mfa_devices == ()


def test_a_device_serves_one_user_at_a_time():
    phone = enabled()
    phone.world.user("bob")
    phone.world.now += timedelta(minutes=2)
    with refused(EntityAlreadyExists, "MFA Device is already in use.", "mfa.in-use"):
        phone.enable("bob")
    call(phone.world, "DeactivateMFADevice", user_name="alice", serial_number=PHONE)
    phone.enable("bob")
    assert call(phone.world, "GetMFADevice", user_name="bob", serial_number=PHONE).user_name == "bob"


def test_a_user_has_at_most_eight_devices():
    world = World()
    world.user("alice")
    for number in range(8):
        Phone(world, f"phone{number}").enable()
    with refused(LimitExceeded, "Cannot exceed quota for MFADevicesPerUser: 8"):
        Phone(world, "one-too-many").enable()


def test_a_device_in_use_is_not_deleted():
    phone = enabled()
    with refused(DeleteConflict, "MFA VirtualDevice in use. Must deactivate first.", "mfa.in-use"):
        call(phone.world, "DeleteVirtualMFADevice", serial_number=PHONE)
    call(phone.world, "DeactivateMFADevice", user_name="alice", serial_number=PHONE)
    call(phone.world, "DeleteVirtualMFADevice", serial_number=PHONE)
    assert phone.stored() is None


def test_k20_codes_used_to_enable_are_used_up():
    """Attack K20: neither the codes nor older ones work again, and the next one does."""
    phone = enabled()
    app, now = phone.app, phone.world.now
    assert not phone.give(app.at(now))
    assert not phone.give(app.at(now, counter_offset=-1))
    assert phone.give(app.at(now, counter_offset=1))
    assert not phone.give(app.at(now, counter_offset=1))


def test_k20_codes_stay_used_when_the_device_is_deactivated_and_enabled_again():
    """Attack K20: taking a device off and on again does not bring its codes back."""
    phone = enabled()
    call(phone.world, "DeactivateMFADevice", user_name="alice", serial_number=PHONE)
    with refused(InvalidAuthenticationCode, "Authentication code for device is not valid.", "mfa.wrong-codes"):
        phone.enable()
    phone.world.now += timedelta(minutes=1)
    phone.enable()


def test_k20_five_wrong_codes_lock_a_device_until_two_right_ones_in_a_row():
    """Attack K20: after the lock not even the right code works; one right code of two opens nothing."""
    phone = enabled()
    for _ in range(MAXIMUM_FAILURES):
        assert not phone.give("000000")
    phone.world.now += timedelta(minutes=10)
    assert not phone.give(phone.app.at(phone.world.now))
    resync = {"user_name": "alice", "serial_number": PHONE}
    half = {**phone.codes(), "authentication_code1": "000000"}
    with pytest.raises(InvalidAuthenticationCode):
        call(phone.world, "ResyncMFADevice", **resync, **half)
    assert not phone.give(phone.app.at(phone.world.now))
    call(phone.world, "ResyncMFADevice", **resync, **phone.codes())
    phone.world.now += timedelta(seconds=30)
    assert phone.give(phone.app.at(phone.world.now))


def test_k20_a_lock_survives_deactivation():
    """Attack K20: deactivating and deleting are allowed, using the locked device is not."""
    phone = enabled()
    for _ in range(MAXIMUM_FAILURES):
        phone.give("000000")
    call(phone.world, "DeactivateMFADevice", user_name="alice", serial_number=PHONE)
    assert phone.stored().failures == MAXIMUM_FAILURES


@pytest.mark.parametrize("operation", ["ResyncMFADevice", "DeactivateMFADevice", "GetMFADevice"])
def test_k20_another_users_device_is_not_there(operation):
    """Attack K20: a serial number is good only with the user that it belongs to."""
    phone = enabled()
    phone.world.user("bob")
    phone.world.now += timedelta(minutes=1)
    codes = phone.codes() if operation == "ResyncMFADevice" else {}
    with refused(NoSuchEntity, f"MFA Device with serial number {PHONE} does not exist.", "mfa.missing"):
        call(phone.world, operation, user_name="bob", serial_number=PHONE, **codes)
    call(phone.world, operation, user_name="alice", serial_number=PHONE, **codes)


def test_a_role_session_has_no_devices_of_its_own():
    world = World()
    with refused(ConstraintViolated, "Must specify userName when calling with non-User credentials"):
        call(world, "ListMFADevices", caller=world.as_role(world.role("r")))


def test_root_has_none():
    assert call(World(), "ListMFADevices").mfa_devices == ()


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────


def serials(answer) -> list[str]:
    return [device.serial_number.rsplit("/", 1)[-1] for device in answer.virtual_mfa_devices]


def test_virtual_devices_are_listed_with_their_user_and_without_seed():
    phone = enabled()
    Phone(phone.world, "free", tags={"a": "b"})
    free, taken = call(phone.world, "ListVirtualMFADevices").virtual_mfa_devices
    assert present(free) == {"serial_number"}
    assert present(taken) == {"serial_number", "user", "enable_date"}
    assert (taken.user.user_name, taken.enable_date) == ("alice", NOW)


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["a", "B", "c", "D"]),
        ({"assignment_status": "Any"}, ["a", "B", "c", "D"]),
        ({"assignment_status": "Assigned"}, ["a", "c"]),
        ({"assignment_status": "Unassigned"}, ["B", "D"]),
    ],
    ids=str,
)
def test_virtual_devices_are_listed_by_assignment(size, filters, expected):
    world = World()
    world.user("alice")
    for name in ("D", "c", "B", "a"):
        phone = Phone(world, name)
        if name in "ac":
            phone.enable()
    pages = every_page(world, "ListVirtualMFADevices", max_items=size, **filters)
    assert [name for page in pages for name in serials(page)] == expected


def test_pages_of_a_users_devices():
    world = World()
    world.user("alice")
    for name in ("a", "b", "c"):
        Phone(world, name).enable()
    pages = every_page(world, "ListMFADevices", user_name="alice", max_items=2)
    assert [len(page.mfa_devices) for page in pages] == [2, 1]


def test_t01_devices_of_another_account_are_not_there():
    """Attack T01: the serial number of another account's device leads nowhere, its control does."""
    phone = enabled()
    world = phone.world
    world.account(OTHER_ACCOUNT, "other")
    world.user("alice", account=OTHER_ACCOUNT)
    theirs = world.root(OTHER_ACCOUNT)
    assert serials(call(world, "ListVirtualMFADevices", caller=theirs)) == []
    for operation in ("DeleteVirtualMFADevice", "ListMFADeviceTags"):
        with refused(NoSuchEntity, f"MFA Device with serial number {PHONE} does not exist."):
            call(world, operation, caller=theirs, serial_number=PHONE)
    assert serials(call(world, "ListVirtualMFADevices")) == ["phone"]
    assert call(world, "ListMFADeviceTags", serial_number=PHONE).tags == ()


# ── tags and questions ───────────────────────────────────────────────────────────────────────────────


def test_tags_come_and_go():
    world = World()
    Phone(world, tags={"Team": "red", "Stage": "dev"})
    call(world, "TagMFADevice", serial_number=PHONE, tags={"team": "blue"})
    call(world, "UntagMFADevice", serial_number=PHONE, tag_keys=["STAGE"])
    tags = call(world, "ListMFADeviceTags", serial_number=PHONE).tags
    assert [(tag.key, tag.value) for tag in tags] == [("team", "blue")]


def test_questions_about_a_user_name_the_user_and_those_about_a_device_the_device():
    phone = enabled()
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    named = {"user_name": "alice", "serial_number": PHONE}
    for operation in ("EnableMFADevice", "ResyncMFADevice"):
        assert asked(phone.world, operation, **named, **phone.codes()) == [(f"iam:{operation}", alice)]
    for operation in ("DeactivateMFADevice", "GetMFADevice"):
        assert asked(phone.world, operation, **named) == [(f"iam:{operation}", alice)]
    for operation, resource in (("DeleteVirtualMFADevice", PHONE), ("ListMFADeviceTags", PHONE)):
        assert asked(phone.world, operation, serial_number=PHONE) == [(f"iam:{operation}", resource)]
    assert asked(phone.world, "ListVirtualMFADevices") == [
        ("iam:ListVirtualMFADevices", f"arn:aws:iam::{ACCOUNT}:mfa/")
    ]


def test_create_asks_about_tagging_when_it_tags():
    about = f"arn:aws:iam::{ACCOUNT}:mfa/x/phone"
    parameters = {"virtual_mfa_device_name": "phone", "path": "/x/", "tags": {"a": "b"}}
    assert asked(World(), "CreateVirtualMFADevice", **parameters) == [
        ("iam:CreateVirtualMFADevice", about),
        ("iam:TagMFADevice", about),
    ]
    (tagging,) = World().asks(ROWS["TagMFADevice"], request("TagMFADevice", serial_number=PHONE, tags={"a": "b"}))
    assert tagging.context == {"aws:requesttag/a": "b", "aws:tagkeys": ("a",)}
