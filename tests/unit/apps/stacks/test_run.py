"""Runs: all or nothing, again and again the same, and nobody else's records."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tabard.adapters.audit import MemoryAudit
from tabard.adapters.stores.memory import MemoryStore
from tabard.adapters.stores.sqlite import open_sqlite
from tabard.apps.descriptions import HIDDEN
from tabard.apps.stacks.faults import ApplyError
from tabard.ports.audit import AuditUnavailable
from tabard.ports.store import Store
from tabard.templates.plan import Action
from tabard.templates.source import TemplateError
from tests.unit.apps.stacks.stage import TRUST, Stage, actions, differing, step
from tests.worlds import ACCOUNT, ALLOW_ALL

TEAM = """\
Parameters:
  Team: {Type: String, Default: risk}
  Password: {Type: String, NoEcho: true, Default: c0rrect-Horse}
Conditions:
  HasKey: !Equals [!Ref Team, risk]
Resources:
  Key:
    Type: AWS::IAM::AccessKey
    Condition: HasKey
    Properties: {UserName: !Ref Ana}
  Reader:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub '${Team}-reader'
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Principal: {AWS: !GetAtt Ana.Arn}, Action: sts:AssumeRole}
      ManagedPolicyArns: [!Ref Reading]
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: 2012-10-17
            Statement: {Effect: Allow, Action: 's3:*', Resource: !Sub 'arn:aws:s3:::${Team}/${!aws:username}/*'}
      Tags: [{Key: team, Value: !Ref Team}]
  Ana:
    Type: AWS::IAM::User
    Properties: {Groups: [!Ref Readers], LoginProfile: {Password: !Ref Password}}
  Readers: {Type: AWS::IAM::Group}
  Reading:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Version: 2012-10-17, Statement: {Effect: Allow, Action: 'iam:List*', Resource: '*'}}
Outputs:
  ReaderArn: {Value: !GetAtt Reader.Arn, Description: who reads}
  Secret: {Value: !GetAtt Key.SecretAccessKey, Condition: HasKey}
