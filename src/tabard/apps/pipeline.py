"""The corridor: the steps that every call takes and no action can forget.

1 which operation · 2 who calls · 3 what with (parse, validate, bind) · 4 may the caller · 5 the action · 6 render ·
7 audit: exactly one record, before anybody is answered.

STS actions run on the event loop and read only what is kept in memory. IAM actions run in a bounded pool of
threads, each in one store transaction: permission, change and audit record stand or fall together, and what was
answered is on disk.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from tabard.actions.authenticated import Authenticated, STSAction
from tabard.actions.desk import Action, Desk
from tabard.actions.iam import ACTIONS as IAM_ACTIONS
from tabard.actions.sts import ACTIONS as STS_ACTIONS
from tabard.adapters.identities import POLL, StoredIdentities
from tabard.apps import events
from tabard.apps.authentication import Authenticator
from tabard.apps.call import Call, Row
from tabard.apps.descriptions import describe_request, describe_response
from tabard.apps.http import HTTPRequest, HTTPResponse
from tabard.apps.last_use import LastUses
from tabard.directory.entities import AccessKeyUse
from tabard.faults import Denied, Fault, InvalidClientTokenId, Limited, Malformed, Unsupported
from tabard.names import ids
from tabard.policy.decide import AccessRequest, decide, denial_text
from tabard.ports.audit import Audit, AuditUnavailable
from tabard.ports.mint import Mint
from tabard.ports.second_factor import SecondFactor
from tabard.ports.secret_box import SecretBox
from tabard.ports.store import Store, StoreUnavailable
from tabard.ports.world import Clock, Entropy
from tabard.services.ask import Ask
from tabard.sessions.claims import SessionKind
from tabard.wire.codec import compile_operation
from tabard.wire.faults import answer_to
from tabard.wire.model import OperationModel, service_model
from tabard.wire.query import find_operation, parse_form

T = TypeVar("T")
log = logging.getLogger("tabard.api")

MAXIMUM_WAITING: Final = 64
"""Calls of a worker that may be in or before the thread pool; one more is told to slow down."""
MAXIMUM_FORM: Final = 1_000_000
"""Bytes of a form, which is read before anybody is proven. The longest document, percent-encoded throughout, fits."""


class Throttled(Limited):
    """Too many calls at once (AWS: `Throttling`)."""

    reason = "throttled"
    default_public = "Rate exceeded"


class FormTooLarge(Malformed):
    """More than any operation can need; reading it would hold up everybody else."""

    reason = "form.size"
    default_public = "The request is too large."


class AmbiguousRequest(Malformed):
    """The query string and the body both name an action; only one of them would be acted on."""

    reason = "form.two-actions"
    default_public = "The action must be given once, in the body or in the query string."


class NotImplementedYet(Unsupported):
    """AWS has the operation; Tabard does not have it yet."""

    reason = "unsupported.operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that the pipeline and the actions need of the world."""

    store: Store
    executor: ThreadPoolExecutor
    readers: ThreadPoolExecutor
    identities: StoredIdentities
    mint: Mint
    secrets: SecretBox
    second_factor: SecondFactor
    audit: Audit
    clock: Clock
    entropy: Entropy


def table() -> Mapping[tuple[str, str], Row]:
    """(service, operation) → row, for all that is built. Made once for each process."""
    rows: dict[tuple[str, str], Row] = {}
    for service, actions in (("sts", STS_ACTIONS), ("iam", IAM_ACTIONS)):
        operations = service_model(service).operations
        for action in actions:
            operation = operations[action.name]
            rows[service, action.name] = Row(
                codec=compile_operation(operation, action.request, action.response),
                describe_request=describe_request(operation, action.request),
                describe_response=describe_response(operation, action.response),
                action=action,
            )
    return rows


