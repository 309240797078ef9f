"""Users: what answers carry, what a rename keeps, what is asked of the caller."""

from dataclasses import replace

import pytest

from tabard.actions.iam_shapes import AttachedPermissionsBoundary, AttachedPolicy, Tag
from tabard.faults import ConstraintViolated, NoSuchEntity
from tabard.names.arn import root_arn
from tests.unit.actions.iam.scripts import ROWS, play, played, request_of
from tests.worlds import ACCOUNT, ALLOW_ALL, NOW, World, refused

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/limit"
ALICE = ("CreateUser", {"user_name": "alice"})
TAGS = [{"key": "Team", "value": "red"}, {"key": "Stage", "value": ""}]


def asks(world: World, operation: str, caller=None, **parameters):
    """Action, resource and context of each question."""
    questions = world.asks(ROWS[operation], request_of(ROWS[operation], parameters), caller=caller)
    assert {question.resource_account for question in questions} == {ACCOUNT}
    return [(question.action, question.resource, dict(question.context)) for question in questions]


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_user_is_answered_with_what_was_given():
    world = World()
    world.policy("limit")
    user = play(
        world,
        "CreateUser",
        {"user_name": "Alice", "path": "/eu/", "permissions_boundary": BOUNDARY, "tags": TAGS},
    ).user
    assert user.arn == f"arn:aws:iam::{ACCOUNT}:user/eu/Alice"
    assert user.path == "/eu/"
    assert user.user_id.startswith("AIDA")
    assert len(user.user_id) == 21
    assert user.create_date == NOW
    assert user.tags == (Tag("Team", "red"), Tag("Stage", ""))
    assert user.permissions_boundary == AttachedPermissionsBoundary(
        permissions_boundary_type="Policy", permissions_boundary_arn=BOUNDARY
    )
    assert play(world, "GetUser", {"user_name": "alice"}).user == user


def test_a_user_without_tags_and_boundary_shows_neither():
    user = play(played(ALICE), "GetUser", {"user_name": "ALICE"}).user
    assert user.user_name == "alice"
    assert user.tags is None
    assert user.permissions_boundary is None


def test_a_list_of_users_shows_neither_tags_nor_boundary():
    world = World()
    world.policy("limit")
    world.user("alice", tags={"a": "b"}, permissions_boundary=BOUNDARY)
    (user,) = play(world, "ListUsers", {}).users
    assert user.tags is None
    assert user.permissions_boundary is None


def test_users_are_listed_by_name_in_any_case_whatever_their_path():
    world = World()
    for name, path in (("bob", "/a/"), ("Alice", "/z/"), ("Carol", "/")):
        world.user(name, path=path)
    assert [user.user_name for user in play(world, "ListUsers", {}).users] == ["Alice", "bob", "Carol"]
    assert [user.user_name for user in play(world, "ListUsers", {"path_prefix": "/a"}).users] == ["bob"]


def test_getuser_without_a_name_is_about_the_caller():
    world = World()
    alice = world.user("alice", path="/eu/")
    answer = world.call(ROWS["GetUser"].handle, request_of(ROWS["GetUser"], {}), caller=world.as_user(alice))
    assert answer.user.user_id == alice.id


def test_getuser_without_a_name_shows_root_its_account():
    user = play(World(), "GetUser", {}).user
    assert (user.user_id, user.arn) == (ACCOUNT, root_arn(ACCOUNT))


def test_getuser_without_a_name_refuses_a_role_session():
    world = World()
    role = world.role("app")
    with refused(ConstraintViolated, "Must specify userName when calling with non-User credentials", "user.unnamed"):
        world.call(ROWS["GetUser"].handle, request_of(ROWS["GetUser"], {}), caller=world.as_role(role))


def test_a_caller_renamed_since_its_key_was_looked_up_is_still_itself():
    world = World()
    stale = world.as_user(world.user("alice"))
    play(world, "UpdateUser", {"user_name": "alice", "new_user_name": "bob"})
    world.user("alice")
    answer = world.call(ROWS["GetUser"].handle, request_of(ROWS["GetUser"], {}), caller=stale)
    assert answer.user.user_name == "bob"
    ((_, resource, _),) = asks(world, "GetUser", stale)
    assert resource == f"arn:aws:iam::{ACCOUNT}:user/bob"


