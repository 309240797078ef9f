"""IAM across accounts and across generations: T01, T02, K07, K09. Each with a valid control."""

from typing import Any

import pytest

from tabard.actions.desk import Caller
from tabard.faults import ConstraintViolated, Fault, MalformedPolicy, NoSuchEntity
from tabard.policy.compile import compile_policies
from tabard.policy.decide import AccessRequest, Layers, decide
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy
from tabard.policy.principal import Principal
from tests.unit.actions.iam.scripts import ROWS, play, request_of
from tests.worlds import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, refused, trust

FOREIGN_POLICY = f"arn:aws:iam::{OTHER_ACCOUNT}:policy/theirs"


def two_accounts() -> World:
    """Account one is empty; account two has one of each."""
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    group = world.group("theirs", account=OTHER_ACCOUNT)
    world.user(
        "theirs",
        account=OTHER_ACCOUNT,
        groups=(group.id,),
        tags={"secret": "tag"},
        inline_policies={"theirs": ALLOW_ALL},
    )
    world.role("theirs", account=OTHER_ACCOUNT, inline_policies={"theirs": ALLOW_ALL})
    world.policy("theirs", account=OTHER_ACCOUNT)
    return world


PARAMETERS: dict[str, Any] = {
    "user_name": "theirs",
    "group_name": "theirs",
    "role_name": "theirs",
    "policy_name": "theirs",
    "policy_document": ALLOW_ALL,
    "policy_arn": FOREIGN_POLICY,
    "permissions_boundary": FOREIGN_POLICY,
    "tags": [{"key": "a", "value": "b"}],
    "tag_keys": ["secret"],
    "description": "mine now",
    "password": "Correct-Horse-7",
    "old_password": "Correct-Horse-7",
    "new_password": "Battery-Staple-8",
}


def naming(operation: str) -> dict[str, Any]:
    """Parameters that name the other account's records wherever the operation takes a name."""
    fields = ROWS[operation].request.__dataclass_fields__
    return {name: value for name, value in PARAMETERS.items() if name in fields}


NAMING = [
    name
    for name, action in ROWS.items()
    if {"user_name", "group_name", "role_name"} & set(action.request.__dataclass_fields__)
    and not name.startswith("Create")
]


def answer_of(world: World, operation: str, caller: Caller | None = None) -> object:
    """What was answered, or the fault with its text and reason."""
    action = ROWS[operation]
    try:
        return world.call(action.handle, request_of(action, naming(operation)), caller=caller)
    except Fault as fault:
        return type(fault), fault.public, fault.reason


@pytest.mark.parametrize("operation", NAMING)
def test_t01_a_record_of_another_account_is_as_missing_as_one_that_never_was(operation):
    nowhere = answer_of(World(), operation)
    assert isinstance(nowhere, tuple)
    assert nowhere[0] is NoSuchEntity
    assert answer_of(two_accounts(), operation) == nowhere
    # Control: where its owner asks, the record is there.
    world = two_accounts()
    assert answer_of(world, operation, world.root(OTHER_ACCOUNT)) != nowhere


def test_t01_lists_hold_nothing_of_another_account():
    world = two_accounts()
    assert play(world, "ListUsers", {}).users == ()
    assert play(world, "ListGroups", {}).groups == ()
    assert play(world, "ListRoles", {}).roles == ()
    # Control.
    listed = world.call(ROWS["ListUsers"].handle, request_of(ROWS["ListUsers"], {}), caller=world.root(OTHER_ACCOUNT))
    assert [user.user_name for user in listed.users] == ["theirs"]


@pytest.mark.parametrize("resource", ["user/theirs", "role/theirs", "group/theirs"])
def test_t01_questions_name_the_callers_account_whatever_the_name(resource):
    world = two_accounts()
    noun = resource.split("/")[0]
    action = ROWS[f"Get{noun.capitalize()}"]
    (asked,) = world.asks(action, request_of(action, {f"{noun}_name": "theirs"}))
    assert asked.resource == f"arn:aws:iam::{ACCOUNT}:{resource}"
    assert asked.context == {}


def test_t01_a_policy_of_another_account_can_be_neither_attached_nor_a_boundary():
    world = two_accounts()
    world.user("mine")
    missing = f"Policy {FOREIGN_POLICY} does not exist or is not attachable."
    with refused(NoSuchEntity, missing, "policy.missing"):
        play(world, "AttachUserPolicy", {"user_name": "mine", "policy_arn": FOREIGN_POLICY})
    missing = f"Scope ARN: {FOREIGN_POLICY} does not exist or is not attachable."
    with refused(NoSuchEntity, missing, "boundary.missing"):
        play(world, "PutUserPermissionsBoundary", {"user_name": "mine", "permissions_boundary": FOREIGN_POLICY})
    # Control: an own policy of that name.
    own = world.policy("theirs")
    play(world, "AttachUserPolicy", {"user_name": "mine", "policy_arn": own.arn})
    play(world, "PutUserPermissionsBoundary", {"user_name": "mine", "permissions_boundary": own.arn})


def test_t01_a_marker_of_another_account_moves_only_inside_the_own_list():
    world = two_accounts()
    world.user("zoe", account=OTHER_ACCOUNT)
    world.user("alice")
    world.user("zed")
    action = ROWS["ListUsers"]
    theirs = world.call(action.handle, request_of(action, {"max_items": 1}), caller=world.root(OTHER_ACCOUNT))
    answer = play(world, "ListUsers", {"marker": theirs.marker})
    assert [user.user_name for user in answer.users] == ["zed"]


