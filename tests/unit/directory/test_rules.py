"""Paths, tags and sizes."""

import pytest

from tabard.directory.rules import inline_size, require_path, require_quota, tagged, tags_from, untagged
from tabard.faults import ConstraintViolated, InvalidInput, LimitExceeded
from tests.worlds import ALLOW_ALL, refused

FIFTY = {f"key-{number}": "" for number in range(50)}


@pytest.mark.parametrize("path", ["/", "/a/", "/a/b/", "/!~/", "/" + "a" * 510 + "/"])
def test_a_path_is_a_slash_or_stands_between_two(path):
    require_path(path)


@pytest.mark.parametrize("path", ["", "a", "/a", "a/", "//", "/ /", "/a/\n", "/\x7f/", "/é/", "/" + "a" * 511 + "/"])
def test_anything_else_is_no_path(path):
    with pytest.raises(ConstraintViolated) as caught:
        require_path(path)
    assert caught.value.reason == "path"


def test_fifty_tags_are_enough():
    assert tags_from(FIFTY.items()) == FIFTY
    assert tagged(FIFTY, {"KEY-0": "new"})["KEY-0"] == "new"
    with refused(LimitExceeded, "The number of tags has reached the maximum limit.", "quota.tags"):
        tags_from([*FIFTY.items(), ("one", "more")])
    with refused(LimitExceeded, "The number of tags has reached the maximum limit.", "quota.tags"):
        tagged(FIFTY, {"one": "more"})


def test_policies_have_a_text_of_their_own_for_duplicate_tags():
    with refused(InvalidInput, "Duplicate tag keys found.", "tags.duplicate"):
        tags_from([("a", ""), ("A", "")], duplicate="Duplicate tag keys found.")


def test_letters_that_only_unicode_folds_are_different_keys():
    assert tags_from([("k", "1"), ("\u212a", "2")]) == {"k": "1", "\u212a": "2"}


def test_taking_away_a_tag_that_is_not_there_is_no_error():
    assert untagged({"a": "b"}, ["c", "B"]) == {"a": "b"}


def test_white_space_outside_strings_does_not_count():
    assert inline_size([ALLOW_ALL, ALLOW_ALL.replace(",", " ,\n\t")]) == 2 * len(ALLOW_ALL)


def test_a_quota_may_be_used_up_but_not_exceeded():
    require_quota("PoliciesPerRole", 10, 10)
    with refused(LimitExceeded, "Cannot exceed quota for PoliciesPerRole: 10", "quota.PoliciesPerRole"):
        require_quota("PoliciesPerRole", 11, 10)
