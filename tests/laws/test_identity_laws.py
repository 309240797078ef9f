"""Laws of users, groups and roles, for any names, tags and page sizes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.directory.rules import tagged, tags_from, untagged
from tabard.names.tags import duplicate_key, fold
from tests.unit.actions.iam.scripts import play
from tests.worlds import ACCOUNT, ALLOW_ALL, World

NAMES = st.text("abzABZ059_+=,.@-", min_size=1, max_size=64)
SETS_OF_NAMES = st.lists(NAMES, min_size=0, max_size=12, unique_by=fold)
PATHS = st.sampled_from(["/", "/a/", "/A/", "/a/b/", "/%/", "/_/", "/*/"])
TAG_KEYS = st.text("aAbB\u212a\u0130 .:/=+-@", min_size=1, max_size=6)
TAGS = st.dictionaries(TAG_KEYS, st.text(max_size=3), max_size=8)


def pages(world: World, operation: str, parameters: dict[str, Any]) -> Iterator[Any]:
    """All pages of a list, one after the other."""
    answer = play(world, operation, parameters)
    yield answer
    while answer.is_truncated:
        assert answer.marker is not None
        assert len(answer.marker) <= 320  # what the model lets a client send back
        answer = play(world, operation, {**parameters, "marker": answer.marker})
        yield answer
    assert answer.marker is None


@given(names=SETS_OF_NAMES, size=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_pages_of_users_cover_all_exactly_once_in_order(names, size):
    world = World()
    for name in names:
        world.user(name)
    found = list(pages(world, "ListUsers", {"max_items": size}))
    assert all(len(page.users) == size for page in found[:-1])
    assert [user.user_name for page in found for user in page.users] == sorted(names, key=fold)


@given(names=st.lists(st.text("aA._", min_size=100, max_size=128), max_size=6, unique=True), size=st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_pages_of_inline_policies_cover_all_exactly_once(names, size):
    world = World()
    world.role("app", inline_policies=dict.fromkeys(names, ALLOW_ALL))
    found = list(pages(world, "ListRolePolicies", {"role_name": "app", "max_items": size}))
    assert [name for page in found for name in page.policy_names] == sorted(names, key=lambda n: (fold(n), n))


@given(tags=TAGS.filter(lambda tags: duplicate_key(tags) is None), size=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_pages_of_tags_cover_all_exactly_once(tags, size):
    world = World()
    world.user("alice", tags=tags)
    found = list(pages(world, "ListUserTags", {"user_name": "alice", "max_items": size}))
    assert {tag.key: tag.value for page in found for tag in page.tags} == tags
    assert sum(len(page.tags) for page in found) == len(tags)


@given(old=NAMES, new=NAMES, path=PATHS, tags=TAGS)
@settings(max_examples=40, deadline=None)
def test_a_rename_changes_name_and_path_and_nothing_else(old, new, path, tags):
    world = World()
    user = world.user(old, tags=tags, inline_policies={"x": ALLOW_ALL})
    play(world, "UpdateUser", {"user_name": old, "new_user_name": new, "new_path": path})
    with world.store.read() as records:
        assert records.users.get(ACCOUNT, new) == replace(user, name=new, path=path)
        assert (records.users.get(ACCOUNT, old) is None) == (fold(old) != fold(new))


@given(stored=TAGS.filter(lambda tags: duplicate_key(tags) is None), sent=TAGS)
def test_tags_never_hold_two_keys_that_are_the_same_but_for_case(stored, sent):
    if duplicate_key(sent) is not None:
        return
    merged = tagged(stored, tags_from(sent.items()))
    assert duplicate_key(merged) is None
    assert sent.items() <= merged.items()
    assert untagged(merged, [key.swapcase() if key.isascii() else key for key in merged]) == {}
    assert untagged(merged, sent).items() <= stored.items()
