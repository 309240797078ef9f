"""A whole Tabard in the test's own process: the application of `tabard serve` over the store and audit in memory.

    with in_process_house() as house:
        answer = house.call("ListUsers")
        answer = house.answer(request(b"Action=ListUsers&Version=2010-05-08"))

Nothing listens: a test hands over what the front door would. The clock stands at `NOW` of `forge_sigv4`.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from tabard.adapters.audit import MemoryAudit
from tabard.adapters.keyring import KeyRing
from tabard.adapters.stores.memory import MemoryStore
from tabard.apps.accounts import AccountMaker, NewKey
from tabard.apps.api.application import APIApplication
from tabard.apps.http import HTTPRequest, HTTPResponse
from tabard.apps.pipeline import Pipeline, World
from tabard.apps.wiring import Foundation, make_pipeline
from tabard.policy.lint.check import DEFAULTS, Levels
from tabard.ports.audit import Audit
from tabard.ports.store import Store
from tests.attacks.forge_sigv4 import FORM, NOW, Draft
from tests.worlds import CountingEntropy

VERSIONS = {"sts": "2011-06-15", "iam": "2010-05-08"}
JSON_CONTENT = b"application/x-amz-json-1.1"
STS_ACTIONS = frozenset(
    {"AssumeRole", "GetCallerIdentity", "GetSessionToken", "GetFederationToken", "GetAccessKeyInfo"}
)


@dataclass
class StandingClock:
    """Tells the time that it was set to."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def form(action: str, *, version: str | None = None, **parameters: str) -> bytes:
    """The form of a call; a name's `__` is a dot."""
    version = version or VERSIONS["sts" if action in STS_ACTIONS else "iam"]
    fields = {"Action": action, "Version": version, **{n.replace("__", "."): v for n, v in parameters.items()}}
    return "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items()).encode()


def request(
    body: bytes = b"",
    *,
    method: str = "POST",
    path: bytes = b"/",
    query: bytes = b"",
    headers: tuple[tuple[bytes, bytes], ...] = ((b"host", b"tabard.test"), (b"content-type", FORM)),
) -> HTTPRequest:
    """A request that nobody signed."""
    return HTTPRequest(method, path, query, headers, body, peer="192.0.2.7")


def signed(draft: Draft) -> HTTPRequest:
    """The request that a draft makes, signed in its header."""
    made = draft.request()
    return HTTPRequest(made.method, made.raw_path, made.raw_query, made.headers, made.body, peer="192.0.2.7")


@dataclass(kw_only=True)
class InProcessHouse:
    """One worker, with one account that has a root key and an administrator."""

    application: APIApplication
    pipeline: Pipeline
    world: World
    account: str
    root: NewKey
    admin: NewKey
    clock: StandingClock
    runner: asyncio.Runner = field(repr=False)

    @property
    def records(self) -> list[dict[str, object]]:
        """The audit records, when the audit keeps them in memory."""
        assert isinstance(self.world.audit, MemoryAudit)
        return self.world.audit.records

    def run(self, coroutine: Any) -> Any:
        """Run something in the house's event loop."""
        return self.runner.run(coroutine)

    def answer(self, http: HTTPRequest) -> HTTPResponse:
        return self.run(self.application.respond(http))

    def draft(self, body: bytes = b"", *, service: str = "sts", key: NewKey | None = None) -> Draft:
        """A call to be signed with a key, the administrator's by default."""
        key = key or self.admin
        scope = f"{self.clock.at:%Y%m%d}/eu-central-1/{service}/aws4_request"
        return Draft(body=body, key_id=key.access_key_id, secret=key.secret_access_key, scope=scope)

    def json_draft(self, target: str, content: object, *, key: NewKey | None = None) -> Draft:
        """A call in the JSON protocol, to be signed with a key."""
        base = self.draft(json.dumps(content).encode(), service="organizations", key=key)
        plain = tuple((n, JSON_CONTENT if n == b"content-type" else v) for n, v in base.headers)
        return base.but(headers=(*plain, (b"x-amz-target", target.encode())))

    def request(self, action: str, *, key: NewKey | None = None, **parameters: str) -> HTTPRequest:
        """A call that is in order, signed."""
        service = "sts" if action in STS_ACTIONS else "iam"
        return signed(self.draft(form(action, **parameters), service=service, key=key))

    def call(self, action: str, *, key: NewKey | None = None, **parameters: str) -> HTTPResponse:
        return self.answer(self.request(action, key=key, **parameters))


@contextmanager
def in_process_house(
    *, audit: Audit | None = None, store: Store | None = None, levels: Levels = DEFAULTS
) -> Iterator[InProcessHouse]:
    """What `apps/wiring.py` makes, over memory."""
    clock, entropy = StandingClock(), CountingEntropy()
    store = store if store is not None else MemoryStore()
    ring = KeyRing(store, b"\x07" * 32, entropy=entropy, clock=clock)
    with store.write() as records:
        maker = AccountMaker(records=records, now=clock.now(), entropy=entropy, secrets=ring)
        account, root = maker.account("main")
        _, admin = maker.administrator(account.id, "admin")
    foundation = Foundation(store=store, ring=ring, clock=clock, entropy=entropy)
    pipeline = make_pipeline(foundation, audit if audit is not None else MemoryAudit(), regions=None, levels=levels)
    with asyncio.Runner() as runner:
        house = InProcessHouse(
            application=APIApplication(pipeline),
            pipeline=pipeline,
            world=pipeline._world,
            account=account.id,
            root=root,
            admin=admin,
            clock=clock,
            runner=runner,
        )
        runner.run(house.application.startup())
        try:
            yield house
        finally:
            runner.run(house.application.shutdown())


def code_of(answer: HTTPResponse) -> str:
    """The error code in an XML answer; empty where there is none."""
    return answer.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


def message_of(answer: HTTPResponse) -> str:
    """The message in an XML answer, as it is written."""
    return answer.body.partition(b"<Message>")[2].partition(b"</Message>")[0].decode()


def reasons(records: list[dict[str, Any]]) -> list[str | None]:
    """The reason code of each record; None for what was allowed."""

    def reason(record: Mapping[str, Any]) -> str | None:
        more = record.get("additionalEventData")
        return more["tabard"].get("reason") if more else None

    return [reason(record) for record in records]
