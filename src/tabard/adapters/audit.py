"""The audit file: JSON lines, appended to and never changed.

A record is one `write` to a file opened with `O_APPEND`, so that the lines of several workers do not mix and a
process that dies leaves whole lines. When only a part could be written (a full disk), the call fails, what was
to be issued is not issued, and the next record begins on a new line.

The file may be moved away at any time (logrotate); within a second a new one is begun.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from tabard.adapters.clock import monotonic
from tabard.ports.audit import AuditUnavailable

REOPEN_CHECK: Final = 1.0
"""Seconds between looks at whether the file is still the one under its name."""


class JSONLinesAudit:
    """`ports.audit.Audit` in one file, mode 0600. With `fsync`, each record is on the medium before it returns."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._path = path
        self._fsync = fsync
        self._lock = Lock()
        self._torn = False
        self._fd = -1
        self._open()

    def append(self, record: Mapping[str, object]) -> None:
        line = msgspec.json.encode(record) + b"\n"
        with self._lock:
            try:
                self._reopen_if_moved()
                self._write(line)
                if self._fsync:
                    os.fdatasync(self._fd)
            except OSError as error:
                raise AuditUnavailable(f"the audit file {self._path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def _write(self, line: bytes) -> None:
        whole = b"\n" + line if self._torn else line
        written = os.write(self._fd, whole)
        self._torn = written != len(whole)
        if self._torn:
            raise AuditUnavailable(f"the audit file {self._path} took only a part of a record; is the disk full?")

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Whoever wrote last may have been cut off within a line.
        size = os.fstat(self._fd).st_size
        self._torn = size > 0 and os.pread(self._fd, 1, size - 1) != b"\n"
        self._looked = monotonic()

    def _reopen_if_moved(self) -> None:
        now = monotonic()
        if now - self._looked < REOPEN_CHECK:
            return
        try:
            there = self._path.stat()
        except FileNotFoundError:
            there = None
        ours = os.fstat(self._fd)
        if there is None or (there.st_ino, there.st_dev) != (ours.st_ino, ours.st_dev):
            # The old file is closed last: if the new one cannot be opened, its number must not come to mean
            # another file, nor a client's socket, that the next record would then be written to.
            moved_away = self._fd
            self._open()
            os.close(moved_away)
        self._looked = now


class MemoryAudit:
    """Keeps the records in a list: for tests, and for embedding."""

    def __init__(self) -> None:
        self.records: list[dict[str, object]] = []

    def append(self, record: Mapping[str, object]) -> None:
        # Encoded and decoded, so that a record which a file could not hold fails here too.
        self.records.append(msgspec.json.decode(msgspec.json.encode(record)))

    def close(self) -> None:
        """Nothing to close."""
