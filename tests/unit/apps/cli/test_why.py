"""`tabard why`: what the tree says, and what leads to it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tabard.adapters.stores.memory import MemoryStore
from tabard.apps.cli.why import ASCII, UNICODE, find, lines, marks_of
from tabard.directory.denials import Denial, JudgedAsk
from tabard.policy.decide import Layer, Outcome
from tabard.policy.document import Effect
from tabard.policy.explain import Effected, Element, LayerReport, Mismatch, Report, StatementReport
from tests.worlds import NOW

OWNER = "arn:aws:iam::111122223333:role/reader"
ID = "01m8bzk706nsd1yacr69ptwpfr"
REQUEST = "ec413e0e-e43e-4b29-80ed-2ed1c32a799f"
KEY = "AKIA5EA4NINUHK6XOTE2"


def statement(*mismatches: Mismatch, effect: Effect = Effect.ALLOW, sid: str | None = None, index: int = 0):
    return StatementReport(policy=f"{OWNER}#policy/own", index=index, effect=effect, sid=sid, mismatches=mismatches)


def denial(*layers: LayerReport, outcome: Outcome = Outcome.IMPLICIT_DENY, layer: Layer = Layer.IDENTITY, **fields):
    report = Report(outcome=outcome, layer=layer, layers=layers, **fields)
    return Denial(
        id=ID,
        at=NOW,
        request_id=REQUEST,
        account="111122223333",
        principal="arn:aws:sts::111122223333:assumed-role/reader/ana",
        principal_id="AROA",
        access_key_id=KEY,
        event=("iam.amazonaws.com", "ListUsers"),
        message="no",
        context={"aws:sourceip": "192.0.2.7"},
        asked=(JudgedAsk(action="iam:ListUsers", resource="*", resource_account="111122223333", report=report),),
    )


TAG = Mismatch(
    element=Element.CONDITION,
    operator="StringEquals",
    key="aws:PrincipalTag/Team",
    wanted=("risk",),
    received=("Risk",),
)
ABSENT = msgspec.structs.replace(TAG, received=None, wanted=("risk", "audit"))
ACTION = Mismatch(element=Element.ACTION, wanted=("iam:GetUser",), received=("iam:ListUsers",))


def tree(found: Denial) -> str:
    return "\n".join(lines(found, UNICODE))


def test_the_tree_names_every_layer_with_its_state_and_the_statement_that_came_nearest() -> None:
    found = denial(
        LayerReport(layer=Layer.SERVICE_CONTROL, effect=Effected.ALLOW, target="arn:aws:organizations::1:root/o-a/r-b"),
        LayerReport(
            layer=Layer.IDENTITY,
            effect=Effected.IMPLICIT_DENY,
            statements=(statement(TAG, sid="hr"), statement(ACTION, index=1)),
            omitted=2,
        ),
        LayerReport(layer=Layer.BOUNDARY, effect=Effected.NO_IMPACT),
    )
    assert (
        tree(found)
        == f"""\
✕ iam:ListUsers on *   ana   implicit deny
  2026-11-24T12:00:00Z   from 192.0.2.7   arn:aws:sts::111122223333:assumed-role/reader/ana   key {KEY}
  authorization id {ID}   request id {REQUEST}
  In one sentence: no identity-based policy allows iam:ListUsers; nearest comes statement `hr` of own, which wants \
