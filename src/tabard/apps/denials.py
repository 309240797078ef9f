"""Denials: from a refusal to a record that explains it, kept before the caller is told its id.

Only what was denied is explained. The records of one moment are written together, in one transaction of the store.
More denials at once than `MAXIMUM_WAITING` are answered without an id, as AWS does not promise one either; so whoever
floods the server with what it may not do fills neither memory nor store.

The sealed message of a denial (`sts:DecodeAuthorizationMessage`) says the same in short, and needs no record.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from tabard.apps.call import Call
from tabard.directory.denials import Denial, JudgedAsk, JudgedPolicy
from tabard.names.ids import AUTHORIZATION_ID_ENTROPY, authorization_id
from tabard.names.policies import owner_of
from tabard.policy.compile import PolicySet
from tabard.policy.decide import AccessRequest, Evaluation, Layer, Layers
from tabard.policy.explain import explain
from tabard.ports.store import Records, Store, StoreUnavailable
from tabard.ports.world import Clock, Entropy
from tabard.trust.evaluate import AccessDenied

log = logging.getLogger("tabard.api")

MAXIMUM_WAITING: Final = 256
"""Denials of one worker that may wait to be written."""
MAXIMUM_POLICIES: Final = 60
"""Policies whose texts a record holds. A caller has fewer; an account deep in an organisation might have more."""
PRUNE_EVERY: Final = 200
"""Denials of one account between two looks at how many it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long denials are kept, and how many of each account."""

    lasts: timedelta = timedelta(days=30)
    maximum: int = 20_000


_Waiting: TypeAlias = tuple[Call, AccessDenied, "asyncio.Future[Denial | None]"]


class DenialLog:
    """Explains denials and writes them to the store. One for each worker; used on its event loop only."""

    def __init__(
        self,
        store: Store,
        *,
        keeping: Keeping,
        clock: Clock,
        entropy: Entropy,
        in_thread: Callable[..., Awaitable[list[Denial]]],
    ) -> None:
        self._store = store
        self._keeping = keeping
        self._clock = clock
        self._entropy = entropy
        self._in_thread = in_thread
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._since_pruned: Counter[str] = Counter()

    async def keep(self, call: Call, denied: AccessDenied) -> Denial | None:
        """The record, once it is on disk; None when too many wait, the store does not answer, or nobody was proven."""
        if call.who is None or len(self._waiting) >= MAXIMUM_WAITING:
            return None
        kept: asyncio.Future[Denial | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, denied, kept))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await kept

    def prune(self) -> None:
        """Forget what is too old or too much, in every account. Blocks.

        Each account has a transaction of its own, so that other writers get their turn between two.
        """
        after = ""
        while True:
            with self._store.read() as records:
                accounts = records.accounts.list(after=after)
            if not accounts:
                return
            for account in accounts:
                with self._store.write() as records:
                    self._prune(records, account.id)
            after = accounts[-1].id

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                denials = await self._explain_and_put(batch)
                for (_, _, kept), denial in zip(batch, denials, strict=True):
                    if not kept.done():  # its client may have gone
                        kept.set_result(denial)
        finally:
            self._writer = None

    async def _explain_and_put(self, batch: Sequence[_Waiting]) -> Sequence[Denial | None]:
        try:
            return await self._in_thread(self._put, [(call, denied) for call, denied, _ in batch])
        except StoreUnavailable as error:
            log.warning("%d denials were not recorded: %s", len(batch), error)
        except Exception:
            log.exception("%d denials were not recorded", len(batch))
        return [None] * len(batch)

    def _put(self, batch: Sequence[tuple[Call, AccessDenied]]) -> list[Denial]:
        """Explain a batch and write it; runs in a thread, one batch at a time."""
        denials = [explained(call, denied, entropy=self._entropy) for call, denied in batch]
        self._since_pruned.update(denial.account for denial in denials)
        full = [account for account, count in self._since_pruned.items() if count >= PRUNE_EVERY]
        with self._store.write() as records:
            for denial in denials:
                records.denials.put(denial)
            for account in full:
                self._prune(records, account)
        for account in full:
            del self._since_pruned[account]
        return denials

    def _prune(self, records: Records, account: str) -> None:
        records.denials.prune(account, before=self._clock.now() - self._keeping.lasts, keep=self._keeping.maximum)


# ── from a refusal to its record ─────────────────────────────────────────────────────────────────────


def explained(call: Call, denied: AccessDenied, *, entropy: Entropy) -> Denial:
    """The record of a denial."""
    who = call.who
    if who is None or call.operation is None:
        raise LookupError("a call of nobody, or of no operation, was denied by policies")
    principal = who.caller.principal
    return Denial(
        id=authorization_id(call.now, entropy=entropy(AUTHORIZATION_ID_ENTROPY)),
        at=call.now,
        request_id=call.id,
        account=principal.account,
        principal=principal.arn,
        principal_id=principal.unique_id,
        access_key_id=who.caller.access_key_id,
        event=(f"{call.operation.service}.amazonaws.com", call.name),
        message=denied.public,
        context=dict(who.context),
        asked=tuple(
            JudgedAsk(
                action=evaluation.request.action,
                resource=evaluation.request.resource,
                resource_account=evaluation.request.resource_account,
                context={
                    key: value for key, value in evaluation.request.context.items() if who.context.get(key) != value
                },
                report=explain(evaluation.request, evaluation.layers, evaluation.decision),
            )
            for evaluation in denied.evaluations
        ),
        policies=tuple(_policies(denied.evaluations))[:MAXIMUM_POLICIES],
    )


def _policies(evaluations: Iterable[Evaluation]) -> Iterator[JudgedPolicy]:
    """Every policy of every layer, once for each place that it is attached to, with its text."""
    seen: set[tuple[Layer, str, str]] = set()
    for evaluation in evaluations:
        for layer, policies in _sets(evaluation.layers):
            for statement in policies.statements:
                key = (layer, policies.attached_to, statement.policy)
                if key not in seen:
                    seen.add(key)
                    yield JudgedPolicy(
                        name=statement.policy,
                        layer=layer,
                        attached_to=_attached_to(layer, statement.policy, policies, evaluation.request),
                        document=statement.document.source,
                        account=_owner(layer, evaluation.request),
                    )


def _sets(layers: Layers) -> Iterator[tuple[Layer, PolicySet]]:
    for each in layers.resource_control or ():
        yield Layer.RESOURCE_CONTROL, each
    for each in layers.service_control or ():
        yield Layer.SERVICE_CONTROL, each
    for layer, policies in (
        (Layer.ENDPOINT, layers.endpoint),
        (Layer.RESOURCE, layers.resource),
        (Layer.IDENTITY, layers.identity),
        (Layer.BOUNDARY, layers.boundary),
        (Layer.SESSION, layers.session),
    ):
        if policies is not None:
            yield layer, policies


def _attached_to(layer: Layer, name: str, policies: PolicySet, request: AccessRequest) -> str:
    principal = request.principal
    if policies.attached_to:
        return policies.attached_to
    if layer is Layer.RESOURCE:
        return request.resource
    return owner_of(name) or principal.issuer_arn or principal.arn


def _owner(layer: Layer, request: AccessRequest) -> str:
    """The account whose policies a layer consists of."""
    of_resource = layer in (Layer.RESOURCE, Layer.RESOURCE_CONTROL)
    return request.resource_account if of_resource else request.principal.account
