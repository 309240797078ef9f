"""Groups: members, policies, renames."""

from tests.unit.actions.iam.scripts import ROWS, play, played, request_of
from tests.worlds import ACCOUNT, ALLOW_ALL, World

DEVS = ("CreateGroup", {"group_name": "Devs"})
ALICE = ("CreateUser", {"user_name": "alice"})
JOIN = ("AddUserToGroup", {"group_name": "devs", "user_name": "ALICE"})


def test_a_new_group_is_answered_and_found_in_any_case():
    world = World()
    group = play(world, "CreateGroup", {"group_name": "Devs", "path": "/eu/"}).group
    assert group.arn == f"arn:aws:iam::{ACCOUNT}:group/eu/Devs"
    assert group.group_id.startswith("AGPA")
    assert play(world, "GetGroup", {"group_name": "DEVS"}).group == group
    assert play(world, "ListGroups", {}).groups == (group,)


def test_members_are_listed_by_name_without_tags():
    world = played(DEVS)
    for name in ("bob", "Alice"):
        world.user(name, tags={"a": "b"})
        play(world, "AddUserToGroup", {"group_name": "devs", "user_name": name})
    answer = play(world, "GetGroup", {"group_name": "devs"})
    assert [user.user_name for user in answer.users] == ["Alice", "bob"]
    assert all(user.tags is None for user in answer.users)


def test_members_come_in_pages():
    world = played(DEVS)
    for name in ("a", "B", "c"):
        world.user(name)
        play(world, "AddUserToGroup", {"group_name": "devs", "user_name": name})
    first = play(world, "GetGroup", {"group_name": "devs", "max_items": 2})
    assert ([user.user_name for user in first.users], first.is_truncated) == (["a", "B"], True)
    rest = play(world, "GetGroup", {"group_name": "devs", "max_items": 2, "marker": first.marker})
    assert ([user.user_name for user in rest.users], rest.is_truncated, rest.marker) == (["c"], False, None)


def test_a_member_joins_once_and_leaves():
    world = played(DEVS, ALICE, JOIN, JOIN)
    assert len(play(world, "GetGroup", {"group_name": "devs"}).users) == 1
    assert len(play(world, "ListGroupsForUser", {"user_name": "alice"}).groups) == 1
    play(world, "RemoveUserFromGroup", {"group_name": "Devs", "user_name": "alice"})
    assert play(world, "GetGroup", {"group_name": "devs"}).users == ()


def test_a_rename_keeps_id_members_and_policies():
    policy = ("PutGroupPolicy", {"group_name": "devs", "policy_name": "x", "policy_document": ALLOW_ALL})
    world = played(DEVS, ALICE, JOIN, policy)
    before = play(world, "GetGroup", {"group_name": "devs"}).group
    play(world, "UpdateGroup", {"group_name": "devs", "new_group_name": "ops", "new_path": "/x/"})
    answer = play(world, "GetGroup", {"group_name": "ops"})
    assert answer.group.group_id == before.group_id
    assert answer.group.arn == f"arn:aws:iam::{ACCOUNT}:group/x/ops"
    assert [user.user_name for user in answer.users] == ["alice"]
    assert play(world, "ListGroupPolicies", {"group_name": "ops"}).policy_names == ("x",)
    (group,) = play(world, "ListGroupsForUser", {"user_name": "alice"}).groups
    assert group.group_name == "ops"


def test_a_group_is_deleted_once_it_is_empty():
    world = played(DEVS, ALICE, JOIN, ("RemoveUserFromGroup", {"group_name": "devs", "user_name": "alice"}))
    play(world, "DeleteGroup", {"group_name": "devs"})
    assert play(world, "ListGroups", {}).groups == ()


def test_membership_asks_about_the_group():
    world = World()
    world.group("Devs", path="/eu/")
    for operation in ("AddUserToGroup", "RemoveUserFromGroup"):
        action = ROWS[operation]
        (asked,) = world.asks(action, request_of(action, {"group_name": "devs", "user_name": "alice"}))
        assert (asked.action, asked.resource) == (f"iam:{operation}", f"arn:aws:iam::{ACCOUNT}:group/eu/Devs")


def test_creation_and_rename_ask_about_the_names_to_be():
    world = World()
    world.group("Devs", path="/eu/")
    create, update = ROWS["CreateGroup"], ROWS["UpdateGroup"]
    (asked,) = world.asks(create, request_of(create, {"group_name": "new", "path": "/eu/"}))
    assert asked.resource == f"arn:aws:iam::{ACCOUNT}:group/eu/new"
    asked = world.asks(update, request_of(update, {"group_name": "devs", "new_group_name": "ops"}))
    assert [ask.resource for ask in asked] == [
        f"arn:aws:iam::{ACCOUNT}:group/eu/Devs",
        f"arn:aws:iam::{ACCOUNT}:group/eu/ops",
    ]


def test_attaching_to_a_group_asks_with_the_policy():
    world = played(DEVS)
    action = ROWS["AttachGroupPolicy"]
    (asked,) = world.asks(action, request_of(action, {"group_name": "devs", "policy_arn": "arn:x"}))
    assert dict(asked.context) == {"iam:policyarn": "arn:x"}
