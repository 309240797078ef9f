"""STS: one module per action, named as AWS names it. `ACTIONS` is the whole table."""

from typing import Final

from tabard.actions.authenticated import Authorization, STSAction
from tabard.actions.sts import (
    assume_role,
    decode_authorization_message,
    get_access_key_info,
    get_caller_identity,
    get_federation_token,
    get_session_token,
)

ACTIONS: Final = (
    STSAction(
        name="AssumeRole",
        request=assume_role.Request,
        response=assume_role.Response,
        authorization=Authorization.TRUST_POLICY,
        handle=assume_role.handle,
    ),
    STSAction(
        name="DecodeAuthorizationMessage",
        request=decode_authorization_message.Request,
        response=decode_authorization_message.Response,
        authorization=decode_authorization_message.ask,
        handle=decode_authorization_message.handle,
    ),
    STSAction(
        name="GetAccessKeyInfo",
        request=get_access_key_info.Request,
        response=get_access_key_info.Response,
        authorization=get_access_key_info.ask,
        handle=get_access_key_info.handle,
    ),
    STSAction(
        name="GetCallerIdentity",
        request=get_caller_identity.Request,
        response=get_caller_identity.Response,
        authorization=Authorization.NOTHING,
        handle=get_caller_identity.handle,
    ),
    STSAction(
        name="GetFederationToken",
        request=get_federation_token.Request,
        response=get_federation_token.Response,
        authorization=get_federation_token.ask,
        handle=get_federation_token.handle,
    ),
    STSAction(
        name="GetSessionToken",
        request=get_session_token.Request,
        response=get_session_token.Response,
        authorization=Authorization.NOTHING,
        handle=get_session_token.handle,
    ),
)
