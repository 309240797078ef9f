"""Why a decision is as it is: every layer, every statement that came near, and what each wanted and received.

The statements are asked again, one element at a time, by the same compiled tests that decided. Nothing here decides:
an explanation that contradicted the decision would be a mistake of this module alone.

Explaining costs time for every statement, so it is done for denials only, and the answer is bounded: of each set the
statements that came nearest, and how many more there were.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from tabard.names.policies import short_name
from tabard.names.tags import fold
from tabard.policy.compile import PolicySet
from tabard.policy.context import Context, Value
from tabard.policy.decide import (
    LAYERS,
    AccessRequest,
    Applied,
    Decision,
    Layer,
    Layers,
    Outcome,
    required_layers,
)
from tabard.policy.document import VERSION_2012, ConditionBlock, Effect
from tabard.policy.principal import ANONYMOUS, Principal, PrincipalKind
from tabard.policy.statement import CompiledStatement
from tabard.policy.variables import parse_template, text_with_values

MAXIMUM_STATEMENTS: Final = 20
"""Statements of one set that an explanation tells of."""
MAXIMUM_CONSIDERED: Final = 2_000
"""Statements of one set that are looked at, those about the action first; what stands behind them is only counted."""
MAXIMUM_TOLD: Final = 3
"""Statements of a silent layer that people are told of."""
MAXIMUM_VALUES: Final = 20
"""Values that are told of one element or condition key."""


class Element(StrEnum):
    """The parts of a statement that can keep it from applying, as documents name them."""

    PRINCIPAL = "Principal"
    ACTION = "Action"
    RESOURCE = "Resource"
    CONDITION = "Condition"


class Effected(StrEnum):
    """What a layer came to (IAM Toolbox API, `CheckEffect`)."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"
    NO_IMPACT = "NO_IMPACT"


class Mismatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One element that did not fit. `received` is None where the key is absent; `operator` and `key` are a condition's.

    `wanted` has the policy variables put in, where they have a value.
    """

    element: Element
    wanted: tuple[str, ...]
    received: tuple[str, ...] | None = None
    operator: str | None = None
    key: str | None = None


class StatementReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One statement. It applied where nothing is amiss."""

    policy: str
    index: int
    effect: Effect
    sid: str | None = None
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def applied(self) -> bool:
        return not self.mismatches


class LayerReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One set of policies. `target` is what it is attached to, for a level of an organisation.

    `policies` names all policies of the set; `statements` those that came nearest, `omitted` counts the others.
    """

    layer: Layer
    effect: Effected
    policies: tuple[str, ...] = ()
    statements: tuple[StatementReport, ...] = ()
    omitted: int = 0
    target: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision with its reasons. `missing` lists the condition keys that were wanted and are absent."""

    outcome: Outcome
    layer: Layer | None = None
    error: str | None = None
    layers: tuple[LayerReport, ...] = ()
    missing: tuple[str, ...] = ()


def explain(request: AccessRequest, layers: Layers, decision: Decision) -> Report:
    """The reasons for a decision, which `decide` gave for the same request and layers. It never raises."""
    if decision.error is not None:
        return Report(outcome=decision.outcome, error=decision.error)
    try:
        reports = [_layer(request, layers, consulted) for consulted in _consulted(request, layers, decision)]
    except Exception as error:  # noqa: BLE001 - a statement that did not take part in the decision cannot be evaluated
        return Report(outcome=decision.outcome, layer=decision.layer, error=f"{type(error).__name__}: {error}")
    missing = dict.fromkeys(
        mismatch.key
        for report in reports
        for statement in report.statements
        for mismatch in statement.mismatches
        if mismatch.key is not None and mismatch.received is None
    )
    return Report(
        outcome=decision.outcome,
        layer=decision.layer,
        error=decision.error,
        layers=tuple(reports),
        missing=tuple(missing),
    )


