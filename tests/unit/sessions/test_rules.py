from datetime import timedelta

import pytest

from tabard.faults import ConstraintViolated, InvalidParameterValue, MalformedPolicy, PackedPolicyTooLarge
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy
from tabard.sessions.rules import (
    federation_token_duration,
    require_attachable,
    role_session_duration,
    session_policies,
    session_tags,
    session_token_duration,
    source_identity,
)

HOUR = timedelta(hours=1)
POLICY = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}'
ARN = "arn:aws:iam::111122223333:policy/readers"


def test_a_role_session_lasts_an_hour_unless_asked_otherwise():
    assert role_session_duration(None, role_maximum=12 * HOUR, chained=True) == HOUR
    assert role_session_duration(HOUR / 4, role_maximum=HOUR, chained=False) == HOUR / 4


def test_the_roles_maximum_is_named_before_the_chains():
    with pytest.raises(ConstraintViolated) as caught:
        role_session_duration(5 * HOUR, role_maximum=4 * HOUR, chained=True)
    assert caught.value.public == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    with pytest.raises(ConstraintViolated) as caught:
        role_session_duration(4 * HOUR, role_maximum=4 * HOUR, chained=True)
    assert caught.value.public == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )


@pytest.mark.parametrize("duration", [session_token_duration, federation_token_duration])
def test_a_users_session_lasts_12_hours_by_default_and_roots_never_more_than_one(duration):
    assert duration(None, is_root=False) == 12 * HOUR
    assert duration(36 * HOUR, is_root=False) == 36 * HOUR
    assert duration(None, is_root=True) == HOUR
    assert duration(36 * HOUR, is_root=True) == HOUR
    assert duration(HOUR / 4, is_root=True) == HOUR / 4


def test_tags_keep_their_spelling_and_transitive_keys_take_the_tags():
    tags, transitive = session_tags([("Team", "red"), ("Cost", "1")], ["TEAM", "team"], inherited={})
    assert tags == {"Team": "red", "Cost": "1"}
    assert transitive == ("Team",)


def test_inherited_tags_stay_and_stay_transitive():
    tags, transitive = session_tags([("Team", "red")], ["Team"], inherited={"Department": "HR"})
    assert tags == {"Department": "HR", "Team": "red"}
    assert transitive == ("Department", "Team")


@pytest.mark.parametrize(
    ("requested", "transitive", "inherited", "reason", "text"),
    [
        ([("a", "1"), ("A", "2")], [], {}, "duplicate",
         "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
        ([("a", "1"), ("a", "1")], [], {}, "duplicate",
         "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
        ([("AWS:x", "1")], [], {}, "reserved", "Tag keys that begin with 'aws:' are reserved for AWS use."),
        ([("a", "1")], ["b"], {}, "transitive", "The specified transitive tag key must be included in the requested tags."),
        ([], ["b"], {"b": "1"}, "transitive", "The specified transitive tag key must be included in the requested tags."),
        ([("B", "2")], [], {"b": "1"}, "inherited",
         ("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
          "calling session.")),
        ([(f"k{n}", "") for n in range(50)], [], {"b": "1"}, "too-many",
         "A session has at most 50 tags, inherited ones included."),
    ],
)  # fmt: skip
def test_tags_that_cannot_be(requested, transitive, inherited, reason, text):
    with pytest.raises(InvalidParameterValue) as caught:
        session_tags(requested, transitive, inherited=inherited)
    assert caught.value.reason == f"session.tags.{reason}"
    assert caught.value.public == text


def test_fifty_tags_are_not_too_many():
    assert len(session_tags([(f"k{n}", "") for n in range(49)], [], inherited={"b": "1"})[0]) == 50


def test_a_source_identity_once_set_holds():
    assert source_identity(None, inherited=None) is None
    assert source_identity("alice", inherited=None) == "alice"
    assert source_identity("alice", inherited="alice") == "alice"
    with pytest.raises(ConstraintViolated) as caught:
        source_identity("bob", inherited="alice")
    assert caught.value.public == "The source identity is already set for this assume role session"


def test_session_policies_are_the_inline_one_and_the_managed_ones():
    managed = (ARN, parse_policy(POLICY, Kind.MANAGED))
    assert session_policies(None, ()) is None
    assert session_policies(POLICY, (ARN,)) == parse_policy(POLICY, Kind.SESSION)
    require_attachable((ARN,), (managed,))


def test_an_inline_policy_and_arns_have_2048_characters_together():
    policy = POLICY.ljust(2048)
    session_policies(policy, ())
    with pytest.raises(PackedPolicyTooLarge) as caught:
        session_policies(policy, (ARN,))
    assert caught.value.public == "Packed policy consumes 102% of allotted space"
    assert caught.value.reason == "session.policies.too-large"


def test_session_policies_that_cannot_be():
    with pytest.raises(MalformedPolicy):
        session_policies("{", ())
    with pytest.raises(InvalidParameterValue) as unknown:
        require_attachable((ARN,), ())
    assert unknown.value.reason == "session.policies.unknown"
    with pytest.raises(ConstraintViolated) as many:
        session_policies(None, (ARN,) * 11)
    assert many.value.reason == "session.policies.too-many"
