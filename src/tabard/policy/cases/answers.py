"""A case → its answer: the decision, and the reasons in a form that programs can rely on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from tabard.policy.cases.documents import Documents, Unreadable
from tabard.policy.cases.form import Case, Deciding
from tabard.policy.decide import Decision, Evaluation, Layer, Layers, Outcome, denial_text, evaluate
from tabard.policy.document import Effect
from tabard.policy.explain import MAXIMUM_STATEMENTS, Effected, Mismatch, Report, explain, in_one_sentence, told

WITHOUT_PERMISSION: Final = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})
"""Actions that need no permission, and that no policy can forbid (IAM User Guide, "Permissions for GetSessionToken";
STS API Reference, GetCallerIdentity)."""
_LEVELLED: Final = (Layer.SERVICE_CONTROL, Layer.RESOURCE_CONTROL)


class Said(StrEnum):
    """What a layer came to."""

    ALLOW = "allow"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


class StatementReason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A statement that applied; or, with `mismatches`, one that came near, and what kept it from applying."""

    policy: str
    index: int
    effect: Effect
    sid: str | None = None
    mismatches: tuple[Mismatch, ...] = ()


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One layer that decided. `level` counts from 0, from the organisation's root down, where a layer has levels."""

    layer: Layer
    effect: Said
    level: int | None = None
    statements: tuple[StatementReason, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer.

    `reasons` are the layers that allowed, or those that denied; of these the one that AWS names to the caller comes
    first. `missing` lists the condition keys that statements wanted and the request has not, for a denial. `sentence`
    is what AWS would say to the caller. `unreadable` is what could not be evaluated, where that is let pass.
    """

    name: str | None = None
    id: str | None = None
    decision: Outcome
    reasons: tuple[Reason, ...]
    missing: tuple[str, ...] = ()
    sentence: str | None = None
    unreadable: tuple[Unreadable, ...] = ()


class Undecided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """In place of an answer: why there is none."""

    name: str | None = None
    id: str | None = None
    line: int | None = None
    error: str


def answer(case: Case, documents: Documents) -> tuple[Answer, Evaluation]:
    """The answer, and the evaluation that it rests on.

    Raises:
        UnreadableCase: a document that AWS would refuse to save, unless `documents` is lenient.
    """
    layers, unreadable = documents.layers_of(case)
    request = case.request
    sentence: str | None = None
    missing: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    if request.action.lower() in WITHOUT_PERMISSION:
        evaluation = Evaluation(request=request, layers=Layers(), decision=Decision(outcome=Outcome.ALLOWED))
        sentence = f"{request.action} needs no permission"
    else:
        evaluation = evaluate(request, layers)
        decision = evaluation.decision
        if decision.allowed:
            reasons = _permissions(decision)
        else:
            report = explain(request, layers, decision)
            reasons, missing = _denials(report), report.missing
            sentence = (
                denial_text(request, decision) if report.error is None else in_one_sentence(report, request.action)
            )
    return Answer(
        name=case.name,
        id=case.id,
        decision=evaluation.decision.outcome,
        reasons=reasons,
        missing=missing,
        sentence=sentence,
        unreadable=unreadable,
    ), evaluation


def is_decided_by(said: Answer, decision: Decision, wanted: Deciding) -> bool:
    """Whether what is wanted decided: a layer, or a statement that applied."""
    if wanted.policy is None and wanted.sid is None:
        return wanted.layer in (None, decision.layer, *(reason.layer for reason in said.reasons))
    if decision.outcome is Outcome.IMPLICIT_DENY:
        return False
    effect = Effect.ALLOW if decision.allowed else Effect.DENY
    return any(
        match.effect is effect
        and wanted.layer in (None, match.layer)
        and wanted.policy in (None, match.policy)
        and wanted.sid in (None, match.sid)
        for match in decision.matches
    )


def _permissions(decision: Decision) -> tuple[Reason, ...]:
    """What allowed. The statements are told without being asked again: most answers of a long run are these."""
    reasons: list[Reason] = []
    levels = _levels(layer for layer, _ in decision.applied)
    for (layer, applied), level in zip(decision.applied, levels, strict=True):
        if applied:
            statements = tuple(
                StatementReason(
                    policy=each.policy,
                    index=each.statement.index,
                    effect=each.statement.effect,
                    sid=each.statement.sid,
                )
                for each, _ in applied[:MAXIMUM_STATEMENTS]
            )
            reasons.append(Reason(layer=layer, effect=Said.ALLOW, level=level, statements=statements))
    return tuple(reasons)


_SAID: Final = {Effected.EXPLICIT_DENY: Said.EXPLICIT_DENY, Effected.IMPLICIT_DENY: Said.IMPLICIT_DENY}


def _denials(report: Report) -> tuple[Reason, ...]:
    """What denied: the layers with a denial, else those that are silent; the one that AWS would name first."""
    deciding = Effected.EXPLICIT_DENY if report.outcome is Outcome.EXPLICIT_DENY else Effected.IMPLICIT_DENY
    levels = _levels(each.layer for each in report.layers)
    reasons = [
        Reason(
            layer=each.layer,
            effect=_SAID[deciding],
            level=level,
            statements=tuple(
                StatementReason(
                    policy=statement.policy,
                    index=statement.index,
                    effect=statement.effect,
                    sid=statement.sid,
                    mismatches=statement.mismatches,
                )
                for statement in told(each)
            ),
        )
        for each, level in zip(report.layers, levels, strict=True)
        if each.effect is deciding
    ]
    return tuple(sorted(reasons, key=lambda each: each.layer is not report.layer))


def _levels(layers: Iterable[Layer]) -> Sequence[int | None]:
    """Which level of its layer each is."""
    seen: Counter[Layer] = Counter()
    found: list[int | None] = []
    for layer in layers:
        found.append(seen[layer] if layer in _LEVELLED else None)
        seen[layer] += 1
    return found
