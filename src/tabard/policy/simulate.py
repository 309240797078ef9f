"""What `iam:Simulate…` tells of a decision: which statements made it, and which condition keys were not supplied.

The decision is `decide`'s own; here is only what is told of it (IAM API Reference, "EvaluationResult"):

* An implicit denial lists no statements. Every other answer lists all that applied in identity policies, the
  resource's policy and the boundary, permissions beside a denial too.
* Where an organisation's policies deny, the simulation ends: nothing else is told.
* What is told of one action on several resources is the most restrictive of what is told of each.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from tabard.faults import PolicyEvaluation
from tabard.names.tags import fold
from tabard.policy.compile import PolicySet
from tabard.policy.conditions import read_operator
from tabard.policy.context import Context
from tabard.policy.decide import AccessRequest, Applied, Decision, Layer, Layers, Outcome, decide
from tabard.policy.document import VERSION_2012, ConditionBlock, Policy, Statement
from tabard.policy.positions import Span, statement_spans
from tabard.policy.statement import CompiledStatement
from tabard.policy.variables import written_variables

SOURCE_TYPES: Final[Mapping[Layer, str]] = {
    Layer.IDENTITY: "IAM Policy",
    Layer.RESOURCE: "Resource Policy",
    Layer.BOUNDARY: "Permissions Boundary Policy",
}
"""The layers whose statements are told of, and what AWS calls them."""
_RESTRICTIVE: Final = (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY, Outcome.ALLOWED)


@dataclass(frozen=True, slots=True)
class MatchedStatement:
    """A statement that applied: its policy's name (`names.policies`), AWS's word for the kind, and its place."""

    policy: str
    source_type: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome, with what is told of it.

    `details` has each kind of policy's own outcome where caller and resource belong to different accounts, else it is
    empty. The last two are None where there is no boundary, and no service control policy.
    """

    outcome: Outcome
    matched: tuple[MatchedStatement, ...] = ()
    missing: tuple[str, ...] = ()
    details: Mapping[str, Outcome] = field(default_factory=dict)
    allowed_by_boundary: bool | None = None
    allowed_by_organization: bool | None = None


