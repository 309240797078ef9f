from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.directory.aws_managed import AWS_MANAGED
from tabard.faults import DeleteConflict, LimitExceeded, MalformedPolicy, NoSuchEntity
from tests.unit.actions.iam.calls import ROWS, asked, call, every_page, play_refusal, present, refusals, request
from tests.worlds import ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, World

ARN = f"arn:aws:iam::{ACCOUNT}:policy/p"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ALWAYS = {
    "policy_name",
    "policy_id",
    "arn",
    "path",
    "default_version_id",
    "attachment_count",
    "permissions_boundary_usage_count",
    "is_attachable",
    "create_date",
    "update_date",
}


def document(action: str) -> str:
    return f'{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}}}'


def names(answer) -> list[str]:
    return [policy.policy_name for policy in answer.policies]


@pytest.mark.parametrize("case", refusals("policies"))
def test_refusals(case):
    play_refusal(World(), case)


# ── what answers carry ───────────────────────────────────────────────────────────────────────────────


def test_create_answers_neither_description_nor_the_tags_that_nobody_gave():
    answer = call(World(), "CreatePolicy", policy_name="p", policy_document=ALLOW_ALL, description="text")
    assert present(answer.policy) == ALWAYS
    assert (answer.policy.arn, answer.policy.path, answer.policy.default_version_id) == (ARN, "/", "v1")
    assert (answer.policy.attachment_count, answer.policy.is_attachable) == (0, True)
    assert (answer.policy.create_date, answer.policy.update_date) == (NOW, NOW)
    assert answer.policy.policy_id.startswith("ANPA")


def test_create_answers_the_tags_that_were_given():
    answer = call(World(), "CreatePolicy", policy_name="p", policy_document=ALLOW_ALL, tags={"a": "b"})
    assert [(tag.key, tag.value) for tag in answer.policy.tags] == [("a", "b")]


def test_get_always_answers_tags_and_the_description_if_there_is_one():
    world = World()
    call(world, "CreatePolicy", policy_name="p", policy_document=ALLOW_ALL)
    call(world, "CreatePolicy", policy_name="q", policy_document=ALLOW_ALL, description="text", path="/a/b/")
    assert present(call(world, "GetPolicy", policy_arn=ARN).policy) == ALWAYS | {"tags"}
    other = call(world, "GetPolicy", policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/a/b/q").policy
    assert (other.description, other.tags, other.path) == ("text", (), "/a/b/")


def test_lists_answer_neither_tags_nor_description():
    world = World()
    call(world, "CreatePolicy", policy_name="p", policy_document=ALLOW_ALL, description="text", tags={"a": "b"})
    assert present(call(world, "ListPolicies", scope="Local").policies[0]) == ALWAYS


def test_the_document_is_kept_to_the_letter():
    world, text = World(), document("s3:Get*").replace(" ", "\n\t  ", 2)
    call(world, "CreatePolicy", policy_name="p", policy_document=text)
    assert call(world, "GetPolicyVersion", policy_arn=ARN, version_id="v1").policy_version.document == text


@pytest.mark.parametrize("text", ["", "{", "{}", '{"Version":"2008-10-17","Statement":[]}', "[]"])
def test_a_document_that_is_no_policy_is_refused_in_both_places(text):
    world = World()
    with pytest.raises(MalformedPolicy):
        call(world, "CreatePolicy", policy_name="p", policy_document=text)
    world.policy("p")
    with pytest.raises(MalformedPolicy):
        call(world, "CreatePolicyVersion", policy_arn=ARN, policy_document=text)


def test_white_space_outside_strings_does_not_count_toward_the_size():
    call(World(), "CreatePolicy", policy_name="p", policy_document=document("s3:*").replace(" ", " " * 2000))


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────


def test_all_lists_those_of_aws_and_then_the_own_by_name_without_regard_to_case_or_path():
    world = World()
    for name, path in (("b", "/"), ("C", "/z/"), ("a", "/y/")):
        world.policy(name, path=path)
    aws = [policy.name for policy in AWS_MANAGED.values()]
    assert names(call(world, "ListPolicies")) == [*aws, "a", "b", "C"]
    assert names(call(world, "ListPolicies", scope="All")) == [*aws, "a", "b", "C"]
    assert names(call(world, "ListPolicies", scope="AWS")) == aws
    assert names(call(world, "ListPolicies", scope="Local")) == ["a", "b", "C"]


def test_path_prefix_holds_for_both():
    world = World()
    world.policy("p", path="/x/")
    world.policy("q")
    assert names(call(world, "ListPolicies", path_prefix="/x/")) == ["p"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 100])
def test_pages_cover_all_exactly_once(size):
    world = World()
    for number in range(9):
        world.policy(f"Policy{number}")
    pages = every_page(world, "ListPolicies", max_items=size)
    listed = [name for page in pages for name in names(page)]
    assert listed == names(call(world, "ListPolicies"))
    assert [len(page.policies) for page in pages[:-1]] == [size] * (len(pages) - 1)


