"""Simulating policies: SimulateCustomPolicy, SimulatePrincipalPolicy, and which context keys either needs.

Nothing is called and nothing is looked up but the policies of an identity and of its organisation: who calls, what it
calls and with what context is what the request says, whether there is such a thing or not. A key that no
ContextEntries supply is absent, whoever the caller is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import Identity, ask_account, ask_identity_arn, identity_with
from tabard.actions.identity_policies import page_by_position
from tabard.actions.paging import DEFAULT_MAX_ITEMS
from tabard.actions.simulation_inputs import (
    EVERY_RESOURCE,
    ContextEntry,
    PolicyIdentifier,
    actions_from,
    boundary_from,
    context_from,
    entity_arn,
    exclusions_from,
    owner_from,
    owner_of_resource,
    policies_from,
    policy_from,
    principal_of,
    require_scenario,
    require_user,
    resources_from,
)
from tabard.directory.entities import Group
from tabard.faults import InvalidInput, NoSuchEntity
from tabard.names.arn import ARN
from tabard.names.policies import short_name
from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.context import Context
from tabard.policy.decide import AccessRequest, Layers
from tabard.policy.document import Kind, Policy
from tabard.policy.principal import Principal, PrincipalKind
from tabard.policy.simulate import MatchedStatement, Simulation, Verdict, combined, context_keys
from tabard.ports.standing import boundary_of, identity_policies, organization_of

MAXIMUM_WORK: Final = 500_000_000
"""What one answer may cost: characters of policies, times the characters that their patterns are compared with.

So much takes a few seconds where all patterns are of the slowest kind, and a hundredth of that elsewhere. A page ends
before it costs more, for AWS allows a page to be short; what costs more for one action alone is refused.
"""
_TELLING: Final = 100
"""What telling of a statement that applied costs, as so many characters compared for each of its own."""


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedOrganizationPolicy:
    """The model's `OrderedOrganizationPolicyType`: the service control policies of one level."""

    service_control_policy_input_list: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateCustomPolicyRequest:
    policy_input_list: tuple[str, ...]
    action_names: tuple[str, ...]
    permissions_boundary_policy_input_list: tuple[str, ...] | None = None
    ordered_organization_policy_input_list: tuple[OrderedOrganizationPolicy, ...] | None = None
    resource_arns: tuple[str, ...] | None = None
    resource_policy: str | None = None
    resource_owner: str | None = None
    caller_arn: str | None = None
    context_entries: tuple[ContextEntry, ...] | None = None
    resource_handling_option: str | None = None
    max_items: int | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatePrincipalPolicyRequest:
    policy_source_arn: str
    action_names: tuple[str, ...]
    policy_input_list: tuple[str, ...] | None = None
    permissions_boundary_policy_input_list: tuple[str, ...] | None = None
    policy_exclusion_list: tuple[PolicyIdentifier, ...] | None = None
    resource_arns: tuple[str, ...] | None = None
    resource_policy: str | None = None
    resource_owner: str | None = None
    caller_arn: str | None = None
    context_entries: tuple[ContextEntry, ...] | None = None
    resource_handling_option: str | None = None
    max_items: int | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The model's `Position`."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The model's `Statement`. `source_policy_type` has AWS's words for people, not the model's enumeration."""

    source_policy_id: str
    source_policy_type: str
    start_position: Position
    end_position: Position


@dataclass(frozen=True, slots=True)
class OrganizationsDecisionDetail:
    """The model's structure of that name."""

    allowed_by_organizations: bool


