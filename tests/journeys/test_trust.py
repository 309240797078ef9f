"""AssumeRole: who may take a role, under which conditions, with what; the answers word for word."""

from datetime import UTC, datetime, timedelta
from hashlib import shake_128
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.journeys.conftest import Keys, allow, document, trust
from tests.journeys.tenant import Someone, Tenant, bare, denied, new_name, refused

ALL_THREE = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
ASSUME = "sts:AssumeRole"
TEAM = [{"Key": "Team", "Value": "blue"}]


@pytest.fixture
def plain(home: Tenant) -> Someone:
    """A user without any permission."""
    return home.user(name="plain")


@pytest.fixture
def trusted(home: Tenant) -> Someone:
    """A user who may take whatever trusts the account."""
    return home.user(allow(ALL_THREE), name="trusted")


def refusal(at: Tenant, keys: Keys, role_arn: str, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        at.session(role_arn, keys, **parameters)
    error = caught.value.response["Error"]
    return error["Code"], bare(error["Message"])


# ── whom a role trusts ───────────────────────────────────────────────────────────────────────────────


def test_a_role_that_names_the_user_needs_nothing_else_in_the_same_account(home: Tenant, plain: Someone) -> None:
    for principal in (plain.arn, "*", [home.account, plain.arn]):
        assert home.session(home.role(trust({"AWS": principal})), plain.keys)


def test_a_role_that_names_the_account_leaves_it_to_the_account(home: Tenant, plain: Someone, trusted: Someone) -> None:
    for principal in (home.account, f"arn:aws:iam::{home.account}:root"):
        role = home.role(trust({"AWS": principal}))
        assert home.session(role, trusted.keys)
        assert refusal(home, plain.keys, role) == ("AccessDenied", denied(plain.arn, ASSUME, role))


def test_permission_alone_takes_no_role(home: Tenant, trusted: Someone, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}))

    assert refusal(home, trusted.keys, role) == ("AccessDenied", denied(trusted.arn, ASSUME, role))


def test_t03_from_another_account_both_sides_must_allow(home: Tenant, abroad: Tenant) -> None:
    may, may_not = abroad.user(allow(ASSUME)), abroad.user()
    for named in (may.arn, abroad.account, "*"):
        role = home.role(trust({"AWS": named}))
        assert home.session(role, may.keys)
        assert refusal(home, may_not.keys, role) == ("AccessDenied", denied(may_not.arn, ASSUME, role))
    named_itself = home.role(trust({"AWS": may_not.arn}))
    assert refusal(home, may_not.keys, named_itself)[0] == "AccessDenied"
    at_home_only = home.role(trust({"AWS": home.account}))
    assert refusal(home, may.keys, at_home_only) == ("AccessDenied", denied(may.arn, ASSUME, at_home_only))


def test_an_explicit_denial_wins_wherever_it_stands(home: Tenant) -> None:
    denying = home.user({"Effect": "Deny", "Action": ASSUME, "Resource": "*"})
    role = home.role(trust({"AWS": denying.arn}))
    assert refusal(home, denying.keys, role) == ("AccessDenied", denied(denying.arn, ASSUME, role))

    user = home.user(allow(ASSUME))
    both = home.role(
        document(
            {"Effect": "Allow", "Principal": {"AWS": home.account}, "Action": ASSUME},
            {"Effect": "Deny", "Principal": {"AWS": user.arn}, "Action": ASSUME},
        )
    )
    assert refusal(home, user.keys, both) == ("AccessDenied", denied(user.arn, ASSUME, both))


def test_a_boundary_limits_what_the_account_was_left_with(home: Tenant) -> None:
    fenced = home.user(allow(ASSUME), PermissionsBoundary=home.policy(allow("iam:ListUsers")))

    assert refusal(home, fenced.keys, home.role(trust({"AWS": home.account})))[0] == "AccessDenied"
    assert home.session(home.role(trust({"AWS": fenced.arn})), fenced.keys)


