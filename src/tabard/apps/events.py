"""One audit record for each call, in the shape of a CloudTrail record (event version 1.11).

A record holds no secret (`descriptions.py`). What a client wrote is bounded and is only ever a JSON string; ids, times
and identities are the server's own. `additionalEventData.tabard.reason` is the internal reason code of a refusal.

(AWS CloudTrail User Guide, "CloudTrail record contents".)
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from tabard.apps.call import Call
from tabard.apps.descriptions import HIDDEN, MAXIMUM_TEXT, bounded
from tabard.apps.user_identity import UNKNOWN
from tabard.faults import Fault
from tabard.names.arn import parse_arn, root_arn
from tabard.names.instants import iso
from tabard.sigv4.faults import IncompleteSignature
from tabard.wire.faults import Answer
from tabard.wire.model import OperationModel

Record = dict[str, object]

EVENT_VERSION: Final = "1.11"
NO_REGION: Final = "us-east-1"
COMMAND_LINE: Final = "tabard apply"
"""Stands where a client and its address stand, in records of what the operator's command line did."""
STS_READS: Final = frozenset({"GetCallerIdentity", "GetAccessKeyInfo", "DecodeAuthorizationMessage"})


def succeeded(call: Call, response: object) -> Record:
    """The record of a call that was answered."""
    elements = None
    # Reading is not recorded word for word; what was made, changed or issued is.
    if call.row is not None and response is not None and (issues(call.operation) or not reads_only(call.name)):
        elements = call.row.describe_response(response)
    record = _record(call, response_elements=elements)
    if issues(call.operation) and (role_arn := getattr(call.request, "role_arn", None)) is not None:
        role = {"accountId": parse_arn(role_arn).account, "type": "AWS::IAM::Role", "ARN": role_arn}
        record["resources"] = [role]
    return record


def refused(call: Call, error: Exception, answer: Answer) -> Record:
    """The record of a call that was not."""
    record = _record(call, response_elements=None)
    record["errorCode"] = answer.code
    # AWS's text for a signature that cannot be read quotes the header, and nobody knows what a client put there.
    record["errorMessage"] = HIDDEN if isinstance(error, IncompleteSignature) else bounded(answer.message or "")
    reason = error.reason if isinstance(error, Fault) else type(error).__name__
    record["additionalEventData"] = {"tabard": {"reason": reason}}
    return record


def by_operator(
    operation: str,
    *,
    request: object,
    response: object,
    account: str,
    now: datetime,
    request_id: str,
    event_id: str,
    about: Mapping[str, str],
) -> Record:
    """The record of a change that the operator's command line made, which signs nothing.

    It is told from a call of the root user by `invokedBy`, as CloudTrail tells what a service does for a caller.
    """
    identity = {"type": "Root", "principalId": account, "arn": root_arn(account), "accountId": account}
    return {
        "eventVersion": EVENT_VERSION,
        "userIdentity": {**identity, "invokedBy": COMMAND_LINE},
        "eventTime": iso(now),
        "eventSource": "iam.amazonaws.com",
        "eventName": operation,
        "awsRegion": NO_REGION,
        "sourceIPAddress": COMMAND_LINE,
        "userAgent": COMMAND_LINE,
        "requestParameters": request or None,
        "responseElements": response or None,
        "requestID": request_id,
        "eventID": event_id,
        "readOnly": reads_only(operation),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
        "recipientAccountId": account,
        "additionalEventData": {"tabard": dict(about)},
    }


def hidden(described: object, secrets: Sequence[str]) -> object:
    """What is described, with every text that shows a secret hidden."""
    if isinstance(described, str):
        return HIDDEN if any(secret in described for secret in secrets) else described
    if isinstance(described, Mapping):
        return {name: hidden(value, secrets) for name, value in described.items()}
    return [hidden(value, secrets) for value in described] if isinstance(described, list) else described


def reads_only(name: str) -> bool:
    """What CloudTrail calls `readOnly`; taking a role is."""
    return name.startswith(("Get", "List", "Simulate", "AssumeRole", "Decode"))


def issues(operation: OperationModel | None) -> bool:
    """Credentials are issued, which counts as reading and is described all the same."""
    return operation is not None and operation.service == "sts" and operation.name not in STS_READS


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
        "awsRegion": NO_REGION if who is None else who.context.get("aws:requestedregion", NO_REGION),
        "sourceIPAddress": call.http.peer,
        "userAgent": bounded(call.headers.get(b"user-agent", b"")[:MAXIMUM_TEXT].decode("latin-1")),
        "requestParameters": parameters or None,
        "responseElements": response_elements or None,
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
