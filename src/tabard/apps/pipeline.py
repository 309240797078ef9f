"""The corridor: the steps that every call takes and no action can forget.

1 which operation · 2 who calls · 3 what with (parse, validate, bind) · 4 may the caller · 5 the action · 6 render ·
7 audit: exactly one record, before anybody is answered.

STS actions run on the event loop and read only what is kept in memory. Actions on records (IAM, Organizations) run in
a bounded pool of threads, each in one store transaction: permission, change and audit record stand or fall together,
and what was answered is on disk.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar

from tabard.actions.authenticated import Authenticated, STSAction
from tabard.actions.desk import Action, Desk
from tabard.actions.iam import ACTIONS as IAM_ACTIONS
from tabard.actions.iam_toolbox import ACTIONS as TOOLBOX_ACTIONS
from tabard.actions.organizations import ACTIONS as ORGANIZATIONS_ACTIONS
from tabard.actions.organizations import INSTEAD
from tabard.actions.sts import ACTIONS as STS_ACTIONS
from tabard.actions.sts.decode_authorization_message import seal_message
from tabard.adapters.identities import POLL, StoredIdentities
from tabard.apps import events
from tabard.apps.authentication import Authenticator
from tabard.apps.call import Call, Row
from tabard.apps.denials import DenialLog, Keeping
from tabard.apps.descriptions import describe_request, describe_response
from tabard.apps.dialects import MAXIMUM_FORM, AmbiguousRequest, Dialect, FormTooLarge
from tabard.apps.http import HTTPRequest, HTTPResponse
from tabard.apps.last_use import LastUses
from tabard.directory.denials import as_its_account_sees_it
from tabard.directory.entities import AccessKeyUse
from tabard.faults import Denied, Fault, InvalidClientTokenId, Limited, Unsupported
from tabard.policy.decide import Layer
from tabard.policy.document import Statement
from tabard.policy.lint.check import Levels
from tabard.ports.audit import Audit, AuditUnavailable
from tabard.ports.mint import Mint
from tabard.ports.second_factor import SecondFactor
from tabard.ports.secret_box import SecretBox
from tabard.ports.store import Store, StoreUnavailable
from tabard.ports.world import Clock, Entropy
from tabard.sessions.claims import SessionKind
from tabard.trust.evaluate import AccessDenied, require_allowed
from tabard.wire import rest_json
from tabard.wire.codec import compile_operation
from tabard.wire.json_protocol import compile_json_operation
from tabard.wire.model import OperationModel, service_model
from tabard.wire.query import find_operation, parse_form

T = TypeVar("T")
log = logging.getLogger("tabard.api")

MAXIMUM_WAITING: Final = 64
"""Calls of a worker that may be in or before the thread pool; one more is told to slow down."""
PRUNE_INTERVAL: Final = timedelta(hours=1)
"""Between two looks at whether denials are too old."""
LARGE_FORMS: Final = frozenset({"CreateSAMLProvider", "UpdateSAMLProvider"})
"""Operations whose form may be as long as a body may be: it is read only once its sender is proven."""
MAXIMUM_LARGE_FORMS: Final = 2
"""Large forms that a worker reads and acts on at a time; one more is told to slow down."""


class Throttled(Limited):
    """Too many calls at once (AWS: `Throttling`)."""

    reason = "throttled"
    default_public = "Rate exceeded"


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
    levels: Levels


def table() -> Mapping[tuple[str, str], Row]:
    """(service, operation) → row, for all that is built. Made once for each process."""
    rows: dict[tuple[str, str], Row] = {}
    for service, actions in (("sts", STS_ACTIONS), ("iam", IAM_ACTIONS), ("organizations", ORGANIZATIONS_ACTIONS)):
        model = service_model(service)
        compile_codec = compile_json_operation if model.target else compile_operation
        for action in actions:
            operation = model.operations[action.name]
            rows[service, action.name] = Row(
                codec=compile_codec(operation, action.request, action.response),
                describe_request=describe_request(operation, action.request),
                describe_response=describe_response(operation, action.response),
                action=action,
            )
    for action in TOOLBOX_ACTIONS:
        operation = rest_json.OPERATIONS[action.name]
        if action.response is None:
            raise TypeError(f"{action.name} answers nothing")
        rows["iam", action.name] = Row(
            codec=rest_json.compile_rest_operation(operation, action.request, action.response),
            describe_request=describe_request(operation, action.request),
            describe_response=describe_response(operation, None),
            action=action,
        )
    return rows


class Pipeline:
    """The steps, for one worker."""

    def __init__(self, world: World, authenticator: Authenticator, *, keeping: Keeping) -> None:
        self._world = world
        self._authenticator = authenticator
        self._table = table()
        self._waiting = 0
        self._large_forms = 0
        self._last_uses = LastUses()
        self._denials = DenialLog(
            world.store,
            keeping=keeping,
            clock=world.clock,
            entropy=world.entropy,
            in_thread=self._in_thread,
        )
        self._background: list[asyncio.Task[None]] = []

    # ── the worker's life ────────────────────────────────────────────────────────────────────────────

    async def startup(self) -> None:
        """Begin to follow the store's change log."""
        self._background = [
            asyncio.create_task(self._follow_changes()),
            asyncio.create_task(self._write_last_uses()),
            asyncio.create_task(self._prune_denials()),
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

    async def _prune_denials(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_INTERVAL.total_seconds())
            try:
                await self._in_thread(self._denials.prune)
            except (StoreUnavailable, Throttled) as error:
                log.warning("old denials were not forgotten: %s", error)

    def _record_uses(self, uses: Sequence[AccessKeyUse]) -> None:
        with self._world.store.write() as records:
            for use in uses:
                records.access_keys.record_use(use)

    def new_id(self) -> str:
        """A request id, for an answer that is no call's."""
        return events.new_uuid(self._world.entropy(16))

    # ── one call ─────────────────────────────────────────────────────────────────────────────────────

    async def respond(self, http: HTTPRequest, source: bytes, dialect: Dialect) -> HTTPResponse:
        """Answer the call whose parameters are in `source`. It never raises."""
        entropy = self._world.entropy(32)
        call = Call(
            id=events.new_uuid(entropy[:16]),
            event_id=events.new_uuid(entropy[16:]),
            now=self._world.clock.now(),
            http=http,
            headers=dict(http.headers),
            dialect=dialect,
        )
        try:
            return _ok(call, await self._answer(call, source))
        except AccessDenied as denied:
            return await self._deny(call, denied)
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
        call.unverified_action, arguments = call.dialect.read(call.http, source)
        operation = call.operation = call.dialect.find(call.unverified_action, arguments)
        is_large = len(source) > MAXIMUM_FORM
        if is_large and operation.name not in LARGE_FORMS:
            raise FormTooLarge
        # 2 who calls
        if operation.signed:
            who = call.who = await self._authenticator.authenticate(
                call.http, call.headers, service=operation.service, now=call.now
            )
            self._last_uses.note(who, service=operation.service)
            _require_fit_session(who, operation)
        row = call.row = self._table.get((operation.service, operation.name))
        if row is None or call.who is None:
            instead = INSTEAD.get(operation.name, "docs/reference/operations.md lists what is")
            raise NotImplementedYet(f"{operation.name} is not implemented by Tabard yet; {instead}")
        # 3 what with, and 4 to 7
        if is_large and isinstance(row.action, Action):
            return await self._large_form(call, row, row.action, call.who, source)
        call.request = row.codec.decode(arguments)
        if isinstance(row.action, STSAction):
            return await self._sts(call, row, row.action, call.who)
        return await self._carry_out(call, row, row.action, call.who)

    async def _large_form(self, call: Call, row: Row, action: Action, who: Authenticated, source: bytes) -> bytes:
        """The same for a form that is too long for the event loop, and a few at a time."""
        if self._large_forms >= MAXIMUM_LARGE_FORMS:
            raise Throttled
        self._large_forms += 1
        try:
            call.request = await self._in_thread(_read_large_form, row, call.operation, source)
            return await self._carry_out(call, row, action, who)
        finally:
            self._large_forms -= 1

    async def _carry_out(self, call: Call, row: Row, action: Action, who: Authenticated) -> bytes:
        answer = await self._in_thread(self._record_action, call, row, action, who)
        if action.writes:
            await self._catch_up()  # the caller finds its change; it is made and recorded even if this fails
        return answer

    async def _sts(self, call: Call, row: Row, action: STSAction, who: Authenticated) -> bytes:
        if callable(action.authorization):
            require_allowed(who.standing, action.authorization(call.request, who), who.context, who.own_resource_keys)
        response = await action.handle(call.request, who, self._world)
        answer = _render(call, row, response)
        self._world.audit.append(events.succeeded(call, response))
        return answer

    def _record_action(self, call: Call, row: Row, action: Action, who: Authenticated) -> bytes:
        """Steps 4 to 7 in one transaction. Runs in a thread."""
        transaction = self._world.store.write if action.writes else self._world.store.read
        with transaction() as records:
            desk = Desk(
                records=records,
                caller=who.caller,
                now=who.now,
                entropy=self._world.entropy,
                secrets=self._world.secrets,
                levels=self._world.levels,
            )
            require_allowed(who.standing, action.ask(call.request, desk), who.context, who.own_resource_keys)
            response = action.handle(call.request, desk)
            answer = _render(call, row, response)
            # Before the commit: a change that cannot be audited does not happen.
            self._world.audit.append(events.succeeded(call, response, desk.warnings))
        if desk.warnings:
            codes = ", ".join(sorted({warning.code for warning in desk.warnings}))
            log.warning("request %s saved a policy with warnings: %s", call.id, codes)
        return answer

    async def _deny(self, call: Call, denied: AccessDenied) -> HTTPResponse:
        """Refuse what policies deny, and say under which id the reasons are kept."""
        headers = {}
        denial = await self._denials.keep(call, denied)
        if denial is not None:
            call.authorization_id = denial.id
            headers["X-Tabard-Authorization-Id"] = denial.id
            message = seal_message(as_its_account_sees_it(denial), _denying(denied), self._world.secrets)
            if message is not None:
                headers["X-Tabard-Authorization-Message"] = message
        answer = self._refuse(call, denied)
        return HTTPResponse(answer.status, answer.body, {**answer.headers, **headers})

    def _refuse(self, call: Call, error: Exception) -> HTTPResponse:
        answer = call.dialect.answer(error, call.operation)
        if call.authorization_id is not None:
            answer = replace(answer, message=f"{answer.message}. {_where_to_look(call.authorization_id)}")
        try:
            self._world.audit.append(events.refused(call, error, answer))
        except AuditUnavailable as unwritten:
            log.error("request %s was refused but not recorded: %s", call.id, unwritten)  # noqa: TRY400 - as above
        headers = _headers(call) | call.dialect.error_headers(answer)
        return HTTPResponse(answer.status, call.dialect.refuse(answer, call.id), headers)

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        if self._waiting >= MAXIMUM_WAITING:
            raise Throttled
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._world.executor, work, *arguments)
        finally:
            self._waiting -= 1


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
    if operation.service != "sts":
        return
    fit = {"GetCallerIdentity"} if kind is SessionKind.FEDERATED_USER else {"GetCallerIdentity", "AssumeRole"}
    if name not in fit:
        raise Denied(f"Cannot call {name} with session credentials", reason="session.not-for-sts")


