"""SimulateCustomPolicy, SimulatePrincipalPolicy and the context keys that they need."""

import json
from dataclasses import replace

import pytest

from tabard.actions.iam.simulation import OrderedOrganizationPolicy
from tabard.actions.simulation_inputs import ContextEntry, InlinePolicyIdentifier, PolicyIdentifier
from tabard.directory.entities import OrganizationPolicyType
from tabard.faults import ConstraintViolated, InvalidInput, NoSuchEntity
from tests.unit.actions.iam.calls import asked, call, every_page
from tests.worlds import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, World, refused

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def document(effect="Allow", action="s3:*", resource="*", **more) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def custom(*policies: str, world: World | None = None, **parameters):
    parameters.setdefault("action_names", ["s3:GetObject"])
    answer = call(world or World(), "SimulateCustomPolicy", policy_input_list=list(policies), **parameters)
    assert not answer.is_truncated
    return answer.evaluation_results


def principal(world: World, arn: str = ALICE, **parameters):
    parameters.setdefault("action_names", ["s3:GetObject"])
    (result,) = call(world, "SimulatePrincipalPolicy", policy_source_arn=arn, **parameters).evaluation_results
    return result


def entry(name: str, *values: str, kind: str = "string") -> ContextEntry:
    return ContextEntry(context_key_name=name, context_key_values=values, context_key_type=kind)


def matched(result) -> list[str]:
    return [statement.source_policy_id for statement in result.matched_statements]


# ── answers that AWS was seen to give ──


def test_the_answer_about_an_administrator():
    world = World()
    world.user("alice", attached_policies=(ADMINISTRATOR,))
    result = principal(world, action_names=["s3:PutObject"])
    (statement,) = result.matched_statements
    assert statement.source_policy_id == "AdministratorAccess"
    assert statement.source_policy_type == "IAM Policy"
    assert (statement.start_position.line, statement.start_position.column) == (3, 17)
    assert (statement.end_position.line, statement.end_position.column) == (8, 6)
    assert (result.eval_action_name, result.eval_resource_name, result.eval_decision) == (
        "s3:PutObject",
        "*",
        "allowed",
    )
    assert result.missing_context_values == ()


def test_a_policy_of_the_input_is_called_by_its_place():
    (result,) = custom(document(action="ec2:*"), document())
    assert matched(result) == ["PolicyInputList.2"]


def test_an_entity_that_is_not_there():
    with refused(NoSuchEntity, "Unable to retrieve specified IAM entity."):
        principal(World())


# ── actions and resources ──


def test_each_action_has_one_result_and_each_resource_its_own_part():
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b"},
            ],
        }
    )
    one, two = custom(
        policy,
        action_names=["s3:GetObject", "ec2:RunInstances", "s3:GetObject"],
        resource_arns=["arn:aws:s3:::a", "arn:aws:s3:::b"],
    )
    assert [(one.eval_action_name, one.eval_decision), (two.eval_action_name, two.eval_decision)] == [
        ("s3:GetObject", "explicitDeny"),
        ("ec2:RunInstances", "implicitDeny"),
    ]
    assert [(each.eval_resource_name, each.eval_resource_decision) for each in one.resource_specific_results] == [
        ("arn:aws:s3:::a", "allowed"),
        ("arn:aws:s3:::b", "explicitDeny"),
    ]
    assert one.eval_resource_name == "*"
    assert one.eval_decision_details == {}
    assert two.matched_statements == ()


def test_all_resources_have_no_parts_and_no_details():
    (result,) = custom(document())
    assert result.resource_specific_results is None
    assert result.eval_decision_details is None


@pytest.mark.parametrize("action", ["s3:*", "s3:Get?bject", "*", "s3", "s3:", ":Get", "s3:Get:x", "s3:Gét", "s 3:x"])
def test_an_action_must_be_one_action(action):
    with refused(InvalidInput, f"ActionNames are not in a valid format: {action}.", "simulation.action"):
        custom(document(), action_names=["s3:GetObject", action])


@pytest.mark.parametrize("resource", ["x", "arn:aws:s3", "14a050d4-021e-4efe-84bb-0871bf6d0fda", "**"])
def test_a_resource_must_be_an_arn(resource):
    with refused(InvalidInput, f"ResourceNames are not in a valid ARN format: {resource}.", "simulation.resource"):
        custom(document(), resource_arns=["*", resource])