def test_root_may_take_no_role(abroad: Tenant) -> None:
    role = abroad.role(trust({"AWS": abroad.account}))
    root_session = Keys.of(abroad.sts.get_session_token()["Credentials"])

    for keys in (abroad.keys, root_session):
        assert refusal(abroad, keys, role) == ("AccessDenied", "Roles may not be assumed by root accounts.")


def test_a_role_as_principal_lets_all_its_sessions_in(home: Tenant, plain: Someone) -> None:
    first = home.role(trust({"AWS": plain.arn}), Path="/eu/")
    second = home.role(trust({"AWS": first}))
    one = home.session(first, plain.keys, RoleSessionName="one")

    assert home.session(second, one)
    assert home.session(second, home.session(first, plain.keys, RoleSessionName="two"))
    assert refusal(home, plain.keys, second) == ("AccessDenied", denied(plain.arn, ASSUME, second))


def test_a_session_as_principal_lets_that_session_in_and_no_other(home: Tenant, plain: Someone) -> None:
    first = home.role(trust({"AWS": plain.arn}))
    name = first.rsplit("/", 1)[-1]
    only = f"arn:aws:sts::{home.account}:assumed-role/{name}/only"
    second = home.role(trust({"AWS": only}))

    assert home.session(second, home.session(first, plain.keys, RoleSessionName="only"))
    other = home.session(first, plain.keys, RoleSessionName="other")
    caller = f"arn:aws:sts::{home.account}:assumed-role/{name}/other"
    assert refusal(home, other, second) == ("AccessDenied", denied(caller, ASSUME, second))


def test_a_role_takes_itself_only_where_it_says_so(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}), allow(ASSUME))
    session = home.session(role, plain.keys)
    assert refusal(home, session, role)[0] == "AccessDenied"

    home.iam.update_assume_role_policy(
        RoleName=role.rsplit("/", 1)[-1], PolicyDocument=trust({"AWS": [plain.arn, role]})
    )

    assert home.session(role, session)


def test_k07_a_user_made_again_under_its_name_is_not_trusted(home: Tenant) -> None:
    user = home.user(name="phoenix")
    role = home.role(trust({"AWS": user.arn}))
    assert home.session(role, user.keys)

    home.iam.delete_access_key(UserName=user.name, AccessKeyId=user.keys.access_key_id)
    home.iam.delete_user(UserName=user.name)
    home.iam.create_user(UserName=user.name)
    again = Keys.of(home.iam.create_access_key(UserName=user.name)["AccessKey"])

    assert refusal(home, again, role) == ("AccessDenied", denied(user.arn, ASSUME, role))
    shown = home.iam.get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": user.id}


def test_a_user_that_is_renamed_or_moved_is_still_trusted(home: Tenant) -> None:
    user = home.user(name="before")
    role = home.role(trust({"AWS": user.arn}))
    new = new_name("after")
    home.iam.update_user(UserName=user.name, NewUserName=new, NewPath="/moved/")

    assert home.session(role, user.keys)
    shown = home.iam.get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{home.account}:user/moved/{new}"}


def test_k07_whoever_takes_over_the_name_of_a_renamed_user_is_not_trusted(home: Tenant) -> None:
    user = home.user(name="first")
    role = home.role(trust({"AWS": user.arn}))
    home.iam.update_user(UserName=user.name, NewUserName=new_name("gone"))
    home.iam.create_user(UserName=user.name)
    impostor = Keys.of(home.iam.create_access_key(UserName=user.name)["AccessKey"])

    assert refusal(home, impostor, role) == ("AccessDenied", denied(user.arn, ASSUME, role))
    assert home.session(role, user.keys)


def test_a_bare_unique_id_names_its_user_and_no_other_text_does(home: Tenant, plain: Someone) -> None:
    assert home.session(home.role(trust({"AWS": plain.id})), plain.keys)
    with refused("MalformedPolicyDocument", status=400):
        home.role(trust({"AWS": plain.arn + "x"}))


# ── nothing is told of roles ─────────────────────────────────────────────────────────────────────────