def in_one_sentence(report: Report, action: str) -> str:
    """What decided, and what came nearest, for people. Lower case, no stop."""
    if report.error is not None:
        return f"a policy could not be evaluated ({report.error}), so the request is denied"
    if report.layer is None:
        return "every layer that must allow does"
    decided = [layer for layer in report.layers if layer.layer is report.layer and layer.effect in _DECIDING]
    if report.outcome is Outcome.EXPLICIT_DENY:
        denial = next(each for layer in decided for each in layer.statements if each.applied)
        return f"{_name(denial)} denies it"
    near = next((each for layer in decided for each in layer.statements if is_near(each)), None)
    sentence = f"no {report.layer} allows {action}"
    if near is None:
        return sentence
    return f"{sentence}; nearest comes {_name(near)}, {' and '.join(_falls_short(amiss) for amiss in near.mismatches)}"


_DECIDING: Final = frozenset({Effected.EXPLICIT_DENY, Effected.IMPLICIT_DENY})


def is_near(report: StatementReport) -> bool:
    """A permission for this action, which only lacks something."""
    about_another = any(amiss.element is Element.ACTION for amiss in report.mismatches)
    return report.effect is Effect.ALLOW and not report.applied and not about_another


def told(layer: LayerReport) -> Sequence[StatementReport]:
    """Denials where they decided, a permission that applied, else the permissions for the action that came nearest."""
    applied = [each for each in layer.statements if each.applied]
    if layer.effect is Effected.EXPLICIT_DENY:
        return [each for each in applied if each.effect is Effect.DENY]
    if applied:
        return applied[:1]
    return [each for each in layer.statements if is_near(each)][:MAXIMUM_TOLD]


def _name(report: StatementReport) -> str:
    sid = f"`{report.sid}`" if report.sid else f"{report.index + 1}"
    return f"statement {sid} of {short_name(report.policy)}"


def _falls_short(amiss: Mismatch) -> str:
    wanted = " or ".join(f"`{text}`" for text in amiss.wanted[:3]) + (" or others" if len(amiss.wanted) > 3 else "")
    if amiss.element is not Element.CONDITION:
        received = ", ".join(amiss.received or ())
        return f"whose {amiss.element} is {wanted} and not `{received}`"
    received = "it is absent" if amiss.received is None else "it is " + ", ".join(f"`{t}`" for t in amiss.received)
    return f"which wants {amiss.operator} {amiss.key} {wanted}, and {received}"


_Consulted: TypeAlias = tuple[Layer, PolicySet, Applied, bool]
"""A set that took part, what applied of it, and whether it had to allow."""


def _consulted(request: AccessRequest, layers: Layers, decision: Decision) -> Iterable[_Consulted]:
    sets = {
        Layer.SERVICE_CONTROL: iter(layers.service_control or ()),
        Layer.RESOURCE_CONTROL: iter(layers.resource_control or ()),
        Layer.ENDPOINT: iter((layers.endpoint,) if layers.endpoint is not None else ()),
    }
    for layer, applied in decision.guardrails:
        yield layer, next(sets[layer]), applied, True
    required = required_layers(request, layers, decision.findings)
    for place, layer in enumerate(LAYERS):
        found = decision.findings[place]
        policies = (layers.identity, layers.resource, layers.boundary, layers.session)[place]
        if found is not None and policies is not None:
            yield layer, policies, found, place in required
        elif place in required and layer in (Layer.IDENTITY, Layer.RESOURCE):
            yield layer, PolicySet(()), [], True


