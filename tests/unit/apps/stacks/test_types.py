"""Every type: made, as it should be, changed, as it should be again, and taken away; by vectors."""

import json
from pathlib import Path
from typing import Any

import pytest

from tabard.adapters.stores.sqlite import open_sqlite
from tabard.templates.plan import Action
from tabard.templates.properties import Kind
from tabard.templates.resource_types import RESOURCE_TYPES
from tests import saml
from tests.unit.apps.stacks.stage import TRUST, Stage, actions, differing
from tests.worlds import OTHER_ACCOUNT, trust

CASES = json.loads((Path(__file__).parents[3] / "vectors/templates/types.json").read_text())["cases"]
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
DOCUMENTS = {
    "@ALLOW": ALLOW,
    "@DENY": DENY,
    "@ALLOWTEXT": json.dumps(ALLOW, indent=4),
    "@TRUST": json.loads(TRUST),
    "@TRUST2": json.loads(trust(OTHER_ACCOUNT)),
    "@SAML": saml.metadata(),
    "@SAML2": saml.metadata(entity=' entityID="https://idp.example.test/other"'),
    "@PEM": saml.pem(saml.rsa_key()),
    "@PEM2": saml.pem(saml.rsa_key(3072)),
}


def template(case: dict[str, Any], properties: dict[str, Any]) -> str:
    """The case's template, with the documents in their places."""
    shown = json.dumps(properties)
    around = case.get("around", "")
    for name in sorted(DOCUMENTS, reverse=True):
        shown = shown.replace(f'"{name}"', json.dumps(DOCUMENTS[name]))
        around = around.replace(name, json.dumps(DOCUMENTS[name]))
    return f"Resources:\n  X: {{Type: AWS::IAM::{case['type']}, Properties: {shown}}}\n  {around}\n"


def require_whole(case: dict[str, Any], stage: Stage) -> None:
    first, then = template(case, case["first"]), template(case, case["then"])
    before = stage.contents()

    stage.apply(first)
    assert set(actions(stage.plan(first)).values()) == {Action.NONE}
    plan = stage.plan(then)
    assert actions(plan)["X"] == case["action"]
    assert differing(plan, "X") == case["changed"]
    stage.apply(then)
    assert set(actions(stage.plan(then)).values()) == {Action.NONE}
    assert [each.logical_id for each in stage.plan("Resources: {}").left]
    stage.apply("Resources: {}", prune=True)

    assert stage.contents() == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_resource_from_its_making_to_its_end(case: dict[str, Any]) -> None:
    require_whole(case, Stage())


def test_the_same_in_sqlite(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "tabard.db", create=True)
    try:
        stage = Stage(store)
        for case in CASES:
            require_whole(case, stage)
    finally:
        store.close()


def test_every_type_and_every_property_has_its_vector() -> None:
    tried = {(f"AWS::IAM::{case['type']}", name) for case in CASES for name in (*case["first"], *case["then"])}
    wanted = {
        (kind.name, name) for kind in RESOURCE_TYPES.values() for name, each in kind.properties.items() if not each.told
    }
    # A name that is given and changed is tried with one type that is named so.
    untried = {name for kind, name in wanted - tried}
    assert untried <= {"GroupName", "InstanceProfileName", "ManagedPolicyName", "RemovePrivateKey", "Path"}
    assert {kind for kind, _ in wanted} == {kind for kind, _ in tried}


@pytest.mark.parametrize("kind", RESOURCE_TYPES.values(), ids=lambda kind: kind.short)
def test_what_replaces_may_not_be_secret(kind: Any) -> None:
    for name, each in kind.properties.items():
        assert each.open or not each.replaces or (kind.short, name) == ("ManagedPolicy", "Description")
        assert not (each.hidden and each.kind is not Kind.TEXT)
