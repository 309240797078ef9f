"""Calls by AWS's operation names, and the refusals of a vector played on a small world."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tabard import faults
from tabard.actions.desk import Action, Caller
from tabard.actions.iam import ACTIONS
from tabard.actions.iam_shapes import Tag
from tabard.federation.saml.metadata import MalformedMetadata
from tests.saml import metadata
from tests.worlds import World, refused

ROWS: Mapping[str, Action] = MappingProxyType({action.name: action for action in ACTIONS})
FAULTS: Mapping[str, type[faults.Fault]] = MappingProxyType({**vars(faults), "MalformedMetadata": MalformedMetadata})
VECTORS = Path(__file__).parents[3] / "vectors" / "actions" / "iam"


def request(operation: str, **parameters: Any) -> Any:
    """The operation's request. Tags may be given as a mapping, lists become tuples, metadata may be left out."""
    if operation == "CreateSAMLProvider":
        parameters.setdefault("saml_metadata_document", metadata())
    if "tags" in parameters:
        parameters["tags"] = tuple(Tag(key, value) for key, value in parameters["tags"].items())
    lists = {name: tuple(value) for name, value in parameters.items() if isinstance(value, list)}
    return ROWS[operation].request(**{**parameters, **lists})


def call(world: World, operation: str, *, caller: Caller | None = None, **parameters: Any) -> Any:
    """What the operation answers; root calls unless a caller is given."""
    return world.call(ROWS[operation].handle, request(operation, **parameters), caller=caller)


def asked(world: World, operation: str, *, caller: Caller | None = None, **parameters: Any) -> list[tuple[str, str]]:
    """Action and resource of every question that the operation puts."""
    asks = world.asks(ROWS[operation], request(operation, **parameters), caller=caller)
    return [(ask.action, ask.resource) for ask in asks]


def every_page(world: World, operation: str, *, max_items: int, **parameters: Any) -> list[Any]:
    """All answers of a paginated operation, first to last."""
    answers = [call(world, operation, max_items=max_items, **parameters)]
    while answers[-1].is_truncated:
        answers.append(call(world, operation, max_items=max_items, marker=answers[-1].marker, **parameters))
    return answers


def present(shape: Any) -> set[str]:
    """The members that an answer carries."""
    return {field.name for field in fields(shape) if getattr(shape, field.name) is not None}


def refusals(noun: str) -> list[Any]:
    """The cases of `vectors/actions/iam/<noun>.json`."""
    return [pytest.param(case, id=case["name"]) for case in json.loads((VECTORS / f"{noun}.json").read_text())]


def play_refusal(world: World, case: Mapping[str, Any]) -> None:
    """The steps of `given` work, `when` is refused as the case says, and the refusal changed nothing."""
    for operation, parameters in case["given"]:
        call(world, operation, **parameters)
    before = world.store.revision()
    operation, parameters = case["when"]
    with refused(FAULTS[case["fault"]], case["message"], case["reason"]):
        call(world, operation, **parameters)
    assert world.store.revision() == before
