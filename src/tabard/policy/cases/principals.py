"""Who asks in a case, and which condition keys surely follow from that.

What an ARN does not say is unknown, and then names nobody: a unique id (unless the context's `aws:userid` tells it),
the path of a session's role (unless `sessionIssuer` or the context's `aws:PrincipalArn` does), the user who made a
federated user's session (`sessionIssuer`).

(IAM User Guide, "AWS global condition context keys"; "IAM JSON policy elements: Variables", principal key values.)
"""

import re
from collections.abc import Mapping
from typing import Final

from tabard.policy.context import Context, Value
from tabard.policy.principal import ANONYMOUS, Principal, PrincipalKind

ANY_SESSION: Final = "(any session)"
"""The session name of a principal that is a role: one that no policy can name."""
UNKNOWN: Final = "\0"
"""An id or ARN that is not known. No document can hold it, so no statement names it."""
_NAME: Final = r"[A-Za-z0-9_+=,.@-]+"
_ARN: Final = re.compile(
    rf"arn:(?P<partition>aws[a-z-]*):(?:iam::(?P<iam>[0-9]{{12}}):(?P<entity>root|(?:user|role)/(?:[!-~]*/)?{_NAME})"
    rf"|sts::(?P<sts>[0-9]{{12}}):(?P<session>assumed-role/{_NAME}/{_NAME}|federated-user/{_NAME}))",
    re.ASCII,
)
_USER_ID: Final = re.compile(r"AIDA[A-Z0-9]+", re.ASCII)
_ROLE_ID: Final = re.compile(r"(AROA[A-Z0-9]+)(?::.*)?", re.ASCII)


def principal_of(arn: str, issuer: str | None, context: Context) -> Principal | None:
    """The principal with this ARN; None where no principal has such an ARN, or none that `issuer` made.

    A role stands for a session of it whose name no policy knows.
    """
    found = _ARN.fullmatch(arn)
    if found is None:
        return None
    account = found["iam"] or found["sts"]
    kind, _, rest = (found["entity"] or found["session"]).partition("/")
    name = rest.rsplit("/", 1)[-1]
    if issuer is not None and kind not in ("assumed-role", "federated-user"):
        return None
    match kind:
        case "root":
            return Principal(kind=PrincipalKind.ROOT, account=account, arn=arn, unique_id=account)
        case "user":
            return Principal(kind=PrincipalKind.USER, account=account, arn=arn, unique_id=_id(_USER_ID, context))
        case "federated-user":
            if issuer is not None and not _made_by(issuer, account, "user", None):
                return None
            return Principal(
                kind=PrincipalKind.FEDERATED_USER,
                account=account,
                arn=arn,
                unique_id=f"{account}:{name}",
                issuer_arn=issuer or UNKNOWN,
                issuer_id=UNKNOWN,
            )
        case "role":
            role, shown = arn, f"arn:{found['partition']}:sts::{account}:assumed-role/{name}/{ANY_SESSION}"
        case _:
            role_name, shown = rest.split("/", 1)[0], arn
            if issuer is not None and not _made_by(issuer, account, "role", role_name):
                return None
            told = context.get("aws:principalarn")
            if issuer is None and isinstance(told, str) and _made_by(told, account, "role", role_name):
                issuer = told
            role = issuer or f"arn:{found['partition']}:iam::{account}:role/{role_name}"
    return Principal(
        kind=PrincipalKind.ROLE_SESSION, account=account, arn=shown, unique_id=_id(_ROLE_ID, context), issuer_arn=role
    )


def service(name: str) -> Principal:
    """An AWS service."""
    return Principal(kind=PrincipalKind.SERVICE, provider=name)


def federated(provider: str) -> Principal:
    """An identity that a provider has proven, and that has no role yet."""
    return Principal(kind=PrincipalKind.FEDERATED, provider=provider)


def keys_of(principal: Principal) -> Mapping[str, Value]:
    """The condition keys that follow from the principal alone, folded."""
    kind = principal.kind
    if kind is PrincipalKind.SERVICE:
        return {"aws:principalisawsservice": "true", "aws:principalservicename": principal.provider}
    if kind is PrincipalKind.FEDERATED:
        return {"aws:federatedprovider": principal.provider, "aws:principalisawsservice": "false"}
    if principal == ANONYMOUS:
        return {
            "aws:principalaccount": "anonymous",
            "aws:principaltype": kind.value,
            "aws:userid": "anonymous",
            "aws:principalisawsservice": "false",
        }
    keys: dict[str, Value] = {
        "aws:principalarn": principal.issuer_arn if kind is PrincipalKind.ROLE_SESSION else principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": kind.value,
        "aws:principalisawsservice": "false",
    }
    if kind is PrincipalKind.USER:
        keys["aws:username"] = principal.arn.rsplit("/", 1)[-1]
    elif kind is not PrincipalKind.ROLE_SESSION:
        keys["aws:userid"] = principal.unique_id
    return keys


def _made_by(issuer: str, account: str, kind: str, name: str | None) -> bool:
    """Whether a session of this account, and for a role of this name, can be the issuer's."""
    found = _ARN.fullmatch(issuer)
    if found is None or found["iam"] != account:
        return False
    entity = found["entity"]
    if name is None:
        return entity == "root" or entity.startswith(f"{kind}/")
    return entity.startswith(f"{kind}/") and entity.rsplit("/", 1)[-1] == name


def _id(form: re.Pattern[str], context: Context) -> str:
    told = context.get("aws:userid")
    found = form.fullmatch(told) if isinstance(told, str) else None
    return UNKNOWN if found is None else found[found.lastindex or 0]