def test_pages_hold_whole_actions():
    names = [f"s3:Get{number}" for number in range(7)]
    pages = every_page(World(), "SimulateCustomPolicy", max_items=3, policy_input_list=[document()], action_names=names)
    assert [[each.eval_action_name for each in page.evaluation_results] for page in pages] == [
        names[:3],
        names[3:6],
        names[6:],
    ]
    marker = pages[0].marker
    world = World()
    world.user("alice")
    with refused(ConstraintViolated, "Invalid Marker."):
        principal(world, marker=marker)


@pytest.mark.parametrize(
    ("option", "types", "refusal"),
    [
        ("EC2-VPC-EBS", ["instance", "image", "security-group", "network-interface", "volume"], None),
        (
            "EC2-VPC-EBS-Subnet",
            ["instance", "image", "security-group", "network-interface"],
            "EC2-VPC-EBS-Subnet requires resources of these types: subnet, volume.",
        ),
        ("EC2-Moon", ["instance"], "EC2-Moon is not a valid ResourceHandlingOption."),
    ],
)
def test_an_ec2_simulation_wants_the_resources_of_its_kind(option, types, refusal):
    arns = [f"arn:aws:ec2:us-east-1:{ACCOUNT}:{each}/x" for each in types]
    parameters = {"resource_arns": arns, "resource_handling_option": option, "action_names": ["ec2:RunInstances"]}
    if refusal is None:
        assert custom(document(action="ec2:*"), **parameters)[0].eval_decision == "allowed"
    else:
        with refused(InvalidInput, refusal):
            custom(document(), **parameters)


# ── context ──


@pytest.mark.parametrize(
    ("operator", "kind", "value", "other"),
    [
        ("StringEquals", "string", "x", "y"),
        ("NumericEquals", "numeric", "1.0", "2"),
        ("Bool", "boolean", "TRUE", "false"),
        ("IpAddress", "ip", "192.0.2.1", "192.0.2.2"),
        ("BinaryEquals", "binary", "QUI=", "QUE="),
        ("DateEquals", "date", "2026-11-24T12:00:00Z", "2026-11-25"),
    ],
)
def test_context_of_every_type(operator, kind, value, other):
    policy = document(Condition={operator: {"aws:key": value}})
    listed = document(Condition={f"ForAnyValue:{operator}": {"aws:key": value}})
    for given, outcome in ((value, "allowed"), (other, "implicitDeny")):
        (result,) = custom(policy, context_entries=[entry("AWS:Key", given, kind=kind)])
        assert (result.eval_decision, result.missing_context_values) == (outcome, ())
        (result,) = custom(listed, context_entries=[entry("aws:key", given, other, kind=f"{kind}List")])
        assert result.eval_decision == outcome
    (result,) = custom(policy)
    assert (result.eval_decision, result.missing_context_values) == ("implicitDeny", ("aws:key",))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([entry("aws:n", "x", kind="numeric")], "The value x of the context key aws:n is not of type numeric."),
        ([entry("aws:n", "1", "x", kind="dateList")], "The value x of the context key aws:n is not of type dateList."),
        ([entry("aws:n", "10.0.0.0/8", kind="ip")], "The value 10.0.0.0/8 of the context key aws:n is not of type ip."),
        ([entry("aws:n")], "The context key aws:n of type string must have exactly one value."),
        ([entry("aws:n", "a", "b")], "The context key aws:n of type string must have exactly one value."),
        ([entry("aws:n", "a"), entry("AWS:N", "b")], "The context key AWS:N is given more than once."),
        ([ContextEntry()], "A context entry must have a ContextKeyName and a ContextKeyType."),
    ],
)
def test_context_that_does_not_hold_together_is_refused(entries, message):
    with refused(InvalidInput, message):
        custom(document(), context_entries=entries)


def test_nothing_is_known_of_the_caller_but_what_is_supplied():
    world = World()
    world.user("alice", inline_policies={"own": document(resource="arn:aws:s3:::home/${aws:username}/*")})
    on = ["arn:aws:s3:::home/alice/x"]
    result = principal(world, resource_arns=on)
    assert (result.eval_decision, result.missing_context_values) == ("implicitDeny", ("aws:username",))
    result = principal(world, resource_arns=on, context_entries=[entry("aws:username", "alice")])
    assert (result.eval_decision, result.missing_context_values) == ("allowed", ())


# ── by what is judged ──


def test_a_user_has_the_policies_of_its_groups():
    world = World()
    group = world.group("team", inline_policies={"theirs": document()})
    world.user("alice", groups=(group.id,), inline_policies={"own": document(action="ec2:*")})
    world.role("job", inline_policies={"task": document()})
    assert matched(principal(world)) == ["theirs"]
    assert matched(principal(world, f"arn:aws:iam::{ACCOUNT}:group/team")) == ["theirs"]
    assert matched(principal(world, f"arn:aws:iam::{ACCOUNT}:role/job")) == ["task"]