def test_k18_an_unknown_role_and_an_untrusting_one_are_refused_in_the_same_bytes(
    home: Tenant, abroad: Tenant, trusted: Someone, plain: Someone
) -> None:
    known = home.role(trust({"AWS": plain.arn}))
    foreign = abroad.role(trust({"AWS": abroad.account}))
    for parameters in (
        {},
        {"Tags": TEAM},
        {"SourceIdentity": "ana"},
        {"ExternalId": "42"},
        {"DurationSeconds": 43200},
        {"PolicyArns": [{"arn": f"arn:aws:iam::{home.account}:policy/never"}]},
    ):
        texts = set()
        for arn in (
            known,
            known[:-1] + "x",
            foreign,
            f"arn:aws:iam::{abroad.account}:role/never",
            "arn:aws:iam::999999999999:role/never",
            "arn:aws-cn" + known.removeprefix("arn:aws"),
            known.replace(":role/", ":role/path/"),
            known.upper().replace("ARN:AWS:IAM", "arn:aws:iam").replace("ROLE/", "role/"),
        ):
            code, message = refusal(home, trusted.keys, arn, **parameters)
            texts.add((code, message.replace(arn, "…")))
        assert len(texts) == 1, texts
        assert {code for code, _ in texts} == {"AccessDenied"}


def test_k18_malformed_arns(home: Tenant, trusted: Someone) -> None:
    for arn in ("nothing-valid-in-here", "arn::b:::something/test-role", "arn:a:a::aaaaaaaaaa:"):
        assert refusal(home, trusted.keys, arn) == ("ValidationError", f"{arn} is invalid")
    odd = "arn:a:b:::x/y/well-beyond-20"
    assert refusal(home, trusted.keys, odd) == ("AccessDenied", denied(trusted.arn, ASSUME, odd))
    for kind in ("user/ana", "saml-provider/corp", "policy/x", "root"):
        arn = f"arn:aws:iam::{home.account}:{kind}"
        assert refusal(home, trusted.keys, arn) == ("ValidationError", "Request ARN is invalid")
    code, message = refusal(home, trusted.keys, "short")
    assert code == "ValidationError"
    assert message == (
        "1 validation error detected: Value 'short' at 'roleArn' failed to satisfy constraint: "
        "Member must have length greater than or equal to 20"
    )


# ── conditions ───────────────────────────────────────────────────────────────────────────────────────


def test_k17_an_external_id_is_asked_for_and_any_other_answer_is_the_same_refusal(home: Tenant, abroad: Tenant) -> None:
    service = abroad.user(allow(ASSUME))
    role = home.role(trust({"AWS": abroad.account}, Condition={"StringEquals": {"sts:ExternalId": "tenant-42"}}))

    assert home.session(role, service.keys, ExternalId="tenant-42")
    expected = ("AccessDenied", denied(service.arn, ASSUME, role))
    for wrong in ({}, {"ExternalId": "tenant-43"}, {"ExternalId": "TENANT-42"}):
        assert refusal(home, service.keys, role, **wrong) == expected
    for no_id in ("", "4", "x" * 1225, "tenant 42", "tenant-*"):
        assert refusal(home, service.keys, role, ExternalId=no_id)[0] == "ValidationError"
    assert home.session(home.role(trust({"AWS": abroad.account})), service.keys, ExternalId="nobody-asked")


