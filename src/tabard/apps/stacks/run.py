"""One run of `tabard apply`: from templates to plans, and from plans to changes in one transaction.

A plan is made twice: to be shown, and again in the transaction that carries it out. If the two differ, somebody else
was faster, and nothing is done. What is planned is rehearsed before anybody is asked: carried out in a transaction
that is then thrown away, so that what IAM refuses is known beforehand.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tabard.actions.desk import Desk
from tabard.actions.paging import walk
from tabard.apps.events import new_uuid
from tabard.apps.operator import in_place_of_root
from tabard.apps.stacks.calls import CallRefused, Calls, Rows, Warned
from tabard.apps.stacks.faults import ApplyError
from tabard.apps.stacks.resources import HANDS
from tabard.apps.stacks.standing import StoredStanding, text
from tabard.directory.entities import Account, Stack, StackResource
from tabard.names.tags import fold
from tabard.policy.lint.check import Levels
from tabard.ports.audit import Audit
from tabard.ports.secret_box import SecretBox
from tabard.ports.store import Records, Store
from tabard.ports.world import Clock, Entropy
from tabard.templates.evaluate import Evaluator, require_references
from tabard.templates.parameters import read_parameters, values_of
from tabard.templates.plan import SUFFIX, Action, Held, OutputValue, Plan, Planner, Question, Step
from tabard.templates.properties import HIDDEN, Normals, recalled, remembered
from tabard.templates.source import Mark, known, shown
from tabard.templates.template import OnRemoval, Template
from tabard.templates.values import Secret, Text, Value, texts_in

STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}", re.ASCII)
REGION: Final = "us-east-1"
SHORTEST_SECRET: Final = 4
"""Characters of the shortest text that is looked for where a secret must not show; shorter ones stand in any text."""
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One template and the stack that it is for."""

    stack: str
    template: Template
    parameters: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to go about it."""

    region: str = REGION
    prune: bool = False
    adopt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccessKey:
    """A key that was made; its secret is told once."""

    stack: str
    logical_id: str
    user_name: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: each stack's outputs, and the keys that were made."""

    outputs: Mapping[str, Mapping[str, OutputValue]]
    keys: Sequence[NewAccessKey]
    warned: Sequence[Warned]


class _Rehearsed(Exception):  # noqa: N818 - the way out of a transaction that is not to be kept
    pass


def prepare(sources: Iterable[tuple[str, Template]], given: Mapping[str, str]) -> list[Source]:
    """The parameters of each template. One that several declare is given to all of them.

    Raises:
        ApplyError: a parameter was given that no template declares.
        TemplateError: a parameter has no value, or one that it does not allow.
    """
    listed = list(sources)
    declared = {stack: read_parameters(template.parameters) for stack, template in listed}
    names = {name for parameters in declared.values() for name in parameters}
    for name in given:
        if name not in names:
            raise ApplyError(f"no template has a parameter {shown(name)}; {known(name, frozenset(names))}")
    return [
        Source(stack=stack, template=template, parameters=values_of(declared[stack], given))
        for stack, template in listed
    ]


