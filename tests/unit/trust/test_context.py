from typing import Any

from tabard.trust.context import resource_tag_keys, role_session_keys, tag_request_keys


def keys(**given: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "role_session_name": "one",
        "requested_tags": {},
        "inherited_tags": {},
        "transitive_tag_keys": (),
        "source_identity": None,
        "external_id": None,
        "role_tags": {},
    }
    return role_session_keys(**{**nothing, **given})


def test_a_plain_request_has_its_session_name_and_no_other_key() -> None:
    """A key that is absent and one that is empty are not the same to a condition."""
    assert keys() == {"sts:rolesessionname": "one"}


def test_each_parameter_has_its_key() -> None:
    assert keys(
        requested_tags={"Team": "blue", "Cost": "1"},
        transitive_tag_keys=("Team",),
        source_identity="ana",
        external_id="tenant-42",
        role_tags={"Stage": "Prod"},
    ) == {
        "sts:rolesessionname": "one",
        "aws:requesttag/team": "blue",
        "aws:requesttag/cost": "1",
        "aws:tagkeys": ("Team", "Cost"),
        "sts:transitivetagkeys": ("Team",),
        "sts:sourceidentity": "ana",
        "sts:externalid": "tenant-42",
        "aws:resourcetag/stage": "Prod",
        "iam:resourcetag/stage": "Prod",
    }


def test_an_empty_external_id_is_still_one_that_was_given() -> None:
    assert keys(external_id="")["sts:externalid"] == ""


def test_inherited_tags_stand_in_for_the_roles_own_of_the_same_key_in_any_case() -> None:
    found = keys(role_tags={"Team": "red", "Stage": "Prod"}, inherited_tags={"TEAM": "blue"})

    assert found["aws:resourcetag/team"] == found["iam:resourcetag/team"] == "blue"
    assert found["aws:resourcetag/stage"] == "Prod"
    assert "aws:requesttag/team" not in found


def test_keys_are_folded_and_values_are_not() -> None:
    assert tag_request_keys({"Team": "Blue"}) == {"aws:requesttag/team": "Blue", "aws:tagkeys": ("Team",)}
    assert resource_tag_keys({"A/B": "C"}) == {"aws:resourcetag/a/b": "C", "iam:resourcetag/a/b": "C"}
    assert tag_request_keys({}) == {}


def test_k17_a_tag_key_stays_behind_its_prefix() -> None:
    for key in ("aws:SourceAccount", "/sts:ExternalId", "x", ""):
        found = tag_request_keys({key: "1"})
        assert all(name.startswith("aws:requesttag/") or name == "aws:tagkeys" for name in found)
