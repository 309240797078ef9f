"""Attacks on the policy engine, by the row of the attack list that each belongs to (P01 to P18).

Every attack stands beside a control: the same thing done honestly, which must work, so that a refusal proves
something.
"""

import json

import pytest

from tabard.faults import MalformedPolicy
from tabard.names.tags import fold
from tabard.policy.compile import PolicySet
from tabard.policy.conditions import compile_condition
from tabard.policy.context import context_of
from tabard.policy.decide import DENY_ON_ERROR, AccessRequest, Layers, Outcome, decide
from tabard.policy.document import ConditionBlock, Kind
from tabard.policy.parse import parse_policy
from tabard.policy.pattern import glob, tokens_of
from tabard.policy.principal import ANONYMOUS
from tests.fuse import fuse
from tests.unit.policy.vectors import compiled, context, principals

PEOPLE = principals()
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
BUCKET = "arn:aws:s3:::b"


def document(**statement):
    return {"Version": "2012-10-17", "Statement": {**ALL, **statement}}


def ask(policy, *, action="s3:GetObject", resource=BUCKET, keys=None, who="user", kind=Kind.INLINE):
    """The decision of one identity policy."""
    return decide(
        request(action=action, resource=resource, keys=keys, who=who), Layers(identity=compiled(policy, kind))
    )


def request(*, action="s3:GetObject", resource=BUCKET, keys=None, who="user"):
    account = PEOPLE["user"].account
    return AccessRequest(
        principal=PEOPLE[who], action=action, resource=resource, resource_account=account, context=context(keys or {})
    )


def holds(operator, values, keys):
    return compile_condition(ConditionBlock(operator=operator, key="k", values=tuple(values)), variables=True)(
        context_of(keys.items())
    )


def refusal(text, kind=Kind.MANAGED):
    with pytest.raises(MalformedPolicy) as caught:
        parse_policy(text if isinstance(text, str) else json.dumps(text), kind)
    return caught.value.reason


# ── P01 ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Action": "S3:GETOBJECT"}, True),
        ({"Resource": "arn:aws:s3:::B"}, False),
        ({"Resource": BUCKET}, True),
        ({"Condition": {"StringEquals": {"AWS:PRINCIPALTAG/TEAM": "Blue"}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalTag/Team": "blue"}}}, False),
        ({"Condition": {"StringEqualsIgnoreCase": {"aws:PrincipalTag/Team": "blue"}}}, True),
    ],
)
def test_p01_case_counts_where_it_should(statement, allowed):
    assert ask(document(**statement), keys={"aws:PrincipalTag/Team": "Blue"}).allowed is allowed


# ── P02 ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "pattern",
    [
        "a*" * 1000 + "b",
        "*a" * 20 + "b",
        "*a?" * 20 + "b",
        "*" + "a?" * 500 + "b*",
        "*?" * 1000 + "b",
        "?" * 2047 + "b",
    ],
)
def test_p02_no_pattern_takes_long(pattern):
    matches = glob(tokens_of(pattern))
    with fuse():
        assert not matches("a" * 2048)


def test_p02_control_twenty_stars_still_match():
    assert glob(tokens_of("*a" * 20 + "*"))("ba" * 1024)


# ── P03, P04, P05 ────────────────────────────────────────────────────────────────────────────────────

HOME = document(Resource="arn:aws:s3:::b/${aws:PrincipalTag/t}/*")


@pytest.mark.parametrize("value", ["*", "?", "a*", "${*}", "${aws:username}"])
def test_p03_a_wildcard_in_a_value_is_a_character(value):
    keys = {"aws:PrincipalTag/t": value, "aws:username": "other"}
    assert not ask(HOME, resource="arn:aws:s3:::b/other/x", keys=keys).allowed
    assert not ask(HOME, resource="arn:aws:s3:::b/o/x", keys=keys).allowed
    assert ask(HOME, resource=f"arn:aws:s3:::b/{value}/x", keys=keys).allowed


def test_p03_control_a_plain_value_opens_its_own_folder():
    assert ask(HOME, resource="arn:aws:s3:::b/blue/x", keys={"aws:PrincipalTag/t": "blue"}).allowed


@pytest.mark.parametrize("like", ["StringLike", "ArnLike"])
def test_p03_a_wildcard_in_a_value_does_not_widen_a_condition(like):
    wanted = ["arn:aws:s3:::${aws:username}"]
    assert not holds(like, wanted, {"k": "arn:aws:s3:::anything", "aws:username": "*"})
    assert holds(like, wanted, {"k": "arn:aws:s3:::bob", "aws:username": "bob"})