def test_a_session_name_may_have_to_be_the_users_own(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}, Condition={"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}))

    assert home.session(role, plain.keys, RoleSessionName=plain.name)
    assert refusal(home, plain.keys, role, RoleSessionName="someone") == (
        "AccessDenied",
        denied(plain.arn, ASSUME, role),
    )


def test_tags_may_be_asked_for_and_limited(home: Tenant, plain: Someone) -> None:
    role = home.role(
        trust(
            {"AWS": plain.arn},
            ["sts:AssumeRole", "sts:TagSession"],
            Condition={
                "StringLike": {"aws:RequestTag/Team": ["blue", "green"]},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Cost"]},
                "ForAllValues:StringLike": {"sts:TransitiveTagKeys": "Team"},
            },
        )
    )
    cost = {"Key": "Cost", "Value": "1"}

    assert home.session(role, plain.keys, Tags=TEAM)
    assert home.session(role, plain.keys, Tags=[*TEAM, cost], TransitiveTagKeys=["Team"])
    for parameters in (
        {},
        {"Tags": [{"Key": "Team", "Value": "red"}]},
        {"Tags": [*TEAM, {"Key": "Other", "Value": ""}]},
        {"Tags": [*TEAM, cost], "TransitiveTagKeys": ["Team", "Cost"]},
    ):
        assert refusal(home, plain.keys, role, **parameters) == ("AccessDenied", denied(plain.arn, ASSUME, role))


def test_a_session_with_certain_tags_only_may_be_let_in(home: Tenant) -> None:
    user = home.user(Tags=TEAM)
    blue = home.role(trust({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    same = home.role(
        trust({"AWS": "*"}, Condition={"StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"}}),
        Tags=TEAM,
    )
    assert home.session(blue, user.keys)
    assert home.session(same, user.keys)

    home.iam.tag_user(UserName=user.name, Tags=[{"Key": "Team", "Value": "red"}])

    for role in (blue, same):
        assert refusal(home, user.keys, role)[0] == "AccessDenied"


def test_tags_without_the_permission_to_pass_them_name_that_permission(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}))

    assert refusal(home, plain.keys, role, Tags=TEAM) == ("AccessDenied", denied(plain.arn, "sts:TagSession", role))


def test_inherited_tags_need_the_permission_too(home: Tenant, plain: Someone) -> None:
    first = home.role(trust({"AWS": plain.arn}, ["sts:AssumeRole", "sts:TagSession"]))
    second = home.role(trust({"AWS": first}))
    session = home.session(first, plain.keys, RoleSessionName="s-1", Tags=TEAM, TransitiveTagKeys=["Team"])

    caller = f"arn:aws:sts::{home.account}:assumed-role/{first.rsplit('/', 1)[-1]}/s-1"
    assert refusal(home, session, second) == ("AccessDenied", denied(caller, "sts:TagSession", second))
    not_passed_on = home.session(first, plain.keys, Tags=TEAM)
    assert home.session(second, not_passed_on)


def test_a_source_identity_without_the_permission_names_that_permission_even_when_inherited(
    home: Tenant, plain: Someone
) -> None:
    first = home.role(trust({"AWS": plain.arn}, ALL_THREE))
    second = home.role(trust({"AWS": [first, plain.arn]}))
    expected = denied(plain.arn, "sts:SetSourceIdentity", second)
    assert refusal(home, plain.keys, second, SourceIdentity="ana") == ("AccessDenied", expected)

    session = home.session(first, plain.keys, RoleSessionName="s-1", SourceIdentity="ana")

    caller = f"arn:aws:sts::{home.account}:assumed-role/{first.rsplit('/', 1)[-1]}/s-1"
    assert refusal(home, session, second) == ("AccessDenied", denied(caller, "sts:SetSourceIdentity", second))


def test_a_source_identity_asked_for_is_named_by_what_was_missing(home: Tenant, plain: Someone) -> None:
    """Observed of AWS: without one the role is named, with a wrong one the setting of it."""
    role = home.role(trust({"AWS": plain.arn}, ALL_THREE, Condition={"StringLike": {"sts:SourceIdentity": "ana*"}}))

    assert home.session(role, plain.keys, SourceIdentity="ana-1")
    assert refusal(home, plain.keys, role) == ("AccessDenied", denied(plain.arn, ASSUME, role))
    wrong = ("AccessDenied", denied(plain.arn, "sts:SetSourceIdentity", role))
    assert refusal(home, plain.keys, role, SourceIdentity="bo") == wrong


def test_k12_a_chain_keeps_its_source_identity(home: Tenant, plain: Someone) -> None:
    first = home.role(trust({"AWS": plain.arn}, ALL_THREE))
    second = home.role(trust({"AWS": first}, ALL_THREE), allow("iam:ListUsers", Condition=_source("ana")))
    session = home.session(first, plain.keys, SourceIdentity="ana")

    assert refusal(home, session, second, SourceIdentity="bo") == (
        "ValidationError",
        "The source identity is already set for this assume role session",
    )
    for parameters in ({}, {"SourceIdentity": "ana"}):
        assert home.client("iam", home.session(second, session, **parameters)).list_users()


def _source(name: str) -> dict[str, Any]:
    return {"StringEquals": {"aws:SourceIdentity": name}}


def test_a_source_identity_has_no_colon(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}, ALL_THREE))

    for name in ("aws:root", "a", "x y", "x" * 65):
        assert refusal(home, plain.keys, role, SourceIdentity=name)[0] == "ValidationError"
    assert home.session(role, plain.keys, SourceIdentity="ana@corp")


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"Bool": {"aws:SecureTransport": "true"}}),
        (
            {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
            {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        ),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, {"StringEquals": {"aws:RequestedRegion": "mars"}}),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, {"StringEquals": {"aws:PrincipalType": "AssumedRole"}}),
        ({"StringLike": {"aws:userid": "AIDA*"}}, {"StringLike": {"aws:userid": "AROA*:*"}}),
        ({"StringLike": {"aws:UserAgent": "Boto3/*"}}, {"StringLike": {"aws:UserAgent": "curl/*"}}),
        ({"Null": {"aws:TokenIssueTime": "true"}}, {"Null": {"aws:TokenIssueTime": "false"}}),
        (
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/plain-*"}},
            {"ArnLike": {"aws:PrincipalArn": "*:role/*"}},
        ),
    ],
)
def test_what_is_known_of_every_request_may_be_a_condition(
    home: Tenant, plain: Someone, holds: dict[str, Any], fails: dict[str, Any]
) -> None:
    assert home.session(home.role(trust({"AWS": plain.arn}, Condition=holds)), plain.keys)
    assert refusal(home, plain.keys, home.role(trust({"AWS": plain.arn}, Condition=fails)))[0] == "AccessDenied"


