"""Who signed a request, over the real adapters in memory: the order of checks, the causes, and what is known of each caller."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from msgspec import structs

from tabard.actions.authenticated import Authenticated
from tabard.apps.authentication import Authenticator
from tabard.apps.http import HTTPRequest
from tabard.directory.entities import AccessKey, KeyStatus
from tabard.faults import ExpiredToken, Fault, InvalidClientTokenId
from tabard.policy.decide import AccessRequest, decide
from tabard.policy.principal import PrincipalKind
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.sigv4.faults import IncompleteSignature, MissingAuthenticationToken, SignatureDoesNotMatch
from tests.attacks.forge_sigv4 import NOW, Draft
from tests.houses import request as unsigned
from tests.houses import signed
from tests.unit.actions.sts.stage import Stage, on_stage
from tests.worlds import ACCOUNT, ALLOW_ALL

T = TypeVar("T")
HOUR = timedelta(hours=1)
KEY, SESSION_KEY, SECRET = "AKIAEXAMPLEEXAMPLE12", "ASIAEXAMPLEEXAMPLE12", "s" * 40


@dataclass(frozen=True, kw_only=True)
class Gate:
    """An authenticator, and ways to come up to it."""

    stage: Stage
    authenticator: Authenticator

    async def prove(self, http: HTTPRequest, *, now: datetime = NOW) -> Authenticated:
        return await self.authenticator.authenticate(http, dict(http.headers), service="sts", now=now)

    async def key(self, **changes: Any) -> Authenticated:
        """By the long-lived key."""
        return await self.prove(signed(Draft(key_id=KEY, secret=SECRET, **changes)))

    async def session(self, claims: SessionClaims, **changes: Any) -> Authenticated:
        return await self.prove(self.session_request(claims, **changes))

    def session_request(self, claims: SessionClaims, **changes: Any) -> HTTPRequest:
        token = self.stage.mint.seal(claims).encode()
        draft = Draft(key_id=claims.access_key_id, secret=claims.secret_access_key)
        return signed(draft.plus((b"x-amz-security-token", token)).but(**changes))

    def give_key(self, owner_id: str, status: KeyStatus = KeyStatus.ACTIVE) -> None:
        sealed = self.stage.ring.seal(KEY, SECRET.encode())
        key = AccessKey(id=KEY, account=ACCOUNT, owner_id=owner_id, sealed_secret=sealed, created=NOW, status=status)
        with self.stage.world.store.write() as records:
            records.access_keys.put(key)


def at_the_gate(play: Callable[[Gate], Coroutine[Any, Any, T]]) -> T:
    async def on(stage: Stage) -> T:
        authenticator = Authenticator(stage.identities, stage.mint, regions=frozenset({"eu-central-1"}))
        return await play(Gate(stage=stage, authenticator=authenticator))

    return on_stage(on)


def claims_of(kind: SessionKind, issuer_id: str, **fields: Any) -> SessionClaims:
    given: dict[str, Any] = {
        "access_key_id": SESSION_KEY,
        "secret_access_key": SECRET,
        "issued": NOW - HOUR,
        "expires": NOW + HOUR,
        **fields,
    }
    return SessionClaims(kind=kind, account=ACCOUNT, issuer_id=issuer_id, **given)


async def fault_of(proof: Coroutine[Any, Any, Authenticated]) -> tuple[type[Fault], str]:
    with pytest.raises(Fault) as caught:
        await proof
    return type(caught.value), caught.value.reason


# ── the order of checks ──────────────────────────────────────────────────────────────────────────────


def test_each_check_comes_before_the_next() -> None:
    """Every request has the fault that it is refused for, and those of all later checks as well."""

    async def play(gate: Gate) -> list[tuple[type[Fault], str]]:
        over = claims_of(SessionKind.ROLE, "AROAGONE", expires=NOW)
        gone = claims_of(SessionKind.ROLE, "AROAGONE")
        wrong = "w" * 40
        here = gate.stage.world.role("here")
        refusals = [
            gate.prove(unsigned()),
            gate.prove(unsigned(headers=((b"host", b"h"), (b"authorization", b"AWS4-HMAC-SHA256 x")))),
            gate.prove(signed(Draft(scope="20261124/mars/sts/aws4_request", secret=wrong))),
            gate.session(over, scope="20261124/mars/sts/aws4_request", secret=wrong),
            gate.session(structs.replace(over, access_key_id="ASIAOTHEROTHEROTHER2"), key_id=SESSION_KEY, secret=wrong),
            gate.session(over, secret=wrong),
            gate.session(gone, secret=wrong),
            gate.session(claims_of(SessionKind.ROLE, here.id), secret=wrong),
        ]
        return [await fault_of(refusal) for refusal in refusals]

    found = at_the_gate(play)

    assert [kind for kind, _ in found] == [
        MissingAuthenticationToken,
        IncompleteSignature,
        SignatureDoesNotMatch,
        SignatureDoesNotMatch,
        InvalidClientTokenId,
        ExpiredToken,
        InvalidClientTokenId,
        SignatureDoesNotMatch,
    ]
    assert [reason for _, reason in found[4:]] == [
        "token.forged",
        "token.expired",
        "token.issuer-gone",
        "sigv4.signature.mismatch",
    ]


def test_a_key_that_is_unknown_inactive_or_without_its_user_is_the_same_refusal() -> None:
    async def play(gate: Gate) -> list[tuple[type[Fault], str]]:
        found = [await fault_of(gate.key())]
        gate.give_key(gate.stage.world.user("alice").id, KeyStatus.INACTIVE)
        await gate.stage.identities.refresh()
        found.append(await fault_of(gate.key()))
        gate.give_key("AIDANOBODY")
        await gate.stage.identities.refresh()
        found.append(await fault_of(gate.key()))
        return found

    assert at_the_gate(play) == [(InvalidClientTokenId, "key.unknown")] * 3


def test_k02_k03_a_token_and_a_key_of_different_kinds() -> None:
    async def play(gate: Gate) -> list[str]:
        gate.give_key(ACCOUNT)
        token = gate.stage.mint.seal(claims_of(SessionKind.ROLE, gate.stage.world.role("r").id)).encode()
        assert (await gate.key()).caller.is_root
        refusals = [
            gate.prove(signed(Draft(key_id=KEY, secret=SECRET).plus((b"x-amz-security-token", token)))),
            gate.prove(signed(Draft(key_id=KEY, secret=SECRET).plus((b"x-amz-security-token", b"x")))),
            gate.prove(signed(Draft(key_id=SESSION_KEY, secret=SECRET))),
        ]
        return [(await fault_of(refusal))[1] for refusal in refusals]

    assert at_the_gate(play) == ["token.with-long-term-key", "token.with-long-term-key", "token.absent"]


def test_k06_a_session_is_over_at_the_instant_it_names() -> None:
    async def play(gate: Gate) -> None:
        claims = claims_of(SessionKind.ROLE, gate.stage.world.role("r").id, expires=NOW + timedelta(seconds=1))
        request = gate.session_request(claims)
        assert await gate.prove(request, now=NOW + timedelta(microseconds=999_999))
        assert await fault_of(gate.prove(request, now=NOW + timedelta(seconds=1))) == (ExpiredToken, "token.expired")

    at_the_gate(play)


@pytest.mark.parametrize("kind", [SessionKind.USER, SessionKind.FEDERATED_USER])
def test_k07_a_session_of_a_user_ends_with_its_key_and_with_its_user(kind: SessionKind) -> None:
    async def play(gate: Gate) -> list[str]:
        world = gate.stage.world
        alice, bob = world.user("alice"), world.user("bob")
        claims = claims_of(kind, alice.id, issuing_key_id=KEY, name="jean")
        gate.give_key(alice.id)
        assert await gate.session(claims)
        reasons = []
        for change in (
            lambda: gate.give_key(alice.id, KeyStatus.INACTIVE),
            lambda: gate.give_key(bob.id),
            lambda: (gate.give_key(alice.id), _delete(gate, alice)),
        ):
            change()
            await gate.stage.identities.refresh()
            reasons.append((await fault_of(gate.session(claims)))[1])
        return reasons

    assert at_the_gate(play) == ["token.issuing-key-gone", "token.issuing-key-gone", "token.issuer-gone"]


def _delete(gate: Gate, user: Any) -> None:
    with gate.stage.world.store.write() as records:
        records.users.delete(user)


# ── who the callers are ──────────────────────────────────────────────────────────────────────────────


def test_the_principal_keys_of_each_kind_of_caller() -> None:
    """IAM User Guide, "Principal key values"; `aws:MultiFactorAuthPresent` is absent for long-lived keys."""

    async def play(gate: Gate) -> dict[str, Authenticated]:
        world = gate.stage.world
        alice, role = world.user("alice", path="/eu/"), world.role("auditor", path="/eu/")
        gate.give_key(alice.id)
        found = {"user": await gate.key()}
        of_alice = {"issuing_key_id": KEY}
        found["user session"] = await gate.session(claims_of(SessionKind.USER, alice.id, **of_alice))
        found["federated"] = await gate.session(
            claims_of(SessionKind.FEDERATED_USER, alice.id, name="jean", **of_alice)
        )
        found["role"] = await gate.session(claims_of(SessionKind.ROLE, role.id, name="one"))
        gate.give_key(ACCOUNT)
        await gate.stage.identities.refresh()
        found["root"] = await gate.key()
        found["root session"] = await gate.session(claims_of(SessionKind.ROOT, ACCOUNT, **of_alice))
        ids.update(user=alice.id, role=role.id)
        return found

    ids: dict[str, str] = {}
    found = at_the_gate(play)

    def row(name: str) -> tuple[Any, ...]:
        context = found[name].context
        names = ("username", "userid", "principaltype", "principalarn", "tokenissuetime", "multifactorauthpresent")
        return tuple(context.get(f"aws:{key}") for key in names)

    alice, root = f"arn:aws:iam::{ACCOUNT}:user/eu/alice", f"arn:aws:iam::{ACCOUNT}:root"
    issued = "2026-11-24T09:15:00Z"
    assert row("user") == ("alice", ids["user"], "User", alice, None, None)
    assert row("user session") == ("alice", ids["user"], "User", alice, issued, "false")
    assert row("role") == (
        None,
        f"{ids['role']}:one",
        "AssumedRole",
        f"arn:aws:iam::{ACCOUNT}:role/eu/auditor",
        issued,
        "false",
    )
    assert row("federated") == (
        None,
        f"{ACCOUNT}:jean",
        "FederatedUser",
        f"arn:aws:sts::{ACCOUNT}:federated-user/jean",
        issued,
        "false",
    )
    assert row("root") == (None, ACCOUNT, "Account", root, None, None)
    assert row("root session") == (None, ACCOUNT, "Account", root, issued, "false")
    assert found["federated"].caller.user is None
    assert found["user session"].caller.user is not None


def test_a_second_factor_ages() -> None:
    async def play(gate: Gate) -> Authenticated:
        alice = gate.stage.world.user("alice")
        gate.give_key(alice.id)
        claims = claims_of(SessionKind.USER, alice.id, issuing_key_id=KEY, mfa_at=NOW - timedelta(seconds=90))
        return await gate.session(claims)

    context = at_the_gate(play).context

    assert (context["aws:multifactorauthpresent"], context["aws:multifactorauthage"]) == ("true", "90")


def test_a_session_tag_stands_over_the_roles_own() -> None:
    async def play(gate: Gate) -> Authenticated:
        role = gate.stage.world.role("r", tags={"Team": "red", "Stage": "Prod"})
        return await gate.session(claims_of(SessionKind.ROLE, role.id, tags={"TEAM": "blue"}, source_identity="ana"))

    context = at_the_gate(play).context

    assert context["aws:principaltag/team"] == "blue"
    assert context["aws:principaltag/stage"] == "Prod"
    assert context["aws:sourceidentity"] == "ana"


def test_what_a_session_carries_on_cannot_take_the_place_of_what_is_known() -> None:
    async def play(gate: Gate) -> Authenticated:
        role = gate.stage.world.role("r")
        carried = dict.fromkeys(
            (
                "aws:PrincipalArn",
                "aws:userid",
                "aws:SourceIp",
                "AWS:CurrentTime",
                "aws:MultiFactorAuthPresent",
                "aws:TokenIssueTime",
                "saml:sub",
            ),
            "forged",
        )
        return await gate.session(claims_of(SessionKind.ROLE, role.id, context=carried))

    context = at_the_gate(play).context

    assert [name for name, value in context.items() if value == "forged"] == ["saml:sub"]


def test_v24_the_address_is_the_sockets_and_headers_change_only_their_own_keys() -> None:
    async def play(gate: Gate) -> Authenticated:
        gate.give_key(ACCOUNT)
        extra = (
            (b"x-forwarded-for", b"10.0.0.1"),
            (b"x-forwarded-proto", b"https"),
            (b"user-agent", b"aws-cli/2"),
            (b"referer", b"https://example.test/"),
        )
        return await gate.prove(signed(Draft(key_id=KEY, secret=SECRET).plus(*extra)))

    context = at_the_gate(play).context

    assert context["aws:sourceip"] == "192.0.2.7"
    assert context["aws:securetransport"] == "false"
    assert (context["aws:useragent"], context["aws:referer"]) == ("aws-cli/2", "https://example.test/")
    assert context["aws:requestedregion"] == "eu-central-1"
    assert (context["aws:currenttime"], context["aws:epochtime"]) == ("2026-11-24T10:15:00Z", "1795515300")


# ── what they bring along ────────────────────────────────────────────────────────────────────────────


def test_session_policies_narrow_and_a_federated_user_without_any_has_nothing() -> None:
    async def play(gate: Gate) -> list[Authenticated]:
        world = gate.stage.world
        alice, role = world.user("alice"), world.role("r")
        managed = world.policy("p")
        gate.give_key(alice.id)
        federated = {"issuing_key_id": KEY, "name": "jean"}
        return [
            await gate.session(claims_of(SessionKind.ROLE, role.id)),
            await gate.session(claims_of(SessionKind.ROLE, role.id, policy=ALLOW_ALL)),
            await gate.session(claims_of(SessionKind.ROLE, role.id, policy_arns=(managed.arn,))),
            await gate.session(claims_of(SessionKind.ROLE, role.id, policy_arns=("arn:aws:iam::aws:policy/Gone",))),
            await gate.session(claims_of(SessionKind.FEDERATED_USER, alice.id, **federated)),
        ]

    plain, inline, managed, gone, federated = (who.standing.session for who in at_the_gate(play))

    def count(policies: Any) -> int:
        return len(policies.candidates("iam:ListUsers", "*"))

    assert plain is None
    assert [count(policies) for policies in (inline, managed, gone, federated)] == [1, 1, 0, 0]


def test_k10_a_federated_user_has_what_its_maker_and_the_session_policy_both_allow() -> None:
    async def play(gate: Gate) -> Authenticated:
        own = ALLOW_ALL.replace('"Action":"*"', '"Action":["s3:GetObject","s3:PutObject"]')
        narrow = ALLOW_ALL.replace('"Action":"*"', '"Action":["s3:GetObject","s3:DeleteObject"]')
        alice = gate.stage.world.user("alice", inline_policies={"own": own})
        gate.give_key(alice.id)
        return await gate.session(
            claims_of(SessionKind.FEDERATED_USER, alice.id, issuing_key_id=KEY, name="jean", policy=narrow)
        )

    who = at_the_gate(play)

    def may(action: str) -> bool:
        request = AccessRequest(
            principal=who.caller.principal,
            action=action,
            resource="arn:aws:s3:::reports/q3",
            resource_account=ACCOUNT,
            context=who.context,
        )
        return decide(request, who.standing.layers()).allowed

    assert [may(f"s3:{name}") for name in ("GetObject", "PutObject", "DeleteObject", "ListBucket")] == [
        *(True, False, False, False)
    ]


def test_root_hands_on_what_the_session_policy_says() -> None:
    async def play(gate: Gate) -> Authenticated:
        gate.give_key(ACCOUNT)
        return await gate.session(
            claims_of(SessionKind.FEDERATED_USER, ACCOUNT, issuing_key_id=KEY, name="jean", policy=ALLOW_ALL)
        )

    who = at_the_gate(play)

    assert who.caller.principal.kind is PrincipalKind.FEDERATED_USER
    assert who.caller.principal.issuer_arn == f"arn:aws:iam::{ACCOUNT}:root"
    assert who.standing.identity is not None
    assert who.standing.boundary is None


def test_a_caller_is_worked_out_once_and_anew_when_what_it_rests_on_changes() -> None:
    async def play(gate: Gate) -> None:
        world = gate.stage.world
        role, policy = world.role("r"), world.policy("p")
        claims = claims_of(SessionKind.ROLE, role.id, policy_arns=(policy.arn,))
        request = gate.session_request(claims)
        first = await gate.prove(request)
        assert (await gate.prove(request)).standing is first.standing

        with world.store.write() as records:
            records.roles.put(replace(role, tags={"Team": "blue"}))
        await gate.stage.identities.refresh()
        second = await gate.prove(request)
        assert second.standing is not first.standing
        assert second.context["aws:principaltag/team"] == "blue"

        with world.store.write() as records:
            records.policies.delete(policy)
        await gate.stage.identities.refresh()
        third = await gate.prove(request)
        assert third.standing is not second.standing
        assert third.standing.session is not None
        assert not third.standing.session.candidates("iam:ListUsers", "*")

    at_the_gate(play)


def test_two_sessions_under_one_key_id_are_not_taken_for_one_another() -> None:
    """Key ids are random, so this is for the case that two sessions were given the same."""

    async def play(gate: Gate) -> list[str]:
        one, two = gate.stage.world.role("one"), gate.stage.world.role("two")
        requests = [gate.session_request(claims_of(SessionKind.ROLE, role.id)) for role in (one, two)]
        return [(await gate.prove(request)).caller.principal.issuer_arn for request in requests * 2]

    assert [arn.rsplit("/", 1)[-1] for arn in at_the_gate(play)] == ["one", "two", "one", "two"]
