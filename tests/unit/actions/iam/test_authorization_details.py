import pytest

from tests.unit.actions.iam.calls import asked, call, every_page, present
from tests.worlds import ALLOW_ALL, World, trust

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
LISTS = ("user_detail_list", "group_detail_list", "role_detail_list", "policies")


def furnished() -> World:
    """Two of everything, and of each one that is bare."""
    world = World()
    policy = world.policy("Own", description="d")
    call(world, "CreatePolicyVersion", policy_arn=policy.arn, policy_document=ALLOW_ALL)
    world.policy("unused")
    call(world, "CreateGroup", group_name="Devs")
    call(world, "CreateGroup", group_name="bare")
    call(world, "CreateUser", user_name="Ana", path="/eu/", tags={"k": "v"}, permissions_boundary=policy.arn)
    call(world, "CreateUser", user_name="bare")
    document = trust(world.main.id)
    call(world, "CreateRole", role_name="App", assume_role_policy_document=document, tags={"k": "v"})
    call(world, "CreateRole", role_name="bare", assume_role_policy_document=document)
    call(world, "AddUserToGroup", group_name="Devs", user_name="Ana")
    for kind, name in (("User", "Ana"), ("Group", "Devs"), ("Role", "App")):
        named = {f"{kind.lower()}_name": name}
        call(world, f"Put{kind}Policy", **named, policy_name="inline", policy_document=ALLOW_ALL)
        call(world, f"Attach{kind}Policy", **named, policy_arn=policy.arn)
    call(world, "AttachRolePolicy", role_name="App", policy_arn=ADMINISTRATOR)
    call(world, "CreateInstanceProfile", instance_profile_name="machine")
    call(world, "AddRoleToInstanceProfile", instance_profile_name="machine", role_name="App")
    return world


def details(world: World, *wanted: str):
    return call(world, "GetAccountAuthorizationDetails", filter=list(wanted))


def names(answer) -> dict[str, list[str]]:
    return {
        name: [detail.arn.rpartition("/")[2] for detail in getattr(answer, name)]
        for name in LISTS
        if getattr(answer, name)
    }


EVERYTHING = {
    "user_detail_list": ["Ana", "bare"],
    "group_detail_list": ["bare", "Devs"],
    "role_detail_list": ["App", "bare"],
    "policies": ["Own", "unused", "AdministratorAccess"],
}


def test_without_a_filter_everything_is_told():
    answer = call(furnished(), "GetAccountAuthorizationDetails")
    assert names(answer) == EVERYTHING
    assert (answer.is_truncated, answer.marker) == (False, None)
    assert names(details(furnished())) == EVERYTHING


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["User"], {"user_detail_list": ["Ana", "bare"]}),
        (["Group"], {"group_detail_list": ["bare", "Devs"]}),
        (["Role"], {"role_detail_list": ["App", "bare"]}),
        (["LocalManagedPolicy"], {"policies": ["Own", "unused"]}),
        (["AWSManagedPolicy"], {"policies": ["AdministratorAccess"]}),
        (["AWSManagedPolicy", "User"], {"user_detail_list": ["Ana", "bare"], "policies": ["AdministratorAccess"]}),
    ],
)
def test_a_filter_leaves_the_other_lists_empty(wanted, told):
    assert names(details(furnished(), *wanted)) == told


def test_a_user_with_all_that_belongs_to_it():
    ana, bare = details(furnished(), "User").user_detail_list
    assert (ana.path, ana.group_list) == ("/eu/", ("Devs",))
    assert [(policy.policy_name, policy.policy_document) for policy in ana.user_policy_list] == [("inline", ALLOW_ALL)]
    assert [policy.policy_name for policy in ana.attached_managed_policies] == ["Own"]
    assert ana.permissions_boundary.permissions_boundary_arn.endswith("policy/Own")
    assert [tag.key for tag in ana.tags] == ["k"]
    assert present(bare) == present(ana) - {"user_policy_list", "permissions_boundary"}
    assert (bare.group_list, bare.attached_managed_policies, bare.tags) == ((), (), ())


def test_a_group_with_all_that_belongs_to_it():
    bare, devs = details(furnished(), "Group").group_detail_list
    assert [policy.policy_name for policy in devs.group_policy_list] == ["inline"]
    assert [policy.policy_name for policy in devs.attached_managed_policies] == ["Own"]
    assert present(bare) == present(devs)


def test_a_role_with_all_that_belongs_to_it():
    app, bare = details(furnished(), "Role").role_detail_list
    assert [policy.policy_name for policy in app.attached_managed_policies] == ["AdministratorAccess", "Own"]
    (profile,) = app.instance_profile_list
    assert [role.role_name for role in profile.roles] == ["App"]
    assert profile.roles[0].max_session_duration is None
    assert (profile.tags, app.role_last_used.region) == (None, None)
    assert (bare.instance_profile_list, bare.role_policy_list, bare.tags) == ((), (), ())
    assert present(bare) == present(app)


def test_a_policy_has_all_its_versions_newest_first_with_their_documents():
    own, _, aws = details(furnished(), "LocalManagedPolicy", "AWSManagedPolicy").policies
    assert (own.attachment_count, own.permissions_boundary_usage_count, own.description) == (3, 1, "d")
    assert [(each.version_id, each.is_default_version) for each in own.policy_version_list] == [
        ("v2", False),
        ("v1", True),
    ]
    assert all(each.document for each in own.policy_version_list)
    assert (aws.attachment_count, aws.default_version_id) == (1, "v1")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 9])
def test_pages_hold_everything_exactly_once(size):
    pages = every_page(furnished(), "GetAccountAuthorizationDetails", max_items=size)
    told = {name: [found for page in pages for found in names(page).get(name, [])] for name in LISTS}
    assert told == EVERYTHING
    assert all(sum(len(getattr(page, name)) for name in LISTS) <= size for page in pages)


def test_pages_under_a_filter():
    pages = every_page(furnished(), "GetAccountAuthorizationDetails", max_items=1, filter=["Role", "Group"])
    assert [names(page) for page in pages] == [
        {"group_detail_list": ["bare"]},
        {"group_detail_list": ["Devs"]},
        {"role_detail_list": ["App"]},
        {"role_detail_list": ["bare"]},
    ]


def test_the_longest_marker_fits():
    world = World()
    for letter in "ab":
        world.policy(letter * 128)
    page = call(world, "GetAccountAuthorizationDetails", max_items=1)
    assert len(page.marker) <= 320


def test_the_question_has_no_resource():
    assert asked(World(), "GetAccountAuthorizationDetails") == [("iam:GetAccountAuthorizationDetails", "*")]
