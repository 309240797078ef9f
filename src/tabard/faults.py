"""The root of every deliberate error.

A `Fault` is raised on purpose and is told to the caller. Anything else that escapes is a bug: the wire
answers `InternalFailure` and withholds its text.

    Fault                   public text for the caller; `reason` and `detail` for our log and audit only
    ├── Malformed           cannot be read
    ├── Unproven            cannot be believed: keys, signatures, tokens, assertions
    ├── Denied              may not
    ├── Missing             is not there
    ├── Conflicting         is there already, or is still in use
    ├── Limited             too much, too many, too often
    └── Unsupported         AWS has it, we do not (yet)

Faults are named by meaning. Codes and HTTP statuses belong to the wire (`wire/faults.py`), because one
fault has different codes in different protocols.
"""

from collections.abc import Mapping
from typing import ClassVar


class Fault(Exception):  # noqa: N818 - AWS calls them faults, and so do we
    """Base of all faults.

    `public` is the text that the caller reads. `reason` is a stable, dotted code that names the cause
    (`sigv4.scope.region`); it is logged and audited, never sent. `detail` holds whatever else helps an
    operator; it must hold no secret.
    """

    reason: str = "fault"
    default_public: ClassVar[str] = ""

    def __init__(
        self, public: str = "", *, reason: str | None = None, detail: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(public or self.default_public)
        self.public = public or self.default_public
        if reason is not None:
            self.reason = reason
        self.detail: Mapping[str, object] = detail or {}


class Malformed(Fault):
    """The input cannot be read."""

    reason = "malformed"


class Unproven(Fault):
    """The input can be read but not believed."""

    reason = "unproven"


class Denied(Fault):
    """The caller is who it says it is, and may not."""

    reason = "denied"


class Missing(Fault):
    """The thing named is not there."""

    reason = "missing"


class Conflicting(Fault):
    """The thing named is there already, or is still in use."""

    reason = "conflicting"


class Limited(Fault):
    """Too large, too many, too often."""

    reason = "limited"


class Unsupported(Fault):
    """AWS has it and Tabard does not."""

    reason = "unsupported"


# ── faults that more than one room raises ────────────────────────────────────────────────────────────


class ConstraintViolated(Malformed):
    """A parameter breaks a rule of the API (AWS: `ValidationError`)."""

    reason = "constraint"


class InvalidParameterValue(Malformed):
    """A parameter's value contradicts another (AWS: `InvalidParameterValue`)."""

    reason = "parameter"


class InvalidInput(Malformed):
    """IAM's `InvalidInput`."""

    reason = "input"


class MalformedPolicy(Malformed):
    """A policy document is refused (AWS: `MalformedPolicyDocument`). `at` says where, for people."""

    reason = "policy.malformed"

    def __init__(
        self,
        public: str = "",
        *,
        at: str = "",
        reason: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(public, reason=reason, detail={**(detail or {}), "at": at} if at else detail)
        self.at = at


class PolicyEvaluation(Malformed):
    """A simulated policy cannot be evaluated (AWS: `PolicyEvaluation`)."""

    reason = "policy.evaluation"


class InvalidAuthorizationMessage(Malformed):
    """A sealed authorization message does not open for this caller (AWS: `InvalidAuthorizationMessageException`)."""

    reason = "authorization-message"
    default_public: ClassVar[str] = (
        "The message cannot be decoded; it must be whole, and of a denial in the caller's own account."
    )


class PasswordPolicyViolation(Malformed):
    """A password does not fit the account's policy (AWS: `PasswordPolicyViolation`)."""

    reason = "password.policy"
    default_public: ClassVar[str] = "Password does not conform to the account password policy."


class InvalidUserType(Malformed):
    """The caller is no user, and only a user has what it asks for (AWS: `InvalidUserType`)."""

    reason = "caller.not-a-user"


class InvalidClientTokenId(Unproven):
    """The access key, or the session token with it, is not one of ours (AWS: `InvalidClientTokenId`).

    Every cause has this one text, so that the answer tells nobody which keys exist.
    """

    reason = "key.unknown"
    default_public: ClassVar[str] = "The security token included in the request is invalid."


class ExpiredToken(Unproven):
    """The caller's own session is over (AWS: `ExpiredToken`)."""

    reason = "token.expired"
    default_public: ClassVar[str] = "The security token included in the request is expired"


class InvalidAuthenticationCode(Unproven):
    """The codes do not prove an MFA device (AWS: `InvalidAuthenticationCode`)."""

    reason = "mfa.wrong-code"
    default_public: ClassVar[str] = "Authentication code for device is not valid."


class PackedPolicyTooLarge(Limited):
    """Session policies and tags do not fit into a session token (AWS: `PackedPolicyTooLarge`)."""

    reason = "session.too-large"


class LimitExceeded(Limited):
    """A quota is used up (AWS: `LimitExceeded`)."""

    reason = "quota"


class NoSuchEntity(Missing):
    """IAM's `NoSuchEntity`."""

    reason = "entity.missing"


class EntityAlreadyExists(Conflicting):
    """IAM's `EntityAlreadyExists`."""

    reason = "entity.exists"


class DeleteConflict(Conflicting):
    """IAM's `DeleteConflict`."""

    reason = "entity.in-use"


class UnmodifiableEntity(Conflicting):
    """IAM's `UnmodifiableEntity`."""

    reason = "entity.protected"


class PolicyNotAttachable(Conflicting):
    """IAM's `PolicyNotAttachable`."""

    reason = "policy.not-attachable"


class EntityTemporarilyUnmodifiable(Conflicting):
    """Two callers change the same thing at once; the later one may try again."""

    reason = "entity.busy"
