"""The properties of resources: what they hold, in a normal form that can be compared with what is really there.

A normal form is a text, a tuple of texts, or a mapping of texts. Policy documents are JSON texts; two that say the
same member by member are the same. Numbers and booleans are texts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from tabard.templates.source import Mark, TemplateError, known, shown
from tabard.templates.values import Members, Secret, Text, Unknown, Value, is_known, is_secret, like, texts_in

Normal: TypeAlias = "str | Unknown | tuple[Text, ...] | dict[str, Text]"
Normals: TypeAlias = Mapping[str, Normal]

HIDDEN: Final = "****"
"""Stands for a secret."""
_BOOLEANS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("true", "True", "TRUE"), "true"),
    **dict.fromkeys(("false", "False", "FALSE"), "false"),
}


class Kind(Enum):
    """What a property holds."""

    TEXT = auto()
    INTEGER = auto()
    DOCUMENT = auto()
    """A policy: a mapping, or a text that holds JSON."""
    TEXTS = auto()
    """A list whose order means nothing."""
    TAGS = auto()
    """A list of `{Key, Value}`, by key."""
    POLICIES = auto()
    """A list of `{PolicyName, PolicyDocument}`, by name."""
    PASSWORD = auto()
    """`{Password, PasswordResetRequired}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of a resource type.

    `replaces`: another value needs another record. `open`: it stands in names and ARNs, so it may not be secret.
    `default` is what is there where it is left out. `unread`: nobody can ask the record for it, so that it is
    compared with what the stack last set. `exclusive`: where it is given it is the whole list, and what others put
    there is drift. `hidden`: its text is a secret. `told`: why a template may not set it.
    """

    kind: Kind = Kind.TEXT
    required: bool = False
    replaces: bool = False
    open: bool = False
    unread: bool = False
    exclusive: bool = False
    hidden: bool = False
    told: str | None = None
    default: str | None = None


def normal(prop: Property, value: Value, mark: Mark, what: str) -> Normal:
    """A value in the property's normal form.

    Raises:
        TemplateError: it has another shape.
    """
    if prop.open and is_secret(value):
        raise TemplateError(mark, f"{what} is shown everywhere, so it cannot be made of a secret")
    match prop.kind:
        case Kind.TEXT:
            text = _text(value, mark, what)
            return Secret(text) if prop.hidden and isinstance(text, str) else text
        case Kind.INTEGER:
            return _integer(_text(value, mark, what), mark, what)
        case Kind.DOCUMENT:
            return document(value, mark, what)
        case Kind.TEXTS:
            return tuple(dict.fromkeys(_text(each, mark, f"each of {what}") for each in _list(value, mark, what)))
        case Kind.TAGS:
            return _pairs(value, mark, what, ("Key", "Value"), Kind.TEXT)
        case Kind.POLICIES:
            return _pairs(value, mark, what, ("PolicyName", "PolicyDocument"), Kind.DOCUMENT)
        case Kind.PASSWORD:
            return _password(value, mark, what)


def document(value: Value, mark: Mark, what: str) -> Text:
    """A policy document as the text that is saved."""
    if isinstance(value, str | Unknown):
        return value
    if isinstance(value, list):
        raise TemplateError(mark, f"{what} must be a mapping, or a text that holds JSON")
    unknown = next((text for text in texts_in(value) if isinstance(text, Unknown)), None)
    if unknown is not None:
        return Unknown(unknown.of, secret=is_secret(value))
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return like(text, list(texts_in(value)))


def empty(kind: Kind) -> Normal:
    """What a property holds where nobody gave it."""
    if kind is Kind.TEXTS:
        return ()
    return {} if kind in (Kind.TAGS, Kind.POLICIES, Kind.PASSWORD) else ""


def same(kind: Kind, one: Normal, other: Normal) -> bool:
    """Whether two normal forms say the same. What is not known yet is the same as nothing."""
    if not (is_known(one) and is_known(other)):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        inner = Kind.DOCUMENT if kind is Kind.POLICIES else Kind.TEXT
        return one.keys() == other.keys() and all(same(inner, one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return set(one) == set(other)
    if kind is Kind.DOCUMENT and isinstance(one, str) and isinstance(other, str):
        return one == other or _tree(one) == _tree(other)
    return one == other


def concealed(value: Normal) -> Normal:
    """The value with each text a secret."""
    if isinstance(value, dict):
        return {key: each if isinstance(each, Unknown) else Secret(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(each if isinstance(each, Unknown) else Secret(each) for each in value)
    return value if isinstance(value, Unknown) else Secret(value)


def remembered(values: Normals) -> str:
    """Normal forms as a text to keep; secrets are not kept."""
    return json.dumps({name: _kept(value) for name, value in values.items()}, ensure_ascii=False)


def recalled(text: str) -> dict[str, Normal]:
    """What `remembered` kept."""
    kept: dict[str, object] = json.loads(text)
    return {name: _recalled(value) for name, value in kept.items()}


def _kept(value: Normal) -> object:
    if isinstance(value, dict):
        return {key: HIDDEN if is_secret(each) else each for key, each in value.items()}
    return HIDDEN if is_secret(value) else "" if isinstance(value, Unknown) else value


def _recalled(value: object) -> Normal:
    if isinstance(value, list):
        return tuple(map(str, value))
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else str(value)


def _tree(text: str) -> object:
    """The JSON that a document holds; numbers and booleans are the texts that IAM takes them for."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, object_hook=_texted)
    except (ValueError, RecursionError):
        return text


def _texted(members: dict[str, object]) -> dict[str, object]:
    return {key: _as_text(value) for key, value in members.items()}


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_as_text(each) for each in value] if isinstance(value, list) else value


def _text(value: object, mark: Mark, what: str) -> Text:
    if not isinstance(value, str | Unknown):
        raise TemplateError(mark, f"{what} must be a text")
    return value


def _list(value: Value, mark: Mark, what: str) -> list[Value]:
    if not isinstance(value, list):
        raise TemplateError(mark, f"{what} must be a list")
    return value


def _integer(text: Text, mark: Mark, what: str) -> Text:
    if isinstance(text, Unknown):
        return text
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise TemplateError(mark, f"{what} must be a whole number, not {shown(text)}")
    return str(int(text))


def _boolean(text: Text, mark: Mark, what: str) -> Text:
    if isinstance(text, Unknown):
        return text
    if text not in _BOOLEANS:
        raise TemplateError(mark, f"{what} must be true or false, not {shown(text)}")
    return _BOOLEANS[text]


def _members(value: Value, names: tuple[str, ...], mark: Mark, what: str) -> tuple[Members, Mark]:
    if not isinstance(value, Members):
        raise TemplateError(mark, f"{what} must be a mapping of {', '.join(names)}")
    for key in value:
        if key not in names:
            raise TemplateError(value.marks.get(key, mark), f"{what} has no member {shown(key)}; {known(key, names)}")
    return value, next(iter(value.marks.values()), mark)


def _pairs(value: Value, mark: Mark, what: str, names: tuple[str, str], kind: Kind) -> dict[str, Text]:
    """A list of mappings of two members, by the first of them."""
    key_name, value_name = names
    pairs: dict[str, Text] = {}
    for item in _list(value, mark, what):
        members, at = _members(item, names, mark, f"each of {what}")
        for name in names:
            if name not in members:
                raise TemplateError(at, f"one of {what} has no {name}")
        key = _text(members[key_name], at, f"{key_name} in {what}")
        if isinstance(key, Unknown):
            raise TemplateError(at, f"{key_name} in {what} must be known beforehand, and {key.of} is not")
        if isinstance(key, Secret):
            raise TemplateError(at, f"{key_name} in {what} is shown everywhere, so it cannot be made of a secret")
        if key in pairs:
            raise TemplateError(at, f"{key_name} {shown(key)} stands twice in {what}")
        inner, named = members[value_name], f"{value_name} in {what}"
        pairs[key] = document(inner, at, named) if kind is Kind.DOCUMENT else _text(inner, at, named)
    return pairs


def _password(value: Value, mark: Mark, what: str) -> dict[str, Text]:
    members, at = _members(value, ("Password", "PasswordResetRequired"), mark, what)
    if "Password" not in members:
        raise TemplateError(at, f"{what} has no Password")
    password = _text(members["Password"], at, "Password")
    reset = _text(members.get("PasswordResetRequired", "false"), at, "PasswordResetRequired")
    return {
        "Password": Secret(password) if isinstance(password, str) else Unknown(password.of, secret=True),
        "PasswordResetRequired": _boolean(reset, at, "PasswordResetRequired"),
    }
