"""The sections of a template and the attributes of its resources, before any function is evaluated.

(AWS CloudFormation User Guide, "Template sections" and "Resource attributes".)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tabard.templates.resource_types import RESOURCE_TYPES, ResourceType
from tabard.templates.source import (
    ListNode,
    MapNode,
    Mark,
    Node,
    TemplateError,
    TextNode,
    as_map,
    as_text,
    known,
    shown,
)

SECTIONS: Final = (
    "AWSTemplateFormatVersion", "Description", "Metadata", "Transform", "Parameters", "Mappings", "Conditions",
    "Resources", "Outputs",
)  # fmt: skip
RESOURCE_ATTRIBUTES: Final = (
    "Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
)  # fmt: skip
MAXIMUM_ITEMS: Final = 500
"""Resources, and entries of each other section (AWS CloudFormation quotas)."""
FORMAT_VERSION: Final = "2010-09-09"
EXTENSIONS: Final = "AWS::LanguageExtensions"
"""The transform that AWS asks for where `Fn::ToJsonString` is used; here it is always there."""


class OnRemoval(StrEnum):
    """What becomes of a record that its stack lets go."""

    DELETE = "Delete"
    RETAIN = "Retain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource as it is declared."""

    logical_id: str
    type: ResourceType
    properties: MapNode
    depends_on: tuple[tuple[str, Mark], ...]
    condition: str | None
    deletion: OnRemoval
    replacement: OnRemoval
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output as it is declared."""

    name: str
    value: Node
    description: str
    export: Node | None
    condition: str | None
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template that has the right shape."""

    file: str
    parameters: Mapping[str, MapNode]
    mappings: Mapping[str, MapNode]
    conditions: Mapping[str, Node]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Output]


def parse_template(root: MapNode, file: str) -> Template:
    """The sections of a template.

    Raises:
        TemplateError: a section, attribute, resource type or property is not known, or has another shape.
    """
    _only(root, SECTIONS, "section")
    _require_format(root)
    if "Resources" not in root.members:
        raise TemplateError(root.mark, "a template needs `Resources`; with none to be left, write `Resources: {}`")
    resources = as_map(root.members["Resources"], "Resources")
    template = Template(
        file=file,
        parameters={name: as_map(node, f"parameter {name}") for name, node in _section(root, "Parameters").items()},
        mappings={name: as_map(node, f"mapping {name}") for name, node in _section(root, "Mappings").items()},
        conditions=_section(root, "Conditions"),
        resources={
            name: _resource(name, node, resources.marks[name]) for name, node in _section(root, "Resources").items()
        },
        outputs={name: _output(name, node) for name, node in _section(root, "Outputs").items()},
    )
    for name, parameter in template.parameters.items():
        if name in template.resources:
            raise TemplateError(parameter.mark, f"{name} is the name of a parameter and of a resource; rename one")
    return template


def _require_format(root: MapNode) -> None:
    version = root.members.get("AWSTemplateFormatVersion")
    if version is not None and as_text(version, "AWSTemplateFormatVersion") != FORMAT_VERSION:
        raise TemplateError(version.mark, f"the only AWSTemplateFormatVersion is {FORMAT_VERSION}")
    if "Description" in root.members:
        as_text(root.members["Description"], "Description")
    transform = root.members.get("Transform")
    if transform is not None:
        for each in transform.items if isinstance(transform, ListNode) else (transform,):
            if as_text(each, "Transform") != EXTENSIONS:
                raise TemplateError(each.mark, f"macros are not supported; the only transform known is {EXTENSIONS}")


def _section(root: MapNode, name: str) -> Mapping[str, Node]:
    if name not in root.members:
        return {}
    section = as_map(root.members[name], name)
    if len(section.members) > MAXIMUM_ITEMS:
        raise TemplateError(section.mark, f"{name} has more than {MAXIMUM_ITEMS} entries; split the template")
    for key in section.members:
        fits = key.isascii() and (key.isalnum() or (name == "Mappings" and key.replace("-", "").isalnum()))
        if not fits or len(key) > 255:
            raise TemplateError(section.marks[key], f"{shown(key)} is no name for {name}; use letters and digits")
    return section.members