"""
GROUP = "Resources:\n  G: {Type: AWS::IAM::Group, Properties: {GroupName: team}}\n"
ALLOW = "{Version: 2012-10-17, Statement: {Effect: Allow, Action: 's3:*', Resource: '*'}}"
NOTHING = "Resources: {}\n"


@pytest.fixture(params=["memory", "sqlite"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    store: Store = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "tabard.db", create=True)
    try:
        yield Stage(store)
    finally:
        store.close()


def refused(stage: Stage, template: str | dict[str, str], *texts: str, **how: Any) -> str:
    """Applying it fails with one error that holds the texts, and changes nothing."""
    before = stage.contents()
    with pytest.raises((ApplyError, TemplateError)) as error:
        stage.apply(template, **how)
    said = str(error.value)
    for text in texts:
        assert text in said
    assert stage.contents() == before
    return said


# ── applying ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_template_is_applied_in_the_order_of_its_references(stage: Stage) -> None:
    outcome = stage.apply(TEAM)

    (key,) = outcome.keys
    assert stage.asked("GetRole", RoleName="risk-reader").role.arn == outcome.outputs["app"]["ReaderArn"].value
    assert outcome.outputs["app"]["Secret"].value == key.secret_access_key
    assert stage.asked("ListGroupsForUser", UserName=key.user_name).groups[0].group_name.startswith("app-Readers-")
    own = stage.asked("GetRolePolicy", RoleName="risk-reader", PolicyName="own")
    assert "arn:aws:s3:::risk/${aws:username}/*" in own.policy_document
    order = [record["eventName"] for record in stage.audit.records]
    assert order[:2] == ["CreatePolicy", "CreateGroup"]
    assert order[-1] == "CreateAccessKey"


def test_applying_again_changes_nothing(stage: Stage) -> None:
    stage.apply(TEAM)
    before, recorded = stage.contents(), len(stage.audit.records)

    outcome = stage.apply(TEAM)

    assert not stage.plan(TEAM).changes
    assert stage.contents() == before
    assert len(stage.audit.records) == recorded
    assert not outcome.keys


def test_names_that_are_made_up_hold_stack_and_logical_id_and_fit(stage: Stage) -> None:
    name = "a" * 128
    stage.apply({name: f"Resources:\n  {'L' * 200}: {{Type: AWS::IAM::User}}\n"})
    (user,) = stage.asked("ListUsers").users
    assert len(user.user_name) == 64
    assert user.user_name.startswith("aaaa")
    assert "-LLLL" in user.user_name


def test_a_condition_takes_its_resource_away_with_prune_only(stage: Stage) -> None:
    stage.apply(TEAM)
    without = {"given": {"Team": "risk2"}}
    assert actions(stage.plan(TEAM, **without))["Key"] is Action.LEAVE
    assert actions(stage.plan(TEAM, **without, prune=True))["Key"] is Action.DELETE


def test_what_a_condition_takes_is_needed_and_what_it_does_not_take_is_not(stage: Stage) -> None:
    template = TEAM.replace("Groups: [!Ref Readers]", "Groups: !If [HasKey, [!Ref Readers], [!Ref Absent]]").replace(
        "  Readers:", "  Absent: {Type: AWS::IAM::Group, Condition: NoKey}\n  Readers:"
    )
    template = template.replace("Resources:", "  NoKey: !Not [!Condition HasKey]\nResources:", 1)
    stage.apply(template)
    assert "Absent" not in actions(stage.plan(template))
    taken = template.replace("[HasKey, [!Ref Readers], [!Ref Absent]]", "[HasKey, [!Ref Absent], [!Ref Readers]]")
    refused(stage, taken, "Absent is not made, as its condition NoKey does not hold")


def test_only_five_versions_of_a_policy_are_kept(stage: Stage) -> None:
    template = f"Resources:\n  P: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {ALLOW}}}}}\n"
    for number in range(7):
        stage.apply(template.replace("s3:*", f"s3:Get{number}*"))
    (policy,) = stage.asked("ListPolicies", Scope="Local").policies
    versions = stage.asked("ListPolicyVersions", PolicyArn=policy.arn).versions
    assert next((each.version_id, each.is_default_version) for each in versions) == ("v7", True)
    assert len(versions) == 5


def test_a_role_that_a_trust_policy_names_literally_is_made_first(stage: Stage) -> None:
    named = f"arn:aws:iam::{ACCOUNT}:role/zed"
    document = TRUST.replace(f'"{ACCOUNT}"', f'"{named}"')
    stage.apply(
        f"Resources:\n  A: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {document}}}}}\n"
        f"  Z: {{Type: AWS::IAM::Role, Properties: {{RoleName: zed, AssumeRolePolicyDocument: {TRUST}}}}}\n"
    )
    assert stage.audit.records[0]["requestParameters"]["roleName"] == "zed"


# ── all or nothing ───────────────────────────────────────────────────────────────────────────────────


def test_a_failure_in_the_last_resource_leaves_everything_as_it_was(stage: Stage) -> None:
    last = "  Z: {Type: AWS::IAM::UserToGroupAddition, Properties: {GroupName: nobody, Users: [!Ref Ana]}}\nOutputs:"
    template = TEAM.replace("Outputs:", last)

    refused(
        stage,
        template,
        f"app.yaml:{template[: template.index('  Z:')].count(chr(10)) + 1}:3: Z: to create the membership",
        "AddUserToGroup is refused: NoSuchEntity: The group with name nobody cannot be found.; nothing was changed",
    )

    assert stage.audit.records == []
    assert stage.contents() == []


def test_of_several_stacks_all_are_applied_or_none(stage: Stage) -> None:
    bad = "Resources:\n  P: {Type: AWS::IAM::Group, Properties: {ManagedPolicyArns: ['arn:aws:iam::aws:policy/No']}}\n"
    refused(stage, {"a": GROUP, "b": bad}, "b.yaml:2:3: P: to create the group", "NoSuchEntity")
    stage.apply({"a": GROUP, "b": NOTHING})
    assert stage.contents() != []


class _FullDisk(MemoryAudit):
    """Takes two records."""

    def append(self, record: Mapping[str, object]) -> None:
        if len(self.records) == 2:
            raise AuditUnavailable("the disk is full")
        super().append(record)


def test_what_cannot_be_recorded_does_not_happen(stage: Stage) -> None:
    run = stage.run(TEAM, {})
    with pytest.raises(AuditUnavailable):
        run.carry_out(run.look(), _FullDisk())
    assert stage.contents() == []


KILLED = """
import os, sys
from pathlib import Path
from tabard.adapters.stores.sqlite import open_sqlite
from tests.unit.apps.stacks.stage import Stage

