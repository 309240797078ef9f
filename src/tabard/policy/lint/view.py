"""A statement as rules look at it: what its conditions demand, once for all rules.

A key *narrows* when some operator lets only certain values through; it is *demanded* when the statement does not
apply without it. `ForAllValues:` and `IfExists` narrow without demanding, and so count only for what a request is
sure to have, as the subject and audience of a token.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tabard.names.tags import fold
from tabard.policy.conditions import OperatorUse, Quantifier, read_boolean, read_network, read_operator
from tabard.policy.document import VERSION_2012, ConditionBlock, Effect, Policy, Statement
from tabard.policy.lint.spelling import words
from tabard.policy.pattern import Matcher, glob, tokens_of
from tabard.policy.positions import Path

DOORS: Final = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
"""The actions of trust policies that let somebody in; the others only say what may be brought along."""
WHO: Final = frozenset(
    words(
        """
aws:federatedprovider aws:principalaccount aws:principalarn aws:principalisawsservice aws:principalorgid
aws:principalorgpaths aws:principalservicename aws:principalservicenameslist aws:sourceaccount aws:sourcearn
aws:sourceip aws:sourceorgid aws:sourceorgpaths aws:sourceowner aws:sourcevpc aws:sourcevpcarn aws:sourcevpce
aws:userid aws:vpceaccount aws:vpceorgid aws:vpceorgpaths aws:vpcsourceip kms:calleraccount
s3:dataaccesspointaccount
"""
    )
)
"""Keys by which a statement for everybody still chooses whom. Not names, tags and external ids: a stranger can pick
those in an account of its own."""


@dataclass(frozen=True, slots=True)
class Block:
    """One key under one operator. `use` is None where the operator is none."""

    written: ConditionBlock
    use: OperatorUse | None
    key: str
    """Folded."""
    lets_all_through: int | None
    """The index of the first value that matches whatever there is."""

    @property
    def name(self) -> str:
        """The operator's name without qualifiers."""
        return self.use.operator.name if self.use is not None else ""

    @property
    def is_positive(self) -> bool:
        return self.use is not None and not self.use.operator.negated and self.name != "Null"

    @property
    def is_lenient(self) -> bool:
        """Does it hold where the key is absent?"""
        return self.use is not None and (self.use.if_exists or self.use.quantifier is Quantifier.ALL)

    def at(self, index: int | None = None) -> Path:
        place: Path = ("Condition", self.written.operator, self.written.key)
        return place if index is None else (*place, index)


class View:
    """A statement of a policy, looked at."""

    def __init__(self, policy: Policy, statement: Statement) -> None:
        self.statement = statement
        self.allows = statement.effect is Effect.ALLOW
        self.has_variables = policy.version == VERSION_2012
        self.version = policy.version
        self.blocks = tuple(_block(condition) for condition in statement.conditions)

    @cached_property
    def demanded(self) -> frozenset[str]:
        """Keys without which the statement does not apply."""
        return frozenset(
            block.key
            for block in self.blocks
            if (block.is_positive and not block.is_lenient) or _null(block, wanted=False)
        )

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Keys with which it does not."""
        return frozenset(block.key for block in self.blocks if _null(block, wanted=True))

    @cached_property
    def narrowed(self) -> frozenset[str]:
        """Keys of which only certain values, and not their absence, are let through."""
        return frozenset(block.key for block in self.blocks if _narrows(block) and not block.is_lenient)

    @cached_property
    def narrowed_if_there(self) -> frozenset[str]:
        """Keys of which only certain values are let through."""
        return frozenset(block.key for block in self.blocks if _narrows(block))

    @cached_property
    def opens(self) -> frozenset[str]:
        """Which doors of a trust policy the statement's actions are."""
        return frozenset(action for action in DOORS if self.covers(action) is not None)

    def covers(self, action: str) -> int | None:
        """The index of the first `Action` that matches an action, which is given in small letters."""
        return next((i for i, matches in enumerate(self._matchers) if matches(action)), None)

    @cached_property
    def chooses_whom(self) -> bool:
        """Do its conditions choose among everybody?"""
        return not WHO.isdisjoint(self.narrowed)

    @cached_property
    def claims(self) -> dict[str, set[str]]:
        """Issuer → the claims of its tokens by which the statement chooses."""
        found: dict[str, set[str]] = {}
        for key in self.narrowed_if_there:
            issuer, _, claim = key.rpartition(":")
            if key in self.narrowed or claim in SURE_CLAIMS:
                found.setdefault(issuer, set()).add(claim)
        return found

    @cached_property
    def _matchers(self) -> tuple[Matcher, ...]:
        return tuple(glob(tokens_of(action.lower())) for action in self.statement.actions)


SURE_CLAIMS: Final = frozenset({"sub", "aud"})
"""Claims without which a token is refused, so that a condition that forgives their absence still holds them."""


def _block(written: ConditionBlock) -> Block:
    use = read_operator(written.operator)
    name = use.operator.name if use is not None else ""
    through = next((i for i, value in enumerate(written.values) if _matches_all(name, value)), None)
    return Block(written, use, fold(written.key), through)


def _narrows(block: Block) -> bool:
    return block.is_positive and block.lets_all_through is None


def _null(block: Block, *, wanted: bool) -> bool:
    return block.name == "Null" and {read_boolean(value) for value in block.written.values} == {wanted}


def _matches_all(operator: str, value: str) -> bool:
    if operator == "StringLike":
        return "*" in value and not value.strip("*?")
    if operator == "IpAddress":
        network = read_network(value)
        return network is not None and network.bits == 0 and network.shift in (32, 128)
    if operator in ("ArnLike", "ArnEquals"):
        return value.count(":") >= 5 and not value.removeprefix("arn").strip("*:")
    return False
