"""What every IAM action handler is handed, and the row that describes one.

IAM's operations are plain records: each handler is a synchronous function of `(request, desk)` that runs
inside one store transaction, together with the authorisation of its caller.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tabard.directory.entities import User
from tabard.names import ids
from tabard.policy.lint.check import Levels
from tabard.policy.lint.findings import Finding
from tabard.policy.principal import Principal, PrincipalKind
from tabard.ports.secret_box import SecretBox
from tabard.ports.store import Records
from tabard.ports.world import Entropy
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, proven by a signature.

    `user` is set for a user and its GetSessionToken session, not for federated users or roles.
    """

    principal: Principal
    access_key_id: str
    user: User | None = None

    @property
    def account(self) -> str:
        return self.principal.account

    @property
    def is_root(self) -> bool:
        return self.principal.kind is PrincipalKind.ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The world of one IAM call: the transaction's records, the caller, and the instant.

    `levels` says how grave what a policy may be warned of is; `warnings` collects it, for the audit record.
    """

    records: Records
    caller: Caller
    now: datetime
    entropy: Entropy
    secrets: SecretBox
    levels: Levels = field(default_factory=dict)
    warnings: list[Finding] = field(default_factory=list)

    @property
    def account(self) -> str:
        return self.caller.account

    def new_id(self, prefix: str, find: Callable[[str], object | None]) -> str:
        """A unique id that `find` does not know."""
        return ids.free(lambda: ids.unique_id(prefix, self.account, entropy=self.entropy(ids.UNIQUE_ID_ENTROPY)), find)

    def new_access_key_id(self) -> str:
        """The id of a long-lived key that no account has."""
        return ids.free(
            lambda: ids.access_key_id(ids.LONG_TERM_KEY, self.account, entropy=self.entropy(ids.ACCESS_KEY_ENTROPY)),
            self.records.access_keys.get,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One IAM operation.

    `ask` states what the caller must be allowed to do, resource and condition keys included; every Ask
    must be allowed. It runs in the same transaction as `handle`, before it, and must not write. `handle`
    returns an instance of `response`, or None where the operation has no output. `writes` asks for an
    exclusive transaction. Asking for a record that is not there is no error in `ask`: the resource is then
    named by what the request says, so that a caller without permission learns nothing.
    """

    name: str
    request: type[Any]
    response: type[Any] | None
    ask: Callable[[Any, Desk], tuple[Ask, ...]]
    handle: Callable[[Any, Desk], Any]
    writes: bool
