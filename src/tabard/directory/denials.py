"""Denials, as they are kept: what was asked, by whom, what every layer of policies had to say, and their texts.

A denial is written once and never changed. It holds the policies as they were at the time, so that it explains the
answer that was given and not the one that would be given now.
"""

from datetime import datetime
from typing import Final

import msgspec

from tabard.policy.context import Value
from tabard.policy.decide import Layer
from tabard.policy.explain import Mismatch, Report


class JudgedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that took part. `name` is as in `names.policies`, `attached_to` an ARN, `account` whose policy it is."""

    name: str
    layer: Layer
    attached_to: str
    document: str
    account: str


class JudgedAsk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question, and how it was answered. `context` holds what this question added to the request's context."""

    action: str
    resource: str
    resource_account: str
    report: Report
    context: dict[str, Value] = {}


class Denial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One denial. `id` is the authorization id that the caller was told; `account` is the caller's.

    `event` is what the audit calls it (`sts.amazonaws.com`, `AssumeRole`). `asked` ends with the question that was
    denied.
    """

    id: str
    at: datetime
    request_id: str
    account: str
    principal: str
    principal_id: str
    access_key_id: str
    event: tuple[str, str]
    message: str
    context: dict[str, Value]
    asked: tuple[JudgedAsk, ...]
    policies: tuple[JudgedPolicy, ...] = ()


# ── what the caller may see ──────────────────────────────────────────────────────────────────────────

NOT_SHOWN: Final = "(not shown)"
_OF_RESOURCES: Final = frozenset({Layer.RESOURCE, Layer.RESOURCE_CONTROL})
_TAGS_OF_RESOURCES: Final = ("aws:resourcetag/", "iam:resourcetag/", "s3:existingobjecttag/", "s3:buckettag/")


def as_its_account_sees_it(denial: Denial) -> Denial:
    """The denial without what belongs to other accounts: the policies and tags of their resources.

    What such a layer came to is still told, as AWS does, and nothing of how.
    """
    return msgspec.structs.replace(
        denial,
        asked=tuple(
            asked if asked.resource_account == denial.account else _without_the_resource_s(asked)
            for asked in denial.asked
        ),
        policies=tuple(policy for policy in denial.policies if policy.account == denial.account),
    )


def _without_the_resource_s(asked: JudgedAsk) -> JudgedAsk:
    report = asked.report
    layers = []
    for layer in report.layers:
        if layer.layer in _OF_RESOURCES:
            layers.append(msgspec.structs.replace(layer, statements=(), policies=(), omitted=0, target=""))
        else:
            statements = tuple(
                msgspec.structs.replace(each, mismatches=tuple(_masked(amiss) for amiss in each.mismatches))
                for each in layer.statements
            )
            layers.append(msgspec.structs.replace(layer, statements=statements))
    missing = tuple(
        dict.fromkeys(
            amiss.key
            for layer in layers
            for each in layer.statements
            for amiss in each.mismatches
            if amiss.key is not None and amiss.received is None
        )
    )
    return msgspec.structs.replace(
        asked,
        context={key: value for key, value in asked.context.items() if not _is_a_tag_of_the_resource(key)},
        report=msgspec.structs.replace(report, layers=tuple(layers), missing=missing),
    )


def _masked(amiss: Mismatch) -> Mismatch:
    hidden = amiss.key is not None and _is_a_tag_of_the_resource(amiss.key)
    return msgspec.structs.replace(amiss, received=(NOT_SHOWN,)) if hidden else amiss


def _is_a_tag_of_the_resource(key: str) -> bool:
    return key.lower().startswith(_TAGS_OF_RESOURCES)