def test_a_caller_deleted_since_its_key_was_looked_up_is_not_there():
    world = World()
    stale = world.as_user(world.user("alice"))
    play(world, "DeleteUser", {"user_name": "alice"})
    with refused(NoSuchEntity, "The user with name alice cannot be found.", "user.missing"):
        world.call(ROWS["GetUser"].handle, request_of(ROWS["GetUser"], {}), caller=stale)


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_rename_keeps_everything_but_name_path_and_arn():
    world = played(
        ALICE,
        ("CreateGroup", {"group_name": "devs"}),
        ("AddUserToGroup", {"group_name": "devs", "user_name": "alice"}),
        ("policy", {"name": "p"}),
        ("AttachUserPolicy", {"user_name": "alice", "policy_arn": f"arn:aws:iam::{ACCOUNT}:policy/p"}),
        ("PutUserPolicy", {"user_name": "alice", "policy_name": "x", "policy_document": ALLOW_ALL}),
        ("TagUser", {"user_name": "alice", "tags": TAGS}),
        ("access_key", {"user": "alice"}),
    )
    with world.store.read() as records:
        before = records.users.get(ACCOUNT, "alice")
    play(world, "UpdateUser", {"user_name": "ALICE", "new_user_name": "Bob", "new_path": "/x/"})
    with world.store.read() as records:
        after = records.users.get(ACCOUNT, "bob")
        assert records.users.get(ACCOUNT, "alice") is None
        assert records.access_keys.of(before.id)
    assert after == replace(before, name="Bob", path="/x/")
    assert after.arn == f"arn:aws:iam::{ACCOUNT}:user/x/Bob"
    assert [user.user_name for user in play(world, "GetGroup", {"group_name": "devs"}).users] == ["Bob"]


def test_a_user_may_be_renamed_to_another_case_of_its_name():
    world = played(ALICE, ("UpdateUser", {"user_name": "alice", "new_user_name": "ALICE"}))
    assert play(world, "GetUser", {"user_name": "alice"}).user.user_name == "ALICE"


def test_a_deleted_users_name_is_free_and_its_successor_is_another():
    world = played(ALICE)
    first = play(world, "GetUser", {"user_name": "alice"}).user.user_id
    play(world, "DeleteUser", {"user_name": "Alice"})
    assert play(world, "CreateUser", {"user_name": "alice"}).user.user_id != first


def test_tags_merge_without_regard_to_case_and_keep_the_latest_spelling():
    world = played(ALICE, ("TagUser", {"user_name": "alice", "tags": TAGS}))
    play(world, "TagUser", {"user_name": "alice", "tags": [{"key": "TEAM", "value": "blue"}]})
    assert play(world, "ListUserTags", {"user_name": "alice"}).tags == (Tag("Stage", ""), Tag("TEAM", "blue"))
    play(world, "UntagUser", {"user_name": "alice", "tag_keys": ["team"]})
    assert play(world, "ListUserTags", {"user_name": "alice"}).tags == (Tag("Stage", ""),)


def test_a_boundary_is_set_shown_replaced_and_taken_away():
    world = played(ALICE, ("policy", {"name": "limit"}))
    for arn in (BOUNDARY, "arn:aws:iam::aws:policy/AdministratorAccess"):
        play(world, "PutUserPermissionsBoundary", {"user_name": "alice", "permissions_boundary": arn})
        shown = play(world, "GetUser", {"user_name": "alice"}).user.permissions_boundary
        assert shown.permissions_boundary_arn == arn
    play(world, "DeleteUserPermissionsBoundary", {"user_name": "alice"})
    assert play(world, "GetUser", {"user_name": "alice"}).user.permissions_boundary is None


