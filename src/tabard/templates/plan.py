"""What would have to change for an account to be as a template says.

A plan compares what the template wants with what is really there (`Standing`), and not with what was applied last:
what somebody changed or deleted by hand is put right. What is remembered of the last time decides only which parts of
a shared record are the stack's own. Nothing here makes, reads or changes a record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from tabard.names.tags import fold
from tabard.templates.evaluate import Evaluator, NothingMade
from tabard.templates.order import not_made, ordered
from tabard.templates.properties import HIDDEN, Kind, Normal, Normals, concealed, empty, normal, same
from tabard.templates.resource_types import MADE_UP, RESOURCE_TYPES, ResourceType, known_of
from tabard.templates.source import Mark, TemplateError, shown
from tabard.templates.template import OnRemoval, Resource
from tabard.templates.values import Secret, Text, Unknown, is_secret, texts_in

SUFFIX: Final = 12
"""Characters at the end of a name that is made up."""


class Action(StrEnum):
    """What happens to one resource."""

    CREATE = "create"
    ADOPT = "adopt"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"
    """It is left where it is and is no longer the stack's."""
    NONE = "none"
    LEAVE = "leave"
    """The template no longer has it; only `--prune` takes it away."""


CHANGES: Final = frozenset(Action) - {Action.NONE, Action.LEAVE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is remembered of a resource that the stack made."""

    type: str
    physical_id: str
    last: Normals
    needs: tuple[str, ...]
    deletion: OnRemoval


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is really there."""

    properties: Normals
    attributes: Mapping[str, Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which record is asked for, and by whom: what the template gives, and what was last applied."""

    stack: str
    logical_id: str
    type: ResourceType
    physical_id: str
    wanted: Normals
    given: frozenset[str]
    last: Normals


class Standing(Protocol):
    """What is really there, and whose it is. `owner_of` answers a stack and a logical id."""

    def read(self, question: Question) -> Found | None: ...
    def owner_of(self, type_name: str, physical_id: str) -> tuple[str, str] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property that is not as the template wants it."""

    name: str
    kind: Kind
    before: Normal
    after: Normal
    replaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens to one resource. `old_id` is the record that a replacement takes away in the end."""

    logical_id: str
    type: ResourceType
    action: Action
    physical_id: Text
    old_id: str | None = None
    resource: Resource | None = None
    found: Found | None = None
    wanted: Normals = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    last: Normals = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    deletion: OnRemoval = OnRemoval.DELETE
    differences: tuple[Difference, ...] = ()

    @property
    def brief(self) -> tuple[object, ...]:
        """What must be the same when a plan is made again, for it to be the plan that was agreed to."""
        return (self.logical_id, self.type.name, self.action, self.physical_id, self.old_id, self.differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputValue:
    """An output as it comes out. `export` is the name that other stacks import it by."""

    value: Text
    description: str
    export: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that happens to one stack: `steps` in this order, then `removals` in theirs."""

    stack: str
    steps: tuple[Step, ...]
    removals: tuple[Step, ...]
    left: tuple[Step, ...]
    outputs: Mapping[str, OutputValue]

    @property
    def changes(self) -> bool:
        return any(step.action in CHANGES for step in (*self.steps, *self.removals))

    @property
    def brief(self) -> tuple[object, ...]:
        return (self.stack, *(step.brief for step in (*self.steps, *self.removals, *self.left)))


_NOTHING: Final = NothingMade("the name of an export")


class Resolver:
    """The names and attributes of a template's resources, as far as they are known. `evaluate.Made`."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.physical: dict[str, Text] = {}
        self.attributes: dict[str, Mapping[str, Text]] = {}
        self._secrets_allowed = False

    def ref(self, logical_id: str, mark: Mark) -> Text:
        if logical_id not in self.physical:
            raise not_made(logical_id, self._evaluator, mark)
        return self.physical[logical_id]

    def attribute(self, logical_id: str, name: str, mark: Mark) -> Text:
        self.ref(logical_id, mark)
        if name == "SecretAccessKey" and not self._secrets_allowed:
            raise TemplateError(
                mark, "a SecretAccessKey may stand in Outputs only; in a property anybody could read it"
            )
        found = self.attributes[logical_id].get(name)
        secret = name == "SecretAccessKey"
        return found if found is not None else Unknown(f"{logical_id}.{name}", secret=secret)

    def wanted(self, resource: Resource) -> tuple[dict[str, Normal], frozenset[str]]:
        """The properties that the template gives, in their normal form; and which it gives."""
        self._secrets_allowed = False
        members = self._evaluator.members(resource.properties, self)
        wanted: dict[str, Normal] = {}
        for name, value in members.items():
            mark = members.marks.get(name, resource.mark)
            wanted[name] = normal(resource.type.properties[name], value, mark, f"{name} of {resource.logical_id}")
        for name, prop in resource.type.properties.items():
            if name not in wanted and prop.required:
                raise TemplateError(
                    resource.mark, f"{resource.logical_id} lacks the property {name}: it is AWS::NoValue"
                )
            if name not in wanted and prop.default is not None:
                wanted[name] = prop.default
        return wanted, frozenset(members)

    def outputs(self) -> dict[str, OutputValue]:
        """The outputs whose condition holds.

        Raises:
            TemplateError: one is no text, or would export a secret.
        """
        self._secrets_allowed = True
        found: dict[str, OutputValue] = {}
        for name, output in self._evaluator.template.outputs.items():
            if output.condition is not None and not self._evaluator.holds(output.condition, output.mark):
                continue
            value = self._evaluator.value(output.value, self, f"the value of output {name}")
            if not isinstance(value, str | Unknown):
                raise TemplateError(output.value.mark, f"the value of output {name} must be a text; use Fn::Join")
            export: str | None = None
            if output.export is not None:
                exported = self._evaluator.value(output.export, _NOTHING, f"the name of the export {name}")
                if not isinstance(exported, str) or not exported:
                    raise TemplateError(output.export.mark, f"the name of the export {name} must be a text")
                if isinstance(value, Secret) or (isinstance(value, Unknown) and value.secret):
                    raise TemplateError(output.mark, f"output {name} is secret, and what is exported is not")
                export = exported
            found[name] = OutputValue(value=value, description=output.description, export=export)
        return found


class Planner:
    """Makes the plan of one stack. `draw` gives the end of a made-up name, the same each time for one resource."""

    def __init__(
        self, *, stack: str, account: str, evaluator: Evaluator, for_order: Evaluator, held: Mapping[str, Held],
        standing: Standing, draw: Callable[[str], str], adopt: bool, prune: bool,
    ) -> None:  # fmt: skip
        self._stack = stack
        self._account = account
        self._evaluator = evaluator
        self._for_order = for_order
        self._held = dict(held)
        self._standing = standing
        self._draw = draw
        self._adopt = adopt
        self._prune = prune
        self._names: dict[tuple[str, str], str] = {}
        self._moved: set[str] = set()
        self._resources: dict[str, Resource] = {}
        self.resolver = Resolver(evaluator)

    def offer(self, imports: Mapping[str, Text]) -> None:
        """Exports of other stacks that are known by now."""
        self._evaluator.offer(imports)

    def plan(self) -> Plan:
        """Raises TemplateError: the template means nothing here, or takes what is not its own."""
        resources = self._resources = {
            name: resource
            for name, resource in self._evaluator.template.resources.items()
            if resource.condition is None or self._evaluator.holds(resource.condition, resource.mark)
        }
        order, needs = ordered(resources, self._for_order, self._account)
        steps = tuple(self._step(resource, needs[resource.logical_id]) for resource in order)
        gone = [name for name in self._held if name not in resources and name not in self._moved]
        removals = [self._old(step) for step in steps if step.old_id is not None and not _keeps_old(step)]
        removals += [self._removal(name) for name in gone if self._prune]
        return Plan(
            stack=self._stack,
            steps=steps,
            removals=tuple(_last_first(removals)),
            left=tuple(replace(self._removal(name), action=Action.LEAVE) for name in sorted(gone) if not self._prune),
            outputs=self.resolver.outputs(),
        )

    def _step(self, resource: Resource, needs: tuple[str, ...]) -> Step:
        name, kind = resource.logical_id, resource.type
        held = self._held.get(name)
        if held is not None and held.type != kind.name:
            raise TemplateError(
                resource.mark, f"{name} is a {RESOURCE_TYPES[held.type].noun} so far; give the {kind.noun} another name"
            )
        wanted, given = self.resolver.wanted(resource)
        self._require_sense(resource, wanted)
        self._name(resource, wanted, held)
        step = Step(
            logical_id=name,
            type=kind,
            action=Action.CREATE,
            physical_id=self._physical(resource, wanted, held),
            resource=resource,
            wanted=wanted,
            given=given,
            last=held.last if held is not None else {},
            needs=needs,
            deletion=resource.deletion,
        )
        step = self._compared(step, resource, held) if held is not None else self._fresh(step, resource)
        self._claim(step, resource.mark)
        self.resolver.physical[name] = step.physical_id
        self.resolver.attributes[name] = _attributes(step, self._account)
        return step

    def _require_sense(self, resource: Resource, wanted: Normals) -> None:
        """What the properties of a type must be together."""
        short, name = resource.type.short, resource.logical_id
        if short == "Policy" and not any(wanted.get(each) for each in ("Groups", "Roles", "Users")):
            raise TemplateError(resource.mark, f"{name} needs at least one of Groups, Roles and Users to stand on")
        roles = wanted.get("Roles", ())
        if short == "InstanceProfile" and len(roles if isinstance(roles, tuple) else ()) != 1:
            raise TemplateError(resource.mark, f"Roles of {name} must name exactly one role")

    def _name(self, resource: Resource, wanted: dict[str, Normal], held: Held | None) -> None:
        """The record's name: given, as it was, or made up."""
        named_by = resource.type.named_by
        if named_by is None:
            return
        if isinstance(wanted.get(named_by), Unknown):
            raise TemplateError(resource.mark, f"{named_by} of {resource.logical_id} must be known beforehand")
        if named_by not in wanted:
            kept = known_of(held.last, named_by) if held is not None else ""
            wanted[named_by] = kept or self._made_up(resource)

    def _made_up(self, resource: Resource) -> str:
        return made_up_name(
            self._stack, resource.logical_id, self._draw(resource.logical_id), resource.type.name_length
        )

    def _physical(self, resource: Resource, wanted: Normals, held: Held | None) -> Text:
        kind = resource.type
        if kind.physical is not None:
            return kind.physical(self._account, wanted)
        if held is not None:
            return held.physical_id
        return self._made_up(resource) if kind.name in MADE_UP else Unknown(resource.logical_id)

    def _question(self, step: Step, physical_id: str) -> Question:
        return Question(
            stack=self._stack,
            logical_id=step.logical_id,
            type=step.type,
            physical_id=physical_id,
            wanted=step.wanted,
            given=step.given,
            last=step.last,
        )

    def _compared(self, step: Step, resource: Resource, held: Held) -> Step:
        """A resource that the stack has made before."""
        found = self._standing.read(self._question(step, held.physical_id))
        if found is None:
            # It was deleted by hand. What only making tells is told anew.
            anew = step.type.physical is None and step.type.name not in MADE_UP
            physical_id = Unknown(step.logical_id) if anew else step.physical_id
            return self._fresh(replace(step, physical_id=physical_id), resource)
        differences = compare(step, found)
        step = replace(step, found=found, differences=differences)
        if not any(each.replaces for each in differences):
            action = Action.UPDATE if differences else Action.NONE
            return replace(step, action=action, physical_id=self._kept_id(step, held))
        return self._replaced(step, resource, held)

    def _kept_id(self, step: Step, held: Held) -> Text:
        """A record that is changed keeps its id."""
        return step.physical_id if step.type.named_by is not None else held.physical_id

    def _replaced(self, step: Step, resource: Resource, held: Held) -> Step:
        kind, named_by = step.type, step.type.named_by
        because = ", ".join(each.name for each in step.differences if each.replaces)
        if named_by is not None and named_by not in step.given:
            step = replace(step, wanted={**step.wanted, named_by: self._made_up(resource)})
        elif named_by is not None:
            name = known_of(step.wanted, named_by)
            if fold(name) == fold(known_of(held.last, named_by)):
                raise TemplateError(
                    resource.mark,
                    f"{step.logical_id} must be replaced, because {because} changes, and old and new cannot both be "
                    f"called {shown(name)}; change {named_by} too, or leave it out",
                )
        new = kind.physical(self._account, step.wanted) if kind.physical is not None else Unknown(step.logical_id)
        step = replace(step, action=Action.REPLACE, physical_id=new, old_id=held.physical_id)
        self._require_free(step, resource)
        return step

    def _require_free(self, step: Step, resource: Resource) -> None:
        if isinstance(step.physical_id, str) and not step.type.adds:
            question = replace(self._question(step, step.physical_id), last={})
            if self._standing.read(question) is not None:
                owner = self._standing.owner_of(step.type.name, step.physical_id)
                raise self._taken(step, owner, resource.mark)

    def _fresh(self, step: Step, resource: Resource) -> Step:
        """A resource that is not there, or not the stack's."""
        if step.type.adds or not isinstance(step.physical_id, str):
            return step
        question = replace(self._question(step, step.physical_id), last={})
        found = self._standing.read(question)
        if found is None:
            return step
        owner = self._standing.owner_of(step.type.name, step.physical_id)
        moved = owner is not None and owner[0] == self._stack and owner[1] not in self._resources
        if owner is not None and moved:
            self._moved.add(owner[1])
            step = replace(step, last=self._held[owner[1]].last)
        elif owner is not None or not self._adopt:
            raise self._taken(step, owner, resource.mark)
        step = replace(step, found=found)
        step = replace(step, differences=compare(step, found))
        if any(each.replaces for each in step.differences):
            because = ", ".join(each.name for each in step.differences if each.replaces)
            raise TemplateError(
                resource.mark,
                f"{step.logical_id} cannot take over the {step.type.noun} {shown(question.physical_id)}, whose "
                f"{because} is another and cannot be changed; write what is there into the template, or use another "
                "name",
            )
        if moved:
            return replace(step, action=Action.UPDATE if step.differences else Action.NONE)
        return replace(step, action=Action.ADOPT)

    def _taken(self, step: Step, owner: tuple[str, str] | None, mark: Mark) -> TemplateError:
        physical = step.physical_id if isinstance(step.physical_id, str) else ""
        there = f"the {step.type.noun} {shown(physical)} of {step.logical_id} is there already"
        if owner is None:
            return TemplateError(
                mark, f"{there} and belongs to no stack; take it over with --adopt, or use another name"
            )
        if owner[0] == self._stack:
            return TemplateError(mark, f"{there}: it is {owner[1]} of the same template; use another name for one")
        return TemplateError(mark, f"{there} and belongs to {owner[1]} of stack {owner[0]}; use another name")

    def _claim(self, step: Step, mark: Mark) -> None:
        """One record belongs to one resource."""
        if not isinstance(step.physical_id, str):
            return
        key = (step.type.name, fold(step.physical_id))
        other = self._names.setdefault(key, step.logical_id)
        if other != step.logical_id:
            raise TemplateError(
                mark, f"{other} and {step.logical_id} are both the {step.type.noun} {shown(step.physical_id)}"
            )

    def _old(self, step: Step) -> Step:
        """The record that a replacement leaves behind."""
        held = self._held[step.logical_id]
        return Step(
            logical_id=step.logical_id,
            type=step.type,
            action=Action.DELETE,
            physical_id=held.physical_id,
            last=held.last,
            needs=held.needs,
        )

    def _removal(self, name: str) -> Step:
        held = self._held[name]
        kind = RESOURCE_TYPES[held.type]
        retained = held.deletion is OnRemoval.RETAIN
        return Step(
            logical_id=name,
            type=kind,
            action=Action.FORGET if retained else Action.DELETE,
            physical_id=held.physical_id,
            last=held.last,
            needs=held.needs,
            deletion=held.deletion,
        )


def compare(step: Step, found: Found) -> tuple[Difference, ...]:
    """The properties that are not as they are wanted."""
    differences = []
    for name, prop in step.type.properties.items():
        nothing: Normal = prop.default if prop.default is not None else empty(prop.kind)
        after = step.wanted.get(name, nothing)
        before = (step.last if prop.unread else found.properties).get(name, nothing)
        if not same(prop.kind, before, after):
            # Where a secret is to be, or was, what is there may be one.
            if is_secret(after) or HIDDEN in texts_in(step.last.get(name, nothing)):
                before = concealed(before)
            differences.append(
                Difference(name=name, kind=prop.kind, before=before, after=after, replaces=prop.replaces)
            )
    return tuple(differences)


def made_up_name(stack: str, logical_id: str, suffix: str, length: int) -> str:
    """`STACK-LOGICALID-RANDOM`, cut to a length; the end is never cut."""
    room = length - len(suffix) - 2
    first = stack[: max(room // 2, room - len(logical_id))]
    return f"{first}-{logical_id[: room - len(first)]}-{suffix}"


def _keeps_old(step: Step) -> bool:
    return step.resource is not None and step.resource.replacement is OnRemoval.RETAIN


def _attributes(step: Step, account: str) -> dict[str, Text]:
    """What is known of a resource before its step is carried out."""
    attributes: dict[str, Text] = {}
    if step.found is not None and step.action in (Action.NONE, Action.ADOPT, Action.UPDATE):
        steady = step.action is Action.NONE or not step.differences
        attributes.update(
            (name, value)
            for name, value in step.found.attributes.items()
            if steady or name in ("RoleId", "PolicyId", "CreateDate", "SamlProviderUUID", "SecretAccessKey", "RoleName")
        )
    if isinstance(step.physical_id, str):
        attributes.update(step.type.predict(account, step.physical_id, step.wanted))
    return attributes


def _last_first(removals: list[Step]) -> list[Step]:
    """What needs others goes before them."""
    left = {step.logical_id: step for step in sorted(removals, key=lambda step: (-step.type.rank, step.logical_id))}
    order: list[Step] = []
    while left:
        needed = {name for step in left.values() for name in step.needs if name != step.logical_id}
        # What was remembered of earlier templates may go round in a circle; then ranks decide.
        free = [name for name in left if name not in needed] or list(left)[:1]
        order += [left.pop(name) for name in free]
    return order
