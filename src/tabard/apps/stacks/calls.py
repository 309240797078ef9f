"""Operations of IAM as the operator's command line calls them: validated, handled and recorded as over the wire.

A request is written as the form that a client would send, so that nothing is accepted here which the wire refuses.
Nobody signs; the caller is the operator, in the place of the account's root user. Records of what was done are kept
until all of it is done.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tabard.actions.authenticated import STSAction
from tabard.actions.desk import Desk
from tabard.apps import events
from tabard.apps.call import Row
from tabard.apps.descriptions import HIDDEN
from tabard.apps.operator import AGENT
from tabard.faults import Fault
from tabard.policy.lint.findings import Finding
from tabard.wire.faults import answer_to
from tabard.wire.model import service_model

Parameter = str | bool | Sequence[str | Mapping[str, str]] | None
Rows = Mapping[tuple[str, str], Row]
_TEXTS: Final = {True: "true", False: "false"}


class CallRefused(Exception):  # noqa: N818 - a fact, told to whoever applies a template
    """IAM refuses a call. The text says which, with its code and message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A policy that was saved, and what it is warned of."""

    stack: str
    logical_id: str
    finding: Finding


@dataclass(slots=True, kw_only=True)
class Calls:
    """Carries out operations at one desk. `secrets` are texts that no record may show."""

    desk: Desk
    rows: Rows
    operator: str
    stack: str = ""
    logical_id: str = ""
    secrets: tuple[str, ...] = ()
    records: list[events.Record] = field(default_factory=list)
    warned: list[Warned] = field(default_factory=list)

    def __call__(self, operation: str, **parameters: Parameter) -> Any:
        """The operation's answer.

        Raises:
            CallRefused: the request is not valid, or the handler refuses it.
        """
        row, model = self.rows["iam", operation], service_model("iam").operations[operation]
        if isinstance(row.action, STSAction):
            raise TypeError(f"{operation} is no action at a desk")
        try:
            request = row.codec.decode(dict(_form(parameters)))
            response = row.action.handle(request, self.desk)
        except Fault as fault:
            answer = answer_to(fault, model)
            at = f" (at {fault.detail['at']})" if "at" in fault.detail else ""
            raise CallRefused(f"{operation} is refused: {answer.code}: {answer.message or fault.reason}{at}") from fault
        warnings = tuple(self.desk.warnings)
        self.desk.warnings.clear()
        self.warned += [Warned(stack=self.stack, logical_id=self.logical_id, finding=each) for each in warnings]
        self.records.append(
            events.operated(
                service="iam",
                name=operation,
                account=self.desk.account,
                parameters=_hidden(msgspec.to_builtins(row.describe_request(request)), self.secrets),
                elements=_hidden(msgspec.to_builtins(row.describe_response(response)), self.secrets),
                operator=self.operator,
                agent=AGENT,
                now=self.desk.now,
                entropy=self.desk.entropy,
                about={"stack": self.stack, "logicalId": self.logical_id},
                warnings=warnings,
            )
        )
        return response


def _hidden(described: Any, secrets: Sequence[str]) -> Any:
    """What is described, with every text that shows a secret hidden."""
    if isinstance(described, str):
        return HIDDEN if any(secret in described for secret in secrets) else described
    if isinstance(described, dict):
        return {name: _hidden(value, secrets) for name, value in described.items()}
    return [_hidden(value, secrets) for value in described] if isinstance(described, list) else described


def _form(parameters: Mapping[str, Parameter]) -> Iterator[tuple[str, str]]:
    """The fields of the query protocol."""
    for name, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, str | bool):
            # Plain texts: what is secret in a template is none of the form's.
            yield name, str(value) if isinstance(value, str) else _TEXTS[value]
            continue
        if not value:
            yield name, ""  # an empty list, which is another thing than none
        for number, each in enumerate(value, 1):
            if isinstance(each, str):
                yield f"{name}.member.{number}", str(each)
            else:
                for key, inner in each.items():
                    yield f"{name}.member.{number}.{key}", str(inner)