@dataclass(frozen=True, slots=True)
class PermissionsBoundaryDecisionDetail:
    """The model's structure of that name."""

    allowed_by_permissions_boundary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpecificResult:
    """The model's structure of that name."""

    eval_resource_name: str
    eval_resource_decision: str
    matched_statements: tuple[Statement, ...]
    missing_context_values: tuple[str, ...]
    eval_decision_details: dict[str, str] | None = None
    permissions_boundary_decision_detail: PermissionsBoundaryDecisionDetail | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """The model's structure of that name: one action on all resources."""

    eval_action_name: str
    eval_resource_name: str
    eval_decision: str
    matched_statements: tuple[Statement, ...]
    missing_context_values: tuple[str, ...]
    organizations_decision_detail: OrganizationsDecisionDetail | None = None
    permissions_boundary_decision_detail: PermissionsBoundaryDecisionDetail | None = None
    eval_decision_details: dict[str, str] | None = None
    resource_specific_results: tuple[ResourceSpecificResult, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatePolicyResponse:
    evaluation_results: tuple[EvaluationResult, ...]
    is_truncated: bool
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetContextKeysForCustomPolicyRequest:
    policy_input_list: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetContextKeysForPrincipalPolicyRequest:
    policy_source_arn: str
    policy_input_list: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GetContextKeysForPolicyResponse:
    context_key_names: tuple[str, ...]


# ── operations ───────────────────────────────────────────────────────────────────────────────────────


def simulate_custom_policy(request: SimulateCustomPolicyRequest, desk: Desk) -> SimulatePolicyResponse:
    caller = entity_arn(request.caller_arn) if request.caller_arn is not None else None
    levels = request.ordered_organization_policy_input_list
    layers = Layers(
        identity=compile_policies(policies_from("PolicyInputList", request.policy_input_list)),
        resource=_resource_policy(request.resource_policy, caller),
        boundary=_compiled(boundary_from(request.permissions_boundary_policy_input_list)),
        service_control=tuple(_level(place, each) for place, each in enumerate(levels, 1)) if levels else None,
    )
    principal = principal_of(caller) if caller is not None else Principal(kind=PrincipalKind.USER, account=desk.account)
    return _simulated("SimulateCustomPolicy", request, principal, layers, in_organization=bool(levels))


def simulate_principal_policy(request: SimulatePrincipalPolicyRequest, desk: Desk) -> SimulatePolicyResponse:
    identity = _identity(desk, request.policy_source_arn)
    caller = entity_arn(request.caller_arn or request.policy_source_arn)
    excluded = exclusions_from(request.policy_exclusion_list)
    held = [each for each in identity_policies(desk.records, identity)[0] if each[0] not in excluded]
    boundary = _compiled(boundary_from(request.permissions_boundary_policy_input_list))
    if boundary is None and not isinstance(identity, Group) and not excluded.boundary:
        boundary, _ = boundary_of(desk.records, identity)
    # INVARIANT: of another account, whose user may be named as the caller, nothing is looked up.
    organization = organization_of(desk.records, desk.account)[0] if caller.account == desk.account else None
    layers = Layers(
        identity=compile_policies([*held, *policies_from("PolicyInputList", request.policy_input_list)]),
        resource=_resource_policy(request.resource_policy, caller),
        boundary=boundary,
        service_control=organization.service_control if organization and not excluded.service_control else None,
    )
    principal = principal_of(caller, identity.id if str(caller) == identity.arn else "")
    return _simulated("SimulatePrincipalPolicy", request, principal, layers, in_organization=organization is not None)


def get_context_keys_for_custom_policy(
    request: GetContextKeysForCustomPolicyRequest, _desk: Desk
) -> GetContextKeysForPolicyResponse:
    policies = policies_from("PolicyInputList", request.policy_input_list)
    return GetContextKeysForPolicyResponse(context_keys(policy for _, policy in policies))


def get_context_keys_for_principal_policy(
    request: GetContextKeysForPrincipalPolicyRequest, desk: Desk
) -> GetContextKeysForPolicyResponse:
    held, _ = identity_policies(desk.records, _identity(desk, request.policy_source_arn))
    policies = [*held, *policies_from("PolicyInputList", request.policy_input_list)]
    return GetContextKeysForPolicyResponse(context_keys(policy for _, policy in policies))


def _identity(desk: Desk, text: str) -> Identity:
    identity = identity_with(desk, entity_arn(text))
    if identity is None:
        raise NoSuchEntity("Unable to retrieve specified IAM entity.", reason="simulation.entity.missing")
    return identity


def _resource_policy(text: str | None, caller: ARN | None) -> PolicySet | None:
    if text is None:
        return None
    require_user(caller)
    return compile_policies([policy_from("ResourcePolicy", text, Kind.RESOURCE)])


def _level(place: int, level: OrderedOrganizationPolicy) -> PolicySet:
    member = f"OrderedOrganizationPolicyInputList.{place}.ServiceControlPolicyInputList"
    texts = level.service_control_policy_input_list
    return compile_policies(policies_from(member, texts, Kind.SERVICE_CONTROL))


def _compiled(policies: list[tuple[str, Policy]] | None) -> PolicySet | None:
    return None if policies is None else compile_policies(policies)


# ── the simulation ───────────────────────────────────────────────────────────────────────────────────


def _simulated(
    operation: str,
    request: SimulateCustomPolicyRequest | SimulatePrincipalPolicyRequest,
    principal: Principal,
    layers: Layers,
    *,
    in_organization: bool,
) -> SimulatePolicyResponse:
    actions, resources = actions_from(request.action_names), resources_from(request.resource_arns)
    require_scenario(request.resource_handling_option, resources)
    context = context_from(request.context_entries)
    owner = owner_from(request.resource_owner, principal.account)
    simulation = Simulation(layers)
    found = page_by_position(
        operation,
        actions,
        marker=request.marker,
        max_items=min(request.max_items or DEFAULT_MAX_ITEMS, _affordable(simulation, actions, resources, context)),
    )

    def verdict(action: str, resource: str) -> Verdict:
        # Only a resource's policy makes it another account's business: without one, the caller's side is simulated.
        account = principal.account if layers.resource is None else owner_of_resource(resource, owner)
        return simulation.judge(
            AccessRequest(
                principal=principal, action=action, resource=resource, resource_account=account, context=context
            )
        )

    return SimulatePolicyResponse(
        evaluation_results=tuple(
            _result(action, {each: verdict(action, each) for each in resources}, in_organization=in_organization)
            for action in found.items
        ),
        is_truncated=found.is_truncated,
        marker=found.marker,
    )


def _affordable(simulation: Simulation, actions: Sequence[str], resources: Sequence[str], context: Context) -> int:
    """How many actions one answer has time for."""
    values = [(value,) if isinstance(value, str) else value for value in context.values()]
    longest_entry = max((sum(len(text) + 1 for text in texts) for texts in values), default=0)
    longest_action = max(len(action) for action in actions)
    compared = sum(len(resource) + longest_action + longest_entry + _TELLING for resource in resources)
    cost = max(1, simulation.size) * compared
    if cost > MAXIMUM_WORK:
        raise InvalidInput(
            "The simulation is too large: give fewer resources, policies or context values in one request.",
            reason="simulation.size",
            detail={"cost": cost},
        )
    return MAXIMUM_WORK // cost


def _result(action: str, verdicts: Mapping[str, Verdict], *, in_organization: bool) -> EvaluationResult:
    whole = combined(tuple(verdicts.values()))
    named = set(verdicts) != {EVERY_RESOURCE}
    allowed = whole.allowed_by_organization is not False
    return EvaluationResult(
        eval_action_name=action,
        eval_resource_name=next(iter(verdicts)) if len(verdicts) == 1 else EVERY_RESOURCE,
        eval_decision=whole.outcome,
        matched_statements=_statements(whole.matched),
        missing_context_values=whole.missing,
        organizations_decision_detail=OrganizationsDecisionDetail(allowed) if in_organization else None,
        permissions_boundary_decision_detail=_boundary_detail(whole),
        eval_decision_details=_details(whole) if named or whole.details else None,
        resource_specific_results=(
            tuple(_resource_result(resource, each) for resource, each in verdicts.items()) if named else None
        ),
    )


def _resource_result(resource: str, verdict: Verdict) -> ResourceSpecificResult:
    return ResourceSpecificResult(
        eval_resource_name=resource,
        eval_resource_decision=verdict.outcome,
        matched_statements=_statements(verdict.matched),
        missing_context_values=verdict.missing,
        eval_decision_details=_details(verdict) if verdict.details else None,
        permissions_boundary_decision_detail=_boundary_detail(verdict),
    )


def _statements(matched: Sequence[MatchedStatement]) -> tuple[Statement, ...]:
    return tuple(
        Statement(
            source_policy_id=short_name(each.policy),
            source_policy_type=each.source_type,
            start_position=Position(each.span.start.line, each.span.start.column),
            end_position=Position(each.span.end.line, each.span.end.column),
        )
        for each in matched
    )


def _details(verdict: Verdict) -> dict[str, str]:
    return {kind: str(outcome) for kind, outcome in verdict.details.items()}


def _boundary_detail(verdict: Verdict) -> PermissionsBoundaryDecisionDetail | None:
    allowed = verdict.allowed_by_boundary
    return None if allowed is None else PermissionsBoundaryDecisionDetail(allowed)


# ── the table ────────────────────────────────────────────────────────────────────────────────────────


def _source_arn(request: Any) -> str:
    return str(request.policy_source_arn)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="SimulateCustomPolicy",
        request=SimulateCustomPolicyRequest,
        response=SimulatePolicyResponse,
        ask=ask_account("SimulateCustomPolicy"),
        handle=simulate_custom_policy,
        writes=False,
    ),
    Action(
        name="SimulatePrincipalPolicy",
        request=SimulatePrincipalPolicyRequest,
        response=SimulatePolicyResponse,
        ask=ask_identity_arn("SimulatePrincipalPolicy", _source_arn),
        handle=simulate_principal_policy,
        writes=False,
    ),
    Action(
        name="GetContextKeysForCustomPolicy",
        request=GetContextKeysForCustomPolicyRequest,
        response=GetContextKeysForPolicyResponse,
        ask=ask_account("GetContextKeysForCustomPolicy"),
        handle=get_context_keys_for_custom_policy,
        writes=False,
    ),
    Action(
        name="GetContextKeysForPrincipalPolicy",
        request=GetContextKeysForPrincipalPolicyRequest,
        response=GetContextKeysForPolicyResponse,
        ask=ask_identity_arn("GetContextKeysForPrincipalPolicy", _source_arn),
        handle=get_context_keys_for_principal_policy,
        writes=False,
    ),
)
