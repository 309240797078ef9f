"""Every fault has a code, and every code is one that AWS has."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import tabard
from tabard.faults import Fault
from tabard.wire.faults import CODES, JSON_CODES, REST_CODES, answer_to, json_answer_to, rest_answer_to
from tabard.wire.model import service_model

COMMON = {
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "IncompleteSignature": 400,
    "InvalidAction": 400,
    "InvalidClientTokenId": 403,
    "InvalidParameterValue": 400,
    "MalformedInput": 400,
    "MissingAuthenticationToken": 403,
    "SignatureDoesNotMatch": 403,
    "Throttling": 400,
    "UnsupportedOperation": 400,
    "ValidationError": 400,
}
"""Codes that every service of AWS with the query protocol answers with and no model lists."""
COMMON_IN_JSON = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "UnknownOperationException",
    "UnrecognizedClientException",
}
"""The same with the JSON protocol."""


def all_faults(root: type[Fault] = Fault) -> Iterator[type[Fault]]:
    for module in pkgutil.walk_packages(tabard.__path__, "tabard."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    yield from _below(root)


def _below(root: type[Fault]) -> Iterator[type[Fault]]:
    for kind in root.__subclasses__():
        if kind.__module__.startswith("tabard."):
            yield kind
            yield from _below(kind)


def test_every_fault_has_a_code_of_its_own_or_of_its_family() -> None:
    kinds = list(all_faults())
    assert len(kinds) > 20
    for kind in kinds:
        assert any(base in CODES for base in kind.__mro__), kind
        assert any(base in JSON_CODES for base in kind.__mro__), kind
        assert any(base in REST_CODES for base in kind.__mro__), kind


@pytest.mark.parametrize(("code", "status"), sorted(set(CODES.values())))
def test_every_code_and_status_is_aws_s(code: str, status: int) -> None:
    modelled = service_model("sts").errors | service_model("iam").errors
    assert status == {**COMMON, **modelled}[code]


@pytest.mark.parametrize("code", sorted(set(JSON_CODES.values())))
def test_every_code_of_the_json_protocol_is_aws_s(code: str) -> None:
    assert code in COMMON_IN_JSON | set(service_model("organizations").errors)


@pytest.mark.parametrize("kind", [kind for kind in JSON_CODES if issubclass(kind, Fault)])
def test_a_fault_tells_its_text_and_no_reason_in_json_either(kind: type[Fault]) -> None:
    more = {"rule": "RULE"} if "rule" in kind.__init__.__annotations__ else {"reason": "secret.reason"}
    fault = kind("told", **more)
    fault.detail = {"key": "secret"}
    answer = json_answer_to(fault)
    assert (answer.code, answer.status) == (JSON_CODES[kind], 400)
    assert b"told" in answer.render_json()
    assert b"secret" not in answer.render_json()


@pytest.mark.parametrize("kind", [kind for kind in REST_CODES if issubclass(kind, Fault)])
def test_a_fault_tells_its_text_and_no_reason_over_rest_either(kind: type[Fault]) -> None:
    answer = rest_answer_to(kind("told", reason="secret.reason", detail={"key": "secret"}))
    assert (answer.code, answer.status) == REST_CODES[kind]
    assert answer.message == "told"


@pytest.mark.parametrize("kind", [kind for kind in CODES if issubclass(kind, Fault)])
def test_a_fault_tells_its_public_text_and_nothing_else(kind: type[Fault]) -> None:
    answer = answer_to(kind("told", reason="secret.reason", detail={"key": "secret"}), None)
    assert (answer.code, answer.status) == CODES[kind]
    for rendered in (answer.render("id"), answer.render("id", as_json=True)):
        assert b"told" in rendered
        assert b"secret" not in rendered
