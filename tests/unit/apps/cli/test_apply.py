"""`tabard apply` in this process: what it shows, asks, answers and refuses, and with which exit code."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tabard.apps.cli import apply as applying
from tabard.apps.config import load_settings
from tabard.apps.wiring import Foundation
from tabard.directory.entities import Account
from tests.terminals import terminal
from tests.unit.apps.cli.test_main import config, refused, tabard
from tests.worlds import NOW

MAIN, TEAM = "111122223333", "444455556666"
GROUP = """\
Parameters:
  Name: {Type: String, Default: team}
  Secret: {Type: String, NoEcho: true, Default: hunter2hunter2}
Resources:
  G:
    Type: AWS::IAM::Group
    Properties:
      GroupName: !Ref Name
  U:
    Type: AWS::IAM::User
    Properties:
      UserName: ana
      Groups: [!Ref G]
      Tags: [{Key: s, Value: !Ref Secret}]
Outputs:
  Arn: {Value: !GetAtt G.Arn}
  Hidden: {Value: !Ref Secret}
"""
KEY = "Resources:\n  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: ana}}\n"
Apply = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TABARD_MASTER_KEY", raising=False)
    path = config(tmp_path)
    with Foundation.open(load_settings(path), create=True) as at, at.store.write() as records:
        records.accounts.put(Account(id=MAIN, name="main", created=NOW))
    return path


@pytest.fixture
def apply(settings: Path, tmp_path: Path) -> Apply:
    """`tabard apply …`; a word that is a template is written to a file first."""

    def run(*words: str | Path, name: str = "app.yaml", **how: object) -> Result:
        written: list[str | Path] = []
        for number, word in enumerate(words):
            is_template = isinstance(word, str) and "\n" in word
            path = tmp_path / (f"{number}-{name}" if number else name) if is_template else word
            if isinstance(path, Path) and isinstance(word, str):
                path.write_text(word)
            written.append(path)
        return tabard("apply", *written, "--config", settings, **how)

    return run


def audit(settings: Path) -> list[dict[str, Any]]:
    path = settings.parent / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_plan_is_shown_and_applied(apply: Apply, settings: Path) -> None:
    done = apply(GROUP, "--yes")

    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"stack app in account {MAIN} (main)",
        "",
        "  + create   group              G  team",
        "        GroupName: team",
        "        Path: /",
        "",
        "  + create   user               U  ana",
        "        UserName: ana",
        "        Groups: team",
        "        Tags: s: ****",
        "        Path: /",
        "",
        "2 to create",
        "",
        f"Arn = arn:aws:iam::{MAIN}:group/team",
        "Hidden = ****",
    ]
    assert done.stderr == "Applied.\n"
    assert [record["eventName"] for record in audit(settings)] == ["CreateGroup", "CreateUser", "AddUserToGroup"]


def test_the_second_run_has_nothing_to_change(apply: Apply, settings: Path) -> None:
    apply(GROUP, "--yes")
    recorded = audit(settings)

    again, checked = apply(GROUP, "--yes"), apply(GROUP, "--check")

    assert (again.exit_code, again.stderr) == (0, "Nothing to change.\n")
    assert "2 as they should be" in again.stdout
    assert (checked.exit_code, checked.stderr) == (0, "Nothing to change.\n")
    assert audit(settings) == recorded


def test_check_has_an_exit_code_of_its_own_and_says_what_drifted(apply: Apply, settings: Path) -> None:
    fresh = apply(GROUP, "--check")
    assert (fresh.exit_code, fresh.stderr) == (applying.PENDING, "Nothing was changed.\n")
    apply(GROUP, "--yes")
    with Foundation.open(load_settings(settings)) as at, at.store.write() as records:
        user = records.users.get(MAIN, "ana")
        assert user is not None
        records.users.delete(user)

    drifted = apply(GROUP, "--check")
    assert drifted.exit_code == applying.PENDING == 6
    assert "  + create   user               U  ana" in drifted.stdout
    other = apply(GROUP, "--check", "--parameter", "Name=crew")
    assert "-/+ replace  group              G  team → crew" in other.stdout
    assert "        GroupName  (needs another record)" in other.stdout
    assert "          -team\n          +crew\n" in other.stdout


def test_documents_are_compared_line_by_line_and_what_goes_is_told(apply: Apply) -> None:
    role = """\
