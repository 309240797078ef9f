"""The steps of one call: what becomes of it when the world fails in the middle, and what stands over what."""

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tabard.actions.desk import Action
from tabard.adapters.stores.memory import MemoryStore
from tabard.apps.pipeline import table
from tabard.faults import Denied
from tabard.ports.store import Changes, Records, StoreUnavailable
from tabard.services.ask import Ask
from tabard.trust.evaluate import require_allowed
from tests.houses import code_of, form, in_process_house, message_of, reasons, request


class MoodyStore(MemoryStore):
    """A store that fails in one place when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Callable[[], None] = lambda: None
        self.commits: Callable[[], None] = lambda: None
        self.follows: Callable[[], None] = lambda: None

    @contextmanager
    def read(self) -> Iterator[Records]:
        self.reads()
        with super().read() as records:
            yield records

    @contextmanager
    def write(self) -> Iterator[Records]:
        with super().write() as records:
            yield records
            self.commits()

    def changes_since(self, revision: int) -> Changes:
        self.follows()
        return super().changes_since(revision)


def away() -> None:
    raise StoreUnavailable("the network is gone")


def broken() -> None:
    raise ZeroDivisionError("a secret detail")


def test_every_action_of_the_tables_has_a_row() -> None:
    rows = table()

    assert len(rows) >= 100
    assert {service for service, _ in rows} == {"sts", "iam", "organizations"}
    assert all(row.action.name == name for (_, name), row in rows.items())


def test_a_store_that_is_away_is_503_and_says_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    store = MoodyStore()
    with in_process_house(store=store) as house:
        assert house.call("ListUsers").status == 200
        house.records.clear()
        store.reads = away

        answer = house.call("ListUsers")

        assert (answer.status, code_of(answer)) == (503, "ServiceUnavailable")
        assert b"network" not in answer.body
        assert reasons(house.records) == ["StoreUnavailable"]
        store.reads = lambda: None
        assert house.call("ListUsers").status == 200
    assert "the network is gone" in caplog.text


def test_a_mistake_of_ours_is_500_withholds_its_text_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = MoodyStore()
    with in_process_house(store=store) as house:
        house.call("ListUsers")
        house.records.clear()
        store.reads = broken

        answer = house.call("ListUsers")

        assert (answer.status, code_of(answer)) == (500, "InternalFailure")
        assert b"<Type>Receiver</Type>" in answer.body
        assert b"secret detail" not in answer.body
        assert "secret detail" not in str(house.records)
        assert reasons(house.records) == ["ZeroDivisionError"]
    assert "ZeroDivisionError" in caplog.text
    assert answer.headers["x-amzn-RequestId"] in caplog.text


def test_a_change_that_cannot_be_committed_is_not_answered_as_made() -> None:
    store = MoodyStore()
    with in_process_house(store=store) as house:
        house.call("ListUsers")
        store.commits = away

        answer = house.call("CreateUser", UserName="never")

        store.commits = lambda: None
        assert (answer.status, code_of(answer)) == (503, "ServiceUnavailable")
        assert house.records[-1]["errorCode"] == "ServiceUnavailable", "the last word on the call is that it failed"
        assert code_of(house.call("GetUser", UserName="never")) == "NoSuchEntity"


def test_a_change_that_was_made_is_answered_though_the_store_then_falls_silent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The change log could not be read after the commit, and the caller was told that nothing had happened."""
    store = MoodyStore()
    with in_process_house(store=store) as house:
        house.call("ListUsers")
        house.records.clear()
        store.follows = away

        answer = house.call("CreateUser", UserName="made")

        assert answer.status == 200
        assert reasons(house.records) == [None]
        store.follows = lambda: None
        assert house.call("GetUser", UserName="made").status == 200
    assert "the store does not answer" in caplog.text


