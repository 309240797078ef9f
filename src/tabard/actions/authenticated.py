"""A proven caller with all that decisions need, and the row that describes one STS action."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from tabard.actions.desk import Caller
from tabard.policy.context import Context
from tabard.services.ask import Ask
from tabard.sessions.claims import SessionClaims
from tabard.trust.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """Who signed this request.

    `claims` are those of the session token, None for a long-lived key. `context` holds the global condition
    keys of this request (`aws:PrincipalTag/…`, `aws:SourceIp`, `aws:CurrentTime`, …), `own_resource_keys` those that
    hold for every resource of the caller's own account (`aws:ResourceOrgID`, …). `now` is the instant of the request:
    the whole of it is judged at one time.
    """

    caller: Caller
    standing: Standing
    claims: SessionClaims | None
    context: Context
    now: datetime
    user_identity: dict[str, object]
    own_resource_keys: Context = field(default_factory=dict)

    @property
    def account(self) -> str:
        return self.caller.principal.account


class Authorization(Enum):
    """How an action is authorised that asks for no permission by itself."""

    NOTHING = "no permission is needed"
    TRUST_POLICY = "the role's trust policy decides, in the action"


@dataclass(frozen=True, slots=True, kw_only=True)
class STSAction:
    """One STS action. `authorization` is never left out: it is a rule by name, or the questions to decide."""

    name: str
    request: type[Any]
    response: type[Any]
    authorization: Authorization | Callable[[Any, Authenticated], tuple[Ask, ...]]
    handle: Callable[[Any, Authenticated, Any], Awaitable[Any]]