def test_groups_of_a_user_are_listed_by_name():
    world = played(ALICE)
    for name in ("ops", "Devs"):
        play(world, "CreateGroup", {"group_name": name})
        play(world, "AddUserToGroup", {"group_name": name, "user_name": "alice"})
    answer = play(world, "ListGroupsForUser", {"user_name": "alice"})
    assert [group.group_name for group in answer.groups] == ["Devs", "ops"]
    assert answer.is_truncated is False


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("ListSSHPublicKeys", "ssh_public_keys"),
        ("ListSigningCertificates", "certificates"),
        ("ListServiceSpecificCredentials", "service_specific_credentials"),
    ],
)
def test_credentials_that_are_not_offered_are_an_empty_list(operation, member):
    answer = play(played(ALICE), operation, {"user_name": "alice"})
    assert getattr(answer, member) == ()
    assert answer.is_truncated is False


# ── policies ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_inline_policy_comes_back_as_it_was_sent():
    document = ALLOW_ALL.replace(":", " :\n ")
    world = played(ALICE, ("PutUserPolicy", {"user_name": "alice", "policy_name": "x", "policy_document": document}))
    answer = play(world, "GetUserPolicy", {"user_name": "ALICE", "policy_name": "x"})
    assert (answer.user_name, answer.policy_name, answer.policy_document) == ("alice", "x", document)
    assert play(world, "ListUserPolicies", {"user_name": "alice"}).policy_names == ("x",)


def test_white_space_does_not_count_towards_the_size_of_inline_policies():
    padded = ALLOW_ALL.replace(":", ":" + " " * 1000)
    world = played(ALICE, ("PutUserPolicy", {"user_name": "alice", "policy_name": "x", "policy_document": padded}))
    assert play(world, "GetUserPolicy", {"user_name": "alice", "policy_name": "x"}).policy_document == padded


def test_attached_policies_are_listed_by_name_and_path():
    world = played(ALICE, ("policy", {"name": "zeta", "path": "/eu/"}), ("policy", {"name": "Beta"}))
    for arn in (
        f"arn:aws:iam::{ACCOUNT}:policy/eu/zeta",
        f"arn:aws:iam::{ACCOUNT}:policy/Beta",
        "arn:aws:iam::aws:policy/AdministratorAccess",
    ):
        play(world, "AttachUserPolicy", {"user_name": "alice", "policy_arn": arn})
    every = play(world, "ListAttachedUserPolicies", {"user_name": "alice"})
    assert [policy.policy_name for policy in every.attached_policies] == ["AdministratorAccess", "Beta", "zeta"]
    european = play(world, "ListAttachedUserPolicies", {"user_name": "alice", "path_prefix": "/eu/"})
    assert european.attached_policies == (AttachedPolicy("zeta", f"arn:aws:iam::{ACCOUNT}:policy/eu/zeta"),)


def test_a_policy_is_attached_once_and_again_at_the_quota():
    attach = [
        ("AttachUserPolicy", {"user_name": "alice", "policy_arn": f"arn:aws:iam::{ACCOUNT}:policy/p{number}"})
        for number in range(10)
    ]
    world = played(ALICE, *[("policy", {"name": f"p{number}"}) for number in range(10)], *attach, attach[0])
    listed = play(world, "ListAttachedUserPolicies", {"user_name": "alice"}).attached_policies
    assert [policy.policy_name for policy in listed] == [f"p{number}" for number in range(10)]


# ── questions ────────────────────────────────────────────────────────────────────────────────────────


def test_the_resource_is_the_stored_user_with_path_spelling_and_tags():
    world = World()
    world.user("Alice", path="/eu/", tags={"Team": "red"})
    assert asks(world, "GetUser", user_name="ALICE") == [
        (
            "iam:GetUser",
            f"arn:aws:iam::{ACCOUNT}:user/eu/Alice",
            {"aws:resourcetag/team": "red", "iam:resourcetag/team": "red"},
        )
    ]


def test_the_resource_of_a_user_that_is_not_there_is_what_the_request_says():
    assert asks(World(), "GetUser", user_name="nobody") == [("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/nobody", {})]


