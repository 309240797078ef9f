from datetime import timedelta

import pytest

from tabard import faults
from tabard.actions.sts.get_federation_token import Request, Response, ask, handle
from tabard.actions.sts_shapes import PolicyDescriptor, Tag
from tabard.sessions.claims import SessionClaims, SessionKind
from tests.unit.actions.sts.stage import Stage, authenticated, on_stage
from tests.worlds import ACCOUNT, ALLOW_ALL, NOW, OTHER_ACCOUNT, World, refused

HOUR = timedelta(hours=1)
JEAN = f"arn:aws:sts::{ACCOUNT}:federated-user/jean"


def federate(request: Request, *, as_root: bool = False) -> tuple[Response, SessionClaims]:
    async def play(stage: Stage) -> tuple[Response, SessionClaims]:
        who = stage.root() if as_root else await stage.user(stage.world.user("alice"))
        response = await handle(request, who, stage)
        given = response.credentials
        return response, stage.mint.open(given.session_token, given.access_key_id)

    return on_stage(play)


def test_the_session_belongs_to_the_name_and_lives_on_the_key_that_asked() -> None:
    response, claims = federate(Request(name="jean", policy=ALLOW_ALL, tags=(Tag("Team", "blue"),)))

    assert (response.federated_user.federated_user_id, response.federated_user.arn) == (f"{ACCOUNT}:jean", JEAN)
    assert (claims.kind, claims.name, claims.issuing_key_id) == (
        SessionKind.FEDERATED_USER,
        "jean",
        "AKIAUSERUSERUSERUSER",
    )
    assert (claims.policy, claims.tags, claims.transitive_tag_keys) == (ALLOW_ALL, {"Team": "blue"}, ())


def test_the_packed_size_is_0_where_nothing_is_packed() -> None:
    assert federate(Request(name="jean"))[0].packed_policy_size == 0
    packed = federate(Request(name="jean", policy=ALLOW_ALL))[0]
    assert packed.packed_policy_size == packed.session_token_utilization > 0


@pytest.mark.parametrize(
    ("seconds", "of_user", "of_root"),
    [(None, 12 * HOUR, HOUR), (900, HOUR / 4, HOUR / 4), (129600, 36 * HOUR, HOUR)],
)
def test_durations(seconds: int | None, of_user: timedelta, of_root: timedelta) -> None:
    request = Request(name="jean", duration_seconds=seconds)

    assert federate(request)[1].expires - NOW == of_user
    assert federate(request, as_root=True)[1].expires - NOW == of_root


def test_tags_are_asked_for_with_a_question_of_their_own() -> None:
    world = World()
    who = authenticated(world.as_user(world.user("alice")))

    plain = ask(Request(name="jean"), who)
    tagged = ask(Request(name="jean", tags=(Tag("Team", "blue"),)), who)

    assert [(a.action, a.resource, a.resource_account) for a in plain] == [("sts:GetFederationToken", JEAN, ACCOUNT)]
    assert [a.action for a in tagged] == ["sts:GetFederationToken", "sts:TagSession"]
    assert dict(tagged[0].context) == {"aws:requesttag/team": "blue", "aws:tagkeys": ("Team",)}


@pytest.mark.parametrize(
    ("request_", "fault", "reason"),
    [
        (Request(name="jean", policy="{"), faults.MalformedPolicy, None),
        (Request(name="jean", policy=" " * 2049), faults.PackedPolicyTooLarge, "session.policies.too-large"),
        (
            Request(name="jean", tags=(Tag("a", "1"), Tag("A", "2"))),
            faults.InvalidParameterValue,
            "session.tags.duplicate",
        ),
        (Request(name="jean", tags=(Tag("aws:x", "1"),)), faults.InvalidParameterValue, "session.tags.reserved"),
        (
            Request(name="jean", policy_arns=(PolicyDescriptor(f"arn:aws:iam::{ACCOUNT}:policy/never"),)),
            faults.InvalidParameterValue,
            "session.policies.unknown",
        ),
        (
            Request(name="jean", policy_arns=(PolicyDescriptor("arn:aws:iam::aws:policy/IAMFullAccess"),) * 11),
            faults.ConstraintViolated,
            "session.policies.too-many",
        ),
    ],
)
def test_what_cannot_be_a_session(request_: Request, fault: type[faults.Fault], reason: str | None) -> None:
    with pytest.raises(fault) as caught:
        federate(request_)
    assert reason in (None, caught.value.reason)


def test_t01_managed_policies_are_the_accounts_own_and_awss() -> None:
    async def play(stage: Stage) -> None:
        stage.world.account(OTHER_ACCOUNT, "other")
        own, foreign = stage.world.policy("p"), stage.world.policy("p", account=OTHER_ACCOUNT)
        who = await stage.user(stage.world.user("alice"))
        for arn in (own.arn, "arn:aws:iam::aws:policy/IAMReadOnlyAccess"):
            assert await handle(Request(name="jean", policy_arns=(PolicyDescriptor(arn),)), who, stage)
        with refused(faults.InvalidParameterValue, f"Policy {foreign.arn} does not exist or is not attachable."):
            await handle(Request(name="jean", policy_arns=(PolicyDescriptor(foreign.arn),)), who, stage)

    on_stage(play)


def test_k11_a_session_makes_no_other_one() -> None:
    async def play(stage: Stage) -> None:
        caller = stage.world.as_user(stage.world.user("alice"))
        claims = SessionClaims(
            kind=SessionKind.USER,
            account=ACCOUNT,
            access_key_id="ASIA",
            secret_access_key="secret",
            issuer_id=caller.principal.unique_id,
            issued=NOW,
            expires=NOW + HOUR,
        )
        with refused(
            faults.Denied, "Cannot call GetFederationToken with session credentials", "session.long-term-key-needed"
        ):
            await handle(Request(name="jean"), authenticated(caller, claims=claims), stage)

    on_stage(play)