def _only(node: MapNode, names: tuple[str, ...], what: str) -> None:
    for name in node.members:
        if name not in names:
            raise TemplateError(node.marks[name], f"there is no {what} {shown(name)}; {known(name, names)}")


def _resource(name: str, node: Node, mark: Mark) -> Resource:
    attributes = as_map(node, f"resource {name}")
    _only(attributes, RESOURCE_ATTRIBUTES, "resource attribute")
    if "Type" not in attributes.members:
        raise TemplateError(mark, f"resource {name} has no Type; give it one, as `Type: AWS::IAM::Role`")
    type_node = attributes.members["Type"]
    type_name = as_text(type_node, "Type")
    if type_name not in RESOURCE_TYPES:
        raise TemplateError(
            type_node.mark, f"there is no resource type {shown(type_name)}; {known(type_name, RESOURCE_TYPES)}"
        )
    kind = RESOURCE_TYPES[type_name]
    properties = as_map(
        attributes.members.get("Properties", MapNode(members={}, marks={}, mark=node.mark)), f"Properties of {name}"
    )
    for key in properties.members:
        if key not in kind.properties:
            raise TemplateError(
                properties.marks[key], f"{type_name} has no property {shown(key)}; {known(key, kind.properties)}"
            )
        told = kind.properties[key].told
        if told is not None:
            raise TemplateError(properties.marks[key], f"{key} of {type_name} cannot be set: {told}")
    for key, each in kind.properties.items():
        if each.required and key not in properties.members:
            raise TemplateError(mark, f"resource {name} lacks the property {key}, which {type_name} needs")
    condition = attributes.members.get("Condition")
    return Resource(
        logical_id=name,
        type=kind,
        properties=properties,
        depends_on=_depends_on(attributes.members.get("DependsOn")),
        condition=as_text(condition, "Condition") if condition is not None else None,
        deletion=_on_removal(attributes.members.get("DeletionPolicy"), "DeletionPolicy"),
        replacement=_on_removal(attributes.members.get("UpdateReplacePolicy"), "UpdateReplacePolicy"),
        mark=mark,
    )


def _depends_on(node: Node | None) -> tuple[tuple[str, Mark], ...]:
    if node is None:
        return ()
    nodes = node.items if isinstance(node, ListNode) else (node,)
    return tuple((as_text(each, "DependsOn"), each.mark) for each in nodes)


def _on_removal(node: Node | None, what: str) -> OnRemoval:
    if node is None:
        return OnRemoval.DELETE
    said = as_text(node, what)
    # A creation that fails leaves nothing here, so the second says no more than the first.
    if said in ("Retain", "RetainExceptOnCreate"):
        return OnRemoval.RETAIN
    if said == "Delete":
        return OnRemoval.DELETE
    raise TemplateError(node.mark, f"{what} must be Delete or Retain for the types that are here, not {shown(said)}")


def _output(name: str, node: Node) -> Output:
    members = as_map(node, f"output {name}")
    _only(members, ("Description", "Value", "Export", "Condition"), "attribute of an output:")
    if "Value" not in members.members:
        raise TemplateError(node.mark, f"output {name} has no Value")
    export: Node | None = None
    if "Export" in members.members:
        exported = as_map(members.members["Export"], f"Export of {name}")
        _only(exported, ("Name",), "attribute of an export:")
        export = exported.members.get("Name")
        if export is None:
            raise TemplateError(exported.mark, f"the export of {name} has no Name")
    description, condition = members.members.get("Description"), members.members.get("Condition")
    return Output(
        name=name,
        value=members.members["Value"],
        description=description.text if isinstance(description, TextNode) else "",
        export=export,
        condition=as_text(condition, "Condition") if condition is not None else None,
        mark=node.mark,
    )
