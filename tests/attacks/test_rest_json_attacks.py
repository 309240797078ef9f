"""The REST protocol (IAM Toolbox) against malformed, ambiguous and oversized requests, with valid controls."""

import json
from typing import Any

import pytest

from tabard.actions.iam_toolbox import ACTIONS
from tabard.apps.http import HTTPResponse
from tabard.faults import Malformed
from tabard.wire.rest_json import OPERATIONS, UnknownRoute, UnreadableQuery, compile_rest_operation, read_route
from tests.houses import in_process_house, signed

ID = "01m8c8288n5wyg2zwr3rk7q2sw"
PATH = f"/authorization-details/{ID}".encode()
DETAILS, POLICY = "GetRequestAuthorizationDetails", "GetRequestAuthorizationPolicy"


def test_the_controls_are_read() -> None:
    assert read_route(PATH, b"") == (DETAILS, {"authorizationId": ID})
    assert read_route(PATH + b"/policy", b"policyUri=arn%3Aa%2Bb+c") == (
        POLICY,
        {"authorizationId": ID, "policyUri": "arn:a+b c"},
    )


@pytest.mark.parametrize(
    "path",
    [
        b"/authorization-details/",
        b"/authorization-details/a/b",
        PATH + b"/",
        PATH + b"/policy/",
        PATH + b"/policy/x",
        b"/authorization-details//policy",
        b"//authorization-details/" + ID.encode(),
        b"/Authorization-Details/" + ID.encode(),
        b"/authorization-details/" + b"a" * 1025,
    ],
)
def test_another_path_names_no_operation(path: bytes) -> None:
    with pytest.raises(UnknownRoute):
        read_route(path, b"")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        pytest.param(PATH, b"policyUri=a&policyUri=b", id="twice"),
        pytest.param(PATH, b"policyUri", id="no value"),
        pytest.param(PATH, b"&".join(b"k%d=1" % n for n in range(11)), id="many"),
        pytest.param(PATH, b"policyUri=%ff", id="no UTF-8"),
        pytest.param(PATH, "policyUri=é".encode(), id="not encoded"),
        pytest.param(b"/authorization-details/%ff", b"", id="no UTF-8 in the path"),
    ],
)
def test_a_query_that_may_be_read_in_two_ways_is_not_read(path: bytes, query: bytes) -> None:
    with pytest.raises(UnreadableQuery):
        read_route(path, query)


def decode(operation: str, parameters: dict[str, str]) -> Any:
    action = next(action for action in ACTIONS if action.name == operation)
    assert action.response is not None
    return compile_rest_operation(OPERATIONS[operation], action.request, action.response).decode(parameters)


@pytest.mark.parametrize(
    ("operation", "parameters", "at"),
    [
        (DETAILS, {"authorizationId": "UPPER"}, "authorizationId"),
        (DETAILS, {"authorizationId": "../etc"}, "authorizationId"),
        (DETAILS, {"authorizationId": "a" * 257}, "authorizationId"),
        (DETAILS, {}, "authorizationId"),
        (POLICY, {"authorizationId": ID}, "policyUri"),
        (POLICY, {"authorizationId": ID, "policyUri": ""}, "policyUri"),
        (POLICY, {"authorizationId": ID, "policyUri": "x" * 2049}, "policyUri"),
    ],
)
def test_what_is_asked_for_is_held_to_the_model(operation: str, parameters: dict[str, str], at: str) -> None:
    assert decode(POLICY, {"authorizationId": ID, "policyUri": "arn"}).policy_uri == "arn"
    with pytest.raises(Malformed, match=at):
        decode(operation, parameters)


def told(answer: HTTPResponse) -> tuple[int, str]:
    assert set(json.loads(answer.body)) == {"message"}
    return answer.status, answer.headers["x-amzn-ErrorType"]


def test_an_unknown_id_is_not_found_and_a_body_is_refused() -> None:
    with in_process_house() as house:
        base = house.draft(b"", service="iam", key=house.root)
        asked = base.but(method="GET", path=PATH)
        assert told(house.answer(signed(asked))) == (404, "ResourceNotFoundException")
        with_body = house.draft(b"{}", service="iam", key=house.root).but(method="GET", path=PATH)
        assert told(house.answer(signed(with_body))) == (400, "ValidationException")
        elsewhere = base.but(method="GET", path=PATH + b"/other")
        assert told(house.answer(signed(elsewhere))) == (404, "UnknownOperationException")
