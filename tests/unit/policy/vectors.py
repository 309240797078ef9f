"""Reads the policy vectors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.context import Value, context_of
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


def context(pairs: Mapping[str, Any]) -> dict[str, Value]:
    return context_of((key, tuple(value) if isinstance(value, list) else value) for key, value in pairs.items())
