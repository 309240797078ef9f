"""The question put to the decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tabard.policy.context import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """May the caller do `action` to `resource`?

    `action` is spelled `service:Operation`. `resource` is an ARN, or `*` for an action without resources.
    `resource_account` owns the resource. `context` holds the keys that this action adds (request tags,
    resource tags, `iam:PolicyARN` …), folded as `policy.context` demands; the pipeline adds the global keys,
    which always win.
    """

    action: str
    resource: str
    resource_account: str
    context: Mapping[str, Value] = field(default_factory=dict)
