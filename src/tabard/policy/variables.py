"""Policy variables: `${aws:username}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters themselves.

Only documents of version 2012-10-17 have them (IAM User Guide, "IAM policy elements: Variables and tags"). A
value is put in once and is literal from then on: neither a wildcard nor another variable inside it counts. A
variable stands for a single-valued key; a key that is absent and has no default, a multi-valued key, and a
variable that cannot be read stand for nothing, and a text with such a variable in it matches nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from tabard.names.tags import fold
from tabard.policy.context import Context
from tabard.policy.pattern import Tokens, Wild, tokens_of

_OPEN: Final = "${"
_INNER: Final = re.compile(r"\$\{([^}]*+)\}")
_CHARACTERS: Final = frozenset("*?$")
_NOT_IN_KEYS: Final = frozenset("'{}*?$")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; `key` is folded, and empty when the variable cannot be read."""

    key: str
    default: str | None = None


Template: TypeAlias = tuple[str | Wild | Variable, ...]
"""A pattern with variables still in it."""


def parse_template(text: str, *, variables: bool) -> Template:
    """A text with wildcards and, where `variables` is true, variables."""
    if not variables or _OPEN not in text:
        return tokens_of(text)
    parts: list[str | Wild | Variable] = []
    position = 0
    while (start := text.find(_OPEN, position)) >= 0:
        parts.extend(tokens_of(text[position:start]))
        end = text.find("}", start)
        if end < 0:
            return (*parts, Variable(""))
        inner = text[start + len(_OPEN) : end]
        parts.append(inner if inner in _CHARACTERS else _variable(inner))
        position = end + 1
    return (*parts, *tokens_of(text[position:]))


def without_variables(template: Template) -> Tokens | None:
    """The template as a pattern, or None when there is something to resolve."""
    tokens = tuple(part for part in template if not isinstance(part, Variable))
    return tokens if len(tokens) == len(template) else None


def resolve(template: Template, context: Context) -> Tokens | None:
    """The pattern with every value put in, or None when one has no value."""
    tokens: list[str | Wild] = []
    for part in template:
        if not isinstance(part, Variable):
            tokens.append(part)
            continue
        value = context.get(part.key, part.default)
        if not isinstance(value, str):
            return None
        tokens.append(value)
    return tuple(tokens)


def text_with_values(template: Template, context: Context) -> str:
    """The template as text for people: values put in, and what has none left as it was written."""
    parts: list[str] = []
    for part in template:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, Wild):
            parts.append(part.value)
        else:
            value = context.get(part.key, part.default)
            parts.append(value if isinstance(value, str) else f"${{{part.key}}}")
    return "".join(parts)


def written_variables(text: str) -> Iterator[tuple[str, Variable]]:
    """Every variable of a text that can be read, with its key as it is written."""
    for inner in _INNER.findall(text):
        variable = _variable(inner)
        if variable.key:
            yield inner.partition(",")[0].strip(" "), variable


def _variable(inner: str) -> Variable:
    key, comma, default = (part.strip(" ") for part in inner.partition(","))
    if not key or not _NOT_IN_KEYS.isdisjoint(key):
        return Variable("")
    if not comma:
        return Variable(fold(key))
    quoted = len(default) > 1 and default[0] == default[-1] == "'" and "'" not in default[1:-1]
    return Variable(fold(key), default[1:-1]) if quoted else Variable("")
