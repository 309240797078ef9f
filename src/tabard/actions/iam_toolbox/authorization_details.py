"""GetRequestAuthorizationDetails and GetRequestAuthorizationPolicy: why a request was denied, and by which policies.

(IAM Toolbox API Reference.) The details are those that were kept when it happened. They are for principals of the
account that was denied, and of its organisation's management account. Whoever was denied may always read the details of
that denial; everybody else needs the permission, and the text of a policy needs a permission of its own. What belongs
to another account's resource is left out.

What AWS's form has no place for stands in an evaluation's `context`, under keys that begin with `tabard:`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tabard.actions.desk import Action, Desk
from tabard.directory.denials import Denial, JudgedAsk, JudgedPolicy, as_its_account_sees_it
from tabard.faults import ConstraintViolated, NoSuchEntity
from tabard.names.policies import is_managed
from tabard.policy.context import Context
from tabard.policy.decide import Layer, Outcome
from tabard.policy.document import Effect
from tabard.policy.explain import LayerReport, StatementReport, in_one_sentence
from tabard.policy.lint.keys import spelling_of
from tabard.services.ask import Ask


class DetailsNotFound(NoSuchEntity):
    """Nothing is kept under the id that the caller may see (AWS: `ResourceNotFoundException`)."""

    reason = "authorization-details.missing"
    default_public = (
        "The authorization details do not exist, have expired, or belong to another account; "
        "check the authorization id in the access denied message."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsRequest:
    authorization_id: str
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class DetailsResponse:
    """`GetRequestAuthorizationDetailsOutput`."""

    request_context: dict[str, Any]
    evaluations: list[dict[str, Any]]
    policies: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    authorization_id: str
    policy_uri: str


@dataclass(frozen=True, slots=True)
class PolicyResponse:
    """`GetRequestAuthorizationPolicyOutput`."""

    policy_document: dict[str, Any]


def get_request_authorization_details(request: DetailsRequest, desk: Desk) -> DetailsResponse:
    if request.next_token is not None:
        raise ConstraintViolated("The next token is not one of these details.", reason="authorization-details.token")
    denial = _denial(request.authorization_id, desk)
    return DetailsResponse(
        request_context=_spelled(denial.context),
        evaluations=[_evaluation(asked) for asked in denial.asked],
        policies=[_policy(policy) for policy in _of_one_name(denial.policies)],
    )


def get_request_authorization_policy(request: PolicyRequest, desk: Desk) -> PolicyResponse:
    denial = _denial(request.authorization_id, desk)
    found = next((policy for policy in denial.policies if policy.name == request.policy_uri), None)
    if found is None:
        raise DetailsNotFound(reason="authorization-details.policy")
    return PolicyResponse(msgspec.json.decode(found.document))


def _denial(authorization_id: str, desk: Desk) -> Denial:
    """The denial, as the caller's account may see it.

    Raises:
        DetailsNotFound: there is none, or it belongs to strangers.
    """
    denial = desk.records.denials.get(authorization_id)
    if denial is None or not _may_see(denial.account, desk):
        raise DetailsNotFound
    return as_its_account_sees_it(denial)


def _may_see(account: str, desk: Desk) -> bool:
    if account == desk.account:
        return True
    place = desk.records.organization_accounts.get(account)
    organization = desk.records.organizations.get(place.organization_id) if place is not None else None
    return organization is not None and organization.management_account == desk.account


# ── who may ask ──────────────────────────────────────────────────────────────────────────────────────


def _ask_details(request: DetailsRequest, desk: Desk) -> tuple[Ask, ...]:
    denial = desk.records.denials.get(request.authorization_id)
    principal = desk.caller.principal
    was_denied = denial is not None and (denial.account, denial.principal_id) == (
        principal.account,
        principal.unique_id,
    )
    return () if was_denied else (_ask("GetRequestAuthorizationDetails", desk),)


def _ask_policy(_request: PolicyRequest, desk: Desk) -> tuple[Ask, ...]:
    return (_ask("GetRequestAuthorizationPolicy", desk),)


def _ask(operation: str, desk: Desk) -> Ask:
    return Ask(action=f"iam:{operation}", resource="*", resource_account=desk.account)


# ── AWS's form ───────────────────────────────────────────────────────────────────────────────────────

_CHECKS: Final[Mapping[Layer, str]] = {
    Layer.RESOURCE_CONTROL: "RESOURCE_CONTROL_POLICY",
    Layer.SERVICE_CONTROL: "SERVICE_CONTROL_POLICY",
    Layer.ENDPOINT: "VPC_ENDPOINT",
    Layer.RESOURCE: "RESOURCE",
    Layer.IDENTITY: "PRINCIPAL",
    Layer.BOUNDARY: "PERMISSIONS_BOUNDARY",
    Layer.SESSION: "SESSION",
}
"""In the order in which AWS lists the checks."""
_TYPES: Final[Mapping[Layer, str]] = {
    Layer.RESOURCE_CONTROL: "RESOURCE_CONTROL_POLICY",
    Layer.SERVICE_CONTROL: "SERVICE_CONTROL_POLICY",
    Layer.ENDPOINT: "VPC_ENDPOINT_POLICY",
    Layer.RESOURCE: "RESOURCE_BASED_POLICY",
    Layer.IDENTITY: "IDENTITY_BASED_POLICY",
    Layer.BOUNDARY: "PERMISSIONS_BOUNDARY",
    Layer.SESSION: "SESSION_POLICY",
}
_EFFECTS: Final[Mapping[Outcome, str]] = {
    Outcome.ALLOWED: "ALLOW",
    Outcome.EXPLICIT_DENY: "EXPLICIT_DENY",
    Outcome.IMPLICIT_DENY: "IMPLICIT_DENY",
}
_ORDER: Final = tuple(_CHECKS)


def _evaluation(asked: JudgedAsk) -> dict[str, Any]:
    report = asked.report
    layers = sorted(report.layers, key=lambda layer: _ORDER.index(layer.layer))
    context = _spelled(asked.context)
    context["tabard:sentence"] = in_one_sentence(report, asked.action)
    context["tabard:missing"] = list(report.missing)
    context["tabard:layers"] = msgspec.to_builtins(layers)
    return {
        "action": asked.action,
        "resource": asked.resource,
        "context": context,
        "evaluatedEffect": _EFFECTS[report.outcome],
        "matchedPolicies": list(_matched(statement for layer in layers for statement in layer.statements)),
        "checks": [_check(layer) for layer in layers],
    }


def _spelled(context: Context) -> dict[str, Any]:
    """The keys as AWS spells them; a tag's key stays folded, for its spelling is not known here."""
    return {spelling_of(key): value for key, value in sorted(context.items())}


