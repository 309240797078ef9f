"""AssumeRole: `judge` by vectors, `handle` over the memory adapters."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tabard import faults
from tabard.actions.authenticated import Authenticated
from tabard.actions.sts.assume_role import ProvidedContext, Request, Response, handle, judge, parse_role_arn
from tabard.actions.sts_shapes import PolicyDescriptor, Tag
from tabard.directory.entities import Role
from tabard.policy.compile import PolicySet, compile_policies
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy
from tabard.ports.identities import RoleEntry
from tabard.ports.second_factor import MultiFactorAuthFailed
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.trust.evaluate import AccessDenied
from tabard.trust.standing import Standing
from tests.unit.actions.sts.stage import Stage, authenticated, federated_user, on_stage
from tests.worlds import ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, World, refused, trust

VECTORS = Path(__file__).parents[3] / "vectors" / "actions" / "sts" / "assume-role.json"
CASES = json.loads(VECTORS.read_text())
FAULTS = {**vars(faults), "AccessDenied": AccessDenied}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/auditor"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


def compiled(name: str, kind: Kind, **statement: Any) -> PolicySet:
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})
    return compile_policies([(name, parse_policy(document, kind))])


def role_of(case: Mapping[str, Any]) -> RoleEntry:
    trusting = case.get("trust", {})
    statement: dict[str, Any] = {
        "Principal": {"AWS": trusting.get("principal", ALICE)},
        "Action": trusting.get("actions", "sts:AssumeRole"),
    }
    if "condition" in trusting:
        statement["Condition"] = trusting["condition"]
    fields = dict(case.get("role", {}))
    if "max_session_duration" in fields:
        fields["max_session_duration"] = timedelta(seconds=fields["max_session_duration"])
    role = Role(
        account=ACCOUNT, name="auditor", id="AROAAUDITOR", created=NOW, assume_role_policy_document="", **fields
    )
    return RoleEntry(role, compiled("trust", Kind.TRUST, **statement), compile_policies(()), None)


def caller_of(case: Mapping[str, Any]) -> Authenticated:
    world, kind = World(), case.get("caller", "user")
    may = compiled("own", Kind.INLINE, Action=case["may"], Resource="*") if "may" in case else compile_policies(())
    claims = None
    if kind == "root":
        caller = world.root()
    elif kind == "federated":
        caller = federated_user()
    elif kind == "session":
        caller = world.as_role(world.role("first"), "one")
        session = {**case.get("session", {})}
        session["transitive_tag_keys"] = tuple(session.get("transitive_tag_keys", ()))
        claims = claims_of(SessionKind.ROLE, **session)
    else:
        caller = world.as_user(world.user("alice", account=OTHER_ACCOUNT if kind == "foreign" else ACCOUNT))
        claims = claims_of(SessionKind.USER) if kind == "user-session" else None
    standing = Standing(principal=caller.principal, identity=may)
    return authenticated(caller, standing=standing, claims=claims)


def claims_of(kind: SessionKind, **fields: Any) -> SessionClaims:
    return SessionClaims(
        kind=kind,
        account=ACCOUNT,
        access_key_id="ASIAFIRSTFIRSTFIRST2",
        secret_access_key="secret",
        issuer_id="AROAFIRST",
        issued=NOW,
        expires=NOW + timedelta(hours=1),
        **fields,
    )


def request_of(case: Mapping[str, Any]) -> Request:
    fields = dict(case.get("request", {}))
    fields["tags"] = tuple(Tag(key, value) for key, value in fields.get("tags", {}).items())
    fields["transitive_tag_keys"] = tuple(fields.get("transitive_tag_keys", ()))
    fields["policy_arns"] = tuple(PolicyDescriptor(arn) for arn in fields.get("policy_arns", ()))
    fields["provided_contexts"] = tuple(
        ProvidedContext(provider_arn=arn) for arn in fields.get("provided_contexts", ())
    )
    return Request(role_arn=ROLE, role_session_name="session", **fields)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_the_judgement_is_the_vectors(case: Mapping[str, Any]) -> None:
    def judged() -> Any:
        return judge(
            request_of(case),
            caller_of(case),
            role_of(case) if case.get("role_exists", True) else None,
            None,
            policies=tuple((arn, parse_policy(ALLOW_ALL, Kind.INLINE)) for arn in case.get("found", ())),
            second_factor=case.get("second_factor", False),
        )

    if "refused" in case:
        expected = case["refused"]
        with pytest.raises(FAULTS[expected["fault"]]) as caught:
            judged()
        assert type(caught.value).__name__ == expected["fault"]
        assert expected["message"] in (None, caught.value.public)
        assert expected["reason"] in (None, caught.value.reason)
        return
    grant = judged()
    assert grant.role.role.name == "auditor"
    for name, expected in case["grants"].items():
        found = getattr(grant, name)
        found = found.total_seconds() if name == "lasts" else list(found) if isinstance(found, tuple) else found
        assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "nothing-valid-in-here",
        "arn::b:::something/test-role",
        "arn:a:a::aaaaaaaaaa:",
        "arn:aws:iam::111122223333",
        "ARN:aws:iam::111122223333:role/x",
    ],
)
def test_an_unreadable_arn_is_named_as_invalid(text: str) -> None:
    with refused(faults.ConstraintViolated, f"{text} is invalid", "arn.malformed"):
        parse_role_arn(text)


@pytest.mark.parametrize("kind", ["user/x", "saml-provider/x", "oidc-provider/x", "policy/x", "root", "roles/x"])
def test_the_arn_of_something_else_is_an_invalid_request(kind: str) -> None:
    with refused(faults.ConstraintViolated, "Request ARN is invalid", "arn.not-a-role"):
        parse_role_arn(f"arn:aws:iam::{ACCOUNT}:{kind}")


@pytest.mark.parametrize("text", [ROLE, "arn:a:b:::x/y", f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/one"])
def test_a_readable_arn_passes_and_is_looked_up_as_it_stands(text: str) -> None:
    assert str(parse_role_arn(text)) == text


# ── handle ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_session_is_what_the_token_says() -> None:
    async def play(stage: Stage) -> tuple[Response, SessionClaims]:
        alice = stage.world.user("alice")
        role = stage.world.role(
            "auditor", path="/eu/", assume_role_policy_document=trust(alice.arn), principal_ids={alice.arn: alice.id}
        )
        response = await handle(
            Request(role_arn=role.arn, role_session_name="one", duration_seconds=900, policy=ALLOW_ALL),
            await stage.user(alice),
            stage,
        )
        given = response.credentials
        claims = stage.mint.open(given.session_token, given.access_key_id)
        assert claims.issuer_id == role.id
        assert response.assumed_role_user.assumed_role_id == f"{role.id}:one"
        return response, claims

    response, claims = on_stage(play)

    assert response.assumed_role_user.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/one"
    assert response.credentials.access_key_id.startswith("ASIA")
    assert response.credentials.secret_access_key == claims.secret_access_key
    assert response.credentials.expiration == claims.expires == NOW + timedelta(minutes=15)
    assert (claims.kind, claims.name, claims.policy) == (SessionKind.ROLE, "one", ALLOW_ALL)
    assert claims.mfa_at is None
    assert response.session_token_size == len(response.credentials.session_token)
    assert response.packed_policy_size == response.session_token_utilization
    assert response.credentials.secret_access_key not in repr(response)


def test_a_plain_session_has_no_packed_size() -> None:
    async def play(stage: Stage) -> Response:
        alice = stage.world.user("alice")
        role = stage.world.role(
            "auditor", assume_role_policy_document=trust(alice.arn), principal_ids={alice.arn: alice.id}
        )
        return await handle(Request(role_arn=role.arn, role_session_name="one"), await stage.user(alice), stage)

    response = on_stage(play)

    assert response.packed_policy_size is None
    assert response.source_identity is None
    assert response.session_token_utilization > 0


def test_t01_the_managed_session_policies_are_those_of_the_roles_account() -> None:
    async def play(stage: Stage) -> None:
        world = stage.world
        world.account(OTHER_ACCOUNT, "other")
        alice = world.user("alice", account=OTHER_ACCOUNT, inline_policies={"own": ALLOW_ALL})
        role = world.role("auditor", assume_role_policy_document=trust(OTHER_ACCOUNT))
        here, there = world.policy("here"), world.policy("there", account=OTHER_ACCOUNT)
        who = await stage.user(alice)

        def request(arn: str) -> Request:
            return Request(role_arn=role.arn, role_session_name="one", policy_arns=(PolicyDescriptor(arn),))

        await handle(request(here.arn), who, stage)
        with refused(
            faults.InvalidParameterValue,
            f"Policy {there.arn} does not exist or is not attachable.",
            "session.policies.unknown",
        ):
            await handle(request(there.arn), who, stage)

    on_stage(play)


@pytest.mark.parametrize("given", [{"serial_number": "arn:aws:iam::111122223333:mfa/x"}, {"token_code": "123456"}])
def test_k20_half_a_second_factor_is_refused(given: dict[str, str]) -> None:
    async def play(stage: Stage) -> None:
        alice = stage.world.user("alice")
        with refused(
            MultiFactorAuthFailed,
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code. ",
            "mfa.incomplete",
        ):
            await handle(Request(role_arn=ROLE, role_session_name="one", **given), await stage.user(alice), stage)

    on_stage(play)


def test_k20_a_session_of_a_role_has_no_device_of_its_own() -> None:
    async def play(stage: Stage) -> None:
        caller = stage.world.as_role(stage.world.role("first"))
        request = Request(role_arn=ROLE, role_session_name="one", serial_number="x" * 9, token_code="123456")
        with refused(
            MultiFactorAuthFailed,
            "MultiFactorAuthentication failed, unable to validate MFA code.  "
            "Please verify your MFA serial number is valid and associated with this user.",
            "mfa.not-a-user",
        ):
            await handle(request, authenticated(caller), stage)

    on_stage(play)