def test_t01_a_marker_serves_only_the_list_that_gave_it():
    world = World()
    world.role("a")
    world.role("b")
    marker = play(world, "ListRoles", {"max_items": 1}).marker
    with refused(ConstraintViolated, "Invalid Marker.", "marker"):
        play(world, "ListUsers", {"marker": marker})
    # Control.
    assert [role.role_name for role in play(world, "ListRoles", {"marker": marker}).roles] == ["b"]


def test_t02_the_same_name_in_two_accounts_is_two_records():
    world = two_accounts()
    play(world, "CreateUser", {"user_name": "theirs", "tags": [{"key": "whose", "value": "mine"}]})
    action = ROWS["DeleteUser"]
    world.call(action.handle, request_of(action, {"user_name": "THEIRS"}))
    with world.store.read() as records:
        assert records.users.get(ACCOUNT, "theirs") is None
        assert records.users.get(OTHER_ACCOUNT, "theirs") is not None  # control


def test_t02_a_case_twin_is_the_same_record_and_no_second_one():
    world = World()
    first = play(world, "CreateRole", {"role_name": "Admin", "assume_role_policy_document": trust(ACCOUNT)}).role
    with pytest.raises(Fault) as caught:
        play(world, "CreateRole", {"role_name": "aDMIN", "assume_role_policy_document": trust(ACCOUNT)})
    assert caught.value.reason == "role.exists"
    assert play(world, "GetRole", {"role_name": "ADMIN"}).role == play(world, "GetRole", {"role_name": "Admin"}).role
    assert play(world, "GetRole", {"role_name": "ADMIN"}).role.role_id == first.role_id


@pytest.mark.parametrize("twin", ["user/Alice", "user/eu/alice", "role/alice"])
def test_t02_a_trust_policy_names_a_principal_by_its_exact_arn(twin):
    world = World()
    world.user("alice")
    arn = f"arn:aws:iam::{ACCOUNT}:{twin}"
    with refused(MalformedPolicy, f'Invalid principal in policy: "AWS":"{arn}"', "policy.principal.unknown"):
        play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(arn)})
    # Control.
    exact = trust(f"arn:aws:iam::{ACCOUNT}:user/alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": exact})


def lets_in(world: World, principal: Principal) -> bool:
    """Whether the stored trust policy of `app` lets the principal in, as it is bound."""
    with world.store.read() as records:
        role = records.roles.get(ACCOUNT, "app")
    assert role is not None
    policy = parse_policy(role.assume_role_policy_document, Kind.TRUST)
    layers = Layers(
        identity=None,
        resource=compile_policies([("trust", policy)], role.principal_ids),
        boundary=None,
        session=None,
        resource_must_allow=True,
    )
    request = AccessRequest(
        principal=principal, action="sts:AssumeRole", resource=role.arn, resource_account=ACCOUNT, context={}
    )
    return decide(request, layers).allowed


def test_k07_a_user_made_again_under_its_name_is_not_let_in():
    world = World()
    first = world.user("alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(first.arn)})
    assert lets_in(world, world.as_user(first).principal)  # control
    play(world, "DeleteUser", {"user_name": "alice"})
    second = world.user("alice")
    assert second.arn == first.arn
    assert not lets_in(world, world.as_user(second).principal)


def test_k07_a_role_made_again_under_its_name_is_not_let_in():
    world = World()
    first = world.role("worker")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(first.arn)})
    assert lets_in(world, world.as_role(first).principal)  # control
    play(world, "DeleteRole", {"role_name": "worker"})
    second = world.role("worker")
    assert not lets_in(world, world.as_role(second).principal)


def test_k07_a_namesake_is_let_in_once_the_policy_is_saved_again():
    world = World()
    first = world.user("alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(first.arn)})
    play(world, "DeleteUser", {"user_name": "alice"})
    second = world.user("alice")
    play(world, "UpdateAssumeRolePolicy", {"role_name": "app", "policy_document": trust(second.arn)})
    assert lets_in(world, world.as_user(second).principal)


def test_k07_a_role_made_again_is_another_role_with_no_policies():
    world = World()
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(ACCOUNT)})
    play(world, "PutRolePolicy", {"role_name": "app", "policy_name": "x", "policy_document": ALLOW_ALL})
    first = play(world, "GetRole", {"role_name": "app"}).role
    play(world, "DeleteRolePolicy", {"role_name": "app", "policy_name": "x"})
    play(world, "DeleteRole", {"role_name": "app"})
    second = play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(ACCOUNT)}).role
    assert second.role_id != first.role_id
    assert play(world, "ListRolePolicies", {"role_name": "app"}).policy_names == ()


def test_k07_a_group_made_again_has_no_members():
    world = World()
    play(world, "CreateGroup", {"group_name": "devs"})
    world.user("alice")
    play(world, "AddUserToGroup", {"group_name": "devs", "user_name": "alice"})
    assert len(play(world, "GetGroup", {"group_name": "devs"}).users) == 1  # control
    play(world, "RemoveUserFromGroup", {"group_name": "devs", "user_name": "alice"})
    play(world, "DeleteGroup", {"group_name": "devs"})
    play(world, "CreateGroup", {"group_name": "devs"})
    assert play(world, "GetGroup", {"group_name": "devs"}).users == ()


@pytest.mark.parametrize("operation", ROWS)
def test_k09_no_operation_goes_unasked_even_about_oneself(operation):
    world = World()
    alice = world.user("alice")
    parameters = {name: value for name, value in SELF.items() if name in ROWS[operation].request.__dataclass_fields__}
    asked = world.asks(ROWS[operation], request_of(ROWS[operation], parameters), caller=world.as_user(alice))
    assert asked
    assert asked[0].action == f"iam:{operation}"
    assert all(ask.resource_account == ACCOUNT for ask in asked)


SELF: dict[str, Any] = {
    **PARAMETERS,
    "user_name": "alice",
    "assume_role_policy_document": trust(ACCOUNT),
}
