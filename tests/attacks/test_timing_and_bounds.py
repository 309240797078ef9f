"""What an outsider can measure or exhaust: time, memory, places in a queue, and the audit.

V22 is decided by counting calls instead of seconds: an unknown key and a wrong signature must cost the same work, and
counting does not depend on the machine. The D rows insert ten times what a bound allows and look at what is kept.
"""

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from tabard.adapters import identities as identities_module
from tabard.adapters.audit import MemoryAudit
from tabard.adapters.identities import StoredIdentities
from tabard.adapters.stores.memory import MemoryStore
from tabard.apps import authentication, last_use
from tabard.apps.accounts import NewKey
from tabard.apps.dialects import MAXIMUM_FORM
from tabard.apps.http import HTTPResponse
from tabard.apps.pipeline import MAXIMUM_WAITING
from tabard.ports.audit import AuditUnavailable
from tabard.ports.store import Records
from tests.fuse import fuse
from tests.houses import InProcessHouse, code_of, form, in_process_house, reasons, request, signed
from tests.worlds import trust

IDENTITY = form("GetCallerIdentity")


@pytest.fixture
def house() -> Iterator[InProcessHouse]:
    with in_process_house() as started:
        yield started


# ── V22: what a guess costs ──────────────────────────────────────────────────────────────────────────


