import pytest

from tests.unit.actions.iam.calls import ROWS, asked, call, every_page, play_refusal, present, refusals, request
from tests.worlds import ACCOUNT, NOW, OTHER_ACCOUNT, World

ALWAYS = {"path", "instance_profile_name", "instance_profile_id", "arn", "create_date", "roles"}


def names(answer) -> list[str]:
    return [profile.instance_profile_name for profile in answer.instance_profiles]


@pytest.mark.parametrize("case", refusals("instance_profiles"))
def test_refusals(case):
    play_refusal(World(), case)


def test_create_answers_no_tags_and_get_always_does():
    world = World()
    created = call(world, "CreateInstanceProfile", instance_profile_name="ip", path="/x/", tags={"a": "b"})
    shape = created.instance_profile
    assert present(shape) == ALWAYS
    assert (shape.arn, shape.roles, shape.create_date) == (f"arn:aws:iam::{ACCOUNT}:instance-profile/x/ip", (), NOW)
    assert shape.instance_profile_id.startswith("AIPA")
    got = call(world, "GetInstanceProfile", instance_profile_name="IP").instance_profile
    assert [(tag.key, tag.value) for tag in got.tags] == [("a", "b")]
    call(world, "CreateInstanceProfile", instance_profile_name="bare")
    assert call(world, "GetInstanceProfile", instance_profile_name="bare").instance_profile.tags == ()


def with_role(role_name: str = "r") -> World:
    world = World()
    world.role("r")
    call(world, "CreateInstanceProfile", instance_profile_name="ip")
    call(world, "AddRoleToInstanceProfile", instance_profile_name="ip", role_name=role_name)
    return world


def test_the_role_inside_is_shown_without_its_maximum_duration():
    shape = call(with_role(), "GetInstanceProfile", instance_profile_name="ip").instance_profile
    (role,) = shape.roles
    assert present(role) == {"path", "role_name", "role_id", "arn", "create_date", "assume_role_policy_document"}


def test_the_role_is_named_in_any_case_and_found_again_by_it():
    world = with_role("R")
    assert names(call(world, "ListInstanceProfilesForRole", role_name="r")) == ["ip"]
    call(world, "RemoveRoleFromInstanceProfile", instance_profile_name="IP", role_name="R")
    assert names(call(world, "ListInstanceProfilesForRole", role_name="r")) == []
    call(world, "DeleteInstanceProfile", instance_profile_name="ip")
    assert names(call(world, "ListInstanceProfiles")) == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_cover_all_exactly_once_by_name_without_regard_to_case_or_path(size):
    world = World()
    for name, path in (("b", "/"), ("C", "/z/"), ("a", "/y/")):
        call(world, "CreateInstanceProfile", instance_profile_name=name, path=path)
    pages = every_page(world, "ListInstanceProfiles", max_items=size)
    assert [name for page in pages for name in names(page)] == ["a", "b", "C"]
    assert names(call(world, "ListInstanceProfiles", path_prefix="/z")) == ["C"]


@pytest.mark.parametrize("size", [1, 2])
def test_pages_of_the_profiles_of_a_role(size):
    world = with_role()
    for name in ("a", "z"):
        call(world, "CreateInstanceProfile", instance_profile_name=name)
        call(world, "AddRoleToInstanceProfile", instance_profile_name=name, role_name="r")
    pages = every_page(world, "ListInstanceProfilesForRole", role_name="r", max_items=size)
    assert [name for page in pages for name in names(page)] == ["a", "ip", "z"]


def test_tags_come_and_go():
    world = World()
    call(world, "CreateInstanceProfile", instance_profile_name="ip", tags={"Team": "red", "Stage": "dev"})
    call(world, "TagInstanceProfile", instance_profile_name="ip", tags={"team": "blue"})
    call(world, "UntagInstanceProfile", instance_profile_name="ip", tag_keys=["STAGE"])
    tags = call(world, "ListInstanceProfileTags", instance_profile_name="ip").tags
    assert [(tag.key, tag.value) for tag in tags] == [("team", "blue")]


def test_handing_a_role_to_a_profile_asks_to_pass_it_to_ec2():
    world = with_role()
    add = request("AddRoleToInstanceProfile", instance_profile_name="ip", role_name="r")
    adding, passing = world.asks(ROWS["AddRoleToInstanceProfile"], add)
    assert (adding.action, adding.resource) == (
        "iam:AddRoleToInstanceProfile",
        f"arn:aws:iam::{ACCOUNT}:instance-profile/ip",
    )
    assert (passing.action, passing.resource) == ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/r")
    assert passing.context == {"iam:passedtoservice": "ec2.amazonaws.com"}


def test_taking_it_out_does_not():
    world = with_role()
    assert asked(world, "RemoveRoleFromInstanceProfile", instance_profile_name="ip", role_name="r") == [
        ("iam:RemoveRoleFromInstanceProfile", f"arn:aws:iam::{ACCOUNT}:instance-profile/ip")
    ]


def test_create_asks_about_tagging_when_it_tags():
    about = f"arn:aws:iam::{ACCOUNT}:instance-profile/x/ip"
    assert asked(World(), "CreateInstanceProfile", instance_profile_name="ip", path="/x/", tags={"a": "b"}) == [
        ("iam:CreateInstanceProfile", about),
        ("iam:TagInstanceProfile", about),
    ]


def test_t02_a_role_of_the_same_name_in_another_account_is_another_role():
    """Attack T02: a profile takes the role of its own account, and is seen from there alone."""
    world = with_role()
    world.account(OTHER_ACCOUNT, "other")
    world.role("r", account=OTHER_ACCOUNT)
    theirs = world.root(OTHER_ACCOUNT)
    assert names(call(world, "ListInstanceProfilesForRole", caller=theirs, role_name="r")) == []
    assert names(call(world, "ListInstanceProfiles", caller=theirs)) == []
    call(world, "CreateInstanceProfile", caller=theirs, instance_profile_name="ip")
    call(world, "DeleteInstanceProfile", caller=theirs, instance_profile_name="ip")
    assert names(call(world, "ListInstanceProfiles")) == ["ip"]
