import json

import pytest

from tabard.directory.entities import OrganizationPolicyType
from tabard.directory.organizations import AWS_POLICIES, FULL_ACCESS, content_size, parse_content, policy_of
from tabard.faults import MalformedPolicy
from tabard.names import ids
from tests.worlds import CountingEntropy

SCP, RCP = OrganizationPolicyType


def test_the_policies_that_aws_brings_can_be_read_and_allow_everything() -> None:
    for policy in AWS_POLICIES.values():
        (statement,) = policy_of(policy).statements
        assert (statement.effect, statement.actions, statement.resources) == ("Allow", ("*",), ("*",))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no JSON", "policy.json.syntax"),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow"}]}', "policy.json.duplicate-key"),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"a:b"}]}', "policy.resource.missing"),
        (FULL_ACCESS.content.replace('"Action"', '"Principal":"*","Action"'), "policy.principal.prohibited"),
    ],
)
def test_a_refusal_has_the_one_text_of_organizations_and_a_reason_of_its_own(content: str, reason: str) -> None:
    with pytest.raises(MalformedPolicy) as refused:
        parse_content(content, SCP)
    assert refused.value.public == (
        "The provided policy document does not meet the requirements of the specified policy type."
    )
    assert refused.value.reason == reason


def test_a_document_is_of_one_type_only() -> None:
    guard = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
        }
    )
    assert parse_content(guard, RCP).statements
    with pytest.raises(MalformedPolicy):
        parse_content(guard, SCP)
    with pytest.raises(MalformedPolicy):
        parse_content(FULL_ACCESS.content, RCP)


def test_white_space_outside_strings_does_not_count() -> None:
    assert content_size('{ "a":\n\t"b c" }') == content_size('{"a":"b c"}')


def test_ids_are_ten_characters_after_their_prefix_and_differ() -> None:
    entropy = CountingEntropy()
    made = {ids.organization_id("p-", entropy=entropy(ids.ORGANIZATION_ENTROPY)) for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(each) == 12 and each[2:].isalnum() and each == each.lower() for each in made)
