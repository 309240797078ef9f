"""One audit record for each call, in the shape of a CloudTrail record (event version 1.11).

A record holds no secret (`descriptions.py`). What a client wrote is bounded and is only ever a JSON string; ids, times
and identities are the server's own. `additionalEventData.tabard.reason` is the internal reason code of a refusal,
`….lint` what a saved policy was warned of.

(AWS CloudTrail User Guide, "CloudTrail record contents".)
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from tabard.apps.call import Call
from tabard.apps.descriptions import HIDDEN, MAXIMUM_TEXT, bounded
from tabard.apps.user_identity import UNKNOWN
from tabard.faults import Fault
from tabard.names.arn import parse_arn
from tabard.names.instants import iso
from tabard.policy.lint.findings import Finding
from tabard.policy.positions import path_text
from tabard.ports.world import Entropy
from tabard.sigv4.faults import IncompleteSignature
from tabard.wire.faults import Answer
from tabard.wire.model import OperationModel

Record = dict[str, object]

EVENT_VERSION: Final = "1.11"
NO_REGION: Final = "us-east-1"
MAXIMUM_WARNINGS: Final = 20
"""Warnings about a saved policy that a record lists."""
STS_READS: Final = frozenset({"GetCallerIdentity", "GetAccessKeyInfo", "DecodeAuthorizationMessage"})


def succeeded(call: Call, response: object, warnings: Sequence[Finding] = ()) -> Record:
    """The record of a call that was answered. `warnings` are of the policy that it saved."""
    elements = None
    issuing = issues(call.operation)
    # Reading is not recorded word for word; what was made, changed or issued is.
    if call.row is not None and response is not None and (issuing or not reads_only(call.name)):
        elements = call.row.describe_response(response)
    record = _record(call, response_elements=elements)
    if issuing and (role_arn := getattr(call.request, "role_arn", None)) is not None:
        role = {"accountId": parse_arn(role_arn).account, "type": "AWS::IAM::Role", "ARN": role_arn}
        record["resources"] = [role]
    if warnings:
        record["additionalEventData"] = {"tabard": {"lint": _lint(warnings)}}
    return record


def refused(call: Call, error: Exception, answer: Answer) -> Record:
    """The record of a call that was not."""
    record = _record(call, response_elements=None)
    record["errorCode"] = answer.code
    # AWS's text for a signature that cannot be read quotes the header, and nobody knows what a client put there.
    record["errorMessage"] = HIDDEN if isinstance(error, IncompleteSignature) else bounded(answer.message or "")
    reason = error.reason if isinstance(error, Fault) else type(error).__name__
    ours = {"reason": reason}
    if call.authorization_id is not None:
        ours["authorizationId"] = call.authorization_id
    record["additionalEventData"] = {"tabard": ours}
    return record


def operated(
    *,
    service: str,
    name: str,
    account: str,
    parameters: object,
    elements: object,
    operator: str,
    agent: str,
    now: datetime,
    entropy: Entropy,
    about: Mapping[str, object] | None = None,
    warnings: Sequence[Finding] = (),
) -> Record:
    """The record of what the operator did with a command; `operator` is the name of a user of the machine.

    `about` tells more of the command, `warnings` are of the policy that was saved.
    """
    ours = {**(about or {}), **({"lint": _lint(warnings)} if warnings else {})}
    return {
        "eventVersion": EVENT_VERSION,
        "userIdentity": {"type": "Operator", "userName": operator, "invokedBy": "command line"},
        "eventTime": iso(now),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": NO_REGION,
        "sourceIPAddress": "command line",
        "userAgent": agent,
        "requestParameters": parameters or None,
        "responseElements": elements or None,
        "requestID": new_uuid(entropy(16)),
        "eventID": new_uuid(entropy(16)),
        "readOnly": reads_only(name),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
        "recipientAccountId": account,
        **({"additionalEventData": {"tabard": ours}} if ours else {}),
    }


def new_uuid(entropy: bytes) -> str:
    """A version 4 UUID (RFC 9562 §5.4) of sixteen bytes."""
    digits = entropy.hex()
    variant = "89ab"[entropy[8] & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def reads_only(name: str) -> bool:
    """What CloudTrail calls `readOnly`; taking a role is."""
    return name.startswith(("Get", "List", "Describe", "Simulate", "AssumeRole", "Decode"))


def issues(operation: OperationModel | None) -> bool:
    """Credentials are issued, which counts as reading and is described all the same."""
    return operation is not None and operation.service == "sts" and operation.name not in STS_READS


def _lint(warnings: Sequence[Finding]) -> list[Record]:
    """The first of the warnings; a document may have thousands."""
    return [
        {"code": each.code, "at": bounded(path_text(each.at)), "reason": each.reason}
        for each in warnings[:MAXIMUM_WARNINGS]
    ]


def _record(call: Call, *, response_elements: object) -> Record:
    operation, who, name = call.operation, call.who, call.name
    parameters = None
    if call.row is not None and call.request is not None:
        parameters = call.row.describe_request(call.request)
    record: Record = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": UNKNOWN if who is None else who.user_identity,
        "eventTime": iso(call.now),
        "eventSource": f"{operation.service if operation is not None else 'tabard'}.amazonaws.com",
        "eventName": name,
        "awsRegion": NO_REGION if who is None else who.region,
        "sourceIPAddress": call.http.peer,
        "userAgent": bounded(call.headers.get(b"user-agent", b"")[:MAXIMUM_TEXT].decode("latin-1")),
        "requestParameters": parameters,
        "responseElements": response_elements,
        "requestID": call.id,
        "eventID": call.event_id,
        "readOnly": reads_only(name),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }
    if who is not None:
        record["recipientAccountId"] = who.account
    return record
