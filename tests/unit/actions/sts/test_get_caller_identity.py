import asyncio
from datetime import timedelta

from tabard.actions.desk import Caller
from tabard.actions.sts.get_caller_identity import Request, handle
from tabard.sessions.claims import SessionClaims, SessionKind
from tests.unit.actions.sts.stage import authenticated, federated_user
from tests.worlds import ACCOUNT, NOW, World


def identity(caller: Caller, claims: SessionClaims | None = None) -> tuple[str, str, str]:
    said = asyncio.run(handle(Request(), authenticated(caller, claims=claims), None))
    return said.user_id, said.account, said.arn


def test_who_each_kind_of_caller_is() -> None:
    world = World()
    user, role = world.user("alice", path="/eu/"), world.role("auditor", path="/eu/")
    claims = SessionClaims(
        kind=SessionKind.ROLE,
        account=ACCOUNT,
        access_key_id="ASIA",
        secret_access_key="secret",
        issuer_id=role.id,
        issued=NOW,
        expires=NOW + timedelta(hours=1),
        name="one",
    )

    assert identity(world.root()) == (ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    assert identity(world.as_user(user)) == (user.id, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/eu/alice")
    assert identity(world.as_role(role, "one"), claims) == (
        f"{role.id}:one",
        ACCOUNT,
        f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/one",
    )
    assert identity(federated_user()) == (f"{ACCOUNT}:jean", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:federated-user/jean")