@pytest.mark.parametrize(
    "variable",
    [
        "${aws:PrincipalTag/${aws:username}}",
        "${gone}",
        "${",
        "${}",
        "${aws:TagKeys}",
        "${x, y}",
        "${x, 'a'b'}",
        "${aws:username",
    ],
)
def test_p04_what_cannot_be_resolved_matches_nothing(variable):
    keys = {"aws:username": "bob", "aws:PrincipalTag/bob": "x", "aws:TagKeys": ["x"]}
    for resource in ("arn:aws:s3:::b/x", "arn:aws:s3:::b/", "arn:aws:s3:::b/bob", f"arn:aws:s3:::b/{variable}"):
        assert not ask(document(Resource=f"arn:aws:s3:::b/{variable}"), resource=resource, keys=keys).allowed
        denial = [ALL, {**ALL, "Effect": "Deny", "Resource": f"arn:aws:s3:::b/{variable}"}]
        assert ask({"Version": "2012-10-17", "Statement": denial}, resource=resource, keys=keys).allowed


def test_p04_control_a_default_and_a_2008_document():
    assert ask(document(Resource="arn:aws:s3:::b/${gone, 'x'}"), resource="arn:aws:s3:::b/x").allowed
    old = {**document(Resource="arn:aws:s3:::b/${aws:username}"), "Version": "2008-10-17"}
    assert not ask(old, resource="arn:aws:s3:::b/bob", keys={"aws:username": "bob"}).allowed


@pytest.mark.parametrize("value", ["../../other", "a/../../b", "x:y"])
def test_p05_a_value_cannot_climb_out_of_where_it_was_put(value):
    # A star crosses slashes, as in AWS; a value never leaves its place, and `..` is two dots.
    keys = {"aws:PrincipalTag/t": value}
    assert ask(HOME, resource=f"arn:aws:s3:::b/{value}/x", keys=keys).allowed
    assert not ask(HOME, resource="arn:aws:s3:::b/other/x", keys=keys).allowed


# ── P06 ──────────────────────────────────────────────────────────────────────────────────────────────


def test_p06_a_key_in_another_case_is_the_same_key_and_the_last_one_wins():
    # Whatever a request brings under a reserved name is overwritten: both spellings are one key.
    merged = context_of([("AWS:UserId", "forged"), ("aws:userid", "AIDAREAL")])
    assert merged == {"aws:userid": "AIDAREAL"}


# ── P07, P08 ─────────────────────────────────────────────────────────────────────────────────────────


def test_p07_for_all_values_holds_for_an_absent_key_unless_null_guards_it():
    bare = document(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "team"}})
    guarded = document(
        Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "team"}, "Null": {"aws:TagKeys": "false"}}
    )
    assert ask(bare).allowed
    assert not ask(guarded).allowed
    assert ask(guarded, keys={"aws:TagKeys": ["team"]}).allowed
    assert not ask(bare, keys={"aws:TagKeys": ["team", "admin"]}).allowed


def test_p07_for_any_value_does_not_hold_for_an_absent_key():
    policy = document(Condition={"ForAnyValue:StringNotEquals": {"aws:TagKeys": "team"}})
    assert not ask(policy).allowed
    assert ask(policy, keys={"aws:TagKeys": ["team", "other"]}).allowed


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("StringEquals", None, False),
        ("StringEquals", "", False),
        ("StringEqualsIfExists", None, True),
        ("StringEqualsIfExists", "", False),
        ("StringNotEquals", None, True),
        ("StringNotEquals", "", True),
        ("StringNotEqualsIfExists", None, True),
        ("StringNotEqualsIfExists", "a", False),
    ],
)
def test_p08_absent_and_empty_are_not_the_same(operator, value, expected):
    assert holds(operator, ["a"], {} if value is None else {"k": value}) is expected
    assert holds("Null", ["true"], {} if value is None else {"k": value}) is (value is None)


# ── P09, P10 ─────────────────────────────────────────────────────────────────────────────────────────

