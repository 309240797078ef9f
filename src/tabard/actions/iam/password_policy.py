"""The account's password policy: set whole, read, and taken away again, which leaves AWS's default one.

An update says everything anew: what is not given is off, and not what it was (IAM API Reference,
UpdateAccountPasswordPolicy). What a policy asks of a password is in `directory/passwords.py`.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import ask_account
from tabard.directory.entities import MINIMUM_LENGTH, PasswordPolicy
from tabard.faults import NoSuchEntity


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParameters:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicyShape:
    """The model's `PasswordPolicy`. Age, reuse and hard expiry are told where they are set."""

    minimum_password_length: int
    require_symbols: bool
    require_numbers: bool
    require_uppercase_characters: bool
    require_lowercase_characters: bool
    allow_users_to_change_password: bool
    expire_passwords: bool
    max_password_age: int | None = None
    password_reuse_prevention: int | None = None
    hard_expiry: bool | None = None


@dataclass(frozen=True, slots=True)
class GetAccountPasswordPolicyResponse:
    password_policy: PasswordPolicyShape


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAccountPasswordPolicyRequest:
    minimum_password_length: int | None = None
    require_symbols: bool | None = None
    require_numbers: bool | None = None
    require_uppercase_characters: bool | None = None
    require_lowercase_characters: bool | None = None
    allow_users_to_change_password: bool | None = None
    max_password_age: int | None = None
    password_reuse_prevention: int | None = None
    hard_expiry: bool | None = None


def get_account_password_policy(_request: NoParameters, desk: Desk) -> GetAccountPasswordPolicyResponse:
    policy = desk.records.settings.get(desk.account).password_policy
    if policy is None:
        raise NoSuchEntity(
            f"The Password Policy with domain name {desk.account} cannot be found.", reason="password-policy.missing"
        )
    return GetAccountPasswordPolicyResponse(
        PasswordPolicyShape(
            minimum_password_length=policy.minimum_length,
            require_symbols=policy.require_symbols,
            require_numbers=policy.require_numbers,
            require_uppercase_characters=policy.require_uppercase,
            require_lowercase_characters=policy.require_lowercase,
            allow_users_to_change_password=policy.allow_users_to_change,
            expire_passwords=policy.maximum_age is not None,
            max_password_age=policy.maximum_age.days if policy.maximum_age is not None else None,
            password_reuse_prevention=policy.reuse_prevention,
            hard_expiry=policy.hard_expiry,
        )
    )


def update_account_password_policy(request: UpdateAccountPasswordPolicyRequest, desk: Desk) -> None:
    age = request.max_password_age
    policy = PasswordPolicy(
        minimum_length=request.minimum_password_length or MINIMUM_LENGTH,
        require_symbols=bool(request.require_symbols),
        require_numbers=bool(request.require_numbers),
        require_uppercase=bool(request.require_uppercase_characters),
        require_lowercase=bool(request.require_lowercase_characters),
        allow_users_to_change=bool(request.allow_users_to_change_password),
        maximum_age=timedelta(days=age) if age is not None else None,
        reuse_prevention=request.password_reuse_prevention,
        hard_expiry=request.hard_expiry,
    )
    _put(desk, policy)


def delete_account_password_policy(_request: NoParameters, desk: Desk) -> None:
    if desk.records.settings.get(desk.account).password_policy is None:
        raise NoSuchEntity(
            "The account policy with name PasswordPolicy cannot be found.", reason="password-policy.missing"
        )
    _put(desk, None)


def _put(desk: Desk, policy: PasswordPolicy | None) -> None:
    desk.records.settings.put(replace(desk.records.settings.get(desk.account), password_policy=policy))


ACTIONS: tuple[Action, ...] = (
    Action(
        name="GetAccountPasswordPolicy",
        request=NoParameters,
        response=GetAccountPasswordPolicyResponse,
        ask=ask_account("GetAccountPasswordPolicy"),
        handle=get_account_password_policy,
        writes=False,
    ),
    Action(
        name="UpdateAccountPasswordPolicy",
        request=UpdateAccountPasswordPolicyRequest,
        response=None,
        ask=ask_account("UpdateAccountPasswordPolicy"),
        handle=update_account_password_policy,
        writes=True,
    ),
    Action(
        name="DeleteAccountPasswordPolicy",
        request=NoParameters,
        response=None,
        ask=ask_account("DeleteAccountPasswordPolicy"),
        handle=delete_account_password_policy,
        writes=True,
    ),
)
