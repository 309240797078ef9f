"""One audit record for each call, in the shape of a CloudTrail record (event version 1.11).

A record holds no secret: members that the model marks as sensitive, secret keys, tokens and one-time codes are
replaced or left out before the record exists. What a client wrote is bounded and is only ever a JSON string; ids, times
and identities are the server's own. `additionalEventData.tabard.reason` is the internal reason code of a refusal.

(AWS CloudTrail User Guide, "CloudTrail record contents", "CloudTrail userIdentity element".)
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from tabard.actions.authenticated import Authenticated
from tabard.apps.call import Call
from tabard.faults import Fault
from tabard.names.arn import parse_arn
from tabard.policy.principal import Principal, PrincipalKind
from tabard.sessions.claims import SessionClaims
from tabard.wire.bind import field_name
from tabard.wire.faults import Answer
from tabard.wire.model import Shape

Record = dict[str, object]

EVENT_VERSION: Final = "1.11"
HIDDEN: Final = "HIDDEN_DUE_TO_SECURITY_REASONS"
SECRETS: Final = frozenset({"SessionToken", "TokenCode", "AuthenticationCode1", "AuthenticationCode2"})
"""Members that the model does not mark as sensitive and that are secret all the same."""
MAXIMUM_TEXT: Final = 16_384
"""Characters of one text that a client chose. The largest policy that can be saved fits."""
NO_REGION: Final = "us-east-1"
IDENTITY_TYPES: Final[Mapping[PrincipalKind, str]] = {
    PrincipalKind.ROOT: "Root",
    PrincipalKind.USER: "IAMUser",
    PrincipalKind.ROLE_SESSION: "AssumedRole",
    PrincipalKind.FEDERATED_USER: "FederatedUser",
}


def succeeded(call: Call, response: object) -> Record:
    """The record of a call that was answered."""
    operation = call.operation
    shape = operation.output if operation is not None else None
    read_only = _reads_only(_event_name(call))
    elements = None
    # Reading is not recorded word for word; what was made, changed or issued is.
    if response is not None and shape is not None and (not read_only or _issues(call)):
        elements = _described(shape, response, leave_out_secrets=True)
    return _record(call, response_elements=elements, more=_resources(call))


def refused(call: Call, error: Exception, answer: Answer) -> Record:
    """The record of a call that was not."""
    reason = error.reason if isinstance(error, Fault) else type(error).__name__
    return _record(
        call,
        response_elements=None,
        more={
            "errorCode": answer.code,
            "errorMessage": _bounded(answer.message or ""),
            "additionalEventData": {"tabard": {"reason": reason}},
        },
    )


def _record(call: Call, *, response_elements: object, more: Record) -> Record:
    operation, who = call.operation, call.who
    name = _event_name(call)
    parameters = None
    if call.request is not None and operation is not None and operation.input is not None:
        parameters = _described(operation.input, call.request, leave_out_secrets=False)
    region = who.context.get("aws:requestedregion", NO_REGION) if who is not None else NO_REGION
    record: Record = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _identity(who),
        "eventTime": _instant(call.now),
        "eventSource": f"{operation.service if operation is not None else 'tabard'}.amazonaws.com",
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": call.http.peer,
        "userAgent": _user_agent(call),
        "requestParameters": parameters or None,
        "responseElements": response_elements or None,
        "requestID": call.id,
        "eventID": call.event_id,
        "readOnly": _reads_only(name),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
        **more,
    }
    if who is not None:
        record["recipientAccountId"] = who.account
    return record


def _identity(who: Authenticated | None) -> Record:
    if who is None:
        return {"type": "Unknown"}
    principal, claims = who.caller.principal, who.claims
    identity: Record = {
        "type": IDENTITY_TYPES[principal.kind],
        "principalId": _principal_id(who),
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": who.caller.access_key_id,
    }
    if who.caller.user is not None:
        identity["userName"] = who.caller.user.name
    if claims is not None:
        identity["sessionContext"] = _session(who, claims)
    return identity


def _principal_id(who: Authenticated) -> str:
    principal, claims = who.caller.principal, who.claims
    if principal.kind is PrincipalKind.ROLE_SESSION and claims is not None:
        return f"{principal.unique_id}:{claims.name}"
    return principal.unique_id


def _session(who: Authenticated, claims: SessionClaims) -> Record:
    context: Record = {
        "attributes": {
            "creationDate": _instant(claims.issued),
            "mfaAuthenticated": "true" if claims.mfa_at is not None else "false",
        }
    }
    principal = who.caller.principal
    if principal.issuer_arn:
        context["sessionIssuer"] = _issuer(principal)
    if claims.source_identity is not None:
        context["sourceIdentity"] = claims.source_identity
    return context


def _issuer(principal: Principal) -> Record:
    """The role, the user or the root user that a session came from; root has no name."""
    issuer: Record = {
        "type": "Role" if principal.kind is PrincipalKind.ROLE_SESSION else "IAMUser",
        "principalId": principal.issuer_id,
        "arn": principal.issuer_arn,
        "accountId": principal.account,
    }
    if principal.issuer_id == principal.account:
        return {**issuer, "type": "Root"}
    return {**issuer, "userName": parse_arn(principal.issuer_arn).name}


def _resources(call: Call) -> Record:
    """The role that was taken."""
    role_arn = getattr(call.request, "role_arn", None)
    if not isinstance(role_arn, str) or not _issues(call):
        return {}
    return {"resources": [{"accountId": parse_arn(role_arn).account, "type": "AWS::IAM::Role", "ARN": role_arn}]}


def _event_name(call: Call) -> str:
    return call.operation.name if call.operation is not None else _bounded(call.unverified_action)


def _issues(call: Call) -> bool:
    """Credentials are issued, which CloudTrail counts as reading and describes all the same."""
    return call.operation is not None and call.operation.service == "sts" and _event_name(call) not in _STS_READS


_STS_READS: Final = frozenset({"GetCallerIdentity", "GetAccessKeyInfo", "DecodeAuthorizationMessage"})


def _reads_only(name: str) -> bool:
    return name.startswith(("Get", "List", "Simulate", "AssumeRole", "Decode"))


def _described(shape: Shape, value: object, *, leave_out_secrets: bool) -> object:
    """A request or answer as CloudTrail writes it: the model's names with a small first letter, no empty members."""
    if value is None:
        return None
    match shape.kind:
        case "structure":
            described: Record = {}
            for member, inner in shape.members.items():
                found = getattr(value, field_name(member), None)
                if found is None or found == ():
                    continue
                name = member[0].lower() + member[1:]
                if inner.sensitive or member in SECRETS:
                    if not leave_out_secrets or member == "SessionToken":
                        described[name] = HIDDEN
                else:
                    described[name] = _described(inner, found, leave_out_secrets=leave_out_secrets)
            return described
        case "list" if shape.member is not None and isinstance(value, tuple):
            return [_described(shape.member, item, leave_out_secrets=leave_out_secrets) for item in value]
        case "timestamp" if isinstance(value, datetime):
            return _human_instant(value)
        case "integer" | "boolean":
            return value
    return _bounded(str(value))


def _user_agent(call: Call) -> str:
    agent = next((value for name, value in call.http.headers if name == b"user-agent"), b"")
    return _bounded(agent[:MAXIMUM_TEXT].decode("latin-1"))


def _bounded(text: str) -> str:
    return text if len(text) <= MAXIMUM_TEXT else text[: MAXIMUM_TEXT - 1] + "…"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _human_instant(at: datetime) -> str:
    """`Nov 23, 2026, 7:02:11 PM`, as CloudTrail writes instants in answers."""
    at = at.astimezone(UTC)
    return f"{at:%b} {at.day}, {at.year}, {at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"
