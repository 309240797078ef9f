"""What STS actions need, by the real adapters over a small world in memory; and proven callers."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tabard.actions.authenticated import Authenticated
from tabard.actions.desk import Caller
from tabard.adapters.identities import StoredIdentities
from tabard.adapters.keyring import KeyRing
from tabard.adapters.mint import RingMint
from tabard.adapters.second_factor import StoredDevices
from tabard.directory.entities import User
from tabard.policy.principal import Principal, PrincipalKind
from tabard.sessions.claims import SessionClaims
from tabard.trust.standing import Standing
from tests.worlds import ACCOUNT, NOW, CountingEntropy, World

T = TypeVar("T")


class StandingClock:
    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True, kw_only=True)
class Stage:
    """An action's `Needs`, and the world behind them."""

    world: World
    ring: KeyRing
    identities: StoredIdentities
    mint: RingMint
    entropy: CountingEntropy
    second_factor: StoredDevices

    async def user(self, user: User, **fields: Any) -> Authenticated:
        """A user by its long-lived key."""
        entry = await self.identities.user(user.id)
        assert entry is not None
        caller = self.world.as_user(user)
        standing = Standing(principal=caller.principal, identity=entry.identity, boundary=entry.boundary)
        return authenticated(caller, standing=standing, **fields)

    def root(self, account: str = ACCOUNT) -> Authenticated:
        return authenticated(self.world.root(account))


def authenticated(
    caller: Caller, *, standing: Standing | None = None, claims: SessionClaims | None = None, **context: Any
) -> Authenticated:
    """A proven caller with nothing in its context but what is given."""
    return Authenticated(
        caller=caller,
        standing=standing or Standing(principal=caller.principal),
        claims=claims,
        gather=lambda: context,
        now=NOW,
        region="us-east-1",
        user_identity={},
    )


def federated_user(name: str = "jean") -> Caller:
    principal = Principal(
        kind=PrincipalKind.FEDERATED_USER,
        account=ACCOUNT,
        arn=f"arn:aws:sts::{ACCOUNT}:federated-user/{name}",
        unique_id=f"{ACCOUNT}:{name}",
    )
    return Caller(principal=principal, access_key_id="ASIAFEDERATEDFEDERAT")


def on_stage(play: Callable[[Stage], Coroutine[Any, Any, T]]) -> T:
    """Run a play on a new stage."""

    async def go() -> T:
        world, entropy = World(), CountingEntropy()
        ring = KeyRing(world.store, b"\x07" * 32, entropy=entropy, clock=StandingClock())
        with ThreadPoolExecutor(2) as executor:
            return await play(
                Stage(
                    world=world,
                    ring=ring,
                    identities=StoredIdentities(world.store, ring, executor),
                    mint=RingMint(ring, entropy),
                    entropy=entropy,
                    second_factor=StoredDevices(world.store, ring, executor),
                )
            )

    return asyncio.run(go())