class Pipeline:
    """The steps, for one worker."""

    def __init__(self, world: World, authenticator: Authenticator) -> None:
        self._world = world
        self._authenticator = authenticator
        self._table = table()
        self._waiting = 0
        self._last_uses = LastUses()
        self._background: list[asyncio.Task[None]] = []

    # ── the worker's life ────────────────────────────────────────────────────────────────────────────

    async def startup(self) -> None:
        """Begin to follow the store's change log."""
        self._background = [
            asyncio.create_task(self._follow_changes()),
            asyncio.create_task(self._write_last_uses()),
        ]

    async def shutdown(self) -> None:
        """End the background work, write what is still in memory, and close the world."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._flush_last_uses()
        self._world.executor.shutdown()
        self._world.readers.shutdown()
        self._world.store.close()
        self._world.audit.close()

    async def require_ready(self) -> None:
        """Raises StoreUnavailable when decisions cannot be made."""
        await self._world.identities.refresh()

    async def _follow_changes(self) -> None:
        while True:
            await asyncio.sleep(POLL.total_seconds())
            await self._catch_up()

    async def _catch_up(self) -> None:
        try:
            await self._world.identities.refresh()
        except StoreUnavailable as error:
            log.warning("the store does not answer: %s", error)

    async def _write_last_uses(self) -> None:
        while True:
            await asyncio.sleep(LastUses.INTERVAL.total_seconds())
            await self._flush_last_uses()

    async def _flush_last_uses(self) -> None:
        uses = self._last_uses.take()
        if not uses:
            return
        try:
            await self._in_thread(self._record_uses, uses)
        except (StoreUnavailable, Throttled) as error:
            log.warning("the last uses of %d access keys were not recorded: %s", len(uses), error)

    def _record_uses(self, uses: Sequence[AccessKeyUse]) -> None:
        with self._world.store.write() as records:
            for use in uses:
                records.access_keys.record_use(use)

    def new_id(self) -> str:
        """A request id, for an answer that is no call's."""
        return ids.uuid4(entropy=self._world.entropy(16))

    # ── one call ─────────────────────────────────────────────────────────────────────────────────────

    async def respond(self, http: HTTPRequest, source: bytes) -> HTTPResponse:
        """Answer the call whose parameters are the form `source`. It never raises."""
        entropy = self._world.entropy(32)
        call = Call(
            id=ids.uuid4(entropy=entropy[:16]),
            event_id=ids.uuid4(entropy=entropy[16:]),
            now=self._world.clock.now(),
            http=http,
            headers=dict(http.headers),
        )
        try:
            return _ok(call, await self._answer(call, source))
        except Fault as fault:
            return self._refuse(call, fault)
        except (StoreUnavailable, AuditUnavailable) as error:
            log.error("request %s failed: %s", call.id, error)  # noqa: TRY400 - its traceback says nothing more
            return self._refuse(call, error)
        except Exception as error:
            log.exception("request %s failed", call.id)
            return self._refuse(call, error)

    async def _answer(self, call: Call, source: bytes) -> bytes:
        # 1 which operation
        if source is call.http.body and names_an_action(call.http.raw_query):
            raise AmbiguousRequest
        if len(source) > MAXIMUM_FORM:
            raise FormTooLarge
        form = parse_form(source, unique=source is call.http.raw_query)
        call.unverified_action = form.get("Action", "")
        operation = call.operation = find_operation(form)
        # 2 who calls
        if operation.signed:
            who = call.who = await self._authenticator.authenticate(
                call.http, call.headers, service=operation.service, now=call.now
            )
            self._last_uses.note(who, service=operation.service)
            _require_fit_session(who, operation)
        row = call.row = self._table.get((operation.service, operation.name))
        if row is None or call.who is None:
            raise NotImplementedYet(
                f"{operation.name} is not implemented by Tabard yet; docs/reference/operations.md lists what is"
            )
        # 3 what with
        call.request = row.codec.decode(form)
        # 4 to 7
        if isinstance(row.action, STSAction):
            return await self._sts(call, row, row.action, call.who)
        answer = await self._in_thread(self._iam, call, row, row.action, call.who)
        if row.action.writes:
            await self._catch_up()  # the caller finds its change; it is made and recorded even if this fails
        return answer

    async def _sts(self, call: Call, row: Row, action: STSAction, who: Authenticated) -> bytes:
        if callable(action.authorization):
            for ask in action.authorization(call.request, who):
                require_allowed(who, ask)
        response = await action.handle(call.request, who, self._world)
        answer = _render(call, row, response)
        self._world.audit.append(events.succeeded(call, response))
        return answer

    def _iam(self, call: Call, row: Row, action: Action, who: Authenticated) -> bytes:
        """Steps 4 to 7 in one transaction. Runs in a thread."""
        transaction = self._world.store.write if action.writes else self._world.store.read
        with transaction() as records:
            desk = Desk(
                records=records,
                caller=who.caller,
                now=who.now,
                entropy=self._world.entropy,
                secrets=self._world.secrets,
            )
            for ask in action.ask(call.request, desk):
                require_allowed(who, ask)
            response = action.handle(call.request, desk)
            answer = _render(call, row, response)
            # Before the commit: a change that cannot be audited does not happen.
            self._world.audit.append(events.succeeded(call, response))
        return answer

    def _refuse(self, call: Call, error: Exception) -> HTTPResponse:
        answer = answer_to(error, call.operation)
        try:
            self._world.audit.append(events.refused(call, error, answer))
        except AuditUnavailable as unwritten:
            log.error("request %s was refused but not recorded: %s", call.id, unwritten)  # noqa: TRY400 - as above
        return HTTPResponse(answer.status, answer.render(call.id, as_json=call.wants_json), _headers(call))

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        if self._waiting >= MAXIMUM_WAITING:
            raise Throttled
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._world.executor, work, *arguments)
        finally:
            self._waiting -= 1


