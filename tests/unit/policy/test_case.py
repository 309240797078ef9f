"""Cases: what is read, what is refused and where, what follows from a principal, and what an answer says."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.policy.cases import documents as documents_module
from tabard.policy.cases.answers import answer
from tabard.policy.cases.documents import Documents
from tabard.policy.cases.form import (
    MAXIMUM_CASE,
    MAXIMUM_POLICIES,
    UnreadableCase,
    case_of,
    labels,
    read_case,
    read_file,
)
from tabard.policy.cases.principals import UNKNOWN
from tabard.policy.principal import PrincipalKind

ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/team/bob"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/auditor"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/night"
GUEST = f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.example.com"
BUCKET = "arn:aws:s3:::b/k"


def document(effect="Allow", **elements):
    statement = {"Effect": effect, "Action": "*", "Resource": "*", **elements}
    return {
        "Version": "2012-10-17",
        "Statement": [{key: value for key, value in statement.items() if value is not None}],
    }


ALLOW = document()
DENY = document("Deny", Sid="Never")
BASE: dict[str, Any] = {"principal": USER, "action": "s3:GetObject", "resource": {"arn": BUCKET}}


def form(**members):
    return {key: value for key, value in {**BASE, **members}.items() if value is not ...}


def read(**members):
    return read_case(json.dumps(form(**members)))


def ask(*, lenient=False, **members):
    return answer(read(**members), Documents(lenient=lenient))[0]


def told(said):
    """The answer as programs see it."""
    return json.loads(msgspec.json.encode(said))


def schema(name):
    found = json.loads((files("tabard.policy") / "schemas" / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


CASE_SCHEMA, ANSWER_SCHEMA = schema("case"), schema("answer")


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────

VALID: dict[str, dict[str, Any]] = {
    "the least": {},
    "names": {"name": "n", "id": "7", "$schema": "urn:tabard:policy-case"},
    "a role": {"principal": ROLE},
    "a session": {"principal": SESSION},
    "a session of a role with a path": {"principal": {"arn": SESSION, "sessionIssuer": ROLE}},
    "an ARN in an object": {"principal": {"arn": USER}},
    "a federated user": {"principal": GUEST},
    "a federated user of a user": {"principal": {"arn": GUEST, "sessionIssuer": USER}},
    "a federated user of root": {"principal": {"arn": GUEST, "sessionIssuer": ROOT}},
    "root": {"principal": ROOT},
    "another partition": {"principal": "arn:aws-cn:iam::111122223333:user/bob"},
    "a service": {"principal": {"service": "ec2.amazonaws.com"}},
    "an identity": {"principal": {"federated": PROVIDER}},
    "nobody": {"principal": {"anonymous": True}},
    "no resource": {"resource": {"arn": "*"}},
    "an account": {"resource": {"arn": BUCKET, "account": "444455556666"}},
    "a context": {"context": {"aws:SourceIp": "192.0.2.1", "aws:TagKeys": ["a", ""], "k": "", "m": []}},
    "policies of every kind": {
        "identityPolicies": [ALLOW, {"name": "own", "policy": ALLOW}, {"policy": ALLOW}],
        "resourcePolicy": document(Principal="*"),
        "permissionsBoundaries": [ALLOW],
        "sessionPolicies": [ALLOW],
        "serviceControlPolicies": [[ALLOW], [{"name": "p", "policy": ALLOW}]],
        "resourceControlPolicies": [[], [document("Deny", Principal="*", Action="s3:PutObject")]],
        "endpointPolicies": [document(Principal="*")],
    },
    "no policies of any kind": {
        "identityPolicies": [],
        "resourcePolicy": None,
        "permissionsBoundaries": None,
        "sessionPolicies": [],
        "serviceControlPolicies": [],
        "resourceControlPolicies": None,
        "endpointPolicies": [],
    },
    "expected": {"expected": "allowed"},
    "expected by": {"expected": {"decision": "explicitDeny", "by": {"layer": "session policy", "sid": "x"}}},
}

INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "unknown member": ({"identityPolicy": []}, "`identityPolicy`, which is not known; is `identityPolicies` meant?"),
    "no principal": ({"principal": ...}, "the case has no `principal`"),
    "no action": ({"action": ...}, "the case has no `action`"),
    "no resource": ({"resource": ...}, "the case has no `resource`"),
    "resource as text": ({"resource": BUCKET}, "`resource` must be an object"),
    "resource without ARN": ({"resource": {"account": ACCOUNT}}, "`resource` has no `arn`"),
    "resource of no form": ({"resource": {"arn": "b/k"}}, "`resource.arn` `b/k` is neither an ARN nor `*`"),
    "short account": ({"resource": {"arn": "*", "account": "1"}}, "`resource.account` `1`"),
    "account as number": ({"resource": {"arn": "*", "account": 111122223333}}, "`resource.account` must be a text"),
    "unknown of resource": ({"resource": {"arn": "*", "acount": "1"}}, "is `account` meant?"),
    "action without service": ({"action": "GetObject"}, "`action` `GetObject` is no action"),
    "action pattern": ({"action": "s3:Get*"}, "`action` `s3:Get*` is no action"),
    "action empty": ({"action": ""}, "`action` must not be empty"),
    "principal as list": ({"principal": [USER]}, "`principal` must be an ARN or an object"),
    "principal of no form": ({"principal": "bob"}, "`bob` is no ARN of a user"),
    "a group": ({"principal": f"arn:aws:iam::{ACCOUNT}:group/g"}, "is no ARN of a user"),
    "two principals": ({"principal": {"service": "a", "anonymous": True}}, "`principal` must have one of"),
    "no principals": ({"principal": {}}, "`principal` must have one of"),
    "half anonymous": ({"principal": {"anonymous": False}}, "`principal.anonymous` must be `true`"),
    "anonymous in words": ({"principal": {"anonymous": "true"}}, "`principal.anonymous` must be `true`"),
    "empty service": ({"principal": {"service": ""}}, "`principal.service` must not be empty"),
    "unknown of principal": ({"principal": {"servcie": "a"}}, "is `service` meant?"),
    "context as list": ({"context": []}, "`context` must be an object"),
    "context number": ({"context": {"k": 5}}, '`context.k` must be a text or a list of texts; write `"5"`'),
    "context boolean": ({"context": {"aws:Via": True}}, 'write `"true"`'),
    "context object": ({"context": {"k": {}}}, "`context.k` must be a text or a list of texts"),
    "context null": ({"context": {"k": None}}, "`context.k` must be a text or a list of texts"),
    "context of lists": ({"context": {"k": [["a"]]}}, "`context.k[0]` must be a text"),
    "context without a name": ({"context": {"": "a"}}, "a key without a name"),
    "policies as object": ({"identityPolicies": ALLOW}, "`identityPolicies` must be a list of policies"),
    "policy as text": ({"identityPolicies": ["{}"]}, "`identityPolicies[0]` must be a policy document"),
    "resource policies": ({"resourcePolicy": [ALLOW]}, "`resourcePolicy` must be a policy document"),
    "levels flat": ({"serviceControlPolicies": [ALLOW]}, "`serviceControlPolicies[0]` must be a level"),
    "unknown beside a policy": ({"identityPolicies": [{"name": "a", "polcy": {}}]}, "is `policy` meant?"),
    "name without a policy": ({"identityPolicies": [{"name": "a"}]}, "`identityPolicies[0]` has no `policy`"),
    "name empty": ({"identityPolicies": [{"name": "", "policy": ALLOW}]}, "`identityPolicies[0].name` must not be"),
    "policy as a list": ({"identityPolicies": [{"policy": [ALLOW]}]}, "`identityPolicies[0].policy` must be an object"),
    "expected misspelt": ({"expected": "allow"}, "`expected.decision` must be one of `allowed`"),
    "expected by nobody": ({"expected": {"decision": "allowed", "by": {"who": "a"}}}, "a member `who`"),
    "expected by no layer": ({"expected": {"decision": "allowed", "by": {"layer": "scp"}}}, "`expected.by.layer` must"),
    "expected nothing": ({"expected": {}}, "`expected` has no `decision`"),
    "name as number": ({"name": 7}, "`name` must be a text"),
}


@pytest.mark.parametrize("members", VALID.values(), ids=VALID)
def test_what_has_the_form_is_read_decided_and_valid_by_the_schemas(members: dict[str, Any]) -> None:
    CASE_SCHEMA.validate(form(**members))
    ANSWER_SCHEMA.validate(told(ask(**members)))


@pytest.mark.parametrize(("members", "text"), INVALID.values(), ids=INVALID)
def test_what_has_not_is_refused_with_its_place_and_by_the_schema(members: dict[str, Any], text: str) -> None:
    assert not CASE_SCHEMA.is_valid(form(**members))
    with pytest.raises(UnreadableCase) as refusal:
        read(**members)
    assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"context": {"aws:sourceip": "a", "aws:SourceIp": "b"}}, 'context["aws:SourceIp"]` is there twice'),
        ({"principal": {"arn": SESSION, "sessionIssuer": f"{ROLE}s"}}, "`principal.sessionIssuer` cannot be"),
        ({"principal": {"arn": USER, "sessionIssuer": ROLE}}, "`principal.sessionIssuer` cannot be"),
        ({"principal": {"arn": GUEST, "sessionIssuer": ROLE}}, "`principal.sessionIssuer` cannot be"),
        ({"identityPolicies": [ALLOW] * (MAXIMUM_POLICIES + 1)}, "more than 1000 policies"),
        ({"serviceControlPolicies": [[]] * (MAXIMUM_POLICIES + 1)}, "more than 1000 policies"),
    ],
)
def test_what_a_schema_cannot_say_is_refused_too(members: dict[str, Any], text: str) -> None:
    CASE_SCHEMA.validate(form(**members))
    with pytest.raises(UnreadableCase) as refusal:
        read(**members)
    assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is not JSON"),
        ("[]", "the case must be an object"),
        ("null", "the case must be an object"),
        ("{} {}", "it is not JSON"),
        ('{"action": "a:b", "action": "a:c"}', "a member is there twice: `action`"),
        ('{"context": {"k": NaN}}', "it is not JSON"),
        ('{"context": {"k": ' + "9" * 65 + "}}", "a number in it is too long"),
        ('{"name": "\\ud800"}', "a control character or half of a character"),
        ('{"name": "\\u001b[31m"}', "a control character"),
        ("[" * 50 + "]" * 50, "more than 28 levels deep"),
        (" " * (MAXIMUM_CASE + 1), f"more than {MAXIMUM_CASE} characters"),
    ],
)
def test_a_text_that_is_no_case_is_refused(text: str, said: str) -> None:
    with pytest.raises(UnreadableCase) as refusal:
        read_case(text)
    assert said in str(refusal.value)


PIECES = st.sampled_from([None, True, 5, "", "x", [], {}, ["x"], {"arn": USER}, ALLOW, [ALLOW], [[ALLOW]], USER, "a:b"])


@settings(max_examples=300, deadline=None)
@given(
    members=st.dictionaries(st.sampled_from([*CASE_SCHEMA.schema["properties"], "other"]), PIECES, max_size=4),
)
def test_the_schema_and_the_reader_agree(members: dict[str, Any]) -> None:
    given_form = form(**members)
    try:
        case_of(json.loads(json.dumps(given_form)))
    except UnreadableCase:
        assert not CASE_SCHEMA.is_valid(given_form)
    else:
        assert CASE_SCHEMA.is_valid(given_form)


def test_a_file_holds_one_case_or_a_list_or_cases_with_defaults() -> None:
    assert read_file(json.dumps(BASE)) == [BASE]
    assert read_file(json.dumps([BASE, "no case"])) == [BASE, "no case"]
    shared = {"defaults": {**BASE, "context": {"a": "1"}}, "cases": [{"context": {}}, {"action": "a:b"}, "no case"]}
    assert read_file(json.dumps(shared)) == [
        {**BASE, "context": {}},
        {**BASE, "context": {"a": "1"}, "action": "a:b"},
        "no case",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"cases": [], "default": {}}, "is `defaults` meant?"),
        ({"cases": [], "defaults": {"cases": []}}, "`defaults` has a member `cases`"),
        ({"cases": {}}, "`cases` must be a list"),
    ],
)
def test_a_file_of_another_form_is_refused(value: object, text: str) -> None:
    with pytest.raises(UnreadableCase) as refusal:
        read_file(json.dumps(value))
    assert text in str(refusal.value)


def test_labels_are_found_in_whatever_is_there() -> None:
    assert labels({"name": "n", "id": "i"}) == ("n", "i")
    assert labels({"name": 1}) == (None, None)
    assert labels(["name"]) == (None, None)


# ── what follows ─────────────────────────────────────────────────────────────────────────────────────

OF_ACCOUNT = {
    "aws:principalaccount": ACCOUNT,
    "aws:principalisawsservice": "false",
    "aws:resourceaccount": ACCOUNT,
}


@pytest.mark.parametrize(
    ("principal", "keys"),
    [
        (USER, {"aws:principalarn": USER, "aws:principaltype": "User", "aws:username": "bob", **OF_ACCOUNT}),
        (ROLE, {"aws:principalarn": ROLE, "aws:principaltype": "AssumedRole", **OF_ACCOUNT}),
        (
            SESSION,
            {
                "aws:principalarn": f"arn:aws:iam::{ACCOUNT}:role/auditor",
                "aws:principaltype": "AssumedRole",
                **OF_ACCOUNT,
            },
        ),
        (
            GUEST,
            {
                "aws:principalarn": GUEST,
                "aws:principaltype": "FederatedUser",
                "aws:userid": f"{ACCOUNT}:guest",
                **OF_ACCOUNT,
            },
        ),
        (ROOT, {"aws:principalarn": ROOT, "aws:principaltype": "Account", "aws:userid": ACCOUNT, **OF_ACCOUNT}),
        (
            {"service": "ec2.amazonaws.com"},
            {"aws:principalisawsservice": "true", "aws:principalservicename": "ec2.amazonaws.com"},
        ),
        ({"federated": PROVIDER}, {"aws:federatedprovider": PROVIDER, "aws:principalisawsservice": "false"}),
        (
            {"anonymous": True},
            {
                "aws:principalaccount": "anonymous",
                "aws:principaltype": "Anonymous",
                "aws:userid": "anonymous",
                "aws:principalisawsservice": "false",
            },
        ),
    ],
)
def test_keys_follow_from_the_principal(principal: Any, keys: dict[str, str]) -> None:
    assert read(principal=principal).request.context == keys


def test_the_context_stands_over_what_follows() -> None:
    context = read(context={"AWS:UserName": "eve", "aws:PrincipalTag/Team": ["a", "b"]}).request.context
    assert context["aws:username"] == "eve"
    assert context["aws:principaltag/team"] == ("a", "b")


@pytest.mark.parametrize(
    ("resource", "principal", "account"),
    [
        ({"arn": BUCKET}, USER, ACCOUNT),
        ({"arn": "*"}, USER, ACCOUNT),
        ({"arn": "arn:aws:sqs:eu-west-1:444455556666:q"}, USER, "444455556666"),
        ({"arn": "arn:aws:iam::aws:policy/x"}, USER, ACCOUNT),
        ({"arn": "arn:aws:sqs:eu-west-1:444455556666:q", "account": ACCOUNT}, USER, ACCOUNT),
        ({"arn": BUCKET}, {"anonymous": True}, ""),
    ],
)
def test_the_account_of_a_resource(resource: Any, principal: Any, account: str) -> None:
    assert read(resource=resource, principal=principal).request.resource_account == account


def test_what_an_arn_does_not_say_can_be_told() -> None:
    told = read(principal={"arn": SESSION, "sessionIssuer": ROLE}).request.principal
    assert (told.arn, told.issuer_arn, told.unique_id) == (SESSION, ROLE, UNKNOWN)
    by_context = read(principal=SESSION, context={"aws:PrincipalArn": ROLE, "aws:userid": "AROAXYZ:night"})
    assert by_context.request.principal.issuer_arn == ROLE
    assert by_context.request.principal.unique_id == "AROAXYZ"
    of_another = read(principal=SESSION, context={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/x/other"})
    assert of_another.request.principal.issuer_arn == f"arn:aws:iam::{ACCOUNT}:role/auditor"
    assert read(context={"aws:userid": "AIDAXYZ"}).request.principal.unique_id == "AIDAXYZ"
    guest = read(principal={"arn": GUEST, "sessionIssuer": USER}).request.principal
    assert (guest.kind, guest.issuer_arn) == (PrincipalKind.FEDERATED_USER, USER)


def test_a_role_is_any_session_of_it() -> None:
    by_role = document(Principal={"AWS": ROLE})
    by_session = document(Principal={"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/night"})
    silent = [document(Action="other:Thing")]
    assert ask(principal=ROLE, resourcePolicy=by_role).decision == "allowed"
    assert ask(principal=ROLE, resourcePolicy=by_role, permissionsBoundaries=silent).decision == "implicitDeny"
    assert ask(principal=ROLE, resourcePolicy=by_session).decision == "implicitDeny"


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_knows_an_id_that_is_not_told() -> None:
    nobody = document(Principal={"AWS": ""})
    for principal in (USER, SESSION, ROLE, GUEST):
        assert ask(principal=principal, resourcePolicy=nobody, lenient=True).decision == "implicitDeny"


ROLE_RESOURCE = {"arn": ROLE}
TRUST = {"principal": SESSION, "action": "sts:AssumeRole", "resource": ROLE_RESOURCE}


def trust(principal, action="sts:AssumeRole"):
    return document(Principal=principal, Action=action, Resource=None)


def test_a_trust_policy_must_allow_in_its_own_account_too() -> None:
    assert ask(**TRUST, identityPolicies=[ALLOW]).decision == "implicitDeny"
    assert ask(**TRUST, identityPolicies=[ALLOW], resourcePolicy=trust({"AWS": ACCOUNT})).decision == "allowed"
    assert ask(**TRUST, resourcePolicy=trust({"AWS": ACCOUNT})).decision == "implicitDeny"
    assert ask(**TRUST, resourcePolicy=trust({"AWS": SESSION})).decision == "allowed"


def test_an_identity_takes_a_role_by_its_trust_policy_alone() -> None:
    web = {
        "principal": {"federated": PROVIDER},
        "action": "sts:AssumeRoleWithWebIdentity",
        "resource": ROLE_RESOURCE,
        "context": {"token.example.com:sub": "repo:a"},
    }
    lets_in = trust({"Federated": PROVIDER}, "sts:AssumeRoleWithWebIdentity")
    lets_in["Statement"][0]["Condition"] = {"StringEquals": {"token.example.com:sub": "repo:a"}}
    assert ask(**web, resourcePolicy=lets_in).decision == "allowed"
    said = ask(**{**web, "context": {}}, resourcePolicy=lets_in)
    assert (said.decision, said.missing) == ("implicitDeny", ("token.example.com:sub",))
    assert said.sentence == "Not authorized to perform sts:AssumeRoleWithWebIdentity"


def test_a_key_policy_must_allow_too() -> None:
    key = {"action": "kms:Decrypt", "resource": {"arn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"}}
    assert ask(**key, identityPolicies=[ALLOW]).decision == "implicitDeny"
    handed_over = document(Principal={"AWS": ROOT})
    assert ask(**key, identityPolicies=[ALLOW], resourcePolicy=handed_over).decision == "allowed"


@pytest.mark.parametrize("action", ["sts:GetCallerIdentity", "STS:getcalleridentity", "sts:GetSessionToken"])
def test_what_needs_no_permission_cannot_be_forbidden(action: str) -> None:
    said = ask(action=action, resource={"arn": "*"}, identityPolicies=[DENY], serviceControlPolicies=[[DENY]])
    assert (said.decision, said.reasons, said.sentence) == ("allowed", (), f"{action} needs no permission")


def test_a_federated_user_has_nothing_without_session_policies() -> None:
    assert ask(principal=GUEST, identityPolicies=[ALLOW]).decision == "implicitDeny"
    assert ask(principal=GUEST, identityPolicies=[ALLOW], sessionPolicies=[ALLOW]).decision == "allowed"


def test_every_level_has_aws_s_own_resource_control_policy() -> None:
    own = document("Deny", Principal="*", Action="s3:PutObject")
    full = document(Principal="*", Sid="Full")
    for levels in ([[]], [[own], []], [[full, own]], [[full], [full]]):
        assert ask(identityPolicies=[ALLOW], resourceControlPolicies=levels).decision == "allowed"
    said = ask(identityPolicies=[ALLOW], resourceControlPolicies=[[], [own]], action="s3:PutObject")
    assert (said.decision, said.reasons[0].level) == ("explicitDeny", 1)


def test_an_empty_level_of_service_control_policies_allows_nothing() -> None:
    said = ask(identityPolicies=[ALLOW], serviceControlPolicies=[[ALLOW], []])
    assert (said.decision, said.reasons[0].layer, said.reasons[0].level) == (
        "implicitDeny",
        "service control policy",
        1,
    )


def test_an_answer_tells_what_allowed() -> None:
    named = {"name": "own", "policy": document(Sid="Yes")}
    assert told(ask(name="n", id="7", identityPolicies=[named])) == {
        "name": "n",
        "id": "7",
        "decision": "allowed",
        "reasons": [
            {
                "layer": "identity-based policy",
                "effect": "allow",
                "statements": [{"policy": "own", "index": 0, "effect": "Allow", "sid": "Yes"}],
            }
        ],
    }


def test_an_answer_tells_what_denied() -> None:
    assert told(ask(identityPolicies=[ALLOW, DENY])) == {
        "decision": "explicitDeny",
        "reasons": [
            {
                "layer": "identity-based policy",
                "effect": "explicitDeny",
                "statements": [{"policy": "identityPolicies[1]", "index": 0, "effect": "Deny", "sid": "Never"}],
            }
        ],
        "sentence": f"User: {USER} is not authorized to perform: s3:GetObject on resource: {BUCKET} "
        "with an explicit deny in an identity-based policy",
    }


def test_an_answer_tells_what_came_near() -> None:
    near = document(Resource="arn:aws:s3:::b/${aws:username}", Condition={"StringEquals": {"aws:PrincipalTag/T": "a"}})
    said = told(ask(identityPolicies=[near]))
    assert said["missing"] == ["aws:PrincipalTag/T"]
    assert said["reasons"][0]["statements"][0]["mismatches"] == [
        {"element": "Resource", "wanted": ["arn:aws:s3:::b/bob"], "received": [BUCKET]},
        {"element": "Condition", "operator": "StringEquals", "key": "aws:PrincipalTag/T", "wanted": ["a"]},
    ]


# ── documents that AWS would not save ────────────────────────────────────────────────────────────────

UNSAVED = {
    "effect": document("allow"),
    "unknown element": document(Wann="immer"),
    "unknown operator": document(Condition={"StringAlike": {"k": "v"}}),
    "unreadable date": document(Condition={"DateNotEquals": {"aws:CurrentTime": "soon"}}),
    "no action": document(Action=None),
    "no resource": document(Resource=None),
    "wrong type": document(Action={"a": "b"}),
    "version": {**ALLOW, "Version": "2013-10-17"},
}
MEANS_SOMETHING = {
    "a principal in an identity policy": document(Principal={"AWS": USER}),
    "a Sid with a space": document(Sid="a b"),
    "a vendor with a wildcard": document(Resource=["arn:aws:*:::b", "*"]),
}


@pytest.mark.parametrize("policy", [*UNSAVED.values(), *MEANS_SOMETHING.values()], ids=[*UNSAVED, *MEANS_SOMETHING])
def test_what_aws_would_not_save_is_refused_in_its_words(policy: dict[str, Any]) -> None:
    with pytest.raises(UnreadableCase) as refusal:
        ask(identityPolicies=[ALLOW, {"name": "odd", "policy": policy}])
    assert str(refusal.value).startswith("`identityPolicies[1]` (`odd`): ")
    assert "(policy." in str(refusal.value)


@pytest.mark.parametrize("policy", MEANS_SOMETHING.values(), ids=MEANS_SOMETHING)
def test_leniently_what_means_something_counts(policy: dict[str, Any]) -> None:
    said = ask(identityPolicies=[policy], lenient=True)
    assert (said.decision, said.unreadable) == ("allowed", ())


@pytest.mark.parametrize("policy", UNSAVED.values(), ids=UNSAVED)
def test_leniently_a_permission_that_cannot_be_evaluated_allows_nothing(policy: dict[str, Any]) -> None:
    said = ask(identityPolicies=[{"name": "odd", "policy": policy}], lenient=True)
    assert said.decision == "implicitDeny"
    assert [(each.policy, each.treated_as) for each in said.unreadable] == [("odd", "allowsNothing")]
    assert ask(identityPolicies=[policy, ALLOW], lenient=True).decision == "allowed"
    assert ask(identityPolicies=[ALLOW], permissionsBoundaries=[policy], lenient=True).decision == "implicitDeny"
    ANSWER_SCHEMA.validate(told(said))


@pytest.mark.parametrize(
    "policy",
    [
        *(
            {**policy, "Statement": [{**policy["Statement"][0], "Effect": "Deny"}]}
            for policy in list(UNSAVED.values())[1:]
        ),
        document("deny"),
        document("Forbid"),
        document(["Allow"]),
        {"Version": "2012-10-17"},
        {"Statement": []},
        {"Statement": "Allow"},
        {"Statement": [None]},
        {},
    ],
)
def test_leniently_whatever_might_be_a_denial_denies(policy: dict[str, Any]) -> None:
    for principal in (USER, SESSION):
        said = ask(principal=principal, identityPolicies=[ALLOW, policy], lenient=True)
        assert (said.decision, said.unreadable[0].treated_as) == ("explicitDeny", "denies")
    for principal in (USER, ROOT, {"service": "a.amazonaws.com"}, {"federated": PROVIDER}, {"anonymous": True}):
        assert ask(principal=principal, resourcePolicy=policy, lenient=True).decision == "explicitDeny"


def test_leniently_the_place_is_told() -> None:
    two = {**ALLOW, "Statement": [ALLOW["Statement"][0], {**DENY["Statement"][0], "Wann": "immer"}]}
    said = ask(identityPolicies=[two], lenient=True)
    assert said.unreadable[0].at == "Statement[1]: `Wann`"
    assert (said.reasons[0].statements[0].index, said.reasons[0].statements[0].sid) == (1, "Never")


# ── what is remembered ───────────────────────────────────────────────────────────────────────────────


def test_sets_that_are_written_alike_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    real = documents_module.compile_policies

    def counting(policies, **how):
        compiled.append(policies)
        return real(policies, **how)

    monkeypatch.setattr(documents_module, "compile_policies", counting)
    documents = Documents()
    for action in ("s3:GetObject", "s3:PutObject", "s3:GetObject"):
        answer(read(identityPolicies=[ALLOW], action=action), documents)
    assert len(compiled) == 1
    answer(read(identityPolicies=[{"name": "other", "policy": ALLOW}]), documents)
    answer(read(permissionsBoundaries=[ALLOW]), documents)
    assert len(compiled) == 3


def test_what_is_remembered_is_bounded() -> None:
    documents = Documents()
    for number in range(documents_module.REMEMBERED + 10):
        answer(read(identityPolicies=[document(Sid=f"s{number}")]), documents)
    assert len(documents._compiled) == documents_module.REMEMBERED
    answer(read(identityPolicies=[document(Resource=["arn:aws:s3:::" + "x" * 40_000])]), documents)
    assert len(documents._compiled) == documents_module.REMEMBERED


def test_a_refused_document_is_refused_each_time() -> None:
    documents = Documents()
    for _ in range(2):
        with pytest.raises(UnreadableCase):
            answer(read(identityPolicies=[document("allow")]), documents)


def test_a_number_and_its_text_are_two_documents() -> None:
    documents = Documents(lenient=True)
    as_number = document(Condition={"NumericEquals": {"k": 5}})
    as_text = document(Action="5")
    number_for_action = json.loads(json.dumps(as_text).replace('"Action": "5"', '"Action": 5'))
    assert answer(read(identityPolicies=[as_number], context={"k": "5"}), documents)[0].decision == "allowed"
    assert not answer(read(identityPolicies=[as_text]), documents)[0].unreadable
    assert answer(read(identityPolicies=[number_for_action]), documents)[0].unreadable
