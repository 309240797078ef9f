"""Who may begin a transaction: each thread one at a time, and of all threads one writer.

A read inside a write would see the state before the write, and a write inside a write would wait for
itself; both are mistakes of the caller and are said at once. Writers of one process wait for each other
here, in memory, before they ask the database, whose own queue may be costlier or unfair.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tabard.ports.store import StoreUnavailable

PATIENCE: Final = 10.0
"""Seconds that a writer waits for the writers before it."""


class Turns:
    """The turns of one store's transactions in this process."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._writer = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[None]:
        if getattr(self._mine, "busy", False):
            raise RuntimeError("this thread is already inside a transaction of the store")
        self._mine.busy = True
        try:
            yield
        finally:
            self._mine.busy = False

    @contextmanager
    def write(self) -> Iterator[None]:
        """Raises StoreUnavailable when the turn does not come in time."""
        with self.read():
            if not self._writer.acquire(timeout=PATIENCE):
                raise StoreUnavailable(f"no turn to write within {PATIENCE:g} seconds")
            try:
                yield
            finally:
                self._writer.release()
