"""Roles: answers that differ by operation, trust policies that are bound to ids, durations."""

import pytest

from tabard.actions.iam_shapes import RoleLastUsed, Tag
from tabard.faults import MalformedPolicy
from tests.unit.actions.iam.scripts import ROWS, play, played, request_of
from tests.worlds import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, refused, trust

TRUST = trust(ACCOUNT)
APP = ("CreateRole", {"role_name": "app", "assume_role_policy_document": TRUST})
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/limit"
FULL = {
    "role_name": "App",
    "path": "/eu/",
    "assume_role_policy_document": TRUST,
    "description": "what it is for",
    "max_session_duration": 7200,
    "permissions_boundary": BOUNDARY,
    "tags": [{"key": "Team", "value": "red"}],
}


def full_world() -> World:
    return played(("policy", {"name": "limit"}), ("CreateRole", FULL))


def stored_ids(world: World, name: str) -> dict[str, str]:
    with world.store.read() as records:
        role = records.roles.get(ACCOUNT, name)
    assert role is not None
    return role.principal_ids


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_role_shows_tags_and_boundary_but_neither_duration_nor_description():
    world = played(("policy", {"name": "limit"}))
    role = play(world, "CreateRole", FULL).role
    assert role.arn == f"arn:aws:iam::{ACCOUNT}:role/eu/App"
    assert role.role_id.startswith("AROA")
    assert role.assume_role_policy_document == TRUST
    assert role.tags == (Tag("Team", "red"),)
    assert role.permissions_boundary.permissions_boundary_arn == BOUNDARY
    assert (role.max_session_duration, role.description, role.role_last_used) == (None, None, None)


def test_a_role_that_is_got_shows_everything_and_an_empty_last_use():
    role = play(full_world(), "GetRole", {"role_name": "APP"}).role
    assert role.role_name == "App"
    assert role.max_session_duration == 7200
    assert role.description == "what it is for"
    assert role.tags == (Tag("Team", "red"),)
    assert role.permissions_boundary.permissions_boundary_arn == BOUNDARY
    assert role.role_last_used == RoleLastUsed()


def test_a_plain_role_shows_an_hour_and_no_empty_members():
    role = play(played(APP), "GetRole", {"role_name": "app"}).role
    assert (role.max_session_duration, role.description, role.tags, role.permissions_boundary) == (
        3600,
        None,
        None,
        None,
    )


def test_a_list_of_roles_shows_durations_and_descriptions_alone():
    (role,) = play(full_world(), "ListRoles", {}).roles
    assert (role.max_session_duration, role.description) == (7200, "what it is for")
    assert (role.tags, role.permissions_boundary, role.role_last_used) == (None, None, None)


def test_roles_are_listed_by_name_in_any_case_whatever_their_path():
    world = World()
    for name, path in (("bob", "/a/"), ("Alice", "/z/"), ("Carol", "/")):
        world.role(name, path=path)
    assert [role.role_name for role in play(world, "ListRoles", {}).roles] == ["Alice", "bob", "Carol"]
    assert [role.role_name for role in play(world, "ListRoles", {"path_prefix": "/z/"}).roles] == ["Alice"]


def test_updaterole_answers_an_empty_result_and_resets_what_aws_resets():
    world = full_world()
    assert play(world, "UpdateRole", {"role_name": "app", "max_session_duration": 43200}) is not None
    role = play(world, "GetRole", {"role_name": "app"}).role
    assert (role.max_session_duration, role.description) == (43200, "what it is for")
    play(world, "UpdateRole", {"role_name": "app", "description": ""})
    role = play(world, "GetRole", {"role_name": "app"}).role
    assert (role.max_session_duration, role.description) == (3600, "")


def test_updateroledescription_answers_the_role_without_its_duration():
    world = full_world()
    role = play(world, "UpdateRoleDescription", {"role_name": "app", "description": "new"}).role
    assert (role.description, role.max_session_duration) == ("new", None)
    assert play(world, "GetRole", {"role_name": "app"}).role.max_session_duration == 7200


def test_the_description_of_a_services_role_may_be_changed():
    world = played(("service_linked_role", {"name": "AWSServiceRoleForX"}))
    answer = play(world, "UpdateRoleDescription", {"role_name": "AWSServiceRoleForX", "description": "mine"})
    assert answer.role.description == "mine"


def test_a_role_is_deleted_once_it_is_bare():
    world = played(APP, ("PutRolePolicy", {"role_name": "app", "policy_name": "x", "policy_document": ALLOW_ALL}))
    play(world, "DeleteRolePolicy", {"role_name": "app", "policy_name": "x"})
    play(world, "DeleteRole", {"role_name": "app"})
    assert play(world, "ListRoles", {}).roles == ()


def test_role_tags_are_listed_by_key():
    tags = [{"key": "b", "value": "2"}, {"key": "A", "value": "1"}]
    world = played(APP, ("TagRole", {"role_name": "app", "tags": tags}))
    assert play(world, "ListRoleTags", {"role_name": "app"}).tags == (Tag("A", "1"), Tag("b", "2"))


# ── trust ────────────────────────────────────────────────────────────────────────────────────────────


