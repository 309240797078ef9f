"""Instants as text: ISO 8601 in UTC, whole seconds, as AWS writes them."""

from datetime import UTC, datetime


def iso(at: datetime) -> str:
    """`2026-11-24T10:00:00Z`; fractions of a second are dropped."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat()[:19] + "Z"