LOOK_ALIKES = ["\u212aey", "\uff4bey", "ke\u200dy", "\u202ekey", "k\u0435y", "key\u0301"]


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_p09_look_alikes_are_other_texts(text):
    assert fold(text) != "key"
    assert not holds("StringEqualsIgnoreCase", ["KEY"], {"k": text})
    assert not holds("StringEquals", ["e\u0301"], {"k": "\u00e9"})
    assert holds("StringEqualsIgnoreCase", ["KEY"], {"k": "key"})
    assert not ask(document(Action=f"s3:{text}"), action="s3:key").allowed
    assert ask(document(Action="s3:KEY"), action="s3:key").allowed


@pytest.mark.parametrize("written", ["\\u0000", "\\u001b", "\\n", "\x7f", "\\u007f"])
def test_p10_control_characters_are_refused_wherever_they_stand(written):
    for place in ('"Sid":"%s"', '"Condition":{"StringEquals":{"k":"%s"}}', '"Condition":{"StringEquals":{"%s":"v"}}'):
        text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*",' + place + "}}"
        assert refusal(text % written) == "policy.json.character"
        parse_policy(text % "fine", Kind.MANAGED)


# ── P11, P12 ─────────────────────────────────────────────────────────────────────────────────────────

GOOD = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"a:b","Resource":"*"}}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace('"Effect":"Deny"', '"Effect":"Deny","Effect":"Allow"'), "duplicate-key"),
        (GOOD.replace('"*"', "NaN"), "constant"),
        (GOOD.replace('"*"', "1" * 100_000), "number"),
        (GOOD.replace("a:b", "a:\\ud800"), "character"),
        ("\ufeff" + GOOD, "syntax"),
        (GOOD + GOOD, "syntax"),
        ("[" * 100_000, "depth"),
        ('{"a":' * 20_000, "depth"),
        ('"' + '\\"' * 65_000, "syntax"),
        ("{" * 20 + '"' + '\\"' * 60_000 + "{", "syntax"),
        (GOOD + " " * 1_000_000, "size"),
        ("/* */" + GOOD, "syntax"),
    ],
)
def test_p11_json_that_two_readers_could_read_differently_is_refused_quickly(text, reason):
    with fuse():
        assert refusal(text) == f"policy.json.{reason}"
    parse_policy(GOOD, Kind.MANAGED)


def test_p11_many_statements_stay_within_bounds():
    statement = '{"Effect":"Allow","Action":"a:b","Resource":"*"}'
    text = '{"Version":"2012-10-17","Statement":[' + ",".join([statement] * 2_600) + "]}"
    with fuse():
        policies = compiled(text, Kind.MANAGED)
        assert len(decide(request(action="a:b"), Layers(identity=policies)).matches) == 2_600


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"NotAction": "a:b"}, "policy.syntax.both"),
        ({"NotResource": "*"}, "policy.syntax.both"),
        ({"Principal": "*", "NotPrincipal": "*"}, "policy.syntax.both"),
        ({"Extra": 1}, "policy.syntax.unknown-element"),
        ({"Effect": "allow"}, "policy.legacy.effect"),
        ({"Action": 5}, "policy.syntax.type"),
        ({"Action": []}, "policy.action.missing"),
    ],
)
def test_p12_a_statement_that_says_two_things_or_none_is_refused(change, reason):
    assert refusal(document(**change)) == reason
    parse_policy(json.dumps(document()), Kind.MANAGED)


# ── P13 ──────────────────────────────────────────────────────────────────────────────────────────────


def resource_decision(statement, who, *, account="111122223333"):
    asked = AccessRequest(
        principal=ANONYMOUS if who == "anonymous" else PEOPLE[who],
        action="s3:GetObject",
        resource=BUCKET,
        resource_account=account,
        context={},
    )
    return decide(asked, Layers(resource=compiled({"Statement": {**ALL, **statement}}, Kind.RESOURCE)))


def test_p13_an_account_principal_grants_nothing_by_itself():
    account = {"Principal": {"AWS": "111122223333"}}
    assert not resource_decision(account, "user").allowed
    assert not resource_decision(account, "session").allowed
    assert resource_decision({"Principal": {"AWS": PEOPLE["user"].arn}}, "user").allowed


def test_p13_everyone_under_a_condition_is_still_held_to_the_condition():
    guarded = {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}}
    assert not resource_decision(guarded, "anonymous").allowed
    assert resource_decision({"Principal": "*"}, "anonymous").allowed


def test_p13_a_negative_element_leaves_out_only_what_it_names():
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}
    assert not ask(policy, action="iam:CreateUser").allowed
    assert ask(policy, action="s3:GetObject").allowed