stage = Stage(open_sqlite(Path(sys.argv[1]), create=True))
run = stage.run(sys.argv[2], {})

class Dying:
    def append(self, record):
        if record["eventName"] == "CreateRole":
            os._exit(9)

run.carry_out(run.look(), Dying())
"""


def test_a_process_that_dies_in_between_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tabard.db"
    done = subprocess.run([sys.executable, "-c", KILLED, path, TEAM], check=False, timeout=60)
    assert done.returncode == 9
    store = open_sqlite(path, create=False)
    try:
        assert Stage(store).contents() == []
    finally:
        store.close()


def test_a_plan_that_others_overtook_is_not_carried_out(stage: Stage) -> None:
    stage.apply(GROUP)
    changed = GROUP.replace("team}", "team, Path: /a/}")
    run = stage.run(changed, {})
    plans = run.look()
    stage.by_hand("UpdateGroup", GroupName="team", NewPath="/b/")
    with pytest.raises(ApplyError, match="the account changed in the meantime"):
        run.carry_out(plans, stage.audit)


def test_a_rehearsal_leaves_nothing(stage: Stage) -> None:
    run = stage.run(TEAM, {})
    run.rehearse(run.look())
    assert stage.contents() == []


# ── drift ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("operation", "parameters", "resource", "drifted"),
    [
        ("UpdateRole", {"MaxSessionDuration": "7200"}, "Reader", ["MaxSessionDuration"]),
        ("AttachRolePolicy", {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, "Reader", ["ManagedPolicyArns"]),
        ("PutRolePolicy", {"PolicyName": "more", "PolicyDocument": ALLOW_ALL}, "Reader", ["Policies"]),
        ("DeleteRolePolicy", {"PolicyName": "own"}, "Reader", ["Policies"]),
        ("TagRole", {"Tags": [{"Key": "owner", "Value": "x"}]}, "Reader", ["Tags"]),
        ("UpdateAssumeRolePolicy", {"PolicyDocument": TRUST}, "Reader", ["AssumeRolePolicyDocument"]),
    ],
)
def test_what_was_changed_by_hand_is_found_and_put_right(
    stage: Stage, operation: str, parameters: dict[str, Any], resource: str, drifted: list[str]
) -> None:
    stage.apply(TEAM)
    before = stage.contents()
    stage.by_hand(operation, RoleName="risk-reader", **parameters)

    plan = stage.plan(TEAM)
    assert {name for name, action in actions(plan).items() if action is not Action.NONE} == {resource}
    assert differing(plan, resource) == drifted
    stage.apply(TEAM)

    assert not stage.plan(TEAM).changes
    assert stage.contents() == before


def test_what_was_deleted_by_hand_is_made_anew(stage: Stage) -> None:
    stage.apply(GROUP)
    stage.by_hand("DeleteGroup", GroupName="team")
    assert actions(stage.plan(GROUP)) == {"G": Action.CREATE}
    stage.apply(GROUP)
    assert stage.asked("GetGroup", GroupName="team").group.group_name == "team"


def test_what_others_attach_beside_the_template_is_not_taken_away(stage: Stage) -> None:
    """Only where the template gives the list is the list whole."""
    stage.apply(GROUP)
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    stage.by_hand("AttachGroupPolicy", GroupName="team", PolicyArn=arn)
    assert not stage.plan(GROUP).changes
    attached = GROUP.replace("team}", "team, ManagedPolicyArns: []}")
    assert differing(stage.plan(attached), "G") == ["ManagedPolicyArns"]


def test_a_policy_that_another_resource_attaches_is_no_drift(stage: Stage) -> None:
    template = (
        "Resources:\n  G: {Type: AWS::IAM::Group, Properties: {ManagedPolicyArns: [], Policies: []}}\n"
        f"  P: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {ALLOW}, Groups: [!Ref G]}}}}\n"
        f"  Q: {{Type: AWS::IAM::GroupPolicy, Properties: {{PolicyName: q, PolicyDocument: {ALLOW}, GroupName: !Ref G}}}}\n"
    )
    stage.apply(template)
    assert not stage.plan(template).changes


def test_a_member_that_another_stack_adds_is_no_drift(stage: Stage) -> None:
    user = "Resources:\n  U: {Type: AWS::IAM::User, Properties: {UserName: ana, Groups: []}}\n"
    added = "Resources:\n  A: {Type: AWS::IAM::UserToGroupAddition, Properties: {GroupName: team, Users: [Ana]}}\n"
    stage.apply({"a": GROUP, "b": user})
    stage.apply({"c": added})
    assert not stage.plan({"b": user}).changes
    assert not stage.plan({"c": added}).changes
    stage.by_hand("RemoveUserFromGroup", GroupName="team", UserName="ana")
    assert differing(stage.plan({"c": added}), "A") == ["Users"]
    stage.apply({"c": added})
    stage.apply({"c": NOTHING}, prune=True)
    assert stage.asked("ListGroupsForUser", UserName="ana").groups == ()


def test_a_password_that_its_user_changed_is_no_drift(stage: Stage) -> None:
    outcome = stage.apply(TEAM)
    name = outcome.keys[0].user_name
    stage.by_hand("UpdateLoginProfile", UserName=name, Password="battery-Stap1e")
    assert not stage.plan(TEAM).changes
    assert differing(stage.plan(TEAM, given={"Password": "an0ther-Horse"}), "Ana") == ["LoginProfile"]
    stage.by_hand("DeleteLoginProfile", UserName=name)
    assert differing(stage.plan(TEAM), "Ana") == ["LoginProfile"]


# ── whose records ────────────────────────────────────────────────────────────────────────────────────


def test_what_is_there_already_is_taken_over_only_when_asked(stage: Stage) -> None:
    stage.by_hand("CreateGroup", GroupName="team", Path="/a/")
    refused(stage, GROUP, "app.yaml:2:3: the group `team` of G is there already and belongs to no stack; take it over")
    assert actions(stage.plan(GROUP, adopt=True)) == {"G": Action.ADOPT}
    stage.apply(GROUP, adopt=True)
    assert stage.asked("GetGroup", GroupName="team").group.path == "/"
    assert not stage.plan(GROUP).changes


def test_what_cannot_be_changed_cannot_be_taken_over(stage: Stage) -> None:
    stage.by_hand("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST, Path="/a/")
    template = (
        f"Resources:\n  R: {{Type: AWS::IAM::Role, Properties: {{RoleName: r, AssumeRolePolicyDocument: {TRUST}}}}}\n"
    )
    refused(stage, template, "R cannot take over the role `r`, whose Path is another and cannot be changed", adopt=True)


def test_one_record_belongs_to_one_stack(stage: Stage) -> None:
    stage.apply({"a": GROUP})
    refused(stage, {"b": GROUP}, "belongs to G of stack a; use another name", adopt=True)
    twice = GROUP + "  H: {Type: AWS::IAM::Group, Properties: {GroupName: Team}}\n"
    refused(stage, {"c": twice.replace("team", "other").replace("Team", "OTHER")}, "G and H are both the group `OTHER`")


def test_a_resource_may_be_called_otherwise(stage: Stage) -> None:
    stage.apply(GROUP)
    renamed = GROUP.replace("G:", "Other:")
    assert actions(stage.plan(renamed)) == {"Other": Action.NONE}
    stage.apply(renamed, prune=True)
    assert stage.asked("GetGroup", GroupName="team").group.group_name == "team"


def test_a_resource_may_not_become_another_type(stage: Stage) -> None:
    stage.apply(GROUP)
    refused(stage, "Resources:\n  G: {Type: AWS::IAM::User}\n", "G is a group so far; give the user another name")


def test_a_replacement_may_not_take_what_is_another_s(stage: Stage) -> None:
    two = GROUP + "  H: {Type: AWS::IAM::Group, Properties: {GroupName: crew}}\n"
    stage.apply(two)
    refused(stage, two.replace("team", "crew"), "crew")
    stage.by_hand("CreateGroup", GroupName="band")
    refused(stage, two.replace("team", "band"), "the group `band` of G is there already and belongs to no stack")


def test_old_and_new_cannot_have_one_name(stage: Stage) -> None:
    template = (
        f"Resources:\n  R: {{Type: AWS::IAM::Role, Properties: {{RoleName: r, AssumeRolePolicyDocument: {TRUST}}}}}\n"
    )
    stage.apply(template)
    refused(
        stage, template.replace("RoleName: r", "RoleName: r, Path: /a/"), "R must be replaced, because Path changes"
    )


# ── taking away ──────────────────────────────────────────────────────────────────────────────────────


def test_what_is_no_longer_in_the_template_stays_until_it_is_pruned(stage: Stage) -> None:
    stage.apply(TEAM)
    plan = stage.plan(NOTHING)
    assert set(actions(plan).values()) == {Action.LEAVE}
    assert not plan.changes
    stage.apply(NOTHING)
    assert set(actions(stage.plan(TEAM)).values()) == {Action.NONE}

    stage.apply(NOTHING, prune=True)

    assert stage.contents() == []


def test_what_is_retained_is_let_go_and_stays(stage: Stage) -> None:
    stage.apply(GROUP.replace("Properties", "DeletionPolicy: Retain, Properties"))
    assert actions(stage.plan(NOTHING, prune=True)) == {"G": Action.FORGET}
    stage.apply(NOTHING, prune=True)
    assert stage.asked("GetGroup", GroupName="team").group.group_name == "team"
    refused(stage, GROUP, "belongs to no stack")


def test_what_a_replacement_leaves_behind_may_be_retained(stage: Stage) -> None:
    kept = GROUP.replace("Properties", "UpdateReplacePolicy: Retain, Properties")
    stage.apply(kept)
    stage.apply(kept.replace("team", "crew"))
    assert [group.group_name for group in stage.asked("ListGroups").groups] == ["crew", "team"]


def test_what_hangs_on_a_record_moves_with_its_replacement(stage: Stage) -> None:
    named = TEAM.replace("Properties: {Groups", "Properties: {UserName: ana, Groups")
    first = stage.apply(named)
    renamed = named.replace("UserName: ana", "UserName: anna")
    plan = stage.plan(renamed)
    assert {name: action for name, action in actions(plan).items() if action is not Action.NONE} == {
        "Ana": Action.REPLACE,
        "Key": Action.REPLACE,
        "Reader": Action.UPDATE,
    }

    second = stage.apply(renamed)

    assert [user.user_name for user in stage.asked("ListUsers").users] == ["anna"]
    assert [key.access_key_id for key in stage.asked("ListAccessKeys", UserName="anna").access_key_metadata] == [
        second.keys[0].access_key_id
    ]
    assert first.keys[0].access_key_id != second.keys[0].access_key_id
    assert not stage.plan(renamed).changes


def test_what_others_still_need_stops_the_deletion_of_all(stage: Stage) -> None:
    stage.apply(GROUP + "  U: {Type: AWS::IAM::User}\n")
    stage.by_hand("CreateUser", UserName="other")
    stage.by_hand("AddUserToGroup", UserName="other", GroupName="team")
    refused(stage, NOTHING, "G: to delete the group `team`: DeleteGroup is refused: DeleteConflict", prune=True)


# ── from stack to stack ──────────────────────────────────────────────────────────────────────────────

BASE = GROUP + "Outputs: {Team: {Value: !Ref G, Export: {Name: team-name}}}\n"
USER = "Resources:\n  U: {Type: AWS::IAM::User, Properties: {Groups: [!ImportValue team-name]}}\n"


def test_what_one_stack_exports_another_imports(stage: Stage) -> None:
    stage.apply({"a-user": USER, "base": BASE})  # the exporter first, whatever the names
    (user,) = stage.asked("ListUsers").users
    assert [g.group_name for g in stage.asked("ListGroupsForUser", UserName=user.user_name).groups] == ["team"]
    refused(stage, {"base": GROUP}, "stack base may not drop its export `team-name`: stack a-user imports it")
    refused(stage, {"other": BASE.replace("team}", "crew}")}, "stack base exports `team-name` already")
    stage.apply({"base": NOTHING, "a-user": NOTHING}, prune=True)
    assert stage.contents() == []


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ("X: {Value: [a]}", "the value of output X must be a text; use Fn::Join"),
        ("X: {Value: !Ref AWS::NoValue}", "the value of output X may not be AWS::NoValue"),
        ("X: {Value: x, Export: {Name: []}}", "the name of an export must be a text"),
        ("X: {Value: x, Export: {Name: !Ref G}}", "G is a resource; the name of an export cannot depend on resources"),
        ("X: {Value: x, Export: {Name: a}}, Y: {Value: y, Export: {Name: a}}", "output Y exports `a`, as another one"),
        ("X: {Value: !Ref S, Export: {Name: a}}", "output X is secret, and what is exported is not"),
    ],
)
def test_outputs_that_are_none(stage: Stage, outputs: str, said: str) -> None:
    secret = "Parameters: {S: {Type: String, NoEcho: true, Default: hunter2}}\n"
    refused(stage, f"{secret}{GROUP}Outputs: {{{outputs}}}\n", said)


def test_stacks_may_not_import_in_a_circle(stage: Stage) -> None:
    other = USER.replace("team-name", "user") + "Outputs: {Team: {Value: x, Export: {Name: team-name}}}\n"
    back = USER + "Outputs: {User: {Value: x, Export: {Name: user}}}\n"
    refused(stage, {"a": other, "b": back}, "the stacks a, b import from one another in a circle")


# ── secrets, audit, lint ─────────────────────────────────────────────────────────────────────────────


def test_secrets_stand_in_no_record_of_the_audit_and_not_in_the_stack(stage: Stage) -> None:
    tagged = TEAM.replace("Value: !Ref Team", "Value: !Ref Password")
    outcome = stage.apply(tagged)
    told = json.dumps(stage.audit.records) + str(
        [each for each in stage.contents() if type(each).__name__ in ("Stack", "LoginProfile")]
    )
    assert "c0rrect-Horse" not in told
    assert outcome.keys[0].secret_access_key not in told
    assert HIDDEN in told


def test_a_document_with_a_secret_in_it_is_hidden_whole_and_compared(stage: Stage) -> None:
    template = TEAM.replace("!Sub 'arn:aws:s3:::${Team}/", "!Sub 'arn:aws:s3:::${Password}/")
    stage.apply(template)
    assert not stage.plan(template).changes
    changed = stage.plan(template, given={"Password": "an0ther-Horse"})
    assert "Policies" in differing(changed, "Reader")
    assert "Horse" not in repr(step(changed, "Reader").differences)


def test_what_was_secret_before_is_hidden_in_a_plan(stage: Stage) -> None:
    tagged = TEAM.replace("Value: !Ref Team", "Value: !Ref Password")
    stage.apply(tagged)
    for plan in (stage.plan(tagged, given={"Password": "an0ther-Horse"}), stage.plan(TEAM)):
        assert "Tags" in differing(plan, "Reader")
        assert "c0rrect" not in repr(step(plan, "Reader").differences)


def test_what_is_shown_everywhere_may_not_be_secret(stage: Stage) -> None:
    template = TEAM.replace("RoleName: !Sub '${Team}-reader'", "RoleName: !Ref Password")
    said = refused(stage, template, "RoleName of Reader is shown everywhere, so it cannot be made of a secret")
    assert "c0rrect" not in said
    refused(
        stage,
        TEAM.replace("Value: !Ref Team}", "Value: !GetAtt Key.SecretAccessKey}"),
        "a SecretAccessKey may stand in Outputs only",
    )


def test_an_audit_record_says_who_what_and_why(stage: Stage) -> None:
    stage.apply(GROUP)
    (record,) = stage.audit.records
    assert record["userIdentity"] == {"type": "Operator", "userName": "marta", "invokedBy": "command line"}
    assert (record["eventName"], record["requestParameters"]) == ("CreateGroup", {"groupName": "team", "path": "/"})
    assert record["responseElements"]["group"]["groupName"] == "team"
    assert record["additionalEventData"] == {"tabard": {"stack": "app", "logicalId": "G"}}
    assert record["recipientAccountId"] == ACCOUNT


def test_a_dangerous_trust_policy_is_refused_with_its_line_and_a_doubtful_one_warned_of(stage: Stage) -> None:
    anyone = f"Resources:\n  R: {{Type: AWS::IAM::Role, Properties: {{AssumeRolePolicyDocument: {TRUST}}}}}\n".replace(
        f'"AWS": "{ACCOUNT}"', '"AWS": "*"'
    )
    refused(stage, anyone, "app.yaml:2:3: R: to create the role", "CreateRole is refused: MalformedPolicyDocument")
    allows = f"Resources:\n  P: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {ALLOW.replace('s3:*', '*')}}}}}\n"
    outcome = stage.apply(allows)
    for each in outcome.warned:
        assert (each.stack, each.logical_id) == ("app", "P")
        assert each.finding.reason


# ── circles, mistakes ────────────────────────────────────────────────────────────────────────────────


def test_resources_may_not_need_one_another_in_a_circle(stage: Stage) -> None:
    circle = "Resources:\n  A: {Type: AWS::IAM::Group, DependsOn: B}\n  B: {Type: AWS::IAM::Group, DependsOn: A}\n"
    refused(stage, circle, "app.yaml:2:3: the resources need one another in a circle: A → B → A")
    itself = "Resources:\n  A: {Type: AWS::IAM::Group, Properties: {GroupName: !Ref A}}\n"
    refused(stage, itself, "in a circle: A → A")


def test_a_reference_to_what_is_not_made_is_an_error(stage: Stage) -> None:
    template = TEAM.replace("Condition: HasKey}", "Condition: HasKey}\n  Id: {Value: !Ref Key}")
    refused(stage, template, "Key is not made, as its condition HasKey does not hold", given={"Team": "other"})


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("Resources:\n  P: {Type: AWS::IAM::Policy, Properties: {PolicyName: p, PolicyDocument: {}}}\n", "app.yaml:2:3: P needs at least one of Groups, Roles and Users"),
        ("Resources:\n  P: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: []}}\n", "Roles of P must name exactly one role"),
        ("Resources:\n  G: {Type: AWS::IAM::Group, DependsOn: H}\n", "app.yaml:2:41: there is no resource `H` to depend on"),
        ("Resources:\n  G: {Type: AWS::IAM::Group, Properties: {GroupName: !GetAtt K.SecretAccessKey}}\n  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: u}}\n", "a SecretAccessKey may stand in Outputs only"),
        ("Resources:\n  G: {Type: AWS::IAM::Group, Properties: {GroupName: !GetAtt P.PolicyId}}\n  P: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {}}}\n", "GroupName of G must be known beforehand"),
        ("Resources:\n  P: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: []}}\n", "PolicyDocument of P must be a mapping, or a text that holds JSON"),
        ("Resources:\n  P: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: !Ref AWS::NoValue}}\n", "P lacks the property PolicyDocument: it is AWS::NoValue"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {Groups: a}}\n", "Groups of U must be a list"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {LoginProfile: a}}\n", "LoginProfile of U must be a mapping of Password, PasswordResetRequired"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {LoginProfile: {Password: aB3$aB3$, PasswordResetRequired: perhaps}}}\n", "PasswordResetRequired must be true or false, not `perhaps`"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {LoginProfile: {Password: short}}}\n", "CreateLoginProfile is refused: PasswordPolicyViolation"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {Policies: [{PolicyName: !GetAtt P.PolicyId, PolicyDocument: {}}]}}\n  P: {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {}}}\n", "PolicyName in Policies of U must be known beforehand"),
        ("Resources:\n  G: {Type: AWS::IAM::Group, Condition: C}\n", "there is no condition `C`"),
        ("Resources:\n  G: {Type: AWS::IAM::Group, Properties: {GroupName: [a]}}\n", "app.yaml:2:43: GroupName of G must be a text"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {Tags: [{Key: a}]}}\n", "one of Tags of U has no Value"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {Tags: [{Key: a, Value: b}, {Key: a, Value: c}]}}\n", "Key `a` stands twice in Tags of U"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {Tags: [{Key: a, Vaule: b}]}}\n", "each of Tags of U has no member `Vaule`; did you mean Value?"),
        ("Resources:\n  U: {Type: AWS::IAM::User, Properties: {LoginProfile: {}}}\n", "LoginProfile of U has no Password"),
        ("Resources:\n  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: u, Serial: x}}\n", "Serial of K must be a whole number, not `x`"),
        ("Resources:\n  O: {Type: AWS::IAM::OIDCProvider, Properties: {Url: 'http://x'}}\n", "CreateOpenIDConnectProvider is refused: ValidationError"),
        ("Resources:\n  L: {Type: AWS::IAM::ServiceLinkedRole, Properties: {AWSServiceName: x}}\n", "CreateServiceLinkedRole is refused: InvalidInput"),
        ("Resources:\n  S: {Type: AWS::IAM::SAMLProvider, Properties: {SamlMetadataDocument: <x/>}}\n", "CreateSAMLProvider is refused"),
    ],
)  # fmt: skip
def test_mistakes_are_one_error_with_its_line(stage: Stage, template: str, said: str) -> None:
    assert refused(stage, template, said).startswith("app.yaml:2:")


def test_a_parameter_that_no_template_has(stage: Stage) -> None:
    refused(stage, TEAM, "no template has a parameter `Taem`; did you mean Team?", given={"Taem": "x"})