@dataclass(slots=True, kw_only=True)
class Run:
    """One run over some templates in one account."""

    store: Store
    clock: Clock
    entropy: Entropy
    secrets: SecretBox
    rows: Rows
    levels: Levels
    account: Account
    operator: str
    sources: Sequence[Source]
    options: Options
    _drawn: dict[tuple[str, str], str] = field(default_factory=dict)

    def look(self) -> list[Plan]:
        """What would change. Writes nothing.

        Raises:
            TemplateError, ApplyError: the templates cannot be applied as they are.
        """
        with self.store.read() as records:
            return [planned.plan for planned in self._planned(records)]

    def rehearse(self, agreed: Sequence[Plan]) -> Sequence[Warned]:
        """Do it, and throw it away. What the policies would be warned of.

        Raises:
            ApplyError: IAM refuses a part of it, or the account is no longer as it was.
        """
        warned: Sequence[Warned] = ()
        try:
            with self.store.write() as records:
                outcome, _ = self._carry_out(records, agreed)
                warned = outcome.warned
                raise _Rehearsed  # noqa: TRY301 - only an exception undoes a transaction
        except _Rehearsed:
            return warned

    def carry_out(self, agreed: Sequence[Plan], audit: Audit) -> Outcome:
        """Do it: all of it, or nothing. Each change is on record before it is kept.

        Raises:
            ApplyError: as `rehearse`.
            AuditUnavailable: the audit cannot be written; nothing was changed.
        """
        with self.store.write() as records:
            outcome, calls = self._carry_out(records, agreed)
            for record in calls.records:
                audit.append(record)
        return outcome

    def hide(self, said: str) -> str:
        """A text without the secrets that were given as parameters."""
        for secret in self._secret_texts():
            said = said.replace(secret, HIDDEN)
        return said

    def _secret_texts(self) -> tuple[str, ...]:
        found = {
            str(each)
            for source in self.sources
            for each in texts_in(dict(source.parameters))
            if isinstance(each, Secret) and len(each) >= SHORTEST_SECRET
        }
        return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))

    # ── planning ─────────────────────────────────────────────────────────────────────────────────────

    def _planned(self, records: Records) -> "list[_Planned]":
        desk = self._desk(records)
        stacks = {fold(stack.name): stack for stack in all_stacks(records, self.account.id)}
        standing = StoredStanding(desk, stacks.values())
        exports = {name: (s.name, value) for s in stacks.values() for name, value in s.exports.items()}
        planned: list[_Planned] = []
        offered: dict[str, tuple[str, Text]] = dict(exports)
        for source in self._in_order(stacks):
            stack = stacks.get(fold(source.stack))
            one = self._plan(source, stack, standing, offered)
            for name in [name for name, (owner, _) in offered.items() if owner == one.plan.stack]:
                del offered[name]
            for name, value in one.exports.items():
                if name in offered:
                    raise ApplyError(f"stack {offered[name][0]} exports {shown(name)} already; use another name")
                offered[name] = (one.plan.stack, value)
            planned.append(one)
        self._require_imports_kept(stacks, planned, offered)
        return planned

    def _plan(
        self, source: Source, stack: Stack | None, standing: StoredStanding, offered: Mapping[str, tuple[str, Text]]
    ) -> "_Planned":
        name = stack.name if stack is not None else source.stack
        imports = {export: value for export, (owner, value) in offered.items() if owner != name}
        evaluator = self._evaluator(source, stack, imports)
        planner = Planner(
            stack=name,
            account=self.account.id,
            evaluator=evaluator,
            for_order=self._evaluator(source, stack, imports),
            held=held_of(stack),
            standing=standing,
            draw=lambda logical_id: self._suffix(name, logical_id),
            adopt=self.options.adopt,
            prune=self.options.prune,
        )
        plan = planner.plan()
        return _Planned(source=source, stack=stack, planner=planner, plan=plan, imports=_imports(evaluator, imports))

    def _evaluator(self, source: Source, stack: Stack | None, imports: Mapping[str, Text]) -> Evaluator:
        account, name = self.account.id, stack.name if stack is not None else source.stack
        stack_id = stack.id if stack is not None else self._stack_id(name)
        pseudo = {
            "AWS::AccountId": account,
            "AWS::Partition": "aws",
            "AWS::Region": self.options.region,
            "AWS::StackId": stack_id,
            "AWS::StackName": name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        require_references(source.template, pseudo)
        return Evaluator(source.template, parameters=source.parameters, pseudo=pseudo, imports=imports)

    def _in_order(self, stacks: Mapping[str, Stack]) -> list[Source]:
        """What exports before what imports; otherwise by name."""
        exporting: dict[str, str] = {}
        importing: dict[str, set[str]] = {}
        for source in self.sources:
            stack = stacks.get(fold(source.stack))
            evaluator = self._evaluator(source, stack, {})
            importing[source.stack] = set(evaluator.import_names())
            for name in evaluator.export_names():
                exporting.setdefault(name, source.stack)
        waiting = {
            stack: {exporting[name] for name in names if name in exporting} - {stack}
            for stack, names in importing.items()
        }
        by_name = {source.stack: source for source in self.sources}
        order: list[Source] = []
        while waiting:
            ready = sorted(stack for stack, needs in waiting.items() if not needs & waiting.keys())
            if not ready:
                raise ApplyError(f"the stacks {', '.join(sorted(waiting))} import from one another in a circle")
            for stack_name in ready:
                order.append(by_name[stack_name])
                del waiting[stack_name]
        return order

    def _require_imports_kept(
        self, stacks: Mapping[str, Stack], planned: "Sequence[_Planned]", offered: Mapping[str, tuple[str, Text]]
    ) -> None:
        """No export goes that another stack uses."""
        uses = {stack.name: set(stack.imports) for stack in stacks.values()}
        uses |= {one.plan.stack: set(one.imports) for one in planned}
        for one in planned:
            before = one.stack.exports if one.stack is not None else {}
            for name in before:
                users = sorted(user for user, used in uses.items() if name in used and user != one.plan.stack)
                if name not in offered and users:
                    raise ApplyError(
                        f"stack {one.plan.stack} may not drop its export {shown(name)}: stack {users[0]} imports it; "
                        f"apply {users[0]} without it first"
                    )

    # ── carrying out ─────────────────────────────────────────────────────────────────────────────────

    def _carry_out(self, records: Records, agreed: Sequence[Plan]) -> "tuple[Outcome, Calls]":
        planned = self._planned(records)
        if [one.plan.brief for one in planned] != [plan.brief for plan in agreed]:
            raise ApplyError(
                "the account changed in the meantime, and so would the plan; nothing was done, run it again"
            )
        desk = self._desk(records)
        calls = Calls(desk=desk, rows=self.rows, operator=self.operator, secrets=self._secret_texts())
        standing = StoredStanding(desk, all_stacks(records, self.account.id))
        outputs: dict[str, Mapping[str, OutputValue]] = {}
        keys: list[NewAccessKey] = []
        offered: dict[str, Text] = {}
        done: list[tuple[_Planned, list[StackResource]]] = []
        for one in planned:
            calls.stack = one.plan.stack
            one.planner.offer(offered)
            resources = [self._step(calls, standing, one, step, keys) for step in one.plan.steps]
            outputs[one.plan.stack] = one.planner.resolver.outputs()
            offered |= exports_of(outputs[one.plan.stack])
            done.append((one, resources))
        for one in _importers_first(planned):
            calls.stack = one.plan.stack
            for step in one.plan.removals:
                self._remove(calls, one, step)
        for one, resources in done:
            self._keep(records, desk, one, resources, exports_of(outputs[one.plan.stack]))
        return Outcome(outputs=outputs, keys=keys, warned=calls.warned), calls

    def _step(
        self, calls: Calls, standing: StoredStanding, one: "_Planned", step: Step, keys: list[NewAccessKey]
    ) -> StackResource:
        """Carry out one step; what is remembered of the resource from now on."""
        resolver, resource = one.planner.resolver, one.source.template.resources[step.logical_id]
        wanted: Normals = {**step.wanted, **resolver.wanted(resource)[0]}
        hands, physical_id = HANDS[step.type.short], step.physical_id
        told: Mapping[str, Text] = {}
        calls.logical_id = step.logical_id
        try:
            if step.action in (Action.CREATE, Action.REPLACE):
                fresh = hands.create(calls, wanted)
                physical_id, told = fresh.physical_id or physical_id, fresh.told
            elif step.differences and step.found is not None and isinstance(physical_id, str):
                hands.update(calls, physical_id, {**step.last, **step.found.properties}, wanted)
        except CallRefused as refusal:
            raise _refused(step, resource.mark, refusal) from refusal
        if not isinstance(physical_id, str):
            raise TypeError(f"{step.logical_id} was made and has no id")
        if step.type.short == "AccessKey" and told:
            keys.append(
                NewAccessKey(
                    stack=one.plan.stack,
                    logical_id=step.logical_id,
                    user_name=text(wanted, "UserName"),
                    access_key_id=physical_id,
                    secret_access_key=str(told["SecretAccessKey"]),
                )
            )
        question = Question(
            stack=one.plan.stack,
            logical_id=step.logical_id,
            type=step.type,
            physical_id=physical_id,
            wanted=wanted,
            given=step.given,
            last=wanted,
        )
        found = standing.read(question)
        resolver.physical[step.logical_id] = physical_id
        resolver.attributes[step.logical_id] = {**(found.attributes if found is not None else {}), **told}
        return StackResource(
            logical_id=step.logical_id,
            type=step.type.name,
            physical_id=physical_id,
            properties=remembered(wanted),
            needs=step.needs,
            retained=step.deletion is OnRemoval.RETAIN,
        )

    def _remove(self, calls: Calls, one: "_Planned", step: Step) -> None:
        if step.action is not Action.DELETE or not isinstance(step.physical_id, str):
            return
        calls.logical_id = step.logical_id
        try:
            HANDS[step.type.short].delete(calls, step.physical_id, step.last)
        except CallRefused as refusal:
            raise _refused(step, Mark(one.source.template.file), refusal) from refusal

    def _keep(
        self, records: Records, desk: Desk, one: "_Planned", resources: list[StackResource], exports: Mapping[str, Text]
    ) -> None:
        """Remember what the stack is made of now; nothing of a stack that holds nothing."""
        before = one.stack
        left = [r for r in before.resources if r.logical_id in {s.logical_id for s in one.plan.left}] if before else []
        after = Stack(
            account=self.account.id,
            name=one.plan.stack,
            id=before.id if before is not None else self._stack_id(one.plan.stack),
            created=before.created if before is not None else desk.now,
            updated=before.updated if before is not None else desk.now,
            resources=(*resources, *left),
            exports={name: value for name, value in exports.items() if isinstance(value, str)},
            imports=one.imports,
        )
        if not after.resources and not after.exports:
            if before is not None:
                records.stacks.delete(before)
        elif after != before:
            records.stacks.put(replace(after, updated=desk.now))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _desk(self, records: Records) -> Desk:
        return Desk(
            records=records,
            caller=in_place_of_root(self.account.id),
            now=self.clock.now(),
            entropy=self.entropy,
            secrets=self.secrets,
            levels=self.levels,
        )

    def _suffix(self, stack: str, logical_id: str) -> str:
        """The end of a name that is made up; the same throughout the run."""
        if (stack, logical_id) not in self._drawn:
            number = int.from_bytes(self.entropy(2 * SUFFIX))
            drawn = []
            for _ in range(SUFFIX):
                number, at = divmod(number, len(_ALPHABET))
                drawn.append(_ALPHABET[at])
            self._drawn[stack, logical_id] = "".join(drawn)
        return self._drawn[stack, logical_id]

    def _stack_id(self, name: str) -> str:
        if (name, "") not in self._drawn:
            self._drawn[name, ""] = new_uuid(self.entropy(16))
        unique = self._drawn[name, ""]
        return f"arn:aws:cloudformation:{self.options.region}:{self.account.id}:stack/{name}/{unique}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """One stack with its plan, and what made it."""

    source: Source
    stack: Stack | None
    planner: Planner
    plan: Plan
    imports: tuple[str, ...]

    @property
    def exports(self) -> Mapping[str, Text]:
        return exports_of(self.plan.outputs)

    @property
    def exported(self) -> frozenset[str]:
        """The names that it exports, or did before."""
        return frozenset(self.exports) | frozenset(self.stack.exports if self.stack is not None else ())


def exports_of(outputs: Mapping[str, OutputValue]) -> dict[str, Text]:
    """The exports among a stack's outputs.

    Raises:
        ApplyError: one name is exported twice.
    """
    exports: dict[str, Text] = {}
    for name, output in outputs.items():
        if output.export is not None:
            if output.export in exports:
                raise ApplyError(f"output {name} exports {shown(output.export)}, as another one does; use another name")
            exports[output.export] = output.value
    return exports


def _importers_first(planned: Sequence[_Planned]) -> list[_Planned]:
    """The order in which resources go, last of all: what is exported goes after what imported it, now or before."""
    left, order = list(reversed(planned)), []
    while left:
        used = [(one, name) for one in left for name in (*one.imports, *(one.stack.imports if one.stack else ()))]
        free = next((one for one in left if not any(u is not one and n in one.exported for u, n in used)), left[0])
        left.remove(free)
        order.append(free)
    return order


def _refused(step: Step, mark: Mark, refusal: CallRefused) -> ApplyError:
    physical = step.old_id or step.physical_id
    named = f" {shown(physical)}" if isinstance(physical, str) else ""
    return ApplyError(
        f"{mark}: {step.logical_id}: to {step.action} the {step.type.noun}{named}: {refusal}; nothing was changed"
    )


def _imports(evaluator: Evaluator, offered: Mapping[str, Text]) -> tuple[str, ...]:
    return tuple(sorted({name for name in evaluator.import_names() if name in offered}))


def held_of(stack: Stack | None) -> dict[str, Held]:
    """What is remembered of a stack, as the planner takes it."""
    return {
        resource.logical_id: Held(
            type=resource.type,
            physical_id=resource.physical_id,
            last=recalled(resource.properties),
            needs=resource.needs,
            deletion=OnRemoval.RETAIN if resource.retained else OnRemoval.DELETE,
        )
        for resource in (stack.resources if stack is not None else ())
    }


def all_stacks(records: Records, account: str) -> list[Stack]:
    """Every stack of an account."""
    return list(walk(lambda after: records.stacks.list(account, after=after), key=lambda stack: fold(stack.name)))


def makes_keys(plans: Iterable[Plan]) -> bool:
    """Whether a secret will be told that is told only once."""
    fresh = (Action.CREATE, Action.REPLACE)
    return any(step.type.short == "AccessKey" and step.action in fresh for plan in plans for step in plan.steps)
