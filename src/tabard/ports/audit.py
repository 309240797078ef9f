"""The audit: one record per call, written before the caller is answered."""

from collections.abc import Mapping
from typing import Protocol


class AuditUnavailable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The record could not be written. What was to be issued must not be issued."""


class Audit(Protocol):
    """Appends records, whole or not at all.

    `append` returns once the record is handed to the operating system in one write.

    Raises:
        AuditUnavailable: the record was not written.
    """

    def append(self, record: Mapping[str, object]) -> None: ...
    def close(self) -> None: ...
