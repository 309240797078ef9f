"""One call on its way through the pipeline, and the row of the operation that it asks for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tabard.actions.authenticated import Authenticated, STSAction
from tabard.actions.desk import Action
from tabard.apps.http import HTTPRequest
from tabard.wire.codec import Codec
from tabard.wire.model import OperationModel


@dataclass(frozen=True, slots=True)
class Row:
    """One operation that is built: how it is read and written, and what it does."""

    codec: Codec[Any, Any]
    action: STSAction | Action


@dataclass(slots=True, kw_only=True)
class Call:
    """One call on its way down. What is not known yet is None."""

    id: str
    event_id: str
    now: datetime
    http: HTTPRequest
    wants_json: bool
    operation: OperationModel | None = None
    unverified_action: str = ""
    who: Authenticated | None = None
    row: Row | None = None
    request: Any = None
