"""Which code and status a fault has: one table for the query protocol, and one for the JSON protocol.

A fault is looked up by its class, then by its bases, so that a newcomer has its family's code until it has its own.
Whatever is no fault is a mistake of ours: `InternalFailure`, and its text is withheld.

(AWS STS and IAM API Reference, "Common errors", and the errors that the models list.)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeVar

from tabard import faults
from tabard.actions import organization_faults as organizations
from tabard.ports.audit import AuditUnavailable
from tabard.ports.store import StoreUnavailable
from tabard.sigv4 import faults as sigv4
from tabard.wire import json_answers, json_protocol, xml
from tabard.wire.json_protocol import UnknownTarget, UnreadableBody
from tabard.wire.model import OperationModel
from tabard.wire.query import MalformedForm, MalformedInput, UnknownOperation
from tabard.wire.rest_json import UnknownRoute

T = TypeVar("T")

DISPATCH_NAMESPACE: Final = "http://webservices.amazon.com/AWSFault/2005-15-09"
"""Of answers that no service gives, because none was found."""

CODES: Final[Mapping[type[Exception], tuple[str, int]]] = {
    # the six families, for members without a row of their own
    faults.Malformed: ("MalformedInput", 400),
    faults.Unproven: ("AccessDenied", 403),
    faults.Denied: ("AccessDenied", 403),
    faults.Missing: ("NoSuchEntity", 404),
    faults.Conflicting: ("ConcurrentModification", 409),
    faults.Limited: ("Throttling", 400),
    # 400 and not 501: SDKs try again after every 5xx
    faults.Unsupported: ("UnsupportedOperation", 400),
    # cannot be read
    UnknownOperation: ("InvalidAction", 400),
    MalformedForm: ("MalformedInput", 400),
    MalformedInput: ("MalformedInput", 400),
    faults.ConstraintViolated: ("ValidationError", 400),
    faults.InvalidParameterValue: ("InvalidParameterValue", 400),
    faults.InvalidInput: ("InvalidInput", 400),
    faults.MalformedPolicy: ("MalformedPolicyDocument", 400),
    faults.PolicyEvaluation: ("PolicyEvaluation", 500),
    faults.InvalidAuthorizationMessage: ("InvalidAuthorizationMessageException", 400),
    faults.PasswordPolicyViolation: ("PasswordPolicyViolation", 400),
    faults.InvalidUserType: ("InvalidUserType", 400),
    # cannot be believed
    sigv4.MissingAuthenticationToken: ("MissingAuthenticationToken", 403),
    sigv4.IncompleteSignature: ("IncompleteSignature", 400),
    sigv4.SignatureDoesNotMatch: ("SignatureDoesNotMatch", 403),
    faults.InvalidClientTokenId: ("InvalidClientTokenId", 403),
    faults.ExpiredToken: ("ExpiredToken", 403),
    faults.InvalidAuthenticationCode: ("InvalidAuthenticationCode", 403),
    # too much
    faults.PackedPolicyTooLarge: ("PackedPolicyTooLarge", 400),
    faults.LimitExceeded: ("LimitExceeded", 409),
    # not there, there already
    faults.NoSuchEntity: ("NoSuchEntity", 404),
    faults.EntityAlreadyExists: ("EntityAlreadyExists", 409),
    faults.DeleteConflict: ("DeleteConflict", 409),
    faults.UnmodifiableEntity: ("UnmodifiableEntity", 400),
    faults.PolicyNotAttachable: ("PolicyNotAttachable", 400),
    faults.EntityTemporarilyUnmodifiable: ("EntityTemporarilyUnmodifiable", 409),
}

JSON_CODES: Final[Mapping[type[Exception], str]] = {
    # the six families; there is no status of its own for each, only 400 and 500
    faults.Malformed: "SerializationException",
    faults.Unproven: "AccessDeniedException",
    faults.Denied: "AccessDeniedException",
    faults.Missing: "TargetNotFoundException",
    faults.Conflicting: "ConcurrentModificationException",
    faults.Limited: "TooManyRequestsException",
    faults.Unsupported: "UnsupportedAPIEndpointException",
    # cannot be read
    UnknownTarget: "UnknownOperationException",
    UnreadableBody: "SerializationException",
    faults.ConstraintViolated: "InvalidInputException",
    faults.InvalidInput: "InvalidInputException",
    organizations.InvalidOrganizationInput: "InvalidInputException",
    faults.MalformedPolicy: "MalformedPolicyDocumentException",
    # cannot be believed
    sigv4.MissingAuthenticationToken: "MissingAuthenticationTokenException",
    sigv4.IncompleteSignature: "IncompleteSignatureException",
    sigv4.SignatureDoesNotMatch: "InvalidSignatureException",
    faults.InvalidClientTokenId: "UnrecognizedClientException",
    faults.ExpiredToken: "ExpiredTokenException",
    # too much
    faults.LimitExceeded: "ConstraintViolationException",
    organizations.ConstraintViolation: "ConstraintViolationException",
    # not there, there already, not here
    organizations.OrganizationsNotInUse: "AWSOrganizationsNotInUseException",
    organizations.AccountNotFound: "AccountNotFoundException",
    organizations.RootNotFound: "RootNotFoundException",
    organizations.UnitNotFound: "OrganizationalUnitNotFoundException",
    organizations.ParentNotFound: "ParentNotFoundException",
    organizations.SourceParentNotFound: "SourceParentNotFoundException",
    organizations.DestinationParentNotFound: "DestinationParentNotFoundException",
    organizations.ChildNotFound: "ChildNotFoundException",
    organizations.OrganizationPolicyNotFound: "PolicyNotFoundException",
    organizations.PolicyNotAttached: "PolicyNotAttachedException",
    organizations.AlreadyInOrganization: "AlreadyInOrganizationException",
    organizations.OrganizationNotEmpty: "OrganizationNotEmptyException",
    organizations.ManagementCannotLeave: "MasterCannotLeaveOrganizationException",
    organizations.DuplicateAccount: "DuplicateAccountException",
    organizations.DuplicateUnit: "DuplicateOrganizationalUnitException",
    organizations.UnitNotEmpty: "OrganizationalUnitNotEmptyException",
    organizations.DuplicatePolicy: "DuplicatePolicyException",
    organizations.DuplicatePolicyAttachment: "DuplicatePolicyAttachmentException",
    organizations.PolicyInUse: "PolicyInUseException",
    organizations.PolicyTypeAlreadyEnabled: "PolicyTypeAlreadyEnabledException",
    organizations.PolicyTypeNotEnabled: "PolicyTypeNotEnabledException",
    organizations.PolicyTypeNotBuilt: "PolicyTypeNotAvailableForOrganizationException",
}

REST_CODES: Final[Mapping[type[Exception], tuple[str, int]]] = {
    faults.Malformed: ("ValidationException", 400),
    faults.Unproven: ("AccessDeniedException", 403),
    faults.Denied: ("AccessDeniedException", 403),
    faults.Missing: ("ResourceNotFoundException", 404),
    faults.Conflicting: ("ConflictException", 409),
    faults.Limited: ("ThrottlingException", 429),
    faults.Unsupported: ("ValidationException", 400),
    UnknownRoute: ("UnknownOperationException", 404),
    sigv4.MissingAuthenticationToken: ("MissingAuthenticationTokenException", 403),
    sigv4.IncompleteSignature: ("IncompleteSignatureException", 400),
    sigv4.SignatureDoesNotMatch: ("InvalidSignatureException", 403),
    faults.InvalidClientTokenId: ("UnrecognizedClientException", 403),
    faults.ExpiredToken: ("ExpiredTokenException", 403),
}

_UNAVAILABLE: Final = (StoreUnavailable, AuditUnavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A refusal, ready to be written. Without a message it has no such element.

    `namespace` is for XML; `more` are the members beside the message that only the JSON protocol writes.
    """

    code: str
    status: int
    message: str | None
    namespace: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def render(self, request_id: str, *, as_json: bool = False) -> bytes:
        sender = self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        if as_json:
            return json_answers.render_error(code=self.code, message=self.message, sender=sender, request_id=request_id)
        return xml.render_error(
            code=self.code, message=self.message, sender=sender, request_id=request_id, namespace=self.namespace
        )

    def render_json(self) -> bytes:
        """The refusal in the JSON protocol."""
        return json_protocol.render_error(code=self.code, message=self.message, more=self.more)


