from dataclasses import replace
from datetime import timedelta

import pytest

from tabard.directory.entities import User
from tabard.directory.passwords import REMEMBERED, is_password
from tabard.faults import Denied, InvalidUserType, NoSuchEntity, PasswordPolicyViolation
from tests.unit.actions.iam.calls import asked, call, request
from tests.worlds import ACCOUNT, NOW, OTHER_ACCOUNT, World, refused

FIRST, SECOND, THIRD = "Correct-Horse-7", "Battery-Staple-8", "Paper-Clip-9"
VIOLATION = "Password does not conform to the account password policy."


def with_password(**parameters) -> tuple[World, User]:
    world = World()
    user = world.user("alice")
    call(world, "CreateLoginProfile", user_name="alice", password=FIRST, **parameters)
    return world, user


def stored(world: World, user: User):
    with world.store.read() as records:
        return records.login_profiles.get(user.id)


def passes(world: World, user: User, password: str) -> bool:
    """Whether this is the user's password, as whoever signs people in will ask."""
    return is_password(world.secrets.open(user.id, stored(world, user).sealed_hashes[0]).decode(), password)


def change(world: World, user: User, old: str, new: str) -> None:
    call(world, "ChangePassword", caller=world.as_user(user), old_password=old, new_password=new)


def test_a_password_is_set_and_told_of_and_never_told():
    world, user = with_password(password_reset_required=True)
    shape = call(world, "GetLoginProfile", user_name="ALICE").login_profile
    assert (shape.user_name, shape.create_date, shape.password_reset_required) == ("alice", NOW, True)
    assert passes(world, user, FIRST)
    assert not passes(world, user, FIRST.lower())


def test_without_a_name_it_is_the_caller_s_own():
    world = World()
    alice = world.user("alice")
    made = call(world, "CreateLoginProfile", caller=world.as_user(alice), password=FIRST)
    assert (made.login_profile.user_name, made.login_profile.password_reset_required) == ("alice", False)
    assert call(world, "GetLoginProfile", caller=world.as_user(alice)).login_profile == made.login_profile


def test_what_is_stored_is_a_hash_sealed_under_the_user_s_id():
    world, user = with_password()
    (sealed,) = stored(world, user).sealed_hashes
    assert FIRST.encode() not in sealed
    assert world.secrets.open(user.id, sealed).startswith(b"$argon2id$v=19$m=19456,t=2,p=1$")
    with pytest.raises(ValueError, match="another row"):
        world.secrets.open("AIDAOTHER", sealed)


def test_the_same_password_of_two_users_is_not_the_same_to_look_at():
    world, user = with_password()
    bob = world.user("bob")
    call(world, "CreateLoginProfile", user_name="bob", password=FIRST)
    one, other = stored(world, user), stored(world, bob)
    assert one.sealed_hashes[0].partition(b"\0")[2] != other.sealed_hashes[0].partition(b"\0")[2]


def test_a03_passwords_are_in_no_repr():
    """Attack A03: what is logged by accident is a repr."""
    world, user = with_password()
    sent = (
        request("CreateLoginProfile", user_name="alice", password=FIRST),
        request("UpdateLoginProfile", user_name="alice", password=FIRST),
        request("ChangePassword", old_password=FIRST, new_password=SECOND),
    )
    assert FIRST not in repr((sent, stored(world, user)))
    assert SECOND not in repr(sent)


def test_an_update_keeps_what_it_does_not_name():
    world, user = with_password(password_reset_required=True)
    call(world, "UpdateLoginProfile", user_name="alice", password=SECOND)
    assert stored(world, user).reset_required
    assert passes(world, user, SECOND)
    call(world, "UpdateLoginProfile", user_name="alice", password_reset_required=False)
    assert not stored(world, user).reset_required
    assert passes(world, user, SECOND)


def test_a_password_outlives_the_user_s_name_and_not_the_user():
    world, user = with_password()
    call(world, "UpdateUser", user_name="alice", new_user_name="alicia", new_path="/eu/")
    assert call(world, "GetLoginProfile", user_name="alicia").login_profile.user_name == "alicia"
    call(world, "DeleteLoginProfile", user_name="alicia")
    call(world, "DeleteUser", user_name="alicia")
    assert stored(world, user) is None
    world.user("alicia")
    with refused(NoSuchEntity, "Login Profile for User alicia cannot be found.", "login-profile.missing"):
        call(world, "GetLoginProfile", user_name="alicia")


def test_a_user_changes_the_own_password_with_the_old_one():
    world, user = with_password(password_reset_required=True)
    world.now = NOW + timedelta(days=1)
    change(world, user, FIRST, SECOND)
    profile = stored(world, user)
    assert (profile.reset_required, profile.created, profile.changed) == (False, NOW, world.now)
    assert passes(world, user, SECOND)


def test_k_a_wrong_old_password_changes_nothing():
    world, user = with_password()
    for wrong in (SECOND, "", FIRST + " ", FIRST[:-1]):
        with refused(Denied, "The old password was incorrect.", "password.wrong"):
            change(world, user, wrong, SECOND)
    assert passes(world, user, FIRST)
    change(world, user, FIRST, SECOND)  # control


def test_the_old_password_is_asked_for_before_the_new_one_is_judged():
    """Whoever does not know the password must not learn which ones were used before."""
    world, user = with_password()
    call(world, "UpdateAccountPasswordPolicy", password_reuse_prevention=24)
    with refused(Denied, "The old password was incorrect.", "password.wrong"):
        change(world, user, SECOND, FIRST)


