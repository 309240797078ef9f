"""GetSessionToken: temporary credentials with the rights of a user or root, mostly to add a second factor.

It needs no permission, and policies cannot forbid it (IAM User Guide, "Requesting temporary security
credentials", GetSessionToken). Only long-lived keys may call it.
"""

from dataclasses import dataclass
from typing import Protocol

from tabard.actions.authenticated import Authenticated
from tabard.actions.sts_shapes import Credentials, duration, mint_credentials
from tabard.faults import Denied
from tabard.ports.mint import Mint
from tabard.ports.second_factor import INCOMPLETE, MultiFactorAuthFailed, SecondFactor
from tabard.ports.world import Entropy
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.sessions.credentials import new_credentials
from tabard.sessions.rules import session_token_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    duration_seconds: int | None = None
    serial_number: str | None = None
    token_code: str | None = None
    minimum_session_token_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    credentials: Credentials
    session_token_utilization: int
    session_token_size: int


class Needs(Protocol):
    @property
    def mint(self) -> Mint: ...
    @property
    def entropy(self) -> Entropy: ...
    @property
    def second_factor(self) -> SecondFactor: ...


async def handle(request: Request, who: Authenticated, needs: Needs) -> Response:
    if who.claims is not None:
        raise Denied("Cannot call GetSessionToken with session credentials", reason="session.long-term-key-needed")
    with_mfa = request.serial_number is not None or request.token_code is not None
    if with_mfa:
        if request.serial_number is None or request.token_code is None:
            raise MultiFactorAuthFailed(
                INCOMPLETE,
                reason="mfa.incomplete",
            )
        await needs.second_factor.verify(
            owner_id=who.caller.principal.unique_id,
            serial_number=request.serial_number,
            code=request.token_code,
            now=who.now,
        )
    key_id, secret = new_credentials(who.account, entropy=needs.entropy)
    lasts = session_token_duration(duration(request.duration_seconds), is_root=who.caller.is_root)
    claims = SessionClaims(
        kind=SessionKind.ROOT if who.caller.is_root else SessionKind.USER,
        account=who.account,
        access_key_id=key_id,
        secret_access_key=secret,
        issuer_id=who.caller.principal.unique_id,
        issuing_key_id=who.caller.access_key_id,
        issued=who.now,
        expires=who.now + lasts,
        mfa_at=who.now if with_mfa else None,
    )
    minted = mint_credentials(needs.mint, claims, minimum_size=request.minimum_session_token_size)
    return Response(
        credentials=minted.credentials,
        session_token_utilization=minted.utilization,
        session_token_size=minted.size,
    )