def test_a_caller_is_not_judged_by_law_that_may_be_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MoodyStore()
    with in_process_house(store=store) as house:
        assert house.call("GetCallerIdentity").status == 200
        store.follows = away
        later = house.world.identities._read_at + 1.001
        monkeypatch.setattr("tabard.adapters.identities.monotonic", lambda: later)

        answer = house.call("GetCallerIdentity")

        assert (answer.status, code_of(answer)) == (503, "ServiceUnavailable")


def test_every_call_has_ids_of_its_own_that_are_uuids() -> None:
    with in_process_house() as house:
        for _ in range(5):
            house.call("GetCallerIdentity")
        ids = [str(record[name]) for record in house.records for name in ("requestID", "eventID")]

    assert len(set(ids)) == 10
    assert all(uuid.UUID(each).version == 4 and uuid.UUID(each).variant == uuid.RFC_4122 for each in ids)


def test_the_request_id_in_the_header_the_body_and_the_record_is_one() -> None:
    with in_process_house() as house:
        for http in (house.request("ListUsers"), request(form("ListUsers"))):
            answer = house.answer(http)
            request_id = answer.headers["x-amzn-RequestId"]
            assert f"<RequestId>{request_id}</RequestId>".encode() in answer.body
            assert house.records[-1]["requestID"] == request_id


def test_what_we_know_of_the_caller_stands_over_what_an_action_adds() -> None:
    """An ask whose context claims another account or name for the caller must not be believed."""
    policy = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"*",'
        '"Condition":{"StringEquals":{"aws:PrincipalAccount":"999999999999"}}}}'
    )
    with in_process_house() as house:
        house.call("CreateUser", UserName="bob")
        house.call("PutUserPolicy", UserName="bob", PolicyName="p", PolicyDocument=policy)
        body = house.call("CreateAccessKey", UserName="bob").body
        key_id = body.partition(b"<AccessKeyId>")[2].partition(b"<")[0].decode()
        secret = body.partition(b"<SecretAccessKey>")[2].partition(b"<")[0].decode()
        http = house.request("GetUser", key=type(house.admin)(key_id, secret), UserName="bob")
        who = house.run(
            house.pipeline._authenticator.authenticate(http, dict(http.headers), service="iam", now=house.clock.now())
        )
        ask = Ask(
            action="iam:GetUser",
            resource=f"arn:aws:iam::{house.account}:user/bob",
            resource_account=house.account,
            context={"aws:principalaccount": "999999999999"},
        )

        with pytest.raises(Denied):
            require_allowed(who.standing, [ask], who.context, who.own_resource_keys)


def test_an_operation_without_a_row_is_named_and_does_nothing() -> None:
    with in_process_house() as house:
        answer = house.call("ListServerCertificates")

    assert (answer.status, code_of(answer)) == (400, "UnsupportedOperation")
    assert message_of(answer).startswith("ListServerCertificates is not implemented by Tabard yet")


def test_the_last_uses_are_written_when_the_worker_ends() -> None:
    store = MemoryStore()
    with in_process_house(store=store) as house:
        house.call("GetCallerIdentity")
        key_id = house.admin.access_key_id
        kept: list[object] = []
        store.close = lambda: kept.append(_last_use(store, key_id))  # type: ignore[method-assign] # a look at the end

    assert kept
    assert kept[0] is not None


def _last_use(store: MemoryStore, key_id: str) -> object:
    with store.read() as records:
        return records.access_keys.last_use(key_id)


def test_no_action_that_only_reads_takes_the_turn_of_a_writer() -> None:
    actions = [row.action for row in table().values() if isinstance(row.action, Action)]

    assert not [action.name for action in actions if action.writes and action.name.startswith(("Get", "List"))]
    assert sum(action.writes for action in actions) > 40


def test_what_is_refused_is_no_error_in_our_log(caplog: pytest.LogCaptureFixture) -> None:
    with in_process_house() as house, caplog.at_level(logging.WARNING):
        house.answer(request(form("ListUsers")))
        house.call("GetUser", UserName="nobody")

    assert caplog.text == ""
