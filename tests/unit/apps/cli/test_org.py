"""`tabard org` in this process: names stand for ids, what is changed is recorded, and what is wrong is one line."""

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabard.apps.cli.shell import NEXT
from tabard.apps.config import load_settings
from tabard.apps.wiring import Foundation
from tabard.directory.entities import Account
from tabard.names.printable import escaped
from tests.unit.actions.organizations.calls import DENY, GUARD
from tests.unit.apps.cli.test_main import config, refused, tabard
from tests.worlds import NOW

MAIN, TEAM = "111122223333", "444455556666"
Org = Callable[..., Any]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with two accounts."""
    monkeypatch.delenv("TABARD_MASTER_KEY", raising=False)
    path = config(tmp_path)
    with Foundation.open(load_settings(path), create=True) as at, at.store.write() as records:
        records.accounts.put(Account(id=MAIN, name="main", created=NOW))
        records.accounts.put(Account(id=TEAM, name="the team", created=NOW))
    return path


@pytest.fixture
def org(settings: Path) -> Org:
    """`tabard org …`: what it prints, or with `--json` what that says. It must succeed."""

    def run(*words: str | Path, **how: object) -> Any:
        done = tabard("org", *words, "--config", settings, **how)
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout) if "--json" in words else done.stdout

    return run


def records_of(settings: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (settings.parent / "audit.jsonl").read_text().splitlines()]


def document(settings: Path, text: str = DENY) -> Path:
    path = settings.parent / "policy.json"
    path.write_text(text)
    return path


def test_an_organisation_is_built_and_drawn(org: Org, settings: Path) -> None:
    created = org("create", "main", "--json")
    assert created["management_account"] == MAIN
    assert created["enabled_policy_types"] == []
    org("enable", "service-control")
    unit = org("units", "create", "prod", "--json")["unit_id"]
    inner = org("units", "create", "eu", "--under", "/prod").strip()
    org("accounts", "add", "the team", "--under", "/prod/eu")
    policy = org("policy", "create", "no-iam", document(settings), "--description", "why", "--json")
    org("attach", "no-iam", "/prod")

    picture = org("show")

    assert picture.splitlines() == [
        f"{created['organization_id']}   managed by {MAIN} main",
        "service-control policies count",
        "resource-control policies do not count",
        f"root  {created['root_id']}   [FullAWSAccess]",
        *tree(
            f"{{branch}}prod  {unit}   [FullAWSAccess, no-iam]",
            f"{{stem}}{{last}}eu  {inner}   [FullAWSAccess]",
            f"{{stem}}  {{last}}{TEAM} the team   [FullAWSAccess]",
            f"{{last}}{MAIN} main  (management)   [FullAWSAccess]",
            drawn=picture,
        ),
    ]
    told = org("show", "--json")
    assert told["enabled_policy_types"] == ["service-control"]
    assert told["root"]["units"][0]["units"][0]["accounts"][0]["name"] == "the team"
    assert {"id": policy["policy_id"], "name": "no-iam"} in told["root"]["units"][0]["policies"]
    assert [each["organization_id"] for each in org("list", "--json")] == [created["organization_id"]]
    assert MAIN in org("list")


def tree(*lines: str, drawn: str) -> list[str]:
    """The lines, drawn with the characters that this terminal knows."""
    marks = (
        {"branch": "├ ", "last": "└ ", "stem": "│ "} if "├" in drawn else {"branch": "|-", "last": "`-", "stem": "| "}
    )
    return [line.format(**marks) for line in lines]


def test_everything_can_be_changed_and_taken_back(org: Org, settings: Path) -> None:
    org("create", MAIN)
    org("enable", "service-control")
    org("enable", "resource-control", "--json")
    org("units", "create", "a")
    org("units", "rename", "/a", "b", "--json")
    org("accounts", "add", TEAM)
    org("accounts", "move", "the team", "/b", "--json")
    policy = org("policy", "create", "p", document(settings)).strip()
    guard = org("policy", "create", "g", "-", "--type", "resource-control", input=GUARD).strip()
    org("attach", policy, "root")
    org("attach", "g", "the team", "--json")
    listed = {each["policy_id"]: each for each in org("policy", "list", "--json")}
    assert {"p-FullAWSAccess", "p-RCPFullAWSAccess", policy, guard} == set(listed)
    assert listed[guard]["type"] == "resource-control"
    assert "attached 1 times" in org("policy", "list")
    assert org("policy", "show", "p") == DENY + "\n"
    shown_policy = org("policy", "show", "p", "--json")
    assert shown_policy["targets"] == [org("show", "--json")["root_id"]]
    org("policy", "update", "p", document(settings, DENY.replace("iam", "s3")), "--name", "q", "--json")
    org("policy", "update", "q", "--description", "because")
    assert json.loads(org("policy", "show", "q", "--json")["content"])["Statement"][0]["Action"] == "s3:*"
    org("detach", "q", "root", "--json")
    org("policy", "delete", "q", "--json")
    org("disable", "resource-control", "--yes")
    org("accounts", "move", "the team", "root")
    org("units", "delete", "/b", "--json")
    org("accounts", "remove", "the team", "--json")
    org("delete", "--yes", "--json")
    assert org("list", "--json") == []


def test_each_change_is_one_record_of_the_operator_and_reading_is_none(org: Org, settings: Path) -> None:
    org("create", "main")
    org("enable", "service-control")
    org("accounts", "add", "the team")
    org("show")
    org("policy", "list")
    made = records_of(settings)
    assert [each["eventName"] for each in made] == [
        "CreateOrganization",
        "EnablePolicyType",
        "AddAccountToOrganization",
    ]
    for record in made:
        assert record["userIdentity"]["type"] == "Operator"
        assert record["userIdentity"]["userName"]
        assert record["eventSource"] == "organizations.amazonaws.com"
        assert (record["readOnly"], record["recipientAccountId"]) == (False, MAIN)
    assert made[1]["requestParameters"]["policyType"] == "SERVICE_CONTROL_POLICY"
    assert made[2]["requestParameters"]["accountId"] == TEAM
    assert len({record["eventID"] for record in made}) == 3


def test_what_cannot_be_recorded_does_not_happen(org: Org, settings: Path) -> None:
    org("create", "main")
    text = settings.read_text()
    settings.write_text(text.replace("audit.jsonl", "/dev/full"))
    refused(
        tabard("org", "units", "create", "u", "--config", settings),
        "nothing was changed, for it could not be recorded",
        "No space left on device",
    )
    settings.write_text(text)
    assert org("show", "--json")["root"]["units"] == []


def test_what_could_lock_people_out_is_asked_first(org: Org, settings: Path) -> None:
    org("create", "main")
    org("enable", "service-control")
    org("accounts", "add", "the team")
    org("policy", "create", "allow", document(settings, DENY.replace("Deny", "Allow")))
    org("attach", "allow", "root")
    for words in (
        ("detach", "FullAWSAccess", "root"),
        ("disable", "service-control"),
        ("delete",),
    ):
        before = org("show")
        asked = tabard("org", *words, "--config", settings, input="n\n")
        assert asked.exit_code == 1
        assert "Go on? [y/N]" in asked.stderr
        assert org("show") == before
    assert (
        "1 account may do only what other policies there allow"
        in tabard("org", "detach", "FullAWSAccess", "root", "--config", settings, input="y\n").stderr
    )
    assert [each["name"] for each in org("show", "--json")["root"]["policies"]] == ["allow"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("units", "create", "a"), "An OU with the same name already exists."),
        (("units", "delete", "/nowhere"), "there is no unit `/nowhere`; `tabard org show` shows them all"),
        (("units", "delete", "ou-aaaaaaaaaa-aaaaaaaaaa"), "You specified an organizational unit that doesn't exist."),
        (("accounts", "add", "nobody"), "there is no account `nobody`; `tabard account list` shows all"),
        (("accounts", "remove", "main"), "You can't remove a management account"),
        (("accounts", "move", "the team", "/a"), "You specified an account that doesn't exist."),
        (("attach", "nothing", "root"), "there is no policy `nothing`; `tabard org policy list` lists them all"),
        (("attach", "FullAWSAccess", "root"), "This operation can be performed only for enabled policy types."),
        (("disable", "service-control", "--yes"), "This operation can be performed only for enabled policy types."),
        (("policy", "update", "FullAWSAccess"), "there is nothing to change; give a file, --name or --description"),
        (("policy", "delete", "FullAWSAccess"), "managed by AWS and can't be modified"),
        (("show", "--org", "o-nonsense00"), "there is no organisation `o-nonsense00`; `tabard org list`"),
        (("create", "main"), "The provided account is already a member of an organization."),
        (("create", "nobody"), "there is no account `nobody`"),
    ],
)
def test_what_is_wrong_is_one_line_that_says_what_to_do(org: Org, settings: Path, words: Any, text: str) -> None:
    org("create", "main")
    org("units", "create", "a")
    refused(tabard("org", *words, "--config", settings), text)


def test_a_refused_document_is_told_with_its_place(org: Org, settings: Path) -> None:
    org("create", "main")
    for text, place in (
        (GUARD, "Statement[0].Principal (policy.principal.prohibited)"),
        ("{", "The whole document (policy.json.syntax)"),
    ):
        done = tabard("org", "policy", "create", "p", document(settings, text), "--config", settings)
        refused(done, "does not meet the requirements of the specified policy type", place)
    (settings.parent / "latin").write_bytes(b"\xff")
    assert tabard("org", "policy", "create", "p", settings.parent / "latin", "--config", settings).exit_code == 2


def test_of_several_organisations_one_must_be_named(org: Org, settings: Path) -> None:
    refused(tabard("org", "show", "--config", settings), "there is no organisation yet; `tabard org create ACCOUNT`")
    first = org("create", "main", "--json")["organization_id"]
    org("create", "the team")
    refused(tabard("org", "show", "--config", settings), "the store has several organisations; say which with --org")
    assert first in org("show", "--org", first)
    assert TEAM in org("show", "--org", TEAM)


def test_names_cannot_write_on_the_terminal(org: Org, settings: Path) -> None:
    assert escaped("a\x1b[31m\u202eb é 名") == "a\\x1b[31m\\u202eb é 名"
    org("create", "main")
    org("units", "create", "a\nb")
    assert "a\\nb" in org("show")
    refused(tabard("org", "units", "create", "\x1b[2J", "--config", settings), "does not match the required pattern")


def test_a_policy_is_not_taken_for_another_by_being_called_like_it(org: Org, settings: Path) -> None:
    org("create", "main")
    real = org("policy", "create", "z", document(settings)).strip()
    org("policy", "create", real, document(settings, DENY.replace("iam", "s3")))
    org("policy", "create", "p-FullAWSAccess", document(settings))
    assert org("policy", "show", real, "--json")["name"] == "z"
    assert org("policy", "show", "p-FullAWSAccess", "--json")["name"] == "FullAWSAccess"


def test_a_store_of_before_organisations_is_opened_as_it_is(org: Org, settings: Path) -> None:
    with sqlite3.connect(settings.parent / "tabard.db") as database:
        revision = database.execute("SELECT version_num FROM tabard_schema").fetchone()
    org("create", "main")
    with sqlite3.connect(settings.parent / "tabard.db") as database:
        assert database.execute("SELECT version_num FROM tabard_schema").fetchone() == revision


@pytest.mark.parametrize("hint", NEXT.values())
def test_the_command_that_a_refusal_names_is_there(hint: str) -> None:
    words = [word for word in re.findall(r"`tabard ([^`]+)`", hint)[0].split() if word.islower()]
    assert tabard(*words, "--help").exit_code == 0


def test_a_refusal_says_which_command_helps_on(org: Org, settings: Path) -> None:
    org("create", "main")
    done = tabard("org", "attach", "FullAWSAccess", "root", "--config", settings)
    refused(done, "only for enabled policy types. `tabard org enable TYPE` lets it count.")


def test_a_document_is_printed_so_that_no_terminal_obeys_it_and_it_says_the_same(org: Org, tmp_path: Path) -> None:
    org("create", "main")
    hostile = tmp_path / "hostile.json"
    arn = "arn:aws:s3:::a\x9b31m\u202e\U000e0001"
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:x", "Resource": arn}}
    hostile.write_text(json.dumps(document, ensure_ascii=False, indent="\t").replace("\n", "\r\n", 1))
    org("policy", "create", "hostile", hostile)

    printed = tabard("org", "policy", "show", "hostile", "--config", tmp_path / "tabard.toml").stdout

    assert printed.replace("\n", "").replace("\t", "").isprintable()
    assert json.loads(printed) == document
