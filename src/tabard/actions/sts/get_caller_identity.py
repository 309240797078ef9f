"""GetCallerIdentity: who am I? It needs no permission and cannot be denied.

(AWS STS API Reference, GetCallerIdentity: "no permissions are required to perform this operation".)
"""

import msgspec

from tabard.actions.authenticated import Authenticated
from tabard.policy.principal import PrincipalKind


class Request(msgspec.Struct, frozen=True):
    """No parameters."""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    account: str
    arn: str


async def handle(_request: Request, who: Authenticated, _needs: object) -> Response:
    principal = who.caller.principal
    user_id = principal.unique_id
    if principal.kind is PrincipalKind.ROLE_SESSION and who.claims is not None:
        user_id = f"{principal.unique_id}:{who.claims.name}"
    return Response(user_id=user_id, account=principal.account, arn=principal.arn)
