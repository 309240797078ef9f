"""What policies deny is explained, kept, and told under an id; and never more than may be kept."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tabard.adapters.stores.memory import MemoryStore
from tabard.apps import denials as denials_module
from tabard.apps.denials import Keeping
from tabard.apps.http import HTTPResponse
from tabard.directory.denials import Denial, as_its_account_sees_it
from tabard.names.ids import AUTHORIZATION_ID
from tabard.policy.decide import Layer, Outcome
from tabard.policy.explain import Effected
from tabard.ports.store import Records, StoreUnavailable
from tests.houses import InProcessHouse, code_of, in_process_house, message_of


@pytest.fixture
def house() -> Iterator[InProcessHouse]:
    with in_process_house() as started:
        yield started


def user(house: InProcessHouse, name: str = "ana", policy: str | None = None):
    house.call("CreateUser", UserName=name)
    if policy is not None:
        house.call("PutUserPolicy", UserName=name, PolicyName="own", PolicyDocument=policy)
    body = house.call("CreateAccessKey", UserName=name).body
    return type(house.admin)(*(_between(body, tag) for tag in (b"AccessKeyId", b"SecretAccessKey")))


def _between(body: bytes, tag: bytes) -> str:
    return body.partition(b"<%s>" % tag)[2].partition(b"<")[0].decode()


def kept(house: InProcessHouse, answer: HTTPResponse) -> Denial:
    with house.world.store.read() as records:
        denial = records.denials.get(answer.headers["X-Tabard-Authorization-Id"])
    assert denial is not None
    return denial


OWN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "hr",
            "Effect": "Allow",
            "Action": "iam:ListUsers",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/Department": "HR"}},
        },
    }
)


def test_a_denial_is_told_under_an_id_that_leads_to_its_reasons(house: InProcessHouse) -> None:
    ana = user(house, policy=OWN)

    answer = house.call("ListUsers", key=ana)

    denial = kept(house, answer)
    assert AUTHORIZATION_ID.fullmatch(denial.id)
    assert code_of(answer) == "AccessDenied"
    assert message_of(answer) == (
        f"{denial.message}. Run `tabard why {denial.id}` for complete details, or call the "
        f"GetRequestAuthorizationDetails API with the following authorization id: {denial.id}"
    )
    assert (denial.request_id, denial.account, denial.access_key_id) == (
        answer.headers["x-amzn-RequestId"],
        house.account,
        ana.access_key_id,
    )
    assert denial.principal == f"arn:aws:iam::{house.account}:user/ana"
    assert denial.event == ("iam.amazonaws.com", "ListUsers")
    assert denial.context["aws:username"] == "ana"
    (asked,) = denial.asked
    assert (asked.action, asked.report.outcome, asked.report.layer) == (
        "iam:ListUsers",
        Outcome.IMPLICIT_DENY,
        Layer.IDENTITY,
    )
    assert asked.report.missing == ("aws:PrincipalTag/Department",)
    assert asked.context == {"aws:resourceaccount": house.account}
    (policy,) = denial.policies
    own = f"arn:aws:iam::{house.account}:user/ana"
    assert (policy.name, policy.attached_to, policy.document) == (f"{own}#policy/own", own, OWN)
    assert house.records[-1]["additionalEventData"] == {
        "tabard": {"reason": "policy.denied", "authorizationId": denial.id}
    }


def test_the_questions_before_the_denied_one_are_kept_too(house: InProcessHouse) -> None:
    may_create = OWN.replace("iam:ListUsers", "iam:CreateUser").replace(
        ', "Condition": {"StringEquals": {"aws:PrincipalTag/Department": "HR"}}', ""
    )
    ana = user(house, policy=may_create)

    answer = house.call("CreateUser", key=ana, UserName="x", Tags__member__1__Key="a", Tags__member__1__Value="b")

    asked = kept(house, answer).asked
    assert [(each.action, each.report.outcome) for each in asked] == [
        ("iam:CreateUser", Outcome.ALLOWED),
        ("iam:TagUser", Outcome.IMPLICIT_DENY),
    ]
    assert asked[0].context["aws:requesttag/a"] == "b"


def test_t05_of_another_account_s_role_nothing_is_told_but_what_it_came_to(house: InProcessHouse) -> None:
    """A trust policy and tags of another account are kept for the operator, and are not for the caller."""
    from tabard.apps.accounts import AccountMaker

    with house.world.store.write() as records:
        maker = AccountMaker(
            records=records, now=house.clock.now(), entropy=house.world.entropy, secrets=house.world.secrets
        )
        other, root = maker.account("other")
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Sid": "theirs",
                "Effect": "Allow",
                "Principal": {"AWS": house.account},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "secret"}},
            },
        }
    )
    house.call(
        "CreateRole",
        key=root,
        RoleName="there",
        AssumeRolePolicyDocument=trust,
        Tags__member__1__Key="k",
        Tags__member__1__Value="hidden",
    )
    may = OWN.replace("iam:ListUsers", "sts:*").replace("aws:PrincipalTag/Department", "aws:ResourceTag/k")
    ana = user(house, policy=may)
    arns = [f"arn:aws:iam::{other.id}:role/{name}" for name in ("there", "gone")]

    whole, gone = (kept(house, house.call("AssumeRole", key=ana, RoleArn=arn, RoleSessionName="one")) for arn in arns)

    assert b"secret" in _json(whole)
    assert b"hidden" in _json(whole)
    seen = as_its_account_sees_it(whole)
    assert not any(secret in _json(seen) for secret in (b"secret", b"hidden", b"theirs", b"trust-policy"))
    for denial in (seen, as_its_account_sees_it(gone)):
        (resource,) = [layer for layer in denial.asked[0].report.layers if layer.layer is Layer.RESOURCE]
        assert (resource.effect, resource.statements, resource.policies) == (Effected.IMPLICIT_DENY, (), ())
    assert [policy.layer for policy in seen.policies] == [Layer.IDENTITY]


def _json(denial: Denial) -> bytes:
    import msgspec

    return msgspec.json.encode(denial)


def test_denials_of_one_moment_are_written_together(house: InProcessHouse) -> None:
    ana = user(house)
    requests = [house.request("ListUsers", key=ana) for _ in range(40)]
    turns = 0
    write = house.world.store.write

    @contextmanager
    def counted() -> Iterator[Records]:
        nonlocal turns
        turns += 1
        with write() as records:
            yield records

    house.world.store.write = counted  # type: ignore[method-assign] # a look at how often it writes

    async def at_once() -> list[HTTPResponse]:
        return await asyncio.gather(*(house.application.respond(each) for each in requests))

    answers = house.run(at_once())

    assert len({kept(house, answer).id for answer in answers}) == 40
    assert turns < 40


def test_d08_more_denials_than_may_wait_are_answered_without_an_id(
    house: InProcessHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denials_module, "MAXIMUM_WAITING", 0)
    ana = user(house)

    answer = house.call("ListUsers", key=ana)

    assert (answer.status, code_of(answer)) == (403, "AccessDenied")
    assert "X-Tabard-Authorization-Id" not in answer.headers
    assert message_of(answer).endswith("because no identity-based policy allows the iam:ListUsers action")
    assert house.records[-1]["additionalEventData"] == {"tabard": {"reason": "policy.denied"}}


class ReadOnlyStore(MemoryStore):
    """A store that takes nothing any more."""

    full = False

    @contextmanager
    def write(self) -> Iterator[Records]:
        if self.full:
            raise StoreUnavailable("the disk is full")
        with super().write() as records:
            yield records


def test_a_denial_that_cannot_be_kept_is_still_a_denial(caplog: pytest.LogCaptureFixture) -> None:
    store = ReadOnlyStore()
    with in_process_house(store=store) as house:
        ana = user(house)
        store.full = True
        answer = house.call("ListUsers", key=ana)

    assert (answer.status, code_of(answer)) == (403, "AccessDenied")
    assert "X-Tabard-Authorization-Id" not in answer.headers
    assert "the disk is full" in caplog.text


def test_old_denials_and_those_beyond_the_bound_are_forgotten(house: InProcessHouse) -> None:
    ana = user(house)
    log = house.pipeline._denials
    log._keeping = Keeping(lasts=timedelta(days=1), maximum=2)
    found = []
    for _ in range(4):
        found.append(kept(house, house.call("ListUsers", key=ana)).id)
        house.clock.at += timedelta(seconds=1)

    log.prune()
    with house.world.store.read() as records:
        assert [records.denials.get(each) is not None for each in found] == [False, False, True, True]
    house.clock.at += timedelta(days=2)
    log.prune()
    with house.world.store.read() as records:
        assert not any(records.denials.get(each) for each in found)


def test_d08_an_account_with_many_denials_is_pruned_on_the_way(
    house: InProcessHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denials_module, "PRUNE_EVERY", 3)
    house.pipeline._denials._keeping = Keeping(maximum=1)
    ana = user(house)
    for _ in range(6):
        house.call("ListUsers", key=ana)
    with house.world.store.read() as records:
        assert len(records.denials.find(access_key_id=ana.access_key_id)) == 1
