"""What a policy is called, so that it can be found again: by its ARN, or by what it belongs to.

A managed policy, an organisation's policy and a resource's policy are called by an ARN; a policy that belongs to an
identity by that identity's ARN and a fragment. These names stand in decisions, explanations and refusals.
"""

from typing import Final

SESSION_POLICY: Final = "session-policy"
"""The policy that a session was asked for with; it lives in the session token alone."""
_INLINE: Final = "#policy/"
_TRUST: Final = "#trust-policy"


def inline_policy(owner_arn: str, name: str) -> str:
    """A policy inside a user, group or role."""
    return f"{owner_arn}{_INLINE}{name}"


def trust_policy(role_arn: str) -> str:
    """A role's trust policy."""
    return f"{role_arn}{_TRUST}"


def is_managed(policy: str) -> bool:
    """Whether the policy stands by itself, under an ARN of its own."""
    return policy.startswith("arn:") and "#" not in policy


def owner_of(policy: str) -> str:
    """The ARN of what an inline or trust policy belongs to; empty for every other."""
    owner, fragment, _ = policy.partition("#")
    return owner if fragment else ""


def short_name(policy: str) -> str:
    """What people call it: an inline policy's name, the last part of an ARN."""
    _, fragment, name = policy.partition("#")
    return name.removeprefix("policy/") if fragment else policy.rsplit("/", 1)[-1]
