"""Login profiles: the passwords of users, set by an administrator or changed by the user.

A password is never answered and never stored: what is kept is a hash (`directory/passwords.py`), sealed under the
user's id. It must fit the account's policy, and be none of the user's last ones where the policy says so. Whoever
changes the own password proves the present one (IAM API Reference, ChangePassword).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import ask_user, question, user_named, user_or_caller
from tabard.directory.entities import LoginProfile, User
from tabard.directory.passwords import (
    REMEMBERED,
    SALT_ENTROPY,
    forbidden_before,
    has_expired,
    hash_password,
    is_password,
    require_conforming,
)
from tabard.faults import (
    ConstraintViolated,
    Denied,
    EntityAlreadyExists,
    InvalidUserType,
    NoSuchEntity,
    PasswordPolicyViolation,
)
from tabard.names.arn import root_arn
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True)
class LoginProfileRequest:
    """A request that says no more than whose password; without a name, the caller's own."""

    user_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProfileShape:
    """The model's `LoginProfile`."""

    user_name: str
    create_date: datetime
    password_reset_required: bool | None = None


@dataclass(frozen=True, slots=True)
class LoginProfileResponse:
    """The answer of CreateLoginProfile and GetLoginProfile."""

    login_profile: LoginProfileShape


# ── create, get, update, delete ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLoginProfileRequest:
    user_name: str | None = None
    password: str | None = field(default=None, repr=False)
    password_reset_required: bool | None = None


def create_login_profile(request: CreateLoginProfileRequest, desk: Desk) -> LoginProfileResponse:
    user = user_or_caller(desk, request.user_name)
    if request.password is None:
        # The model lets it be left out, for a root user who is to set one by mail; here it is always needed.
        raise ConstraintViolated(
            "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null"
        )
    if desk.records.login_profiles.get(user.id) is not None:
        raise EntityAlreadyExists(f"Login Profile for user {user.name} already exists.", reason="login-profile.exists")
    _require_conforming(desk, request.password)
    profile = LoginProfile(
        account=desk.account,
        user_id=user.id,
        created=desk.now,
        changed=desk.now,
        sealed_hashes=(_sealed(desk, user.id, request.password),),
        reset_required=bool(request.password_reset_required),
    )
    desk.records.login_profiles.put(profile)
    return LoginProfileResponse(_shape(user, profile))


def get_login_profile(request: LoginProfileRequest, desk: Desk) -> LoginProfileResponse:
    user = user_or_caller(desk, request.user_name)
    return LoginProfileResponse(_shape(user, _profile_of(desk, user)))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateLoginProfileRequest:
    user_name: str
    password: str | None = field(default=None, repr=False)
    password_reset_required: bool | None = None


def update_login_profile(request: UpdateLoginProfileRequest, desk: Desk) -> None:
    """What is not given stays."""
    profile = _profile_of(desk, user_named(desk, request.user_name))
    if request.password is not None:
        profile = _with_password(desk, profile, request.password)
    if request.password_reset_required is not None:
        profile = replace(profile, reset_required=request.password_reset_required)
    desk.records.login_profiles.put(profile)


def delete_login_profile(request: LoginProfileRequest, desk: Desk) -> None:
    desk.records.login_profiles.delete(_profile_of(desk, user_or_caller(desk, request.user_name)))


# ── ChangePassword ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePasswordRequest:
    old_password: str = field(repr=False)
    new_password: str = field(repr=False)


def change_password(request: ChangePasswordRequest, desk: Desk) -> None:
    if desk.caller.user is None:
        raise InvalidUserType("Only IAM Users can change their own password", reason="caller.not-a-user")
    user = user_or_caller(desk, None)
    profile = _profile_of(desk, user)
    policy = desk.records.settings.get(desk.account).password_policy
    if not is_password(next(_hashes(desk, profile)), request.old_password):
        raise Denied("The old password was incorrect.", reason="password.wrong")
    if policy is not None and policy.hard_expiry and has_expired(profile, policy, now=desk.now):
        raise Denied("The password has expired. An administrator must set a new one.", reason="password.expired")
    changed = _with_password(desk, profile, request.new_password)
    desk.records.login_profiles.put(replace(changed, reset_required=False))


def _ask_change(_request: Any, desk: Desk) -> tuple[Ask, ...]:
    """About the caller's own user; about whoever else calls as it is called."""
    if desk.caller.user is None:
        arn = root_arn(desk.account) if desk.caller.is_root else "*"
        return (question("ChangePassword", desk, arn),)
    return ask_user("ChangePassword")(LoginProfileRequest(), desk)


# ── inside ───────────────────────────────────────────────────────────────────────────────────────────


def _profile_of(desk: Desk, user: User) -> LoginProfile:
    profile = desk.records.login_profiles.get(user.id)
    if profile is None:
        raise NoSuchEntity(f"Login Profile for User {user.name} cannot be found.", reason="login-profile.missing")
    return profile


def _with_password(desk: Desk, profile: LoginProfile, password: str) -> LoginProfile:
    """The profile with another password, and the one before among those that are remembered."""
    _require_conforming(desk, password)
    forbidden = forbidden_before(desk.records.settings.get(desk.account).password_policy)
    if any(is_password(hashed, password) for hashed in islice(_hashes(desk, profile), forbidden)):
        raise PasswordPolicyViolation(reason="password.reused")
    remembered = (_sealed(desk, profile.user_id, password), *profile.sealed_hashes)[:REMEMBERED]
    return replace(profile, changed=desk.now, sealed_hashes=remembered)


def _require_conforming(desk: Desk, password: str) -> None:
    settings = desk.records.settings.get(desk.account)
    account = desk.records.accounts.get(desk.account)
    names = [desk.account, settings.alias or desk.account, *([account.name] if account is not None else [])]
    require_conforming(password, settings.password_policy, names=names)


def _sealed(desk: Desk, user_id: str, password: str) -> bytes:
    return desk.secrets.seal(user_id, hash_password(password, entropy=desk.entropy(SALT_ENTROPY)).encode())


def _hashes(desk: Desk, profile: LoginProfile) -> Iterator[str]:
    """The password's own hash, then those of passwords before it."""
    return (desk.secrets.open(profile.user_id, sealed).decode() for sealed in profile.sealed_hashes)


def _shape(user: User, profile: LoginProfile) -> LoginProfileShape:
    return LoginProfileShape(
        user_name=user.name, create_date=profile.created, password_reset_required=profile.reset_required
    )


ACTIONS: tuple[Action, ...] = (
    Action(
        name="CreateLoginProfile",
        request=CreateLoginProfileRequest,
        response=LoginProfileResponse,
        ask=ask_user("CreateLoginProfile"),
        handle=create_login_profile,
        writes=True,
    ),
    Action(
        name="GetLoginProfile",
        request=LoginProfileRequest,
        response=LoginProfileResponse,
        ask=ask_user("GetLoginProfile"),
        handle=get_login_profile,
        writes=False,
    ),
    Action(
        name="UpdateLoginProfile",
        request=UpdateLoginProfileRequest,
        response=None,
        ask=ask_user("UpdateLoginProfile"),
        handle=update_login_profile,
        writes=True,
    ),
    Action(
        name="DeleteLoginProfile",
        request=LoginProfileRequest,
        response=None,
        ask=ask_user("DeleteLoginProfile"),
        handle=delete_login_profile,
        writes=True,
    ),
    Action(
        name="ChangePassword",
        request=ChangePasswordRequest,
        response=None,
        ask=_ask_change,
        handle=change_password,
        writes=True,
    ),
)
