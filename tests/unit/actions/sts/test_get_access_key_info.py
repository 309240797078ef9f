import asyncio

import pytest

from tabard.actions.sts.get_access_key_info import Request, ask, handle
from tabard.faults import ConstraintViolated
from tabard.names import ids
from tests.unit.actions.sts.stage import authenticated
from tests.worlds import ACCOUNT, OTHER_ACCOUNT, World, refused


def account(key_id: str) -> str:
    return asyncio.run(handle(Request(key_id), authenticated(World().root()), None)).account


@pytest.mark.parametrize("prefix", [ids.LONG_TERM_KEY, ids.TEMPORARY_KEY])
@pytest.mark.parametrize("owner", [ACCOUNT, OTHER_ACCOUNT, "000000000001"])
def test_the_id_itself_carries_the_account(prefix: str, owner: str) -> None:
    assert account(ids.access_key_id(prefix, owner, entropy=b"\xff" * 5)) == owner


def test_a_published_id_is_read_as_aws_reads_it() -> None:
    """Ids that scanners and their tests publish, with the account that they are known to carry."""
    assert account("ASIA" + "QNZGKIQY56JQ7WML") == "029608264753"


@pytest.mark.parametrize(
    "text",
    [
        *("AKIA" + "A" * 16, "AKIA" + "1" * 16, "AKIA" + "Z" * 15, "AKIA" + "Z" * 17, "", "AKIA", "akia" + "Z" * 16),
        *("AIDARKEXDU3E7KD3L3CRF", "AROARYWSMSYIPWMOE25U2", "ABIA" + "Z" * 16, "AKIA" + "Z" * 16 + "\n"),
    ],
)
def test_what_carries_no_account_is_refused(text: str) -> None:
    with refused(ConstraintViolated, f"{text} is not an access key ID that carries an account", "access-key.shape"):
        account(text)


def test_it_is_asked_about_everything() -> None:
    (question,) = ask(Request("AKIA"), authenticated(World().root()))

    assert (question.action, question.resource) == ("sts:GetAccessKeyInfo", "*")