def work(house: InProcessHouse, key: NewKey) -> Counter[str]:
    """The calls, of Python and of C, that refusing a request with this key takes when everything is warm."""
    seen: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            seen[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            seen[f"{argument.__module__}.{argument.__qualname__}"] += 1

    http = signed(house.draft(IDENTITY, key=key))
    for _ in range(2):
        house.answer(http)

    async def counted() -> HTTPResponse:
        sys.setprofile(count)
        try:
            return await house.application.respond(http)
        finally:
            sys.setprofile(None)

    assert house.run(counted()).status == 403
    return seen


@pytest.mark.parametrize("real", ["a user's key", "the root key", "an inactive key"])
def test_v22_an_unknown_key_costs_what_a_wrong_signature_costs(house: InProcessHouse, real: str) -> None:
    key = house.root if real == "the root key" else house.admin
    if real == "an inactive key":
        key_id = key.access_key_id
        answer = house.call("UpdateAccessKey", key=house.root, UserName="admin", AccessKeyId=key_id, Status="Inactive")
        assert answer.status == 200

    known = work(house, NewKey(key.access_key_id, "not the secret of this key at all, not."))
    unknown = work(house, NewKey("AKIA" + "Q" * 16, "not the secret of this key at all, not."))

    # What costs time is the same, call by call …
    for name in ("hmac.digest", "_hashlib.openssl_sha256", "canonical_request", "sign"):
        assert known[name] == unknown[name], name
    assert sum(count for name, count in known.items() if "hmac" in name or "sha256" in name) > 2
    # … and all the rest differs by look-ups in memory (the user, the organisation, what was worked out last), which are
    # nothing beside the HMAC and the audit record.
    assert abs(known.total() - unknown.total()) <= 32, known - unknown | unknown - known


def test_v22_an_inactive_and_an_unknown_key_are_told_the_same(house: InProcessHouse) -> None:
    unknown = house.answer(signed(house.draft(IDENTITY, key=NewKey("AKIA" + "Q" * 16, "x"))))
    house.call(
        "UpdateAccessKey",
        key=house.root,
        UserName="admin",
        AccessKeyId=house.admin.access_key_id,
        Status="Inactive",
    )
    inactive = house.answer(signed(house.draft(IDENTITY)))

    def body(answer: HTTPResponse) -> bytes:
        return answer.body.split(b"<RequestId>")[0]

    assert (unknown.status, body(unknown)) == (inactive.status, body(inactive))


# ── D06: bounded memory ──────────────────────────────────────────────────────────────────────────────


def test_d06_guessed_keys_push_nothing_real_out_and_are_forgotten(
    house: InProcessHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    maximum = 50
    monkeypatch.setattr(identities_module, "MAXIMUM_UNKNOWN", maximum)
    identities = StoredIdentities(house.world.store, house.world.identities._keys, house.world.readers)

    async def guess() -> None:
        assert await identities.access_key(house.admin.access_key_id) is not None
        for number in range(10 * maximum):
            assert await identities.access_key(f"AKIA{number:016d}") is None
            assert await identities.role_by_arn(f"arn:aws:iam::{house.account}:role/guess-{number}") is None

    house.run(guess())

    assert len(identities._unknown) == maximum
    assert len(identities._unknown._dependents) <= 2 * maximum
    assert len(identities._kept) == 1


def test_d06_what_is_kept_of_callers_is_bounded(house: InProcessHouse) -> None:
    authenticator = house.pipeline._authenticator

    for number in range(300):
        assert house.answer(signed(house.draft(IDENTITY, key=NewKey(f"AKIA{number:016d}", "x")))).status == 403

    assert authenticator._known.maxsize == authentication.MAXIMUM_SESSIONS
    assert len(authenticator._known) == 0, "nothing is remembered of callers that nobody knows"
    assert len(authenticator._signing_keys) == 1, "all of them share the key of nobody"
    assert not house.pipeline._last_uses.take()


def test_d06_notes_of_last_uses_are_bounded(house: InProcessHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_use, "MAXIMUM", 1)

    assert house.call("GetCallerIdentity").status == 200
    assert house.call("GetCallerIdentity", key=house.root).status == 200

    assert [use.key_id for use in house.pipeline._last_uses.take()] == [house.admin.access_key_id]


# ── D02 to D04: bounded work ─────────────────────────────────────────────────────────────────────────

LARGE = 9_900_000
MEDIUM = MAXIMUM_FORM - 100


@pytest.mark.parametrize(
    "body",
    [
        IDENTITY + b"&x=" + b"%41" * (LARGE // 3),
        IDENTITY + b"&x=" + b"%41" * (MEDIUM // 3),
        IDENTITY + b"&x=" + b"a" * MEDIUM,
        IDENTITY + b"&x=" + b"+" * MEDIUM,
        IDENTITY + b"&" * MEDIUM,
        IDENTITY + b"&x=" + b"%" * MEDIUM,
        IDENTITY + b"&" + b".".join([b"a"] * (MEDIUM // 2)) + b"=1",
        IDENTITY + b"&x=" + b"\xff" * MEDIUM,
    ],
    ids=["huge", "escapes", "letters", "spaces", "ampersands", "broken escapes", "dots", "no UTF-8"],
)
def test_d02_d04_a_large_body_is_refused_within_the_budget(house: InProcessHouse, body: bytes) -> None:
    """Ten million bytes of percent escapes, which the front door lets in as AWS does, once took a second to decode."""
    with fuse():
        answer = house.answer(request(body))

    assert answer.status in {400, 403}
    assert len(house.records) == 1


def test_d02_control_the_longest_document_percent_encoded_throughout_is_read(house: InProcessHouse) -> None:
    answer = house.call("PutUserPolicy", UserName="admin", PolicyName="p", PolicyDocument="ÿ" * 131_072)

    assert code_of(answer) == "MalformedPolicyDocument"


@pytest.mark.parametrize(
    "parameter",
    [
        "[" * 100_000,
        '{"Statement":' * 5_000,
        '{"Version":"2012-10-17","Statement":[' + ",".join(["{}"] * 20_000) + "]}",
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"' + "*?" * 60_000 + '","Resource":"*"}]}',
        '{"a":1,' * 20_000,
        '"' + "\\u0000" * 20_000 + '"',
        "1" * 130_000,
    ],
    ids=["brackets", "braces", "statements", "stars", "keys", "escapes", "digits"],
)
def test_d04_documents_that_are_bombs_are_refused_within_the_budget(house: InProcessHouse, parameter: str) -> None:
    http = house.request("PutUserPolicy", UserName="admin", PolicyName="p", PolicyDocument=parameter)

    with fuse():
        answer = house.answer(http)

    assert answer.status == 400 or code_of(answer) == "LimitExceeded"


def test_d03_thousands_of_fields_are_refused_and_as_many_as_an_operation_needs_are_read(house: InProcessHouse) -> None:
    tags = {f"Tags__member__{n}__{part}": f"{part}{n}" for n in range(1, 51) for part in ("Key", "Value")}

    assert house.call("TagUser", UserName="admin", **tags).status == 200
    many = house.draft(form("TagUser", UserName="admin") + b"&a=b" * 10_000, service="iam")
    assert (house.answer(signed(many)).status, reasons(house.records)[-1]) == (400, "form.fields")


# ── D08: a bounded queue ─────────────────────────────────────────────────────────────────────────────


class SlowStore(MemoryStore):
    """A store whose writers wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()

    @contextmanager
    def write(self) -> Iterator[Records]:
        self.go.wait(30)
        with super().write() as records:
            yield records


def test_d08_more_slow_calls_than_there_are_places_are_told_to_slow_down() -> None:
    store, more = SlowStore(), 100
    with in_process_house(store=store) as house:
        house.call("GetCallerIdentity")
        calls = [house.request("CreateGroup", GroupName=f"g{number}") for number in range(more)]
        store.go.clear()

        async def all_at_once() -> list[HTTPResponse]:
            waiting = [asyncio.ensure_future(house.application.respond(call)) for call in calls]
            for _ in range(more):
                if sum(task.done() for task in waiting) < more - MAXIMUM_WAITING:
                    await asyncio.sleep(0)
            quick = await house.application.respond(house.request("GetCallerIdentity"))
            store.go.set()
            return [quick, *await asyncio.gather(*waiting)]

        house.records.clear()
        quick, *answers = house.run(asyncio.wait_for(all_at_once(), 30))

        told = Counter((answer.status, code_of(answer)) for answer in answers)
        assert told == {(200, ""): MAXIMUM_WAITING, (400, "Throttling"): more - MAXIMUM_WAITING}
        assert quick.status == 200, "what needs no store is answered meanwhile"
        assert len(house.records) == more + 1, "each call has one record, those that were sent away too"
        assert Counter(reasons(house.records)) == {None: MAXIMUM_WAITING + 1, "throttled": more - MAXIMUM_WAITING}
        assert house.call("CreateGroup", GroupName="later").status == 200, "the places are free again"


def test_d08_callers_are_known_while_every_place_of_the_writers_is_taken() -> None:
    """Look-ups of identities stood in line behind actions that waited to write, and all calls with them."""
    store = SlowStore()
    with in_process_house(store=store) as house:
        house.call("GetCallerIdentity")
        calls = [house.request("CreateGroup", GroupName=f"g{number}") for number in range(20)]
        store.go.clear()

        async def beside_slow_writers() -> HTTPResponse:
            waiting = [asyncio.ensure_future(house.application.respond(call)) for call in calls]
            await asyncio.sleep(1.1)  # so that what is known of the caller is too old to be used again unread
            answer = await asyncio.wait_for(house.application.respond(house.request("GetCallerIdentity")), 5)
            store.go.set()
            await asyncio.gather(*waiting)
            return answer

        assert house.run(beside_slow_writers()).status == 200


# ── one record a call, and A06: none, no credentials ─────────────────────────────────────────────────


def test_every_call_has_exactly_one_record_whatever_becomes_of_it(house: InProcessHouse) -> None:
    house.answer(signed(house.draft(IDENTITY)))  # allowed
    house.call("ListUsers")  # allowed, from the store
    house.call("CreateUser", UserName="new")  # allowed, a change
    house.call("CreateUser", UserName="new")  # refused by the action
    house.call("GetUser", UserName="a" * 200)  # refused by the model
    house.call("AssumeRole", RoleArn=f"arn:aws:iam::{house.account}:role/none", RoleSessionName="x1")  # denied
    house.answer(request(IDENTITY))  # unsigned
    house.answer(signed(house.draft(IDENTITY).but(secret="wrong")))  # not proven
    house.call("ListServerCertificates")  # not built
    house.answer(request(form("AssumeRoleWithWebIdentity", version="2011-06-15")))  # unsigned by its nature
    house.answer(request(b"Action=Nonsense&Version=2011-06-15"))  # unknown
    house.answer(request(b"Action=%zz"))  # unreadable

    assert reasons(house.records) == [
        None,
        None,
        None,
        "user.exists",
        "constraint",
        "trust.denied",
        "sigv4.missing",
        "sigv4.signature.mismatch",
        "unsupported.operation",
        "unsupported.operation",
        "operation.unknown",
        "form.escape",
    ]
    ids = [record[name] for record in house.records for name in ("requestID", "eventID")]
    assert len(set(ids)) == 24


class FullAudit(MemoryAudit):
    """An audit that takes nothing any more once its disk is full."""

    full = False

    def append(self, record: Mapping[str, object]) -> None:
        if self.full:
            raise AuditUnavailable("no space left on device")
        super().append(record)


def test_a06_without_a_record_nothing_is_issued_and_nothing_is_changed() -> None:
    audit = FullAudit()
    with in_process_house(audit=audit) as house:
        assert house.call("CreateRole", RoleName="r", AssumeRolePolicyDocument=trust(house.account)).status == 200
        take = {"RoleArn": f"arn:aws:iam::{house.account}:role/r", "RoleSessionName": "s1"}
        assert house.call("AssumeRole", **take).status == 200
        before = len(audit.records)

        audit.full = True
        refused = [
            house.call("AssumeRole", **take),
            house.call("GetSessionToken"),
            house.call("GetFederationToken", Name="bob"),
            house.call("CreateAccessKey", UserName="admin"),
            house.call("CreateUser", UserName="never"),
            house.call("DeleteRole", RoleName="r"),
            house.call("GetCallerIdentity"),
            house.answer(request(IDENTITY)),
        ]
        audit.full = False

        for answer in refused[:-1]:
            assert (answer.status, code_of(answer)) == (503, "ServiceUnavailable")
            for secret in (b"SecretAccessKey", b"SessionToken", b"<Credentials>"):
                assert secret not in answer.body
        assert code_of(refused[-1]) == "MissingAuthenticationToken", "a refusal gives nothing, and stands"
        assert len(audit.records) == before
        assert code_of(house.call("GetUser", UserName="never")) == "NoSuchEntity"
        assert house.call("GetRole", RoleName="r").status == 200
        assert house.call("ListAccessKeys", UserName="admin").body.count(b"<AccessKeyId>") == 1
        assert house.call("AssumeRole", **take).status == 200
