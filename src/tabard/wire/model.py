"""What AWS's own models of STS, IAM and Organizations say, loaded once and joined up.

The data in models/*.json is made from botocore by `make models`; models/corrections.json holds what the services
do and the models do not say: which texts are percent-encoded in answers (IAM API Reference, GetRole: "The policy
document is URL-encoded … RFC 3986"), whose refusals repeat the refused value, and in which order answers are
written where that is not the model's. Nothing here knows a single operation by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

ServiceName = Literal["sts", "iam", "organizations"]
Kind = Literal["structure", "list", "map", "string", "integer", "boolean", "blob", "timestamp"]

VERSIONS: Final[Mapping[str, ServiceName]] = {"2011-06-15": "sts", "2010-05-08": "iam"}
"""In the query protocol, the `Version` parameter chooses the service: all live at one endpoint."""
TARGETS: Final[Mapping[str, ServiceName]] = {"AWSOrganizationsV20161128": "organizations"}
"""In the JSON protocol, what stands before the operation in the header `X-Amz-Target` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape with the shapes it is made of. `members` are in the order in which answers write them."""

    name: str
    kind: Kind
    members: "Mapping[str, Shape]" = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    member: "Shape | None" = None
    key: "Shape | None" = None
    value: "Shape | None" = None
    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: frozenset[str] = frozenset()
    sensitive: bool = False
    percent_encoded: bool = False
    member_not_null: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationModel:
    """One operation. `errors` are the codes that the model lists for it, with their HTTP status."""

    name: str
    service: ServiceName
    version: str
    namespace: str
    input: Shape | None
    output: Shape | None
    result_wrapper: str
    errors: Mapping[str, int]
    signed: bool
    prints_values: bool
    """Whether a refusal repeats the value that it refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceModel:
    """One service. `errors` are all codes of its model, with their HTTP status.

    `namespace` is the XML of a service with the query protocol, `target` the prefix of one with the JSON protocol; each
    is empty for the other.
    """

    name: ServiceName
    version: str
    namespace: str
    target: str
    operations: Mapping[str, OperationModel]
    errors: Mapping[str, int]


@cache
def service_model(name: ServiceName) -> ServiceModel:
    """The model of one service. The first call reads it."""
    folder = files("tabard.wire") / "models"
    raw = msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=_Service)
    corrections = msgspec.json.decode((folder / "corrections.json").read_bytes(), type=dict[str, _Corrections])[name]
    shapes = _Shapes(raw.shapes, corrections)
    return ServiceModel(
        name=name,
        version=raw.version,
        namespace=raw.namespace,
        target=raw.target,
        errors=raw.errors,
        operations={
            operation: OperationModel(
                name=operation,
                service=name,
                version=raw.version,
                namespace=raw.namespace,
                input=shapes.optional(told.input),
                output=shapes.optional(told.output),
                result_wrapper=told.result_wrapper,
                errors={code: raw.errors[code] for code in told.errors},
                signed=told.signed,
                prints_values=corrections.prints_values,
            )
            for operation, told in raw.operations.items()
        },
    )


# ── the files ────────────────────────────────────────────────────────────────────────────────────────


class _Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input: str = ""
    output: str = ""
    result_wrapper: str = ""
    errors: tuple[str, ...] = ()
    signed: bool = True


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: Kind
    members: dict[str, str] = {}
    required: frozenset[str] = frozenset()
    member: str = ""
    key: str = ""
    value: str = ""
    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: frozenset[str] = frozenset()
    sensitive: bool = False


class _Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: str
    operations: dict[str, _Operation]
    errors: dict[str, int]
    shapes: dict[str, _Shape]
    namespace: str = ""
    target: str = ""


class _Corrections(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    percent_encoded: frozenset[str]
    prints_values: bool
    list_members_not_null: frozenset[str]
    pattern_left_to_action: frozenset[str]
    member_order: dict[str, tuple[str, ...]]


class _Shapes:
    """Joins shapes by name. A shape inside itself (a handshake's resources) is cut off there: it has no members."""

    def __init__(self, told: Mapping[str, _Shape], corrections: _Corrections) -> None:
        self._told = told
        self._corrections = corrections
        self._made: dict[str, Shape] = {}
        self._making: set[str] = set()

    def optional(self, name: str) -> Shape | None:
        return self.shape(name) if name else None

    def shape(self, name: str) -> Shape:
        made = self._made.get(name)
        if made is None:
            if name in self._making:
                return Shape(name=name, kind="structure")
            self._making.add(name)
            made = self._made[name] = self._make(name)
        return made

    def _make(self, name: str) -> Shape:
        told = self._told[name]
        order = self._corrections.member_order.get(name, tuple(told.members))
        return Shape(
            name=name,
            kind=told.type,
            members={member: self.shape(told.members[member]) for member in order},
            required=told.required,
            member=self.optional(told.member),
            key=self.optional(told.key),
            value=self.optional(told.value),
            min=told.min,
            max=told.max,
            pattern=None if name in self._corrections.pattern_left_to_action else told.pattern,
            enum=told.enum,
            sensitive=told.sensitive,
            percent_encoded=name in self._corrections.percent_encoded,
            member_not_null=name in self._corrections.list_members_not_null,
        )
