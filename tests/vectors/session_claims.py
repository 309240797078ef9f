"""Session claims as JSON data, and back."""

from datetime import datetime
from typing import Any

from msgspec.structs import fields

from tabard.sessions.claims import SessionClaims, SessionKind

_INSTANTS = frozenset({"issued", "expires", "mfa_at"})


def claims_from(data: dict[str, Any]) -> SessionClaims:
    """Claims from their JSON form; fields left out have their defaults."""
    known = {field.name for field in fields(SessionClaims)}
    assert set(data) <= known, set(data) - known
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    values["kind"] = SessionKind(values["kind"])
    values.update({name: datetime.fromisoformat(data[name]) for name in _INSTANTS & set(data)})
    return SessionClaims(**values)
