"""DecodeAuthorizationMessage: what was sealed opens again, whole, for its own account, and for nothing else."""

import asyncio
import json
from dataclasses import dataclass

import msgspec
import pytest

from tabard.actions.sts.decode_authorization_message import (
    MAXIMUM_SEALED,
    Request,
    ask,
    handle,
    seal_message,
)
from tabard.adapters.keyring import KeyRing
from tabard.adapters.stores.memory import MemoryStore
from tabard.directory.denials import Denial, JudgedAsk
from tabard.faults import InvalidAuthorizationMessage
from tabard.policy.decide import Layer, Outcome
from tabard.policy.document import Kind
from tabard.policy.explain import Report
from tabard.policy.parse import parse_policy
from tests.unit.actions.sts.stage import StandingClock, authenticated
from tests.worlds import ACCOUNT, NOW, OTHER_ACCOUNT, CountingEntropy, World, refused

DENIAL = Denial(
    id="01hx7k2m",
    at=NOW,
    request_id="d5c1",
    account=ACCOUNT,
    principal=f"arn:aws:iam::{ACCOUNT}:user/team/bob",
    principal_id="AIDABOB",
    access_key_id="AKIABOB",
    event=("iam.amazonaws.com", "PassRole"),
    message="no",
    context={"aws:userid": "AIDABOB", "aws:tagkeys": ("b", "a")},
    asked=(
        JudgedAsk(
            action="iam:PassRole",
            resource="arn:aws:iam::111122223333:role/x",
            resource_account=ACCOUNT,
            report=Report(outcome=Outcome.EXPLICIT_DENY, layer=Layer.IDENTITY, missing=("aws:SourceIp",)),
            context={"iam:passedtoservice": "ec2.amazonaws.com"},
        ),
    ),
)
DENYING = parse_policy(
    '{"Version":"2012-10-17","Statement":{"Sid":"no","Effect":"Deny","Action":"iam:*","Resource":"*",'
    '"Condition":{"StringEquals":{"aws:userid":["AIDABOB"]}}}}',
    Kind.INLINE,
).statements


@dataclass
class Needs:
    secrets: KeyRing


def needs(*, another: bool = False) -> Needs:
    """A key ring; another one has other keys."""
    entropy = CountingEntropy()
    if another:
        entropy(1)
    return Needs(KeyRing(MemoryStore(), b"\x07" * 32, entropy=entropy, clock=StandingClock()))


def decoded(text: str, box: Needs, account: str = ACCOUNT) -> str:
    who = authenticated(World().root(account))
    return asyncio.run(handle(Request(text), who, box)).decoded_message


def test_a_message_says_what_was_denied_in_the_form_of_aws() -> None:
    box = needs()
    text = seal_message(DENIAL, DENYING, box.secrets)
    assert text is not None

    said = json.loads(decoded(text, box))
    assert (said["allowed"], said["explicitDeny"]) == (False, True)
    assert said["failures"] == {"items": []}
    assert said["matchedStatements"]["items"] == [
        {
            "statementId": "no",
            "effect": "DENY",
            "principals": {"items": []},
            "principalGroups": {"items": []},
            "actions": {"items": [{"value": "iam:*"}]},
            "resources": {"items": [{"value": "*"}]},
            "conditions": {
                "items": [
                    {"operator": "StringEquals", "key": "aws:userid", "values": {"items": [{"value": "AIDABOB"}]}}
                ]
            },
        }
    ]
    context = said["context"]
    assert context["principal"] == {"id": "AIDABOB", "name": "bob", "arn": DENIAL.principal}
    assert (context["action"], context["resource"]) == ("iam:PassRole", "arn:aws:iam::111122223333:role/x")
    assert context["conditions"]["items"] == [
        {"key": "aws:tagkeys", "values": {"items": [{"value": "b"}, {"value": "a"}]}},
        {"key": "aws:userid", "values": {"items": [{"value": "AIDABOB"}]}},
        {"key": "iam:passedtoservice", "values": {"items": [{"value": "ec2.amazonaws.com"}]}},
    ]
    assert said["tabard"] == {
        "authorizationId": "01hx7k2m",
        "requestId": "d5c1",
        "layer": "identity-based policy",
        "missing": ["aws:SourceIp"],
    }


def test_a_long_context_is_left_out_before_the_message_is() -> None:
    entropy = CountingEntropy()
    long = {f"aws:requesttag/{n}": entropy(120).hex() for n in range(50)}
    box = needs()
    text = seal_message(msgspec.structs.replace(DENIAL, context=long), DENYING, box.secrets)
    assert text is not None
    assert len(text) <= MAXIMUM_SEALED
    assert json.loads(decoded(text, box))["context"]["conditions"] == {"items": []}


def test_what_is_too_long_all_the_same_has_no_message() -> None:
    entropy = CountingEntropy()
    asked = msgspec.structs.replace(DENIAL.asked[0], resource="arn:aws:s3:::b/" + entropy(5_000).hex())
    assert seal_message(msgspec.structs.replace(DENIAL, asked=(asked,)), (), needs().secrets) is None


def test_t09_a_message_opens_whole_and_for_its_own_account_only() -> None:
    box = needs()
    text = seal_message(DENIAL, DENYING, box.secrets)
    assert text is not None
    assert decoded(text, box)

    public = InvalidAuthorizationMessage.default_public
    with refused(InvalidAuthorizationMessage, public, "authorization-message.account"):
        decoded(text, box, OTHER_ACCOUNT)
    with refused(InvalidAuthorizationMessage, public, "authorization-message.sealed"):
        decoded(text, needs(another=True))


@pytest.mark.parametrize("spoil", ["cut", "flipped", "padded", "empty", "not base64", "record secret", "session"])
def test_k01_a_message_that_was_not_sealed_here_does_not_open(spoil: str) -> None:
    box = needs()
    text = seal_message(DENIAL, DENYING, box.secrets)
    assert text is not None
    other = {
        "cut": text[:-4],
        "flipped": text[:40] + ("A" if text[40] != "A" else "B") + text[41:],
        "padded": text + "AAAA",
        "empty": "",
        "not base64": "é" * 40,
        "record secret": "AQAAAAE" + "A" * 80,
        "session": "AQAAAAI" + "B" * 800,
    }[spoil]
    with refused(
        InvalidAuthorizationMessage, InvalidAuthorizationMessage.default_public, "authorization-message.sealed"
    ):
        decoded(other, box)


def test_decoding_needs_a_permission_of_its_own() -> None:
    (asked,) = ask(Request("x"), authenticated(World().root()))
    assert (asked.action, asked.resource, asked.resource_account) == ("sts:DecodeAuthorizationMessage", "*", ACCOUNT)