def require_allowed(who: Authenticated, ask: Ask) -> None:
    """The caller may do what `ask` says.

    Raises:
        Denied: in AWS's grammar of denial.
    """
    request = AccessRequest(
        principal=who.standing.principal,
        action=ask.action,
        resource=ask.resource,
        resource_account=ask.resource_account,
        # What we know of the caller and the request stands over whatever the action adds.
        context={**ask.context, **who.context, "aws:resourceaccount": ask.resource_account},
    )
    decision = decide(request, who.standing.layers())
    if not decision.allowed:
        raise Denied(denial_text(request, decision), reason="policy.denied", detail={"decision": decision})


def _require_fit_session(who: Authenticated, operation: OperationModel) -> None:
    """What a session may not call, whatever its policies say (IAM User Guide, "Comparing the AWS STS API operations").

    Raises:
        InvalidClientTokenId: IAM, from a session of a user or root without a second factor, or of a federated user.
        Denied: STS, but for the actions that such a session is meant for.
    """
    if who.claims is None:
        return
    name, kind = operation.name, who.claims.kind
    if operation.service == "sts" and name in {"GetSessionToken", "GetFederationToken"}:
        raise Denied(f"Cannot call {name} with session credentials", reason="session.long-term-key-needed")
    if kind is SessionKind.ROLE:
        return
    if operation.service == "iam":
        if kind is SessionKind.FEDERATED_USER or who.claims.mfa_at is None:
            raise InvalidClientTokenId(reason="session.not-for-iam")
        return
    fit = {"GetCallerIdentity"} if kind is SessionKind.FEDERATED_USER else {"GetCallerIdentity", "AssumeRole"}
    if name not in fit:
        raise Denied(f"Cannot call {name} with session credentials", reason="session.not-for-sts")


def _render(call: Call, row: Row, response: object) -> bytes:
    return (row.codec.encode_json if call.wants_json else row.codec.encode_xml)(response, call.id)


def _ok(call: Call, body: bytes) -> HTTPResponse:
    return HTTPResponse(200, body, _headers(call))


def _headers(call: Call) -> dict[str, str]:
    return {"x-amzn-RequestId": call.id, "Content-Type": "application/json" if call.wants_json else "text/xml"}


def names_an_action(form: bytes) -> bool:
    """Whether a form or a query string has an `Action`, spelt plainly."""
    return form.startswith(b"Action=") or b"&Action=" in form
