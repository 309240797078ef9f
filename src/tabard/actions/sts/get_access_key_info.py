"""GetAccessKeyInfo: which account does an access key id belong to? The id itself says so.

It does not tell whether the key exists, or did (AWS STS API Reference, GetAccessKeyInfo).
"""

from dataclasses import dataclass

from tabard.actions.authenticated import Authenticated
from tabard.faults import ConstraintViolated
from tabard.names.ids import ACCESS_KEY_ID, account_of
from tabard.services.ask import Ask


@dataclass(frozen=True, slots=True)
class Request:
    access_key_id: str


@dataclass(frozen=True, slots=True)
class Response:
    account: str


def ask(_request: Request, who: Authenticated) -> tuple[Ask, ...]:
    return (Ask(action="sts:GetAccessKeyInfo", resource="*", resource_account=who.account),)


async def handle(request: Request, _who: Authenticated, _needs: object) -> Response:
    is_key = ACCESS_KEY_ID.fullmatch(request.access_key_id) is not None
    account = account_of(request.access_key_id) if is_key else None
    if account is None:
        raise ConstraintViolated(
            f"{request.access_key_id} is not an access key ID that carries an account", reason="access-key.shape"
        )
    return Response(account=account)