class Simulation:
    """The policies of one simulation, asked once for every action and resource."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._told = {
            Layer.IDENTITY: layers.identity,
            Layer.RESOURCE: layers.resource,
            Layer.BOUNDARY: layers.boundary,
        }
        self._spans: dict[str, tuple[Span, ...]] = {}

    @property
    def size(self) -> int:
        """The characters of all documents: what one question costs grows with them, and with nothing else of them."""
        sets = (*self._told.values(), *(self._layers.service_control or ()))
        documents = {
            id(each.document): len(each.document.source)
            for policies in sets
            if policies is not None
            for each in policies.statements
        }
        return sum(documents.values())

    def judge(self, request: AccessRequest) -> Verdict:
        """The verdict on one action and one resource.

        Raises:
            PolicyEvaluation: a statement cannot be evaluated.
        """
        decision = decide(request, self._layers)
        if decision.error is not None:
            raise PolicyEvaluation(
                "The policies could not be evaluated.", reason="policy.evaluation", detail={"error": decision.error}
            )
        organization = self._organization_allows(decision)
        if decision.layer is Layer.SERVICE_CONTROL:
            return Verdict(outcome=decision.outcome, allowed_by_organization=organization)
        effects = {layer: _effect(applied) for layer, applied in decision.applied if layer in SOURCE_TYPES}
        boundary = effects.get(Layer.BOUNDARY)
        abroad = self._layers.resource is not None and request.principal.account != request.resource_account
        return Verdict(
            outcome=decision.outcome,
            matched=() if decision.outcome is Outcome.IMPLICIT_DENY else tuple(self._matched(decision)),
            missing=tuple(dict.fromkeys(self._missing(request))),
            details={SOURCE_TYPES[layer]: effect for layer, effect in effects.items()} if abroad else {},
            allowed_by_boundary=None if boundary is None else boundary is Outcome.ALLOWED,
            allowed_by_organization=organization,
        )

    def _organization_allows(self, decision: Decision) -> bool | None:
        if self._layers.service_control is None:
            return None
        levels = [applied for layer, applied in decision.guardrails if layer is Layer.SERVICE_CONTROL]
        return all(_effect(applied) is Outcome.ALLOWED for applied in levels)

    def _matched(self, decision: Decision) -> Iterator[MatchedStatement]:
        for layer, applied in decision.applied:
            if layer in SOURCE_TYPES:
                for compiled, _ in applied:
                    yield MatchedStatement(compiled.policy, SOURCE_TYPES[layer], self._place(compiled))

    def _place(self, compiled: CompiledStatement) -> Span:
        text = compiled.document.source
        if text not in self._spans:
            self._spans[text] = statement_spans(text)
        return self._spans[text][compiled.statement.index]

    def _missing(self, request: AccessRequest) -> Iterator[str]:
        """The absent keys of all statements that are about this action, this resource and this caller."""
        for policies in self._told.values():
            if policies is not None:
                yield from _missing_in(policies, request, bounded=self._layers.boundary is not None)


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """What is told of an action as a whole, from at least one verdict."""
    outcome = _most_restrictive(verdict.outcome for verdict in verdicts)
    kinds = dict.fromkeys(chain.from_iterable(verdict.details for verdict in verdicts))
    deciding = [verdict for verdict in verdicts if verdict.outcome is outcome]
    return Verdict(
        outcome=outcome,
        matched=tuple(dict.fromkeys(chain.from_iterable(verdict.matched for verdict in deciding))),
        missing=tuple(dict.fromkeys(chain.from_iterable(verdict.missing for verdict in verdicts))),
        details={
            kind: _most_restrictive(verdict.details[kind] for verdict in verdicts if kind in verdict.details)
            for kind in kinds
        },
        allowed_by_boundary=_all(verdict.allowed_by_boundary for verdict in verdicts),
        allowed_by_organization=_all(verdict.allowed_by_organization for verdict in verdicts),
    )


def context_keys(policies: Iterable[Policy]) -> tuple[str, ...]:
    """The condition keys that documents speak of, in conditions and variables: as first written, each once."""
    keys: dict[str, str] = {}
    for policy in policies:
        for statement in policy.statements:
            for key in chain(_keys_of_resources(policy, statement), _keys_of_conditions(policy, statement)):
                keys.setdefault(fold(key), key)
    return tuple(keys.values())


def _effect(applied: Applied) -> Outcome:
    if not applied:
        return Outcome.IMPLICIT_DENY
    return Outcome.EXPLICIT_DENY if applied[0][0].denies else Outcome.ALLOWED


def _most_restrictive(outcomes: Iterable[Outcome]) -> Outcome:
    return min(outcomes, key=_RESTRICTIVE.index)


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Whether all allow that were asked; None when none was."""
    given = [answer for answer in answers if answer is not None]
    return all(given) if given else None


def _missing_in(policies: PolicySet, request: AccessRequest, *, bounded: bool) -> Iterator[str]:
    context = request.context
    for compiled in policies.candidates(request.action, request.resource):
        if compiled.principals is not None and compiled.principals(request.principal, bounded) is None:
            continue
        if compiled.prefixes is not None and not request.resource.startswith(compiled.prefixes):
            continue
        # A pattern with a variable that has no value matches nothing; with one, it might have.
        unresolved = _absent(_keys_of_resources(compiled.document, compiled.statement, context), context)
        yield from unresolved
        covers = compiled.covers_resource
        if unresolved or covers is None or covers(request.resource, context):
            yield from _absent(_keys_of_conditions(compiled.document, compiled.statement, context), context)


def _absent(keys: Iterable[str], context: Context) -> list[str]:
    return [key for key in keys if fold(key) not in context]


def _keys_of_resources(policy: Policy, statement: Statement, context: Context | None = None) -> Iterator[str]:
    for text in (*statement.resources, *statement.not_resources):
        yield from _variables(policy, text, context)


def _keys_of_conditions(policy: Policy, statement: Statement, context: Context | None = None) -> Iterator[str]:
    for block in statement.conditions:
        yield block.key
        if _has_variables(block):
            for text in block.values:
                yield from _variables(policy, text, context)


def _has_variables(block: ConditionBlock) -> bool:
    use = read_operator(block.operator)
    return use is not None and use.operator.variables


def _variables(policy: Policy, text: str, context: Context | None) -> Iterator[str]:
    """The keys of a text's variables. For a request (with its context), one that has a default asks for nothing."""
    if policy.version == VERSION_2012:
        for key, variable in written_variables(text):
            if context is None or variable.default is None:
                yield key