def test_pages_of_a_filtered_list_are_full():
    world = World()
    for number in range(10):
        policy = world.policy(f"p{number}")
        if number % 2:
            world.user(f"u{number}", attached_policies=(policy.arn,))
    pages = every_page(world, "ListPolicies", max_items=2, only_attached=True)
    assert [names(page) for page in pages] == [["p1", "p3"], ["p5", "p7"], ["p9"]]


def test_usage_filters():
    world = World()
    attached, bounding, both = world.policy("attached"), world.policy("bounding"), world.policy("both")
    world.policy("unused")
    world.user("u", attached_policies=(attached.arn, both.arn), permissions_boundary=both.arn)
    world.role("r", permissions_boundary=bounding.arn)

    def listed(**filters):
        return names(call(world, "ListPolicies", scope="Local", **filters))

    assert listed(policy_usage_filter="PermissionsBoundary") == ["both", "bounding"]
    assert listed(policy_usage_filter="PermissionsPolicy") == ["attached", "both", "unused"]
    assert listed(policy_usage_filter="PermissionsPolicy", only_attached=True) == ["attached", "both"]
    assert listed(only_attached=True) == ["attached", "both"]


def test_counts_tell_attachments_and_boundaries_apart():
    world = World()
    policy = world.policy("p")
    world.user("u", attached_policies=(policy.arn,), permissions_boundary=policy.arn)
    world.group("g", attached_policies=(policy.arn,))
    shape = call(world, "GetPolicy", policy_arn=policy.arn).policy
    assert (shape.attachment_count, shape.permissions_boundary_usage_count) == (2, 1)


# ── those of AWS ─────────────────────────────────────────────────────────────────────────────────────


def test_those_of_aws_are_read_like_any_other():
    world = World()
    world.user("u", attached_policies=(ADMINISTRATOR,))
    shape = call(world, "GetPolicy", policy_arn=ADMINISTRATOR).policy
    assert (shape.policy_name, shape.attachment_count, shape.tags) == ("AdministratorAccess", 1, ())
    assert (
        '"Action": "*"'
        in call(world, "GetPolicyVersion", policy_arn=ADMINISTRATOR, version_id="v1").policy_version.document
    )


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────


def versions(world: World) -> list[tuple[str, bool]]:
    return [(v.version_id, v.is_default_version) for v in call(world, "ListPolicyVersions", policy_arn=ARN).versions]


def test_versions_are_listed_newest_first_and_without_their_documents():
    world = World()
    world.policy("p")
    world.now = NOW + timedelta(minutes=1)
    created = call(world, "CreatePolicyVersion", policy_arn=ARN, policy_document=document("s3:*")).policy_version
    assert present(created) == {"version_id", "is_default_version", "create_date"}
    assert (created.version_id, created.is_default_version, created.create_date) == ("v2", False, world.now)
    assert versions(world) == [("v2", False), ("v1", True)]
    assert call(world, "GetPolicy", policy_arn=ARN).policy.update_date == world.now


def test_a_version_may_be_the_default_at_once_or_later():
    world = World()
    world.policy("p")
    call(world, "CreatePolicyVersion", policy_arn=ARN, policy_document=document("s3:*"), set_as_default=True)
    assert versions(world) == [("v2", True), ("v1", False)]
    call(world, "SetDefaultPolicyVersion", policy_arn=ARN, version_id="v1")
    assert versions(world) == [("v2", False), ("v1", True)]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_of_versions_keep_their_order_past_v9(size):
    world = World()
    world.policy("p")
    for number in range(2, 13):
        if number > 5:
            call(world, "DeletePolicyVersion", policy_arn=ARN, version_id=f"v{number - 4}")
        call(world, "CreatePolicyVersion", policy_arn=ARN, policy_document=document("s3:*"))
    pages = every_page(world, "ListPolicyVersions", policy_arn=ARN, max_items=size)
    assert [v.version_id for page in pages for v in page.versions] == ["v12", "v11", "v10", "v9", "v1"]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.booleans()),
        st.tuples(st.just("delete"), st.integers(1, 12)),
        st.tuples(st.just("default"), st.integers(1, 12)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_numbers_are_never_reused_at_most_five_stand_and_the_default_is_one_of_them(steps):
    world, given_out = World(), {"v1"}
    world.policy("p")
    for step, value in steps:
        version = f"v{value}"
        try:
            if step == "create":
                answer = call(
                    world, "CreatePolicyVersion", policy_arn=ARN, policy_document=ALLOW_ALL, set_as_default=value
                )
                assert answer.policy_version.version_id not in given_out
                given_out.add(answer.policy_version.version_id)
            elif step == "delete":
                call(world, "DeletePolicyVersion", policy_arn=ARN, version_id=version)
            else:
                call(world, "SetDefaultPolicyVersion", policy_arn=ARN, version_id=version)
        except (LimitExceeded, NoSuchEntity, DeleteConflict):
            pass
        standing = versions(world)
        assert 1 <= len(standing) <= 5
        assert sum(is_default for _, is_default in standing) == 1
        assert {name for name, _ in standing} <= given_out


# ── who uses it ──────────────────────────────────────────────────────────────────────────────────────


def used_world() -> World:
    world = World()
    arn = world.policy("p").arn
    world.user("u", attached_policies=(arn,), permissions_boundary=arn)
    world.user("v", path="/x/", permissions_boundary=arn)
    world.group("g", path="/x/", attached_policies=(arn,))
    world.role("r", attached_policies=(arn,))
    return world


def entities(world: World, **filters) -> list[str]:
    answer = call(world, "ListEntitiesForPolicy", policy_arn=ARN, **filters)
    return [
        *(user.user_name for user in answer.policy_users),
        *(group.group_name for group in answer.policy_groups),
        *(role.role_name for role in answer.policy_roles),
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["u", "v", "g", "r"]),
        ({"entity_filter": "User"}, ["u", "v"]),
        ({"entity_filter": "Group"}, ["g"]),
        ({"entity_filter": "Role"}, ["r"]),
        ({"entity_filter": "AWSManagedPolicy"}, []),
        ({"path_prefix": "/x/"}, ["v", "g"]),
        ({"policy_usage_filter": "PermissionsBoundary"}, ["u", "v"]),
        ({"policy_usage_filter": "PermissionsPolicy"}, ["u", "g", "r"]),
    ],
    ids=str,
)
def test_entities_of_a_policy(filters, expected):
    assert entities(used_world(), **filters) == expected


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_entities_cover_all_exactly_once(size):
    pages = every_page(used_world(), "ListEntitiesForPolicy", policy_arn=ARN, max_items=size)
    listed = [len(page.policy_users) + len(page.policy_groups) + len(page.policy_roles) for page in pages]
    assert sum(listed) == 4
    assert listed[:-1] == [size] * (len(listed) - 1)


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────