def _check(layer: LayerReport) -> dict[str, Any]:
    check: dict[str, Any] = {
        "checkType": _CHECKS[layer.layer],
        "evaluatedEffect": layer.effect,
        "relevantPolicyTypes": [_TYPES[layer.layer]],
        "matchedPolicies": list(_matched(layer.statements)),
    }
    return check | {"targetArn": layer.target} if layer.target else check


def _matched(statements: Iterable[StatementReport]) -> Iterator[dict[str, Any]]:
    """The policies with statements that applied, and those statements."""
    found: dict[str, list[dict[str, str]]] = {}
    for statement in statements:
        if statement.applied:
            effect = "DENY" if statement.effect is Effect.DENY else "ALLOW"
            sid = statement.sid or f"statement{statement.index + 1}"
            found.setdefault(statement.policy, []).append({"sid": sid, "evaluatedEffect": effect})
    for uri, matched in found.items():
        yield {"uri": uri, "matchedStatements": matched}


def _of_one_name(policies: Iterable[JudgedPolicy]) -> Iterator[list[JudgedPolicy]]:
    """The policies by name and layer: one may be attached at several levels of an organisation."""
    found: dict[tuple[Layer, str], list[JudgedPolicy]] = {}
    for policy in policies:
        found.setdefault((policy.layer, policy.name), []).append(policy)
    yield from found.values()


def _policy(policies: list[JudgedPolicy]) -> dict[str, Any]:
    policy = policies[0]
    return {
        "type": _TYPES[policy.layer],
        "inline": not is_managed(policy.name),
        "uri": policy.name,
        "attachedTo": [{"arn": each.attached_to} for each in policies],
    }


ACTIONS: tuple[Action, ...] = (
    Action(
        name="GetRequestAuthorizationDetails",
        request=DetailsRequest,
        response=DetailsResponse,
        ask=_ask_details,
        handle=get_request_authorization_details,
        writes=False,
    ),
    Action(
        name="GetRequestAuthorizationPolicy",
        request=PolicyRequest,
        response=PolicyResponse,
        ask=_ask_policy,
        handle=get_request_authorization_policy,
        writes=False,
    ),
)
