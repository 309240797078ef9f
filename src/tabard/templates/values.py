"""What the expressions of a template come to: texts, lists and mappings; and what is secret or not known yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tabard.templates.source import Mark


class Secret(str):
    """A text that is never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret()"


class OnceSecret(Secret):
    """A secret that was made in this run, and may be shown to whoever asked for it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A text that is known once something has been made."""

    of: str
    secret: bool = False


class NoValue(Enum):
    """`AWS::NoValue`: the member or item that it stands for is left out."""

    NO_VALUE = "AWS::NoValue"


class Members(dict[str, "Value"]):
    """A mapping that remembers the places of its keys."""

    def __init__(self, values: "Mapping[str, Value]", marks: Mapping[str, Mark]) -> None:
        super().__init__(values)
        self.marks = marks


Text: TypeAlias = str | Unknown
Value: TypeAlias = "str | Unknown | list[Value] | Members"


def joined(parts: list[Text]) -> Text:
    """Texts put together: secret if one of them is, unknown if one of them is."""
    secrets = [part for part in parts if isinstance(part, Secret) or (isinstance(part, Unknown) and part.secret)]
    unknown = next((part for part in parts if isinstance(part, Unknown)), None)
    if unknown is not None:
        return Unknown(unknown.of, secret=bool(secrets))
    return like("".join(part for part in parts if isinstance(part, str)), secrets)


def like(text: str, parts: Sequence[Text]) -> str:
    """The text, as secret as what it was made of."""
    secrets = [part for part in parts if isinstance(part, Secret)]
    if not secrets:
        return text
    return OnceSecret(text) if all(isinstance(part, OnceSecret) for part in secrets) else Secret(text)


def texts_in(value: object) -> Iterator[Text]:
    """Every text inside a value, keys left out."""
    if isinstance(value, str | Unknown):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_in(each)


def is_secret(value: object) -> bool:
    """Whether there is something secret inside."""
    return any(isinstance(t, Secret) or (isinstance(t, Unknown) and t.secret) for t in texts_in(value))


def is_known(value: object) -> bool:
    """Whether there is nothing unknown inside."""
    return not any(isinstance(text, Unknown) for text in texts_in(value))
