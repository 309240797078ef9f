"""In which order the resources of a template are made: what one refers to comes before it.

References and `DependsOn` say most of it. A resource that is named literally, by its name or ARN, is meant as much
as one that is referred to: a trust policy can only name a role that is there. Where nothing orders two resources,
their types and names do, never their place in the file.
"""

import heapq
from collections.abc import Iterator, Mapping
from typing import Final

from tabard.templates.evaluate import Evaluator, NothingMade, call_of
from tabard.templates.source import ListNode, MapNode, Mark, Node, TemplateError, shown
from tabard.templates.template import Resource
from tabard.templates.values import NoValue, texts_in

_NOTHING: Final = NothingMade("this")


def ordered(
    resources: Mapping[str, Resource], evaluator: Evaluator, account: str
) -> tuple[list[Resource], dict[str, tuple[str, ...]]]:
    """The resources in the order of making, and what each needs.

    Raises:
        TemplateError: one refers to what is not made, or they go round in a circle.
    """
    needs = {name: _references(resource, resources, evaluator) for name, resource in resources.items()}
    _refuse_circle(resources, needs)
    _add_literal(resources, needs, evaluator, account)
    waiting = {name: len(needed) for name, needed in needs.items()}
    needed_by: dict[str, list[str]] = {name: [] for name in resources}
    for name, needed in needs.items():
        for each in needed:
            needed_by[each].append(name)
    ready = [(resources[name].type.rank, name) for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    order: list[Resource] = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(resources[name])
        for each in needed_by[name]:
            waiting[each] -= 1
            if not waiting[each]:
                heapq.heappush(ready, (resources[each].type.rank, each))
    return order, {name: tuple(sorted(needed)) for name, needed in needs.items()}


def _references(resource: Resource, resources: Mapping[str, Resource], evaluator: Evaluator) -> set[str]:
    needed: set[str] = set()
    for name, mark in evaluator.needed(resource.properties):
        if name not in resources:
            raise not_made(name, evaluator, mark)
        needed.add(name)
    for name, mark in resource.depends_on:
        if name not in evaluator.template.resources:
            raise TemplateError(mark, f"there is no resource {shown(name)} to depend on")
        if name in resources:
            needed.add(name)
    return needed


def _refuse_circle(resources: Mapping[str, Resource], needs: Mapping[str, set[str]]) -> None:
    done: set[str] = set()
    for start in sorted(resources):
        path: list[str] = []
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            name, left = waiting.pop()
            if left:
                done.add(path.pop())
            elif name in path:
                circle = [*path[path.index(name) :], name]
                raise TemplateError(
                    resources[name].mark, f"the resources need one another in a circle: {' → '.join(circle)}"
                )
            elif name not in done:
                path.append(name)
                waiting.append((name, True))
                waiting += [(each, False) for each in sorted(needs[name], reverse=True)]


def _add_literal(
    resources: Mapping[str, Resource], needs: dict[str, set[str]], evaluator: Evaluator, account: str
) -> None:
    """What is named without a reference; left out where it would close a circle."""
    named: dict[str, str] = {}
    for name in sorted(resources):
        for text in _own_names(resources[name], evaluator, account):
            named.setdefault(text, name)
    if not named:
        return
    arns = {text: name for text, name in named.items() if text.startswith("arn:")}
    for name in sorted(resources):
        for text in _literal_texts(resources[name].properties, evaluator):
            found = {named[text]} if text in named else set()
            if len(text) > 30 and "arn:" in text and text not in named:
                found |= {other for arn, other in arns.items() if arn in text}
            for other in sorted(found - needs[name] - {name}):
                if not _reaches(other, name, needs):
                    needs[name].add(other)


def _own_names(resource: Resource, evaluator: Evaluator, account: str) -> Iterator[str]:
    """The given name of a resource, and its ARN, where nothing else must be made to know them."""
    members = resource.properties.members
    name_node = members.get(resource.type.named_by or "")
    if name_node is None or any(evaluator.needed(name_node)):
        return
    name = evaluator.value(name_node, _NOTHING, "")
    path_node = members.get("Path")
    if path_node is not None and any(evaluator.needed(path_node)):
        return
    path = evaluator.value(path_node, _NOTHING, "") if path_node is not None else "/"
    if not isinstance(name, str) or not isinstance(path, str) or resource.type.physical is None:
        return
    wanted = {resource.type.named_by or "": name, "Path": path}
    physical = resource.type.physical(account, wanted)
    if isinstance(physical, str):
        yield name
        yield from resource.type.predict(account, physical, wanted).values()


def _literal_texts(node: Node, evaluator: Evaluator) -> Iterator[str]:
    """The texts inside a node that rest on no resource."""
    if not any(evaluator.needed(node)):
        value = evaluator.value(node, _NOTHING, "")
        if not isinstance(value, NoValue):
            yield from (text for text in texts_in(value) if isinstance(text, str))
    elif isinstance(node, ListNode):
        for each in node.items:
            yield from _literal_texts(each, evaluator)
    elif isinstance(node, MapNode) and call_of(node) is None:
        for each in node.members.values():
            yield from _literal_texts(each, evaluator)


def _reaches(start: str, goal: str, needs: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += needs[name]
    return False


def not_made(name: str, evaluator: Evaluator, mark: Mark) -> TemplateError:
    """The error about a resource whose condition does not hold."""
    condition = evaluator.template.resources[name].condition
    return TemplateError(mark, f"{name} is not made, as its condition {condition} does not hold")
