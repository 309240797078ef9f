"""Clock and randomness: the two things that an action may not ask the machine for itself."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime: ...


class Entropy(Protocol):
    """Gives `size` bytes fit for secrets."""

    def __call__(self, size: int, /) -> bytes: ...