def test_only_users_have_a_password_to_change():
    world = World()
    for caller in (world.root(), world.as_role(world.role("r"))):
        with refused(InvalidUserType, "Only IAM Users can change their own password", "caller.not-a-user"):
            call(world, "ChangePassword", caller=caller, old_password=FIRST, new_password=SECOND)


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("Abcdef-h", True),
        ("abcdef-8", True),
        ("ABCDEF-8", True),
        ("Abcdefg8", True),
        ("Abcde-8", False),
        ("abcdefgh", False),
        ("Abcdefgh", False),
        ("12345678-", False),
        ("Ümläute-äöü", False),
        ("A" + "b" * 126 + "7", True),
        ("A" + "b" * 127 + "7", False),
        ("Main-Account-1", False),
        ("acme-1-corp", False),
    ],
)
def test_without_a_policy_aws_s_default_one_counts(password, fits):
    world = World()
    with world.store.write() as records:
        records.accounts.put(replace(world.main, name="Main-Account-1"))
    call(world, "CreateAccountAlias", account_alias="acme-1-corp")
    world.user("alice")
    if fits:
        call(world, "CreateLoginProfile", user_name="alice", password=password)
        return
    with refused(PasswordPolicyViolation, VIOLATION, "password.policy"):
        call(world, "CreateLoginProfile", user_name="alice", password=password)


@pytest.mark.parametrize(
    ("policy", "good", "bad"),
    [
        ({}, "aaaaaa", "aaaaa"),
        ({"minimum_password_length": 12}, "aaaaaaaaaaaa", "Aaaaaaaaa-7"),
        ({"require_symbols": True}, "aaaaa|", "Aaaaa7"),
        ({"require_symbols": True}, "aaaaa'", 'aaaaa"'),
        ({"require_numbers": True}, "aaaaa7", "Aaaaa-"),
        ({"require_numbers": True}, "aaaaa0", "aaaaa٣"),
        ({"require_uppercase_characters": True}, "aaaaaA", "aaaa-7"),
        ({"require_uppercase_characters": True}, "aaaaaZ", "aaaaaÄ"),
        ({"require_lowercase_characters": True}, "AAAAAa", "AAAA-7"),
    ],
)
def test_a_policy_says_what_it_asks_for_and_nothing_else(policy, good, bad):
    world = World()
    call(world, "UpdateAccountPasswordPolicy", **policy)
    for name in ("alice", "bob"):
        world.user(name)
    call(world, "CreateLoginProfile", user_name="alice", password=good)
    with refused(PasswordPolicyViolation, VIOLATION, "password.policy"):
        call(world, "CreateLoginProfile", user_name="bob", password=bad)
    with refused(PasswordPolicyViolation, VIOLATION, "password.policy"):
        call(world, "UpdateLoginProfile", user_name="alice", password=bad)


def test_the_last_passwords_are_not_chosen_again():
    world, user = with_password()
    call(world, "UpdateAccountPasswordPolicy", password_reuse_prevention=2)
    with refused(PasswordPolicyViolation, VIOLATION, "password.reused"):
        change(world, user, FIRST, FIRST)
    change(world, user, FIRST, SECOND)
    with refused(PasswordPolicyViolation, VIOLATION, "password.reused"):
        change(world, user, SECOND, FIRST)
    with refused(PasswordPolicyViolation, VIOLATION, "password.reused"):
        call(world, "UpdateLoginProfile", user_name="alice", password=FIRST)
    change(world, user, SECOND, THIRD)
    change(world, user, THIRD, FIRST)  # the third before the last is forgotten


def test_without_reuse_prevention_every_password_may_come_again():
    world, user = with_password()
    change(world, user, FIRST, FIRST)
    assert passes(world, user, FIRST)


def test_no_more_passwords_are_remembered_than_a_policy_may_forbid():
    world, user = with_password()
    with world.store.write() as records:
        profile = records.login_profiles.get(user.id)
        records.login_profiles.put(replace(profile, sealed_hashes=profile.sealed_hashes * REMEMBERED))
    call(world, "UpdateLoginProfile", user_name="alice", password=SECOND)
    assert len(stored(world, user).sealed_hashes) == REMEMBERED


def test_a_password_that_has_expired_for_good_is_changed_by_an_administrator_alone():
    world, user = with_password()
    call(world, "UpdateAccountPasswordPolicy", max_password_age=30, hard_expiry=True)
    world.now = NOW + timedelta(days=30)
    with refused(Denied, "The password has expired. An administrator must set a new one.", "password.expired"):
        change(world, user, FIRST, SECOND)
    call(world, "UpdateLoginProfile", user_name="alice", password=SECOND)
    change(world, user, SECOND, THIRD)
    call(world, "UpdateAccountPasswordPolicy", max_password_age=30)
    world.now += timedelta(days=60)
    change(world, user, THIRD, FIRST)  # control: softly expired


def test_questions_are_about_the_user():
    world, user = with_password()
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    for operation, more in (
        ("CreateLoginProfile", {"password": FIRST}),
        ("GetLoginProfile", {}),
        ("UpdateLoginProfile", {}),
        ("DeleteLoginProfile", {}),
    ):
        assert asked(world, operation, user_name="alice", **more) == [(f"iam:{operation}", arn)]
    words = {"old_password": FIRST, "new_password": SECOND}
    assert asked(world, "ChangePassword", caller=world.as_user(user), **words) == [("iam:ChangePassword", arn)]
    root = f"arn:aws:iam::{OTHER_ACCOUNT}:root"
    assert asked(world, "ChangePassword", caller=world.root(OTHER_ACCOUNT), **words) == [("iam:ChangePassword", root)]
    role = world.as_role(world.role("r"))
    assert asked(world, "ChangePassword", caller=role, **words) == [("iam:ChangePassword", "*")]