StringEquals aws:PrincipalTag/Team `risk`, and it is `Risk`.
  ├ ✓ service control policy of r-b               allows
  ├ ✕ identity-based policy                       no statement allows
  │   └ own, statement "hr" (Allow)
  │       StringEquals aws:PrincipalTag/Team
  │         wanted  risk
  │         got     Risk
  │                 ^ differs only in case
  │     and 3 more statements that did not apply
  └ · permissions boundary                        not needed"""
    )


def test_policies_that_say_nothing_of_the_action_are_named() -> None:
    silent = LayerReport(
        layer=Layer.IDENTITY,
        effect=Effected.IMPLICIT_DENY,
        policies=(f"{OWNER}#policy/own", "arn:aws:iam::111122223333:policy/team"),
        statements=(statement(ACTION),),
    )
    none = LayerReport(layer=Layer.BOUNDARY, effect=Effected.IMPLICIT_DENY)

    told = tree(denial(silent, none))

    assert "  │     1 statement of own, team did not apply" in told.splitlines()
    assert told.endswith("there is no policy")


def test_an_absent_key_is_told_in_the_sentence_the_tree_and_at_the_end() -> None:
    near = LayerReport(layer=Layer.IDENTITY, effect=Effected.IMPLICIT_DENY, statements=(statement(ABSENT),))
    text = tree(denial(near, missing=("aws:PrincipalTag/Team",)))
    assert "which wants StringEquals aws:PrincipalTag/Team `risk` or `audit`, and it is absent." in text
    assert "got     (absent)" in text
    assert text.endswith("Not in the request: aws:PrincipalTag/Team")


def test_a_denial_is_named_and_permissions_beside_it_are_not() -> None:
    layer = LayerReport(
        layer=Layer.BOUNDARY,
        effect=Effected.EXPLICIT_DENY,
        statements=(statement(effect=Effect.DENY, sid="never"), statement(sid="all", index=1)),
    )
    text = tree(denial(layer, outcome=Outcome.EXPLICIT_DENY, layer=Layer.BOUNDARY))
    assert "explicit deny" in text.splitlines()[0]
    assert "In one sentence: statement `never` of own denies it." in text
    assert 'own, statement "never" (Deny)' in text
    assert '"all"' not in text


def test_where_two_texts_part_is_pointed_at() -> None:
    ref = Mismatch(
        element=Element.CONDITION,
        operator="StringEquals",
        key="x:sub",
        wanted=("repo:corp/app:ref",),
        received=("repo:corp/app:pull",),
    )
    near = LayerReport(layer=Layer.IDENTITY, effect=Effected.IMPLICIT_DENY, statements=(statement(ref),))
    found = tree(denial(near)).splitlines()
    got = next(line for line in found if "got" in line)
    caret = found[found.index(got) + 1]
    assert caret.index("^") == got.index("pull")
    assert caret.endswith("^ differs from here")


def test_questions_that_were_answered_yes_before_are_told() -> None:
    one = denial(LayerReport(layer=Layer.IDENTITY, effect=Effected.IMPLICIT_DENY))
    allowed = msgspec.structs.replace(one.asked[0], action="iam:CreateUser", report=Report(outcome=Outcome.ALLOWED))
    assert "✓ iam:CreateUser was allowed before" in tree(msgspec.structs.replace(one, asked=(allowed, *one.asked)))


def test_an_error_while_evaluating_is_told() -> None:
    report = Report(outcome=Outcome.EXPLICIT_DENY, error="ValueError: x")
    one = denial()
    broken = msgspec.structs.replace(one, asked=(msgspec.structs.replace(one.asked[0], report=report),))
    assert "a policy could not be evaluated (ValueError: x), so the request is denied." in tree(broken)


@pytest.mark.parametrize(
    ("encoding", "environment", "marks"),
    [
        ("utf-8", {}, UNICODE),
        ("UTF8", {"TERM": "xterm"}, UNICODE),
        ("ascii", {}, ASCII),
        ("iso8859-1", {}, ASCII),
        ("utf-8", {"TERM": "dumb"}, ASCII),
    ],
)
def test_what_a_terminal_cannot_show_is_drawn_in_ascii(encoding, environment, marks) -> None:
    assert marks_of(environment, encoding) is marks


def test_ascii_is_ascii() -> None:
    near = LayerReport(layer=Layer.IDENTITY, effect=Effected.IMPLICIT_DENY, statements=(statement(TAG),))
    assert "\n".join(lines(denial(near), ASCII)).isascii()


def test_an_id_is_found_in_whatever_holds_it() -> None:
    store = MemoryStore()
    found = denial()
    with store.write() as records:
        records.denials.put(found)
    with store.read() as records:
        for text in (
            ID,
            REQUEST,
            KEY,
            f"An error occurred (AccessDenied) … Run `tabard why {ID}` for complete details",
            f'"RequestId": "{REQUEST}"',
            f"key {KEY} is mine",
        ):
            assert find(records, text) == found
        for text in ("", "nothing", ID[:-1] + "0", KEY[:-1] + "A", "01m8bzk706nsd1yacr69ptwpf"):
            assert find(records, text) is None


def run(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tabard", *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def test_the_command_exits_with_3_where_it_was_denied_and_1_where_nothing_is_known(tmp_path: Path) -> None:
    from tabard.apps.config import dev_settings
    from tabard.apps.wiring import Foundation

    with Foundation.open(dev_settings(tmp_path, port=0), create=True) as at, at.store.write() as records:
        records.denials.put(denial(LayerReport(layer=Layer.IDENTITY, effect=Effected.IMPLICIT_DENY)))

    told = run("why", ID, data=tmp_path)
    assert (told.returncode, told.stderr) == (3, "")
    assert told.stdout.startswith("✕ iam:ListUsers on *   ana   implicit deny\n")
    as_json = run("why", KEY, "--json", data=tmp_path)
    assert as_json.returncode == 3
    assert json.loads(as_json.stdout)["id"] == ID
    nothing = run("why", "unkn\x9bown", data=tmp_path)
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr.startswith("tabard: nothing is known of `unkn?own`; give the authorization id")


def test_a_client_writes_nothing_on_the_operators_terminal(tmp_path: Path) -> None:
    from tabard.apps.config import dev_settings
    from tabard.apps.wiring import Foundation

    evil = msgspec.structs.replace(TAG, key="aws:UserAgent", received=("Ri\x9b31mEVIL\u202e",))
    layer = LayerReport(layer=Layer.IDENTITY, effect=Effected.IMPLICIT_DENY, statements=(statement(evil),))
    with Foundation.open(dev_settings(tmp_path, port=0), create=True) as at, at.store.write() as records:
        records.denials.put(denial(layer))

    assert "Ri?31mEVIL?" in run("why", ID, data=tmp_path).stdout
    for words in (("why", ID), ("why", ID, "--json")):
        told = run(*words, data=tmp_path).stdout
        assert "EVIL" in told
        assert told.replace("\n", "").isprintable()
