"""Operations of IAM as the operator's command line calls them: validated, handled and recorded as over the wire.

A request is written as the form that a client would send, so that nothing is accepted here which the wire refuses.
Nobody signs; the caller is the account itself. Records of what was done are kept until all of it is done.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tabard.actions.authenticated import STSAction
from tabard.actions.desk import Caller, Desk
from tabard.apps import events
from tabard.apps.call import Row
from tabard.faults import Fault
from tabard.names import ids
from tabard.names.arn import root_arn
from tabard.policy.principal import Principal, PrincipalKind
from tabard.wire.faults import answer_to
from tabard.wire.model import service_model

Parameter = str | bool | Sequence[str] | Sequence[Mapping[str, str]] | None
Rows = Mapping[tuple[str, str], Row]
_TEXTS: Final = {True: "true", False: "false"}


class CallRefused(Exception):  # noqa: N818 - a fact, told to whoever applies a template
    """IAM refuses a call. The text says which, with its code and message."""


def operator_of(account: str) -> Caller:
    """Who calls: the account itself, with no key."""
    principal = Principal(kind=PrincipalKind.ROOT, account=account, arn=root_arn(account), unique_id=account)
    return Caller(principal=principal, access_key_id="")


@dataclass(slots=True, kw_only=True)
class Calls:
    """Carries out operations at one desk. `secrets` are texts that no record may show."""

    desk: Desk
    rows: Rows
    operator: str
    stack: str = ""
    logical_id: str = ""
    secrets: tuple[str, ...] = ()
    records: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, operation: str, **parameters: Parameter) -> Any:
        """The operation's answer.

        Raises:
            CallRefused: the request is not valid, or the handler refuses it.
        """
        row = self.rows.get(("iam", operation))
        model = service_model("iam").operations[operation]
        if row is None or isinstance(row.action, STSAction):
            raise CallRefused(f"{operation} is not implemented by Tabard yet")
        try:
            request = row.codec.decode(dict(_form(parameters)))
            response = row.action.handle(request, self.desk)
        except Fault as fault:
            answer = answer_to(fault, model)
            at = f" (at {fault.detail['at']})" if "at" in fault.detail else ""
            raise CallRefused(f"{operation} is refused: {answer.code}: {answer.message or fault.reason}{at}") from fault
        self.records.append(
            events.by_operator(
                operation,
                request=events.hidden(row.describe_request(request), self.secrets),
                response=events.hidden(row.describe_response(response), self.secrets) if response is not None else None,
                account=self.desk.account,
                now=self.desk.now,
                request_id=ids.uuid4(entropy=self.desk.entropy(16)),
                event_id=ids.uuid4(entropy=self.desk.entropy(16)),
                about={"operator": self.operator, "stack": self.stack, "logicalId": self.logical_id},
            )
        )
        return response


def _form(parameters: Mapping[str, Parameter]) -> Iterator[tuple[str, str]]:
    """The fields of the query protocol."""
    for name, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, str | bool):
            yield name, value if isinstance(value, str) else _TEXTS[value]
            continue
        for number, each in enumerate(value, 1):
            if isinstance(each, str):
                yield f"{name}.member.{number}", each
            else:
                for key, inner in each.items():
                    yield f"{name}.member.{number}.{key}", inner