Resources:
  R:
    Type: AWS::IAM::Role
    DeletionPolicy: Retain
    Properties:
      Description: DESCRIPTION
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: {Effect: Allow, Principal: {AWS: '111122223333'}, Action: sts:AssumeRole}
      Policies:
        - PolicyName: p
          PolicyDocument: {Version: 2012-10-17, Statement: {Effect: Allow, Action: 's3:Get*', Resource: '*'}}
  P:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Version: 2012-10-17, Statement: {Effect: Allow, Action: 's3:*', Resource: !GetAtt R.Arn}}
      Users: []
  G: {Type: AWS::IAM::Group, Properties: {ManagedPolicyArns: [!GetAtt P.PolicyArn]}}
Outputs:
  Id: {Value: !GetAtt R.RoleId}
"""
    first = apply(role, "--yes")
    assert first.exit_code == 0, first.stderr
    assert "            p:\n                {\n" in first.stdout
    assert "Id = AROA" in first.stdout
    changed = apply(role.replace("s3:Get*", "s3:Put*").replace("DESCRIPTION", "x" * 300), "--check").stdout
    assert '          -        "Action": "s3:Get*",\n          +        "Action": "s3:Put*",\n' in changed
    assert f"          +{'x' * 200}…\n" in changed
    long = apply(role.replace("s3:Get*", "s3:" + "x" * 30_000), "--check").stdout
    assert "        Policies\n            is too long to compare here\n" in long
    left = apply("Resources: {}\n", "--stack-name", "app", "--check")
    assert left.exit_code == 0
    assert "  . leave    role               R  app-R-" in left.stdout
    assert "        is no longer in the template; --prune takes it away" in left.stdout
    pruned = apply("Resources: {}\n", "--stack-name", "app", "--yes", "--prune")
    assert "  x forget   role               R  app-R-" in pruned.stdout
    assert "        is left where it is (DeletionPolicy: Retain)" in pruned.stdout


def test_what_is_known_only_afterwards_is_called_so(apply: Apply) -> None:
    later = """\
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: {Effect: Allow, Principal: {AWS: '111122223333'}, Action: sts:AssumeRole}
  P:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: 2012-10-17
        Statement: {Effect: Allow, Action: 's3:*', Resource: !Sub 'arn:aws:s3:::b/${R.RoleId}/*'}
      Roles: [!Ref R]
  U: {Type: AWS::IAM::User, Properties: {Tags: [{Key: role, Value: !GetAtt R.RoleId}], ManagedPolicyArns: [!Ref P]}}
Outputs:
  Id: {Value: !GetAtt R.RoleId}
"""
    plan = apply(later, "--check")
    assert "        PolicyDocument: (known after apply)\n" in plan.stdout
    assert "        Tags: role: (known after apply)\n" in plan.stdout
    told = json.loads(apply(later, "--check", "--json").stdout)
    assert told["stacks"][0]["outputs"]["Id"]["value"] is None

    done = apply(later, "--yes")

    assert done.exit_code == 0, done.stderr
    assert "Id = AROA" in done.stdout
    assert apply(later, "--check").exit_code == 0
    fewer = json.loads(
        apply(later.replace("ManagedPolicyArns: [!Ref P]", "ManagedPolicyArns: []"), "--check", "--json").stdout
    )
    (user,) = [each for each in fewer["stacks"][0]["resources"] if each["logical_id"] == "U"]
    (difference,) = user["differences"]
    assert (difference["property"], len(difference["before"]), difference["after"]) == ("ManagedPolicyArns", 1, [])


def test_a_doubtful_policy_is_warned_of_before_it_is_applied(apply: Apply, settings: Path) -> None:
    allows = """\
Resources:
  P:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Version: 2012-10-17, Statement: {Effect: Allow, NotAction: 's3:*', Resource: '*'}}}
