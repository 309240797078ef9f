"""Reads the policy vectors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.context import Value, context_of
from tabard.policy.decide import Layers
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy
from tabard.policy.principal import Principal, PrincipalKind

VECTORS = Path(__file__).parents[2] / "vectors"


def cases(name: str) -> list[dict[str, Any]]:
    return json.loads((VECTORS / name).read_text("utf-8"))


def principals() -> dict[str, Principal]:
    """The people of `policy/principals.json`."""
    data = json.loads((VECTORS / "policy" / "principals.json").read_text("utf-8"))
    return {name: Principal(**{**fields, "kind": PrincipalKind(fields["kind"])}) for name, fields in data.items()}


def compiled(
    document: Any, kind: Kind = Kind.INLINE, bindings: Mapping[str, str] | None = None, *, name: str = "policy"
) -> PolicySet:
    text = document if isinstance(document, str) else json.dumps(document)
    return compile_policies([(name, parse_policy(text, kind))], bindings or {})


NAMING = {"resource", "resource_control", "endpoint"}
"""The layers whose documents name principals."""


def layers_of(case: Mapping[str, Any]) -> Layers:
    """The layers of a case of `policy/decisions.json`; those of an organisation are lists, one document a level."""

    def policies(layer: str, found: Any) -> PolicySet | tuple[PolicySet, ...]:
        kind = Kind.RESOURCE if layer in NAMING else Kind.INLINE
        return tuple(compiled(each, kind) for each in found) if isinstance(found, list) else compiled(found, kind)

    sets: dict[str, Any] = {layer: policies(layer, found) for layer, found in case["layers"].items()}
    return Layers(**sets, resource_must_allow=case["resource_must_allow"])


def context(pairs: Mapping[str, Any]) -> dict[str, Value]:
    return context_of((key, tuple(value) if isinstance(value, list) else value) for key, value in pairs.items())


# ── the form of `tabard policy decide` ───────────────────────────────────────────────────────────────

MEMBERS = {
    "identity": "identityPolicies",
    "boundary": "permissionsBoundaries",
    "session": "sessionPolicies",
    "service_control": "serviceControlPolicies",
    "resource_control": "resourceControlPolicies",
    "endpoint": "endpointPolicies",
}


def principal_form(principal: Principal) -> Any:
    """The principal as a case names it."""
    match principal.kind:
        case PrincipalKind.ANONYMOUS:
            return {"anonymous": True}
        case PrincipalKind.SERVICE:
            return {"service": principal.provider}
        case PrincipalKind.FEDERATED:
            return {"federated": principal.provider}
        case PrincipalKind.ROLE_SESSION | PrincipalKind.FEDERATED_USER:
            return {"arn": principal.arn, "sessionIssuer": principal.issuer_arn}
        case _:
            return principal.arn


def case_form(
    principal: Principal,
    layers: Mapping[str, Any],
    *,
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::b/k",
    account: str = "111122223333",
    context: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A case. `layers` are lists of documents by the engine's names, those of an organisation lists of levels."""
    form: dict[str, Any] = {
        "principal": principal_form(principal),
        "action": action,
        "resource": {"arn": resource, "account": account},
        "context": dict(context or {}),
    }
    if layers.get("resource"):
        (form["resourcePolicy"],) = layers["resource"]
    return form | {member: layers[layer] for layer, member in MEMBERS.items() if layers.get(layer) is not None}