def test_tags_are_merged_without_regard_to_the_case_of_keys_and_taken_away_so():
    world = World()
    world.policy("p", tags={"Team": "red", "Stage": "dev"})
    call(world, "TagPolicy", policy_arn=ARN, tags={"team": "blue"})
    call(world, "UntagPolicy", policy_arn=ARN, tag_keys=["STAGE", "none"])
    tags = call(world, "ListPolicyTags", policy_arn=ARN)
    assert [(tag.key, tag.value) for tag in tags.tags] == [("team", "blue")]


# ── questions ────────────────────────────────────────────────────────────────────────────────────────


def test_create_asks_about_the_arn_to_be_and_about_tagging_when_it_tags():
    world = World()
    about = f"arn:aws:iam::{ACCOUNT}:policy/x/p"
    plain = {"policy_name": "p", "path": "/x/", "policy_document": ALLOW_ALL}
    assert asked(world, "CreatePolicy", **plain) == [("iam:CreatePolicy", about)]
    assert asked(world, "CreatePolicy", **plain, tags={"a": "b"}) == [
        ("iam:CreatePolicy", about),
        ("iam:TagPolicy", about),
    ]


def test_questions_carry_the_stored_tags_and_the_requested_ones():
    world = World()
    world.policy("p", tags={"Team": "red"})
    (ask,) = world.asks(ROWS["TagPolicy"], request("TagPolicy", policy_arn=ARN, tags={"Stage": "dev"}))
    assert ask.resource == ARN
    assert ask.context == {
        "aws:resourcetag/team": "red",
        "iam:resourcetag/team": "red",
        "aws:requesttag/stage": "dev",
        "aws:tagkeys": ("Stage",),
    }


def test_t01_questions_tell_nothing_about_another_accounts_policy():
    """Attack T01: the question is the same whether the other account has the policy or not."""
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    theirs = f"arn:aws:iam::{OTHER_ACCOUNT}:policy/p"
    before = world.asks(ROWS["GetPolicy"], request("GetPolicy", policy_arn=theirs))
    world.policy("p", account=OTHER_ACCOUNT, tags={"secret": "tag"})
    assert world.asks(ROWS["GetPolicy"], request("GetPolicy", policy_arn=theirs)) == before
    with pytest.raises(NoSuchEntity):
        call(world, "GetPolicy", policy_arn=theirs)
    assert call(world, "GetPolicy", caller=world.root(OTHER_ACCOUNT), policy_arn=theirs).policy.arn == theirs


def test_t02_the_same_name_in_two_accounts_is_two_policies():
    """Attack T02: names are looked up inside the caller's account alone."""
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    for account in (ACCOUNT, OTHER_ACCOUNT):
        call(world, "CreatePolicy", caller=world.root(account), policy_name="p", policy_document=ALLOW_ALL)
    call(world, "DeletePolicy", policy_arn=ARN)
    assert names(call(world, "ListPolicies", scope="Local")) == []
    assert names(call(world, "ListPolicies", caller=world.root(OTHER_ACCOUNT), scope="Local")) == ["p"]
