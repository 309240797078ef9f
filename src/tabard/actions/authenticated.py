"""A proven caller with all that decisions need, and the row that describes one STS action."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any

import msgspec

from tabard.actions.desk import Caller
from tabard.policy.context import Context
from tabard.services.ask import Ask
from tabard.sessions.claims import SessionClaims
from tabard.trust.standing import Standing


class Authenticated(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Who signed this request.

    `claims` are those of the session token, None for a long-lived key. `now` is the instant of the request: the whole
    of it is judged at one time. `region` is the one that it was signed for, and `gather` makes its `context`.
    `own_resource_keys` hold for every resource of the caller's own account (`aws:ResourceOrgID`, …).
    """

    caller: Caller
    standing: Standing
    claims: SessionClaims | None
    gather: Callable[[], Context]
    now: datetime
    region: str
    user_identity: dict[str, object]
    own_resource_keys: Context = msgspec.field(default_factory=dict)

    @cached_property
    def context(self) -> Context:
        """The global condition keys of this request (`aws:PrincipalTag/…`, `aws:SourceIp`, `aws:CurrentTime`, …).

        They are gathered when they are first asked for: who asks only for its own name is judged by none of them.
        """
        return self.gather()

    def __repr__(self) -> str:
        return f"Authenticated({self.caller.principal.arn})"  # `gather` knows the secret that was signed with

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
