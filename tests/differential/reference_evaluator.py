"""A second, naive reading of the rules: slow, short, over raw JSON, and without a line of the engine's.

The principal is the engine's value, nothing else is. It answers "allowed", "implicitDeny" or "explicitDeny" for
documents that are well formed. Wildcards are
regular expressions here, numbers are fractions, addresses and instants are the standard library's.
"""

import ipaddress
import re
from datetime import datetime
from fractions import Fraction
from typing import Any

from tabard.policy.principal import ANONYMOUS

Document = dict[str, Any]


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def wild(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def escape(text: str) -> str:
    """Keeps a value's own wildcards from counting: they move to where no pattern has any."""
    return text.replace("*", "\ue000").replace("?", "\ue001")


def substitute(pattern: str, context: dict[str, Any], version: str) -> str | None:
    if version != "2012-10-17":
        return pattern
    known = {key.lower(): value for key, value in context.items()}
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        inner = match[1]
        if inner in ("*", "?", "$"):
            return escape(inner)
        key, _, default = inner.partition(",")
        found = known.get(key.strip().lower(), default.strip()[1:-1] if default else None)
        if not isinstance(found, str):
            missing = True
            return ""
        return escape(found)

    text = re.sub(r"\$\{([^}]*)\}", value, pattern)
    return None if missing else text


def arn_like(pattern: str, text: str) -> bool:
    ours, theirs = pattern.split(":", 5), text.split(":", 5)
    return len(ours) == len(theirs) == 6 and all(wild(p, escape(t)) for p, t in zip(ours, theirs, strict=True))


def resource_matches(pattern: str, resource: str, context: dict[str, Any], version: str) -> bool:
    if pattern == "*":
        return True
    text = substitute(pattern, context, version)
    return text is not None and arn_like(text, resource)


# ── conditions ───────────────────────────────────────────────────────────────────────────────────────


def number(text: str) -> Fraction | None:
    return Fraction(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None


def instant(text: str) -> Fraction | None:
    try:
        return Fraction(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return number(text)


def boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def inside(address: str, block: str) -> bool | None:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(block)
    except ValueError:
        return None


def arn_or_none(value: str, wanted: str) -> bool | None:
    if value.count(":") < 5 or wanted.count(":") < 5:
        return None
    return arn_like(wanted, value)


def compared(read: Any, compare: Any) -> Any:
    def test(value: str, wanted: str) -> bool | None:
        left, right = read(value), read(wanted)
        return None if left is None or right is None else compare(left, right)

    return test


OPERATIONS: dict[str, tuple[Any, bool]] = {
    "StringEquals": (lambda v, w: escape(v) == escape(w), False),
    "StringNotEquals": (lambda v, w: escape(v) == escape(w), True),
    "StringEqualsIgnoreCase": (lambda v, w: escape(v).lower() == escape(w).lower(), False),
    "StringNotEqualsIgnoreCase": (lambda v, w: escape(v).lower() == escape(w).lower(), True),
    "StringLike": (lambda v, w: wild(w, escape(v)), False),
    "StringNotLike": (lambda v, w: wild(w, escape(v)), True),
    "NumericEquals": (compared(number, lambda a, b: a == b), False),
    "NumericNotEquals": (compared(number, lambda a, b: a == b), True),
    "NumericLessThan": (compared(number, lambda a, b: a < b), False),
    "NumericLessThanEquals": (compared(number, lambda a, b: a <= b), False),
    "NumericGreaterThan": (compared(number, lambda a, b: a > b), False),
    "NumericGreaterThanEquals": (compared(number, lambda a, b: a >= b), False),
    "DateEquals": (compared(instant, lambda a, b: a == b), False),
    "DateNotEquals": (compared(instant, lambda a, b: a == b), True),
    "DateLessThan": (compared(instant, lambda a, b: a < b), False),
    "DateGreaterThan": (compared(instant, lambda a, b: a > b), False),
    "Bool": (compared(boolean, lambda a, b: a is b), False),
    "IpAddress": (inside, False),
    "NotIpAddress": (inside, True),
    "ArnLike": (arn_or_none, False),
    "ArnNotLike": (arn_or_none, True),
}


def satisfies(operation: str, value: str, wanted: list[str]) -> bool:
    test, negated = OPERATIONS[operation]
    results = [test(value, each) for each in wanted]
    if not negated:
        return True in results
    return all(result is False for result in results)


def condition_holds(operator: str, key: str, wanted: list[str], context: dict[str, Any], version: str) -> bool:
    value = {k.lower(): v for k, v in context.items()}.get(key.lower())
    absent = value is None or value == []
    if operator == "Null":
        return any(boolean(each) is absent for each in wanted)
    quantifier, _, rest = operator.rpartition(":")
    if_exists = rest.endswith("IfExists")
    operation = rest.removesuffix("IfExists")
    if operation.startswith(("String", "Arn", "Bool")):
        wanted = [text for each in wanted if (text := substitute(each, context, version)) is not None]
    negated = OPERATIONS[operation][1]
    if quantifier == "ForAllValues":
        return absent or not any(many(value)) or all(satisfies(operation, each, wanted) for each in many(value))
    if quantifier == "ForAnyValue":
        return if_exists if absent else any(satisfies(operation, each, wanted) for each in many(value))
    if absent:
        return if_exists or negated
    return isinstance(value, str) and satisfies(operation, value, wanted)


# ── principals ───────────────────────────────────────────────────────────────────────────────────────


def listed(element: Any) -> dict[str, list[str]]:
    return {"AWS": ["*"]} if element == "*" else {key: many(value) for key, value in element.items()}


def ways(principal: Any, element: Any) -> set[str]:
    """All ways in which the element names the principal."""
    names = listed(element)
    aws = names.get("AWS", [])
    kind = principal.kind.value
    if kind == "Federated":
        return {"federated"} if principal.provider in names.get("Federated", []) else set()
    found = {"*"} if "*" in aws else set()
    if kind == "Service":
        return found | ({"service"} if principal.provider in names.get("Service", []) else set())
    if kind == "Anonymous":
        return found
    if principal.account in aws or f"arn:aws:iam::{principal.account}:root" in aws:
        found.add("account")
    if kind in ("AssumedRole", "FederatedUser") and principal.arn in aws:
        found.add("session")
    if kind in ("AssumedRole", "FederatedUser") and principal.issuer_arn in aws:
        found.add("issuer")
    if kind == "User" and principal.arn in aws:
        found.add("user")
    return found


def named(statement: Document, principal: Any, bounded: bool) -> set[str] | None:
    """The ways, or None when the statement does not speak of the principal."""
    if "Principal" in statement:
        return ways(principal, statement["Principal"]) or None
    if "NotPrincipal" not in statement:
        return set()
    found = ways(principal, statement["NotPrincipal"])
    if statement["Effect"] == "Allow":
        return None if found or principal.kind.value == "Federated" else {"*"}
    needed = {
        "User": {"user", "account"},
        "AssumedRole": {"session", "issuer", "account"},
        "FederatedUser": {"session", "account"},
        "Account": {"account"},
        "Service": {"service"},
        "Federated": {"federated"},
        "Anonymous": {"*"},
    }[principal.kind.value]
    spared = "*" in found or needed <= found
    return None if spared and not bounded else {"*"}


# ── sets and layers ──────────────────────────────────────────────────────────────────────────────────


def applies(statement: Document, version: str, request: Any) -> bool:
    action, resource, context = request["action"].lower(), request["resource"], request["context"]
    if "Action" in statement:
        if not any(wild(a.lower(), action) for a in many(statement["Action"])):
            return False
    elif any(wild(a.lower(), action) for a in many(statement["NotAction"])):
        return False
    if "Resource" in statement:
        if not any(resource_matches(r, resource, context, version) for r in many(statement["Resource"])):
            return False
    elif "NotResource" in statement and any(
        resource_matches(r, resource, context, version) for r in many(statement["NotResource"])
    ):
        return False
    return all(
        condition_holds(operator, key, many(wanted), context, version)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def result(documents: list[Document] | None, request: Any, bounded: bool = False) -> tuple[bool, bool, set[str]]:
    """(denies, allows, the ways in which allows name the principal)."""
    denies, allows, by = False, False, set[str]()
    for document in documents or []:
        for statement in many(document["Statement"]):
            how = named(statement, request["principal"], bounded)
            if how is None or not applies(statement, document.get("Version", "2008-10-17"), request):
                continue
            if statement["Effect"] == "Deny":
                denies = True
            else:
                allows = True
                by |= how
    return denies, allows, by


def guardrails(request: Any, layers: dict[str, Any]) -> list[tuple[bool, bool]]:
    """(denies, lets through) of each level of an organisation that counts, and of the endpoint."""
    principal = request["principal"]
    kind = principal.kind.value
    outsider = kind in ("Service", "Anonymous", "Federated")
    # Whoever has no role yet is met by `*` alone, as an anonymous caller is.
    asked = {**request, "principal": ANONYMOUS} if kind == "Federated" else request
    found = []
    if "/aws-service-role/" not in principal.issuer_arn:
        if not outsider:
            for level in layers.get("service_control") or []:
                denies, allows, _ = result(level, asked)
                found.append((denies, allows))
        for level in layers.get("resource_control") or []:
            denies, _, by = result(level, asked)
            found.append((denies, bool(by)))
    if layers.get("endpoint") is not None:
        denies, _, by = result(layers["endpoint"], asked)
        found.append((denies, bool(by)))
    return found


def evaluate(request: Any, layers: dict[str, Any]) -> str:
    principal = request["principal"]
    kind = principal.kind.value
    rails = guardrails(request, layers)
    bounded = layers.get("boundary") is not None
    results = {
        layer: result(layers.get(layer), request, bounded and layer == "resource")
        for layer in ("identity", "resource", "boundary", "session")
    }
    outsider, root = kind in ("Service", "Anonymous", "Federated"), kind == "Account"
    counted = {"resource"} if outsider else {"resource", "session"} if root else set(results)
    if any(results[layer][0] for layer in counted) or any(denies for denies, _ in rails):
        return "explicitDeny"
    if not all(lets_through for _, lets_through in rails):
        return "implicitDeny"
    grants = results["resource"][2]
    if outsider:
        return "allowed" if grants else "implicitDeny"
    limits = all(
        layers.get(layer) is None or results[layer][1] for layer in ("boundary", "session") if layer in counted
    )
    identity = root or results["identity"][1]
    if principal.account != request["resource_account"]:
        yes = bool(grants) and identity and limits
    elif grants & {"user", "session", "*"}:
        yes = True
    elif "issuer" in grants:
        yes = limits
    elif layers.get("resource_must_allow") and not grants:
        yes = False
    else:
        yes = identity and limits
    return "allowed" if yes else "implicitDeny"
