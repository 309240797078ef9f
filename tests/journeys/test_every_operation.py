"""All operations of all services, through boto3: what is built answers, what is not says so, and nothing is a 500.

The parameters are made from botocore's own models: the fewest that are valid, and then all there are.
"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED, xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.session import Session

from tabard.apps.pipeline import table
from tabard.wire.model import service_model
from tests.journeys.conftest import House, allow, document, running

COMMON = {"AccessDenied", "ValidationError", "InvalidParameterValue"}
"""Codes that AWS lists for all operations ("Common errors") and that these calls may meet."""
UNBUILT = {
    "sts": "UnsupportedOperation",
    "iam": "UnsupportedOperation",
    "organizations": "UnsupportedAPIEndpointException",
}
IN_JSON = {"httpStatusCode": 400}
"""What the models of services with the JSON protocol leave unsaid."""
UNSIGNED_OPERATIONS = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
BUILT = frozenset(table())
LOADER = Session()
SERVICES = ("sts", "iam", "organizations")
OPERATIONS = [
    pytest.param(service, name, id=f"{service}:{name}")
    for service in SERVICES
    for name in LOADER.get_service_model(service).operation_names
]
TEXTS = (
    "name",
    "123456",
    "arn:aws:iam::111122223333:policy/name",
    "arn:aws:iam::111122223333:mfa/name",
    "/path/",
    "v1",
    "AKIAIOSFODNN7EXAMPLE",
    "example.test",
    "0123456789abcdef0123456789abcdef01234567",
    "2026-11-24",
    "a" * 64,
    "123456789012",
    *(
        "o-aaaaaaaaaa",
        "r-aaaa",
        "ou-aaaa-aaaaaaaa",
        "p-aaaaaaaa",
        "rp-aaaa",
        "h-aaaaaaaa",
        "rt-aaaaaaaa",
        "car-aaaaaaaa",
    ),
    "a@example.org",
)


@pytest.fixture(scope="module")
def own_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server of its own: these calls change the caller's account."""
    with running(tmp_path_factory.mktemp("every")) as house:
        yield house


def operation(service: str, name: str) -> OperationModel:
    return LOADER.get_service_model(service).operation_model(name)


def parameters(shape: Shape | None, *, whole: bool, name: str = "") -> Any:
    """A value of this shape that the client lets pass; with `whole`, no optional member is left out."""
    match shape:
        case None:
            return {}
        case StructureShape():
            return {
                member: parameters(inner, whole=whole, name=member)
                for member, inner in shape.members.items()
                if whole or member in shape.required_members
            }
        case ListShape():
            return [parameters(shape.member, whole=whole, name=name)] * max(1, shape.metadata.get("min", 1))
        case MapShape():
            return {parameters(shape.key, whole=whole): parameters(shape.value, whole=whole)}
    match shape.type_name:
        case "boolean":
            return False
        case "integer" | "long":
            return shape.metadata.get("min", 1) or 1
        case "timestamp":
            return dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
        case "blob":
            return b"bytes"
    return text(shape, name)


def text(shape: Shape, name: str) -> str:
    if shape.metadata.get("enum"):
        return str(shape.metadata["enum"][0])
    if "PolicyDocument" in name or name == "Policy":
        return document(allow("*"))
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10_000)
    pattern = shape.metadata.get("pattern")
    for candidate in (*TEXTS, "x" * least):
        fits = least <= len(candidate) <= most
        if fits and (pattern is None or re.fullmatch(java(pattern), candidate)):
            return candidate
    return "x" * max(least, 1)


def java(pattern: str) -> str:
    return re.sub(r"\\p\{[A-Z]\}", r"\\w", pattern.replace(r"\u10000-\u10FFFF", ""))


def call(house: House, service: str, name: str, given: dict[str, Any], **how: Any) -> tuple[int, str, str]:
    """Status, code and message of the answer; no code when it succeeded."""
    try:
        answer = getattr(house.client(service, parameter_validation=False, **how), xform_name(name))(**given)
    except ClientError as error:
        told = error.response["Error"]
        return error.response["ResponseMetadata"]["HTTPStatusCode"], told["Code"], told["Message"]
    return answer["ResponseMetadata"]["HTTPStatusCode"], "", ""


def test_these_are_all_operations_that_a_client_knows() -> None:
    assert len(OPERATIONS) >= 250
    assert len(BUILT) > 80
    for service in SERVICES:
        assert set(service_model(service).operations) == set(LOADER.get_service_model(service).operation_names)


@pytest.mark.parametrize("whole", [False, True], ids=["fewest", "all"])
@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_operation_answers_in_its_models_words_or_says_that_it_is_not_built(
    own_house: House, service: str, name: str, whole: bool
) -> None:
    model = operation(service, name)
    given = parameters(model.input_shape, whole=whole)

    status, code, message = call(own_house, service, name, given)

    if (service, name) not in BUILT:
        assert (status, code) == (400, UNBUILT[service])
        assert message.startswith(f"{name} is not implemented by Tabard yet")
        return
    modelled = {
        shape.error_code: shape.metadata.get("error", IN_JSON)["httpStatusCode"] for shape in model.error_shapes
    }
    assert code == "" or code in modelled or code in COMMON, message
    assert status == (200 if code == "" else modelled.get(code, 403 if code == "AccessDenied" else 400))


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_without_a_signature_nothing_is_answered(own_house: House, service: str, name: str) -> None:
    given = parameters(operation(service, name).input_shape, whole=False)

    status, code, _ = call(own_house, service, name, given, signature_version=UNSIGNED)

    if name in UNSIGNED_OPERATIONS:
        assert (status, code) == (400, "UnsupportedOperation")
    elif service == "organizations":
        assert (status, code) == (400, "MissingAuthenticationTokenException")
    else:
        assert (status, code) == (403, "MissingAuthenticationToken")
