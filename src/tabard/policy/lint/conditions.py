"""Rules on conditions: what does not hold when it should, holds when it should not, or says something else.

(IAM User Guide, "IAM JSON policy elements: Condition operators", "Multivalued context keys", "Variables and tags".)
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tabard.policy.conditions import (
    Quantifier,
    read_boolean,
    read_bytes,
    read_network,
    read_number,
)
from tabard.policy.document import VERSION_2012
from tabard.policy.instants import read_instant
from tabard.policy.lint import keys
from tabard.policy.lint.findings import Note, condition, quoted
from tabard.policy.lint.spelling import words
from tabard.policy.lint.view import Block, View
from tabard.policy.pattern import split_arn, tokens_of
from tabard.policy.positions import Path
from tabard.policy.variables import Variable, parse_template

_VARIABLE: Final = "${"
_ANY_TAG: Final = "aws:principaltag/"
_DECIDES: Final = frozenset(
    words(
        """
aws:multifactorauthpresent aws:multifactorauthage aws:principalaccount aws:principalarn aws:principalorgid
aws:principalorgpaths aws:sourceaccount aws:sourcearn aws:sourceidentity aws:sourceip aws:sourceorgid aws:sourcevpc
aws:sourcevpce aws:vpcsourceip iam:passedtoservice iam:permissionsboundary iam:policyarn
"""
    )
)
"""Keys on which an allow hangs wherever they stand; in a trust policy all do."""

_READERS: Final[Mapping[str, tuple[Callable[[str], object | None], str]]] = {
    "Numeric": (read_number, "number"),
    "Date": (read_instant, "date"),
    "Bool": (read_boolean, "`true` or `false`"),
    "Null": (read_boolean, "`true` or `false`"),
    "Binary": (read_bytes, "base64"),
    "IpAddress": (read_network, "address or CIDR block"),
    "NotIpAddress": (read_network, "address or CIDR block"),
    "Arn": (lambda text: split_arn(tokens_of(text)), "ARN of six parts"),
}
_EXAMPLES: Final[Mapping[str, str]] = {
    "number": "10",
    "date": "2026-01-31T00:00:00Z",
    "`true` or `false`": "true",
    "base64": "QmluYXJ5",
    "address or CIDR block": "192.0.2.0/24",
    "ARN of six parts": "arn:aws:iam::111122223333:role/*",
}


# ── absent keys ──────────────────────────────────────────────────────────────────────────────────────


def for_all_values(view: View) -> Iterator[Note]:
    """`ForAllValues:` in an Allow, with nothing that demands the key."""
    for block in view.blocks:
        if view.allows and block.use and block.use.quantifier is Quantifier.ALL and block.key not in view.demanded:
            bare = block.written.operator.removeprefix(Quantifier.ALL.value)
            safer = (
                f"{condition(bare, block.written.key)} for a key with one value, else add "
                f"{condition('Null', block.written.key, 'false')}"
            )
            yield Note(
                ("Condition", block.written.operator),
                f"ForAllValues holds where {quoted(block.written.key)} is absent, so that leaving it out gets one in.",
                safer,
            )


def if_exists(view: View) -> Iterator[Note]:
    """`…IfExists` on a key that decides, in an Allow."""
    for block in _if_exists(view):
        if block.key in _DECIDES or block.key.startswith(_ANY_TAG):
            yield _lenient(block)


def if_exists_in_trust(view: View) -> Iterator[Note]:
    """`…IfExists` in the Allow of a trust policy."""
    yield from (_lenient(block) for block in _if_exists(view))


def _if_exists(view: View) -> Iterator[Block]:
    for block in view.blocks:
        if view.allows and block.is_positive and block.use and block.use.if_exists and block.key not in view.demanded:
            yield block


def _lenient(block: Block) -> Note:
    return Note(
        ("Condition", block.written.operator),
        f"The statement allows where {quoted(block.written.key)} is absent, as if the condition were not there.",
        condition(block.written.operator.removesuffix("IfExists"), block.written.key),
    )


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────


def unknown_key(view: View) -> Iterator[Note]:
    """A key that is none."""
    for at, key in _keys(view):
        if not keys.is_known(key):
            meant = keys.meant(key)
            yield Note(
                at,
                f"There is no condition key {quoted(key)}, so it is always absent.",
                quoted(meant) if meant is not None else "a key of docs/reference/condition-keys.md",
            )


def key_never_set(view: View) -> Iterator[Note]:
    """A key of AWS that no request to Tabard has."""
    for at, key in _keys(view):
        if keys.is_never_set(key):
            yield Note(
                at,
                f"No request to Tabard has {quoted(key)}; it says something on AWS only.",
                "a key of docs/reference/condition-keys.md, such as aws:SourceIp or aws:PrincipalArn",
            )


def key_twice(view: View) -> Iterator[Note]:
    """Keys that differ in case only, under one operator."""
    seen: dict[tuple[str, str], str] = {}
    for block in view.blocks:
        first = seen.setdefault((block.written.operator, block.key), block.written.key)
        if first != block.written.key:
            yield Note(
                block.at(),
                f"{quoted(first)} and {quoted(block.written.key)} are one key, and both conditions must hold.",
                f"{condition(block.written.operator, first)} with the values of both",
            )


def _keys(view: View) -> Iterator[tuple[Path, str]]:
    return ((block.at(), block.written.key) for block in view.blocks)


# ── values ───────────────────────────────────────────────────────────────────────────────────────────


def unreadable_value(view: View) -> Iterator[Note]:
    """Values that cannot be read, where others can or where the condition may hold all the same."""
    for block in view.blocks:
        unreadable = _unreadable(block, variables=view.has_variables)
        if not block.written.values and not _cannot_hold(block, unreadable):
            yield Note(
                block.at(),
                "The condition compares with no value at all.",
                condition(block.written.operator, block.written.key, "a value"),
            )
        if len(unreadable) < len(block.written.values) or not _cannot_hold(block, unreadable):
            for index in unreadable:
                kind = _reader(block)[1]
                yield Note(
                    block.at(index),
                    f"{quoted(block.written.values[index])} is not {_article(kind)}, so it matches nothing.",
                    f'"{_EXAMPLES[kind]}"',
                )


def literal_wildcard(view: View) -> Iterator[Note]:
    """`*` where it is a character like any other."""
    for block in view.blocks:
        if not block.name.startswith(("StringEquals", "StringNotEquals")):
            continue
        for index, value in enumerate(block.written.values):
            if "*" in value.replace("${*}", ""):
                like = block.written.operator.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like")
                yield Note(
                    block.at(index),
                    f"{block.name} knows no wildcards: {quoted(value)} matches only a text with a star in it.",
                    f"{condition(like, block.written.key)}, or the whole text",
                )


def needless_like(view: View) -> Iterator[Note]:
    """`StringLike` without a wildcard."""
    for block in view.blocks:
        values = block.written.values
        if block.name in ("StringLike", "StringNotLike") and values and not any("*" in v or "?" in v for v in values):
            yield Note(
                ("Condition", block.written.operator),
                f"No value of {quoted(block.written.key)} has a wildcard; one that is added later may.",
                condition(block.written.operator.replace("Like", "Equals"), block.written.key),
            )


def any_value(view: View) -> Iterator[Note]:
    """A condition that holds for every value."""
    for block in view.blocks:
        # A subject or an external id that may be anything has a rule of its own.
        of_token = "." in block.key.partition(":")[0] or block.key == "sts:externalid"
        if block.is_positive and block.lets_all_through is not None and not of_token:
            yield Note(
                block.at(block.lets_all_through),
                f"Every value of {quoted(block.written.key)} matches; only its presence is tested.",
                f"{condition('Null', block.written.key, 'false')}, if that is meant",
            )


# ── conditions that cannot hold ──────────────────────────────────────────────────────────────────────


def never_allows(view: View) -> Iterator[Note]:
    """An Allow that cannot apply."""
    if view.allows:
        yield from _never(view, "the statement allows nothing")


def never_denies(view: View) -> Iterator[Note]:
    """A Deny that cannot apply."""
    if not view.allows:
        yield from _never(view, "the statement denies nothing")


def _never(view: View, so: str) -> Iterator[Note]:
    statement = view.statement
    for element, patterns in (("NotAction", statement.not_actions), ("NotResource", statement.not_resources)):
        if "*" in patterns:
            at: Path = (element, patterns.index("*"))
            yield Note(at, f"{element} leaves nothing over beside `*`; {so}.", f"{element} with what is to be left out")
    for block in view.blocks:
        unreadable = _unreadable(block, variables=view.has_variables)
        if _cannot_hold(block, unreadable):
            if block.written.values:
                kind = _reader(block)[1]
                why = f"No value is {_article(kind)}, so the condition never holds"
                safer = condition(block.written.operator, block.written.key, _EXAMPLES[kind])
            else:
                why, safer = (
                    "A condition without values never holds",
                    condition(block.written.operator, block.written.key, "a value"),
                )
            yield Note(block.at(), f"{why}; {so}.", safer)
        elif block.key in view.excluded and block.key in view.demanded and not _is_null(block):
            yield Note(
                block.at(),
                f"{quoted(block.written.key)} must be absent by `Null` and present here; {so}.",
                f"{condition('Null', block.written.key, 'false')}, or two statements",
            )


def _cannot_hold(block: Block, unreadable: list[int]) -> bool:
    if len(unreadable) < len(block.written.values):
        return False
    return _is_null(block) or (block.is_positive and not block.is_lenient)


def _is_null(block: Block) -> bool:
    return block.name == "Null"


def _unreadable(block: Block, *, variables: bool) -> list[int]:
    """The values that the operator cannot read. What has variables in it is read with the request."""
    reader = _reader(block)[0]
    resolved = variables and block.use is not None and block.use.operator.variables
    return [
        index
        for index, value in enumerate(block.written.values)
        if reader(value) is None and not (resolved and _VARIABLE in value)
    ]


def _reader(block: Block) -> tuple[Callable[[str], object | None], str]:
    return next((row for name, row in _READERS.items() if block.name.startswith(name)), (str, "text"))


def _article(kind: str) -> str:
    if kind in ("base64", "`true` or `false`"):
        return kind
    return f"an {kind}" if kind[0] in "aA" else f"a {kind}"


# ── variables ────────────────────────────────────────────────────────────────────────────────────────


def variable_in_old_version(view: View) -> Iterator[Note]:
    """`${…}` that is literal text."""
    if view.has_variables:
        return
    for at, text in _with_variables(view):
        yield Note(
            at,
            f"In a document of version {view.version}, which none stated means too, {quoted(text)} is literal text.",
            f'"Version": "{VERSION_2012}"',
        )


def unreadable_variable(view: View) -> Iterator[Note]:
    """`${…}` that cannot be read, or names a key that is none."""
    if not view.has_variables:
        return
    for at, text in _with_variables(view):
        for part in parse_template(text, variables=True):
            if not isinstance(part, Variable):
                continue
            if not part.key:
                yield Note(
                    at,
                    f"A variable in {quoted(text)} cannot be read, so that the text matches nothing.",
                    "${key} or ${key, 'default'}",
                )
            elif not keys.is_known(part.key):
                meant = keys.meant(part.key)
                yield Note(
                    at,
                    f"There is no condition key {quoted(part.key)}, so that {quoted(text)} matches nothing.",
                    quoted(f"${{{meant}}}") if meant is not None else "a key of docs/reference/condition-keys.md",
                )


def _with_variables(view: View) -> Iterator[tuple[Path, str]]:
    statement = view.statement
    for element, texts in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
        yield from (((element, index), text) for index, text in enumerate(texts) if _VARIABLE in text)
    for block in view.blocks:
        if block.use is not None and block.use.operator.variables:
            for index, value in enumerate(block.written.values):
                if _VARIABLE in value:
                    yield block.at(index), value
