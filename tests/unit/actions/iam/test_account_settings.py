"""The account's password policy, alias and preferences."""

import pytest

from tabard.faults import EntityAlreadyExists
from tests.unit.actions.iam.calls import asked, call, play_refusal, present, refusals
from tests.worlds import OTHER_ACCOUNT, World, refused


@pytest.mark.parametrize("case", refusals("account_settings"))
def test_refusals(case):
    play_refusal(World(), case)


def policy(world: World):
    return call(world, "GetAccountPasswordPolicy").password_policy


def test_a_policy_that_says_nothing_is_aws_s_recorded_one():
    world = World()
    call(world, "UpdateAccountPasswordPolicy")
    shape = policy(world)
    assert present(shape) == {
        "minimum_password_length",
        "require_symbols",
        "require_numbers",
        "require_uppercase_characters",
        "require_lowercase_characters",
        "allow_users_to_change_password",
        "expire_passwords",
    }
    assert shape.minimum_password_length == 6
    assert not any(getattr(shape, name) for name in present(shape) - {"minimum_password_length"})


def test_an_update_says_everything_anew():
    world = World()
    whole = {
        "minimum_password_length": 10,
        "require_symbols": True,
        "require_numbers": True,
        "require_uppercase_characters": True,
        "require_lowercase_characters": True,
        "allow_users_to_change_password": True,
        "max_password_age": 60,
        "password_reuse_prevention": 3,
        "hard_expiry": True,
    }
    call(world, "UpdateAccountPasswordPolicy", **whole)
    shape = policy(world)
    assert {name: getattr(shape, name) for name in whole} == whole
    assert shape.expire_passwords
    call(world, "UpdateAccountPasswordPolicy", require_numbers=True, hard_expiry=False)
    shape = policy(world)
    assert (shape.minimum_password_length, shape.require_symbols, shape.require_numbers) == (6, False, True)
    assert (shape.max_password_age, shape.expire_passwords, shape.hard_expiry) == (None, False, False)


def aliases(world: World, **caller) -> tuple[str, ...]:
    return call(world, "ListAccountAliases", **caller).account_aliases


def test_an_account_has_one_alias_and_a_new_one_takes_its_place():
    world = World()
    assert aliases(world) == ()
    call(world, "CreateAccountAlias", account_alias="acme")
    call(world, "CreateAccountAlias", account_alias="acme-corp")
    assert aliases(world) == ("acme-corp",)
    call(world, "DeleteAccountAlias", account_alias="acme-corp")
    assert aliases(world) == ()


def test_an_alias_is_unique_among_accounts_until_it_is_given_up():
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    other = world.root(OTHER_ACCOUNT)
    call(world, "CreateAccountAlias", account_alias="acme")
    with refused(EntityAlreadyExists, "The account alias acme already exists.", "alias.exists"):
        call(world, "CreateAccountAlias", caller=other, account_alias="acme")
    call(world, "CreateAccountAlias", account_alias="acme-corp")
    call(world, "CreateAccountAlias", caller=other, account_alias="acme")
    assert (aliases(world), aliases(world, caller=other)) == (("acme-corp",), ("acme",))


def test_root_is_called_by_the_alias():
    world = World()
    assert call(world, "GetUser").user.user_name == "main"
    call(world, "CreateAccountAlias", account_alias="acme")
    assert call(world, "GetUser").user.user_name == "acme"


def test_the_settings_leave_one_another_alone():
    world = World()
    call(world, "CreateAccountAlias", account_alias="acme")
    call(world, "UpdateAccountPasswordPolicy", minimum_password_length=9)
    call(world, "SetSecurityTokenServicePreferences", global_endpoint_token_version="v2Token")
    assert aliases(world) == ("acme",)
    assert policy(world).minimum_password_length == 9
    call(world, "DeleteAccountPasswordPolicy")
    call(world, "DeleteAccountAlias", account_alias="acme")
    assert call(world, "GetAccountSummary").summary_map["GlobalEndpointTokenVersion"] == 2


@pytest.mark.parametrize(("said", "told"), [("v1Token", 1), ("v2Token", 2)])
def test_the_preferred_tokens_are_told_by_the_summary(said, told):
    world = World()
    call(world, "SetSecurityTokenServicePreferences", global_endpoint_token_version=said)
    assert call(world, "GetAccountSummary").summary_map["GlobalEndpointTokenVersion"] == told


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GetAccountPasswordPolicy", {}),
        ("UpdateAccountPasswordPolicy", {}),
        ("DeleteAccountPasswordPolicy", {}),
        ("CreateAccountAlias", {"account_alias": "acme"}),
        ("DeleteAccountAlias", {"account_alias": "acme"}),
        ("ListAccountAliases", {}),
        ("SetSecurityTokenServicePreferences", {"global_endpoint_token_version": "v1Token"}),
    ],
)
def test_questions_have_no_resource(operation, parameters):
    assert asked(World(), operation, **parameters) == [(f"iam:{operation}", "*")]
