"""The mint: seals a session's claims into the token that the client carries."""

from typing import Protocol

from tabard.sessions.claims import SessionClaims


class Mint(Protocol):
    """Seals with the active key; opens with that key and every older one that has not been retired.

    Raises:
        tabard.faults.PackedPolicyTooLarge: the token would pass its size limit.
        tabard.sigv4.faults.InvalidClientTokenId: (open) the token is not ours, or not of this access key.
    """

    def seal(self, claims: SessionClaims, *, minimum_size: int = 0) -> str: ...
    def open(self, token: str, access_key_id: str) -> SessionClaims: ...