def test_accounts_services_and_sessions_in_a_trust_policy_are_not_bound():
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session"
    document = trust(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", session)
    world = played(("CreateRole", {"role_name": "app", "assume_role_policy_document": document}))
    assert stored_ids(world, "app") == {}


def test_users_and_roles_in_a_trust_policy_are_bound_to_their_ids():
    world = World()
    alice = world.user("alice", path="/eu/")
    worker = world.role("worker")
    document = trust(alice.arn, worker.arn)
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": document})
    assert stored_ids(world, "app") == {alice.arn: alice.id, worker.arn: worker.id}


def test_principals_of_other_accounts_are_bound_too():
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    mallory = world.user("mallory", account=OTHER_ACCOUNT)
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(mallory.arn)})
    assert stored_ids(world, "app") == {mallory.arn: mallory.id}


def test_a_role_may_name_itself_once_it_is_there():
    world = played(APP)
    own = f"arn:aws:iam::{ACCOUNT}:role/app"
    play(world, "UpdateAssumeRolePolicy", {"role_name": "app", "policy_document": trust(own)})
    assert list(stored_ids(world, "app")) == [own]


def test_a_new_trust_policy_replaces_the_bindings():
    world = World()
    alice = world.user("alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(alice.arn)})
    play(world, "UpdateAssumeRolePolicy", {"role_name": "app", "policy_document": TRUST})
    assert stored_ids(world, "app") == {}
    assert play(world, "GetRole", {"role_name": "app"}).role.assume_role_policy_document == TRUST


def test_a_trust_policy_is_shown_as_it_was_sent_while_its_principals_live():
    world = World()
    alice = world.user("alice")
    document = trust(alice.arn, ACCOUNT).replace(":[", " : [ ")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": document})
    assert play(world, "GetRole", {"role_name": "app"}).role.assume_role_policy_document == document


def test_a_deleted_principal_is_shown_by_its_id_even_after_a_namesake_comes():
    world = World()
    alice = world.user("alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(alice.arn)})
    play(world, "DeleteUser", {"user_name": "alice"})
    world.user("alice")
    for operation, parameters in (("GetRole", {"role_name": "app"}), ("ListRoles", {})):
        answer = play(world, operation, parameters)
        role = answer.role if operation == "GetRole" else answer.roles[0]
        assert role.assume_role_policy_document == trust(alice.id)


def test_a_renamed_principal_is_shown_under_its_present_arn():
    world = World()
    alice = world.user("alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(alice.arn)})
    play(world, "UpdateUser", {"user_name": "alice", "new_user_name": "bob"})
    shown = play(world, "GetRole", {"role_name": "app"}).role.assume_role_policy_document
    assert shown == trust(f"arn:aws:iam::{ACCOUNT}:user/bob")


def test_a_bare_id_is_accepted_while_its_principal_lives_and_shown_as_its_arn():
    world = World()
    alice = world.user("alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(alice.id)})
    assert stored_ids(world, "app") == {alice.id: alice.id}
    shown = play(world, "GetRole", {"role_name": "app"}).role.assume_role_policy_document
    assert shown == trust(alice.arn)


def test_the_document_that_shows_a_deleted_principal_cannot_be_saved_back():
    world = World()
    alice = world.user("alice")
    play(world, "CreateRole", {"role_name": "app", "assume_role_policy_document": trust(alice.arn)})
    play(world, "DeleteUser", {"user_name": "alice"})
    shown = play(world, "GetRole", {"role_name": "app"}).role.assume_role_policy_document
    with refused(MalformedPolicy, f'Invalid principal in policy: "AWS":"{alice.id}"', "policy.principal.unknown"):
        play(world, "UpdateAssumeRolePolicy", {"role_name": "app", "policy_document": shown})


# ── questions ────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_role_asks_by_the_path_of_the_request_and_for_tagging():
    action = ROWS["CreateRole"]
    asked = World().asks(action, request_of(action, FULL))
    arn = f"arn:aws:iam::{ACCOUNT}:role/eu/App"
    assert [(ask.action, ask.resource) for ask in asked] == [("iam:CreateRole", arn), ("iam:TagRole", arn)]
    assert dict(asked[0].context) == {
        "aws:tagkeys": ("Team",),
        "aws:requesttag/team": "red",
        "iam:permissionsboundary": BOUNDARY,
    }


@pytest.mark.parametrize(
    ("operation", "parameters", "more"),
    [
        ("GetRole", {}, {}),
        ("DeleteRole", {}, {}),
        ("UpdateRole", {}, {}),
        ("UpdateAssumeRolePolicy", {"policy_document": TRUST}, {}),
        ("TagRole", {"tags": [{"key": "a", "value": "b"}]}, {"aws:tagkeys": ("a",), "aws:requesttag/a": "b"}),
        ("UntagRole", {"tag_keys": ["a"]}, {"aws:tagkeys": ("a",)}),
        ("DeleteRolePermissionsBoundary", {}, {"iam:permissionsboundary": BOUNDARY}),
        ("PutRolePermissionsBoundary", {"permissions_boundary": "new"}, {"iam:permissionsboundary": "new"}),
        (
            "AttachRolePolicy",
            {"policy_arn": "arn:x"},
            {"iam:permissionsboundary": BOUNDARY, "iam:policyarn": "arn:x"},
        ),
    ],
)
def test_the_resource_is_the_stored_role_with_its_tags(operation, parameters, more):
    world, action = full_world(), ROWS[operation]
    (asked,) = world.asks(action, request_of(action, {"role_name": "APP", **parameters}))
    assert (asked.action, asked.resource) == (f"iam:{operation}", f"arn:aws:iam::{ACCOUNT}:role/eu/App")
    assert dict(asked.context) == {"aws:resourcetag/team": "red", "iam:resourcetag/team": "red", **more}