def test_a_new_user_with_tags_and_boundary_asks_for_both_and_for_tagging():
    context = {
        "aws:tagkeys": ("Team", "Stage"),
        "aws:requesttag/team": "red",
        "aws:requesttag/stage": "",
        "iam:permissionsboundary": BOUNDARY,
    }
    arn = f"arn:aws:iam::{ACCOUNT}:user/eu/new"
    asked = asks(World(), "CreateUser", user_name="new", path="/eu/", tags=TAGS, permissions_boundary=BOUNDARY)
    assert asked == [("iam:CreateUser", arn, context), ("iam:TagUser", arn, context)]


def test_a_new_user_without_tags_asks_for_creation_alone():
    assert asks(World(), "CreateUser", user_name="new") == [("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/new", {})]


def test_a_rename_asks_about_source_and_target():
    world = World()
    world.user("alice", path="/eu/", tags={"a": "b"})
    tags = {"aws:resourcetag/a": "b", "iam:resourcetag/a": "b"}
    asked = asks(world, "UpdateUser", user_name="alice", new_user_name="bob", new_path="/us/")
    assert asked == [
        ("iam:UpdateUser", f"arn:aws:iam::{ACCOUNT}:user/eu/alice", tags),
        ("iam:UpdateUser", f"arn:aws:iam::{ACCOUNT}:user/us/bob", tags),
    ]
    assert len(asks(world, "UpdateUser", user_name="alice", new_path="/eu/")) == 1


def test_attaching_asks_with_policy_and_boundary():
    world = World()
    world.user("alice", permissions_boundary=BOUNDARY)
    for operation in ("AttachUserPolicy", "DetachUserPolicy"):
        assert asks(world, operation, user_name="alice", policy_arn="arn:aws:iam::aws:policy/IAMFullAccess") == [
            (
                f"iam:{operation}",
                f"arn:aws:iam::{ACCOUNT}:user/alice",
                {"iam:permissionsboundary": BOUNDARY, "iam:policyarn": "arn:aws:iam::aws:policy/IAMFullAccess"},
            )
        ]


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("PutUserPolicy", {"policy_name": "x", "policy_document": ALLOW_ALL}),
        ("DeleteUserPolicy", {"policy_name": "x"}),
        ("DeleteUserPermissionsBoundary", {}),
    ],
)
def test_what_changes_permissions_asks_with_the_stored_boundary(operation, parameters):
    world = World()
    world.user("alice", permissions_boundary=BOUNDARY)
    ((_, _, context),) = asks(world, operation, user_name="alice", **parameters)
    assert context == {"iam:permissionsboundary": BOUNDARY}


def test_a_new_boundary_is_asked_about_not_the_old_one():
    world = World()
    world.user("alice", permissions_boundary=BOUNDARY)
    ((_, _, context),) = asks(world, "PutUserPermissionsBoundary", user_name="alice", permissions_boundary="other")
    assert context == {"iam:permissionsboundary": "other"}


def test_untagging_asks_with_the_keys_that_go():
    world = played(ALICE)
    ((_, _, context),) = asks(world, "UntagUser", user_name="alice", tag_keys=["a", "B"])
    assert context == {"aws:tagkeys": ("a", "B")}


@pytest.mark.parametrize(("prefix", "resource"), [(None, "user/"), ("/eu/", "user/eu/"), ("/e", "user/e")])
def test_a_list_asks_about_the_path_that_is_listed(prefix, resource):
    assert asks(World(), "ListUsers", path_prefix=prefix) == [
        ("iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:{resource}", {})
    ]


def test_without_a_name_the_question_is_about_the_caller():
    world = World()
    alice = world.user("alice", path="/eu/", tags={"a": "b"})
    role = world.role("app")
    tags = {"aws:resourcetag/a": "b", "iam:resourcetag/a": "b"}
    assert asks(world, "GetUser", world.as_user(alice)) == [("iam:GetUser", alice.arn, tags)]
    assert asks(world, "GetUser", world.root()) == [("iam:GetUser", root_arn(ACCOUNT), {})]
    assert asks(world, "GetUser", world.as_role(role)) == [("iam:GetUser", "*", {})]
