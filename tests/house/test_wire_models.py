"""The shapes that are committed are those of the installed botocore, and all of them can be used."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from tabard.wire.codec import compile_operation
from tabard.wire.json_protocol import compile_json_operation
from tabard.wire.model import OperationModel, ServiceName, Shape, service_model
from tabard.wire.patterns import compile_pattern
from tabard.wire.query import MAXIMUM_DEPTH, MAXIMUM_NAME

ROOT = Path(__file__).parents[2]
SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)
OPERATIONS = [
    pytest.param(operation, id=operation.name)
    for service in SERVICES
    for operation in service_model(service).operations.values()
]


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("models", ROOT / "dev/models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("service", SERVICES)
def test_committed_shapes_are_those_of_the_installed_botocore(made: ModuleType, service: str) -> None:
    """Run `make models` when this fails, and read what has changed."""
    committed = (ROOT / f"src/tabard/wire/models/{service}.json").read_text(encoding="utf-8")
    assert committed == made.render(service)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_can_be_read_and_answered(operation: OperationModel) -> None:
    compile_json_operation(operation) if service_model(operation.service).target else compile_operation(operation)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_legal_name_of_a_parameter_is_within_the_limits(operation: OperationModel) -> None:
    names = list(parameter_names(operation.input)) if operation.input else []
    assert all(name.count(".") <= MAXIMUM_DEPTH and len(name) <= MAXIMUM_NAME for name in names)


def test_every_pattern_takes_linear_time() -> None:
    """A pattern of the models that repeats inside a repetition would hold a worker (attack D04)."""
    patterns = {
        shape.pattern
        for operation in OPERATIONS
        for shape in shapes_of(operation.values[0].input)
        if shape.pattern is not None
    }
    assert len(patterns) > 20
    for pattern in patterns:
        for unit in ("a", "/a", "-", "1.", "//", " ", "a-", "/", "0"):
            # An exponential or quadratic match of 100 000 characters would meet the test's time limit.
            compile_pattern(pattern).fullmatch(unit * 50_000 + "\x00")


def shapes_of(shape: Shape | None) -> Iterator[Shape]:
    if shape is not None:
        yield shape
        for part in (*shape.members.values(), shape.member, shape.key, shape.value):
            yield from shapes_of(part)


def parameter_names(shape: Shape) -> Iterator[str]:
    if shape.member is not None:
        yield from (f".member.999{name}" for name in parameter_names(shape.member))
    elif shape.value is not None:
        yield from (f".entry.999.value{name}" for name in parameter_names(shape.value))
    elif shape.members:
        for member, inner in shape.members.items():
            yield from (f".{member}{name}" for name in parameter_names(inner))
    else:
        yield ""
