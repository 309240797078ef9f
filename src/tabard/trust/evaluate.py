"""May this identity take this role?

The role's trust policy is a resource policy that must allow, even inside one account. Passing tags and a
source identity are separate permissions (`sts:TagSession`, `sts:SetSourceIdentity`), asked for with the same
context; the first one that is missing is named.
"""

from collections.abc import Sequence

from tabard.faults import Denied
from tabard.policy.compile import PolicySet
from tabard.policy.context import Context
from tabard.policy.decide import AccessRequest, decide
from tabard.trust.standing import Standing


def require_trust(
    standing: Standing, *, actions: Sequence[str], role_arn: str, role_account: str, trust: PolicySet, context: Context
) -> None:
    """Every action must be allowed by the role's trust policy, and by the caller's own policies where they count.

    Raises:
        Denied: with the text that AWS STS answers, which does not say which side refused.
    """
    layers = standing.layers_with_trust(trust)
    for action in actions:
        request = AccessRequest(
            principal=standing.principal,
            action=action,
            resource=role_arn,
            resource_account=role_account,
            context=context,
        )
        decision = decide(request, layers)
        if not decision.allowed:
            raise refused(standing, action=action, resource=role_arn, detail={"decision": decision})


def refused(standing: Standing, *, action: str, resource: str, detail: dict[str, object] | None = None) -> Denied:
    """The bare denial: the same for an unknown role, a missing permission and a trust policy that says no."""
    return Denied(
        f"User: {standing.principal.arn} is not authorized to perform: {action} on resource: {resource}",
        reason="trust.denied",
        detail=detail,
    )
