from tabard.policy.compile import NOTHING, REMEMBERED_ACTIONS, compile_policies
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy

from .vectors import compiled


def allow(resource, effect="Allow", action="s3:GetObject"):
    return {"Effect": effect, "Action": action, "Resource": resource}


def test_only_statements_that_could_cover_the_resource_are_looked_at():
    statements = [allow(f"arn:aws:s3:::bucket-{i}/*") for i in range(100)]
    policies = compiled({"Version": "2012-10-17", "Statement": statements})
    found = policies.candidates("s3:GetObject", "arn:aws:s3:::bucket-7/key")
    assert [each.statement.index for each in found] == [7]
    assert policies.candidates("s3:GetObject", "arn:aws:s3:::other/key") == ()
    assert policies.candidates("s3:PutObject", "arn:aws:s3:::bucket-7/key") == ()


def test_beginnings_within_beginnings_are_all_found_denials_first():
    resources = ["*", "arn:aws:s3:::b*", "arn:aws:s3:::bu*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::c*"]
    statements = [allow(resource) for resource in resources] + [allow("arn:aws:s3:::bu*", "Deny")]
    policies = compiled({"Version": "2012-10-17", "Statement": statements})
    found = policies.candidates("s3:GetObject", "arn:aws:s3:::bucket/key")
    assert [each.statement.index for each in found] == [5, 0, 1, 2, 3]
    assert [each.denies for each in found] == [True, False, False, False, False]


def test_a_statement_with_several_fitting_resources_is_looked_at_once():
    statements = [allow(["arn:aws:s3:::a*", "arn:aws:s3:::ab*", "arn:aws:s3:::abc"])] * 5
    policies = compiled({"Version": "2012-10-17", "Statement": statements})
    assert len(policies.candidates("s3:GetObject", "arn:aws:s3:::abc")) == 5


def test_made_up_actions_do_not_fill_the_memory():
    policies = compiled({"Version": "2012-10-17", "Statement": allow("*", action="*")})
    for number in range(REMEMBERED_ACTIONS * 2):
        assert len(policies.candidates(f"s3:Made{number}Up", "*")) == 1
    assert len(policies._shelves) == REMEMBERED_ACTIONS


def test_statements_keep_the_name_of_their_policy():
    policy = parse_policy('{"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": "*"}}', Kind.INLINE)
    policies = compile_policies([("one", policy), ("two", policy)])
    assert [each.policy for each in policies.candidates("a:b", "*")] == ["one", "two"]
    assert NOTHING.candidates("a:b", "*") == ()