def test_t03_a_role_of_another_account_takes_one_here_within_its_own_limits(home: Tenant, abroad: Tenant) -> None:
    user = abroad.user(allow(ASSUME))
    first = abroad.role(trust({"AWS": user.arn}), allow(ASSUME))
    silent = abroad.role(trust({"AWS": user.arn}))
    here = home.role(trust({"AWS": [first, silent]}), allow("iam:ListUsers"))

    session = home.session(here, abroad.session(first, user.keys))
    assert home.client("sts", session).get_caller_identity()["Account"] == home.account
    for keys in (
        abroad.session(silent, user.keys),
        abroad.session(first, user.keys, Policy=document(allow("iam:*"))),
        user.keys,
    ):
        assert refusal(home, keys, here)[0] == "AccessDenied"


# ── durations ────────────────────────────────────────────────────────────────────────────────────────


def test_k13_durations(home: Tenant, plain: Someone) -> None:
    short = home.role(trust({"AWS": plain.arn}))
    long = home.role(trust({"AWS": plain.arn}), MaxSessionDuration=43200)
    sts = home.client("sts", plain.keys)

    for role, parameters, seconds in (
        (short, {}, 3600),
        (short, {"DurationSeconds": 900}, 900),
        (long, {}, 3600),
        (long, {"DurationSeconds": 43200}, 43200),
    ):
        begun = datetime.now(UTC)
        answer = sts.assume_role(RoleArn=role, RoleSessionName="s-1", **parameters)
        lasts = answer["Credentials"]["Expiration"] - begun
        assert timedelta(seconds=seconds - 1) <= lasts <= timedelta(seconds=seconds + 2)
    assert refusal(home, plain.keys, short, DurationSeconds=3601) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    for seconds, word in ((899, "greater than or equal to 900"), (43201, "less than or equal to 43200")):
        text = (
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value {word}"
        )
        assert refusal(home, plain.keys, long, DurationSeconds=seconds) == ("ValidationError", text)


def test_k11_a_chain_lasts_an_hour_and_the_roles_own_maximum_is_told_first(home: Tenant, plain: Someone) -> None:
    first = home.role(trust({"AWS": plain.arn}))
    long = home.role(trust({"AWS": first}), MaxSessionDuration=43200)
    short = home.role(trust({"AWS": first}))
    session = home.session(first, plain.keys)

    assert home.session(long, session, DurationSeconds=3600)
    assert refusal(home, session, long, DurationSeconds=3601)[1] == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )
    assert refusal(home, session, short, DurationSeconds=3601)[1] == (
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    )