"""
    done = apply(allows, "--dry-run")
    assert done.stderr.startswith("warning: P: allow.not-action: "), done.stderr
    told = json.loads(apply(allows, "--yes", "--json").stdout)
    assert [(each["stack"], each["logical_id"]) for each in told["warnings"]] == [("app", "P")]
    assert audit(settings)[-1]["additionalEventData"]["tabard"]["lint"][0]["code"] == told["warnings"][0]["code"]


def test_nothing_happens_without_consent(apply: Apply, settings: Path) -> None:
    refused_by_hand = apply(GROUP)
    assert refused_by_hand.exit_code == 1
    assert "there is nobody here to ask; add --yes to go on, or --dry-run to look only" in refused_by_hand.stderr
    rehearsed = apply(GROUP, "--dry-run")
    assert (rehearsed.exit_code, rehearsed.stderr) == (0, "Nothing was changed.\n")
    assert audit(settings) == []


def on_terminal(settings: Path, answer: str, *words: str | Path) -> tuple[int, str]:
    """The command as its own process on a terminal: exit code, and all that it shows."""
    command = [sys.executable, "-m", "tabard", "apply", *map(str, words), "--config", str(settings)]
    with terminal() as (ours, theirs):
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
        theirs.close()
        ours.write(answer.encode())
        shown = b""
        with suppress(OSError):  # how the end of a terminal is told
            while read := ours.read(4096):
                shown += read
        return process.wait(timeout=60), shown.decode()


def test_on_a_terminal_the_question_is_answered_and_a_new_key_shown_once(
    apply: Apply, settings: Path, tmp_path: Path
) -> None:
    apply(GROUP, "--yes")
    keys = tmp_path / "keys.yaml"
    keys.write_text(KEY)
    recorded = audit(settings)

    said_no, shown = on_terminal(settings, "n\n", keys)
    assert said_no == 1
    assert "Apply this? [y/N]" in shown
    assert audit(settings) == recorded
    said_yes, shown = on_terminal(settings, "y\n", keys)
    assert said_yes == 0
    assert "access key of ana (K): AKIA" in shown
    assert "secret, shown this once: " in shown
    again, shown = on_terminal(settings, "", keys)
    assert (again, "shown this once" in shown, "Nothing to change." in shown) == (0, False, True)


def test_json_tells_everything(apply: Apply) -> None:
    apply(GROUP, "--yes")
    done = apply(GROUP, KEY, "--yes", "--json", name="keys.yaml")
    assert done.exit_code == 1  # the group belongs to the stack that is called app
    told = json.loads(apply(KEY, "--yes", "--json", "--stack-name", "keys").stdout)

    (key,) = told.pop("new_access_keys")
    (stack,) = told.pop("stacks")
    assert told == {"account": MAIN, "changes": True, "applied": True, "rehearsed": True, "warnings": []}
    assert (key["stack"], key["logical_id"], key["user_name"]) == ("keys", "K", "ana")
    assert key["access_key_id"].startswith("AKIA")
    assert len(key["secret_access_key"]) == 40
    assert stack["resources"] == [
        {
            "logical_id": "K",
            "type": "AWS::IAM::AccessKey",
            "action": "create",
            "physical_id": None,
            "replaced_id": None,
            "differences": [],
        }
    ]
    hidden = json.loads(apply(GROUP, "--check", "--json", "--parameter", "Secret=an0ther-secret").stdout)
    (difference,) = hidden["stacks"][0]["resources"][1]["differences"]
    assert difference == {"property": "Tags", "before": {"s": "****"}, "after": {"s": "****"}, "replaces": False}


def test_a_new_key_is_shown_on_a_terminal_or_as_json_only(apply: Apply) -> None:
    apply(GROUP, "--yes")
    done = apply(KEY, "--yes", "--stack-name", "keys")
    assert done.exit_code == 1
    assert "a new access key's secret is shown once, and only on a terminal; add --json" in done.stderr


# ── what is given ────────────────────────────────────────────────────────────────────────────────────


def test_parameters_come_from_files_and_the_command_line(apply: Apply, tmp_path: Path) -> None:
    as_map, as_list = tmp_path / "p.yaml", tmp_path / "p.json"
    as_map.write_text("Name: crew\nSecret: s3cret-s3cret\n")
    as_list.write_text('[{"ParameterKey": "Name", "ParameterValue": "band"}]')

    assert "G  crew" in apply(GROUP, "--check", "--parameters-file", as_map).stdout
    both = apply(GROUP, "--check", "--parameters-file", as_map, "--parameters-file", as_list)
    assert "G  band" in both.stdout
    assert "G  mine" in apply(GROUP, "--check", "--parameters-file", as_map, "--parameter", "Name=mine").stdout
    assert "s3cret" not in both.stdout


def test_a_template_may_be_json_and_come_from_the_standard_input(apply: Apply) -> None:
    template = json.dumps({"Resources": {"G": {"Type": "AWS::IAM::Group"}}})
    done = apply("-", "--stack-name", "piped", "--check", input=template)
    assert done.exit_code == applying.PENDING
    assert "stack piped" in done.stdout
    refused(apply("-", "--check", input=template), "a template from the standard input has no name; add --stack-name")


def test_the_account_is_named_where_there_are_several(apply: Apply, settings: Path) -> None:
    with Foundation.open(load_settings(settings)) as at, at.store.write() as records:
        records.accounts.put(Account(id=TEAM, name="the team", created=NOW))
    refused(apply(GROUP, "--check"), f"there are several accounts: {MAIN} (main), {TEAM} (the team); name one with")
    assert f"account {TEAM}" in apply(GROUP, "--check", "--account", "the team").stdout
    assert f"account {TEAM}" in apply(GROUP, "--check", "--account", TEAM).stdout
    refused(apply(GROUP, "--check", "--account", "nobody"), "there is no account `nobody`")


def test_several_files_are_several_stacks(apply: Apply) -> None:
    done = apply(GROUP, KEY, "--yes", "--dry-run", name="a.yaml")
    assert done.exit_code == 1  # a file that begins with a digit is no stack's name
    two = apply(GROUP, "--yes")
    assert two.exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((GROUP, "--check", "--parameter", "Name"), "a parameter is given as --parameter Name=Value"),
        ((GROUP, "--check", "--parameter", "Nmae=x"), "no template has a parameter `Nmae`; did you mean Name?"),
        ((GROUP, "--check", "--parameter", "Name=a", "--parameter", "Name=b"), "parameter `Name` is given twice"),
        ((GROUP, "--check", "--parameter", "Name=\udcff"), "the value of parameter `Name` is not UTF-8"),
        ((GROUP, GROUP, "--check", "--stack-name", "app"), "--stack-name names one stack, and several files are several"),
        ((GROUP, "--check", "--stack-name", "no name"), "`no name` is no stack's name"),
        (("missing.yaml", "--check"), "missing.yaml cannot be read: No such file or directory"),
        ((GROUP, "--check", "--parameters-file", "missing.yaml"), "missing.yaml cannot be read"),
        (("Resources:\n  G: {Type: AWS::IAM::Gruop}\n", "--check"), "app.yaml:2:13: there is no resource type `AWS::IAM::Gruop`; did you mean AWS::IAM::Group?"),
        (("Resources: &x\n  - *x\n", "--check"), "app.yaml:1:12: YAML anchors are not taken"),
        ((GROUP.replace("ana", "a/b"), "--yes"), "app.yaml:9:3: U: to create the user `a/b`: CreateUser is refused: ValidationError"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(apply: Apply, words: tuple[str, ...], said: str) -> None:
    done = apply(*words)
    assert done.exit_code == 1
    assert done.stderr.startswith("tabard: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_secret_stands_in_no_error(apply: Apply) -> None:
    template = GROUP.replace("GroupName: !Ref Name", "Path: !Sub '/${Secret}/'")
    done = apply(template, "--yes", "--parameter", "Secret=s3cret-s3cret")
    assert done.exit_code == 1
    assert "s3cret" not in done.output
    named = GROUP.replace("Value: !Ref Secret}]", "Value: !Ref Secret}, {Key: '<', Value: !Ref Secret}]")
    refusal = apply(named, "--yes", "--parameter", "Secret=s3cret-s3cret" + "x" * 300)
    assert refusal.exit_code == 1
    assert "s3cret" not in refusal.output


def test_a_pattern_that_never_ends_is_stopped(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "PATIENCE", 0.2)
    template = GROUP.replace("{Type: String, Default: team}", "{Type: String, AllowedPattern: '(a+)+b'}")
    done = apply(template, "--check", "--parameter", "Name=" + "a" * 4000)
    refused(done, "the parameters take too long to check; give AllowedPattern a pattern that cannot backtrack")
