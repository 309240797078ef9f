"""May this caller do this? And: may this identity take this role?

A role's trust policy is a resource policy that must allow, even inside one account. Passing tags and a source identity
are separate permissions (`sts:TagSession`, `sts:SetSourceIdentity`), asked for with the same context; the first one
that is missing is named.
"""

from collections.abc import Iterable, Sequence

from tabard.faults import Denied
from tabard.policy.compile import NOTHING, PolicySet
from tabard.policy.context import Context
from tabard.policy.decide import AccessRequest, Evaluation, denial_text, evaluate
from tabard.services.ask import Ask
from tabard.trust.standing import Standing


class AccessDenied(Denied):
    """Policies say no. `evaluations` are the questions that were asked, the one that was denied last."""

    reason = "policy.denied"

    def __init__(self, public: str, *, evaluations: tuple[Evaluation, ...], reason: str | None = None) -> None:
        super().__init__(public, reason=reason)
        self.evaluations = evaluations


def require_allowed(standing: Standing, asks: Iterable[Ask], context: Context, own_resource_keys: Context) -> None:
    """The caller may do all that is asked.

    `context` holds the global condition keys, `own_resource_keys` those of resources of the caller's own account.

    Raises:
        AccessDenied: in AWS's grammar of denial.
    """
    layers = standing.layers()
    asked: list[Evaluation] = []
    for ask in asks:
        request = AccessRequest(
            principal=standing.principal,
            action=ask.action,
            resource=ask.resource,
            resource_account=ask.resource_account,
            # What we know of the caller and the request stands over whatever the action adds.
            context={
                **ask.context,
                **context,
                **(own_resource_keys if ask.resource_account == standing.principal.account else {}),
                "aws:resourceaccount": ask.resource_account,
            },
        )
        evaluation = evaluate(request, layers)
        asked.append(evaluation)
        if not evaluation.decision.allowed:
            raise AccessDenied(denial_text(request, evaluation.decision), evaluations=tuple(asked))


def require_trust(
    standing: Standing,
    *,
    actions: Sequence[str],
    role_arn: str,
    role_account: str,
    trust: PolicySet | None,
    context: Context,
    resource_control: tuple[PolicySet, ...] | None = None,
) -> None:
    """Every action must be allowed by the role's trust policy, and by the caller's own policies where they count.

    A role that is not there (`trust` is None) is refused as one whose trust policy is silent.

    Raises:
        AccessDenied: with the text that AWS STS answers, which does not say which side refused.
    """
    layers = standing.layers_with_trust(NOTHING if trust is None else trust, resource_control)
    asked: list[Evaluation] = []
    for action in actions:
        request = AccessRequest(
            principal=standing.principal,
            action=action,
            resource=role_arn,
            resource_account=role_account,
            context=context,
        )
        evaluation = evaluate(request, layers)
        asked.append(evaluation)
        if trust is None or not evaluation.decision.allowed:
            text = denial_text(request, evaluation.decision, explained=False)
            raise AccessDenied(text, evaluations=tuple(asked), reason="trust.denied")
