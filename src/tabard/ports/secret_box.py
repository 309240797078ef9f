"""The secret box: seals what must be kept secret in a record."""

from typing import Protocol


class SecretBox(Protocol):
    """Seals a secret together with the identity of the row that holds it, so that it opens in no other row.

    Raises:
        ValueError: (open) it was sealed for another row, by a key that is gone, or was changed.
    """

    def seal(self, row: str, secret: bytes) -> bytes: ...
    def open(self, row: str, sealed: bytes) -> bytes: ...
