"""DecodeAuthorizationMessage: what the sealed message that came with a denial says.

(AWS STS API Reference, DecodeAuthorizationMessage.) The message is sealed, so that whoever was denied learns from it no
more than the refusal says, until an administrator lets them; and it holds all that it tells, so that it needs no
record. It opens for principals of the account whose principal was denied.

    message = base64url without padding of: a secret box's seal of: MessagePack of [account, deflated JSON]
"""

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from tabard.actions.authenticated import Authenticated
from tabard.directory.denials import Denial
from tabard.faults import InvalidAuthorizationMessage
from tabard.policy.context import Value
from tabard.policy.decide import Outcome
from tabard.policy.document import PrincipalSet, Statement
from tabard.ports.secret_box import SecretBox
from tabard.services.ask import Ask

ROW: Final = "authorization message"
"""What a message is sealed as, so that no other sealed thing opens as one."""
MAXIMUM_SEALED: Final = 6_000
"""Characters of a message: it travels in a header."""
MAXIMUM_TEXT: Final = 100_000
"""Characters of a message that was opened."""


@dataclass(frozen=True, slots=True)
class Request:
    encoded_message: str


@dataclass(frozen=True, slots=True)
class Response:
    decoded_message: str


class Needs(Protocol):
    @property
    def secrets(self) -> SecretBox: ...


def ask(_request: Request, who: Authenticated) -> tuple[Ask, ...]:
    return (Ask(action="sts:DecodeAuthorizationMessage", resource="*", resource_account=who.account),)


async def handle(request: Request, who: Authenticated, needs: Needs) -> Response:
    return Response(decoded_message=open_message(request.encoded_message, who.account, needs.secrets))


# ── sealing and opening ──────────────────────────────────────────────────────────────────────────────


class _Sealed(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    account: str
    deflated: bytes


_decode: Final = msgspec.msgpack.Decoder(_Sealed).decode


def seal_message(denial: Denial, statements: tuple[Statement, ...], secrets: SecretBox) -> str | None:
    """The sealed message of a denial, as its account may see it; `statements` are those that denied.

    None when it would be too long.
    """
    everything = message_of(denial, statements)
    for message in (everything, {**everything, "context": {**everything["context"], "conditions": _items(())}}):
        deflated = zlib.compress(msgspec.json.encode(message))
        sealed = secrets.seal(ROW, msgspec.msgpack.encode(_Sealed(denial.account, deflated)))
        text = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        if len(text) <= MAXIMUM_SEALED:
            return text
    return None


def open_message(text: str, account: str, secrets: SecretBox) -> str:
    """What a sealed message says, as JSON.

    Raises:
        InvalidAuthorizationMessage: it was not sealed here, was changed or cut, or belongs to another account.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        sealed = _decode(secrets.open(ROW, raw))
        stream = zlib.decompressobj()
        said = stream.decompress(sealed.deflated, MAXIMUM_TEXT)
    except (binascii.Error, ValueError, msgspec.MsgspecError, zlib.error) as error:
        raise InvalidAuthorizationMessage(reason="authorization-message.sealed") from error
    if sealed.account != account:
        raise InvalidAuthorizationMessage(reason="authorization-message.account")
    if not stream.eof:
        raise InvalidAuthorizationMessage(reason="authorization-message.size")
    return said.decode()


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────


def message_of(denial: Denial, statements: tuple[Statement, ...]) -> dict[str, Any]:
    """The message in AWS's form, with what Tabard adds under `tabard`."""
    asked = denial.asked[-1]
    principal = {"id": denial.principal_id, "name": denial.principal.rsplit("/", 1)[-1], "arn": denial.principal}
    context = {**denial.context, **asked.context}
    return {
        "allowed": False,
        "explicitDeny": asked.report.outcome is Outcome.EXPLICIT_DENY,
        "matchedStatements": _items(_statement(statement) for statement in statements),
        "failures": _items(()),
        "context": {
            "principal": principal,
            "action": asked.action,
            "resource": asked.resource,
            "conditions": _items(_condition(key, value) for key, value in sorted(context.items())),
        },
        "tabard": {
            "authorizationId": denial.id,
            "requestId": denial.request_id,
            "layer": asked.report.layer,
            "missing": asked.report.missing,
        },
    }


def _items(found: Any) -> dict[str, list[Any]]:
    return {"items": list(found)}


def _values(texts: tuple[str, ...]) -> dict[str, list[Any]]:
    return _items({"value": text} for text in texts)


def _condition(key: str, value: Value) -> dict[str, Any]:
    return {"key": key, "values": _values((value,) if isinstance(value, str) else value)}


def _statement(statement: Statement) -> dict[str, Any]:
    return {
        "statementId": statement.sid or "",
        "effect": statement.effect.upper(),
        "principals": _items(_principals(statement.principals or statement.not_principals)),
        "principalGroups": _items(()),
        "actions": _values(statement.actions or statement.not_actions),
        "resources": _values(statement.resources or statement.not_resources),
        "conditions": _items(
            {"operator": block.operator, "key": block.key, "values": _values(block.values)}
            for block in statement.conditions
        ),
    }


def _principals(named: PrincipalSet | None) -> list[dict[str, str]]:
    if named is None:
        return []
    texts = (*(("*",) if named.everyone else ()), *named.aws, *named.federated, *named.service, *named.canonical_user)
    return [{"value": text} for text in texts]
