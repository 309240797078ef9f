"""The mint that seals with the key ring of this store.

Opened tokens are remembered, within a bound: a client sends the same token with each call. When the ring changes
(a key is retired), everything remembered is forgotten.
"""

from functools import lru_cache, partial
from typing import Final

from tabard.adapters.keyring import KeyRing
from tabard.ports.world import Entropy
from tabard.sessions.claims import SessionClaims
from tabard.sessions.seal import NONCE_SIZE, TokenKeys, open_token, seal_token

MAXIMUM_OPENED: Final = 10_000


class RingMint:
    """`ports.mint.Mint` over a key ring. One for each worker."""

    def __init__(self, ring: KeyRing, entropy: Entropy) -> None:
        self._ring = ring
        self._entropy = entropy
        self._use(ring.token_keys())

    def seal(self, claims: SessionClaims, *, minimum_size: int = 0) -> str:
        return seal_token(claims, self._ring.token_keys(), nonce=self._entropy(NONCE_SIZE), minimum_size=minimum_size)

    def open(self, token: str, access_key_id: str) -> SessionClaims:
        keys = self._ring.token_keys()
        if keys is not self._keys:
            self._use(keys)
        return self._open(token, access_key_id)

    def _use(self, keys: TokenKeys) -> None:
        """Open with these keys from now on. A refusal is an exception, and is not remembered."""
        self._keys = keys
        self._open = lru_cache(maxsize=MAXIMUM_OPENED)(partial(open_token, keys=keys))
