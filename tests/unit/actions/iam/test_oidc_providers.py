import pytest

from tests.unit.actions.iam.calls import asked, call, every_page, play_refusal, refusals
from tests.worlds import ACCOUNT, NOW, World

PREFIX = f"arn:aws:iam::{ACCOUNT}:oidc-provider/"
ARN = f"{PREFIX}idp.example.test"


def created(url: str = "https://idp.example.test", **parameters) -> World:
    world = World()
    call(world, "CreateOpenIDConnectProvider", url=url, **parameters)
    return world


def got(world: World, arn: str = ARN):
    return call(world, "GetOpenIDConnectProvider", open_id_connect_provider_arn=arn)


@pytest.mark.parametrize("case", refusals("oidc_providers"))
def test_refusals(case):
    play_refusal(World(), case)


@pytest.mark.parametrize(
    ("url", "known_as"),
    [
        ("https://idp.example.test", "idp.example.test"),
        ("https://IDP.Example.TEST/Realms/One", "idp.example.test/Realms/One"),
        ("https://tenant.auth0.test/", "tenant.auth0.test/"),
        ("https://localhost:8443/realms/x", "localhost:8443/realms/x"),
        ("https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF", "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF"),
        ("https://" + "a" * 247, "a" * 247),
    ],
)  # fmt: skip
def test_a_provider_is_known_by_its_url_without_the_scheme_and_the_host_in_lower_case(url, known_as):
    world = World()
    answer = call(world, "CreateOpenIDConnectProvider", url=url)
    assert (answer.open_id_connect_provider_arn, answer.tags) == (f"{PREFIX}{known_as}", None)
    assert got(world, answer.open_id_connect_provider_arn).url == known_as


def test_the_case_of_a_path_makes_another_provider():
    world = created("https://idp.example.test/a")
    call(world, "CreateOpenIDConnectProvider", url="https://idp.example.test/A")
    listed = call(world, "ListOpenIDConnectProviders").open_id_connect_provider_list
    assert [entry.arn for entry in listed] == [f"{ARN}/A", f"{ARN}/a"]


def test_get_answers_what_was_given_and_client_ids_once():
    world = created(client_id_list=["b", "a", "b"], thumbprint_list=["b" * 40] * 5, tags={"k": "v"})
    answer = got(world)
    assert answer.client_id_list == ("b", "a")
    assert answer.thumbprint_list == ("b" * 40,) * 5
    assert (answer.create_date, [(tag.key, tag.value) for tag in answer.tags]) == (NOW, [("k", "v")])


def test_thumbprints_need_not_be_given():
    answer = got(created())
    assert (answer.client_id_list, answer.thumbprint_list, answer.tags) == ((), (), ())


def test_client_ids_are_added_and_taken_away_as_often_as_one_likes():
    world = created(client_id_list=["a"])
    for _ in range(2):
        call(world, "AddClientIDToOpenIDConnectProvider", open_id_connect_provider_arn=ARN, client_id="b")
        assert got(world).client_id_list == ("a", "b")
    for _ in range(2):
        call(world, "RemoveClientIDFromOpenIDConnectProvider", open_id_connect_provider_arn=ARN, client_id="a")
        assert got(world).client_id_list == ("b",)


def test_thumbprints_are_replaced():
    world = created(thumbprint_list=["a" * 40])
    call(
        world,
        "UpdateOpenIDConnectProviderThumbprint",
        open_id_connect_provider_arn=ARN,
        thumbprint_list=["c" * 40, "d" * 40],
    )
    assert got(world).thumbprint_list == ("c" * 40, "d" * 40)


def test_a_provider_that_is_deleted_is_gone_and_may_be_made_again():
    world = created(client_id_list=["a"])
    call(world, "DeleteOpenIDConnectProvider", open_id_connect_provider_arn=ARN)
    assert call(world, "ListOpenIDConnectProviders").open_id_connect_provider_list == ()
    call(world, "CreateOpenIDConnectProvider", url="https://idp.example.test")
    assert got(world).client_id_list == ()


def test_tags_are_set_taken_away_and_paged():
    world = created(tags={"b": "1"})
    call(world, "TagOpenIDConnectProvider", open_id_connect_provider_arn=ARN, tags={"a": "2"})
    pages = every_page(world, "ListOpenIDConnectProviderTags", max_items=1, open_id_connect_provider_arn=ARN)
    assert [tag.key for page in pages for tag in page.tags] == ["a", "b"]
    call(world, "UntagOpenIDConnectProvider", open_id_connect_provider_arn=ARN, tag_keys=["b"])
    assert [tag.key for tag in got(world).tags] == ["a"]


def test_questions_name_the_provider_as_it_will_be_called():
    world = created(tags={"team": "red"})
    assert asked(world, "CreateOpenIDConnectProvider", url="https://NEW.test/A", tags={"a": "b"}) == [
        ("iam:CreateOpenIDConnectProvider", f"{PREFIX}new.test/A"),
        ("iam:TagOpenIDConnectProvider", f"{PREFIX}new.test/A"),
    ]
    assert asked(world, "CreateOpenIDConnectProvider", url="http://x?y") == [
        ("iam:CreateOpenIDConnectProvider", f"{PREFIX}http://x?y")
    ]
    assert asked(world, "ListOpenIDConnectProviders") == [("iam:ListOpenIDConnectProviders", f"{PREFIX}*")]
    assert asked(world, "AddClientIDToOpenIDConnectProvider", open_id_connect_provider_arn=ARN, client_id="c") == [
        ("iam:AddClientIDToOpenIDConnectProvider", ARN)
    ]