def _layer(request: AccessRequest, layers: Layers, consulted: _Consulted) -> LayerReport:
    layer, policies, applied, must_allow = consulted
    if any(statement.denies for statement, _ in applied):
        effect = Effected.EXPLICIT_DENY
    elif applied:
        effect = Effected.ALLOW
    else:
        effect = Effected.IMPLICIT_DENY if must_allow else Effected.NO_IMPACT
    speaks_of = request.principal
    if layer not in LAYERS and request.principal.kind is PrincipalKind.FEDERATED:
        speaks_of = ANONYMOUS
    bounded = layer is Layer.RESOURCE and layers.boundary is not None
    action = fold(request.action)
    by_action = sorted(policies.statements, key=lambda statement: not statement.covers_action(action))
    reports = [
        _statement(request, statement, speaks_of, bounded=bounded) for statement in by_action[:MAXIMUM_CONSIDERED]
    ]
    nearest = sorted(reports, key=_distance)[:MAXIMUM_STATEMENTS]
    return LayerReport(
        layer=layer,
        effect=effect,
        policies=tuple(dict.fromkeys(statement.policy for statement in policies.statements)),
        statements=tuple(nearest),
        omitted=len(policies.statements) - len(nearest),
        target=policies.attached_to,
    )


def _distance(report: StatementReport) -> tuple[int, bool, int]:
    """How far a statement is from applying: what is about another action is farther than what lacks a condition."""
    weights = {Element.ACTION: 8, Element.PRINCIPAL: 4, Element.RESOURCE: 2, Element.CONDITION: 1}
    amiss = {mismatch.element for mismatch in report.mismatches}
    # Of what did not apply, permissions are what was hoped for; of what did, denials decided.
    unexpected = (report.effect is Effect.DENY) is bool(amiss)
    return sum(weights[element] for element in amiss), unexpected, len(report.mismatches)


def _statement(
    request: AccessRequest, compiled: CompiledStatement, principal: Principal, *, bounded: bool
) -> StatementReport:
    statement, context = compiled.statement, request.context
    mismatches: list[Mismatch] = []
    if not compiled.covers_action(fold(request.action)):
        mismatches.append(_amiss(Element.ACTION, statement.actions or statement.not_actions, request.action))
    if compiled.principals is not None and compiled.principals(principal, bounded) is None:
        mismatches.append(_amiss(Element.PRINCIPAL, _principals(compiled), _received(principal)))
    variables = compiled.document.version == VERSION_2012
    if compiled.covers_resource is not None and not compiled.covers_resource(request.resource, context):
        wanted = [_shown(text, context, variables=variables) for text in statement.resources or statement.not_resources]
        mismatches.append(_amiss(Element.RESOURCE, wanted, request.resource))
    for block, holds in zip(statement.conditions, compiled.conditions, strict=True):
        if not holds(context):
            mismatches.append(_condition(block, context, variables=variables))
    return StatementReport(
        policy=compiled.policy,
        index=statement.index,
        effect=statement.effect,
        sid=statement.sid,
        mismatches=tuple(mismatches),
    )


def _amiss(element: Element, wanted: Sequence[str], received: str) -> Mismatch:
    return Mismatch(element=element, wanted=tuple(wanted[:MAXIMUM_VALUES]), received=(received,))


def _condition(block: ConditionBlock, context: Context, *, variables: bool) -> Mismatch:
    value = context.get(fold(block.key))
    return Mismatch(
        element=Element.CONDITION,
        operator=block.operator,
        key=block.key,
        wanted=tuple(_shown(text, context, variables=variables) for text in block.values[:MAXIMUM_VALUES]),
        received=None if value is None else _texts(value)[:MAXIMUM_VALUES],
    )


def _principals(compiled: CompiledStatement) -> tuple[str, ...]:
    named = compiled.statement.principals or compiled.statement.not_principals
    if named is None:
        return ()
    everyone = ("*",) if named.everyone else ()
    return (*everyone, *named.aws, *named.federated, *named.service, *named.canonical_user)


def _received(principal: Principal) -> str:
    return principal.arn or principal.provider or "*"


def _shown(text: str, context: Context, *, variables: bool) -> str:
    return text_with_values(parse_template(text, variables=variables), context) if variables else text


def _texts(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value