def test_the_session_of_a_user_is_no_chain(home: Tenant, plain: Someone) -> None:
    long = home.role(trust({"AWS": plain.arn}), MaxSessionDuration=43200)
    session = Keys.of(home.client("sts", plain.keys).get_session_token()["Credentials"])

    assert home.session(long, session, DurationSeconds=43200)


# ── tags, names, session policies ────────────────────────────────────────────────────────────────────


def test_k12_tag_texts(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}, ["sts:AssumeRole", "sts:TagSession"]))
    second = home.role(trust({"AWS": role}, ["sts:AssumeRole", "sts:TagSession"]))
    session = home.session(role, plain.keys, Tags=TEAM, TransitiveTagKeys=["team"])

    duplicate = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
    missing = "The specified transitive tag key must be included in the requested tags."
    conflict = (
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
        "from the calling session."
    )
    for keys, arn, parameters, text in (
        (plain.keys, role, {"Tags": [*TEAM, {"Key": "TEAM", "Value": "x"}]}, duplicate),
        (plain.keys, role, {"Tags": TEAM, "TransitiveTagKeys": ["Cost"]}, missing),
        (session, second, {"Tags": [{"Key": "tEAM", "Value": "red"}]}, conflict),
    ):
        assert refusal(home, keys, arn, **parameters) == ("InvalidParameterValue", text)
    assert refusal(home, plain.keys, role, Tags=[{"Key": "AWS:x", "Value": "1"}])[0] == "InvalidParameterValue"
    for tags in (
        [{"Key": "", "Value": "1"}],
        [{"Key": "k" * 129, "Value": "1"}],
        [{"Key": "k", "Value": "v" * 257}],
        [{"Key": "k;", "Value": "1"}],
        [{"Key": f"k{number}", "Value": "1"} for number in range(51)],
    ):
        assert refusal(home, plain.keys, role, Tags=tags)[0] == "ValidationError"


@pytest.mark.parametrize(
    "name", ["botocore-session-1700000000", "aws-go-sdk-1700000000000000000", "GitHubActions", "ab", "x" * 64]
)
def test_the_names_that_sdks_make_up_are_names(home: Tenant, name: str) -> None:
    role = home.role(trust({"AWS": home.account}))

    assert home.sts.assume_role(RoleArn=role, RoleSessionName=name)["AssumedRoleUser"]["Arn"].endswith(f"/{name}")


def test_session_names_that_are_none(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}))

    text = (
        "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    )
    assert refusal(home, plain.keys, role, RoleSessionName="Session1:2") == ("ValidationError", text)
    for name in ("", "a", "x" * 65, "a b", "a/b", "ü-name", "a\n"):
        assert refusal(home, plain.keys, role, RoleSessionName=name)[0] == "ValidationError"


def test_session_policies_that_cannot_be(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}))
    cases: list[tuple[dict[str, Any], str, str | None]] = [
        ({"Policy": "{"}, "MalformedPolicyDocument", None),
        ({"Policy": "[]"}, "MalformedPolicyDocument", None),
        (
            {"Policy": document({**allow("s3:*"), "Principal": "*"})},
            "MalformedPolicyDocument",
            "Policy document should not specify a principal.",
        ),
        ({"Policy": document(allow("s3:*", "arn:aws:s3:::" + "b" * 2048))}, "PackedPolicyTooLarge", None),
        (
            {"PolicyArns": [{"arn": f"arn:aws:iam::{home.account}:policy/never"}]},
            "InvalidParameterValue",
            f"Policy arn:aws:iam::{home.account}:policy/never does not exist or is not attachable.",
        ),
        ({"PolicyArns": [{"arn": home.policy(allow("s3:*"))}] * 11}, "ValidationError", None),
    ]
    for parameters, code, text in cases:
        answer = refusal(home, plain.keys, role, **parameters)
        assert answer[0] == code
        assert text in (None, answer[1])