# ── P14, P15 ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("block", "address", "expected"),
    [
        ("0.0.0.0/0", "192.0.2.1", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "010.1.2.3", False),
        ("10.0.0.0/8", "10.1.2.3%eth0", False),
        ("fe80::/10", "fe80::1%1", False),
        ("fe80::/10", "fe80::1", True),
        ("10.1.2.3/8", "10.200.0.1", True),
        ("10.0.0.0/8", "167837953", False),
        ("10.0.0.0/8", "10.1", False),
    ],
)
def test_p14_addresses_are_read_strictly(block, address, expected):
    assert holds("IpAddress", [block], {"k": address}) is expected


@pytest.mark.parametrize("address", ["010.1.2.3", "fe80::1%1", "10.1", "", "x"])
def test_p14_an_unreadable_address_does_not_pass_for_a_foreign_one(address):
    assert not holds("NotIpAddress", ["10.0.0.0/8"], {"k": address})
    assert holds("NotIpAddress", ["10.0.0.0/8"], {"k": "192.0.2.1"})


@pytest.mark.parametrize("value", ["1e99999", "9" * 5000, "NaN", "sNaN", "Infinity", "-", "1e", "\u0661"])
def test_p15_a_number_out_of_bounds_matches_nothing(value):
    for operator in ("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThan"):
        assert not holds(operator, ["5"], {"k": value})
    assert holds("NumericEquals", ["5"], {"k": "5.0"})


@pytest.mark.parametrize(
    "value", ["2026-12-31T23:59:60Z", "9" * 30, "10000000000-01-01", "2026-13-01", "2026-02-29", "T"]
)
def test_p15_a_date_out_of_bounds_matches_nothing(value):
    for operator in ("DateEquals", "DateNotEquals", "DateLessThan", "DateGreaterThan"):
        assert not holds(operator, ["2026-11-24"], {"k": value})
    assert holds("DateGreaterThan", ["2026-11-24"], {"k": "1796256000"})


# ── P16 ──────────────────────────────────────────────────────────────────────────────────────────────


class BrokenContext(dict):
    """A context whose keys fail when they are read."""

    def get(self, key, default=None):
        raise RuntimeError(f"cannot read {key}")


def test_p16_a_statement_that_cannot_be_evaluated_denies_the_request():
    policies = compiled(
        {
            "Version": "2012-10-17",
            "Statement": [ALL, {**ALL, "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}],
        }
    )
    control = request(keys={"aws:SecureTransport": "true"})
    assert decide(control, Layers(identity=policies)).allowed
    broken = AccessRequest(
        principal=control.principal,
        action=control.action,
        resource=control.resource,
        resource_account=control.resource_account,
        context=BrokenContext(),
    )
    decision = decide(broken, Layers(identity=policies))
    assert (decision.outcome, decision.allowed) == (DENY_ON_ERROR, False)
    assert decision.outcome is Outcome.EXPLICIT_DENY
    assert decision.error == "RuntimeError: cannot read aws:securetransport"


# ── P17 ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::111122223333:role/a*",
        "arn:aws:iam::*:root",
        "arn:aws:iam::111122223333:*",
        "arn:aws:iam::111122223333:user/b?b",
        "arn:aws:sts::111122223333:assumed-role/auditor/*",
        "11112222333*",
    ],
)
def test_p17_a_principal_with_a_wildcard_inside_is_refused(principal):
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}
    assert refusal({"Version": "2012-10-17", "Statement": statement}, Kind.TRUST) == "policy.principal.form"
    statement["Principal"] = {"AWS": "arn:aws:iam::111122223333:role/a"}
    parse_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}), Kind.TRUST)


@pytest.mark.parametrize("name", ["user/team/bo", "user/team/bobby", "user/bob", "user/team/Bob", "role/team/bob"])
def test_p17_a_name_is_matched_whole(name):
    assert not resource_decision({"Principal": {"AWS": f"arn:aws:iam::111122223333:{name}"}}, "user").allowed
    assert resource_decision({"Principal": {"AWS": "arn:aws:iam::111122223333:user/team/bob"}}, "user").allowed


# ── P18 ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["user", "session", "federated-user", "anonymous", "service", "web"])
@pytest.mark.parametrize("identity", [None, PolicySet(())])
def test_p18_no_policies_are_no_permission(who, identity):
    asked = request(who=who)
    assert decide(asked, Layers(identity=identity)).outcome is Outcome.IMPLICIT_DENY


def test_p18_control_a_policy_is_a_permission():
    assert ask(document()).allowed
