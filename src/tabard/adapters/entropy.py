"""Randomness from the operating system, in larger pieces.

One `getrandom` for a few dozen ids instead of one for each. What was given out is no longer in the pool, and a forked
child begins with an empty one: parent and child must never give out the same bytes.
"""

import os
import threading
from typing import Final

_POOL: Final = 4096


class PooledEntropy:
    """`ports.world.Entropy`, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = bytearray()
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self, size: int, /) -> bytes:
        if not 0 < size <= _POOL:
            return os.urandom(size)
        with self._lock:
            pool = self._pool
            if len(pool) < size:
                pool = self._pool = bytearray(os.urandom(_POOL))
            given = bytes(pool[-size:])
            del pool[-size:]
            return given

    def _forget(self) -> None:
        # A new lock too: another thread may have held the old one at the moment of the fork.
        self._lock = threading.Lock()
        self._pool = bytearray()