def test_managed_session_policies_narrow_and_those_of_aws_are_among_them(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}), allow(["iam:ListUsers", "iam:CreateGroup"]))
    own = home.policy(allow("iam:CreateGroup"))

    reader = home.session(role, plain.keys, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}])
    maker = home.session(role, plain.keys, PolicyArns=[{"arn": own}])

    assert home.client("iam", reader).list_users()
    assert home.client("iam", maker).create_group(GroupName=new_name("group"))
    for iam, call in (
        (home.client("iam", reader), lambda iam: iam.create_group(GroupName=new_name("group"))),
        (home.client("iam", maker), lambda iam: iam.list_users()),
    ):
        with refused("AccessDenied", status=403):
            call(iam)


# ── the size of tokens ───────────────────────────────────────────────────────────────────────────────


def test_a_plain_session_says_nothing_of_packing_and_its_token_is_short(home: Tenant, plain: Someone) -> None:
    answer = home.client("sts", plain.keys).assume_role(
        RoleArn=home.role(trust({"AWS": plain.arn})), RoleSessionName="s-1"
    )

    assert "PackedPolicySize" not in answer
    assert "SourceIdentity" not in answer
    size = len(answer["Credentials"]["SessionToken"])
    assert answer["SessionTokenSize"] == size < 500
    assert answer["SessionTokenUtilization"] == -(-size * 100 // 4096)


def test_a_typical_token_is_under_1500_characters(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}, ALL_THREE))
    answer = home.client("sts", plain.keys).assume_role(
        RoleArn=role,
        RoleSessionName="ana.maria@corp.example.com",
        Tags=[{"Key": key, "Value": value} for key, value in _TYPICAL_TAGS.items()],
        TransitiveTagKeys=["Department"],
        SourceIdentity="ana.maria@corp.example.com",
        Policy=document(allow(["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"])),
    )

    assert len(answer["Credentials"]["SessionToken"]) < 1500
    assert answer["PackedPolicySize"] == answer["SessionTokenUtilization"] < 37


_TYPICAL_TAGS = {"Department": "Human Resources", "CostCenter": "12345", "Project": "Automation", "Team": "blue"}


def test_k14_a_maximal_token_stays_under_4096_and_more_is_refused(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}, ALL_THREE))
    tags = [{"Key": f"Key-{number:02}" + "k" * 122, "Value": "v" * 256} for number in range(50)]
    filler = "".join(chr(0x21 + (number * 7919) % 89) for number in range(1850)).replace('"', "").replace("\\", "")
    answer = home.client("sts", plain.keys).assume_role(
        RoleArn=role,
        RoleSessionName="s" * 64,
        SourceIdentity="i" * 64,
        Tags=tags,
        TransitiveTagKeys=[tag["Key"] for tag in tags],
        Policy=document({**allow("s3:*"), "Condition": {"StringEquals": {"aws:UserAgent": filler[:1800]}}}),
    )
    token = answer["Credentials"]["SessionToken"]
    assert len(token) <= 4096
    assert answer["PackedPolicySize"] <= 100
    assert home.client("sts", Keys.of(answer["Credentials"])).get_caller_identity()

    noise = [{"Key": f"k{number}", "Value": shake_128(b"%d" % number).hexdigest(128)} for number in range(50)]
    code, message = refusal(home, plain.keys, role, Tags=noise)
    assert code == "PackedPolicyTooLarge"
    assert message.startswith("Packed size of session tags consumes ")
    assert message.endswith("% of allotted space.")


def test_a_minimum_size_is_padded_to_and_the_session_works(home: Tenant, plain: Someone) -> None:
    role = home.role(trust({"AWS": plain.arn}))
    sts = home.client("sts", plain.keys)

    for minimum in (0, 1000, 4096):
        answer = sts.assume_role(RoleArn=role, RoleSessionName="s-1", MinimumSessionTokenSize=minimum)
        assert minimum <= answer["SessionTokenSize"] == len(answer["Credentials"]["SessionToken"]) <= 4096
        assert home.client("sts", Keys.of(answer["Credentials"])).get_caller_identity()
    with refused("ValidationError", status=400):
        sts.assume_role(RoleArn=role, RoleSessionName="s-1", MinimumSessionTokenSize=4097)