def _read_large_form(row: Row, operation: OperationModel, source: bytes) -> object:
    """The request in a form of which only the outline was read. Runs in a thread.

    Raises:
        AmbiguousRequest: read as a whole, it asks for something else than its outline does.
    """
    form = parse_form(source)
    if find_operation(form) is not operation:
        raise AmbiguousRequest
    request: object = row.codec.decode(form)
    return request


def _render(call: Call, row: Row, response: object) -> bytes:
    return call.dialect.write(row.codec, response, call.id)


def _ok(call: Call, body: bytes) -> HTTPResponse:
    return HTTPResponse(200, body, _headers(call))


def _headers(call: Call) -> dict[str, str]:
    return {"x-amzn-RequestId": call.id, "Content-Type": call.dialect.content_type}


def _where_to_look(authorization_id: str) -> str:
    """AWS's sentence, with our command where AWS has the address of its console."""
    return (
        f"Run `tabard why {authorization_id}` for complete details, or call the GetRequestAuthorizationDetails API "
        f"with the following authorization id: {authorization_id}"
    )


def _denying(denied: AccessDenied) -> tuple[Statement, ...]:
    """The statements that denied, where they are of the caller's own account."""
    last = denied.evaluations[-1]
    foreign = last.request.resource_account != last.request.principal.account
    return tuple(
        compiled.statement
        for layer, applied in last.decision.applied
        if not (foreign and layer in (Layer.RESOURCE, Layer.RESOURCE_CONTROL))
        for compiled, _ in applied
        if compiled.denies
    )
