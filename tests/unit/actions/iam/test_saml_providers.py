from datetime import UTC, datetime

import pytest

from tabard.faults import LimitExceeded
from tests.saml import key_descriptor, metadata, pem, rsa_key
from tests.unit.actions.iam.calls import asked, call, every_page, play_refusal, present, refusals, request
from tests.worlds import ACCOUNT, NOW, World, refused

ARN = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
KEY = pem(rsa_key())


def created(**parameters) -> World:
    world = World()
    call(world, "CreateSAMLProvider", name="idp", **parameters)
    return world


def got(world: World):
    return call(world, "GetSAMLProvider", saml_provider_arn=ARN)


def update(world: World, **parameters) -> None:
    call(world, "UpdateSAMLProvider", saml_provider_arn=ARN, **parameters)


@pytest.mark.parametrize("case", refusals("saml_providers"))
def test_refusals(case):
    play_refusal(World(), case)


def test_a_provider_is_made_and_answers_its_arn():
    answer = call(World(), "CreateSAMLProvider", name="idp")
    assert (answer.saml_provider_arn, answer.tags) == (ARN, None)
    tagged = call(World(), "CreateSAMLProvider", name="idp", tags={"a": "b"})
    assert [(tag.key, tag.value) for tag in tagged.tags] == [("a", "b")]


def test_get_answers_the_document_word_for_word_and_all_that_aws_tells():
    document = metadata(head='<?xml version="1.0"?>\n', after="<!-- kept -->")
    answer = got(created(saml_metadata_document=document))
    assert answer.saml_metadata_document == document
    assert answer.saml_provider_uuid.startswith("SAMLSP")
    assert len(answer.saml_provider_uuid) == 21
    assert (answer.create_date, answer.valid_until) == (NOW, NOW.replace(year=NOW.year + 100))
    assert (answer.tags, answer.assertion_encryption_mode, answer.private_key_list) == ((), "Allowed", ())


def test_a_century_from_a_leap_day():
    world = World()
    world.now = datetime(2000, 2, 29, tzinfo=UTC)
    call(world, "CreateSAMLProvider", name="idp")
    assert got(world).valid_until == datetime(2100, 3, 1, tzinfo=UTC)


def test_a_list_tells_arn_and_dates_and_no_document():
    world = World()
    for name in ("b", "A", *(f"n{n}" for n in range(25))):
        call(world, "CreateSAMLProvider", name=name)
    listed = call(world, "ListSAMLProviders").saml_provider_list
    assert [entry.arn.rpartition("/")[2] for entry in listed[:2]] == ["A", "b"]
    assert len(listed) == 27
    assert present(listed[0]) == {"arn", "valid_until", "create_date"}


def test_an_update_keeps_what_it_does_not_name():
    world = created(tags={"a": "b"})
    before = got(world)
    other = metadata(entity=' entityID="other"')
    update(world, saml_metadata_document=other)
    after = got(world)
    assert after.saml_metadata_document == other
    assert (after.saml_provider_uuid, after.create_date, after.tags) == (
        before.saml_provider_uuid,
        before.create_date,
        before.tags,
    )
    update(world)
    assert got(world) == after


def test_keys_are_added_named_by_their_ids_and_taken_away():
    world = created(add_private_key=KEY)
    (first,) = got(world).private_key_list
    assert first.timestamp == NOW
    assert len(first.key_id) == 22
    update(world, add_private_key=KEY)
    assert next(key.key_id for key in got(world).private_key_list) == first.key_id
    update(world, remove_private_key=first.key_id)
    assert first.key_id not in [key.key_id for key in got(world).private_key_list]


def test_two_keys_are_the_most_and_one_may_take_the_place_of_another_at_once():
    world = created(add_private_key=KEY)
    update(world, add_private_key=KEY)
    with refused(LimitExceeded, "Cannot exceed quota for PrivateKeysPerSAMLProvider: 2"):
        update(world, add_private_key=KEY)
    update(world, add_private_key=KEY, remove_private_key=got(world).private_key_list[0].key_id)
    assert len(got(world).private_key_list) == 2


def test_the_last_key_stays_while_encryption_is_required():
    world = created(add_private_key=KEY, assertion_encryption_mode="Required")
    (key,) = got(world).private_key_list
    with pytest.raises(Exception, match="needs a private key"):
        update(world, remove_private_key=key.key_id)
    update(world, remove_private_key=key.key_id, assertion_encryption_mode="Allowed")
    assert got(world).private_key_list == ()


def test_a_private_key_is_sealed_for_its_provider_and_id_and_for_no_other():
    world = created(add_private_key=KEY)
    with world.store.read() as records:
        provider = records.saml_providers.get(ARN)
    (key,) = provider.private_keys
    assert world.secrets.open(f"{ARN}/{key.id}", key.sealed_pem) == KEY.encode()
    for row in (ARN, key.id, f"{ARN}x/{key.id}"):
        with pytest.raises(ValueError, match="another row"):
            world.secrets.open(row, key.sealed_pem)


def test_a03_a_private_key_is_in_no_answer_and_no_repr():
    """Attack A03: what is logged by accident is a repr."""
    world = created(add_private_key=KEY)
    body = KEY.splitlines()[1]
    sent = (
        request("CreateSAMLProvider", name="idp", add_private_key=KEY),
        request("UpdateSAMLProvider", saml_provider_arn=ARN, add_private_key=KEY),
    )
    assert body not in repr((sent, got(world), call(world, "ListSAMLProviders")))


def test_a_provider_that_is_deleted_is_gone_and_its_name_is_free():
    world = created(add_private_key=KEY)
    before = got(world).saml_provider_uuid
    call(world, "DeleteSAMLProvider", saml_provider_arn=ARN)
    assert call(world, "ListSAMLProviders").saml_provider_list == ()
    call(world, "CreateSAMLProvider", name="IDP", saml_metadata_document=metadata(keys=[key_descriptor(use=None)]))
    (entry,) = call(world, "ListSAMLProviders").saml_provider_list
    assert entry.arn == f"arn:aws:iam::{ACCOUNT}:saml-provider/IDP"
    assert call(world, "GetSAMLProvider", saml_provider_arn=entry.arn).saml_provider_uuid != before


def test_tags_are_set_taken_away_and_paged():
    world = created(tags={"b": "1"})
    call(world, "TagSAMLProvider", saml_provider_arn=ARN, tags={"a": "2", "b": "3"})
    pages = every_page(world, "ListSAMLProviderTags", max_items=1, saml_provider_arn=ARN)
    assert [(tag.key, tag.value) for page in pages for tag in page.tags] == [("a", "2"), ("b", "3")]
    call(world, "UntagSAMLProvider", saml_provider_arn=ARN, tag_keys=["B", "never"])
    assert [tag.key for tag in got(world).tags] == ["a"]


def test_questions():
    world = created(tags={"team": "red"})
    assert asked(world, "CreateSAMLProvider", name="new") == [
        ("iam:CreateSAMLProvider", f"arn:aws:iam::{ACCOUNT}:saml-provider/new")
    ]
    assert [action for action, _ in asked(world, "CreateSAMLProvider", name="new", tags={"a": "b"})] == [
        "iam:CreateSAMLProvider",
        "iam:TagSAMLProvider",
    ]
    assert asked(world, "ListSAMLProviders") == [("iam:ListSAMLProviders", f"arn:aws:iam::{ACCOUNT}:saml-provider/*")]
    assert asked(world, "DeleteSAMLProvider", saml_provider_arn=ARN) == [("iam:DeleteSAMLProvider", ARN)]