def answer_to(error: Exception, operation: OperationModel | None) -> Answer:
    """What the caller is told of `error`; `operation` is None when none was found."""
    namespace = operation.namespace if operation else DISPATCH_NAMESPACE
    if not isinstance(error, faults.Fault):
        return _failure(error, namespace=namespace)
    code, status = row_of(type(error), CODES)
    return Answer(code=code, status=status, message=error.public or None, namespace=namespace)


def json_answer_to(error: Exception) -> Answer:
    """What the caller is told of `error` in the JSON protocol."""
    if not isinstance(error, faults.Fault):
        return _failure(error)
    rule = getattr(error, "rule", None)
    code = row_of(type(error), JSON_CODES)
    return Answer(code=code, status=400, message=error.public or None, more={"Reason": rule} if rule else {})


def rest_answer_to(error: Exception) -> Answer:
    """What the caller is told of `error` in the REST protocol."""
    if not isinstance(error, faults.Fault):
        return _failure(error)
    code, status = row_of(type(error), REST_CODES)
    return Answer(code=code, status=status, message=error.public or None)


def row_of(kind: type[faults.Fault], rows: Mapping[type[Exception], T]) -> T:
    """The row of a fault's class, or of the nearest of its bases that has one."""
    for base in kind.__mro__:
        if base in rows:
            return rows[base]
    raise LookupError(f"{kind.__name__} is of no family of faults")


def _failure(error: Exception, *, namespace: str = "") -> Answer:
    """What is no fault of the caller's."""
    if isinstance(error, _UNAVAILABLE):
        return Answer(
            code="ServiceUnavailable",
            status=503,
            message="The request has failed due to a temporary failure of the server.",
            namespace=namespace,
        )
    return Answer(
        code="InternalFailure",
        status=500,
        message="The request processing has failed because of an unknown error, exception or failure.",
        namespace=namespace,
    )
