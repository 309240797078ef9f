"""What the operator does at the store with a command: the actions of the API, with nobody to be proven or authorised.

The operator is nobody of any account, so no policy is asked; whoever can read the master key and write the store could
do as much without us. All else is as in the pipeline: one transaction, and one audit record before it ends.
"""

import getpass
import os
from dataclasses import asdict, dataclass
from typing import Any, Final

from tabard import __version__
from tabard.actions.desk import Action, Caller, Desk
from tabard.apps import events
from tabard.apps.descriptions import describe_request, describe_response
from tabard.apps.wiring import Foundation
from tabard.names.arn import root_arn
from tabard.policy.principal import Principal, PrincipalKind
from tabard.ports.audit import Audit
from tabard.wire.model import ServiceName, service_model

AGENT: Final = f"tabard/{__version__}"
"""What records call the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Someone at the command line."""

    at: Foundation
    audit: Audit

    def do(self, service: ServiceName, action: Action, request: Any, *, account: str) -> Any:
        """What the action answers, done in the place of the root user of `account`."""
        with self.at.store.write() as records:
            desk = Desk(
                records=records,
                caller=in_place_of_root(account),
                now=self.at.clock.now(),
                entropy=self.at.entropy,
                secrets=self.at.ring,
            )
            response = action.handle(request, desk)
            # Before the commit: a change that cannot be audited does not happen.
            self.audit.append(
                events.operated(
                    service=service,
                    name=action.name,
                    account=account,
                    parameters=_parameters(service, action, request),
                    elements=_elements(service, action, response),
                    operator=machine_user(),
                    agent=AGENT,
                    now=desk.now,
                    entropy=self.at.entropy,
                )
            )
        return response


def in_place_of_root(account: str) -> Caller:
    """The account itself, with no key."""
    principal = Principal(kind=PrincipalKind.ROOT, account=account, arn=root_arn(account), unique_id=account)
    return Caller(principal=principal, access_key_id="")


def machine_user() -> str:
    """Who the machine says it is; in a container, the number of the user may be all that is known."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _parameters(service: ServiceName, action: Action, request: Any) -> object:
    operation = service_model(service).operations.get(action.name)
    if operation is not None:
        return describe_request(operation, action.request)(request)
    # An action of our own: no model has names for what it takes.
    return {_camel(name): value for name, value in asdict(request).items() if value is not None}


def _elements(service: ServiceName, action: Action, response: Any) -> object:
    operation = service_model(service).operations.get(action.name)
    return None if operation is None else describe_response(operation, action.response)(response)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
