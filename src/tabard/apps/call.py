"""One call on its way through the pipeline, and the row of the operation that it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from tabard.actions.authenticated import Authenticated, STSAction
from tabard.actions.desk import Action
from tabard.apps.descriptions import Describe, bounded
from tabard.apps.dialects import Dialect
from tabard.apps.http import HTTPRequest
from tabard.wire.codec import Codec
from tabard.wire.model import OperationModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One operation that is built: how it is read, written and described, and what it does."""

    codec: Codec[Any, Any]
    describe_request: Describe
    describe_response: Describe
    action: STSAction | Action


class Call(msgspec.Struct, kw_only=True):
    """One call on its way down. What is not known yet is None.

    `headers` holds one value for each name, for what is only looked at; what is signed is in `http.headers`.
    """

    id: str
    event_id: str
    now: datetime
    http: HTTPRequest
    headers: Mapping[bytes, bytes]
    dialect: Dialect
    operation: OperationModel | None = None
    unverified_action: str = ""
    who: Authenticated | None = None
    row: Row | None = None
    request: Any = None
    authorization_id: str | None = None

    @property
    def name(self) -> str:
        """The operation's name; what the client called it when there is no such operation."""
        return self.operation.name if self.operation is not None else bounded(self.unverified_action)
