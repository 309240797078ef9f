"""Every refusal of users, groups and roles, with AWS's text where it is known; and what may be done twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from tabard import faults
from tests.unit.actions.iam.scripts import ROWS, play, played
from tests.worlds import refused

VECTORS = Path(__file__).parents[3] / "vectors" / "actions" / "iam"
REFUSALS = json.loads((VECTORS / "refusals.json").read_text())
IDEMPOTENCE = json.loads((VECTORS / "idempotence.json").read_text())


def by_name(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", by_name(REFUSALS))
def test_a_refusal_has_its_text_and_changes_nothing(case):
    world = played(*case["given"])
    before = world.store.revision()
    with refused(getattr(faults, case["fault"]), case["message"], case["reason"]):
        play(world, *case["when"])
    assert world.store.revision() == before


@pytest.mark.parametrize("case", by_name(IDEMPOTENCE))
def test_what_is_done_twice_is_silent_or_refused(case):
    world = played(*case["given"])
    play(world, *case["when"])
    if case["fault"] is None:
        play(world, *case["when"])
        return
    with refused(getattr(faults, case["fault"]), case["message"]):
        play(world, *case["when"])


def test_every_write_that_names_an_entity_has_a_vector():
    provoked = {case["when"][0] for case in REFUSALS}
    assert [name for name, action in ROWS.items() if action.writes and name not in provoked] == []


def test_every_name_is_given_once():
    names = [case["name"] for case in REFUSALS + IDEMPOTENCE]
    assert len(names) == len(set(names))