def test_more_policies_may_be_given():
    world = World()
    world.user("alice")
    assert principal(world).eval_decision == "implicitDeny"
    assert matched(principal(world, policy_input_list=[document()])) == ["PolicyInputList.1"]


def test_a_boundary_counts_unless_another_is_given():
    world = World()
    limit = world.policy("limit", document=document(action="s3:Put*"))
    world.user("alice", permissions_boundary=limit.arn, inline_policies={"own": document()})
    result = principal(world)
    assert result.eval_decision == "implicitDeny"
    assert result.permissions_boundary_decision_detail.allowed_by_permissions_boundary is False
    result = principal(world, permissions_boundary_policy_input_list=[ALLOW_ALL])
    assert result.eval_decision == "allowed"
    assert matched(result) == ["own", "PermissionsBoundaryPolicyInputList.1"]
    assert result.permissions_boundary_decision_detail.allowed_by_permissions_boundary is True
    with refused(InvalidInput, "Only one permissions boundary policy can be simulated."):
        principal(world, permissions_boundary_policy_input_list=[ALLOW_ALL, ALLOW_ALL])


@pytest.mark.parametrize(
    ("identifier", "left"),
    [
        (PolicyIdentifier(policy_type="inline"), ["AdministratorAccess", "mine-1", "limit"]),
        (PolicyIdentifier(policy_type="aws-managed"), ["own", "theirs", "mine-1", "limit"]),
        (PolicyIdentifier(policy_type="user-managed"), ["own", "theirs", "AdministratorAccess", "limit"]),
        (PolicyIdentifier(policy_type="permission-boundary"), ["own", "theirs", "AdministratorAccess", "mine-1"]),
        (PolicyIdentifier(policy_type="rcp"), ["own", "theirs", "AdministratorAccess", "mine-1", "limit"]),
        (PolicyIdentifier(policy_arn=ADMINISTRATOR), ["own", "theirs", "mine-1", "limit"]),
        (
            PolicyIdentifier(policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/m??e*"),
            ["own", "theirs", "AdministratorAccess", "limit"],
        ),
        (
            PolicyIdentifier(policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/absent"),
            ["own", "theirs", "AdministratorAccess", "mine-1", "limit"],
        ),
        (("theirs", "group", "t*"), ["own", "AdministratorAccess", "mine-1", "limit"]),
        (("theirs", "user", "*"), ["own", "theirs", "AdministratorAccess", "mine-1", "limit"]),
        (("own", "user", "alic?"), ["theirs", "AdministratorAccess", "mine-1", "limit"]),
    ],
)
def test_policies_may_be_left_out(identifier, left):
    if isinstance(identifier, tuple):
        name, kind, holder = identifier
        inline = InlinePolicyIdentifier(policy_name=name, attachment_type=kind, attachment_name=holder)
        identifier = PolicyIdentifier(inline_policy_identifier=inline)
    world = World()
    mine = world.policy("mine-1")
    group = world.group("team", inline_policies={"theirs": ALLOW_ALL})
    world.user(
        "alice",
        groups=(group.id,),
        inline_policies={"own": ALLOW_ALL},
        attached_policies=(ADMINISTRATOR, mine.arn),
        permissions_boundary=world.policy("limit").arn,
    )
    assert matched(principal(world, policy_exclusion_list=[identifier])) == left


@pytest.mark.parametrize(
    "identifier",
    [
        PolicyIdentifier(),
        PolicyIdentifier(policy_type="inline", policy_arn=ADMINISTRATOR),
        PolicyIdentifier(policy_arn="arn:aws:iam::*:policy/x"),
        PolicyIdentifier(policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/*x*"),
        PolicyIdentifier(policy_arn=f"arn:aws:iam::{ACCOUNT}:user/alice"),
        *(
            PolicyIdentifier(
                inline_policy_identifier=InlinePolicyIdentifier(
                    policy_name="own", attachment_type="user", attachment_name=name
                )
            )
            for name in ("*a*", "a/b")
        ),
    ],
)
def test_what_identifies_no_policies_is_refused(identifier):
    world = World()
    world.user("alice")
    with pytest.raises(InvalidInput):
        principal(world, policy_exclusion_list=[identifier])


def organized(world: World, *contents: str, member: str = ACCOUNT) -> None:
    management = OTHER_ACCOUNT if member == ACCOUNT else ACCOUNT
    made = world.organization(management=management, enabled_policy_types=(OrganizationPolicyType.SERVICE_CONTROL,))
    policies = [world.organization_policy(made, f"scp-{place}", each).id for place, each in enumerate(contents)]
    unit = world.unit(made, "unit", attached_policies=tuple(policies))
    world.member(made, member, under=unit.id, attached_policies=("p-FullAWSAccess",))
    with world.store.write() as records:
        records.organizations.put(replace(made, attached_policies=("p-FullAWSAccess",)))


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (ALLOW_ALL, "allowed"),
        (document(action="ec2:*"), "implicitDeny"),
        (document(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}), "allowed"),
        (document(Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), "implicitDeny"),
    ],
)
def test_the_organisation_of_the_account_counts(content, outcome):
    world = World()
    world.user("alice", inline_policies={"own": document()})
    organized(world, content)
    given = [entry("aws:RequestedRegion", "eu-west-1")]
    result = principal(world, context_entries=given)
    assert result.eval_decision == outcome
    assert result.organizations_decision_detail.allowed_by_organizations is (outcome == "allowed")
    assert matched(result) == (["own"] if outcome == "allowed" else [])
    without = principal(world, policy_exclusion_list=[PolicyIdentifier(policy_type="scp")])
    assert without.eval_decision == "allowed"


def test_an_account_in_no_organisation_is_told_of_none():
    world = World()
    world.user("alice")
    assert principal(world).organizations_decision_detail is None


def test_levels_of_an_organisation_may_be_given():
    def levels(*each):
        return [OrderedOrganizationPolicy(service_control_policy_input_list=texts) for texts in each]

    (result,) = custom(document(), ordered_organization_policy_input_list=levels((ALLOW_ALL,), (ALLOW_ALL,)))
    assert (result.eval_decision, result.organizations_decision_detail.allowed_by_organizations) == ("allowed", True)
    for second in ((document(action="ec2:*"),), (ALLOW_ALL, document("Deny")), None):
        (result,) = custom(document(), ordered_organization_policy_input_list=levels((ALLOW_ALL,), second))
        assert result.eval_decision != "allowed"
        assert result.organizations_decision_detail.allowed_by_organizations is False


# ── a resource's policy ──


def bucket_policy(*principals: str) -> str:
    return document(Principal={"AWS": list(principals)}, resource="arn:aws:s3:::b/*")


@pytest.mark.parametrize(
    ("owner", "named", "outcome", "details"),
    [
        (None, ALICE, "allowed", {}),
        (ACCOUNT, ALICE, "allowed", {}),
        (OTHER_ACCOUNT, ALICE, "implicitDeny", {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}),
        (None, f"arn:aws:iam::{ACCOUNT}:user/bob", "implicitDeny", {}),
    ],
)
def test_a_resource_policy_speaks_of_the_caller(owner, named, outcome, details):
    (result,) = custom(
        document(action="ec2:*"),
        resource_arns=["arn:aws:s3:::b/x"],
        resource_policy=bucket_policy(named),
        resource_owner=None if owner is None else f"arn:aws:iam::{owner}:root",
        caller_arn=ALICE,
    )
    assert (result.eval_decision, result.eval_decision_details) == (outcome, details)
    (part,) = result.resource_specific_results
    assert part.eval_decision_details == (details or None)


def test_the_account_in_a_resources_own_arn_owns_it():
    queue = f"arn:aws:sqs:us-east-1:{OTHER_ACCOUNT}:q"
    policy = document(Principal={"AWS": ALICE}, action="sqs:*", resource=queue)
    given = {"action_names": ["sqs:SendMessage"], "resource_arns": [queue], "caller_arn": ALICE}
    (result,) = custom(document(), resource_policy=policy, **given)
    assert result.eval_decision == "implicitDeny"
    (result,) = custom(document(action="sqs:*"), resource_policy=policy, **given)
    assert result.eval_decision == "allowed"
    (result,) = custom(document(action="sqs:*"), **given)
    assert result.eval_decision_details == {}


def test_somebody_else_may_call_with_the_policies():
    world = World()
    world.user("alice")
    given = {"resource_arns": ["arn:aws:s3:::b/x"], "resource_policy": bucket_policy(ALICE)}
    assert principal(world, **given).eval_decision == "allowed"
    assert principal(world, caller_arn=ALICE[:-5] + "bob", **given).eval_decision == "implicitDeny"


@pytest.mark.parametrize(
    ("caller", "message"),
    [
        (None, "CallerArn is required with a ResourcePolicy."),
        (f"arn:aws:iam::{ACCOUNT}:role/r", "Invalid caller - Caller must be an IAM user in this context."),
        (f"arn:aws:iam::{ACCOUNT}:group/g", "Invalid caller - Caller must be an IAM user in this context."),
        *(
            (arn, f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
            for arn in (
                f"arn:aws:iam::{ACCOUNT}:root",
                f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
                "arn:aws:iam::*:user/alice",
                "x",
            )
        ),
    ],
)
def test_a_resource_policy_wants_a_user_that_calls(caller, message):
    with refused(InvalidInput, message):
        custom(document(), resource_policy=bucket_policy(ALICE), caller_arn=caller)


@pytest.mark.parametrize("owner", [ACCOUNT, ALICE, "arn:aws:iam::12:root", "x", f"arn:aws:s3::{ACCOUNT}:root"])
def test_an_owner_is_an_account(owner):
    with refused(InvalidInput, f"'{owner}' is not a valid as a Resource Owner."):
        custom(document(), resource_owner=owner)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"policies": ["{}"]}, "PolicyInputList.1"),
        ({"policies": [ALLOW_ALL, bucket_policy(ALICE)]}, "PolicyInputList.2"),
        ({"permissions_boundary_policy_input_list": ["x"]}, "PermissionsBoundaryPolicyInputList.1"),
        ({"resource_policy": ALLOW_ALL, "caller_arn": ALICE}, "ResourcePolicy"),
        (
            {
                "ordered_organization_policy_input_list": [
                    OrderedOrganizationPolicy(service_control_policy_input_list=("[]",))
                ]
            },
            "OrderedOrganizationPolicyInputList.1.ServiceControlPolicyInputList.1",
        ),
    ],
)
def test_a_document_that_aws_would_not_save_is_named_and_refused(parameters, name):
    with pytest.raises(InvalidInput) as caught:
        custom(*parameters.pop("policies", [ALLOW_ALL]), **parameters)
    assert caught.value.public.startswith(f"{name} is not a valid policy: ")
    assert caught.value.reason.startswith("policy.")


# ── context keys, and who may ask ──


def test_context_keys_of_policies_and_of_an_identity():
    keys = document(Condition={"StringEquals": {"aws:SourceVpc": "${aws:userid}"}})
    more = document(Condition={"Bool": {"aws:SecureTransport": "true", "AWS:sourcevpc": "x"}})
    world = World()
    group = world.group("team", inline_policies={"theirs": more})
    limit = world.policy("limit", document=document(Condition={"Bool": {"aws:ViaAWSService": "true"}}))
    world.user("alice", groups=(group.id,), inline_policies={"own": keys}, permissions_boundary=limit.arn)
    given = {"policy_input_list": [document(Condition={"Null": {"ec2:Region": "true"}})]}
    answer = call(world, "GetContextKeysForCustomPolicy", policy_input_list=[more, keys])
    assert answer.context_key_names == ("aws:SecureTransport", "AWS:sourcevpc", "aws:userid")
    answer = call(world, "GetContextKeysForPrincipalPolicy", policy_source_arn=ALICE, **given)
    assert answer.context_key_names == ("aws:SourceVpc", "aws:userid", "aws:SecureTransport", "ec2:Region")
    with refused(NoSuchEntity, "Unable to retrieve specified IAM entity."):
        call(world, "GetContextKeysForPrincipalPolicy", policy_source_arn=ALICE + "x")
    with pytest.raises(InvalidInput, match=r"PolicyInputList\.1 is not a valid policy"):
        call(world, "GetContextKeysForCustomPolicy", policy_input_list=["{"])


def test_what_the_caller_must_be_allowed_to_do():
    world = World()
    world.user("alice", path="/eu/")
    given = {"action_names": ["s3:GetObject"]}
    inputs = {"policy_input_list": [ALLOW_ALL]}
    assert asked(world, "SimulateCustomPolicy", **given, **inputs) == [("iam:SimulateCustomPolicy", "*")]
    assert asked(world, "GetContextKeysForCustomPolicy", **inputs) == [("iam:GetContextKeysForCustomPolicy", "*")]
    for arn in (f"arn:aws:iam::{ACCOUNT}:user/eu/alice", f"arn:aws:iam::{OTHER_ACCOUNT}:role/x", "x" * 20):
        assert asked(world, "SimulatePrincipalPolicy", policy_source_arn=arn, **given) == [
            ("iam:SimulatePrincipalPolicy", arn)
        ]
        assert asked(world, "GetContextKeysForPrincipalPolicy", policy_source_arn=arn) == [
            ("iam:GetContextKeysForPrincipalPolicy", arn)
        ]
